#include <algorithm>
#include <utility>

#include "decision.hpp"
#include "limits.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

Standing standing(const StepRow& row) {
  if (is_terminal(row.state)) return Standing::Done;
  if (is_held(row.state)) return Standing::Held;
  if (row.state == StepState::Waiting) return row.waits_for_children() ? Standing::Open : Standing::Outside;
  return row.state == StepState::Blocked ? Standing::Blocked : Standing::Active;
}

}  // namespace

Result<void> Decision::fire(Execution& e, Step& s, StepEvent event) {
  const StepRow old = s.row;
  const StepKey key = key_of(old);
  const ApplyContext context{.now = now_,
                             .random = &random_,
                             .boot = context_.boot,
                             .on_exhausted = e.row.on_exhausted,
                             .losses_max = context_.losses_max,
                             .open_intent = has_open_intent(key),
                             .effect = effect_of(e, old)};
  StepDelta delta = WRENCH_TRY(apply(old, event, node(e, old), context));
  s.row = std::move(delta.after);
  e.touched = true;
  e.changed.push_back(key);
  if (event.kind == StepEventKind::Wait && node(e, old).wait != nullptr) s.row.flags |= kFlagWaitsOutside;
  if (event.kind == StepEventKind::OutOfBudget && s.row.state == StepState::Waiting) s.row.flags |= kFlagWaitsBudget;
  if (s.row.state != StepState::Waiting)
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagWaitsOutside | kFlagWaitsBudget);
  if (old.state == StepState::Running) s.row.flags &= ~static_cast<std::uint32_t>(kFlagAskedToYield);
  if (!is_held(s.row.state)) s.row.flags &= ~static_cast<std::uint32_t>(kFlagSuspended);
  const bool person = event.kind == StepEventKind::PersonRetry || event.kind == StepEventKind::PersonSkip ||
                      event.kind == StepEventKind::PersonGiveUp || event.kind == StepEventKind::PersonResolve;
  if (person && (old.flags & kFlagSuperseded) != 0) {  // What a person says counts.
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagSuperseded);
    if (e.row.cancel_at == 0) s.row.flags &= ~static_cast<std::uint32_t>(kFlagCancelRequested);
    s.row.output_seq = 0;
  }
  count(e, old, -1);
  count(e, s.row, +1);
  leave(e, old, key);
  const bool over = old.state == StepState::Running || is_terminal(s.row.state);
  if ((old.flags & kFlagDraws) != 0 && over) end_draws(e, old, s);
  if (s.row.state == StepState::Ready) enter_ready(e, s);
  if (s.row.state == StepState::RetryWait)
    set_timer({e.row.id, s.row.step_no, TimerKind::Retry, now_ + delta.retry_delay_us, s.row.epoch});
  // Whoever ran it kept this time in mind; now anybody has to.
  const Micros schedule_to_close_us = node(e, s.row).timeouts.schedule_to_close_us;
  if (old.state == StepState::Running && !is_terminal(s.row.state) && s.row.scheduled_at != 0 &&
      schedule_to_close_us > 0 && context_.ownership == Ownership::Shared)
    set_timer(
        {e.row.id, s.row.step_no, TimerKind::ScheduleToClose, s.row.scheduled_at + schedule_to_close_us, kAnyEpoch});
  if (s.row.state == StepState::Uncertain) plan_.uncertain.push_back(key);
  if (is_terminal(s.row.state)) {
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagCancelRequested);
    TimerEdits& edits = timers_[key];
    edits.all_derived_deleted = true;
    for (auto& [kind, timer] : edits.kinds) timer.reset();
    if (s.row.failed() && s.row.parent_step == 0 && !e.plan->tolerates_failure(s.row.node)) ++e.row.steps_failed;
    if (s.row.superseded()) keep_error(e, s.row, limits::superseded_error(s.row));
    e.ended.push_back(key);
  }
  return {};
}

