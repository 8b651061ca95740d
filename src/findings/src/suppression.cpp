#include "wrench/findings/suppression.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/fingerprint.hpp"

namespace wrench::findings {
namespace {

constexpr std::size_t kReasonBytesMax = 500;  ///< Of one suppression.

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

bool is_id_char(char c) { return is_word(c) || c == '.' || c == '/' || c == ':' || c == '*'; }

bool is_real_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto time = parse_rfc3339(text);
  return time.ok() && format_date(*time) == text;
}

// What may close a comment that the directive stands in.
std::string_view without_closers(std::string_view text) {
  constexpr std::array<std::string_view, 8> kClosers = {"*/", "-->", "--%>", "%>", "--]]", "#}", "-}", "*)"};
  text = trim(text);
  for (const std::string_view closer : kClosers) {
    if (text.ends_with(closer)) return trim(text.substr(0, text.size() - closer.size()));
  }
  return text;
}

Position position_at(std::string_view text, const std::vector<std::uint64_t>& line_starts, std::uint64_t offset) {
  const auto after = std::upper_bound(line_starts.begin(), line_starts.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - line_starts.begin());
  const std::uint64_t start = *(after - 1);
  const auto col = static_cast<std::uint32_t>(1 + count_code_points(text.substr(start, offset - start)));
  return Position{.line = line, .col = col, .offset = offset};
}

}  // namespace

bool names_rule(std::string_view id, std::string_view rule) {
  if (id == rule) return true;
  if (id.ends_with(".*")) return id.size() > 2 && rule.starts_with(id.substr(0, id.size() - 1));
  const std::size_t dot = rule.rfind('.');
  return dot != std::string_view::npos && rule.substr(dot + 1) == id;
}

Suppressions::Suppressions(std::string_view text, std::span<const CommentSpan> comments, std::string_view today) {
  for (const CommentSpan& span : comments) {
    const std::uint64_t end = std::min<std::uint64_t>(span.end, text.size());
    if (span.begin >= end) continue;
    const std::string_view comment = text.substr(span.begin, end - span.begin);
    // Nearly all comments hold no directive: find that out before the lines are counted.
    const bool may_hold_one =
        comment.find("wrench-ignore") != std::string_view::npos || comment.find("nosem") != std::string_view::npos ||
        comment.find("nosec") != std::string_view::npos || comment.find("gitleaks:allow") != std::string_view::npos;
    if (!may_hold_one) continue;
    if (line_starts_.empty()) {
      line_starts_.push_back(0);
      for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        line_starts_.push_back(at + 1);
      }
    }
    read_comment(text, {span.begin, end}, today);
  }
}

void Suppressions::read_comment(std::string_view text, CommentSpan comment, std::string_view today) {
  struct Word {
    std::string_view text;
    Kind kind;
  };
  // Longer words first: "wrench-ignore" begins "wrench-ignore-file".
  static constexpr std::array<Word, 6> kWords = {{{"wrench-ignore-file", Kind::File},
                                                  {"wrench-ignore", Kind::Line},
                                                  {"nosemgrep", Kind::Semgrep},
                                                  {"nosem", Kind::Semgrep},
                                                  {"nosec", Kind::Security},
                                                  {"gitleaks:allow", Kind::Secret}}};
  std::uint64_t at = comment.begin;
  while (at < comment.end) {
    const std::size_t newline = text.find('\n', at);
    const std::uint64_t line_end =
        newline == std::string_view::npos ? comment.end : std::min<std::uint64_t>(newline, comment.end);
    const std::string_view line = text.substr(at, line_end - at);
    std::size_t found_at = std::string_view::npos;
    const Word* found = nullptr;
    for (const Word& word : kWords) {
      for (std::size_t p = line.find(word.text); p != std::string_view::npos; p = line.find(word.text, p + 1)) {
        const bool starts = p == 0 || !is_word(line[p - 1]);
        const std::size_t after = p + word.text.size();
        if (!starts || (after < line.size() && is_word(line[after]))) continue;
        if (p < found_at) {
          found_at = p;
          found = &word;
        }
        break;
      }
    }
    if (found != nullptr && directives_.size() < kDirectivesPerFileMax) {
      Directive directive;
      directive.kind = found->kind;
      directive.start = position_at(text, line_starts_, at + found_at);
      const std::string_view source = without_closers(line.substr(found_at));
      directive.end = position_at(text, line_starts_, at + found_at + source.size());
      directive.source = collapse_white_space(source);
      const std::uint64_t line_start = line_starts_[directive.start.line - 1];
      const std::string_view before = text.substr(line_start, at + found_at - line_start);
      // Alone: only the comment's own opening stands before it ("    # ", "/* ", "<!-- ").
      directive.alone_on_line = std::none_of(before.begin(), before.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
      });
      parse_ids(source.substr(found->text.size()), today, directive);
      if (directive.kind == Kind::File && directive.start.line > kFileDirectiveLinesMax) {
        directive.problem = "it must stand in the first " + std::to_string(kFileDirectiveLinesMax) + " lines";
      }
      directives_.push_back(std::move(directive));
    }
    at = line_end + 1;
  }
}

