#include "wrench/workflow/plan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/base/assert.hpp"

using namespace wrench;
using namespace wrench::workflow;

namespace {

/// What the engine relies on of every plan.
void check(const Plan& plan) {
  const auto& nodes = plan.nodes();
  WRENCH_ASSERT(!nodes.empty() && nodes.size() <= kPlanNodesMax && plan.top_count() <= nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const PlanNode& node = nodes[i];
    WRENCH_ASSERT(!node.id.empty());
    WRENCH_ASSERT((node.kind == NodeKind::Wait || node.kind == NodeKind::Child) == (node.wait != nullptr));
    for (const std::uint32_t dependent : plan.dependents(i)) WRENCH_ASSERT(dependent < nodes.size() && dependent != i);
    for (const Need& need : node.needs) {
      WRENCH_ASSERT(need.node < nodes.size() && need.node != i);
      const auto& back = plan.dependents(need.node);
      WRENCH_ASSERT(std::ranges::find(back, i) != back.end());
    }
    if (i < plan.top_count()) WRENCH_ASSERT(plan.find(node.id) == i);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = Plan::parse_text(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!plan) {
    WRENCH_ASSERT(plan.error().code == "workflow.plan_invalid" || plan.error().code == "workflow.plan_too_large");
    WRENCH_ASSERT(!plan.error().message.empty());
    return 0;
  }
  check(**plan);
  // What is stored is read again: by other processes, and years later.
  const auto again = Plan::parse_text((*plan)->body());
  WRENCH_ASSERT(again.ok() && (*again)->hash() == (*plan)->hash() && (*again)->body() == (*plan)->body());
  return 0;
}
