#pragma once

#include <string>
#include <vector>

#include "wrench/agents/planner.hpp"
#include "wrench/agents/test_suite.hpp"

namespace wrench::agents {

/// What carries a case out.
struct CasePlan {
  codec::Json plan;
  std::string node;                        ///< Whose output is the case's.
  const Capability* capability = nullptr;  ///< Of that node.
  std::vector<std::string> planned;        ///< Capabilities by the planner, in its order.
  std::vector<std::string> degraded;
  std::int64_t gates = 0;
};

/// Of a capability: `before`, then the steps that the planner chooses for what its ports need and `input` doesn't give,
/// then the capability. Errors: those of plan_goal().
Result<CasePlan> plan_case(const TestCase& test, const Facts& facts, const Registry& registry);

}  // namespace wrench::agents
