#pragma once

#include <vector>

#include "match_index.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// c.unlocked-shared-write: a function that several threads of a C or C++ program run sets a variable of the file and
/// takes no lock (docs/reference/memory-checks.md). By offset; not yet stamped.
std::vector<findings::Finding> thread_findings(const FileIndex& file, const source::SourceText& text);

}  // namespace wrench::code
