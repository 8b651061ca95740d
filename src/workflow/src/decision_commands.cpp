#include <algorithm>
#include <utility>

#include "decision.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {

using codec::Json;

int Decision::initial_deps(const PlanNode& node) {
  if (node.join > 0) return 1;  // Until enough of them completed.
  return static_cast<int>(node.needs.size()) + (node.finally && keeps(Keep::FinallyGate) ? 1 : 0);
}

Result<Decision::Execution*> Decision::owned(std::int64_t no) {
  Execution* e = execution(no);
  // It had ended, and was deleted.
  if (e == nullptr) return Error("workflow.fenced", "there is no execution " + std::to_string(no) + " any more");
  if (!is_ours(e->row))
    return Error("workflow.fenced", "execution " + e->row.execution_id + " belongs to another process now");
  return e;
}

Result<void> Decision::on(const command::Start& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  if (e->row.status != ExecutionStatus::Pending || e->row.paused != Pause::No) return {};
  if (e->task.state == TaskState::Draft)
    return Error("workflow.invalid_transition", "the task " + e->task.task_id + " is a draft")
        .with_help("wrench task run " + e->task.task_id);
  if (has_expired(*e)) return cancel(*e, std::string(kExpired), "system");
  if (!WRENCH_TRY(may_begin(*e))) return {};
  move(*e, ExecutionEventKind::Start);
  move(*e, TaskEventKind::Started);
  begin(*e);
  return {};
}

Result<bool> Decision::may_begin(Execution& e) {
  const auto it = rows_.obstacles.find(e.row.id);
  if (it == rows_.obstacles.end() || !keeps(Keep::DependencyHolds)) return true;
  const Obstacle& other = it->second;
  if (other.for_good) {
    WRENCH_TRY(cancel(e, std::string(kDependencyFailed), "system"));
    return false;
  }
  const std::string_view end = other.must_complete ? "completed" : "ended";
  return Error("workflow.blocked", "the task " + e.task.task_id + " begins when " + other.task_id + " has " +
                                       std::string(end) + ", which is " + std::string(name(other.state)))
      .with_help((is_terminal(other.state) ? "wrench task retry " : "wrench task show ") + other.task_id);
}

void Decision::begin(Execution& e) {
  if (context_.ownership == Ownership::Exclusive) e.row.owner_boot = context_.boot;
  e.row.started_at = now_;
  const auto& nodes = e.plan->nodes();
  const std::uint32_t count = e.plan->top_count();
  e.row.steps_total = count;
  e.row.next_step = count + 1;
  journal(e, "started", nullptr, "{\"boot\":\"" + context_.boot + "\"}");
  if (e.row.deadline_at != 0) set_timer({e.row.id, 0, TimerKind::Deadline, e.row.deadline_at, kAnyEpoch});
  if (e.row.expires_at != 0) set_timer({e.row.id, 0, TimerKind::Expiry, e.row.expires_at, kAnyEpoch});
  if (e.fork != nullptr) return begin_fork(e);
  for (std::uint32_t i = 0; i < count; ++i) {
    StepRow row;
    row.execution_no = e.row.id;
    row.step_no = i + 1;
    row.node = i;
    row.deps_left = initial_deps(nodes[i]);
    steps_[key_of(row)].row = row;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Step& s = steps_.at({e.row.id, i + 1});
    if (s.row.deps_left == 0) WRENCH_ASSERT(fire(e, s, {StepEventKind::DepsDone}).ok());
  }
}

Result<void> Decision::on(const command::Outcome& c) {
  ending_ = &c;
  Result<void> verdict = on_outcome(c);
  ending_ = nullptr;
  return verdict;
}

