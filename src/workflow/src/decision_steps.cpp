#include <algorithm>
#include <utility>

#include "decision.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

Standing standing(StepState state) {
  if (is_terminal(state)) return Standing::Done;
  if (is_held(state)) return Standing::Held;
  return state == StepState::Blocked ? Standing::Blocked : Standing::Active;
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
                             .open_intent = rows_.open_intents.contains(key) && !voided_.contains(key),
                             .effect = effect_of(e, old)};
  StepDelta delta = WRENCH_TRY(apply(old, event, node(e, old), context));
  s.row = std::move(delta.after);
  e.touched = true;
  e.changed.push_back(key);
  count(e, standing(old.state), -1);
  count(e, standing(s.row.state), +1);
  leave(e, old, key);
  if (s.row.state == StepState::Ready) enter_ready(e, s);
  if (s.row.state == StepState::RetryWait)
    set_timer({e.row.id, s.row.step_no, TimerKind::Retry, now_ + delta.retry_delay_us, s.row.epoch});
  if (s.row.state == StepState::Uncertain) plan_.uncertain.push_back(key);
  if (is_terminal(s.row.state)) {
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagCancelRequested);
    TimerEdits& edits = timers_[key];
    edits.all_deleted = true;
    edits.kinds.clear();
    if (s.row.state == StepState::Failed && s.row.parent_step == 0 && !e.plan->tolerates_failure(s.row.node))
      ++e.row.steps_failed;
    ended_.push_back(key);
  }
  return {};
}

void Decision::count(Execution& e, Standing where, int by) {
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
    delete_timer(key, TimerKind::StartToClose);
    if (node(e, old).timeouts.heartbeat_us > 0) delete_timer(key, TimerKind::Heartbeat);
    if ((old.flags & kFlagCancelRequested) != 0) delete_timer(key, TimerKind::CancelGrace);
    if (old.worker_boot == context_.boot && keeps(Keep::SlotRelease)) {
      plan_.released.emplace_back(key, old.epoch);
      ++freed_[static_cast<std::size_t>(slot_of(e, old))];
    }
  } else if (old.state == StepState::RetryWait) {
    delete_timer(key, TimerKind::Retry);
  }
}

void Decision::set_timer(const TimerRow& timer) {
  timers_[{timer.execution_no, timer.step_no}].kinds[timer.kind] = timer;
}

void Decision::delete_timer(StepKey key, TimerKind kind) { timers_[key].kinds[kind] = std::nullopt; }

void Decision::dequeue(const Execution& e, Step& s, const std::string& boot) {
  const SlotClass slot = slot_of(e, s.row);
  plan_.ready_delete.push_back({queue_name(slot, boot), s.row.rank, key_of(s.row)});
  if (boot == context_.boot) --plan_.backlog_delta[static_cast<std::size_t>(slot)];
  s.row.rank = 0;
}

void Decision::enter_ready(Execution& e, Step& s) {
  const Timeouts& timeouts = node(e, s.row).timeouts;
  if ((s.row.flags & kFlagScheduled) == 0) {
    s.row.flags |= kFlagScheduled;
    if (timeouts.schedule_to_close_us > 0)
      set_timer({e.row.id, s.row.step_no, TimerKind::ScheduleToClose, now_ + timeouts.schedule_to_close_us, kAnyEpoch});
  }
  if (timeouts.schedule_to_start_us > 0)
    set_timer({e.row.id, s.row.step_no, TimerKind::ScheduleToStart, now_ + timeouts.schedule_to_start_us, s.row.epoch});
  newly_ready_.push_back(key_of(s.row));
}

void Decision::propagate(Execution& e) {
  while (!ended_.empty()) {
    const StepKey key = ended_.front();
    ended_.pop_front();
    const StepRow row = steps_.at(key).row;
    if (row.parent_step != 0) {
      child_ended(e, row);
      continue;
    }
    const bool failed = (row.state == StepState::Failed && node(e, row).on_failure == OnFailure::Stop) ||
                        (row.flags & kFlagSkippedByFailure) != 0;
    for (const std::uint32_t dependent : e.plan->dependents(row.node)) need_ended(e, row, dependent, failed);
  }
}

