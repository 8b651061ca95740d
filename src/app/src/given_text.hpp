#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

/// A value of the command line: itself, of "@file" what stands in the file, of "-" what comes through standard input.
/// Errors: io.*, cli.too_large.
Result<std::string> given_text(std::string_view argument, std::size_t bytes_max);
/// The same as JSON. Errors also: cli.invalid_json with the place.
Result<codec::Json> given_json(std::string_view argument, std::size_t bytes_max);

}  // namespace wrench::app
