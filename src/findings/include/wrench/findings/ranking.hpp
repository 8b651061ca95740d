#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// 100 x severity x confidence x kind x (0.6 + 0.4 reach) x (0.7 + 0.3 hotspot), the weights in
/// docs/reference/scan-json.md. `hotspot_percentile` is 0 to 1; without history it counts as 0.5.
double rank(const Finding& finding, std::optional<double> hotspot_percentile);

struct RankInputs {
  bool has_history = false;
  std::map<std::string, double, std::less<>> hotspot_percentile;  ///< By path; a file that isn't there counts as 0.
};
/// Sets every finding's rank and hotspot percentile.
void rank_all(std::span<Finding> findings, const RankInputs& inputs);

/// What the rank is made of, in words, without a full stop: "high severity, medium confidence; index() in web.py reads
/// input from outside and calls this; its file is changed more often and more complex than 92 % of the others".
std::string explain_rank(const Finding& finding);

/// Sets `group` ("g1", "g2", ...) on findings that overlap in one file and share a CWE. Suppressed ones stay alone.
void assign_groups(std::span<Finding> findings);

/// The order of reports: path, offset, rule id, then the rest. The same for every number of threads.
void sort_by_place(std::span<Finding> findings);

/// One group, or one finding that is alone. `others` are the group's findings below `best`, by rank.
struct RankedGroup {
  const Finding* best = nullptr;
  std::vector<const Finding*> others;
};
/// What people are shown, best rank first: new, unsuppressed findings, each group once.
std::vector<RankedGroup> ranked_groups(std::span<const Finding> findings);

/// Below it a finding is true but no reason to interrupt anybody: only complete lists show it.
inline constexpr double kWorthALookMin = 8;
/// Ten times one rule says less than ten different things: beyond these places the next best comes first.
inline constexpr std::size_t kSameRuleMax = 3;

struct Highlight {
  const Finding* finding = nullptr;
  std::vector<const Finding*> alike;  ///< Of the same rule in the same file, by rank.
};
struct Highlights {
  std::vector<Highlight> shown;  ///< Best rank first.
  std::size_t left_out = 0;      ///< Groups that are neither shown nor alike to one that is.
};
/// What deserves attention first: at most `count_max` places.
Highlights highlights(std::span<const Finding> findings, std::size_t count_max);

}  // namespace wrench::findings
