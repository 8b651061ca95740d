#pragma once

#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"

namespace wrench {

/// 26 characters of Crockford base32: 48 bits of milliseconds, 80 random bits (github.com/ulid/spec).
std::string make_ulid(const Clock& clock, Random& random);
/// "tsk_01J…": what people see. The last 6 characters are enough to name it on the command line.
std::string make_id(std::string_view prefix, const Clock& clock, Random& random);
std::string_view short_id(std::string_view id);

}  // namespace wrench
