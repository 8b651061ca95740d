#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/planner.hpp"

namespace wrench::agents {

inline constexpr std::size_t kGoalBytesMax = 16 * 1024;
/// What scores less isn't what somebody meant.
inline constexpr double kReadingScoreMin = 0.35;
/// What scores so little less than the best is meant, too.
inline constexpr double kReadingMargin = 0.10;
inline constexpr std::size_t kReadingsShown = 3;

/// One thing that a goal in words may ask for.
struct Reading {
  std::string what;                  ///< "review", or a capability's id.
  std::string title;                 ///< For people.
  double score = 0;                  ///< 0 to 1.
  std::vector<std::string> matched;  ///< Words of the goal that speak for it.
};

struct GoalReading {
  std::string kind;                ///< Goal::kind: "review", or "goal" with `wants`.
  std::vector<std::string> wants;  ///< Goal::wants
  std::vector<Reading> readings;   ///< What is meant; best first.
};

/// What a goal asks for, without a language model: each capability that says which words speak for it is scored, 0.5 x
/// BM25 (k1 1.2, b 0.75) over its title and words, 0.3 for one of its verbs, 0.2 for one of its objects. Deterministic.
/// Errors: agent.bad_goal (empty, too long, no text), agent.no_plan: nothing fits well enough, or it asks for changes,
/// which no agent makes without a language model; both say what can be done.
Result<GoalReading> read_goal(std::string_view text, const Registry& registry);

}  // namespace wrench::agents
