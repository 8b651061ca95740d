#include "creation.hpp"

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <utility>

#include "budget/budgets.hpp"
#include "forks.hpp"
#include "guards.hpp"
#include "row_store.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/blob_store.hpp"

namespace wrench::workflow::creation {

using codec::Json;
using storage::Bind;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::size_t kTitleMax = 500;  ///< Characters of a task's title.
constexpr std::size_t kKeyMax = 200;    ///< Bytes of a task's idempotency key.

Result<void> validate(const CreateTask& task) {
  const auto invalid = [](std::string what) { return Error("workflow.invalid_task", std::move(what)); };
  for (const std::string* text :
       {&task.title, &task.description, &task.kind, &task.repository, &task.created_by, &task.idempotency_key})
    if (!is_valid_utf8(*text) || text->find('\0') != std::string::npos)
      return invalid("a text of the task isn't valid UTF-8 or holds a NUL");
  const std::size_t length = count_code_points(task.title);
  if (length < 1 || length > kTitleMax)
    return invalid("the title must have 1 to " + std::to_string(kTitleMax) + " characters, not " +
                   std::to_string(length));
  if (task.idempotency_key.size() > kKeyMax)
    return invalid("the idempotency key must have at most " + std::to_string(kKeyMax) + " bytes");
  if (!task.budget.empty())
    if (auto budget = check_budget(task.budget); !budget.ok()) return invalid(budget.error().message);
  if (!parse_priority(task.priority))
    return invalid("the priority is low, medium, high or critical, not '" + escape_for_display(task.priority) + "'");
  if (task.plan == nullptr) return invalid("a task needs a plan");
  return {};
}

/// What makes two requests with one idempotency key the same.
std::string hash_request(const CreateTask& task) {
  Json request = Json::object({{"title", task.title},
                               {"description", task.description},
                               {"kind", task.kind},
                               {"repository", task.repository},
                               {"plan", to_hex(task.plan->hash())},
                               {"inputs", task.inputs}});
  if (!task.budget.empty()) request.set("budget", to_json(task.budget));
  const auto digest = crypto::sha256(codec::canonical_json(request));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

constexpr std::string_view kPolicies[] = {"block", "skip", "ignore"};

Bind text_or_null(const std::string& text) { return text.empty() ? Bind(std::nullopt) : Bind(text); }

Result<TaskReceipt> receipt_of(storage::ReadTx& tx, std::int64_t task_no, std::string_view task_id, TaskState state) {
  TaskReceipt out;
  out.task_no = task_no;
  out.task_id = task_id;
  out.state = state;
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
  if (latest.empty()) return Error("storage.corrupt", "the task " + out.task_id + " has no execution");
  out.execution_no = latest.front().integer(0);
  out.execution_id = latest.front().text(1);
  return out;
}

/// The task that the key names, unless the key is free (again).
Result<std::optional<TaskReceipt>> find_by_key(WriteTx& tx, const Creation& creation) {
  const CreateTask& task = creation.task;
  if (task.idempotency_key.empty() || !keeps(Keep::KeyUnique)) return std::optional<TaskReceipt>();
  const Rows found = WRENCH_TRY(tx.query(sql::kTaskByKey, {task.project_id, task.idempotency_key}));
  if (found.empty()) return std::optional<TaskReceipt>();
  const auto row = found.front();
  const TaskState state = parse_task_state(row.text(2)).value_or(TaskState::Draft);
  if (task.key_scope == KeyScope::UntilTaskEnds && is_terminal(state)) {
    WRENCH_TRY(tx.exec(sql::kReleaseKey, {row.integer(0), row.integer(4)}));
    return std::optional<TaskReceipt>();
  }
  if (row.bytes_or_empty(3) != creation.request_hash)
    return Error("workflow.idempotency_conflict", "the idempotency key '" + escape_for_display(task.idempotency_key) +
                                                      "' already names another request, task " +
                                                      std::string(row.text(1)));
  TaskReceipt receipt = WRENCH_TRY(receipt_of(tx, row.integer(0), row.text(1), state));
  receipt.existed = true;
  return std::optional(std::move(receipt));
}

Result<std::int64_t> repository_no(WriteTx& tx, std::int64_t project_id, const std::string& location) {
  const Rows found = WRENCH_TRY(tx.query(sql::kRepository, {project_id, location}));
  if (!found.empty()) return found.front().integer(0);
  const std::int64_t no = WRENCH_TRY(tx.query(sql::kNextRepository)).front().integer(0);
  WRENCH_TRY(tx.exec(sql::kInsertRepository, {no, project_id, location}));
  return no;
}

std::string_view word(OnExhausted what) { return what == OnExhausted::Dead ? "dead" : "fail"; }

using Columns = std::vector<Bind>;
void add(Columns& columns, std::initializer_list<Bind> row) { columns.insert(columns.end(), row); }

constexpr std::size_t kExecutionColumns = 18;
void add_execution(Columns& columns, const ExecutionRow& row) {
  const auto or_null = [](Micros time) { return time == 0 ? Bind(std::nullopt) : Bind(time); };
  add(columns, {row.id, row.execution_id, row.task_no, row.number, name(row.status), row.created_at,
                Bind::bytes(row.plan_hash), word(row.on_exhausted), or_null(row.deadline_at), version(),
                or_null(row.started_at), text_or_null(row.owner_boot), row.next_step, row.steps_total, row.steps_done,
                row.steps_active, text_or_null(row.budgets), or_null(row.expires_at)});
}

ExecutionRow new_execution(const TaskReceipt& receipt, std::int64_t number, std::string_view plan_hash,
                           OnExhausted on_exhausted, Micros now) {
  ExecutionRow row;
  row.id = receipt.execution_no;
  row.execution_id = receipt.execution_id;
  row.task_no = receipt.task_no;
  row.number = number;
  row.plan_hash = plan_hash;
  row.on_exhausted = on_exhausted;
  row.created_at = now;
  row.version = 1;
  return row;
}

Result<void> announce(WriteTx& tx, const TaskReceipt& receipt, std::string type, std::int64_t project_id,
                      std::string actor) {
  storage::EventDraft event;
  event.type = std::move(type);
  event.project_id = project_id;
  event.task_id = receipt.task_no;
  event.subject_kind = "task";
  event.subject_id = receipt.task_id;
  event.actor = std::move(actor);
  event.version = 1;
  event.payload = codec::write_json(Json::object(
      {{"task", receipt.task_id}, {"execution_id", receipt.execution_id}, {"state", name(receipt.state)}}));
  return tx.append_event(event);
}

/// Whoever ends the task, or decides what its end means for another, waits until this transaction ends: of two that
/// look at the same time one sees what the other did.
Result<void> lock_task(WriteTx& tx, std::int64_t task_no) {
  const Bind key(task_no);
  WRENCH_TRY(tx.query_many(sql::kLockTask, 1, {&key, 1}, storage::RowLock::ForUpdate));
  return {};
}

/// What the steps of an execution draw from, from the narrowest. `own`: the task has a budget. `inherited`: those of
/// the step that began it.
Result<std::string> scopes(WriteTx& tx, const TaskReceipt& receipt, std::int64_t project_id, bool own,
                           const std::string& inherited, Numbers& numbers) {
  const auto [periods, is_new] = numbers.periods.try_emplace(project_id);
  if (is_new) periods->second = WRENCH_TRY(budgets::periods_of(tx, project_id));
  std::string out;
  if (own) out = budgets::execution_scope(receipt.execution_no) + " ";
  // How deep it stands is counted though it has none.
  if (own || !inherited.empty()) out += budgets::task_scope(receipt.task_no);
  if (!inherited.empty()) out += " " + inherited;
  out += periods->second;
  return out;
}

}  // namespace

Result<Creation> prepare(CreateTask task, const Clock& clock, Random& random) {
  WRENCH_TRY(validate(task));
  Creation creation;
  const std::string inputs = codec::write_json(task.inputs);
  if (inputs.size() > kInputsBytesMax)
    return Error("workflow.invalid_task",
                 "the inputs have " + format_bytes(inputs.size()) + "; the limit is " + format_bytes(kInputsBytesMax));
  creation.inputs = WRENCH_TRY(storage::blob_store::prepare(inputs));
  if (inputs.size() <= kInlineBytesMax) creation.inputs_json = inputs;
  creation.request_hash = hash_request(task);
  creation.task_id = make_id("tsk", clock, random);
  creation.execution_id = make_id("exe", clock, random);
  creation.task = std::move(task);
  return creation;
}

Result<void> Numbers::fetch(WriteTx& tx, const storage::Statement& statement, std::size_t count, Series& series) {
  const Rows rows = WRENCH_TRY(tx.query(statement, {count}));
  if (rows.size() == count && count > 1) {
    for (std::size_t i = count; i-- > 0;) series.left.push_back(rows[i].integer(0));
    return {};
  }
  const auto n = static_cast<std::int64_t>(count);
  series.highest = std::max(series.highest + n, rows.front().integer(0));
  for (std::int64_t i = 0; i < n; ++i) series.left.push_back(series.highest - i);
  return {};
}

Result<void> Numbers::reserve(WriteTx& tx, std::size_t count) {
  if (count == 0) return {};
  WRENCH_TRY(fetch(tx, sql::kNextTask, count, tasks_));
  return fetch(tx, sql::kNextExecution, count, executions_);
}

Result<std::int64_t> Numbers::next(WriteTx& tx, const storage::Statement& statement, Series& series) {
  if (series.left.empty()) WRENCH_TRY(fetch(tx, statement, 1, series));
  const std::int64_t number = series.left.back();
  series.left.pop_back();
  return number;
}

Result<void> insert_plan(WriteTx& tx, const Plan& plan) {
  WRENCH_TRY(tx.exec(sql::kInsertPlan, {Bind::bytes(plan.hash()), plan.body()}));
  return {};
}

Result<void> insert_execution(WriteTx& tx, const ExecutionRow& row) {
  Columns columns;
  add_execution(columns, row);
  WRENCH_TRY(tx.exec(sql::kInsertExecution, columns));
  return {};
}

Result<void> insert(WriteTx& tx, std::span<const NewRows> created) {
  Columns tasks, executions, plans;
  std::map<std::string_view, const Plan*> unique_plans;  // Sorted: two flushes take them in the same order.
  std::deque<std::string> texts;                         // What the columns refer to.
  const auto json = [&](const Json& value) {
    return value.is_null() ? Bind(std::nullopt) : Bind(texts.emplace_back(codec::write_json(value)));
  };
  const auto or_null = [](std::int64_t no) { return no == 0 ? Bind(std::nullopt) : Bind(no); };
  tasks.reserve(20 * created.size());
  executions.reserve(kExecutionColumns * created.size());
  for (const auto& [creation, row, execution] : created) {
    const CreateTask& task = creation->task;
    if (creation->inputs_json.empty()) WRENCH_TRY(storage::blob_store::put(tx, creation->inputs, {"task", row->id}));
    unique_plans.emplace(task.plan->hash(), task.plan.get());
    add_execution(executions, *execution);
    add(tasks, {row->id,
                row->task_id,
                row->project_id,
                or_null(row->repo_id),
                task.title,
                text_or_null(task.description),
                status_of(row->state),
                name(row->state),
                task.priority,
                text_or_null(task.kind),
                Bind::bytes(creation->inputs.hash),
                json(task.metadata),
                json(task.plan_notes),
                keeps(Keep::KeyUnique) ? text_or_null(task.idempotency_key) : Bind(std::nullopt),
                Bind::bytes(creation->request_hash),
                task.created_by,
                tx.now(),
                text_or_null(creation->inputs_json),
                or_null(row->parent_execution),
                or_null(row->parent_execution == 0 ? 0 : row->parent_step)});
  }
  for (const auto& [hash, plan] : unique_plans) add(plans, {Bind::bytes(hash), plan->body()});
  WRENCH_TRY(tx.send_many(sql::kInsertTask, 20, tasks));
  WRENCH_TRY(tx.send_many(sql::kInsertPlan, 2, plans));
  WRENCH_TRY(tx.send_many(sql::kInsertExecution, kExecutionColumns, executions));
  return {};
}

Result<Created> create(WriteTx& tx, const Creation& creation, Numbers& numbers, bool starts) {
  if (auto existing = WRENCH_TRY(find_by_key(tx, creation))) return Created{std::move(*existing), false, {}};
  const CreateTask& task = creation.task;
  Created out;
  TaskReceipt& receipt = out.receipt;
  receipt.task_id = creation.task_id;
  receipt.execution_id = creation.execution_id;
  receipt.state = task.draft ? TaskState::Draft : TaskState::Queued;
  receipt.task_no = WRENCH_TRY(numbers.next_task(tx));
  receipt.execution_no = WRENCH_TRY(numbers.next_execution(tx));
  TaskRow row;
  row.id = receipt.task_no;
  row.task_id = receipt.task_id;
  row.project_id = task.project_id;
  row.priority = parse_priority(task.priority).value_or(Priority::Medium);
  row.repo_id = creation.repo_id;
  row.kind = task.kind;
  if (!task.repository.empty()) row.repo_id = WRENCH_TRY(repository_no(tx, task.project_id, task.repository));
  row.parent_execution = creation.parent.execution_no;
  row.parent_step = creation.parent.step_no;
  row.state = receipt.state;
  row.updated_at = tx.now();
  row.version = 1;
  ExecutionRow execution = new_execution(receipt, 1, task.plan->hash(), task.on_exhausted, tx.now());
  execution.deadline_at = task.deadline_at.value_or(0);
  execution.expires_at = task.expires_at.value_or(0);
  BudgetAmounts budget = task.budget;
  budget.insert(task.plan->budget().begin(), task.plan->budget().end());
  execution.budgets = WRENCH_TRY(scopes(tx, receipt, task.project_id, !budget.empty(), creation.budgets, numbers));
  if (!budget.empty()) WRENCH_TRY(budgets::begin_task(tx, receipt.task_no, receipt.execution_no, budget));
  // A key has to be found by the next job of the same flush, and what has a budget may end in the flush that begins it.
  const bool draws = !execution.budgets.empty() || task.plan->has_step_budgets();
  if (starts && !draws && !task.draft && !task.expires_at && task.depends_on.empty() && task.idempotency_key.empty()) {
    out.start = true;
    out.unwritten = Created::Unwritten{std::move(row), std::move(execution)};
    return out;
  }
  WRENCH_TRY(insert(tx, creation, row, execution));
  if (execution.expires_at != 0)
    WRENCH_TRY(tx.exec(sql::kSetTimer, {execution.id, 0, static_cast<int>(TimerKind::Expiry), execution.expires_at,
                                        std::int64_t{-1}}));  // Of no attempt.
  for (const TaskDependency& dependency : task.depends_on) {
    const Rows other = WRENCH_TRY(tx.query(sql::kTaskById, {dependency.task_id}));
    if (other.empty())
      return Error("workflow.task_not_found",
                   "the task to wait for, '" + escape_for_display(dependency.task_id) + "', doesn't exist");
    WRENCH_TRY(lock_task(tx, other.front().integer(0)));
    WRENCH_TRY(tx.exec(sql::kInsertDependency, {receipt.task_no, other.front().integer(0),
                                                kPolicies[static_cast<std::size_t>(dependency.policy)]}));
  }
  WRENCH_TRY(announce(tx, receipt, "task.created", task.project_id, task.created_by));
  if (task.draft) return out;
  if (!task.depends_on.empty()) out.obstacle = WRENCH_TRY(obstacle(tx, receipt.task_no));
  out.start = !out.obstacle || out.obstacle->for_good;
  return out;
}

Result<Created> submit(WriteTx& tx, const Submit& submit) {
  WRENCH_TRY(lock_task(tx, submit.task_no));
  const Rows found = WRENCH_TRY(tx.query(sql::kTaskRow, {submit.task_no}));
  if (found.empty()) return Error("workflow.task_not_found", "there is no such task");
  const auto row = found.front();
  const TaskState state = parse_task_state(row.text_or_empty(4)).value_or(TaskState::Queued);
  const Transition* change = find_transition(Machine::Task, static_cast<std::uint8_t>(state),
                                             static_cast<std::uint8_t>(TaskEventKind::Submit), Guard::None);
  const std::string task_id(row.text(1));
  if (change == nullptr)
    return Error("workflow.invalid_transition",
                 "the task " + task_id + " is " + std::string(name(state)) + ": only a draft is to be run")
        .with_help((is_terminal(state) ? "wrench task rerun " : "wrench task resume ") + task_id);
  const auto after = static_cast<TaskState>(change->to);
  if (WRENCH_TRY(tx.exec(sql::kSubmitTask, {submit.task_no, name(after), status_of(after), tx.now(), name(state)})) !=
      1)
    return Error("workflow.conflict", "the task " + task_id + " changed while it was submitted");
  Created out;
  out.receipt = WRENCH_TRY(receipt_of(tx, submit.task_no, task_id, after));
  WRENCH_TRY(announce(tx, out.receipt, "task.submitted", row.integer(2), submit.actor));
  out.obstacle = WRENCH_TRY(obstacle(tx, submit.task_no));
  out.start = !out.obstacle || out.obstacle->for_good;
  return out;
}

Result<Created> rerun(WriteTx& tx, const Rerun& rerun, Numbers& numbers) {
  const Rows found = WRENCH_TRY(tx.query(sql::kTaskRow, {rerun.task_no}));
  if (found.empty()) return Error("workflow.task_not_found", "there is no such task");
  const auto row = found.front();
  const TaskState state = parse_task_state(row.text_or_empty(4)).value_or(TaskState::Draft);
  const Transition* change = find_transition(Machine::Task, static_cast<std::uint8_t>(state),
                                             static_cast<std::uint8_t>(TaskEventKind::Rerun), Guard::None);
  if (change == nullptr)
    return Error("workflow.invalid_transition", "the task " + std::string(row.text(1)) + " is " +
                                                    std::string(name(state)) + ": only an ended task can be retried")
        .with_help((state == TaskState::Draft ? "wrench task run " : "wrench task resume ") + std::string(row.text(1)));
  Created out;
  out.obstacle = WRENCH_TRY(obstacle(tx, rerun.task_no));
  if (out.obstacle && out.obstacle->for_good)
    return Error("workflow.blocked", "the task " + std::string(row.text(1)) + " makes sense only after " +
                                         out.obstacle->task_id + " completed, which is " +
                                         std::string(name(out.obstacle->state)))
        .with_help("wrench task retry " + out.obstacle->task_id);
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {rerun.task_no}));
  const ExecutionRow before = row_store::execution_from(latest.front());
  out.receipt.task_no = rerun.task_no;
  out.receipt.task_id = row.text(1);
  out.receipt.execution_id = rerun.execution_id;
  out.receipt.state = static_cast<TaskState>(change->to);
  WRENCH_TRY(
      tx.exec(sql::kReopenTask, {rerun.task_no, name(out.receipt.state), status_of(out.receipt.state), tx.now()}));
  out.receipt.execution_no = WRENCH_TRY(numbers.next_execution(tx));
  ExecutionRow execution =
      new_execution(out.receipt, before.number + 1, before.plan_hash, before.on_exhausted, tx.now());
  std::string inherited;
  bool own = false;
  for (const std::string_view scope : budgets::split(before.budgets)) {
    own = own || scope == budgets::execution_scope(before.id);
    const bool is_own = scope == budgets::execution_scope(before.id) || scope == budgets::task_scope(rerun.task_no);
    if (!is_own && !budgets::is_period(scope)) inherited += (inherited.empty() ? "" : " ") + std::string(scope);
  }
  execution.budgets = WRENCH_TRY(scopes(tx, out.receipt, row.integer(2), own, inherited, numbers));
  if (own) WRENCH_TRY(budgets::begin_execution(tx, rerun.task_no, execution.id));
  WRENCH_TRY(insert_execution(tx, execution));
  if (rerun.fork != nullptr) {
    // What it goes back to was looked at before this transaction; only another execution can have changed it.
    if (rerun.fork->latest != before.id)
      return Error("workflow.conflict", "the task " + out.receipt.task_id + " was begun again meanwhile");
    WRENCH_TRY(forks::insert(tx, *rerun.fork, out.receipt.execution_no));
  }
  WRENCH_TRY(announce(tx, out.receipt, rerun.fork == nullptr ? "task.rerun" : "task.forked", row.integer(2),
                      rerun.fork == nullptr ? "user" : rerun.fork->actor));
  out.start = !out.obstacle;
  return out;
}

