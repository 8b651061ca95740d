#pragma once

#include <cstdint>
#include <vector>

#include "wrench/history/facts.hpp"
#include "wrench/history/summary.hpp"

namespace wrench::history {

/// Above this many pairs of files the rarest change sets' are dropped (degraded: pairs_max).
inline constexpr std::size_t kCouplingPairsMax = 20'000'000;

struct CouplingResult {
  std::vector<Coupling> pairs;
  std::vector<std::uint64_t> sum_by_file;  ///< Index as in HistoryFacts::files.
  bool cut = false;                        ///< kCouplingPairsMax was reached.
};

/// Which files change together: change sets of people, no larger than options.change_set_files_max; revisions are
/// counted over the same change sets.
CouplingResult find_coupling(const HistoryFacts& facts, const SummaryOptions& options,
                             std::size_t pairs_max = kCouplingPairsMax);

}  // namespace wrench::history
