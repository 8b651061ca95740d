#include "row_store.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "creation.hpp"
#include "forks.hpp"
#include "guards.hpp"
#include "sql.hpp"
#include "waits.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::workflow {

using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::size_t kPlansCached = 64;
/// Others may work on the executions of most of them.
constexpr int kHeadsPerSlot = 8;

static_assert(static_cast<int>(StepState::Completed) == 6 && static_cast<int>(StepState::Cancelled) == 9,
              "workflow.open_steps names the terminal states by number");

Bind text_or_null(const std::string& text) { return text.empty() ? Bind(std::nullopt) : Bind(text); }
Bind number_or_null(std::int64_t number) { return number == 0 ? Bind(std::nullopt) : Bind(number); }

/// NULL when nothing waits.
std::string waiting_text(const std::array<std::int64_t, kWaitKinds>& counts) {
  if (counts == std::array<std::int64_t, kWaitKinds>{}) return {};
  codec::Json list = codec::Json::array();
  for (const std::int64_t count : counts) list.push_back(count);
  return codec::write_json(list);
}

Error changed_meanwhile(std::string_view what) {
  return Error("workflow.conflict", std::string(what) + " changed while it was decided on");
}

TaskRow task_from(const Rows::Row& row) {
  TaskRow out;
  out.id = row.integer(0);
  out.task_id = row.text(1);
  out.project_id = row.integer(2);
  out.repo_id = row.optional_integer(3).value_or(0);
  out.state = parse_task_state(row.text_or_empty(4)).value_or(TaskState::Draft);
  out.wait_reason = row.text_or_empty(5);
  out.progress_ppm = row.integer(6);
  out.updated_at = row.integer(7);
  out.version = row.integer(8);
  out.parent_execution = row.optional_integer(9).value_or(0);
  out.parent_step = row.optional_integer(10).value_or(0);
  out.priority = parse_priority(row.text(11)).value_or(Priority::Medium);
  out.kind = row.text_or_empty(12);
  return out;
}

using row_store::Source;

Result<void> load_fork(const Source& from, std::int64_t no, LoadedRows& rows) {
  rows.forks[no] = WRENCH_TRY(from.plans.fork(from.tx, *rows.plans.at(no), rows.executions.at(no)));
  return {};
}

Result<void> load_execution(const Source& from, std::int64_t no, LoadedRows& rows) {
  if (rows.executions.contains(no)) return {};
  if (const auto known = from.cache.executions.find(no); known != from.cache.executions.end()) {
    ++from.cache.hits;
    const RowCache::Known& it = known->second;
    rows.tasks[it.task.id] = it.task;
    rows.plans[no] = it.plan;
    rows.journal_next[no] = it.journal_next;
    rows.executions[no] = it.execution;
    return it.execution.forked_from == 0 ? Result<void>() : load_fork(from, no, rows);
  }
  ++from.cache.misses;
  ReadTx& tx = from.tx;
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {no}));
  if (found.empty()) return {};
  ExecutionRow row = row_store::execution_from(found.front());
  const Rows task = WRENCH_TRY(tx.query(sql::kTaskRow, {row.task_no}));
  if (task.empty()) return Error("storage.corrupt", "execution " + row.execution_id + " has no task");
  rows.tasks[row.task_no] = task_from(task.front());
  rows.plans[no] = WRENCH_TRY(from.plans.get(tx, row.plan_hash));
  const Rows tail = WRENCH_TRY(tx.query(sql::kJournalTail, {no}));
  rows.journal_next[no] = tail.empty() ? 1 : tail.front().integer(0) + 1;
  const bool forked = row.forked_from != 0;
  rows.executions[no] = std::move(row);
  return forked ? load_fork(from, no, rows) : Result<void>();
}

Result<void> add_step(ReadTx& tx, StepRow row, LoadedRows& rows) {
  const StepKey key{row.execution_no, row.step_no};
  if (row.effect() == Effect::Guarded && (row.state == StepState::Running || row.state == StepState::Uncertain)) {
    const Rows open = WRENCH_TRY(tx.query(sql::kOpenIntents, {key.execution_no, key.step_no}));
    if (!open.empty()) rows.open_intents.insert(key);
  }
  rows.steps[key] = std::move(row);
  return {};
}

