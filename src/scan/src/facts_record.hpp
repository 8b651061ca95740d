#pragma once

#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/code/facts.hpp"

namespace wrench::scan {

/// The facts of a file in a flat form: numbers little endian as this machine has them, lists with their length first.
/// Only for the cache, whose records are checksummed and of this version.
void append_facts(std::string& out, const code::FileFacts& facts);
/// Checks every length. Error code scan.cache_record.
Result<code::FileFacts> read_facts(std::string_view bytes);

}  // namespace wrench::scan
