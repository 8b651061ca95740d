#include "decision.hpp"

namespace wrench::workflow {

std::optional<Fork::Ended> Decision::ended_before(const Execution& e, std::uint32_t node) {
  if (e.fork == nullptr || e.plan->nodes()[node].container || e.fork->own[node]) return std::nullopt;
  return e.fork->ended(node);
}

void Decision::begin_fork(Execution& e) {
  const auto& nodes = e.plan->nodes();
  const std::uint32_t count = e.plan->top_count();
  std::vector<StepKey> runs;
  e.row.steps_total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!e.fork->own[i]) continue;
    StepRow row;
    row.execution_no = e.row.id;
    row.step_no = i + 1;
    row.node = i;
    ++e.row.steps_total;
    if (const auto given = e.fork->given.find(i); given != e.fork->given.end()) {
      row.state = StepState::Completed;
      row.output_seq = given->second;
      ++e.row.steps_done;
    } else {
      row.deps_left = initial_deps(nodes[i]);
      runs.push_back(key_of(row));
    }
    steps_[key_of(row)].row = row;
  }
  for (const StepKey& key : runs) {
    Step& s = steps_.at(key);
    const PlanNode& n = node(e, s.row);
    if (n.join > 0) {
      join_needs(e, s);
    } else if (s.row.deps_left == 0) {
      WRENCH_ASSERT(fire(e, s, {StepEventKind::DepsDone}).ok());
    }
    for (const Need& need : n.needs) {
      if (n.join > 0 || s.row.state != StepState::Blocked || !keeps(Keep::ForkNeeds)) break;
      const auto before = e.fork->given.contains(need.node) ? Fork::Ended{} : ended_before(e, need.node);
      if (!before) continue;
      const bool failed = (before->state == StepState::Failed && nodes[need.node].on_failure == OnFailure::Stop) ||
                          before->state == StepState::Cancelled || before->by_failure;
      need_ended(e, s, need, before->state, failed);
    }
  }
  propagate(e);
}

}  // namespace wrench::workflow
