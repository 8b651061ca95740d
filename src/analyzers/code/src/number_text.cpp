#include "number_text.hpp"

#include <charconv>
#include <cstdint>
#include <string>

#include "wrench/base/text.hpp"

namespace wrench::code {

std::optional<double> parse_number(std::string_view written, int base) {
  std::string digits;
  for (const char c : written)
    if (c != '_' && c != '\'') digits += c;
  while (!digits.empty() && base == 0 &&
         (digits.back() == 'L' || digits.back() == 'l' || digits.back() == 'U' || digits.back() == 'u'))
    digits.pop_back();
  bool negative = false;
  std::string_view body = digits;
  if (body.starts_with('-')) {
    negative = true;
    body.remove_prefix(1);
  }
  const std::string lower = to_lower_ascii(body);
  int radix = base == 0 ? 10 : base;
  std::size_t skip = 0;
  if ((base == 0 || base == 16) && lower.starts_with("0x")) {
    radix = 16;
    skip = 2;
  } else if ((base == 0 || base == 8) && lower.starts_with("0o")) {
    radix = 8;
    skip = 2;
  } else if ((base == 0 || base == 2) && lower.starts_with("0b")) {
    radix = 2;
    skip = 2;
  } else if (base == 0 && lower.size() > 1 && lower[0] == '0' &&
             lower.find_first_not_of("01234567") == std::string::npos) {
    radix = 8;
    skip = 1;
  }
  std::uint64_t whole = 0;
  const char* first = lower.data() + skip;
  const char* last = lower.data() + lower.size();
  if (const auto [stop, error] = std::from_chars(first, last, whole, radix);
      error == std::errc() && stop == last && first != last)
    return negative ? -static_cast<double>(whole) : static_cast<double>(whole);
  double real = 0;
  if (const auto [stop, error] = std::from_chars(lower.data(), last, real);
      error == std::errc() && stop == last && !lower.empty())
    return negative ? -real : real;
  return std::nullopt;
}

}  // namespace wrench::code
