#include "review_task.hpp"

#include <utility>

#include "layout.hpp"
#include "tree_argument.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/app/console.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kTitleColumnsMax = 400;

/// What is to be done with the tree, as agents take it. The rules are known to be there.
Result<void> add_settings(const ReviewRequest& request, Json& tree, const StopToken& stop) {
  if (!request.builtin_rules) tree.set("builtin_rules", false);
  if (!request.project_config) tree.set("project_config", false);
  Json rules = Json::array();
  for (const auto& rule_path : request.rules) rules.push_back(WRENCH_TRY(canonical_path(rule_path)));
  if (!rules.as_array().empty()) tree.set("rules", std::move(rules));
  // Whatever the name means later, a review that goes on compares with what it began with.
  if (!request.new_since.empty()) {
    const std::string root(tree.at("root").as_string());
    tree.set("since", Json::object({{"revision", request.new_since},
                                    {"commit", WRENCH_TRY(scan::commit_of(root, request.new_since, stop))}}));
  }
  if (request.history_secrets) tree.set("history_secrets", true);
  return {};
}

}  // namespace

Result<SurveyedTree> survey_tree(const std::string& path, const StopToken& stop) {
  SurveyedTree out;
  out.tree = WRENCH_TRY(tree_argument(path));
  const auto survey = WRENCH_TRY(scan::survey(path, {}, stop));
  const std::string root(out.tree.at("root").as_string());
  out.facts = agents::tree_facts(survey, survey.in_git ? agents::why_no_history(root, stop) : "");
  out.project = survey.root;
  return out;
}

Result<PlannedReview> plan_review(const ReviewRequest& request, const agents::Registry& registry,
                                  const StopToken& stop) {
  auto [tree, project, facts] = WRENCH_TRY(survey_tree(request.path, stop));
  const std::string root(tree.at("root").as_string());
  // Found out now, not by a task that fails.
  scan::ScanRequest settings;
  settings.rule_paths = request.rules;
  settings.use_project_config = request.project_config;
  WRENCH_TRY(scan::check_settings(std::move(settings), project, SystemClock(), stop));
  WRENCH_TRY(add_settings(request, tree, stop));
  agents::Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  goal.agents = request.agents;
  PlannedReview out;
  out.planned = WRENCH_TRY(agents::plan_goal(goal, facts, registry));
  const auto shown = request.path == "." ? root.substr(root.rfind('/') + 1) : request.path;
  out.task.title = "Review " + clip_front(Console::safe(shown), kTitleColumnsMax, true);
  out.task.kind = "review";
  // Fingerprints are relative to it: what was decided about a finding holds whichever part of the project is reviewed.
  out.task.repository = project;
  out.task.plan = WRENCH_TRY(workflow::Plan::parse(out.planned.plan));
  out.task.plan_notes = agents::explain(out.planned);
  out.task.inputs = Json::object({{"tree", std::move(tree)}});
  out.facts = std::move(facts);
  return out;
}

}  // namespace wrench::app
