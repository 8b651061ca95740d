#pragma once

#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::findings::testing {

/// A secret in sample_sources(): no output may hold it. (Assembled, so that no scanner takes this file for a leak.)
std::string sample_secret();
MemorySources sample_sources();
/// A shop's order service with one finding of every kind that writers treat differently.
Report sample_report();

/// Text made to break out of every format, in every field.
std::string hostile_text();
MemorySources hostile_sources();
Report hostile_report();

/// The range of the first `text` after `from` in a file.
Location find_location(const MemorySources& sources, const std::string& path, std::string_view text,
                       std::size_t from = 0);

}  // namespace wrench::findings::testing
