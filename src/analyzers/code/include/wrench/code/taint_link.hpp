#pragma once

#include <span>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::code {

struct TaintLink {
  /// What a source in one file does in another, or by way of another, with the path as trace; stamped with
  /// fingerprints. What stays within a file was found with the file.
  std::vector<findings::Finding> findings;
  std::vector<findings::Partial> partial;  ///< summary_budget
};

/// Follows values from file to file. `sources` is asked for the text of files that findings go through.
TaintLink link_taint(std::span<const FileFacts* const> files, const findings::SourceLookup& sources, CpuBudget budget);

}  // namespace wrench::code