void Suppressions::parse_ids(std::string_view body, std::string_view today, Directive& directive) {
  const bool own = directive.kind == Kind::Line || directive.kind == Kind::File;
  // A rule id may hold "--" itself, so the reason's dashes need white space before them.
  for (std::size_t dashes = body.find("--"); dashes != std::string_view::npos; dashes = body.find("--", dashes + 1)) {
    if (dashes > 0 && body[dashes - 1] != ' ' && body[dashes - 1] != '\t') continue;
    directive.reason = repair_utf8(trim(body.substr(dashes + 2)).substr(0, kReasonBytesMax));
    body = body.substr(0, dashes);
    break;
  }
  // nosec and gitleaks:allow stand for the line; ids after them belong to those tools.
  if (directive.kind == Kind::Security || directive.kind == Kind::Secret) return;
  body = trim(body);
  if (!body.starts_with(':')) {
    if (own) directive.problem = "it names no rule: write 'wrench-ignore: <rule id> -- <reason>'";
    return;
  }
  body.remove_prefix(1);
  std::string_view rest = body;
  while (true) {
    rest = trim(rest);
    std::size_t length = 0;
    while (length < rest.size() && is_id_char(rest[length])) ++length;
    if (length == 0) break;
    directive.ids.emplace_back(rest.substr(0, length));
    rest = trim(rest.substr(length));
    if (!rest.starts_with(',')) break;
    rest.remove_prefix(1);
  }
  if (own && directive.ids.empty()) {
    directive.problem = "it names no rule: write 'wrench-ignore: <rule id> -- <reason>'";
    return;
  }
  if (!own || rest.empty()) return;
  if (!rest.starts_with("until")) {
    directive.problem = "unknown text after the rule ids: give the reason after ' -- '";
    return;
  }
  directive.until = trim(rest.substr(5));
  if (!is_real_date(directive.until)) {
    directive.problem = "'until' needs a date as YYYY-MM-DD";
    return;
  }
  directive.expired = directive.until < today;
}

bool Suppressions::covers(const Directive& directive, const Finding& finding) {
  if (!directive.problem.empty() || directive.expired) return false;
  const std::uint32_t line = finding.where.start.line;
  const bool on_line = directive.start.line == line;
  const bool line_before = directive.alone_on_line && directive.start.line + 1 == line;
  switch (directive.kind) {
    case Kind::File:
      break;
    case Kind::Line:
    case Kind::Semgrep:
      if (!on_line && !line_before) return false;
      break;
    case Kind::Security:
      return on_line && finding.category == Category::Security;
    case Kind::Secret:
      return on_line && finding.category == Category::Secret;
  }
  if (directive.ids.empty()) return directive.kind == Kind::Semgrep;
  return std::any_of(directive.ids.begin(), directive.ids.end(),
                     [&](const std::string& id) { return names_rule(id, finding.rule); });
}

std::optional<Suppressed> Suppressions::match(const Finding& finding) {
  std::optional<Suppressed> result;
  for (Directive& directive : directives_) {
    if (!covers(directive, finding)) continue;
    // All that cover it are used: of two equal directives neither is called superfluous at random.
    directive.used = true;
    if (!result) {
      result = Suppressed{.kind = directive.kind == Kind::File ? "file" : "inline",
                          .reason = directive.reason,
                          .source = directive.source};
    }
  }
  return result;
}

std::vector<Finding> Suppressions::complaints(const std::string& path, const std::string& project_path,
                                              Unused unused) const {
  std::vector<Finding> findings;
  Fingerprinter fingerprinter(project_path);
  for (const Directive& directive : directives_) {
    if (directive.kind != Kind::Line && directive.kind != Kind::File) continue;
    Finding finding;
    if (!directive.problem.empty()) {
      finding.rule = "wrench.suppression.malformed";
      finding.title = "Suppression isn't understood";
      finding.message = "This suppression has no effect: " + directive.problem + ".";
    } else if (directive.expired) {
      finding.rule = "wrench.suppression.expired";
      finding.title = "Suppression has expired";
      finding.message = "This suppression ended on " + directive.until + " and has no effect any more. " +
                        "Fix what it hid, or decide again and give a later date.";
    } else if (!directive.used && unused == Unused::Report) {
      finding.rule = "wrench.suppression.unused";
      finding.title = "Suppression covers nothing";
      finding.message = "No finding of " + join(directive.ids, ", ") + " is here any more. Remove the comment.";
    } else {
      continue;
    }
    finding.severity = Severity::Info;
    finding.confidence = Confidence::High;
    finding.category = Category::Maintainability;
    finding.where = Location{.path = path, .start = directive.start, .end = directive.end, .content = {}};
    finding.lines = directive.source;
    fingerprinter.stamp(finding, directive.source);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace wrench::findings
