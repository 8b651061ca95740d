#include "judgement.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "../core/report_paths.hpp"
#include "wrench/base/text.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::agents {
namespace {

using findings::Category;
using findings::Finding;
using findings::Severity;

/// Weaknesses that need a value from outside: injection, traversal, request forgery.
constexpr std::string_view kInputWeaknesses[] = {"CWE-22",  "CWE-77",  "CWE-78",  "CWE-79", "CWE-88",
                                                 "CWE-89",  "CWE-90",  "CWE-94",  "CWE-95", "CWE-643",
                                                 "CWE-918", "CWE-943", "CWE-1336"};

/// Last parts of the rules whose finding says that its whole range never runs.
constexpr std::string_view kDeadCodeRules[] = {"unreachable-code", "unused-function", "unused-private-function"};

constexpr std::size_t kCallBytesMax = 4096;
constexpr std::size_t kShownBytesMax = 120;

std::string_view last_part(std::string_view rule) { return rule.substr(rule.rfind('.') + 1); }

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool contains(const findings::Location& outer, const findings::Location& inner) {
  return outer.path == inner.path && outer.start.offset <= inner.start.offset && inner.end.offset <= outer.end.offset &&
         outer.start.line < outer.end.line;
}

/// Measures of one function: splitting it mends them together.
constexpr std::string_view kFunctionRules[] = {"cognitive-complexity", "cyclomatic-complexity", "long-function",
                                               "deep-nesting"};
constexpr std::string_view kDuplicateRule = "duplicate";

constexpr std::string_view kCycleRule = "import-cycle";

/// Why a finding isn't one where it stands, or empty. Nobody outside can reach a test, the speed of tests and examples
/// is nobody's, suites are long and repeat themselves on purpose, and an example is made to be read at once. Leaked
/// secrets and plain mistakes count there, too.
std::string_view harmless_there(const Finding& finding, const ReportPaths& paths) {
  const auto in_tests = [&](const findings::Location& where) {
    return source::is_test_path(paths.below_root(where.path));
  };
  const auto aside = [&](const findings::Location& where) {
    return in_tests(where) || source::is_example_path(paths.below_root(where.path));
  };
  if (!aside(finding.where)) return {};
  const bool test = in_tests(finding.where);
  switch (finding.category) {
    case Category::Performance:
      return test ? "test code: its speed isn't the product's" : "example: its speed isn't the product's";
    case Category::Security:
      return test && finding.severity < Severity::Critical ? "test code: nobody outside can reach it" : "";
    case Category::Maintainability:
      // A copy of product code in a test is a copy of product code.
      if (!std::ranges::all_of(finding.related, [&](const auto& other) { return aside(other.where); })) return {};
      return test ? "test code: suites are long and repeat themselves on purpose"
                  : "example: it shows one thing in one place on purpose";
    case Category::Structure:
      if (last_part(finding.rule) != kCycleRule) return {};
      return test ? "test code: nothing is built on it" : "example: nothing is built on it";
    default:
      return {};
  }
}

bool needs_input_from_outside(const Finding& finding) {
  return finding.category == Category::Security && finding.trace.empty() &&
         std::ranges::any_of(finding.cwe, [](const std::string& cwe) { return is_one_of(cwe, kInputWeaknesses); });
}

/// Dead ranges of each file, as the findings that say so.
using DeadCode = std::multimap<std::string_view, const Finding*>;

DeadCode find_dead_code(std::span<const Finding* const> findings) {
  DeadCode dead;
  for (const Finding* finding : findings)
    if (!finding->suppressed && is_one_of(last_part(finding->rule), kDeadCodeRules) &&
        finding->confidence == findings::Confidence::High)
      dead.emplace(finding->where.path, finding);
  return dead;
}

std::string at(const findings::Location& where) { return where.path + ":" + std::to_string(where.start.line); }

std::optional<Disproved> disprove(const Finding& finding, const ReportPaths& paths, const DeadCode& dead,
                                  const findings::SourceLookup& sources) {
  if (const auto why = harmless_there(finding, paths); !why.empty())
    return Disproved{&finding, "place", std::string(why), "path:" + finding.where.path};
  if (finding.category == Category::Security || finding.category == Category::Performance) {
    const auto [begin, end] = dead.equal_range(finding.where.path);
    for (auto it = begin; it != end; ++it)
      if (it->second != &finding && contains(it->second->where, finding.where))
        return Disproved{&finding, "dead_code", "it never runs: see " + at(it->second->where),
                         "finding:" + it->second->fingerprint};
  }
  if (!needs_input_from_outside(finding)) return std::nullopt;
  const auto text = sources.text(finding.where.path);
  const auto begin = finding.where.start.offset;
  const auto end = finding.where.end.offset;
  if (text == nullptr || end > text->size() || begin >= end || end - begin > kCallBytesMax) return std::nullopt;
  const std::string_view call = std::string_view(*text).substr(begin, end - begin);
  if (!has_constant_arguments(call)) return std::nullopt;
  return Disproved{&finding, "constant_arguments", "all arguments are constants: nothing from outside gets in",
                   "text:" + escape_for_display(call.substr(0, kShownBytesMax))};
}

bool share_weakness(const Finding& a, const Finding& b) {
  return std::ranges::any_of(a.cwe,
                             [&](const std::string& cwe) { return std::ranges::find(b.cwe, cwe) != b.cwe.end(); });
}

bool is_better(const Finding& a, const Finding& b) {
  return std::tuple(a.rank, a.severity, a.confidence, a.trace.size(), std::string_view(b.fingerprint)) >
         std::tuple(b.rank, b.severity, b.confidence, b.trace.size(), std::string_view(a.fingerprint));
}

/// Why two findings that begin on one line have one cause, so that one change mends both; empty when they haven't.
std::string_view common_cause(const Finding& a, const Finding& b) {
  const std::string_view rule_a = last_part(a.rule);
  const std::string_view rule_b = last_part(b.rule);
  if (is_one_of(rule_a, kFunctionRules) && is_one_of(rule_b, kFunctionRules)) return "one function that does too much";
  if (rule_a == kDuplicateRule && rule_b == kDuplicateRule) return "copies of one piece of code";
  // Two hits of another rule on a line are two places to mend.
  if (a.rule != b.rule && share_weakness(a, b)) return "the same weakness on the same line";
  return {};
}

std::vector<Merged> merge(std::vector<const Finding*> standing) {
  std::ranges::stable_sort(standing, [](const Finding* a, const Finding* b) {
    return std::tie(a->where.path, a->where.start.line) < std::tie(b->where.path, b->where.start.line);
  });
  std::vector<Merged> all;
  for (std::size_t begin = 0, end = 0; begin < standing.size(); begin = end) {
    while (end < standing.size() && standing[end]->where.path == standing[begin]->where.path &&
           standing[end]->where.start.line == standing[begin]->where.start.line)
      ++end;
    if (end - begin < 2) continue;
    std::vector<const Finding*> line(standing.begin() + static_cast<std::ptrdiff_t>(begin),
                                     standing.begin() + static_cast<std::ptrdiff_t>(end));
    std::ranges::sort(line, [](const Finding* a, const Finding* b) { return is_better(*a, *b); });
    while (line.size() > 1) {
      Merged one{line.front(), {}, {}};
      std::vector<const Finding*> rest;
      for (std::size_t i = 1; i < line.size(); ++i) {
        if (const auto cause = common_cause(*line[i], *one.kept); !cause.empty()) {
          one.others.push_back(line[i]);
          one.why = std::string(cause) + ": " + at(one.kept->where);
        } else {
          rest.push_back(line[i]);
        }
      }
      if (!one.others.empty()) all.push_back(std::move(one));
      line = std::move(rest);
    }
  }
  return all;
}

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Reads a call's text from left to right. Outside of parentheses stand the callee's names; inside, only literals and
/// names of keyword arguments are allowed.
class CallReader {
 public:
  explicit CallReader(std::string_view text) : text_(text) {}

