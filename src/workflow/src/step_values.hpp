#pragma once

#include <vector>

#include "wrench/workflow/plan.hpp"

namespace wrench::workflow {

/// The values as one, by the node's strategy. Errors: those of its filter.
Result<codec::Json> combine(const PlanNode& node, std::vector<codec::Json> values, const Scope& scope);
/// The winner of a choose node: {"winner", "index", "output", "scores", "losers"}. A candidate whose value is null
/// (its step was skipped or failed) doesn't take part. Errors: workflow.no_winner, those of references.
Result<codec::Json> choose(const PlanNode& node, const Scope& scope);

}  // namespace wrench::workflow
