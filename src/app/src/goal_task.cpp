#include "goal_task.hpp"

#include <algorithm>
#include <utility>

#include "wrench/app/console.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kTitleBytesMax = 400;

Json to_json(const std::vector<agents::Reading>& readings) {
  Json out = Json::array();
  for (const auto& reading : readings) {
    Json matched = Json::array();
    for (const auto& word : reading.matched) matched.push_back(word);
    out.push_back(Json::object(
        {{"what", reading.what}, {"title", reading.title}, {"score", reading.score}, {"matched", std::move(matched)}}));
  }
  return out;
}

/// Types of results that were named, by themselves or by who gives them.
Result<std::vector<std::string>> required_types(const std::vector<std::string>& requirements,
                                                const agents::Registry& registry) {
  std::vector<std::string> out;
  for (const auto& name : requirements) {
    std::string type;
    if (const auto* capability = registry.capability(name)) {
      if (capability->gives.empty())
        return Error("agent.no_plan", name + " answers single questions and isn't planned with")
            .with_help("wrench playbook list");
      type = capability->gives.front().type;
    } else if (agents::is_port_type(name)) {
      type = name;
    } else {
      std::vector<std::string_view> known;
      for (const auto* each : registry.capabilities()) known.push_back(each->id);
      Error error("agent.no_such_capability", "no agent can do '" + escape_for_display(name) + "'");
      if (const auto guess = nearest(name, known); !guess.empty())
        error = std::move(error).with_help("did you mean " + std::string(guess) + "?");
      return std::move(error).with_help("wrench agent list");
    }
    if (std::ranges::find(out, type) == out.end()) out.push_back(std::move(type));
  }
  return out;
}

/// Ids of the steps that give what is asked for: the task's result.
Json result_nodes(const agents::PlannedGoal& planned) {
  Json out = Json::array();
  for (const auto& step : planned.steps)
    if (std::ranges::find(step.needed_by, "goal") != step.needed_by.end()) out.push_back(step.id);
  return out;
}

Result<PlannedTask> review(const GoalRequest& request, const agents::Registry& registry, const StopToken& stop) {
  ReviewRequest of_tree;
  of_tree.path = request.tree;
  PlannedReview planned = WRENCH_TRY(plan_review(of_tree, registry, stop));
  return PlannedTask{std::move(planned.task), std::move(planned.planned), std::move(planned.facts), {}};
}

Result<PlannedTask> goal(const GoalRequest& request, std::vector<std::string> wants, const agents::Registry& registry,
                         const StopToken& stop) {
  SurveyedTree about = WRENCH_TRY(survey_tree(request.tree, stop));
  agents::Goal goal;
  goal.kind = kGoalKind;
  goal.wants = std::move(wants);
  goal.available["repo.tree"] = "inputs.tree";
  PlannedTask out;
  out.planned = WRENCH_TRY(agents::plan_goal(goal, about.facts, registry));
  out.task.kind = kGoalKind;
  out.task.repository = about.project;
  out.task.plan = WRENCH_TRY(workflow::Plan::parse(out.planned.plan));
  out.task.plan_notes = agents::explain(out.planned);
  out.task.inputs = Json::object({{"tree", std::move(about.tree)}});
  out.facts = std::move(about.facts);
  return out;
}

}  // namespace

std::string goal_title(std::string_view goal) {
  const std::string_view text = trim(goal);
  return repair_utf8(Console::safe(trim(text.substr(0, text.find('\n')))).substr(0, kTitleBytesMax));
}

Result<PlannedTask> plan_goal_task(const GoalRequest& request, const agents::Registry& registry,
                                   const StopToken& stop) {
  std::string kind = request.kind;
  std::vector<std::string> wants = WRENCH_TRY(required_types(request.requirements, registry));
  std::vector<agents::Reading> readings;
  if (kind.empty() && wants.empty()) {
    agents::GoalReading reading = WRENCH_TRY(agents::read_goal(request.goal, registry));
    kind = reading.kind == kGoalKind ? "" : reading.kind;
    wants = std::move(reading.wants);
    readings = std::move(reading.readings);
  }
  PlannedTask out =
      WRENCH_TRY(kind.empty() ? goal(request, std::move(wants), registry, stop) : review(request, registry, stop));
  out.task.title = request.title.empty() ? goal_title(request.goal) : request.title;
  out.task.description = request.goal;
  if (kind.empty())
    out.task.metadata =
        Json::object({{"playbook", Json()}, {"title", out.task.title}, {"result", result_nodes(out.planned)}});
  if (!readings.empty()) out.task.plan_notes.set("readings", to_json(readings));
  out.readings = std::move(readings);
  return out;
}

}  // namespace wrench::app
