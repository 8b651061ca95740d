#include "wrench/secrets/secret_scanner.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "rules_state.hpp"
#include "value_checks.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::secrets {

using findings::Confidence;
using findings::Finding;

namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kLinesBytesMax = 2048;
constexpr std::uint32_t kLinesMax = 20;

struct Hit {
  std::uint32_t rule = 0;
  source::RegexSpan match, secret;
  Confidence confidence = Confidence::High;
  bool checksum_fits = true;
};

Confidence one_step_lower(Confidence confidence) {
  return confidence == Confidence::High ? Confidence::Medium : Confidence::Low;
}

// Manuals and examples show values of their own making.
bool is_documentation(std::string_view path) {
  const std::string lower = to_lower_ascii(path);
  const std::string_view file = std::string_view(lower).substr(lower.rfind('/') + 1);
  return lower.starts_with("docs/") || lower.starts_with("doc/") || lower.starts_with("examples/") ||
         lower.find("/docs/") != lower.npos || lower.find("/doc/") != lower.npos ||
         lower.find("/examples/") != lower.npos || lower.find("/example/") != lower.npos ||
         file.starts_with("readme") || file.ends_with(".md") || file.ends_with(".rst") || file.ends_with(".adoc");
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// The name to which the secret belongs: the match up to the secret, with the word that it begins in.
std::string_view name_before(std::string_view text, const Hit& hit) {
  std::size_t first = hit.match.first;
  while (first > 0 && hit.match.first - first < kNameBytesMax && is_word(text[first - 1])) --first;
  return text.substr(first, std::min(hit.secret.first - first, 2 * kNameBytesMax));
}

// "postgres://user:password@host": whether the password is one.
bool is_real_password(std::string_view password, std::string_view match) {
  if (is_placeholder(password)) return false;
  // The user of Oracle's manuals, and of the examples of half the libraries for databases.
  if (match.find("://scott:tiger") != match.npos) return false;
  static constexpr std::string_view kUsual[] = {
      "password", "passwd",   "pass",   "pwd",     "secret",      "user",        "test",    "root",
      "admin",    "postgres", "mysql",  "guest",   "changeme",    "xxx",         "token",   "username",
      "pw",       "foo",      "bar",    "hunter2", "p4ssw0rd",    "key",         "mongo",   "redis",
      "rabbitmq", "bitnami",  "docker", "dev",     "development", "local",       "pass123", "123456",
      "1234",     "123",      "qwerty", "abc123",  "password123", "my-password", "a"};
  const auto at = match.rfind('@');
  const std::string_view host = at == match.npos ? std::string_view() : match.substr(at + 1);
  const bool local = host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]") ||
                     host.starts_with("example.") || host.find(".example") != host.npos || host.starts_with("host");
  // RFC 2606 keeps these for manuals: nobody logs in there.
  for (const std::string_view reserved : {"example.com", "example.org", "example.net"})
    if (host == reserved || host.ends_with("." + std::string(reserved))) return false;
  const auto is_usual = [](std::string_view word) {
    return std::find(std::begin(kUsual), std::end(kUsual), word) != std::end(kUsual);
  };
  // "pass%20pass" shows how a blank is written, not a password.
  const auto lower = to_lower_ascii(password);
  const auto words = replace_all(lower, "%20", " ");
  if (std::ranges::all_of(split(words, ' '), is_usual)) return false;
  return !local || (entropy_bits(password) > 3 && !is_readable(password));
}

}  // namespace

struct SecretScanner::State {
  SecretRules rules;
  SecretOptions options;
  source::PatternSet::Scratch scratch{};

  // Of the text being scanned.
  std::vector<std::size_t> done_until{};  // By rule: places before it were looked at.
  std::vector<std::uint32_t> counts{};
  std::vector<signed char> conditions{};  // By rule: -1 unknown, 0 the file doesn't qualify, 1 it does.
  std::vector<source::RegexSpan> groups{};
  std::vector<Hit> hits{};
  std::vector<findings::Partial> partial{};

