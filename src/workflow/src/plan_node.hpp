#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "wrench/workflow/plan.hpp"

namespace wrench::workflow {

inline Error plan_invalid(std::string what) { return Error("workflow.plan_invalid", std::move(what)); }

/// 1 to 64 letters, digits, _ and -.
bool is_node_id(std::string_view id);

/// Everything of a node but its needs and its body, which concern others. `place` names it in messages.
/// Errors: workflow.plan_invalid, workflow.plan_too_large.
Result<PlanNode> read_plan_node(const codec::Json& value, const std::string& place);
/// Only its members may stand in a plan. Errors: workflow.plan_invalid.
Result<void> check_plan_members(const codec::Json& plan);
/// Of a node or the plan. Errors: workflow.plan_invalid.
Result<BudgetAmounts> read_plan_budget(const codec::Json& value, const std::string& place);
/// The call of a map whose body is a single one.
Result<PlanNode> read_single_body(const PlanNode& map, const codec::Json& body, const std::string& place);
/// The members of a body of several nodes; its nodes are read by the caller.
Result<void> read_body(const codec::Json& body, const std::string& place, PlanNode& owner);

/// That every {"$…"} in `value` is well-formed. Errors: workflow.plan_invalid.
Result<void> check_references(const codec::Json& value, const std::string& place);

}  // namespace wrench::workflow
