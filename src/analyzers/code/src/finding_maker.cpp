#include "finding_maker.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::code::detail {

namespace {
constexpr std::uint32_t kSnippetLinesMax = 20;
constexpr std::size_t kSnippetBytesMax = 2048;

findings::Position position(const source::SourceText& text, std::uint32_t offset) {
  const source::LineCol at = text.lines.position(text.text, offset);
  return {at.line, at.col, offset};
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

bool is_test_path(std::string_view path) {
  return path.starts_with("test") || path.find("/test") != std::string_view::npos ||
         path.find("_test.") != std::string_view::npos || path.find(".test.") != std::string_view::npos ||
         path.find(".spec.") != std::string_view::npos || path.find("Test.java") != std::string_view::npos;
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