  const SecretRules::State& set() const { return *rules.state_; }

  void begin() {
    const std::size_t rule_count = set().rules.size();
    done_until.assign(rule_count, 0);
    counts.assign(rule_count, 0);
    conditions.assign(rule_count, -1);
    hits.clear();
    partial.clear();
  }

  bool has_keyword(std::string_view text, const SecretRule& rule) const {
    return rule.keywords.empty() || std::any_of(rule.keywords.begin(), rule.keywords.end(), [&](const auto& word) {
             return contains_ignoring_case_ascii(text, word);
           });
  }

  bool file_qualifies(const source::SourceText& text, std::uint32_t rule_index) {
    auto& known = conditions[rule_index];
    if (known >= 0) return known == 1;
    const auto& rule = set().rules[rule_index];
    const auto& compiled = set().compiled[rule_index];
    bool fits = has_keyword(text.text, rule);
    if (fits && compiled.path) fits = compiled.path->contains(text.project_path) == source::Regex::Outcome::Match;
    if (fits && options.drop_hash_fields && rule.form != Form::Prefix) fits = !is_hash_list(text.path);
    known = fits ? 1 : 0;
    return fits;
  }

  // Everything that is known about the value and its surroundings.
  bool is_secret(std::string_view text, Hit& hit) const {
    const auto& rule = set().rules[hit.rule];
    const auto& compiled = set().compiled[hit.rule];
    const std::string_view secret = text.substr(hit.secret.first, hit.secret.end - hit.secret.first);
    const std::string_view match = text.substr(hit.match.first, hit.match.end - hit.match.first);
    if (secret.empty()) return false;
    if (rule.entropy > 0 && entropy_bits(secret) <= rule.entropy) return false;
    if (!rule.stopwords.empty()) {
      const std::string lower = to_lower_ascii(secret);
      for (const auto& word : rule.stopwords)
        if (lower.find(to_lower_ascii(word)) != std::string::npos) return false;
    }
    if (compiled.allow && compiled.allow->contains(secret) == source::Regex::Outcome::Match) return false;
    switch (rule.structure) {
      case Structure::None:
        break;
      case Structure::Jwt:
        if (!is_jwt(secret)) return false;
        break;
      case Structure::Pem:
        if (!is_pem_key(secret)) return false;
        break;
      case Structure::ConnectionPassword:
        if (!is_real_password(secret, match)) return false;
        if (is_readable(secret)) hit.confidence = Confidence::Low;  // Weak, or made up for a comment.
        break;
    }
    if (options.drop_placeholders && rule.structure == Structure::None) {
      if (is_placeholder(secret)) return false;
      if (rule.form != Form::Prefix && has_example_word(secret)) return false;
      if (rule.form == Form::Generic && is_readable(secret)) return false;
    }
    if (options.drop_hash_fields && rule.form != Form::Prefix && names_a_hash(name_before(text, hit))) return false;
    if (rule.checksum == Checksum::Base62Crc32) {
      const auto body = secret.rfind('_');
      hit.checksum_fits = has_base62_crc32(body == secret.npos ? secret : secret.substr(body + 1));
      // Mistyped, cut or made up; still worth a look.
      if (!hit.checksum_fits) hit.confidence = Confidence::Low;
    }
    return true;
  }

