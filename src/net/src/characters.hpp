#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wrench::net {

/// What a byte may be part of (RFC 9110, 5.6.2; RFC 3986).
enum CharacterClass : std::uint8_t {
  kToken = 1,
  kTarget = 2,  ///< Of a request target, without what browsers and proxies read in different ways.
  kValue = 4,   ///< Of a field value: visible, space, tab, and opaque bytes.
  kHost = 8,
  kHex = 16,
  kDigit = 32,
};

inline constexpr std::array<std::uint8_t, 256> kCharacters = [] {
  std::array<std::uint8_t, 256> out = {};
  const auto add = [&out](std::string_view which, std::uint8_t as) {
    for (const char c : which) out[static_cast<std::uint8_t>(c)] |= as;
  };
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    std::uint8_t& as = out[static_cast<std::size_t>(c)];
    if (letter || digit) as |= kToken | kHost;
    if (digit) as |= kDigit | kHex;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) as |= kHex;
    if (c >= 0x21 && c <= 0x7E) as |= kTarget;
    if (c == '\t' || (c >= 0x20 && c != 0x7F)) as |= kValue;
  }
  add("!#$%&'*+-.^_`|~", kToken);
  add("._:[]-", kHost);
  for (const char c : std::string_view("#\"<>\\^`"))
    out[static_cast<std::uint8_t>(c)] &= static_cast<std::uint8_t>(~kTarget);
  return out;
}();

constexpr bool is(char c, std::uint8_t of) { return (kCharacters[static_cast<std::uint8_t>(c)] & of) != 0; }
constexpr bool all(std::string_view text, std::uint8_t of) {
  for (const char c : text)
    if (!is(c, of)) return false;
  return true;
}
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
/// ASCII letters in any case.
constexpr bool equal_folded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}
/// Without spaces and tabs around it.
constexpr std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace wrench::net
