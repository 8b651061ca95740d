#include "row_store.hpp"

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <set>
#include <type_traits>
#include <utility>

#include "creation.hpp"
#include "forks.hpp"
#include "guards.hpp"
#include "sql.hpp"
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

/// From its columns, which begin at `at`.
TaskRow task_from(const Rows::Row& row, std::size_t at) {
  TaskRow out;
  out.id = row.integer(at);
  out.task_id = row.text(at + 1);
  out.project_id = row.integer(at + 2);
  out.repo_id = row.optional_integer(at + 3).value_or(0);
  out.state = parse_task_state(row.text_or_empty(at + 4)).value_or(TaskState::Draft);
  out.wait_reason = row.text_or_empty(at + 5);
  out.progress_ppm = row.integer(at + 6);
  out.updated_at = row.integer(at + 7);
  out.version = row.integer(at + 8);
  out.parent_execution = row.optional_integer(at + 9).value_or(0);
  out.parent_step = row.optional_integer(at + 10).value_or(0);
  out.priority = parse_priority(row.text(at + 11)).value_or(Priority::Medium);
  out.kind = row.text_or_empty(at + 12);
  return out;
}

using row_store::Source;

/// Parameters of one statement for many rows.
using Columns = std::vector<Bind>;
void add(Columns& columns, std::initializer_list<Bind> row) { columns.insert(columns.end(), row); }

/// Keys in the order in which all flushes take them. A vector: a set would be an allocation for each.
template <class Key>
std::vector<Key> sorted(std::vector<Key> keys) {
  std::ranges::sort(keys);
  const auto rest = std::ranges::unique(keys);
  keys.erase(rest.begin(), rest.end());
  return keys;
}

Result<void> load_fork(const Source& from, std::int64_t no, LoadedRows& rows) {
  const ExecutionRow& execution = rows.executions.at(no);
  if (execution.forked_from == 0) return {};
  rows.forks[no] = WRENCH_TRY(from.plans.fork(from.tx, *rows.plans.at(no), execution));
  return {};
}

/// Those that aren't loaded yet; of one that doesn't exist nothing.
Result<void> load_executions(const Source& from, const std::vector<std::int64_t>& wanted, LoadedRows& rows) {
  Columns keys;
  for (const std::int64_t no : wanted) {
    if (rows.executions.contains(no)) continue;
    if (const auto known = from.cache.executions.find(no);
        known != from.cache.executions.end() && !known->second.lent) {
      ++from.cache.hits;
      RowCache::Known& it = known->second;
      it.lent = true;
      rows.tasks[it.task.id] = std::move(it.task);
      rows.plans[no] = std::move(it.plan);
      rows.journal_next[no] = it.journal_next;
      rows.executions[no] = std::move(it.execution);
      WRENCH_TRY(load_fork(from, no, rows));
      continue;
    }
    ++from.cache.misses;
    keys.emplace_back(no);
  }
  constexpr std::size_t kTaskColumn = 28, kTailColumn = kTaskColumn + 13;  // Of kExecutionWithTask.
  const Rows found = WRENCH_TRY(from.tx.query_many(sql::kExecutionWithTask, 1, keys));
  for (const auto row : found) {
    ExecutionRow execution = row_store::execution_from(row);
    const std::int64_t no = execution.id;
    rows.tasks[execution.task_no] = task_from(row, kTaskColumn);
    rows.plans[no] = WRENCH_TRY(from.plans.get(from.tx, execution.plan_hash));
    rows.journal_next[no] = row.optional_integer(kTailColumn).value_or(0) + 1;
    rows.executions[no] = std::move(execution);
    WRENCH_TRY(load_fork(from, no, rows));
  }
  return {};
}

/// Keeps them, and sees which of them have begun a guarded effect.
Result<void> add_steps(WriteTx& tx, std::vector<StepRow> found, LoadedRows& rows) {
  Columns guarded;
  for (StepRow& row : found) {
    const StepKey key{row.execution_no, row.step_no};
    if (row.effect() == Effect::Guarded && (row.state == StepState::Running || row.state == StepState::Uncertain))
      add(guarded, {key.execution_no, key.step_no});
    rows.steps[key] = std::move(row);
  }
  const Rows open = WRENCH_TRY(tx.query_many(sql::kOpenIntents, 2, guarded));
  for (const auto row : open) rows.open_intents.insert({row.integer(0), row.integer(1)});
  return {};
}

