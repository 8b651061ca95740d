#include "wrench/source/source_text.hpp"

#include <algorithm>
#include <cstring>

#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::source {

namespace {

std::string from_utf16(std::string_view bytes, bool big_endian) {
  std::string out;
  out.reserve(bytes.size());
  const auto unit = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(bytes[at]), b = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? a << 8 | b : b << 8 | a);
  };
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      const char32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    append_utf8(out, c);  // A lone surrogate becomes U+FFFD.
  }
  return out;
}

}  // namespace

LineTable::LineTable(std::string_view text) {
  // Offsets are 32 bits: discovery bounds files far below that.
  WRENCH_ASSERT(text.size() < 0xffffffffU);
  starts_.reserve(text.size() / 32 + 1);
  if (std::memchr(text.data(), '\r', text.size()) == nullptr) {
    for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
      starts_.push_back(static_cast<std::uint32_t>(at + 1));
    return;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n' || (text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n')))
      starts_.push_back(static_cast<std::uint32_t>(at + 1));
  }
}

LineCol LineTable::position(std::string_view text, std::uint64_t offset) const {
  offset = std::min<std::uint64_t>(offset, text.size());
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), static_cast<std::uint32_t>(offset));
  const auto start = *(next - 1);
  return {static_cast<std::uint32_t>(next - starts_.begin()),
          static_cast<std::uint32_t>(count_code_points(text.substr(start, offset - start)) + 1)};
}

std::uint64_t LineTable::line_start(std::uint32_t number) const {
  WRENCH_ASSERT(number >= 1 && number <= line_count());
  return starts_[number - 1];
}

std::string_view LineTable::line(std::string_view text, std::uint32_t number) const {
  if (number < 1 || number > line_count()) return {};
  const std::size_t start = starts_[number - 1];
  const std::size_t end = number < line_count() ? starts_[number] : text.size();
  auto line = text.substr(start, end - start);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

DecodedText decode_text(std::string bytes) {
  DecodedText out;
  out.encoding = "utf-8";
  const std::string_view view = bytes;
  if (view.starts_with("\xEF\xBB\xBF")) {
    out.text = bytes.substr(3);
  } else if (view.starts_with("\xFF\xFE") || view.starts_with("\xFE\xFF")) {
    const bool big_endian = view.front() == '\xFE';
    out.encoding = big_endian ? "utf-16be" : "utf-16le";
    out.text = from_utf16(view.substr(2), big_endian);
  } else {
    out.text = std::move(bytes);
  }
  if (!is_valid_utf8(out.text)) {
    // Columns, snippets and every output format need valid text; U+FFFD keeps what can be read.
    out.encoding = "invalid-utf-8";
    out.text = repair_utf8(out.text);
  }
  return out;
}

SourceText make_source_text(std::string path, std::string project_path, std::string bytes, std::string content_id) {
  SourceText out;
  out.path = std::move(path);
  out.project_path = std::move(project_path);
  out.content_id = content_id.empty() ? "sha256:" + crypto::sha256_hex(bytes) : std::move(content_id);
  auto decoded = decode_text(std::move(bytes));
  out.text = std::move(decoded.text);
  out.encoding = std::move(decoded.encoding);
  out.language = detect_language(out.project_path, std::string_view(out.text).substr(0, kLanguageProbeBytes));
  out.lines = LineTable(out.text);
  return out;
}

}  // namespace wrench::source