Result<void> Decision::on_outcome(const command::Outcome& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  using O = command::Outcome;
  const bool cancelling = (s->row.flags & kFlagCancelRequested) != 0;
  const auto* fail = std::get_if<O::Fail>(&c.result);
  const bool asked_to_yield = (s->row.flags & kFlagAskedToYield) != 0 && fail != nullptr && !fail->happened;
  if (const auto* complete = std::get_if<O::Complete>(&c.result)) {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::Complete, c.epoch}));
    s->row.output_seq = journal(*e, "completed", &s->row, complete->output.inline_json, complete->output.blob_hash);
    s->row.cursor.clear();
    s->body.reset();
    if (s->row.effect() == Effect::Guarded) close_intents(c.step, c.epoch);
  } else if (cancelling) {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::Cancel, c.epoch}));
    journal(*e, std::string(name(s->row.state)), &s->row);
    if (s->row.state == StepState::Uncertain) WRENCH_TRY(recovered(*e, *s, ErrorClass::Uncertain, {}));
  } else if (fail != nullptr && !asked_to_yield) {
    WRENCH_TRY(failed(*e, *s, c.epoch, *fail));
  } else if (asked_to_yield || std::holds_alternative<O::Yield>(c.result) ||
             std::holds_alternative<O::Elsewhere>(c.result)) {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::Release, c.epoch}));
    if (std::holds_alternative<O::Elsewhere>(c.result)) s->row.flags |= kFlagNeedsLabels;
    journal(*e, "released", &s->row);
    if (s->row.state == StepState::Uncertain) WRENCH_TRY(recovered(*e, *s, ErrorClass::Uncertain, {}));
  } else if (std::holds_alternative<O::WhenFalse>(c.result)) {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::WhenFalse, c.epoch}));
    journal(*e, "skipped", &s->row, "{\"when\":false}");
  } else if (std::holds_alternative<O::Limits>(c.result)) {
    WRENCH_TRY(on_limits(*e, *s, c));
  } else if (std::holds_alternative<O::OutOfBudget>(c.result)) {
    WRENCH_TRY(on_out_of_budget(*e, *s, c));
  } else if (std::holds_alternative<O::HeldBack>(c.result)) {
    WRENCH_TRY(hold_back(*e, *s, c));
  } else if (std::holds_alternative<O::Wait>(c.result)) {
    WRENCH_TRY(wait_outside(*e, *s, c));
  } else if (std::holds_alternative<O::OpenMap>(c.result)) {
    WRENCH_TRY(open_map(*e, *s, c));
  } else {
    WRENCH_TRY(iterate(*e, *s, c));
  }
  if (!c.usage_json.empty()) journal(*e, "usage", &s->row, c.usage_json);
  propagate(*e);
  return {};
}

Result<void> Decision::open_map(Execution& e, Step& s, const command::Outcome& c) {
  const auto& map = std::get<command::Outcome::OpenMap>(c.result);
  WRENCH_TRY(fire(e, s, {StepEventKind::Wait, c.epoch}));
  BodyCursor cursor;
  cursor.items = map.items;
  cursor.base = e.row.next_step;
  cursor.items_seq = journal(e, "items", &s.row, map.list.inline_json, map.list.blob_hash);
  const std::int64_t window = std::min<std::int64_t>(map.items, node(e, s.row).max_parallel);
  while (cursor.next < window) spawn_item(e, s.row, cursor.next++);
  s.body = cursor;
  return {};
}

Result<void> Decision::iterate(Execution& e, Step& s, const command::Outcome& c) {
  const auto& next = std::get<command::Outcome::Iterate>(c.result);
  WRENCH_TRY(fire(e, s, {StepEventKind::Wait, c.epoch}));
  BodyCursor cursor;
  cursor.iteration = next.iteration;
  if (next.iteration > 1) cursor.last_seq = journal(e, "iteration", &s.row, next.last.inline_json, next.last.blob_hash);
  spawn_body(e, s, cursor);
  return {};
}

Result<void> Decision::wait_outside(Execution& e, Step& s, const command::Outcome& c) {
  const auto& wait = std::get<command::Outcome::Wait>(c.result);
  WRENCH_TRY(fire(e, s, {StepEventKind::Wait, c.epoch}));
  journal(e, "wait", &s.row, "{\"on\":\"" + std::string(name(wait.kind)) + "\",\"wait\":\"" + wait.wait_id + "\"}");
  if (wait.over_at != 0) set_timer({e.row.id, s.row.step_no, TimerKind::WaitOver, wait.over_at, s.row.epoch});
  return {};
}

Result<void> Decision::on(const command::Answer& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  if ((s->row.flags & kFlagWaitsOutside) == 0) return {};  // Cancelled or expired meanwhile.
  act(*e, c.actor);
  if (c.refusal.empty()) {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::Answered}));
    s->row.output_seq = journal(*e, "completed", &s->row, c.output.inline_json, c.output.blob_hash);
  } else {
    WRENCH_TRY(wait_failed(*e, *s, c.refusal));
  }
  propagate(*e);
  return {};
}

