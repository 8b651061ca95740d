#include "wrench/workflow/core.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "guards.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::size_t kEventStepsListed = 200;
constexpr std::string_view kTimedOut = "timed_out";
constexpr std::int64_t kAnyEpoch = -1;

enum class Standing : std::uint8_t { Blocked, Active, Held, Done };

Standing standing(StepState state) {
  if (is_terminal(state)) return Standing::Done;
  if (is_held(state)) return Standing::Held;
  return state == StepState::Blocked ? Standing::Blocked : Standing::Active;
}

/// Rows are missing: the command can't be decided yet. Never leaves decide().
Error missing() { return Error("workflow.missing_rows", "rows to be loaded"); }

class Decision {
 public:
  Decision(const LoadedRows& rows, const CoreContext& context, Micros now, Random& random)
      : rows_(rows), context_(context), now_(now), random_(random) {}

  FlushPlan run(std::span<const Command> commands) {
    for (const Command& command : commands) {
      Result<void> verdict = std::visit([this](const auto& c) { return on(c); }, command);
      plan_.verdicts.push_back(std::move(verdict));
    }
    for (auto& [no, execution] : executions_) settle(execution);
    if (context_.claims_allowed) claim();
    queue_rest();
    if (!plan_.complete()) return std::move(plan_);
    finish();
    return std::move(plan_);
  }

 private:
  struct Execution {
    ExecutionRow row;
    const ExecutionRow* before = nullptr;
    TaskRow task;
    const TaskRow* task_before = nullptr;
    const Plan* plan = nullptr;
    std::int64_t journal_next = 1;
    std::vector<StepKey> changed;
    bool touched = false;
    std::string actor;
  };
  /// What becomes of a step's timers; the last word counts.
  struct TimerEdits {
    bool all_deleted = false;
    std::map<TimerKind, std::optional<TimerRow>> kinds;
  };
  struct Step {
    StepRow row;
    const StepRow* before = nullptr;  ///< Null: new.
  };

  // ---- rows ----

  Execution* execution(std::int64_t no) {
    if (const auto it = executions_.find(no); it != executions_.end()) return &it->second;
    const auto row = rows_.executions.find(no);
    if (row == rows_.executions.end()) return nullptr;
    const auto task = rows_.tasks.find(row->second.task_no);
    const auto plan = rows_.plans.find(no);
    WRENCH_ASSERT(task != rows_.tasks.end() && plan != rows_.plans.end());
    Execution& out = executions_[no];
    out.row = row->second;
    out.before = &row->second;
    out.task = task->second;
    out.task_before = &task->second;
    out.plan = plan->second.get();
    out.journal_next = rows_.journal_next.at(no);
    return &out;
  }

  Step* step(StepKey key) {
    if (const auto it = steps_.find(key); it != steps_.end()) return &it->second;
    const auto row = rows_.steps.find(key);
    if (row == rows_.steps.end()) {
      plan_.missing_steps.push_back(key);
      return nullptr;
    }
    Step& out = steps_[key];
    out.row = row->second;
    out.before = &row->second;
    return &out;
  }

  /// Keys of the open steps of an execution; nothing if they aren't all loaded.
  std::optional<std::vector<StepKey>> open_steps(std::int64_t no) {
    if (!rows_.all_open_steps.contains(no)) {
      plan_.missing_executions.insert(no);
      return std::nullopt;
    }
    std::vector<StepKey> keys;
    for (auto it = rows_.steps.lower_bound({no, 0}); it != rows_.steps.end() && it->first.execution_no == no; ++it)
      keys.push_back(it->first);
    for (auto it = steps_.lower_bound({no, 0}); it != steps_.end() && it->first.execution_no == no; ++it)
      if (it->second.before == nullptr) keys.push_back(it->first);
    std::erase_if(keys, [this](const StepKey& key) { return is_terminal(step(key)->row.state); });
    return keys;
  }

  const PlanNode& node(const Execution& e, const StepRow& row) const { return e.plan->nodes()[row.node]; }

  SlotClass slot_of(const Execution& e, const StepRow& row) const {
    const PlanNode& n = node(e, row);
    if (n.kind == NodeKind::Merge || (n.kind == NodeKind::Map && row.parent_step == 0)) return SlotClass::Io;
    if (n.slot) return *n.slot;
    const auto traits = context_.traits ? context_.traits(n.capability) : std::nullopt;
    return traits ? traits->slot : SlotClass::Cpu;
  }