Result<void> load_step(const Source& from, StepKey key, LoadedRows& rows) {
  if (rows.steps.contains(key)) return {};
  ReadTx& tx = from.tx;
  if (const auto known = from.cache.running.find(key); known != from.cache.running.end()) {
    ++from.cache.hits;
    return add_step(tx, known->second, rows);
  }
  ++from.cache.misses;
  const Rows found = WRENCH_TRY(tx.query(sql::kStepRow, {key.execution_no, key.step_no}));
  if (found.empty()) return Error("workflow.step_not_found", "there is no step " + std::to_string(key.step_no));
  return add_step(tx, row_store::step_from(found.front()), rows);
}

Result<void> load_open_steps(ReadTx& tx, std::int64_t no, LoadedRows& rows) {
  if (!rows.all_open_steps.insert(no).second) return {};
  const Rows found = WRENCH_TRY(tx.query(sql::kOpenSteps, {no}));
  for (const auto row : found) {
    StepRow step = row_store::step_from(row);
    if (!rows.steps.contains({step.execution_no, step.step_no})) WRENCH_TRY(add_step(tx, std::move(step), rows));
  }
  return {};
}

/// The step, and who waits for its end.
Result<void> load_neighbours(const Source& from, StepKey key, LoadedRows& rows) {
  WRENCH_TRY(load_step(from, key, rows));
  const StepRow& row = rows.steps.at(key);
  if (row.parent_step != 0) return load_step(from, {key.execution_no, row.parent_step}, rows);
  const auto plan = rows.plans.find(key.execution_no);
  if (plan == rows.plans.end()) return {};
  for (const std::uint32_t dependent : plan->second->dependents(row.node))
    WRENCH_TRY(load_step(from, {key.execution_no, dependent + 1}, rows));
  return {};
}

}  // namespace

Result<std::shared_ptr<const Plan>> PlanCache::get(ReadTx& tx, std::string_view hash) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = plans_.find(hash); it != plans_.end()) return it->second;
  }
  const Rows rows = WRENCH_TRY(tx.query(sql::kPlanBody, {Bind::bytes(hash)}));
  if (rows.empty()) return Error("storage.corrupt", "an execution's plan is missing");
  auto plan = Plan::parse_text(rows.front().text(0));
  if (!plan.ok() || (*plan)->hash() != hash) return Error("storage.corrupt", "a stored plan is damaged");
  put(*plan);
  return *plan;
}

Result<std::shared_ptr<const Fork>> PlanCache::fork(ReadTx& tx, const Plan& plan, const ExecutionRow& execution) {
  const std::pair key(execution.id, execution.execution_id);
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = forks_.find(key); it != forks_.end()) return it->second;
  }
  auto fork = WRENCH_TRY(forks::load(tx, plan, execution.id));
  const std::lock_guard lock(mutex_);
  if (forks_.size() >= kPlansCached) forks_.clear();
  return forks_[key] = std::move(fork);
}

void PlanCache::put(const std::shared_ptr<const Plan>& plan) {
  const std::lock_guard lock(mutex_);
  if (plans_.size() >= kPlansCached) plans_.clear();
  plans_[plan->hash()] = plan;
}