Result<void> Decision::on(const command::Note& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  if (!is_terminal(e->row.status)) {
    act(*e, c.actor);
    e->touched = true;
    journal(*e, c.kind, &s->row, c.data);
  }
  if (c.request != 0) plan_.requests_done.emplace_back(c.step.execution_no, c.request);
  return {};
}

Result<void> Decision::wait_over(Execution& e, Step& s) {
  const WaitSpec& wait = *node(e, s.row).wait;
  if (wait.kind == WaitKind::Until || wait.optional) {
    WRENCH_TRY(fire(e, s, {StepEventKind::Answered}));
    const bool until = wait.kind == WaitKind::Until;
    s.row.output_seq = journal(e, "completed", &s.row, until ? "{\"at\":" + std::to_string(now_) + "}" : "null");
    return {};
  }
  return wait_failed(e, s, R"({"code":"workflow.wait_expired","message":"nobody answered in time"})");
}

Result<void> Decision::on(const command::TimerDue& c) {
  if (c.timer.kind == TimerKind::Expiry) return expire(c.timer);
  Execution* e = WRENCH_TRY(owned(c.timer.execution_no));
  if (c.timer.kind == TimerKind::Deadline) {
    if (is_terminal(e->row.status)) return {};
    if (e->row.paused == Pause::Restored) {  // Its finally steps would run.
      TimerRow later = c.timer;
      later.due_at = now_ + kDeadlineOfRestored;
      set_timer(later);
      return {};
    }
    return cancel(*e, std::string(kTimedOut), "deadline");
  }
  Step* s = step({c.timer.execution_no, c.timer.step_no});
  if (s == nullptr) return missing();
  if (!timer_holds(c.timer, s->row, e->row.paused)) return {};
  const Micros heartbeat = node(*e, s->row).timeouts.heartbeat_us;
  if (c.timer.kind == TimerKind::Heartbeat && c.last_tick_at + heartbeat > now_) {
    TimerRow later = c.timer;
    later.due_at = c.last_tick_at + heartbeat;
    set_timer(later);
    return {};
  }
  switch (c.timer.kind) {
    case TimerKind::WaitOver:
      WRENCH_TRY((s->row.flags & kFlagWaitsBudget) != 0 ? fund(*e, *s) : wait_over(*e, *s));
      break;
    case TimerKind::BudgetShare:
      WRENCH_TRY(share_used(*e, *s, c));
      break;
    case TimerKind::BudgetHold:
      hold_over(*s);
      break;
    case TimerKind::Retry:
      WRENCH_TRY(fire(*e, *s, {StepEventKind::Timer}));
      break;
    case TimerKind::CancelGrace:
      WRENCH_TRY(fire(*e, *s, {StepEventKind::CancelGraceOver}));
      journal(*e, std::string(name(s->row.state)), &s->row, "{\"grace\":\"over\"}");
      if (s->row.state == StepState::Uncertain) WRENCH_TRY(recovered(*e, *s, ErrorClass::Uncertain, {}));
      break;
    default:
      WRENCH_TRY(time_out(*e, *s, c.timer.kind));
      break;
  }
  propagate(*e);
  return {};
}

/// What runs then is looked at again when it waits.
Result<void> Decision::expire(const TimerRow& timer) {
  Execution* e = execution(timer.execution_no);
  if (e == nullptr || is_terminal(e->row.status) || e->task.state == TaskState::Draft) return {};
  const bool queued = e->row.status == ExecutionStatus::Pending;
  if (!queued) WRENCH_TRY(owned(timer.execution_no));
  if (e->row.paused == Pause::Restored) {
    TimerRow later = timer;
    later.due_at = now_ + kDeadlineOfRestored;
    set_timer(later);
    return {};
  }
  const bool waits = queued || e->task.state == TaskState::Waiting;
  return waits && has_expired(*e) ? cancel(*e, std::string(kExpired), "system") : Result<void>();
}

