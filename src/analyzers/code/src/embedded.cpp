#include "embedded.hpp"

#include <algorithm>

#include "generic_pattern.hpp"
#include "match_formula.hpp"

namespace wrench::code {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Spaces before the first word of each line but blank ones, at least.
std::size_t shared_indent(std::string_view text) {
  std::size_t shared = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::size_t first = at;
    while (first < end && is_blank(text[first])) ++first;
    if (first < end) shared = std::min(shared, first - at);
    at = end + 1;
  }
  return shared == std::string_view::npos ? 0 : shared;
}

/// Without quotes or the indicator line of a YAML block.
std::pair<std::uint32_t, std::uint32_t> contents_of(std::string_view file, std::uint32_t first, std::uint32_t end) {
  const std::string_view written = file.substr(first, end - first);
  if (written.size() >= 2 && written.front() == written.back() &&
      (written.front() == '"' || written.front() == '\'' || written.front() == '`'))
    return {first + 1, end - 1};
  if (!written.starts_with('|') && !written.starts_with('>')) return {first, end};
  std::size_t at = 1;
  while (at < written.size() &&
         (written[at] == '-' || written[at] == '+' || (written[at] >= '0' && written[at] <= '9')))
    ++at;
  while (at < written.size() && is_blank(written[at])) ++at;
  if (at < written.size() && written[at] == '\n') return {first + static_cast<std::uint32_t>(at + 1), end};
  return {first, end};
}

}  // namespace

std::uint32_t EmbeddedText::in_file(std::uint32_t offset) const {
  const auto after = std::upper_bound(pieces.begin(), pieces.end(), offset,
                                      [](std::uint32_t value, const Piece& piece) { return value < piece.first; });
  const Piece& piece = *(after - 1);
  return piece.in_file + (offset - piece.first);
}

EmbeddedText embedded_text(std::string_view file, std::uint32_t first, std::uint32_t end) {
  const auto [inner_first, inner_end] = contents_of(file, first, end);
  const std::string_view text = file.substr(inner_first, inner_end - inner_first);
  EmbeddedText out;
  // A single line keeps its place; of several, the first may begin in the middle of its line.
  const bool from_line_start = inner_first == 0 || file[inner_first - 1] == '\n';
  const std::size_t indent = from_line_start ? shared_indent(text) : 0;
  if (indent == 0) {
    out.text = text;
    out.pieces.push_back({0, inner_first});
    return out;
  }
  for (std::size_t at = 0; at < text.size();) {
    std::size_t stop = text.find('\n', at);
    stop = stop == std::string_view::npos ? text.size() : stop + 1;
    const std::size_t from = std::min(at + indent, std::max(at, stop - 1));
    out.pieces.push_back({static_cast<std::uint32_t>(out.text.size()), inner_first + static_cast<std::uint32_t>(from)});
    out.text += text.substr(from, stop - from);
    at = stop;
  }
  if (out.pieces.empty()) out.pieces.push_back({0, inner_first});
  return out;
}

const std::vector<GenericToken>& EmbeddedReader::generic(std::string_view file, GenericOptions::Comments comments) {
  const auto [entry, added] = generic_.try_emplace(comments);
  if (added) entry->second = read_generic(file, comments, GenericSyntax::Text);
  return entry->second;
}

std::vector<Match> FormulaRun::generic(const Formula& formula, const Window& window, const Bindings* outer) {
  const GenericPattern& pattern = *formula.generic;
  const bool whole = window.first == 0 && window.end == text_.size();
  const std::string_view text = text_.substr(window.first, window.end - window.first);
  if (!may_match(pattern, text)) return {};
  if (whole) {
    auto& cached = leaves_[formula.leaf];
    if (!cached && embedded_ != nullptr)
      cached = match_generic(pattern, text_, embedded_->generic(text_, pattern.options.comments), budget_);
    if (!cached)
      cached =
          match_generic(pattern, text_, read_generic(text_, pattern.options.comments, GenericSyntax::Text), budget_);
    return outer == nullptr ? *cached : confined(*cached, window, outer);
  }
  std::vector<Match> found =
      match_generic(pattern, text, read_generic(text, pattern.options.comments, GenericSyntax::Text), budget_);
  for (Match& match : found) {
    match.first += window.first;
    match.end += window.first;
    for (auto& [name, bound] : match.bindings) {
      bound.first += window.first;
      bound.end += window.first;
    }
  }
  return confined(found, window, outer);
}

bool FormulaRun::holds_embedded(const Condition& condition, Match& match, const Bound& bound) {
  using source::Language;
  const Language language = *condition.embedded;
  if (language == Language::Unknown || language == Language::Text) {
    const auto [first, end] = contents_of(text_, bound.first, bound.end);
    const std::vector<Match> found = evaluate(*condition.formula, Window{first, end}, &match.bindings);
    if (found.empty()) return false;
    match.bindings = found.front().bindings;
    return true;
  }
  if (embedded_ == nullptr || bound.end <= bound.first) return false;
  const EmbeddedText inner = embedded_text(text_, bound.first, bound.end);
  const auto ir = embedded_->parse(language, inner.text);
  // A string that isn't of that language, or is too large for it, is no match.
  if (!ir) return false;
  const FileIndex index(*ir, embedded_->atoms(), inner.text);
  FormulaRun run(&index, inner.text, atoms_, rule_, budget_, embedded_);
  const Window whole{0, static_cast<std::uint32_t>(inner.text.size())};
  for (const Match& found : run.evaluate(*condition.formula, whole, nullptr)) {
    Bindings moved;
    for (const auto& [name, value] : found.bindings) {
      Bound outside;
      outside.first = inner.in_file(value.first);
      outside.end = value.end > value.first ? inner.in_file(value.end - 1) + 1 : outside.first;
      moved.emplace_back(name, outside);
    }
    Bindings merged = match.bindings;
    if (!merge(merged, moved)) continue;
    match.bindings = std::move(merged);
    return true;
  }
  return false;
}

}  // namespace wrench::code
