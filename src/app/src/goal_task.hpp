#pragma once

#include <string>
#include <vector>

#include "review_task.hpp"
#include "wrench/agents/goal_reading.hpp"

namespace wrench::app {

/// Task::kind of what was asked for in words; a goal that comes to a review is one.
inline constexpr std::string_view kGoalKind = "goal";

/// What somebody wants done.
struct GoalRequest {
  std::string goal;                       ///< In words; GoalRequest::requirements go before them.
  std::string title;                      ///< Empty: the goal's first line.
  std::string tree = ".";                 ///< What it is about.
  std::string kind;                       ///< "review"; empty: what the words say.
  std::vector<std::string> requirements;  ///< Ids of operations, or types of results.
};

struct PlannedTask {
  workflow::CreateTask task;
  agents::PlannedGoal planned;
  agents::Facts facts;                    ///< That it was planned with.
  std::vector<agents::Reading> readings;  ///< How the words were understood; empty: they weren't read.
};
/// Errors: agent.bad_goal, agent.no_plan, agent.no_such_capability, those of plan_review().
Result<PlannedTask> plan_goal_task(const GoalRequest& request, const agents::Registry& registry, const StopToken& stop);

/// A title of at most so many bytes from the goal's first line.
std::string goal_title(std::string_view goal);

}  // namespace wrench::app