namespace {

void add_obstacle(std::optional<Obstacle>& worst, std::optional<Obstacle> out) {
  if (!out) return;
  // What has ended won't go on by itself: it explains more than what is under way.
  const auto weight = [](const Obstacle& o) { return o.for_good ? 2 : is_terminal(o.state) ? 1 : 0; };
  if (!worst || weight(*out) > weight(*worst)) worst = std::move(out);
}

}  // namespace

std::optional<Obstacle> obstacle_of(const Rows::Row& row) {
  const std::string_view policy = row.text(0);
  Obstacle out{.task_id = std::string(row.text(3)),
               .state = parse_task_state(row.text_or_empty(1)).value_or(TaskState::Draft),
               .must_complete = policy != "ignore"};
  const bool open = !is_terminal(out.state);
  if (!open && (!out.must_complete || out.state == TaskState::Completed)) return std::nullopt;
  out.for_good = !open && policy == "skip";
  return out;
}

Result<std::optional<Obstacle>> obstacle(storage::ReadTx& tx, std::int64_t task_no) {
  std::optional<Obstacle> worst;
  const Rows rows = WRENCH_TRY(tx.query(sql::kDependencyStates, {task_no}));
  for (const auto row : rows) add_obstacle(worst, obstacle_of(row));
  return worst;
}