void Decision::count(Execution& e, const StepRow& row, int by) const {
  const Standing where = standing(row);
  if (where == Standing::Outside) {
    const bool budget = (row.flags & kFlagWaitsBudget) != 0;
    e.row.waiting[static_cast<std::size_t>(budget ? WaitKind::Budget : node(e, row).wait->kind)] += by;
  }
  if (where == Standing::Active) e.row.steps_active += by;
  if (where == Standing::Held) e.row.steps_held += by;
  if (where == Standing::Done) e.row.steps_done += by;
}

void Decision::leave(Execution& e, const StepRow& old, StepKey key) {
  if (old.state == StepState::Ready) {
    std::erase(newly_ready_, key);
    if (old.rank != 0) dequeue(e, steps_.at(key), e.row.owner_boot);
    if (node(e, old).timeouts.schedule_to_start_us > 0) delete_timer(key, TimerKind::ScheduleToStart);
  } else if (old.state == StepState::Running) {
    give_limits_back(old);
    delete_timer(key, TimerKind::StartToClose);
    if (node(e, old).timeouts.heartbeat_us > 0) delete_timer(key, TimerKind::Heartbeat);
    if ((old.flags & kFlagCancelRequested) != 0) delete_timer(key, TimerKind::CancelGrace);
    if (old.worker_boot == context_.boot && keeps(Keep::SlotRelease)) {
      plan_.released.emplace_back(key, old.epoch);
      ++freed_[static_cast<std::size_t>(slot_of(e, old))];
    }
  } else if (old.state == StepState::RetryWait) {
    delete_timer(key, TimerKind::Retry);
  } else if ((old.flags & kFlagWaitsOutside) != 0) {
    delete_timer(key, TimerKind::WaitOver);
    plan_.waits_over.push_back(key);
    const auto& child = node(e, old).wait->child;
    if (child != nullptr && !child->abandon) plan_.children_over.push_back(key);
  } else if ((old.flags & kFlagWaitsBudget) != 0) {
    delete_timer(key, TimerKind::WaitOver);
    std::erase_if(plan_.budgets.waits_begun, [&](const BudgetMoves::Wait& wait) {
      return wait.execution_no == key.execution_no && wait.step_no == key.step_no;
    });
    plan_.budgets.waits_over.emplace_back(key.execution_no, key.step_no);
  }
}

void Decision::set_timer(const TimerRow& timer) {
  timers_[{timer.execution_no, timer.step_no}].kinds[timer.kind] = timer;
}

void Decision::delete_timer(StepKey key, TimerKind kind) { timers_[key].kinds[kind] = std::nullopt; }

void Decision::dequeue(const Execution& e, Step& s, const std::string& boot) {
  const SlotClass slot = slot_of(e, s.row);
  if (!s.row.limits.empty()) {
    leave_limits(e, s.row, slot, boot);
    s.row.rank = 0;
    return;
  }
  plan_.ready_delete.push_back({queue_of(e, s.row, slot, boot), s.row.rank, key_of(s.row)});
  if (boot == context_.boot) --plan_.backlog_delta[static_cast<std::size_t>(slot)];
  s.row.rank = 0;
}

void Decision::enter_ready(Execution& e, Step& s) {
  const Timeouts& timeouts = node(e, s.row).timeouts;
  if (s.row.scheduled_at == 0) {
    s.row.scheduled_at = now_;
    if (timeouts.schedule_to_close_us > 0)
      set_timer({e.row.id, s.row.step_no, TimerKind::ScheduleToClose, now_ + timeouts.schedule_to_close_us, kAnyEpoch});
  }
  if (timeouts.schedule_to_start_us > 0)
    set_timer({e.row.id, s.row.step_no, TimerKind::ScheduleToStart, now_ + timeouts.schedule_to_start_us, s.row.epoch});
  newly_ready_.push_back(key_of(s.row));
}

