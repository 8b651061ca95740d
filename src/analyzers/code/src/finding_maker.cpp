#include "finding_maker.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {

namespace {
constexpr std::uint32_t kSnippetLinesMax = 20;
constexpr std::size_t kSnippetBytesMax = 2048;

findings::Position position(const source::SourceText& text, std::uint32_t offset) {
  const source::LineCol at = text.lines.position(text.text, offset);
  return {at.line, at.col, offset};
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// REDIS_TEST, SELF_TEST, UNIT_TESTS: a macro that ends in "test".
bool names_tests(std::string_view condition) {
  std::size_t from = 0;
  for (std::size_t at = 0; at <= condition.size(); ++at) {
    if (at < condition.size() && is_word(condition[at])) continue;
    const std::string word = to_lower_ascii(condition.substr(from, at - from));
    if (word.ends_with("_test") || word.ends_with("_tests") || word == "test" || word == "tests") return true;
    from = at + 1;
  }
  return false;
}
}  // namespace

findings::Position PositionCursor::at(std::uint32_t offset) {
  if (line_end_ == 0 || offset < line_first_ || offset >= line_end_) {
    const findings::Position found = position(text_, offset);
    line_ = found.line;
    col_ = found.col;
    offset_ = offset;
    line_first_ = text_.lines.line_start(line_);
    line_end_ = line_ < text_.lines.line_count() ? text_.lines.line_start(line_ + 1) : text_.text.size() + 1;
    return found;
  }
  const std::string_view text = text_.text;
  if (offset >= offset_) {
    col_ += static_cast<std::uint32_t>(count_code_points(text.substr(offset_, offset - offset_)));
  } else {
    col_ -= static_cast<std::uint32_t>(count_code_points(text.substr(offset, offset_ - offset)));
  }
  offset_ = offset;
  return {line_, col_, offset};
}

findings::Location location(const source::SourceText& text, Span span, PositionCursor& cursor) {
  const findings::Position first = cursor.at(span.first);
  return {text.path, first, cursor.at(span.end), text.content_id};
}

findings::Location location(const source::SourceText& text, Span span) {
  return {text.path, position(text, span.first), position(text, span.end), text.content_id};
}

findings::Finding make_finding(const source::SourceText& text, Span span, std::string_view rule,
                               findings::Severity severity, findings::Confidence confidence,
                               findings::Category category, std::string title, std::string message) {
  findings::Finding finding;
  finding.rule = rule;
  finding.severity = severity;
  finding.confidence = confidence;
  finding.category = category;
  finding.title = std::move(title);
  finding.message = std::move(message);
  finding.where = location(text, span);
  const std::uint32_t last = std::min(finding.where.end.line, finding.where.start.line + kSnippetLinesMax - 1);
  for (std::uint32_t line = finding.where.start.line; line <= last; ++line) {
    if (line != finding.where.start.line) finding.lines += '\n';
    finding.lines += text.lines.line(text.text, line).substr(0, kSnippetBytesMax);
    if (finding.lines.size() > kSnippetBytesMax) {
      finding.lines.resize(kSnippetBytesMax);
      finding.lines = repair_utf8(finding.lines);
      break;
    }
  }
  return finding;
}

std::string first_lines(std::string_view text, std::uint64_t first, std::uint64_t end) {
  constexpr std::size_t kBytesMax = 2048;
  constexpr int kLinesMax = 20;
  if (first > text.size()) return {};
  auto from = static_cast<std::size_t>(first);
  while (from > 0 && text[from - 1] != '\n') --from;
  std::size_t to = from;
  for (int line = 0; line < kLinesMax && to < text.size() && to < end; ++line) {
    const std::size_t stop = text.find('\n', to);
    to = stop == std::string_view::npos ? text.size() : stop + 1;
  }
  if (to > from && text[to - 1] == '\n') --to;
  return std::string(text.substr(from, std::min(to - from, kBytesMax)));
}

bool is_test_path(std::string_view path) { return source::is_test_path(path); }

std::vector<Span> self_tests(std::string_view text, source::Language language) {
  std::vector<Span> out;
  if (language != source::Language::C && language != source::Language::Cpp) return out;
  std::size_t depth = 0;
  std::size_t test_depth = 0;  // 0: outside of a test.
  for (std::size_t line_first = 0; line_first < text.size();) {
    const std::size_t line_end = std::min(text.find('\n', line_first), text.size());
    const std::string_view line = trim(text.substr(line_first, line_end - line_first));
    if (line.starts_with('#')) {
      const std::string_view directive = trim(line.substr(1));
      if (directive.starts_with("if")) {
        ++depth;
        if (test_depth == 0 && !directive.starts_with("ifndef") && names_tests(directive)) {
          test_depth = depth;
          out.push_back({static_cast<std::uint32_t>(line_first), static_cast<std::uint32_t>(text.size())});
        }
      } else if (test_depth == depth && test_depth != 0 &&
                 (directive.starts_with("endif") || directive.starts_with("el"))) {
        out.back().end = static_cast<std::uint32_t>(line_first);
        test_depth = 0;
      }
      if (directive.starts_with("endif") && depth > 0) --depth;
    }
    line_first = line_end + 1;
  }
  return out;
}

bool within(const std::vector<Span>& spans, std::uint32_t offset) {
  return std::ranges::any_of(spans, [&](const Span& span) { return span.first <= offset && offset < span.end; });
}

std::string enclosing_symbol(const Ir& ir, const Atoms& atoms, NodeIndex i) {
  std::string symbol;
  for (NodeIndex up = ir[i].parent; up != kNoNode; up = ir[up].parent) {
    const Kind kind = ir[up].kind;
    if ((kind != Kind::Function && kind != Kind::Class) || ir[up].atom == kNoAtom) continue;
    const std::string name(atoms.text(ir[up].atom));
    symbol = symbol.empty() ? name : name + "." + symbol;
  }
  return symbol;
}

}  // namespace wrench::code::detail
