#pragma once

#include <span>
#include <string>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/history/summary.hpp"

namespace wrench::scan {

inline constexpr std::size_t kHotspotsMax = 100;

/// One analysed file as hotspots see it.
struct HotspotInput {
  std::string path;          ///< As findings name it.
  std::string project_path;  ///< As history names it.
  std::uint32_t cognitive = 0;
  std::uint32_t findings = 0;
};

struct Hotspots {
  std::vector<findings::Hotspot> best;  ///< Highest score first, at most kHotspotsMax.
  findings::RankInputs rank;
};

/// score = percentile(revisions within the window) x percentile(cognitive complexity); the percentile of a file is the
/// share of files below it.
Hotspots find_hotspots(std::span<const HotspotInput> files, const history::HistorySummary& history);

}  // namespace wrench::scan