bool Decision::timer_holds(const TimerRow& timer, const StepRow& row, Pause paused) {
  if (is_terminal(row.state)) return false;
  // What is held back isn't late; its times begin anew when it goes on.
  const bool held_back =
      (paused != Pause::No && row.state != StepState::Running) || (row.flags & kFlagWaitsBudget) != 0;
  if (held_back && (timer.kind == TimerKind::ScheduleToStart || timer.kind == TimerKind::ScheduleToClose)) return false;
  if (keeps(Keep::TimerEpoch) && timer.epoch != kAnyEpoch && timer.epoch != row.epoch) return false;
  switch (timer.kind) {
    case TimerKind::Retry:
      return row.state == StepState::RetryWait;
    case TimerKind::ScheduleToStart:
      return row.state == StepState::Ready;
    case TimerKind::ScheduleToClose:
      return is_active(row.state);
    case TimerKind::WaitOver:
      return (row.flags & (kFlagWaitsOutside | kFlagWaitsBudget)) != 0;
    case TimerKind::BudgetHold:
      return true;
    default:
      return row.state == StepState::Running;
  }
}

Result<void> Decision::time_out(Execution& e, Step& s, TimerKind kind) {
  static constexpr std::string_view kNames[] = {"retry", "schedule_to_start", "start_to_close", "schedule_to_close",
                                                "heartbeat"};
  const bool was_running = s.row.state == StepState::Running;
  const bool was_waiting = s.row.waits_for_children();
  if (was_waiting && !rows_.all_open_steps.contains(e.row.id)) {
    plan_.missing_executions.insert(e.row.id);
    return missing();
  }
  const bool cancelling = was_running && (s.row.flags & kFlagCancelRequested) != 0;
  const std::string message = "the " + std::string(kNames[static_cast<std::size_t>(kind)]) + " timeout passed";
  const std::string error = "{\"code\":\"workflow.timeout\",\"message\":\"" + message + "\"}";
  StepFailure facts = facts_of(e, s, "workflow.timeout", message, ErrorClass::Retryable);
  facts.last = kind == TimerKind::ScheduleToClose || !was_running;
  const auto policy = cancelling ? std::nullopt : policy_for(e, s, facts);
  if (was_running) plan_.stops.push_back(key_of(s.row));
  if (policy && is_done_at_once(policy->strategy)) {
    s.row.output_seq = journal(e, "timeout", &s.row, error);
    take_over(e, s, *policy, facts);
    return was_waiting ? cancel_children(e, s.row.step_no) : Result<void>();
  }
  std::optional<RecoveryNote> note;
  if (policy) note = note_of(e, s, *policy, facts);
  StepEvent event{StepEventKind::Timeout, std::nullopt, std::nullopt, kind == TimerKind::ScheduleToClose};
  if (cancelling) event.kind = StepEventKind::CancelGraceOver;
  if (note) {
    if (note->strategy == RecoveryStrategy::Escalate) event.kind = StepEventKind::Escalate;
    event.final = event.final || note->strategy == RecoveryStrategy::Abort;
    event.retry_after_us = note->delay_us;
  }
  WRENCH_TRY(fire(e, s, event));
  if (note && !note->checkpoint_json.empty()) s.row.cursor = note->checkpoint_json;
  const std::int64_t told = journal(e, "timeout", &s.row, error);
  if ((s.row.flags & kFlagSuperseded) == 0) s.row.output_seq = told;
  if (s.row.state == StepState::Failed) keep_error(e, s.row, error);
  if (!cancelling || s.row.state == StepState::Uncertain)
    WRENCH_TRY(recovered(e, s, ErrorClass::Retryable, error, note ? &*note : nullptr));
  if (was_waiting) return cancel_children(e, s.row.step_no);
  return {};
}

Result<void> Decision::cancel_children(Execution& e, std::int64_t parent) {
  const auto open = open_steps(e.row.id);
  if (!open) return missing();
  for (const StepKey& key : *open)
    if (Step* s = step(key); s->row.parent_step == parent && !is_terminal(s->row.state)) WRENCH_TRY(cancel_step(e, *s));
  return {};
}

Result<void> Decision::cancel_step(Execution& e, Step& s) {
  if (s.row.state == StepState::Running) {
    if ((s.row.flags & kFlagCancelRequested) != 0) return {};
    s.row.flags |= kFlagCancelRequested;
    e.touched = true;
    e.changed.push_back(key_of(s.row));
    plan_.stops.push_back(key_of(s.row));
    set_timer({e.row.id, s.row.step_no, TimerKind::CancelGrace, now_ + kCancelGrace, s.row.epoch});
    return {};
  }
  const bool has_children = s.row.waits_for_children();
  WRENCH_TRY(fire(e, s, {StepEventKind::Cancel}));
  journal(e, "cancelled", &s.row);
  return has_children ? cancel_children(e, s.row.step_no) : Result<void>();
}