namespace row_store {

ExecutionRow execution_from(const Rows::Row& row) {
  ExecutionRow out;
  out.id = row.integer(0);
  out.execution_id = row.text(1);
  out.task_no = row.integer(2);
  out.number = row.integer(3);
  out.status = parse_execution_status(row.text(4)).value_or(ExecutionStatus::Failed);
  out.suspend_reason = row.text_or_empty(5);
  out.error = row.text_or_empty(6);
  out.plan_hash = row.bytes(7);
  out.owner_boot = row.text_or_empty(8);
  out.on_exhausted = row.text(9) == "dead" ? OnExhausted::Dead : OnExhausted::Fail;
  out.cancel_at = row.optional_integer(10).value_or(0);
  out.cancel_reason = row.text_or_empty(11);
  out.deadline_at = row.optional_integer(12).value_or(0);
  out.created_at = row.integer(13);
  out.started_at = row.optional_integer(14).value_or(0);
  out.completed_at = row.optional_integer(15).value_or(0);
  out.next_step = row.integer(16);
  out.steps_total = row.integer(17);
  out.steps_done = row.integer(18);
  out.steps_failed = row.integer(19);
  out.steps_active = row.integer(20);
  out.steps_held = row.integer(21);
  out.version = row.integer(22);
  out.paused = static_cast<Pause>(row.integer(23));
  out.forked_from = row.optional_integer(25).value_or(0);
  if (!row.is_null(24)) {
    const auto counts = codec::parse_json(row.text(24));
    for (std::size_t i = 0; counts.ok() && i < std::min(kWaitKinds, counts->as_array().size()); ++i)
      out.waiting[i] = counts->as_array()[i].as_integer();
  }
  out.budgets = row.text_or_empty(26);
  return out;
}

StepRow step_from(const Rows::Row& row) {
  StepRow out;
  out.execution_no = row.integer(0);
  out.step_no = row.integer(1);
  out.node = static_cast<std::uint32_t>(row.integer(2));
  out.parent_step = row.optional_integer(3).value_or(0);
  out.iteration = row.optional_integer(4).value_or(-1);
  out.state = static_cast<StepState>(row.integer(5));
  out.attempt = static_cast<int>(row.integer(6));
  out.lost = static_cast<int>(row.integer(7));
  out.epoch = row.integer(8);
  out.deps_left = static_cast<int>(row.integer(9));
  out.worker_boot = row.text_or_empty(10);
  out.claimed_at = row.optional_integer(11).value_or(0);
  out.output_seq = row.integer(12);
  out.cursor = row.text_or_empty(13);
  out.flags = static_cast<std::uint32_t>(row.integer(14));
  out.rank = row.optional_integer(15).value_or(0);
  out.scheduled_at = row.optional_integer(16).value_or(0);
  out.limits = row.text_or_empty(17);
  return out;
}

Result<void> load(const Source& from, std::span<const Command> commands, const CoreContext& context,
                  const std::array<int, kSlotClasses>& backlog_wanted, LoadedRows& rows) {
  ReadTx& tx = from.tx;
  for (const Command& any : commands) {
    if (const auto* start = std::get_if<command::Start>(&any)) {
      WRENCH_TRY(load_execution(from, start->execution_no, rows));
      // Its steps aren't there yet: nothing to load.
      const auto it = rows.executions.find(start->execution_no);
      if (it != rows.executions.end() && it->second.status == ExecutionStatus::Pending)
        rows.all_open_steps.insert(start->execution_no);
    } else if (const auto* outcome = std::get_if<command::Outcome>(&any)) {
      WRENCH_TRY(load_execution(from, outcome->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, outcome->step, rows));
    } else if (const auto* due = std::get_if<command::TimerDue>(&any)) {
      WRENCH_TRY(load_execution(from, due->timer.execution_no, rows));
      if (due->timer.step_no != 0)
        WRENCH_TRY(load_neighbours(from, {due->timer.execution_no, due->timer.step_no}, rows));
    } else if (const auto* cancel = std::get_if<command::Cancel>(&any)) {
      WRENCH_TRY(load_execution(from, cancel->execution_no, rows));
      WRENCH_TRY(load_open_steps(tx, cancel->execution_no, rows));
    } else if (const auto* adopt = std::get_if<command::Adopt>(&any)) {
      WRENCH_TRY(load_execution(from, adopt->execution_no, rows));
      WRENCH_TRY(load_open_steps(tx, adopt->execution_no, rows));
    } else if (const auto* decide = std::get_if<command::Decide>(&any)) {
      WRENCH_TRY(load_execution(from, decide->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, decide->step, rows));
    } else if (const auto* answer = std::get_if<command::Answer>(&any)) {
      WRENCH_TRY(load_execution(from, answer->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, answer->step, rows));
    } else if (const auto* reconcile = std::get_if<command::Reconcile>(&any)) {
      WRENCH_TRY(load_execution(from, reconcile->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, reconcile->step, rows));
    } else if (const auto* record = std::get_if<command::Record>(&any)) {
      WRENCH_TRY(load_execution(from, record->step.execution_no, rows));
      WRENCH_TRY(load_step(from, record->step, rows));
    } else if (const auto* lost = std::get_if<command::LoseLease>(&any)) {
      WRENCH_TRY(load_execution(from, lost->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, lost->step, rows));
    } else if (const auto* pause = std::get_if<command::SetPause>(&any)) {
      WRENCH_TRY(load_execution(from, pause->execution_no, rows));
      WRENCH_TRY(load_open_steps(tx, pause->execution_no, rows));
    } else if (const auto* fund = std::get_if<command::Fund>(&any)) {
      WRENCH_TRY(load_execution(from, fund->step.execution_no, rows));
      WRENCH_TRY(load_neighbours(from, fund->step, rows));
    } else if (const auto* raise = std::get_if<command::Raise>(&any)) {
      WRENCH_TRY(load_execution(from, raise->execution_no, rows));
    } else if (const auto* suspend = std::get_if<command::Suspend>(&any)) {
      WRENCH_TRY(load_execution(from, suspend->execution_no, rows));
      WRENCH_TRY(load_open_steps(tx, suspend->execution_no, rows));
    }
  }
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
    if (backlog_wanted[slot] <= 0) continue;
    const bool shared = context.ownership == Ownership::Shared;
    const std::string queue = queue_name(static_cast<SlotClass>(slot), shared ? "" : context.boot);
    const Rows found = WRENCH_TRY(
        shared ? tx.query(sql::kSharedBacklog, {queue, backlog_wanted[slot], kHeadsPerSlot * backlog_wanted[slot]})
               : tx.query(sql::kBacklog, {queue, backlog_wanted[slot]}));
    for (const auto row : found) {
      const ReadyRow ready{row.integer(0), {row.integer(1), row.integer(2)}};
      WRENCH_TRY(load_execution(from, ready.step.execution_no, rows));
      WRENCH_TRY(load_step(from, ready.step, rows));
      rows.backlog[slot].push_back(ready);
    }
  }
  return {};
}

