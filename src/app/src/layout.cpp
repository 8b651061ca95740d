#include "layout.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

constexpr std::size_t kLeftColumnMax = 30;
/// Prose in fewer columns than these is no longer readable beside another column.
constexpr std::size_t kRightColumnMin = 24;

std::string_view mark(bool unicode) { return unicode ? "…" : "..."; }
std::size_t mark_width(bool unicode) { return unicode ? 1 : 3; }

/// Bytes of the longest beginning that fits.
std::size_t bytes_that_fit(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t used = 0; at < text.size();) {
    std::size_t next = at;
    next_code_point(text, next);
    used += display_width(text.substr(at, next - at));
    if (used > width) break;
    at = next;
  }
  return at;
}

}  // namespace

std::string pad(std::string_view text, std::size_t width) {
  const auto shown = display_width(text);
  return std::string(text) + std::string(shown < width ? width - shown : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  const auto shown = display_width(text);
  return std::string(shown < width ? width - shown : 0, ' ') + std::string(text);
}

std::string clip(std::string_view text, std::size_t width, bool unicode) {
  if (display_width(text) <= width) return std::string(text);
  if (width < mark_width(unicode)) return std::string(text.substr(0, bytes_that_fit(text, width)));
  return std::string(text.substr(0, bytes_that_fit(text, width - mark_width(unicode)))) + std::string(mark(unicode));
}

std::string clip_front(std::string_view text, std::size_t width, bool unicode) {
  auto left = display_width(text);
  if (left <= width) return std::string(text);
  if (width < mark_width(unicode)) return clip(text, width, unicode);
  std::size_t at = 0;
  while (at < text.size() && left > width - mark_width(unicode)) {
    std::size_t next = at;
    next_code_point(text, next);
    left -= display_width(text.substr(at, next - at));
    at = next;
  }
  return std::string(mark(unicode)) + std::string(text.substr(at));
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    auto& line = lines.back();
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.emplace_back(word);
    } else {
      if (!line.empty()) line += ' ';
      line += word;
    }
  }
  return lines;
}

std::string quoted_for_shell(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  return "'" + replace_all(word, "'", "'\\''") + "'";
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, const PageStyle& style) {
  constexpr std::size_t kIndent = 2, kGap = 2;
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, std::min(display_width(left), kLeftColumnMax));
  std::size_t right_from = kIndent + width + kGap;
  const bool below = right_from + kRightColumnMin > style.width;
  if (below) right_from = 2 * kIndent + kGap;
  const std::size_t room = std::max(kRightColumnMin, style.width - std::min(style.width, right_from));
  std::string out;
  for (const auto& [left, right] : rows) {
    out += std::string(kIndent, ' ') + left;
    if (below || display_width(left) > width)
      out += "\n" + std::string(right_from, ' ');
    else
      out += std::string(width - display_width(left) + kGap, ' ');
    bool first = true;
    for (const auto& line : wrap(right, room)) {
      if (!first) out += std::string(right_from, ' ');
      out += line + "\n";
      first = false;
    }
  }
  return out;
}

}  // namespace wrench::app