Result<void> Decision::cancel(Execution& e, std::string reason, const std::string& actor) {
  if (e.row.cancel_at != 0) return {};
  const bool unbegun = e.row.started_at == 0;
  if (unbegun) e.row.paused = Pause::No;
  std::vector<StepKey> keys;
  if (!unbegun) {
    auto open = open_steps(e.row.id);
    if (!open) return missing();
    keys = std::move(*open);
  }
  act(e, actor);
  if (e.row.paused != Pause::No) WRENCH_TRY(set_pause(e, Pause::No));  // Its finally steps are to run.
  e.row.cancel_at = now_;
  e.row.cancel_reason = std::move(reason);
  e.touched = true;
  Json data = Json::object({{"reason", e.row.cancel_reason}});
  journal(e, "cancel_requested", nullptr, codec::write_json(data));
  if (unbegun) {
    const bool expired = e.row.cancel_reason == kExpired;
    end(e, expired ? ExecutionEventKind::TimedOut : ExecutionEventKind::CancelDone,
        expired ? TaskEventKind::Expired : TaskEventKind::Cancelled);
    return {};
  }
  for (const StepKey& key : keys) {
    Step* s = step(key);
    if (is_terminal(s->row.state)) continue;  // An earlier one of the loop ended it.
    if (!node(e, s->row).finally) WRENCH_TRY(cancel_step(e, *s));
  }
  propagate(e);
  return {};
}

Result<void> Decision::on(const command::Cancel& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  const bool over = is_terminal(e->row.status);
  if (!over && e->row.started_at != 0) WRENCH_TRY(owned(c.execution_no));
  if (!over) WRENCH_TRY(cancel(*e, c.reason, c.actor));
  if (c.request != 0) plan_.requests_done.emplace_back(c.execution_no, c.request);
  return {};
}

Result<void> Decision::on(const command::SetPause& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  const bool over = is_terminal(e->row.status);
  if (e->row.status == ExecutionStatus::Pending) {
    WRENCH_TRY(pause_unbegun(*e, c));
    if (c.request != 0) plan_.requests_done.emplace_back(c.execution_no, c.request);
    return {};
  }
  if (!over) WRENCH_TRY(owned(c.execution_no));
  // What a restore holds back doesn't run: to pause it would change nothing, and to go on with it is a decision.
  const bool restored = !over && e->row.paused == Pause::Restored;
  const bool open = !over && (restored ? c.pause == Pause::No : e->row.cancel_at == 0);
  if (open && c.pause != e->row.paused) {
    act(*e, c.actor);
    WRENCH_TRY(set_pause(*e, c.pause));
  }
  if (c.request != 0) plan_.requests_done.emplace_back(c.execution_no, c.request);
  return {};
}

Result<void> Decision::pause_unbegun(Execution& e, const command::SetPause& c) {
  const bool pause = c.pause != Pause::No;
  if (pause == (e.row.paused != Pause::No)) return {};
  if (e.task.state == TaskState::Draft)
    return Error("workflow.invalid_transition", "the task " + e.task.task_id + " is a draft: there is nothing to pause")
        .with_help("wrench task run " + e.task.task_id);
  act(e, c.actor);
  e.row.paused = pause ? Pause::Yes : Pause::No;
  move(e, pause ? TaskEventKind::Pause : TaskEventKind::Requeue);
  journal(e, pause ? "paused" : "unpaused", nullptr);
  return {};
}