Result<void> load_missing(const Source& from, const FlushPlan& plan, LoadedRows& rows) {
  for (const std::int64_t no : plan.missing_executions) {
    WRENCH_TRY(load_execution(from, no, rows));
    WRENCH_TRY(load_open_steps(from.tx, no, rows));
  }
  for (const StepKey& key : plan.missing_steps) WRENCH_TRY(load_step(from, key, rows));
  return {};
}

namespace {

Result<void> write_steps(WriteTx& tx, const FlushPlan& plan) {
  for (const auto& [before, row] : plan.steps) {
    const Bind boot = text_or_null(row.worker_boot);
    const Bind cursor = text_or_null(row.cursor);
    if (!before) {
      WRENCH_TRY(tx.exec(
          sql::kInsertStep,
          {row.execution_no, row.step_no, row.node, number_or_null(row.parent_step),
           row.iteration < 0 ? Bind(std::nullopt) : Bind(row.iteration), static_cast<int>(row.state), row.attempt,
           row.lost, row.epoch, row.deps_left, boot, number_or_null(row.claimed_at), row.output_seq, cursor, row.flags,
           number_or_null(row.rank), number_or_null(row.scheduled_at), text_or_null(row.limits)}));
      continue;
    }
    const auto count = WRENCH_TRY(tx.exec(
        sql::kUpdateStep,
        {row.execution_no, row.step_no, static_cast<int>(row.state), row.attempt, row.lost, row.epoch, row.deps_left,
         boot, number_or_null(row.claimed_at), row.output_seq, cursor, row.flags, number_or_null(row.rank),
         number_or_null(row.scheduled_at), static_cast<int>(before->state), before->epoch, text_or_null(row.limits)}));
    if (count != 1) return changed_meanwhile("step " + std::to_string(row.step_no));
  }
  return {};
}

/// In the columns of workflow.update_progress.
bool differs_in_progress_only(const ExecutionRow& before, const ExecutionRow& after) {
  return before.status == after.status && before.suspend_reason == after.suspend_reason &&
         before.error == after.error && before.owner_boot == after.owner_boot && before.cancel_at == after.cancel_at &&
         before.cancel_reason == after.cancel_reason && before.started_at == after.started_at &&
         before.completed_at == after.completed_at && before.steps_held == after.steps_held;
}

Result<void> write_executions(WriteTx& tx, const FlushPlan& plan,
                              const std::map<std::int64_t, const Creation*>& creations) {
  std::map<std::int64_t, const TaskRow*> new_tasks;
  for (const auto& [before, row] : plan.tasks)
    if (!before) new_tasks[row.id] = &row;
  WRENCH_ASSERT(new_tasks.size() == creations.size());
  std::set<std::string_view> plans;  // Of this flush.
  for (const auto& [before, row] : plan.executions) {
    if (!before) {
      const Creation& creation = *creations.at(row.id);
      if (plans.insert(row.plan_hash).second) WRENCH_TRY(creation::insert_plan(tx, *creation.task.plan));
      WRENCH_TRY(creation::insert(tx, creation, *new_tasks.at(row.task_no), row));
      continue;
    }
    const std::string waiting = waiting_text(row.waiting);
    if (differs_in_progress_only(*before, row)) {
      const auto count =
          WRENCH_TRY(tx.exec(sql::kUpdateProgress,
                             {row.id, before->version, row.next_step, row.steps_total, row.steps_done, row.steps_failed,
                              row.steps_active, row.version, text_or_null(waiting), static_cast<int>(row.paused)}));
      if (count != 1) return changed_meanwhile("execution " + row.execution_id);
      continue;
    }
    const Bind duration = row.completed_at == 0 || row.started_at == 0
                              ? Bind(std::nullopt)
                              : Bind((row.completed_at - row.started_at) / kMicrosPerMs);
    const auto count = WRENCH_TRY(tx.exec(sql::kUpdateExecution, {row.id,
                                                                  before->version,
                                                                  name(row.status),
                                                                  text_or_null(row.suspend_reason),
                                                                  text_or_null(row.error),
                                                                  text_or_null(row.owner_boot),
                                                                  number_or_null(row.cancel_at),
                                                                  text_or_null(row.cancel_reason),
                                                                  number_or_null(row.started_at),
                                                                  number_or_null(row.completed_at),
                                                                  duration,
                                                                  row.next_step,
                                                                  row.steps_total,
                                                                  row.steps_done,
                                                                  row.steps_failed,
                                                                  row.steps_active,
                                                                  row.steps_held,
                                                                  row.version,
                                                                  text_or_null(waiting),
                                                                  static_cast<int>(row.paused)}));
    if (count != 1) return changed_meanwhile("execution " + row.execution_id);
  }
  for (const auto& [before, row] : plan.tasks) {
    if (!before) continue;  // With its execution.
    const auto count = WRENCH_TRY(
        tx.exec(sql::kUpdateTask, {row.id, before->version, name(row.state), status_of(row.state),
                                   text_or_null(row.wait_reason), row.progress_ppm, row.updated_at, row.version}));
    if (count != 1) return changed_meanwhile("task " + row.task_id);
  }
  return {};
}

Result<void> write_effects(WriteTx& tx, const FlushPlan& plan) {
  for (const EffectWrite& effect : plan.effects) {
    const StepKey& step = effect.step;
    switch (effect.kind) {
      case EffectWrite::Kind::Intent:
        if (!keeps(Keep::IntentFirst)) break;
        if (WRENCH_TRY(tx.exec(sql::kInsertIntent, {effect.effect_key, step.execution_no, step.step_no, effect.epoch,
                                                    effect.json, tx.now()})) != 1)
          return Error("workflow.conflict", "the effect " + effect.effect_key + " was begun before");
        break;
      case EffectWrite::Kind::Receipt:
        WRENCH_TRY(tx.exec(sql::kSetReceipt, {effect.effect_key, effect.json, tx.now()}));
        break;
      case EffectWrite::Kind::CloseAll:
        WRENCH_TRY(tx.exec(sql::kCloseEffects, {step.execution_no, step.step_no, effect.json, tx.now()}));
        break;
      case EffectWrite::Kind::VoidAll:
        WRENCH_TRY(tx.exec(sql::kVoidEffects, {step.execution_no, step.step_no}));
        break;
    }
  }
  for (const ValueWrite& value : plan.values)
    WRENCH_TRY(tx.exec(sql::kInsertValue, {value.step.execution_no, value.step.step_no, value.name, value.json}));
  return {};
}

}  // namespace

