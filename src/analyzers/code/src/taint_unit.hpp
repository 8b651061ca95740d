#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flow.hpp"
#include "flow_run.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::code {

/// What dataflow must know of a taint rule, without the rule.
struct TaintRuleFacts {
  std::string key;                  ///< Rule file and id: the same in every file.
  std::vector<std::string> labels;  ///< An empty one when the rule names none.
  std::uint32_t options = 0;        ///< Bits of kSafe….
};
inline constexpr std::uint32_t kSafeFunctions = 1, kSafeIndexes = 2, kSafeComparisons = 4, kSafeBooleans = 8,
                               kSafeNumbers = 16, kOnlyAssignments = 32, kFromInside = 64;

struct TaintMarkFacts {
  FlowMark::What what = FlowMark::What::Source;
  std::uint32_t rule = 0;            ///< Of TaintUnit::rules.
  std::string label;                 ///< Sources and propagators: what they give.
  std::string required;              ///< As the rule has it; empty: nothing.
  std::uint32_t first = 0, end = 0;  ///< Bytes of the match.
};

/// A file's code with what taint rules say of it: all that following values needs.
struct TaintUnit {
  FlowFile flow;
  std::vector<TaintRuleFacts> rules;
  std::vector<TaintMarkFacts> marks;  ///< As Mark and Propagate operations number them.
};

/// A source that reaches a sink, perhaps in another unit.
struct TaintHit {
  std::uint32_t sink_unit = 0, sink = 0;
  std::uint32_t source_unit = 0, source = 0;
  std::vector<FlowHop> hops;
};

struct TaintHits {
  std::vector<TaintHit> hits;                                ///< By sink, then source.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> cut;  ///< Unit and name of functions not followed to the end.
};

/// Follows values through all units together, for up to 64 labels in a pass.
TaintHits follow_units(std::span<const TaintUnit* const> units, FlowScope scope, const CpuBudget& budget);

/// Bodies of the units that run on what comes from outside, by the sources of any rule but those kFromInside, in the
/// units that `counts` names.
std::vector<FlowReached> reached_bodies(std::span<const TaintUnit* const> units, const std::vector<bool>& counts,
                                        const CpuBudget& budget);

}  // namespace wrench::code