  void look_at(std::string_view text, std::string_view path, std::uint32_t rule_index, std::size_t end) {
    const auto& rule = set().rules[rule_index];
    const auto& compiled = set().compiled[rule_index];
    std::size_t from = std::max(done_until[rule_index], end > kMatchWidthMax ? end - kMatchWidthMax : 0);
    const std::string_view window = text.substr(0, std::min(text.size(), end + kMatchWidthMax));
    // The span may begin anywhere before `end`, and a first one may hide the one that ends there.
    while (from < end) {
      if (compiled.regex.search(window, from, groups) != source::Regex::Outcome::Match || groups[0].first >= end) break;
      Hit hit{.rule = rule_index, .match = groups[0], .secret = groups[0], .confidence = rule.confidence};
      if (rule.group != 0) {
        if (groups[rule.group].matched()) hit.secret = groups[rule.group];
      } else {
        for (std::size_t g = 1; g < groups.size(); ++g) {
          if (!groups[g].matched() || groups[g].first == groups[g].end) continue;
          hit.secret = groups[g];
          break;
        }
      }
      from = std::max(hit.match.end, hit.match.first + 1);
      if (!is_secret(text, hit)) continue;
      if (counts[rule_index]++ >= options.findings_per_rule_max) {
        if (counts[rule_index] == options.findings_per_rule_max + 1)
          partial.push_back({"findings_max", std::string(path), rule.id,
                             "more than " + std::to_string(options.findings_per_rule_max) + " in this file"});
        break;
      }
      hits.push_back(hit);
    }
    done_until[rule_index] = std::max(from, end);
  }

  /// Key pairs and passwords of test suites and examples are made for them. A provider's token isn't: somebody got it
  /// for an account.
  static findings::Severity severity_in_tests(const SecretRule& rule) {
    if (rule.structure == Structure::Pem) return findings::Severity::Info;
    return rule.form == Form::Prefix ? findings::Severity::Medium : findings::Severity::Low;
  }

  Finding finding_of(const source::SourceText& source, const Hit& hit) const {
    const auto& rule = set().rules[hit.rule];
    const std::string_view text = source.text;
    const auto place = [&](std::size_t offset) {
      const auto at = source.lines.position(text, offset);
      return findings::Position{at.line, at.col, offset};
    };
    Finding finding;
    finding.rule = rule.id;
    finding.rule_file = rule.file;
    finding.title = rule.title;
    finding.message = rule.message;
    if (!hit.checksum_fits) finding.message += " Its check digits don't fit: mistyped, cut off or made up.";
    finding.severity = hit.checksum_fits ? rule.severity : findings::Severity::Low;
    finding.confidence = hit.confidence;
    if (options.lower_test_confidence && (source::is_test_path(source.project_path) ||
                                          (rule.form != Form::Prefix && is_documentation(source.project_path))))
      finding.confidence = one_step_lower(finding.confidence);
    const bool made_up =
        (rule.structure == Structure::Pem || rule.form != Form::Prefix) && source::is_example_path(source.project_path);
    if (options.lower_test_confidence && (source::is_test_path(source.project_path) || made_up))
      finding.severity = std::min(finding.severity, severity_in_tests(rule));
    // What only looks like a secret there is nearly always made up for the reader.
    if (options.lower_test_confidence && finding.confidence == Confidence::Low) {
      if (source::is_test_path(source.project_path))
        finding.severity = std::min(finding.severity, findings::Severity::Low);
      if (is_documentation(source.project_path)) finding.severity = findings::Severity::Info;
    }
    finding.category = findings::Category::Secret;
    finding.cwe = {"CWE-798"};
    finding.where = {source.path, place(hit.secret.first), place(hit.secret.end), source.content_id};
    finding.secrets = {finding.where};
    finding.fix = findings::Fix{.description = rule.advice};
    return finding;
  }
};

namespace {

// The lines of the finding with every secret of the file masked.
std::string masked_lines(const source::SourceText& source, const Finding& finding,
                         std::span<const source::RegexSpan> secrets) {
  const std::uint32_t last = std::min(finding.where.end.line, finding.where.start.line + kLinesMax - 1);
  const auto begin = static_cast<std::size_t>(source.lines.line_start(finding.where.start.line));
  const auto last_line = source.lines.line(source.text, last);
  auto end = static_cast<std::size_t>(source.lines.line_start(last)) + last_line.size();
  // Of a very long line only the surroundings.
  std::size_t first = begin;
  if (end - first > kLinesBytesMax) {
    const auto at = static_cast<std::size_t>(finding.where.start.offset);
    first = std::max(begin, at > kLinesBytesMax / 4 ? at - kLinesBytesMax / 4 : 0);
    end = std::min(end, first + kLinesBytesMax);
  }
  std::string out;
  std::size_t at = first;
  for (const auto& secret : secrets) {
    if (secret.end <= at) continue;
    if (secret.first >= end) break;
    const std::size_t from = std::max(secret.first, at);
    out.append(source.text, at, from - at);
    const std::size_t to = std::min(secret.end, end);
    const std::string_view part = std::string_view(source.text).substr(from, to - from);
    out += from == secret.first && to == secret.end ? findings::masked_secret(part) : std::string(part.size(), '*');
    at = to;
  }
  if (at < end) out.append(source.text, at, end - at);
  return repair_utf8(out);
}

}  // namespace