Result<void> write(WriteTx& tx, const FlushPlan& plan, const std::map<std::int64_t, const Creation*>& creations,
                   Ownership ownership) {
  // Where any process may fire a timer, each is a row.
  const auto has_row = [&](TimerKind kind) {
    return kind != TimerKind::BudgetShare && (ownership == Ownership::Shared || !is_derived(kind));
  };
  WRENCH_TRY(write_executions(tx, plan, creations));
  WRENCH_TRY(write_steps(tx, plan));
  for (const QueueChange& ready : plan.ready_delete)
    if (WRENCH_TRY(
            tx.exec(sql::kDeleteReady, {ready.queue, ready.rank, ready.step.execution_no, ready.step.step_no})) != 1)
      return changed_meanwhile("the queue " + ready.queue);
  for (const QueueChange& ready : plan.ready_insert)
    WRENCH_TRY(tx.exec(sql::kInsertReady, {ready.queue, ready.rank, ready.step.execution_no, ready.step.step_no}));
  for (const TimerDelete& timer : plan.timers_delete) {
    if (!timer.kind && ownership == Ownership::Shared)
      WRENCH_TRY(tx.exec(sql::kDeleteTimersOfStep, {timer.step.execution_no, timer.step.step_no}));
    if (timer.kind && has_row(*timer.kind))
      WRENCH_TRY(
          tx.exec(sql::kDeleteTimer, {timer.step.execution_no, timer.step.step_no, static_cast<int>(*timer.kind)}));
  }
  for (const TimerRow& timer : plan.timers_set)
    if (has_row(timer.kind))
      WRENCH_TRY(tx.exec(sql::kSetTimer,
                         {timer.execution_no, timer.step_no, static_cast<int>(timer.kind), timer.due_at, timer.epoch}));
  for (const JournalDraft& entry : plan.journal)
    WRENCH_TRY(tx.exec(
        sql::kInsertJournal,
        {entry.execution_no, entry.seq, entry.kind, number_or_null(entry.step_no), entry.attempt, tx.now(), entry.actor,
         text_or_null(entry.data), entry.blob_hash.empty() ? Bind(std::nullopt) : Bind::bytes(entry.blob_hash)}));
  WRENCH_TRY(write_effects(tx, plan));
  for (const StepKey& step : plan.waits_over) WRENCH_TRY(waits::close(tx, step));
  for (const auto& [execution_no, seq] : plan.requests_done)
    WRENCH_TRY(tx.exec(sql::kDeleteRequest, {execution_no, seq}));
  for (const storage::EventDraft& event : plan.events) WRENCH_TRY(tx.append_event(event));
  return {};
}

Result<std::vector<TimerRow>> timers_of(ReadTx& tx, std::int64_t execution_no) {
  std::vector<TimerRow> out;
  const Rows found = WRENCH_TRY(tx.query(sql::kTimersOfExecution, {execution_no}));
  for (const auto row : found)
    out.push_back(
        {row.integer(0), row.integer(1), static_cast<TimerKind>(row.integer(2)), row.integer(3), row.integer(4)});
  return out;
}

}  // namespace row_store
}  // namespace wrench::workflow