void Decision::propagate(Execution& e) {
  while (e.ends_told < e.ended.size()) {
    const StepKey key = e.ended[e.ends_told++];
    const StepRow row = steps_.at(key).row;
    // A cancelled need was one that others made superfluous, or the whole execution is being cancelled.
    const bool failed = (row.failed() && node(e, row).on_failure == OnFailure::Stop) ||
                        (row.state == StepState::Cancelled && !row.superseded()) ||
                        (row.flags & kFlagSkippedByFailure) != 0;
    for (const std::uint32_t dependent : e.plan->dependents(row.node)) need_ended(e, row, dependent, failed);
    if (row.parent_step != 0) child_ended(e, row);
  }
}

std::optional<StepKey> Decision::beside(const Execution& e, const StepRow& row, std::uint32_t node) {
  const auto& container = e.plan->nodes()[node].container;
  if (!container) return StepKey{e.row.id, static_cast<std::int64_t>(node) + 1};
  Step* owner = step({e.row.id, row.parent_step});
  if (owner == nullptr || owner->row.state != StepState::Waiting) return std::nullopt;
  const BodyCursor& cursor = body_of(*owner);
  if (row.step_no < cursor.base) return std::nullopt;  // Of a run that a person began anew.
  return StepKey{e.row.id, cursor.base + node - e.plan->nodes()[*container].body_first};
}

void Decision::need_ended(Execution& e, const StepRow& need, std::uint32_t dependent, bool failed) {
  const PlanNode& n = e.plan->nodes()[dependent];
  if (e.row.cancel_at != 0 && !n.finally) return;  // The cascade cancels it.
  const auto key = beside(e, need, dependent);
  Step* s = key ? step(*key) : nullptr;
  if (s == nullptr || s->row.state != StepState::Blocked) return;
  if (n.join > 0) return join_needs(e, *s);
  const auto edge = std::find_if(n.needs.begin(), n.needs.end(), [&](const Need& x) { return x.node == need.node; });
  need_ended(e, *s, *edge, need.state, failed);
}

void Decision::need_ended(Execution& e, Step& s, const Need& need, StepState state, bool failed) {
  if (failed && !node(e, s.row).finally && need.on_failure == OnFailure::Stop) {
    s.row.flags |= kFlagSkippedByFailure;
    const StepEventKind event = state == StepState::Failed ? StepEventKind::NeedFailed : StepEventKind::NeedSkipped;
    WRENCH_ASSERT(fire(e, s, {event}).ok());
    journal(e, "skipped", &s.row, "{\"need\":\"" + e.plan->nodes()[need.node].id + "\"}");
    return;
  }
  if (keeps(Keep::DepsLeft)) --s.row.deps_left;
  e.touched = true;
  if (s.row.deps_left == 0) WRENCH_ASSERT(fire(e, s, {StepEventKind::DepsDone}).ok());
}

void Decision::join_needs(Execution& e, Step& s) {
  const PlanNode& n = node(e, s.row);
  int completed = 0;
  bool failed = false;
  std::vector<StepKey> open;
  for (const Need& need : n.needs) {
    if (const auto ended = ended_before(e, need.node)) {
      completed += ended->state == StepState::Completed ? 1 : 0;
      failed = failed || ended->state == StepState::Failed || ended->by_failure;
      continue;
    }
    const auto key = beside(e, s.row, need.node);
    const Step* other = key ? step(*key) : nullptr;
    if (other == nullptr) return;
    const StepState state = other->row.state;
    completed += state == StepState::Completed ? 1 : 0;
    failed = failed || other->row.failed() || (other->row.flags & kFlagSkippedByFailure) != 0;
    if (!is_terminal(state)) open.push_back(*key);
  }
  if (completed >= n.join) {
    s.row.deps_left = 0;
    WRENCH_ASSERT(fire(e, s, {StepEventKind::DepsDone}).ok());
    if (!n.cancel_rest) return;
    for (const StepKey& key : open) {
      Step& rest = *step(key);
      if (!is_terminal(rest.row.state) && !cancel_step(e, rest).ok()) return;  // Rows are missing.
    }
  } else if (completed + static_cast<int>(open.size()) < n.join) {
    if (failed) s.row.flags |= kFlagSkippedByFailure;
    WRENCH_ASSERT(fire(e, s, {failed ? StepEventKind::NeedFailed : StepEventKind::NeedSkipped}).ok());
    journal(e, "skipped", &s.row, "{\"completed\":" + std::to_string(completed) + "}");
  }
}

