#include <algorithm>
#include <array>
#include <iterator>

#include "wrench/base/text.hpp"

namespace wrench {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// Decodes one sequence. Returns its length, or 0 with `bad` = length of the maximal invalid subpart.
std::size_t decode(std::string_view s, std::size_t at, char32_t& out, std::size_t& bad) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(at);
  bad = 1;
  if (lead < 0x80) {
    out = lead;
    return 1;
  }
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // Bounds of the second byte, table 3-7 of the Unicode standard.
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    out = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    out = lead & 0x0FU;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    out = lead & 0x07U;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= s.size() || byte(at + i) < low || byte(at + i) > high) {
      bad = i;
      return 0;
    }
    out = (out << 6) | (byte(at + i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

struct Interval {
  char32_t first, last;
};

// Combining marks and joiners that take no column (the common blocks).
constexpr Interval kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
                                   {0x064B, 0x065F}, {0x06D6, 0x06DC}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
                                   {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
                                   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}};
// East Asian wide and emoji presentation (UAX #11, the blocks).
constexpr Interval kWide[] = {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},
                              {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
                              {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                              {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                              {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
// Characters that change how other text is shown, or hide: Trojan Source (CVE-2021-42574) and the invisible ones.
constexpr Interval kDeceptive[] = {{0x00AD, 0x00AD}, {0x061C, 0x061C},  {0x180E, 0x180E}, {0x200B, 0x200F},
                                   {0x2028, 0x202E}, {0x2060, 0x2064},  {0x2066, 0x206F}, {0xFEFF, 0xFEFF},
                                   {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

template <std::size_t N>
bool within(const Interval (&table)[N], char32_t c) {
  const auto* found =
      std::lower_bound(std::begin(table), std::end(table), c, [](const Interval& i, char32_t v) { return i.last < v; });
  return found != std::end(table) && c >= found->first;
}

void append_hex(std::string& out, std::uint32_t value, int digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 15U];
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  char32_t ignored = 0;
  std::size_t bad = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (static_cast<unsigned char>(bytes[at]) < 0x80) {
      ++at;
      continue;
    }
    const auto length = decode(bytes, at, ignored, bad);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  char32_t ignored = 0;
  std::size_t bad = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = decode(bytes, at, ignored, bad);
    if (length == 0) {
      append_utf8(out, kReplacement);
      at += bad;
    } else {
      out += bytes.substr(at, length);
      at += length;
    }
  }
  return out;
}

char32_t next_code_point(std::string_view utf8, std::size_t& at) {
  char32_t out = 0;
  std::size_t bad = 0;
  const auto length = decode(utf8, at, out, bad);
  if (length == 0) {
    ++at;
    return kReplacement;
  }
  at += length;
  return out;
}

std::size_t count_code_points(std::string_view utf8) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < utf8.size(); ++count) {
    if (static_cast<unsigned char>(utf8[at]) < 0x80)
      ++at;
    else
      next_code_point(utf8, at);
  }
  return count;
}

void append_utf8(std::string& out, char32_t c) {
  const auto push = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | (c >> 6));
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | (c >> 12));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | (c >> 18));
    push(0x80 | ((c >> 12) & 0x3F));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t c = next_code_point(utf8, at);
    if (c < 0x300)
      ++width;
    else if (!within(kZeroWidth, c))
      width += within(kWide, c) ? 2 : 1;
  }
  return width;
}

std::string escape_for_display(std::string_view text, Newlines newlines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    if (c == '\t' || (c == '\n' && newlines == Newlines::Keep)) {
      out += static_cast<char>(c);
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
      out += "\\x";
      append_hex(out, c, 2);
    } else if (within(kDeceptive, c)) {
      out += "U+";
      std::string hex;
      append_hex(hex, c, c > 0xFFFF ? 5 : 4);
      for (auto& digit : hex)
        if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
      out += hex;
    } else if (c == kReplacement && at - begin == 1) {
      append_utf8(out, kReplacement);
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

}  // namespace wrench