/// Those that aren't loaded yet; of executions that don't exist none.
Result<void> load_steps(const Source& from, const std::vector<StepKey>& wanted, LoadedRows& rows) {
  Columns keys;
  std::vector<StepRow> steps;
  for (const StepKey& key : wanted) {
    if (rows.steps.contains(key) || !rows.executions.contains(key.execution_no)) continue;
    if (const auto known = from.cache.steps.find(key); known != from.cache.steps.end()) {
      ++from.cache.hits;
      steps.push_back(known->second);
      continue;
    }
    ++from.cache.misses;
    add(keys, {key.execution_no, key.step_no});
  }
  const Rows found = WRENCH_TRY(from.tx.query_many(sql::kStepRow, 2, keys));
  if (found.size() * 2 != keys.size()) return Error("workflow.step_not_found", "there is no such step");
  for (const auto row : found) steps.push_back(row_store::step_from(row));
  return add_steps(from.tx, std::move(steps), rows);
}

Result<void> load_open_steps(const Source& from, const std::vector<std::int64_t>& executions, LoadedRows& rows) {
  Columns keys;
  for (const std::int64_t no : executions)
    if (rows.all_open_steps.insert(no).second) keys.emplace_back(no);
  std::vector<StepRow> steps;
  const Rows found = WRENCH_TRY(from.tx.query_many(sql::kOpenSteps, 1, keys));
  for (const auto row : found) {
    StepRow step = row_store::step_from(row);
    if (!rows.steps.contains({step.execution_no, step.step_no})) steps.push_back(std::move(step));
  }
  return add_steps(from.tx, std::move(steps), rows);
}

/// Who waits for the ends of these steps, which are loaded.
Result<void> load_neighbours(const Source& from, const std::vector<StepKey>& keys, LoadedRows& rows) {
  std::vector<StepKey> wanted;
  for (const StepKey& key : keys) {
    if (!rows.executions.contains(key.execution_no)) continue;
    const StepRow& row = rows.steps.at(key);
    const auto plan = rows.plans.find(key.execution_no);
    if (row.parent_step != 0) {
      wanted.push_back({key.execution_no, row.parent_step});
    } else if (plan != rows.plans.end()) {
      for (const std::uint32_t dependent : plan->second->dependents(row.node))
        wanted.push_back({key.execution_no, dependent + 1});
    }
  }
  return load_steps(from, sorted(std::move(wanted)), rows);
}

/// What commands are about.
struct Subjects {
  std::vector<std::int64_t> executions, all_open;
  std::vector<StepKey> steps;  ///< With neighbours.
  std::vector<StepKey> alone;  ///< Steps that don't end.

