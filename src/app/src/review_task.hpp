#pragma once

#include <string>
#include <vector>

#include "wrench/agents/planner.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

/// What somebody wants reviewed.
struct ReviewRequest {
  std::string path = ".";
  std::vector<std::string> agents;  ///< Only these; empty: all.
  std::vector<std::string> rules;   ///< Files and folders of more rules.
  bool builtin_rules = true;
  bool project_config = true;
  std::string new_since;         ///< A revision: only what its tree doesn't have is new. Empty: everything is.
  bool history_secrets = false;  ///< Also of contents that are gone from the tree.
};

/// A folder or file that a plan is made for.
struct SurveyedTree {
  codec::Json tree;     ///< As agents take it.
  std::string project;  ///< The root that findings are relative to.
  agents::Facts facts;
};
/// Errors: those of tree_argument(), scan::survey().
Result<SurveyedTree> survey_tree(const std::string& path, const StopToken& stop);

struct PlannedReview {
  workflow::CreateTask task;
  agents::PlannedGoal planned;
  agents::Facts facts;
};
/// The task of a review of the tree as it is now. Errors: those of scan::survey(), scan::check_settings(),
/// agents::plan_goal().
Result<PlannedReview> plan_review(const ReviewRequest& request, const agents::Registry& registry,
                                  const StopToken& stop);

}  // namespace wrench::app
