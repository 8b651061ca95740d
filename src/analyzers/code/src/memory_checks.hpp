#pragma once

#include <string>
#include <vector>

#include "match_index.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

struct MemoryFindings {
  std::vector<findings::Finding> findings;  ///< By offset; not yet stamped.
  std::vector<std::string> cut;             ///< Functions with more ways through them than were followed.
};

/// What C and C++ code does wrong with memory and numbers, on a path that it takes for certain or with a value from
/// outside: c.buffer-overflow, c.null-dereference, c.use-after-free and more (docs/reference/memory-checks.md). Empty
/// for other languages.
MemoryFindings memory_findings(const FileIndex& file, const source::SourceText& text, const CpuBudget& budget);

}  // namespace wrench::code
