#include "fix_lines.hpp"

#include "wrench/base/text.hpp"

namespace wrench::findings {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.emplace_back(line);
  }
  return out;
}

/// Bytes of the first `columns` code points.
std::size_t bytes_of(std::string_view line, std::size_t columns) {
  std::size_t at = 0;
  for (; columns > 0 && at < line.size(); --columns) next_code_point(line, at);
  return at;
}

}  // namespace

LineChange line_change(const Finding& finding) {
  if (!finding.fix || finding.fix->edits.size() != 1) return {};
  const Edit& edit = finding.fix->edits.front();
  const Position &start = finding.where.start, &end = finding.where.end;
  if (edit.where.start != start || edit.where.end != end) return {};
  LineChange out;
  out.before = lines_of(finding.lines);
  // A range that ends with a line end shows no line more.
  const bool whole_lines = end.col == 1 && end.line > start.line;
  const std::size_t wanted = end.line - start.line + (whole_lines ? 0 : 1);
  if (out.before.size() != wanted || wanted > kFixLinesShown) return {};
  const std::string& first = out.before.front();
  const std::string& last = out.before.back();
  std::string after = first.substr(0, bytes_of(first, start.col - 1)) + edit.text;
  if (!whole_lines)
    after += last.substr(bytes_of(last, end.col - 1));
  else if (after.ends_with('\n'))
    after.pop_back();
  out.after = lines_of(after);
  if (out.after.size() > kFixLinesShown) return {};
  // Taken away to the last character: no line is left.
  if (out.after.size() == 1 && out.after.front().empty()) out.after.clear();
  return out;
}

}  // namespace wrench::findings