void Decision::need_ended(Execution& e, const StepRow& need, std::uint32_t dependent, bool failed) {
  const PlanNode& n = e.plan->nodes()[dependent];
  if (e.row.cancel_at != 0 && !n.finally) return;  // The cascade cancels it.
  Step* s = step({e.row.id, static_cast<std::int64_t>(dependent) + 1});
  if (s == nullptr || s->row.state != StepState::Blocked) return;
  const auto edge = std::find_if(n.needs.begin(), n.needs.end(), [&](const Need& x) { return x.node == need.node; });
  if (failed && !n.finally && edge->on_failure == OnFailure::Stop) {
    s->row.flags |= kFlagSkippedByFailure;
    const StepEventKind event =
        need.state == StepState::Failed ? StepEventKind::NeedFailed : StepEventKind::NeedSkipped;
    WRENCH_ASSERT(fire(e, *s, {event}).ok());
    journal(e, "skipped", &s->row, "{\"need\":\"" + e.plan->nodes()[need.node].id + "\"}");
    return;
  }
  if (keeps(Keep::DepsLeft)) --s->row.deps_left;
  e.touched = true;
  if (s->row.deps_left == 0) WRENCH_ASSERT(fire(e, *s, {StepEventKind::DepsDone}).ok());
}

void Decision::child_ended(Execution& e, const StepRow& child) {
  Step* parent = step({e.row.id, child.parent_step});
  if (parent == nullptr || parent->row.state != StepState::Waiting) return;
  MapCursor cursor = MapCursor::parse(parent->row.cursor);
  ++cursor.done;
  if (child.state == StepState::Failed) {
    ++cursor.failed;
    if (parent->row.output_seq == 0) parent->row.output_seq = child.output_seq;
  }
  if (e.row.cancel_at == 0 && cursor.next < cursor.items) spawn_child(e, parent->row, cursor.next++);
  parent->row.cursor = cursor.str();
  if (cursor.done < cursor.items) return;
  if (cursor.failed > 0 && node(e, parent->row).on_failure == OnFailure::Stop) {
    keep_error(e, parent->row);
    WRENCH_ASSERT(fire(e, *parent, {StepEventKind::ChildrenFailed}).ok());
    journal(e, "failed", &parent->row,
            "{\"code\":\"workflow.children_failed\",\"message\":\"" + std::to_string(cursor.failed) + " of " +
                std::to_string(cursor.items) + " items failed\"}");
  } else {
    parent->row.output_seq = 0;
    WRENCH_ASSERT(fire(e, *parent, {StepEventKind::Wake}).ok());
  }
}

void Decision::spawn_child(Execution& e, const StepRow& parent, std::int64_t item) {
  StepRow row;
  row.execution_no = e.row.id;
  row.step_no = e.row.next_step++;
  row.node = parent.node;
  row.parent_step = parent.step_no;
  row.iteration = item;
  row.state = StepState::Ready;
  ++e.row.steps_total;
  ++e.row.steps_active;
  e.touched = true;
  Step& s = steps_[key_of(row)];
  s.row = row;
  e.changed.push_back(key_of(row));
  enter_ready(e, s);
}

void Decision::keep_error(Execution& e, const StepRow& row, std::string_view error_json) {
  if (!e.row.error.empty() || row.parent_step != 0 || e.plan->tolerates_failure(row.node)) return;
  const std::string what(error_json.empty() ? std::string_view("null") : error_json);
  e.row.error = "{\"step\":\"" + e.plan->nodes()[row.node].id + "\",\"error\":" + what + "}";
  e.touched = true;
}

}  // namespace wrench::workflow