Result<void> Decision::set_pause(Execution& e, Pause pause) {
  const auto open = open_steps(e.row.id);
  if (!open) return missing();
  const bool restored = e.row.paused == Pause::Restored;
  const bool unbegun = e.row.started_at == 0;  // It was restored before it began.
  if (restored && unbegun && !WRENCH_TRY(may_begin(e))) return {};
  e.row.paused = pause;
  e.touched = true;
  if (restored && unbegun) begin(e);
  if (pause == Pause::Critical)
    journal(e, "suspended", nullptr, R"({"reason":"critical"})");
  else
    journal(e, pause == Pause::No ? "unpaused" : "paused", nullptr);
  for (const StepKey& key : *open) {
    Step* s = step(key);
    const Timeouts& timeouts = node(e, s->row).timeouts;
    if (pause == Pause::Now && s->row.state == StepState::Running) {
      s->row.flags |= kFlagAskedToYield;
      plan_.stops.push_back(key);
    } else if (pause != Pause::No && s->row.state == StepState::Ready) {
      if (s->row.rank != 0) {
        dequeue(e, *s, e.row.owner_boot);
        newly_ready_.push_back(key);
      }
    } else if (pause == Pause::No && s->row.state != StepState::Running && s->row.scheduled_at != 0) {
      s->row.scheduled_at = now_;
      if (timeouts.schedule_to_close_us > 0)
        set_timer({e.row.id, key.step_no, TimerKind::ScheduleToClose, now_ + timeouts.schedule_to_close_us, kAnyEpoch});
      if (s->row.state != StepState::Ready) continue;
      if (timeouts.schedule_to_start_us > 0)
        set_timer(
            {e.row.id, key.step_no, TimerKind::ScheduleToStart, now_ + timeouts.schedule_to_start_us, s->row.epoch});
      if (std::find(newly_ready_.begin(), newly_ready_.end(), key) == newly_ready_.end()) newly_ready_.push_back(key);
    }
  }
  // What its lost workers left uncertain was seen while it was held back.
  const bool critical = restored && std::ranges::any_of(*open, [this](const StepKey& key) {
                          const StepRow& row = step(key)->row;
                          return is_held(row.state) && (row.flags & kFlagSuspended) != 0;
                        });
  return critical && e.row.cancel_at == 0 ? set_pause(e, Pause::Critical) : Result<void>();
}

Result<void> Decision::on(const command::Adopt& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  if (is_terminal(e->row.status) || e->row.owner_boot == context_.boot) return {};
  if (e->row.status == ExecutionStatus::Pending) return on(command::Start{c.execution_no});
  if (!e->row.owner_boot.empty() && e->row.owner_boot != c.from_boot)
    return Error("workflow.owned_elsewhere",
                 "task " + e->task.task_id + " is being run by another process (" + e->row.owner_boot + ")");
  const auto open = open_steps(c.execution_no);
  if (!open) return missing();
  const bool unbegun = e->row.started_at == 0;  // It was restored before it began.
  if (unbegun && !WRENCH_TRY(may_begin(*e))) return {};
  const std::string old_boot = std::exchange(e->row.owner_boot, context_.boot);
  e->touched = true;
  journal(*e, "adopted", nullptr, "{\"from\":\"" + old_boot + "\"}");
  plan_.adopted.push_back(c.execution_no);
  if (unbegun) begin(*e);
  for (const StepKey& key : *open) {
    Step* s = step(key);
    const Micros limit = node(*e, s->row).timeouts.schedule_to_close_us;
    if (s->row.scheduled_at != 0 && limit > 0)
      set_timer({key.execution_no, key.step_no, TimerKind::ScheduleToClose, s->row.scheduled_at + limit, kAnyEpoch});
    if (s->row.state != StepState::Ready) continue;
    if (s->row.rank != 0) dequeue(*e, *s, old_boot);
    newly_ready_.push_back(key);
  }
  // After that, because what these lead to may hold back the whole execution.
  for (const StepKey& key : *open) {
    Step* s = step(key);
    if (s->row.state == StepState::Running && keeps(Keep::RequeueOnAdopt)) {
      WRENCH_TRY(lose_lease(*e, *s));
    } else if (s->row.state == StepState::Uncertain) {
      plan_.uncertain.push_back(key);
    } else if ((s->row.flags & kFlagWaitsBudget) != 0) {
      WRENCH_TRY(fund(*e, *s));  // Whoever told the old process that there is something left may not have been heard.
    }
  }
  propagate(*e);
  const bool given_back = e->row.suspend_reason == kDrained || e->row.suspend_reason == kInterrupted;
  if (e->row.status == ExecutionStatus::Suspended && given_back) {
    move(*e, ExecutionEventKind::Resume);
    e->row.suspend_reason.clear();
  }
  return {};
}

Result<void> Decision::on(const command::LoseLease& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  if (s->row.state != StepState::Running || s->row.worker_boot != c.boot) return {};
  WRENCH_TRY(lose_lease(*e, *s));
  propagate(*e);
  return {};
}

