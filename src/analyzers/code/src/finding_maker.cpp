#include "finding_maker.hpp"

#include <algorithm>

namespace wrench::code::detail {

namespace {
constexpr std::uint32_t kSnippetLinesMax = 20;
constexpr std::size_t kSnippetBytesMax = 2048;

findings::Position position(const source::SourceText& text, std::uint32_t offset) {
  const source::LineCol at = text.lines.position(text.text, offset);
  return {at.line, at.col, offset};
}
}  // namespace

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
    finding.lines += text.lines.line(text.text, line);
    if (finding.lines.size() > kSnippetBytesMax) {
      finding.lines.resize(kSnippetBytesMax);
      break;
    }
  }
  return finding;
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