Result<void> load_obstacles(WriteTx& tx, std::span<const Command> commands, const std::set<std::int64_t>& independent,
                            LoadedRows& rows) {
  std::map<std::int64_t, std::int64_t> executions;  // By task.
  const auto add = [&](std::int64_t no) {
    const auto it = rows.executions.find(no);
    if (it == rows.executions.end() || it->second.started_at != 0 || is_terminal(it->second.status)) return;
    if (!independent.contains(no)) executions[it->second.task_no] = no;
  };
  for (const Command& command : commands) {
    if (const auto* start = std::get_if<command::Start>(&command)) add(start->execution_no);
    if (const auto* adopt = std::get_if<command::Adopt>(&command)) add(adopt->execution_no);
    if (const auto* pause = std::get_if<command::SetPause>(&command)) add(pause->execution_no);
  }
  Columns keys;
  for (const auto& [task_no, no] : executions) keys.emplace_back(task_no);
  std::map<std::int64_t, std::optional<Obstacle>> worst;
  const Rows found = WRENCH_TRY(tx.query_many(sql::kDependencyStates, 1, keys));
  for (const auto row : found) add_obstacle(worst[executions.at(row.integer(2))], obstacle_of(row));
  for (auto& [no, obstacle] : worst)
    if (obstacle) rows.obstacles[no] = std::move(*obstacle);
  return {};
}