Result<void> Decision::lose_lease(Execution& e, Step& s) {
  const bool cancelling = (s.row.flags & kFlagCancelRequested) != 0;
  const std::string message = "its process died " + std::to_string(s.row.lost + 1) + " times";
  const std::string poison = "{\"code\":\"workflow.poison\",\"message\":\"" + message + "\"}";
  StepFailure facts = facts_of(e, s, "workflow.poison", message, ErrorClass::Permanent);
  facts.last = true;
  const bool once_more = s.row.lost + 1 < context_.losses_max || !keeps(Keep::PoisonBound);
  const auto policy = once_more ? std::nullopt : policy_for(e, s, facts);
  if (policy && is_done_at_once(policy->strategy)) {
    s.row.output_seq = journal(e, "lost", &s.row, poison);
    take_over(e, s, *policy, facts);
    return {};
  }
  std::optional<RecoveryNote> note;
  if (policy) note = note_of(e, s, *policy, facts);
  const bool escalated = note && note->strategy == RecoveryStrategy::Escalate;
  WRENCH_TRY(fire(e, s, {escalated ? StepEventKind::Escalate : StepEventKind::LeaseLost}));
  if (note && !note->checkpoint_json.empty()) s.row.cursor = note->checkpoint_json;
  const bool ended = is_terminal(s.row.state) || s.row.state == StepState::Dead;
  const std::int64_t seq = journal(e, "lost", &s.row, ended ? poison : std::string());
  if (ended) s.row.output_seq = seq;
  if (s.row.state == StepState::Failed) keep_error(e, s.row, poison);
  if (s.row.state != StepState::Ready)
    WRENCH_TRY(recovered(e, s, ended ? ErrorClass::Permanent : ErrorClass::Uncertain, ended ? poison : std::string(),
                         note ? &*note : nullptr));
  s.row.flags &= ~static_cast<std::uint32_t>(kFlagCancelRequested);
  if (cancelling && !is_terminal(s.row.state) && keeps(Keep::CancelOnAdopt)) WRENCH_TRY(cancel_step(e, s));
  return {};
}

Result<void> Decision::on(const command::Decide& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  if (c.request != 0) {
    plan_.requests_done.emplace_back(c.step.execution_no, c.request);
    if (!is_held(s->row.state)) return {};  // Decided about before, or cancelled.
  }
  static constexpr StepEventKind kEvents[] = {StepEventKind::PersonRetry, StepEventKind::PersonSkip,
                                              StepEventKind::PersonGiveUp, StepEventKind::PersonResolve};
  act(*e, c.actor);
  if (s->row.state == StepState::Uncertain && c.decision == StepDecision::Retry) void_intents(c.step, s->row.epoch);
  WRENCH_TRY(fire(*e, *s, {kEvents[static_cast<std::size_t>(c.decision)]}));
  if (c.decision == StepDecision::Retry && node(*e, s->row).has_body()) begin_body_anew(*s);
  journal(*e, "decision", &s->row, "{\"to\":\"" + std::string(name(s->row.state)) + "\"}");
  if (s->row.state == StepState::Failed) keep_error(*e, s->row, "{\"code\":\"workflow.given_up\"}");
  if (c.decision == StepDecision::Resolve) {
    s->row.output_seq = journal(*e, "completed", &s->row, c.output.inline_json, c.output.blob_hash);
    s->row.cursor.clear();
    s->body.reset();
    if (s->row.effect() == Effect::Guarded) close_intents(c.step, s->row.epoch);
  }
  propagate(*e);
  if (e->row.paused == Pause::Critical && e->row.steps_held == 0) return set_pause(*e, Pause::No);
  return {};
}

void Decision::begin_body_anew(Step& s) {
  const bool collecting = (s.row.flags & kFlagCollecting) != 0;
  if (collecting) {
    const BodyCursor& cursor = body_of(s);
    if (cursor.done == cursor.items) return;  // The children are done: only what is made of them is tried again.
  }
  s.row.flags &= ~static_cast<std::uint32_t>(kFlagCollecting);
  s.row.cursor.clear();
  s.body.reset();
}

void Decision::void_intents(StepKey key, std::int64_t epoch) {
  intents_closed_.insert(key);
  plan_.effects.push_back({EffectWrite::Kind::VoidAll, key, {}, epoch, {}});
}

