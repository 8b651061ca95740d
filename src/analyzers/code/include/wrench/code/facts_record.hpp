#pragma once

#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/code/facts.hpp"

namespace wrench::code {

/// The facts of a file in a flat binary form, for caches. Error code code.facts_record_invalid: damaged, or written by
/// another version.
std::string to_record(const FileFacts& facts);
Result<FileFacts> facts_from_record(std::string_view bytes);

}  // namespace wrench::code
