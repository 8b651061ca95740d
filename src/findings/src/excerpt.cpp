#include "excerpt.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::findings {
namespace {

constexpr std::size_t kRememberedFilesMax = 256;
constexpr std::size_t kColumnsMax = 400;
constexpr std::size_t kColumnsBeforeMark = 80;
constexpr std::size_t kLineBytesMax = 64 * 1024;  ///< Longer lines are cut where a report shows code.
constexpr std::uint32_t kTabColumns = 4;

std::string shown(std::string_view text) {
  return replace_all(escape_for_display(text), "\t", std::string(kTabColumns, ' '));
}

// The first `count` code points.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (count-- > 0 && at < text.size()) next_code_point(text, at);
  return at;
}

ExcerptLine make_line(std::uint32_t number, std::string_view text, const Location& where) {
  ExcerptLine line;
  line.number = number;
  while (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  line.is_match = number >= where.start.line && number <= where.end.line &&
                  !(number == where.end.line && where.end.col <= 1 && number > where.start.line);
  std::size_t begin = 0;
  std::size_t end = 0;
  if (line.is_match) {
    begin = number == where.start.line ? bytes_of(text, where.start.col - 1) : 0;
    end = number == where.end.line ? bytes_of(text, where.end.col - 1) : text.size();
    end = std::max(begin, end);
    while (number != where.start.line && begin < end && (text[begin] == ' ' || text[begin] == '\t')) ++begin;
  }
  std::size_t from = 0;
  std::size_t to = text.size();
  if (count_code_points(text) > kColumnsMax) {
    const std::size_t before = count_code_points(text.substr(0, begin));
    from = bytes_of(text, before > kColumnsBeforeMark ? before - kColumnsBeforeMark : 0);
    to = from + bytes_of(text.substr(from), kColumnsMax);
    end = std::min(end, to);
  }
  if (from > 0) line.text += "\xE2\x80\xA6";
  line.text += shown(text.substr(from, begin - from));
  line.mark_begin = line.text.size();
  line.text += shown(text.substr(begin, end - begin));
  line.mark_end = line.text.size();
  line.text += shown(text.substr(end, to - end));
  if (to < text.size()) line.text += "\xE2\x80\xA6";
  return line;
}

}  // namespace

const Excerpts::Text* Excerpts::text_of(const Location& where) {
  auto found = texts_.find(where.path);
  if (found == texts_.end()) {
    if (texts_.size() >= kRememberedFilesMax) texts_.clear();
    Text text;
    text.bytes = sources_.text(where.path);
    if (text.bytes != nullptr) {
      text.line_starts.push_back(0);
      for (std::size_t at = text.bytes->find('\n'); at != std::string::npos; at = text.bytes->find('\n', at + 1)) {
        text.line_starts.push_back(at + 1);
      }
      if (!where.content.empty()) text.content = "sha256:" + crypto::sha256_hex(*text.bytes);
    }
    found = texts_.emplace(where.path, std::move(text)).first;
  }
  const Text& text = found->second;
  if (text.bytes == nullptr) return nullptr;
  if (!where.content.empty() && !text.content.empty() && where.content != text.content) return nullptr;
  return &text;
}

std::vector<ExcerptLine> Excerpts::of(const Location& where, const std::string& fallback, std::uint32_t around,
                                      std::uint32_t lines_max) {
  std::vector<ExcerptLine> lines;
  const std::uint32_t start_line = std::max<std::uint32_t>(where.start.line, 1);
  const Text* text = text_of(where);
  if (text == nullptr) {
    if (fallback.empty()) return lines;
    std::uint32_t number = start_line;
    for (const std::string_view line : split(fallback, '\n')) {
      if (lines.size() >= lines_max) break;
      lines.push_back(make_line(number++, mask_.in_text(line.substr(0, kLineBytesMax)), where));
    }
    return lines;
  }
  const auto line_count = static_cast<std::uint32_t>(text->line_starts.size());
  const std::uint32_t last_match = std::min(std::max(where.end.line, start_line), start_line + lines_max - 1);
  const std::uint32_t first = start_line > around ? start_line - around : 1;
  const std::uint32_t last = std::min(last_match + around, line_count);
  for (std::uint32_t number = first; number <= last; ++number) {
    const std::uint64_t begin = text->line_starts[number - 1];
    const std::uint64_t end = number < line_count ? text->line_starts[number] : text->bytes->size();
    if (number == line_count && begin == end) break;  // What follows the last newline is no line.
    const std::string_view raw =
        std::string_view(*text->bytes).substr(begin, std::min<std::uint64_t>(end - begin, kLineBytesMax));
    lines.push_back(make_line(number, mask_.in_source(where.path, raw, begin), where));
  }
  return lines;
}

}  // namespace wrench::findings