  Effect effect_of(const Execution& e, const StepRow& row) const {
    const PlanNode& n = node(e, row);
    if (n.kind == NodeKind::Map && row.parent_step == 0) return Effect::Pure;
    if (n.effect) return *n.effect;
    const auto traits = context_.traits ? context_.traits(n.capability) : std::nullopt;
    return traits ? traits->effect : Effect::Guarded;
  }

  static StepKey key_of(const StepRow& row) { return {row.execution_no, row.step_no}; }

  std::int64_t journal(Execution& e, std::string kind, const StepRow* row, std::string data = {},
                       std::string blob_hash = {}) {
    plan_.journal.push_back({e.row.id, e.journal_next, std::move(kind), row == nullptr ? 0 : row->step_no,
                             row == nullptr ? 0 : row->attempt, e.actor.empty() ? context_.boot : e.actor,
                             std::move(data), std::move(blob_hash)});
    return e.journal_next++;
  }

  // ---- the step machine ----

  Result<void> fire(Execution& e, Step& s, StepEvent event) {
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

  static void count(Execution& e, Standing where, int by) {
    if (where == Standing::Active) e.row.steps_active += by;
    if (where == Standing::Held) e.row.steps_held += by;
    if (where == Standing::Done) e.row.steps_done += by;
  }

  /// What a state held is given back.
  void leave(Execution& e, const StepRow& old, StepKey key) {
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

  void set_timer(const TimerRow& timer) { timers_[{timer.execution_no, timer.step_no}].kinds[timer.kind] = timer; }
  void delete_timer(StepKey key, TimerKind kind) { timers_[key].kinds[kind] = std::nullopt; }

  void dequeue(const Execution& e, Step& s, const std::string& boot) {
    const SlotClass slot = slot_of(e, s.row);
    plan_.ready_delete.push_back({queue_name(slot, boot), s.row.rank, key_of(s.row)});
    if (boot == context_.boot) --plan_.backlog_delta[static_cast<std::size_t>(slot)];
    s.row.rank = 0;
  }

  void enter_ready(Execution& e, Step& s) {
    const Timeouts& timeouts = node(e, s.row).timeouts;
    if ((s.row.flags & kFlagScheduled) == 0) {
      s.row.flags |= kFlagScheduled;
      if (timeouts.schedule_to_close_us > 0)
        set_timer(
            {e.row.id, s.row.step_no, TimerKind::ScheduleToClose, now_ + timeouts.schedule_to_close_us, kAnyEpoch});
    }
    if (timeouts.schedule_to_start_us > 0)
      set_timer(
          {e.row.id, s.row.step_no, TimerKind::ScheduleToStart, now_ + timeouts.schedule_to_start_us, s.row.epoch});
    newly_ready_.push_back(key_of(s.row));
  }

  // ---- what the end of a step means for others ----

  /// Steps whose end others wait for. A worklist, because a skip can run through the whole plan.
  void propagate(Execution& e) {
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

  void need_ended(Execution& e, const StepRow& need, std::uint32_t dependent, bool failed) {
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

  void child_ended(Execution& e, const StepRow& child) {
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

  void spawn_child(Execution& e, const StepRow& parent, std::int64_t item) {
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

  /// The first error that isn't tolerated explains why the execution failed.
  void keep_error(Execution& e, const StepRow& row, std::string_view error_json = {}) {
    if (!e.row.error.empty() || row.parent_step != 0 || e.plan->tolerates_failure(row.node)) return;
    const std::string what(error_json.empty() ? std::string_view("null") : error_json);
    e.row.error = "{\"step\":\"" + e.plan->nodes()[row.node].id + "\",\"error\":" + what + "}";
    e.touched = true;
  }

  // ---- commands ----

  /// The execution, if this boot may change it.
  Result<Execution*> owned(std::int64_t no) {
    Execution* e = execution(no);
    if (e == nullptr) return Error("workflow.task_not_found", "there is no execution " + std::to_string(no));
    if (e->row.owner_boot != context_.boot)
      return Error("workflow.fenced", "execution " + e->row.execution_id + " belongs to another process now");
    return e;
  }

  Result<void> on(const command::Start& c) {
    Execution* e = execution(c.execution_no);
    if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
    if (e->row.status != ExecutionStatus::Pending) return {};
    move(*e, ExecutionEventKind::Start);
    e->row.owner_boot = context_.boot;
    e->row.started_at = now_;
    const auto& nodes = e->plan->nodes();
    e->row.steps_total = static_cast<std::int64_t>(nodes.size());
    e->row.next_step = e->row.steps_total + 1;
    journal(*e, "started", nullptr, "{\"boot\":\"" + context_.boot + "\"}");
    move(*e, TaskEventKind::Started);
    if (e->row.deadline_at != 0) set_timer({e->row.id, 0, TimerKind::Deadline, e->row.deadline_at, kAnyEpoch});
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      StepRow row;
      row.execution_no = e->row.id;
      row.step_no = i + 1;
      row.node = i;
      row.deps_left = static_cast<int>(nodes[i].needs.size()) + (nodes[i].finally ? 1 : 0);
      steps_[key_of(row)].row = row;
    }
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      Step& s = steps_.at({e->row.id, i + 1});
      if (s.row.deps_left == 0) WRENCH_ASSERT(fire(*e, s, {StepEventKind::DepsDone}).ok());
    }
    return {};
  }

  Result<void> on(const command::Outcome& c) {
    Execution* e = WRENCH_TRY(owned(c.step.execution_no));
    Step* s = step(c.step);
    if (s == nullptr) return missing();
    using O = command::Outcome;
    const bool cancelling = (s->row.flags & kFlagCancelRequested) != 0;
    if (const auto* complete = std::get_if<O::Complete>(&c.result)) {
      WRENCH_TRY(fire(*e, *s, {StepEventKind::Complete, c.epoch}));
      s->row.output_seq = journal(*e, "completed", &s->row, complete->output.inline_json, complete->output.blob_hash);
      s->row.cursor.clear();
      if (s->row.effect() == Effect::Guarded)
        plan_.effects.push_back({EffectWrite::Kind::CloseAll, c.step, {}, c.epoch, "null"});
    } else if (cancelling) {
      WRENCH_TRY(fire(*e, *s, {StepEventKind::Cancel, c.epoch}));
      journal(*e, std::string(name(s->row.state)), &s->row);
    } else if (const auto* fail = std::get_if<O::Fail>(&c.result)) {
      WRENCH_TRY(
          fire(*e, *s,
               {fail->failure == FailureClass::Retryable ? StepEventKind::FailRetryable : StepEventKind::FailPermanent,
                c.epoch, fail->retry_after_us}));
      s->row.output_seq = journal(*e, s->row.state == StepState::RetryWait ? "retry" : std::string(name(s->row.state)),
                                  &s->row, fail->error_json);
      if (s->row.state == StepState::Failed) keep_error(*e, s->row, fail->error_json);
    } else if (std::holds_alternative<O::Yield>(c.result)) {
      WRENCH_TRY(fire(*e, *s, {StepEventKind::Release, c.epoch}));
      journal(*e, "released", &s->row);
    } else if (std::holds_alternative<O::WhenFalse>(c.result)) {
      WRENCH_TRY(fire(*e, *s, {StepEventKind::WhenFalse, c.epoch}));
      journal(*e, "skipped", &s->row, "{\"when\":false}");
    } else {
      WRENCH_TRY(open_map(*e, *s, c));
    }
    propagate(*e);
    return {};
  }

  Result<void> open_map(Execution& e, Step& s, const command::Outcome& c) {
    const auto& map = std::get<command::Outcome::OpenMap>(c.result);
    WRENCH_TRY(fire(e, s, {StepEventKind::Wait, c.epoch}));
    MapCursor cursor;
    cursor.items = map.items;
    cursor.items_seq = journal(e, "items", &s.row, map.list.inline_json, map.list.blob_hash);
    const std::int64_t window = std::min<std::int64_t>(map.items, node(e, s.row).max_parallel);
    while (cursor.next < window) spawn_child(e, s.row, cursor.next++);
    s.row.cursor = cursor.str();
    return {};
  }

  Result<void> on(const command::TimerDue& c) {
    Execution* e = WRENCH_TRY(owned(c.timer.execution_no));
    if (c.timer.kind == TimerKind::Deadline) {
      if (is_terminal(e->row.status)) return {};
      return cancel(*e, std::string(kTimedOut), "deadline");
    }
    Step* s = step({c.timer.execution_no, c.timer.step_no});
    if (s == nullptr) return missing();
    if (!timer_holds(c.timer, s->row)) return {};
    const Micros heartbeat = node(*e, s->row).timeouts.heartbeat_us;
    if (c.timer.kind == TimerKind::Heartbeat && c.last_tick_at + heartbeat > now_) {
      TimerRow later = c.timer;
      later.due_at = c.last_tick_at + heartbeat;
      set_timer(later);
      return {};
    }
    switch (c.timer.kind) {
      case TimerKind::Retry:
        WRENCH_TRY(fire(*e, *s, {StepEventKind::Timer}));
        break;
      case TimerKind::CancelGrace:
        WRENCH_TRY(fire(*e, *s, {StepEventKind::CancelGraceOver}));
        journal(*e, std::string(name(s->row.state)), &s->row, "{\"grace\":\"over\"}");
        break;
      default:
        WRENCH_TRY(time_out(*e, *s, c.timer.kind));
        break;
    }
    propagate(*e);
    return {};
  }

  static bool timer_holds(const TimerRow& timer, const StepRow& row) {
    if (is_terminal(row.state)) return false;
    if (keeps(Keep::TimerEpoch) && timer.epoch != kAnyEpoch && timer.epoch != row.epoch) return false;
    switch (timer.kind) {
      case TimerKind::Retry:
        return row.state == StepState::RetryWait;
      case TimerKind::ScheduleToStart:
        return row.state == StepState::Ready;
      case TimerKind::ScheduleToClose:
        return is_active(row.state);
      default:
        return row.state == StepState::Running;
    }
  }

  Result<void> time_out(Execution& e, Step& s, TimerKind kind) {
    static constexpr std::string_view kNames[] = {"retry", "schedule_to_start", "start_to_close", "schedule_to_close",
                                                  "heartbeat"};
    const bool was_running = s.row.state == StepState::Running;
    const bool was_waiting = s.row.state == StepState::Waiting;
    if (was_waiting && !rows_.all_open_steps.contains(e.row.id)) {
      plan_.missing_executions.insert(e.row.id);
      return missing();
    }
    const bool cancelling = was_running && (s.row.flags & kFlagCancelRequested) != 0;
    if (cancelling) {
      WRENCH_TRY(fire(e, s, {StepEventKind::CancelGraceOver}));
    } else {
      WRENCH_TRY(fire(e, s, {StepEventKind::Timeout, std::nullopt, std::nullopt, kind == TimerKind::ScheduleToClose}));
    }
    if (was_running) plan_.stops.push_back(key_of(s.row));
    const std::string limit(kNames[static_cast<std::size_t>(kind)]);
    const std::string error = "{\"code\":\"workflow.timeout\",\"message\":\"the " + limit + " timeout passed\"}";
    s.row.output_seq = journal(e, "timeout", &s.row, error);
    if (s.row.state == StepState::Failed) keep_error(e, s.row, error);
    if (was_waiting) return cancel_children(e, s.row.step_no);
    return {};
  }

  Result<void> cancel_children(Execution& e, std::int64_t parent) {
    const auto open = open_steps(e.row.id);
    if (!open) return missing();
    for (const StepKey& key : *open)
      if (Step* s = step(key); s->row.parent_step == parent) WRENCH_TRY(cancel_step(e, *s));
    return {};
  }

  Result<void> cancel_step(Execution& e, Step& s) {
    if (s.row.state == StepState::Running) {
      if ((s.row.flags & kFlagCancelRequested) != 0) return {};
      s.row.flags |= kFlagCancelRequested;
      e.touched = true;
      e.changed.push_back(key_of(s.row));
      plan_.stops.push_back(key_of(s.row));
      set_timer({e.row.id, s.row.step_no, TimerKind::CancelGrace, now_ + kCancelGrace, s.row.epoch});
      return {};
    }
    WRENCH_TRY(fire(e, s, {StepEventKind::Cancel}));
    journal(e, "cancelled", &s.row);
    return {};
  }

  Result<void> cancel(Execution& e, std::string reason, const std::string& actor) {
    if (e.row.cancel_at != 0 && e.row.cancel_reason != "requested") return {};
    const bool pending = e.row.status == ExecutionStatus::Pending;
    std::vector<StepKey> keys;
    if (!pending) {
      auto open = open_steps(e.row.id);
      if (!open) return missing();
      keys = std::move(*open);
    }
    e.actor = actor;
    e.row.cancel_at = now_;
    e.row.cancel_reason = std::move(reason);
    e.touched = true;
    Json data = Json::object({{"reason", e.row.cancel_reason}});
    journal(e, "cancel_requested", nullptr, codec::write_json(data));
    if (pending) {
      end(e, ExecutionEventKind::CancelDone, TaskEventKind::Cancelled);
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

  Result<void> on(const command::Cancel& c) {
    Execution* e = execution(c.execution_no);
    if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
    if (is_terminal(e->row.status)) return {};
    if (e->row.status != ExecutionStatus::Pending) WRENCH_TRY(owned(c.execution_no));
    return cancel(*e, c.reason.empty() ? "cancelled" : c.reason, c.actor);
  }

  Result<void> on(const command::Adopt& c) {
    Execution* e = execution(c.execution_no);
    if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
    if (is_terminal(e->row.status) || e->row.owner_boot == context_.boot) return {};
    if (e->row.status == ExecutionStatus::Pending) return on(command::Start{c.execution_no});
    if (!e->row.owner_boot.empty() && e->row.owner_boot != c.from_boot)
      return Error("workflow.owned_elsewhere",
                   "task " + e->task.task_id + " is being run by another process (" + e->row.owner_boot + ")");
    const auto open = open_steps(c.execution_no);
    if (!open) return missing();
    const std::string old_boot = std::exchange(e->row.owner_boot, context_.boot);
    e->touched = true;
    journal(*e, "adopted", nullptr, "{\"from\":\"" + old_boot + "\"}");
    plan_.adopted.push_back(c.execution_no);
    for (const StepKey& key : *open) {
      Step* s = step(key);
      if (s->row.state == StepState::Ready) {
        if (s->row.rank != 0) dequeue(*e, *s, old_boot);
        newly_ready_.push_back(key);
      } else if (s->row.state == StepState::Running && keeps(Keep::RequeueOnAdopt)) {
        const bool cancelling = (s->row.flags & kFlagCancelRequested) != 0;
        WRENCH_TRY(fire(*e, *s, {StepEventKind::LeaseLost}));
        const std::string poison =
            "{\"code\":\"workflow.poison\",\"message\":\"its process died " + std::to_string(s->row.lost) + " times\"}";
        const bool ended = is_terminal(s->row.state) || s->row.state == StepState::Dead;
        const std::int64_t seq = journal(*e, "lost", &s->row, ended ? poison : std::string());
        if (ended) s->row.output_seq = seq;
        if (s->row.state == StepState::Failed) keep_error(*e, s->row, poison);
        s->row.flags &= ~static_cast<std::uint32_t>(kFlagCancelRequested);
        if (cancelling && !is_terminal(s->row.state)) WRENCH_TRY(cancel_step(*e, *s));
      } else if (s->row.state == StepState::Uncertain) {
        plan_.uncertain.push_back(key);
      }
    }
    propagate(*e);
    // Another process asked for it while nobody could obey.
    if (e->row.cancel_at != 0 && e->row.cancel_reason == "requested") WRENCH_TRY(cancel(*e, "cancelled", "user"));
    if (e->row.status == ExecutionStatus::Suspended && e->row.suspend_reason == "drain") {
      move(*e, ExecutionEventKind::Resume);
      e->row.suspend_reason.clear();
    }
    return {};
  }

  Result<void> on(const command::Decide& c) {
    Execution* e = WRENCH_TRY(owned(c.step.execution_no));
    Step* s = step(c.step);
    if (s == nullptr) return missing();
    static constexpr StepEventKind kEvents[] = {StepEventKind::PersonRetry, StepEventKind::PersonSkip,
                                                StepEventKind::PersonGiveUp};
    e->actor = c.actor;
    if (s->row.state == StepState::Uncertain) void_intents(c.step, s->row.epoch);
    WRENCH_TRY(fire(*e, *s, {kEvents[static_cast<std::size_t>(c.decision)]}));
    journal(*e, "decision", &s->row, "{\"to\":\"" + std::string(name(s->row.state)) + "\"}");
    if (s->row.state == StepState::Failed) keep_error(*e, s->row, "{\"code\":\"workflow.given_up\"}");
    propagate(*e);
    return {};
  }

  void void_intents(StepKey key, std::int64_t epoch) {
    voided_.insert(key);
    plan_.effects.push_back({EffectWrite::Kind::VoidAll, key, {}, epoch, {}});
  }

  Result<void> on(const command::Reconcile& c) {
    Execution* e = WRENCH_TRY(owned(c.step.execution_no));
    Step* s = step(c.step);
    if (s == nullptr) return missing();
    if (s->row.state != StepState::Uncertain || s->row.epoch != c.epoch || c.answer == ReconcileAnswer::Unknown)
      return {};
    if (c.answer == ReconcileAnswer::NotDone) {
      void_intents(c.step, c.epoch);
      WRENCH_TRY(fire(*e, *s, {StepEventKind::ReconciledNotDone}));
      journal(*e, "reconciled", &s->row, "{\"done\":false}");
    } else {
      WRENCH_TRY(fire(*e, *s, {StepEventKind::ReconciledDone}));
      s->row.output_seq = journal(*e, "completed", &s->row, c.receipt.inline_json, c.receipt.blob_hash);
      plan_.effects.push_back({EffectWrite::Kind::CloseAll, c.step, {}, c.epoch, c.receipt.inline_json});
    }
    propagate(*e);
    return {};
  }

  Result<void> on(const command::Record& c) {
    Execution* e = WRENCH_TRY(owned(c.step.execution_no));
    Step* s = step(c.step);
    if (s == nullptr) return missing();
    if (s->row.epoch != c.epoch || s->row.state != StepState::Running)
      return Error("workflow.fenced", "step " + std::to_string(c.step.step_no) + " went on without this attempt");
    using K = command::Record::Kind;
    switch (c.kind) {
      case K::Checkpoint:
        s->row.cursor = c.json;
        e->touched = true;
        break;
      case K::Value:
        plan_.values.push_back({c.step, c.name, c.json});
        journal(*e, "value", &s->row, codec::write_json(Json::object({{"name", c.name}})));
        break;
      case K::Intent:
        plan_.effects.push_back({EffectWrite::Kind::Intent, c.step, c.name, c.epoch, c.json});
        journal(*e, "intent", &s->row, "{\"effect_key\":\"" + c.name + "\"}");
        break;
      case K::Receipt:
        plan_.effects.push_back({EffectWrite::Kind::Receipt, c.step, c.name, c.epoch, c.json});
        journal(*e, "receipt", &s->row, "{\"effect_key\":\"" + c.name + "\"}");
        break;
    }
    return {};
  }

  Result<void> on(const command::Suspend& c) {
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
    journal(*e, "suspended", nullptr, "{\"reason\":\"drain\"}");
    if (e->row.status == ExecutionStatus::Running) {
      move(*e, ExecutionEventKind::Suspend);
      e->row.suspend_reason = "drain";
    }
    return {};
  }

  // ---- executions and tasks ----

  void move(Execution& e, ExecutionEventKind event) {
    const auto* t = find_transition(Machine::Execution, static_cast<std::uint8_t>(e.row.status),
                                    static_cast<std::uint8_t>(event), Guard::None);
    WRENCH_ASSERT(t != nullptr);
    e.row.status = static_cast<ExecutionStatus>(t->to);
    e.touched = true;
  }

  void move(Execution& e, TaskEventKind event) {
    const auto* t = find_transition(Machine::Task, static_cast<std::uint8_t>(e.task.state),
                                    static_cast<std::uint8_t>(event), Guard::None);
    WRENCH_ASSERT(t != nullptr);
    e.task.state = static_cast<TaskState>(t->to);
    e.touched = true;
  }

  void end(Execution& e, ExecutionEventKind event, TaskEventKind task_event) {
    move(e, event);
    e.row.suspend_reason.clear();
    e.row.completed_at = now_;
    move(e, task_event);
    e.task.wait_reason.clear();
    if (e.row.status == ExecutionStatus::Completed) e.task.progress_ppm = 1'000'000;
    journal(e, "ended", nullptr, "{\"status\":\"" + std::string(name(e.row.status)) + "\"}");
    plan_.timers_delete_executions.push_back(e.row.id);
    plan_.ended.push_back(e.row.id);
  }

  void settle(Execution& e) {
    if (!e.touched || is_terminal(e.row.status) || e.row.status == ExecutionStatus::Pending) return;
    const std::int64_t waiting_for_gate = e.plan->finally_count();
    if (waiting_for_gate > 0 && e.row.steps_active == 0 && e.row.steps_held == 0 &&
        e.row.steps_total - e.row.steps_done == waiting_for_gate)
      open_gate(e);
    if (!plan_.complete()) return;
    if (e.row.steps_done == e.row.steps_total) {
      if (e.row.cancel_reason == kTimedOut) {
        end(e, ExecutionEventKind::TimedOut, TaskEventKind::Failed);
      } else if (e.row.cancel_at != 0) {
        end(e, ExecutionEventKind::CancelDone, TaskEventKind::Cancelled);
      } else if (e.row.steps_failed > 0) {
        end(e, ExecutionEventKind::AnyFailed, TaskEventKind::Failed);
      } else {
        end(e, ExecutionEventKind::AllDone, TaskEventKind::Completed);
      }
      return;
    }
    if (e.row.owner_boot != context_.boot) return;
    const bool stuck = e.row.steps_active == 0 && e.row.steps_held > 0;
    if (stuck && e.row.status == ExecutionStatus::Running) {
      move(e, ExecutionEventKind::Suspend);
      e.row.suspend_reason = e.row.on_exhausted == OnExhausted::Dead ? "dead_letter" : "uncertain";
      if (e.task.state == TaskState::Running) move(e, TaskEventKind::Held);
      e.task.wait_reason = e.row.suspend_reason;
    } else if (!stuck && e.row.status == ExecutionStatus::Suspended) {
      move(e, ExecutionEventKind::Resume);
      e.row.suspend_reason.clear();
      if (e.task.state == TaskState::Waiting) move(e, TaskEventKind::Continued);
      e.task.wait_reason.clear();
    }
  }

  void open_gate(Execution& e) {
    const auto& nodes = e.plan->nodes();
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      if (!nodes[i].finally) continue;
      Step* s = step({e.row.id, i + 1});
      if (s == nullptr) continue;
      if (s->row.state != StepState::Blocked || (s->row.flags & kFlagGateOpen) != 0) continue;
      s->row.flags |= kFlagGateOpen;
      if (--s->row.deps_left == 0) WRENCH_ASSERT(fire(e, *s, {StepEventKind::DepsDone}).ok());
    }
  }

  // ---- slots ----

  void claim() {
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
      int free = context_.free[slot] + freed_[slot];
      if (free <= 0) continue;
      std::vector<ReadyRow> candidates = rows_.backlog[slot];
      std::erase_if(candidates, [this](const ReadyRow& row) {
        const Step* s = step(row.step);
        return s == nullptr || s->row.state != StepState::Ready || s->row.rank != row.rank;
      });
      for (const StepKey& key : newly_ready_) {
        const Step& s = steps_.at(key);
        if (static_cast<std::size_t>(slot_of(executions_.at(key.execution_no), s.row)) == slot)
          candidates.push_back({now_, key});
      }
      std::sort(candidates.begin(), candidates.end(), [](const ReadyRow& a, const ReadyRow& b) {
        return std::tie(a.rank, a.step) < std::tie(b.rank, b.step);
      });
      for (const ReadyRow& candidate : candidates) {
        if (free == 0) break;
        Execution* e = execution(candidate.step.execution_no);
        if (e == nullptr || e->row.owner_boot != context_.boot || is_terminal(e->row.status)) continue;
        start_step(*e, steps_.at(candidate.step), static_cast<SlotClass>(slot));
        --free;
      }
    }
  }

  void start_step(Execution& e, Step& s, SlotClass slot) {
    WRENCH_ASSERT(fire(e, s, {StepEventKind::Claim}).ok());
    const Timeouts& timeouts = node(e, s.row).timeouts;
    if (timeouts.start_to_close_us > 0)
      set_timer({e.row.id, s.row.step_no, TimerKind::StartToClose, now_ + timeouts.start_to_close_us, s.row.epoch});
    if (timeouts.heartbeat_us > 0)
      set_timer({e.row.id, s.row.step_no, TimerKind::Heartbeat, now_ + timeouts.heartbeat_us, s.row.epoch});
    journal(e, "claim", &s.row, "{\"boot\":\"" + context_.boot + "\",\"epoch\":" + std::to_string(s.row.epoch) + "}");
    plan_.launches.push_back({s.row, slot});
  }

  void queue_rest() {
    for (const StepKey& key : newly_ready_) {
      Step& s = steps_.at(key);
      const Execution& e = executions_.at(key.execution_no);
      if (e.row.owner_boot != context_.boot) continue;
      const SlotClass slot = slot_of(e, s.row);
      s.row.rank = now_;
      plan_.ready_insert.push_back({queue_name(slot, context_.boot), s.row.rank, key});
      ++plan_.backlog_delta[static_cast<std::size_t>(slot)];
    }
  }

  // ---- the result ----

  void finish() {
    for (auto& [key, s] : steps_) {
      if (s.before != nullptr && *s.before == s.row) continue;
      plan_.steps.push_back({s.before == nullptr ? std::nullopt : std::optional(*s.before), s.row});
    }
    for (const auto& [key, edits] : timers_) {
      if (edits.all_deleted) plan_.timers_delete.push_back({key, std::nullopt});
      for (const auto& [kind, timer] : edits.kinds) {
        if (timer) plan_.timers_set.push_back(*timer);
        if (!timer && !edits.all_deleted) plan_.timers_delete.push_back({key, kind});
      }
    }
    for (auto& [no, e] : executions_) {
      if (!e.touched) continue;
      const std::int64_t total = std::max<std::int64_t>(e.row.steps_total, 1);
      e.task.progress_ppm = std::max(e.task.progress_ppm, e.row.steps_done * 1'000'000 / total);
      if (!(e.row == *e.before)) {
        ++e.row.version;
        plan_.executions.push_back({*e.before, e.row});
      }
      // Progress alone waits a second: the row has six indexes.
      TaskRow quiet = *e.task_before;
      quiet.progress_ppm = e.task.progress_ppm;
      const bool changed = !(e.task == quiet);
      if (changed || now_ - e.task.updated_at >= kMicrosPerSecond) {
        e.task.updated_at = now_;
        ++e.task.version;
        plan_.tasks.push_back({*e.task_before, e.task});
      }
      plan_.events.push_back(event_of(e));
    }
  }

  storage::EventDraft event_of(const Execution& e) const {
    storage::EventDraft event;
    event.type = e.task.state != e.task_before->state ? "task.state" : "execution.progress";
    event.project_id = e.task.project_id;
    event.task_id = e.task.id;
    event.subject_kind = "execution";
    event.subject_id = e.row.execution_id;
    event.actor = e.actor.empty() ? "system" : e.actor;
    event.version = e.row.version;
    Json payload = Json::object({{"task", e.task.task_id},
                                 {"state", name(e.task.state)},
                                 {"execution", name(e.row.status)},
                                 {"steps_done", e.row.steps_done},
                                 {"steps_total", e.row.steps_total}});
    Json changed = Json::array();
    std::set<StepKey> seen;
    for (const StepKey& key : e.changed) {
      if (!seen.insert(key).second || seen.size() > kEventStepsListed) continue;
      const StepRow& row = steps_.at(key).row;
      changed.push_back(Json::object(
          {{"step", row.step_no}, {"node", node(e, row).id}, {"state", name(row.state)}, {"attempt", row.attempt}}));
    }
    payload.set("steps", std::move(changed));
    if (seen.size() > kEventStepsListed) payload.set("steps_omitted", seen.size() - kEventStepsListed);
    event.payload = codec::write_json(payload);
    return event;
  }

  const LoadedRows& rows_;
  const CoreContext& context_;
  const Micros now_;
  Random& random_;
  FlushPlan plan_;
  std::map<std::int64_t, Execution> executions_;
  std::map<StepKey, Step> steps_;
  std::map<StepKey, TimerEdits> timers_;
  std::deque<StepKey> ended_;
  std::vector<StepKey> newly_ready_;
  std::set<StepKey> voided_;
  std::array<int, kSlotClasses> freed_ = {0, 0, 0};
};

}  // namespace

FlushPlan Core::decide(std::span<const Command> commands, const LoadedRows& rows, const CoreContext& context,
                       Micros now, Random& random) {
  return Decision(rows, context, now, random).run(commands);
}

std::string queue_name(SlotClass slot, std::string_view boot) {
  return std::string(name(slot)) + "@" + std::string(boot);
}

std::string effect_key(std::string_view execution_id, std::string_view node, std::int64_t iteration, int index) {
  const std::string text = std::string(execution_id) + "\n" + std::string(node) + "\n" + std::to_string(iteration) +
                           "\n" + std::to_string(index);
  return crypto::sha256_hex(text).substr(0, 52);
}

std::string MapCursor::str() const {
  return codec::write_json(
      Json::object({{"items", items}, {"next", next}, {"done", done}, {"failed", failed}, {"items_seq", items_seq}}));
}

MapCursor MapCursor::parse(const std::string& text) {
  MapCursor out;
  const auto value = codec::parse_json(text);
  WRENCH_ASSERT(value.ok());
  out.items = value->at("items").as_integer();
  out.next = value->at("next").as_integer();
  out.done = value->at("done").as_integer();
  out.failed = value->at("failed").as_integer();
  out.items_seq = value->at("items_seq").as_integer();
  return out;
}

}  // namespace wrench::workflow
