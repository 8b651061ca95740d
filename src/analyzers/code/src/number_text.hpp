#pragma once

#include <optional>
#include <string_view>

namespace wrench::code {

/// The value of a number as programs write it: `0x1F`, `1_000`, `10L`, `1.5e3`. `base` 0 goes by the prefix.
std::optional<double> parse_number(std::string_view written, int base);

}  // namespace wrench::code