void Decision::close_intents(StepKey key, std::int64_t epoch) {
  intents_closed_.insert(key);
  plan_.effects.push_back({EffectWrite::Kind::CloseAll, key, {}, epoch, "null"});
}

Result<void> Decision::on(const command::Reconcile& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  if (s->row.state != StepState::Uncertain || s->row.epoch != c.epoch) return {};
  if (c.answer == ReconcileAnswer::Unknown) return suspend_for(*e, *s);
  if (c.answer == ReconcileAnswer::NotDone) {
    void_intents(c.step, c.epoch);
    WRENCH_TRY(fire(*e, *s, {StepEventKind::ReconciledNotDone}));
    journal(*e, "reconciled", &s->row, "{\"done\":false}");
    if ((s->row.flags & kFlagSuperseded) != 0) WRENCH_TRY(cancel_step(*e, *s));
  } else {
    WRENCH_TRY(fire(*e, *s, {StepEventKind::ReconciledDone}));
    s->row.output_seq = journal(*e, "completed", &s->row, c.receipt.inline_json, c.receipt.blob_hash);
    plan_.effects.push_back({EffectWrite::Kind::CloseAll, c.step, {}, c.epoch, c.receipt.inline_json});
  }
  propagate(*e);
  return {};
}

Result<void> Decision::on(const command::Record& c) {
  Execution* e = WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  using K = command::Record::Kind;
  const bool current = s->row.epoch == c.epoch && s->row.state == StepState::Running;
  if (c.call_no != 0) WRENCH_TRY(record_budget(*e, *s, c, current));
  if (!current && keeps(Keep::RecordFence))
    return Error("workflow.fenced", "step " + std::to_string(c.step.step_no) + " went on without this attempt");
  switch (c.kind) {
    case K::Checkpoint:
      s->row.cursor = c.json;
      e->touched = true;
      break;
    case K::Reserve:
    case K::Spend:
      break;
    case K::Settle:
      if (!c.json.empty()) plan_.values.push_back({c.step, c.name, c.json});
      break;
    case K::Value:
      plan_.values.push_back({c.step, c.name, c.json});
      journal(*e, "value", &s->row, codec::write_json(Json::object({{"name", c.name}})));
      break;
    case K::Intent:
      // Whatever its capability says of itself: something that undoes it may be guarded.
      s->row.flags =
          (s->row.flags & ~static_cast<std::uint32_t>(kFlagEffectMask)) | static_cast<std::uint32_t>(Effect::Guarded);
      intents_opened_.insert(c.step);
      plan_.effects.push_back({EffectWrite::Kind::Intent, c.step, c.name, c.epoch, c.json});
      journal(*e, "intent", &s->row, "{\"effect_key\":\"" + c.name + "\"}");
      break;
    case K::Receipt:
      plan_.effects.push_back({EffectWrite::Kind::Receipt, c.step, c.name, c.epoch, c.json});
      journal(*e, "receipt", &s->row, "{\"effect_key\":\"" + c.name + "\"}");
      break;
    case K::Recovery:
      WRENCH_TRY(recorded_recovery(*e, *s, c.json));
      break;
  }
  return {};
}

Result<void> Decision::on(const command::Suspend& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr || e->row.owner_boot != context_.boot || is_terminal(e->row.status)) return {};
  const auto open = open_steps(c.execution_no);
  if (!open) return missing();
  for (const StepKey& key : *open)
    if (step(key)->row.state == StepState::Running)
      return Error("workflow.draining", "a step of " + e->row.execution_id + " still runs");
  for (const StepKey& key : *open)
    if (Step* s = step(key); s->row.state == StepState::Ready && s->row.rank != 0)
      dequeue(*e, *s, e->row.owner_boot), e->changed.push_back(key);
  std::erase_if(newly_ready_, [&](const StepKey& key) { return key.execution_no == c.execution_no; });
  e->row.owner_boot.clear();
  e->touched = true;
  journal(*e, "suspended", nullptr, "{\"reason\":\"" + c.reason + "\"}");
  if (e->row.status == ExecutionStatus::Running) {
    move(*e, ExecutionEventKind::Suspend);
    e->row.suspend_reason = c.reason;
  }
  return {};
}

}  // namespace wrench::workflow