  void add(const Command& command) {
    std::visit(
        [this]<class C>(const C& c) {
          if constexpr (std::is_same_v<C, command::TimerDue>) {
            executions.push_back(c.timer.execution_no);
            if (c.timer.step_no != 0) steps.push_back({c.timer.execution_no, c.timer.step_no});
          } else if constexpr (requires { c.step; }) {
            executions.push_back(c.step.execution_no);
            (std::is_same_v<C, command::Record> ? alone : steps).push_back(c.step);
          } else if constexpr (requires { c.execution_no; }) {
            executions.push_back(c.execution_no);
            constexpr bool needs_no_steps = std::is_same_v<C, command::Start> || std::is_same_v<C, command::Raise>;
            if constexpr (!needs_no_steps) all_open.push_back(c.execution_no);
          }
        },
        command);
  }
};

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
  out.expires_at = row.optional_integer(27).value_or(0);
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
  Subjects subjects;
  for (const Command& command : commands) subjects.add(command);
  WRENCH_TRY(load_executions(from, sorted(std::move(subjects.executions)), rows));
  for (const Command& command : commands) {
    const auto* start = std::get_if<command::Start>(&command);
    const auto it = start == nullptr ? rows.executions.end() : rows.executions.find(start->execution_no);
    // Its steps aren't there yet: nothing to load.
    if (it != rows.executions.end() && it->second.status == ExecutionStatus::Pending)
      rows.all_open_steps.insert(it->first);
  }
  WRENCH_TRY(load_open_steps(from, sorted(std::move(subjects.all_open)), rows));
  std::vector<StepKey> steps = std::move(subjects.alone);
  steps.insert(steps.end(), subjects.steps.begin(), subjects.steps.end());
  WRENCH_TRY(load_steps(from, sorted(std::move(steps)), rows));
  WRENCH_TRY(load_neighbours(from, subjects.steps, rows));
  Subjects heads;
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
    if (backlog_wanted[slot] <= 0) continue;
    const bool shared = context.ownership == Ownership::Shared;
    std::vector<std::string> queues = {queue_name(static_cast<SlotClass>(slot), shared ? "" : context.boot)};
    queues.insert(queues.end(), context.labelled[slot].begin(), context.labelled[slot].end());
    for (const std::string& queue : queues) {
      const int wanted = backlog_wanted[slot];
      const Rows found = WRENCH_TRY(shared ? from.tx.query(sql::kSharedBacklog, {queue, wanted, kHeadsPerSlot * wanted})
                                           : from.tx.query(sql::kBacklog, {queue, wanted}));
      for (const auto row : found) {
        const ReadyRow ready{row.integer(0), {row.integer(1), row.integer(2)}};
        heads.executions.push_back(ready.step.execution_no);
        heads.steps.push_back(ready.step);
        rows.backlog[slot].push_back(ready);
      }
    }
  }
  WRENCH_TRY(load_executions(from, sorted(std::move(heads.executions)), rows));
  return load_steps(from, sorted(std::move(heads.steps)), rows);
}

Result<void> load_missing(const Source& from, const FlushPlan& plan, LoadedRows& rows) {
  const std::vector<std::int64_t> executions(plan.missing_executions.begin(), plan.missing_executions.end());
  WRENCH_TRY(load_executions(from, executions, rows));
  WRENCH_TRY(load_open_steps(from, executions, rows));
  return load_steps(from, sorted(plan.missing_steps), rows);
}

