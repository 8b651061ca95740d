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
  std::vector<std::string> cut;             ///< Functions that weren't followed to their end.
  /// Functions with more operations on their ways than are followed: what holds on every way isn't told of them.
  std::vector<std::string> followed_in_part;
};

/// What C and C++ code does wrong with memory and numbers, on a path that it takes for certain or with a value from
/// outside: c.buffer-overflow, c.null-dereference, c.use-after-free and more (docs/reference/memory-checks.md). Empty
/// for other languages.
MemoryFindings memory_findings(const FileIndex& file, const source::SourceText& text, const CpuBudget& budget);

}  // namespace wrench::code