Result<bool> is_draft(storage::ReadTx& tx, std::int64_t task_no) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kTaskRow, {task_no}));
  return !rows.empty() && rows.front().text_or_empty(4) == name(TaskState::Draft);
}

Result<std::vector<Command>> unblock(WriteTx& tx, const std::set<std::int64_t>& ended, turns::Starts* shared) {
  std::vector<Command> out;
  const Rows waiting = WRENCH_TRY(tx.query_many(sql::kDependents, 1, Columns(ended.begin(), ended.end())));
  std::set<std::int64_t> dependents;  // Of several that end, one may have the same: locked in order of numbers.
  for (const auto row : waiting) dependents.insert(row.integer(0));
  for (const std::int64_t task_no : dependents) {
    WRENCH_TRY(lock_task(tx, task_no));
    const auto held_back_by = WRENCH_TRY(obstacle(tx, task_no));
    if (held_back_by && !held_back_by->for_good) continue;
    const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
    const ExecutionRow execution = row_store::execution_from(latest.front());
    if (execution.status != ExecutionStatus::Pending || WRENCH_TRY(is_draft(tx, task_no))) continue;
    if (shared != nullptr)
      shared->add(execution.id);
    else
      out.emplace_back(command::Start{execution.id});
  }
  return out;
}

}  // namespace wrench::workflow::creation
