#include "case_plan.hpp"

#include <algorithm>
#include <utility>

namespace wrench::agents {
namespace {

using codec::Json;

constexpr std::string_view kCaseNode = "case";
constexpr std::string_view kTree = "repo.tree";

Json tree_reference() { return Json::object({{"$from", "inputs.tree"}}); }

/// The input with the fixture's tree where the capability takes one and nothing else is given.
Json with_tree(const Capability& capability, Json input) {
  for (const Port& port : capability.takes)
    if (port.type == kTree && input.at(port.name).is_null()) input.set(port.name, tree_reference());
  return input;
}

bool lacks_a_port(const Capability& capability, const Json& input) {
  return std::ranges::any_of(capability.takes, [&](const Port& port) {
    return !port.name.ends_with('?') && input.as_object().find(port.name) == nullptr;
  });
}

/// A failure is the case's result at once: nothing is tried again.
Json call_node(std::string_view id, const Capability& capability, Json input, Json needs) {
  return Json::object({{"id", id},
                       {"kind", "call"},
                       {"capability", capability.id},
                       {"effect", name(capability.effect)},
                       {"slot", capability.slot},
                       {"retry", Json::object({{"attempts", 1}})},
                       {"needs", std::move(needs)},
                       {"input", std::move(input)}});
}

Goal goal_for(std::vector<std::string> wants) {
  Goal goal;
  goal.kind = "test";
  goal.wants = std::move(wants);
  goal.available[std::string(kTree)] = "inputs.tree";
  return goal;
}

/// Nodes of the steps before the capability, and its own input as the planner binds it.
struct Prepared {
  Json nodes = Json::array();
  Json input = Json::object();
  Json needs = Json::array();
};

Result<Prepared> prepare_ports(const TestCase& test, const Capability& capability, const Facts& facts,
                               const Registry& registry) {
  if (capability.gives.empty())
    return Error("agent.no_plan", capability.id + " takes part in no plan: give its whole input");
  std::vector<std::string> wants = test.with;
  wants.push_back(capability.gives.front().type);
  PlannedGoal planned = WRENCH_TRY(plan_goal(goal_for(std::move(wants)), facts, registry));
  Prepared out;
  bool found = false;
  for (Json node : planned.plan.at("nodes").as_array()) {
    const std::string_view reference = node.at("capability").as_string();
    if (reference.substr(0, reference.find('@')) == capability.id) {
      out.input = node.at("input");
      out.needs = node.at("needs");
      found = true;
      continue;
    }
    node.set("retry", Json::object({{"attempts", 1}}));
    out.nodes.push_back(std::move(node));
  }
  if (!found)
    return Error("agent.no_plan", "another capability gives " + capability.gives.front().type + " at lower cost than " +
                                      capability.id + ": give its whole input");
  return out;
}

Result<CasePlan> plan_capability(const TestCase& test, const Facts& facts, const Registry& registry) {
  CasePlan out;
  out.capability = registry.capability(test.capability);
  out.node = kCaseNode;
  Json nodes = Json::array();
  Json earlier = Json::array();
  for (const CaseStep& step : test.before) {
    const Capability& capability = *registry.capability(step.capability);
    nodes.push_back(call_node(step.id, capability, with_tree(capability, step.input), earlier));
    earlier.push_back(step.id);
  }
  Json input = with_tree(*out.capability, test.input);
  Json needs = earlier;
  if (lacks_a_port(*out.capability, input) || !test.with.empty()) {
    Prepared prepared = WRENCH_TRY(prepare_ports(test, *out.capability, facts, registry));
    for (Json& node : prepared.nodes.array_ref()) {
      for (const Json& id : earlier.as_array()) node.object_ref()["needs"].push_back(id);
      nodes.push_back(std::move(node));
    }
    for (Json& need : prepared.needs.array_ref()) needs.push_back(std::move(need));
    for (const auto& [member, value] : prepared.input.as_object())
      if (input.as_object().find(member) == nullptr) input.set(member, value);
  }
  nodes.push_back(call_node(kCaseNode, *out.capability, std::move(input), std::move(needs)));
  out.plan = Json::object({{"v", 1}, {"nodes", std::move(nodes)}});
  return out;
}

Result<CasePlan> plan_goal_case(const CaseGoal& wanted, const Facts& facts, const Registry& registry) {
  Goal goal = goal_for(wanted.wants);
  goal.kind = wanted.kind;
  goal.agents = wanted.agents;
  PlannedGoal planned = WRENCH_TRY(plan_goal(goal, facts, registry));
  CasePlan out;
  for (const Json& node : planned.plan.at("nodes").as_array()) out.gates += node.at("kind").as_string() == "wait";
  for (const PlannedStep& step : planned.steps) out.planned.push_back(step.capability->id);
  out.degraded = std::move(planned.degraded);
  out.node = planned.steps.empty() ? "" : planned.steps.back().id;
  out.capability = planned.steps.empty() ? nullptr : planned.steps.back().capability;
  out.plan = std::move(planned.plan);
  return out;
}

}  // namespace

Result<CasePlan> plan_case(const TestCase& test, const Facts& facts, const Registry& registry) {
  return test.goal ? plan_goal_case(*test.goal, facts, registry) : plan_capability(test, facts, registry);
}

}  // namespace wrench::agents