void Decision::child_ended(Execution& e, const StepRow& child) {
  Step* parent = step({e.row.id, child.parent_step});
  if (parent == nullptr || parent->row.state != StepState::Waiting) return;
  const PlanNode& n = node(e, parent->row);
  BodyCursor& cursor = body_of(*parent);
  if (child.step_no < cursor.base) return;  // Of a run that a person began anew.
  ++cursor.done;
  if (child.failed() && (n.kind == NodeKind::Map || !e.plan->tolerates_failure(child.node))) {
    ++cursor.failed;
    if (parent->row.output_seq == 0) parent->row.output_seq = child.output_seq;
  }
  if (e.row.cancel_at == 0 && cursor.next < cursor.items) spawn_item(e, parent->row, cursor.next++);
  if (cursor.done < cursor.items) return;
  if (cursor.failed > 0 && (n.kind != NodeKind::Map || n.on_failure == OnFailure::Stop)) {
    body_failed(e, *parent,
                "{\"code\":\"workflow.children_failed\",\"message\":\"" + std::to_string(cursor.failed) + " of " +
                    std::to_string(cursor.items) + (n.kind == NodeKind::Map ? " items failed\"}" : " steps failed\"}"));
  } else {
    parent->row.output_seq = 0;
    WRENCH_ASSERT(fire(e, *parent, {StepEventKind::Wake}).ok());
  }
}

Decision::Step& Decision::add_step(Execution& e, const StepRow& row) {
  ++e.row.steps_total;
  e.touched = true;
  e.changed.push_back(key_of(row));
  Step& s = steps_[key_of(row)];
  s.row = row;
  return s;
}

void Decision::spawn_item(Execution& e, const StepRow& map, std::int64_t item) {
  StepRow row;
  row.execution_no = e.row.id;
  row.step_no = e.row.next_step++;
  row.node = node(e, map).body_first;
  row.parent_step = map.step_no;
  row.iteration = item;
  const bool group = node(e, row).kind == NodeKind::Group;
  row.state = group ? StepState::Waiting : StepState::Ready;
  count(e, row, +1);
  Step& s = add_step(e, row);
  if (group) {
    spawn_body(e, s, {});
  } else {
    enter_ready(e, s);
  }
}

void Decision::spawn_body(Execution& e, Step& owner, BodyCursor cursor) {
  const PlanNode& n = node(e, owner.row);
  cursor.items = cursor.next = n.body_count;
  cursor.base = e.row.next_step;
  owner.body = cursor;
  e.row.next_step += n.body_count;
  StepRow row;
  row.execution_no = e.row.id;
  row.parent_step = owner.row.step_no;
  row.iteration = n.kind == NodeKind::Loop ? cursor.iteration : owner.row.iteration;
  std::vector<StepKey> added;
  for (std::uint32_t i = 0; i < n.body_count; ++i) {
    row.step_no = cursor.base + i;
    row.node = n.body_first + i;
    row.deps_left = initial_deps(e.plan->nodes()[row.node]);
    add_step(e, row);
    added.push_back(key_of(row));
  }
  for (const StepKey& key : added)
    if (Step& s = steps_.at(key); s.row.deps_left == 0) WRENCH_ASSERT(fire(e, s, {StepEventKind::DepsDone}).ok());
}

void Decision::keep_error(Execution& e, const StepRow& row, std::string_view error_json) {
  if (!e.row.error.empty() || row.parent_step != 0 || e.plan->tolerates_failure(row.node)) return;
  const std::string what(error_json.empty() ? std::string_view("null") : error_json);
  e.row.error = "{\"step\":\"" + e.plan->nodes()[row.node].id + "\",\"error\":" + what + "}";
  e.touched = true;
}

}  // namespace wrench::workflow
