#include "wrench/findings/text_edit.hpp"

#include <algorithm>

#include "wrench/base/assert.hpp"

namespace wrench::findings {

bool overlap(const TextEdit& a, const TextEdit& b) {
  if (a.first == b.first) return a.end != a.first || b.end != b.first || a.end == b.end;
  const TextEdit& left = a.first < b.first ? a : b;
  const TextEdit& right = a.first < b.first ? b : a;
  return right.first < left.end;
}

std::vector<std::size_t> without_overlaps(std::span<const TextEdit> edits) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < edits.size(); ++i)
    if (out.empty() || !overlap(edits[out.back()], edits[i])) out.push_back(i);
  return out;
}

std::string apply_edits(std::string_view text, std::span<const TextEdit> edits) {
  std::string out;
  std::uint64_t copied = 0;
  for (const TextEdit& edit : edits) {
    WRENCH_ASSERT(edit.first >= copied && edit.first <= edit.end && edit.end <= text.size());
    out += text.substr(copied, edit.first - copied);
    out += edit.text;
    copied = edit.end;
  }
  out += text.substr(copied);
  return out;
}

std::string with_line_ends_of(std::string_view text, std::string replacement) {
  if (replacement.find_first_of("\r\n") == std::string::npos) return replacement;
  bool lf = false, crlf = false, cr = false;
  for (std::size_t at = text.find_first_of("\r\n"); at != std::string_view::npos; at = text.find_first_of("\r\n", at)) {
    const bool pair = text.substr(at).starts_with("\r\n");
    (pair ? crlf : text[at] == '\n' ? lf : cr) = true;
    at += pair ? 2 : 1;
  }
  // Where they are mixed nothing says which one a new line wants.
  if (static_cast<int>(lf) + static_cast<int>(crlf) + static_cast<int>(cr) != 1) return replacement;
  const std::string_view line_end = crlf ? "\r\n" : lf ? "\n" : "\r";
  std::string out;
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    if (replacement[at] != '\r' && replacement[at] != '\n') {
      out += replacement[at];
      continue;
    }
    out += line_end;
    if (std::string_view(replacement).substr(at).starts_with("\r\n")) ++at;
  }
  return out;
}

EditedPlaces::EditedPlaces(std::span<const TextEdit> edits) {
  std::uint64_t copied = 0, written = 0;
  for (const TextEdit& edit : edits) {
    written += edit.first - copied;
    moved_.push_back({edit.first, edit.end, written, written + edit.text.size()});
    written += edit.text.size();
    copied = edit.end;
  }
}

std::uint64_t EditedPlaces::of(std::uint64_t offset) const {
  // The last edit that begins at or before the place.
  const auto after = std::upper_bound(moved_.begin(), moved_.end(), offset,
                                      [](std::uint64_t at, const Moved& edit) { return at < edit.first; });
  if (after == moved_.begin()) return offset;
  const Moved& edit = *std::prev(after);
  return offset < edit.end || offset == edit.first ? edit.new_first : edit.new_end + (offset - edit.end);
}

std::uint64_t EditedPlaces::of_end(std::uint64_t offset) const {
  const auto after = std::lower_bound(moved_.begin(), moved_.end(), offset,
                                      [](const Moved& edit, std::uint64_t at) { return edit.first < at; });
  if (after == moved_.begin()) return offset;
  const Moved& edit = *std::prev(after);
  return offset <= edit.end ? edit.new_end : edit.new_end + (offset - edit.end);
}

}  // namespace wrench::findings