  bool all_constant() {
    while (at_ < text_.size())
      if (!step()) return false;
    return depth_ == 0 && saw_literal_ && saw_call_;
  }

 private:
  static constexpr std::string_view kConstants[] = {"True", "False", "None",      "true", "false",
                                                    "null", "nil",   "undefined", "NULL", "nullptr"};

  bool step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'' || c == '`') return string();
    if (is_name_start(c)) return name();
    if (is_digit(c)) return number();
    ++at_;
    if (c == '(' || c == '[' || c == '{') {
      // Only what follows a name is called; "{" outside of a call begins code.
      if (depth_ == 0 && c != '(') return false;
      saw_call_ |= depth_ == 0;
      ++depth_;
      return true;
    }
    if (c == ')' || c == ']' || c == '}') return --depth_ >= 0;
    if (depth_ == 0) return c == '.' || c == ';' || c == ':' || c == '-' || c == '>' || is_space(c);
    return c == ',' || c == '=' || c == ':' || c == '+' || c == '-' || c == '.' || is_space(c);
  }

  bool string() {
    const char quote = text_[at_];
    const bool formatted = std::exchange(formatted_, false);
    ++at_;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\') ++at_;
      // "${x}", "$x", "#{x}", f"{x}": what the text becomes isn't constant.
      const bool dollar = at_ + 1 < text_.size() && text_[at_] == '$' && quote != '\'' &&
                          (text_[at_ + 1] == '{' || is_name_start(text_[at_ + 1]));
      const bool hash = at_ + 1 < text_.size() && text_[at_] == '#' && text_[at_ + 1] == '{';
      if (dollar || hash || (formatted && text_[at_] == '{')) return false;
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    saw_literal_ |= depth_ > 0;
    return depth_ > 0;
  }

  bool name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    if (depth_ == 0) return true;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (is_one_of(word, kConstants)) return true;
    // A string's prefix: b"…", r'…'.
    if (word.size() <= 2 && at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      formatted_ = word.find_first_of("fF") != std::string_view::npos;
      return true;
    }
    std::size_t next = at_;
    while (next < text_.size() && is_space(text_[next])) ++next;
    const bool keyword = next < text_.size() && (text_[next] == '=' || text_[next] == ':') &&
                         (next + 1 >= text_.size() || (text_[next + 1] != '=' && text_[next + 1] != ':'));
    return keyword;
  }

  bool number() {
    while (at_ < text_.size() && (is_digit(text_[at_]) || is_name_start(text_[at_]) || text_[at_] == '.')) ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool formatted_ = false;  ///< The next string is an f-string.
  bool saw_literal_ = false, saw_call_ = false;
};

}  // namespace

bool has_constant_arguments(std::string_view call) { return CallReader(trim(call)).all_constant(); }

Judgement judge_findings(std::span<const Finding* const> findings, std::string_view root,
                         const findings::SourceLookup& sources) {
  const ReportPaths paths(root);
  const DeadCode dead = find_dead_code(findings);
  Judgement judgement;
  for (const Finding* finding : findings) {
    if (finding->suppressed) continue;
    if (auto disproved = disprove(*finding, paths, dead, sources))
      judgement.disproved.push_back(*std::move(disproved));
    else
      judgement.standing.push_back(finding);
  }
  judgement.merged = merge(judgement.standing);
  return judgement;
}

}  // namespace wrench::agents
