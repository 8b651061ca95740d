#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "width_tables.hpp"
#include "wrench/base/text.hpp"

namespace wrench {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  std::size_t bytes;  // for an invalid sequence: the length of its maximal subpart
  bool valid;
};

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// Table 3-7 of Unicode 15: the second byte's range depends on the first, which is what rules out overlong
// forms, surrogates and values above U+10FFFF.
Decoded decode(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xC2 || first > 0xF4) return {kReplacement, 1, false};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  char32_t code_point = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || byte_at(text, at + i) < low || byte_at(text, at + i) > high)
      return {kReplacement, i, false};
    code_point = (code_point << 6) | (byte_at(text, at + i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, length, true};
}

bool contains(const detail::CodePointRange* begin, const detail::CodePointRange* end, char32_t code_point) {
  const auto* found =
      std::lower_bound(begin, end, code_point, [](const detail::CodePointRange& r, char32_t c) { return r.last < c; });
  return found != end && found->first <= code_point;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// What changes how text looks without being seen: bidi controls ("Trojan Source", CVE-2021-42574), zero-width
// and filler characters, line and paragraph separators, tags.
constexpr detail::CodePointRange kUnseen[] = {
    {0xAD, 0xAD},     {0x34F, 0x34F},     {0x61C, 0x61C},     {0x115F, 0x1160},   {0x17B4, 0x17B5}, {0x180B, 0x180F},
    {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},   {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

void append_hex(std::string& out, char32_t value, int digits) {
  constexpr char kUpper[] = "0123456789ABCDEF";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kUpper[(value >> shift) & 0xF];
}

/// The first place from `at` on that may not be ASCII: most texts are, eight bytes at a time.
std::size_t ascii_until(std::string_view bytes, std::size_t at) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  for (std::uint64_t word = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
  return at;
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  for (std::size_t at = ascii_until(bytes, 0); at < bytes.size(); at = ascii_until(bytes, at)) {
    const auto decoded = decode(bytes, at);
    if (!decoded.valid) return false;
    at += decoded.bytes;
  }
  return true;
}

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t plain = ascii_until(bytes, at);
    out += bytes.substr(at, plain - at);
    at = plain;
    if (at == bytes.size()) break;
    const auto decoded = decode(bytes, at);
    if (decoded.valid)
      out += bytes.substr(at, decoded.bytes);
    else
      append_utf8(out, kReplacement);
    at += decoded.bytes;
  }
  return out;
}

std::size_t count_code_points(std::string_view utf8) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < utf8.size(); ++count) next_code_point(utf8, at);
  return count;
}

char32_t next_code_point(std::string_view utf8, std::size_t& at) {
  const auto decoded = decode(utf8, at);
  at += decoded.valid ? decoded.bytes : 1;
  return decoded.code_point;
}

void append_utf8(std::string& out, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = kReplacement;
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto c = next_code_point(utf8, at);
    if (c >= 0x20 && c < 0x7F)
      ++width;
    else if (is_control(c) || contains(std::begin(detail::kZeroWidth), std::end(detail::kZeroWidth), c))
      continue;
    else
      width += contains(std::begin(detail::kWide), std::end(detail::kWide), c) ? 2 : 1;
  }
  return width;
}

std::string escape_for_display(std::string_view text, Newlines newlines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode(text, at);
    const char32_t c = decoded.code_point;
    if (c == '\t' || (c == '\n' && newlines == Newlines::Keep)) {
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (is_control(c)) {
      constexpr char kLower[] = "0123456789abcdef";
      out += "\\x";
      out += kLower[c >> 4];
      out += kLower[c & 0xF];
    } else if (contains(std::begin(kUnseen), std::end(kUnseen), c)) {
      out += "U+";
      append_hex(out, c, c > 0xFFFF ? 5 : 4);
    } else {
      append_utf8(out, c);
    }
    at += decoded.bytes;
  }
  return out;
}

}  // namespace wrench