namespace {

/// Each row must be what it was when it was decided on.
Result<void> update_all(WriteTx& tx, const storage::Statement& statement, std::size_t width, const Columns& columns,
                        std::string_view what) {
  return tx.send_many(statement, width, columns,
                      Error("workflow.conflict", std::string(what) + " changed while it was decided on"));
}

Result<void> write_steps(WriteTx& tx, const FlushPlan& plan) {
  Columns inserts, updates;
  const auto new_ones = static_cast<std::size_t>(
      std::ranges::count_if(plan.steps, [](const Change<StepRow>& change) { return change.before == nullptr; }));
  inserts.reserve(18 * new_ones);
  updates.reserve(17 * (plan.steps.size() - new_ones));
  for (const auto& [before, row] : plan.steps) {
    const Bind boot = text_or_null(row.worker_boot);
    const Bind cursor = text_or_null(row.cursor);
    if (!before) {
      add(inserts,
          {row.execution_no, row.step_no, row.node, number_or_null(row.parent_step),
           row.iteration < 0 ? Bind(std::nullopt) : Bind(row.iteration), static_cast<int>(row.state), row.attempt,
           row.lost, row.epoch, row.deps_left, boot, number_or_null(row.claimed_at), row.output_seq, cursor, row.flags,
           number_or_null(row.rank), number_or_null(row.scheduled_at), text_or_null(row.limits)});
    } else {
      add(updates,
          {row.execution_no, row.step_no, static_cast<int>(row.state), row.attempt, row.lost, row.epoch, row.deps_left,
           boot, number_or_null(row.claimed_at), row.output_seq, cursor, row.flags, number_or_null(row.rank),
           number_or_null(row.scheduled_at), static_cast<int>(before->state), before->epoch, text_or_null(row.limits)});
    }
  }
  WRENCH_TRY(update_all(tx, sql::kInsertStep, 18, inserts, "a step"));
  return update_all(tx, sql::kUpdateStep, 17, updates, "a step");
}

/// In the columns of workflow.update_progress.
bool differs_in_progress_only(const ExecutionRow& before, const ExecutionRow& after) {
  return before.status == after.status && before.suspend_reason == after.suspend_reason &&
         before.error == after.error && before.owner_boot == after.owner_boot && before.cancel_at == after.cancel_at &&
         before.cancel_reason == after.cancel_reason && before.started_at == after.started_at &&
         before.completed_at == after.completed_at && before.steps_held == after.steps_held;
}

Result<void> write_executions(WriteTx& tx, const FlushPlan& plan) {
  Columns progress, executions;
  executions.reserve(20 * plan.executions.size());
  std::deque<std::string> waiting;  // What the columns refer to.
  for (const auto& [before, row] : plan.executions) {
    if (!before) continue;
    const std::string text = waiting_text(row.waiting);
    const Bind waits = text.empty() ? Bind(std::nullopt) : Bind(waiting.emplace_back(text));
    if (differs_in_progress_only(*before, row)) {
      add(progress, {row.id, before->version, row.next_step, row.steps_total, row.steps_done, row.steps_failed,
                     row.steps_active, row.version, waits, static_cast<int>(row.paused)});
      continue;
    }
    const Bind duration = row.completed_at == 0 || row.started_at == 0
                              ? Bind(std::nullopt)
                              : Bind((row.completed_at - row.started_at) / kMicrosPerMs);
    add(executions, {row.id,
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
                     waits,
                     static_cast<int>(row.paused)});
  }
  WRENCH_TRY(update_all(tx, sql::kUpdateProgress, 10, progress, "an execution"));
  return update_all(tx, sql::kUpdateExecution, 20, executions, "an execution");
}

/// Those that the flush creates come with their executions.
Result<void> write_tasks(WriteTx& tx, const FlushPlan& plan, const std::map<std::int64_t, const Creation*>& creations) {
  std::map<std::int64_t, const TaskRow*> new_tasks;
  Columns tasks;
  tasks.reserve(8 * plan.tasks.size());
  for (const auto& [before, row] : plan.tasks) {
    if (before)
      add(tasks, {row.id, before->version, name(row.state), status_of(row.state), text_or_null(row.wait_reason),
                  row.progress_ppm, row.updated_at, row.version});
    else
      new_tasks[row.id] = &row;
  }
  WRENCH_ASSERT(new_tasks.size() == creations.size());
  std::vector<creation::NewRows> created;
  for (const auto& [before, row] : plan.executions)
    if (!before) created.push_back({creations.at(row.id), new_tasks.at(row.task_no), &row});
  WRENCH_TRY(creation::insert(tx, created));
  return update_all(tx, sql::kUpdateTask, 8, tasks, "a task");
}

Result<void> write_queues(WriteTx& tx, const FlushPlan& plan) {
  const auto columns_of = [](const std::vector<QueueChange>& changes) {
    Columns out;
    out.reserve(4 * changes.size());
    for (const QueueChange& ready : changes)
      add(out, {ready.queue, ready.rank, ready.step.execution_no, ready.step.step_no});
    return out;
  };
  WRENCH_TRY(update_all(tx, sql::kDeleteReady, 4, columns_of(plan.ready_delete), "a queue"));
  return update_all(tx, sql::kInsertReady, 4, columns_of(plan.ready_insert), "a queue");
}

Result<void> write_timers(WriteTx& tx, const FlushPlan& plan, Ownership ownership) {
  Columns of_kind, of_step, set;
  for (const TimerDelete& timer : plan.timers_delete) {
    const bool may_have_row =
        ownership == Ownership::Shared ? timer.kind != TimerKind::BudgetShare : timer.kind && !is_derived(*timer.kind);
    if (!may_have_row) continue;
    if (timer.kind)
      add(of_kind, {timer.step.execution_no, timer.step.step_no, static_cast<int>(*timer.kind)});
    else
      add(of_step, {timer.step.execution_no, timer.step.step_no});
  }
  for (const TimerRow& timer : plan.timers_set)
    add(set, {timer.execution_no, timer.step_no, static_cast<int>(timer.kind), timer.due_at, timer.epoch});
  WRENCH_TRY(tx.send_many(sql::kDeleteTimersOfStep, 2, of_step));
  WRENCH_TRY(tx.send_many(sql::kDeleteTimer, 3, of_kind));
  WRENCH_TRY(tx.send_many(sql::kSetTimer, 5, set));
  return {};
}

Result<void> write_journal(WriteTx& tx, const FlushPlan& plan) {
  Columns entries;
  entries.reserve(9 * plan.journal.size());
  for (const JournalDraft& entry : plan.journal)
    add(entries,
        {entry.execution_no, entry.seq, entry.kind, number_or_null(entry.step_no), entry.attempt, tx.now(), entry.actor,
         text_or_null(entry.data), entry.blob_hash.empty() ? Bind(std::nullopt) : Bind::bytes(entry.blob_hash)});
  WRENCH_TRY(tx.send_many(sql::kInsertJournal, 9, entries));
  return {};
}

/// Writes of one kind; of a step they are to stay in order.
Result<void> write_effects(WriteTx& tx, std::span<const EffectWrite> effects) {
  Columns columns;
  for (const EffectWrite& effect : effects) {
    const StepKey& step = effect.step;
    switch (effect.kind) {
      case EffectWrite::Kind::Intent:
        if (keeps(Keep::IntentFirst))
          add(columns, {effect.effect_key, step.execution_no, step.step_no, effect.epoch, effect.json, tx.now()});
        break;
      case EffectWrite::Kind::Receipt:
        add(columns, {effect.effect_key, effect.json, tx.now()});
        break;
      case EffectWrite::Kind::CloseAll:
        add(columns, {step.execution_no, step.step_no, effect.json, tx.now()});
        break;
      case EffectWrite::Kind::VoidAll:
        add(columns, {step.execution_no, step.step_no});
        break;
    }
  }
  switch (effects.front().kind) {
    case EffectWrite::Kind::Intent:
      return tx.send_many(sql::kInsertIntent, 6, columns, Error("workflow.conflict", "an effect was begun before"));
    case EffectWrite::Kind::Receipt:
      return tx.send_many(sql::kSetReceipt, 3, columns);
    case EffectWrite::Kind::CloseAll:
      return tx.send_many(sql::kCloseEffects, 4, columns);
    case EffectWrite::Kind::VoidAll:
      return tx.send_many(sql::kVoidEffects, 2, columns);
  }
  return {};
}

Result<void> write_what_steps_keep(WriteTx& tx, const FlushPlan& plan) {
  const std::span<const EffectWrite> effects = plan.effects;
  for (std::size_t from = 0, to = 0; from < effects.size(); from = to) {
    while (to < effects.size() && effects[to].kind == effects[from].kind) ++to;
    WRENCH_TRY(write_effects(tx, effects.subspan(from, to - from)));
  }
  Columns values;
  for (const ValueWrite& value : plan.values)
    add(values, {value.step.execution_no, value.step.step_no, value.name, value.json});
  WRENCH_TRY(tx.send_many(sql::kInsertValue, 4, values));
  return {};
}

}  // namespace

Result<void> write(WriteTx& tx, const FlushPlan& plan, const std::map<std::int64_t, const Creation*>& creations,
                   Ownership ownership) {
  WRENCH_TRY(write_tasks(tx, plan, creations));
  WRENCH_TRY(write_executions(tx, plan));
  WRENCH_TRY(write_steps(tx, plan));
  WRENCH_TRY(write_queues(tx, plan));
  WRENCH_TRY(write_timers(tx, plan, ownership));
  WRENCH_TRY(write_journal(tx, plan));
  WRENCH_TRY(write_what_steps_keep(tx, plan));
  Columns waits, requests;
  for (const StepKey& step : plan.waits_over) add(waits, {step.execution_no, step.step_no, tx.now()});
  WRENCH_TRY(tx.send_many(sql::kCloseWait, 3, waits));
  for (const auto& [execution_no, seq] : plan.requests_done) add(requests, {execution_no, seq});
  WRENCH_TRY(tx.send_many(sql::kDeleteRequest, 2, requests));
  return tx.append_events(plan.events);
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