SecretScanner::SecretScanner(SecretRules rules, SecretOptions options)
    : state_(std::make_unique<State>(State{.rules = std::move(rules), .options = options})) {}
SecretScanner::SecretScanner(SecretScanner&&) noexcept = default;
SecretScanner& SecretScanner::operator=(SecretScanner&&) noexcept = default;
SecretScanner::~SecretScanner() = default;

bool SecretScanner::may_find(std::string_view text) {
  auto& state = *state_;
  const auto& set = state.set();
  if (!set.patterns || text.empty()) return false;
  state.begin();
  set.patterns->scan(text, state.scratch, [&](std::uint32_t rule, std::uint64_t end) {
    if (end <= state.done_until[rule]) return true;
    auto& known = state.conditions[rule];
    if (known < 0) known = state.has_keyword(text, set.rules[rule]) ? 1 : 0;
    if (known == 0) {
      state.done_until[rule] = text.size();
      return true;
    }
    state.look_at(text, {}, rule, static_cast<std::size_t>(end));
    return state.hits.empty();
  });
  return !state.hits.empty();
}

SecretResult SecretScanner::scan(const source::SourceText& text) {
  auto& state = *state_;
  const auto& set = state.set();
  SecretResult result;
  if (!set.patterns || text.text.empty()) return result;
  state.begin();
  set.patterns->scan(text.text, state.scratch, [&](std::uint32_t rule, std::uint64_t end) {
    if (end > state.done_until[rule]) {
      if (state.file_qualifies(text, rule)) {
        state.look_at(text.text, text.path, rule, static_cast<std::size_t>(end));
      } else {
        state.done_until[rule] = text.text.size();
      }
    }
    return true;
  });
  result.partial = std::move(state.partial);

  // One finding for a place: the surest form, then the wider span, then the rule that was written first.
  auto& hits = state.hits;
  std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
    const auto key = [&](const Hit& hit) {
      return std::tuple(set.rules[hit.rule].form, -static_cast<int>(hit.confidence),
                        -static_cast<std::int64_t>(hit.secret.end - hit.secret.first), hit.secret.first, hit.rule);
    };
    return key(a) < key(b);
  });
  std::vector<Hit> kept;
  std::vector<source::RegexSpan> spans;  // Sorted, apart from each other.
  for (const auto& hit : hits) {
    const auto next = std::lower_bound(spans.begin(), spans.end(), hit.secret.first,
                                       [](const source::RegexSpan& span, std::size_t at) { return span.end <= at; });
    if (next != spans.end() && next->first < hit.secret.end) continue;
    spans.insert(next, hit.secret);
    kept.push_back(hit);
  }
  std::sort(kept.begin(), kept.end(), [](const Hit& a, const Hit& b) { return a.secret.first < b.secret.first; });
  findings::Fingerprinter fingerprinter(text.project_path);
  for (const auto& hit : kept) {
    Finding finding = state.finding_of(text, hit);
    finding.lines = masked_lines(text, finding, spans);
    const std::string_view secret =
        std::string_view(text.text).substr(hit.secret.first, hit.secret.end - hit.secret.first);
    const std::string_view line = text.lines.line(text.text, finding.where.start.line);
    // A line as long as a file isn't what identifies the place.
    const bool one_line = line.size() <= kLinesBytesMax && finding.where.start.line == finding.where.end.line;
    fingerprinter.stamp(finding, findings::line_text(one_line ? line : secret, secret));
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace wrench::secrets
