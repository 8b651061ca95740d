#include "wrench/workflow/deletion.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/blob_store.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Access;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace sql {
namespace {

constexpr std::size_t kPage = 500;

const Statement kExecutionIds{
    .id = "workflow.deletion_executions",
    .sql = "SELECT id, execution_id, completed_at, plan_hash FROM task_executions WHERE task_id = ?1",
    .plan = "SEARCH task_executions USING INDEX sqlite_autoindex_task_executions_2 (task_id=?)"};
const Statement kChildTasks{.id = "workflow.deletion_children",
                            .sql = "SELECT id, task_id, status FROM tasks WHERE parent_execution = ?1 LIMIT ?2",
                            .plan = "SEARCH tasks USING INDEX idx_task_parent (parent_execution=?)"};
const Statement kEndedChildren{
    .id = "workflow.deletion_ended_children",
    .sql =
        "SELECT id, task_id, project_id FROM tasks WHERE parent_execution = ?1 AND status <> 'pending' AND status <> "
        "'in_progress' LIMIT ?2",
    .plan = "SEARCH tasks USING INDEX idx_task_parent (parent_execution=?)"};
const Statement kWaitingDependents{
    .id = "workflow.deletion_dependents",
    .sql =
        "SELECT t.task_id FROM task_dependencies d JOIN tasks t ON t.id = d.task_id WHERE d.depends_on_id = ?1 AND "
        "d.policy = 'block' AND t.status = 'pending' LIMIT ?2",
    .plan =
        "SEARCH d USING INDEX idx_dependency_reverse (depends_on_id=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
// Of dependents that need the task no more. ?2: it completed.
const Statement kDropDependencies{
    .id = "workflow.drop_dependencies",
    .access = Access::Write,
    .sql =
        "DELETE FROM task_dependencies WHERE id IN (SELECT d.id FROM task_dependencies d JOIN tasks t ON t.id = "
        "d.task_id WHERE d.depends_on_id = ?1 AND (?2 = 1 OR d.policy = 'ignore' OR t.status <> 'pending') LIMIT ?3)",
    .plan =
        "SEARCH task_dependencies USING INTEGER PRIMARY KEY (rowid=?); LIST SUBQUERY 1; SEARCH d USING INDEX "
        "idx_dependency_reverse (depends_on_id=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "never for many at once"};
const Statement kQueueTask{.id = "workflow.purge_task",
                           .access = Access::Write,
                           .sql = "INSERT INTO purge_queue (kind, id, public_id) VALUES (1, ?1, ?2)"};
const Statement kQueueExecutions{
    .id = "workflow.purge_executions",
    .access = Access::Write,
    .sql =
        "INSERT INTO purge_queue (kind, id, public_id) SELECT 0, id, execution_id FROM task_executions WHERE "
        "task_id = ?1",
    .plan = "SEARCH task_executions USING INDEX sqlite_autoindex_task_executions_2 (task_id=?)"};
const Statement kQueuePlan{.id = "workflow.purge_plan",
                           .access = Access::Write,
                           .sql = "INSERT INTO purge_queue (kind, id, public_id) VALUES (2, ?1, ?2)"};
// Executions are made with their plan: nobody is to be in the middle of that.
const Statement kLockPlans{.id = "workflow.lock_plans",
                           .sql = "SELECT 1",
                           .plan = "SCAN CONSTANT ROW",
                           .postgres = {.sql = "SELECT lock_plans()", .plan = "Result"}};
const Statement kDeletePlan{
    .id = "workflow.delete_plan",
    .access = Access::Write,
    .sql =
        "DELETE FROM plans WHERE plan_hash = ?1 AND NOT EXISTS (SELECT 1 FROM task_executions x WHERE x.plan_hash = "
        "?1)",
    .plan =
        "SEARCH plans USING PRIMARY KEY (plan_hash=?); SCALAR SUBQUERY 1; SEARCH x USING COVERING INDEX "
        "idx_execution_plan (plan_hash=?)"};
const Statement kRaiseFloor{.id = "workflow.raise_floor",
                            .access = Access::Write,
                            .sql = "UPDATE number_floors SET number = ?2 WHERE kind = ?1 AND number < ?2",
                            .plan = "SEARCH number_floors USING PRIMARY KEY (kind=?)"};
const Statement kDeleteTask{.id = "workflow.delete_task",
                            .access = Access::Write,
                            .sql = "DELETE FROM tasks WHERE id = ?1",
                            .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kPurgeQueue{
    .id = "workflow.purge_queue",
    .sql = "SELECT kind, id, public_id FROM purge_queue WHERE (kind, id) > (?1, ?2) ORDER BY kind, id LIMIT ?3",
    .plan = "SEARCH purge_queue USING PRIMARY KEY ((kind,id)>(?,?))"};
const Statement kUnqueue{.id = "workflow.purge_done",
                         .access = Access::Write,
                         .sql = "DELETE FROM purge_queue WHERE kind = ?1 AND id = ?2",
                         .plan = "SEARCH purge_queue USING PRIMARY KEY (kind=? AND id=?)"};

/// Rows of an execution, ?1, or of a range of texts, from ?1 to before ?2; at most so many.
struct Purge {
  Statement statement;
  std::size_t weight = 1;  ///< So many rows' worth of work is one.
};
#define WRENCH_PURGE(table, key, plan_of_key, plan_of_list)                                                            \
  {.id = "workflow.purge_" table,                                                                                      \
   .access = Access::Write,                                                                                            \
   .sql = "DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table " WHERE execution_id = ?1 LIMIT ?2)", \
   .plan = "SEARCH " table " USING " plan_of_key "; LIST SUBQUERY 1; SEARCH " table " USING " plan_of_list             \
           " (execution_id=?)",                                                                                        \
   .plan_exception = "never for many at once"}
const Purge kOfExecution[] = {
    {WRENCH_PURGE("requests", "execution_id, seq", "PRIMARY KEY (execution_id=? AND seq=?)", "PRIMARY KEY"), 16},
    // At most kSignalsMax.
    {{.id = "workflow.purge_signals",
      .access = Access::Write,
      .sql = "DELETE FROM signals WHERE execution_id = ?1 AND CAST(?2 AS BIGINT) > 0",
      .plan = "SEARCH signals USING PRIMARY KEY (execution_id=?)"},
     16},
    {WRENCH_PURGE("waits", "wait_id", "PRIMARY KEY (wait_id=?)", "COVERING INDEX idx_wait_step"), 16},
    {WRENCH_PURGE("budget_waits", "execution_id, step_no", "PRIMARY KEY (execution_id=? AND step_no=?)",
                  "PRIMARY KEY")},
    {WRENCH_PURGE("timers", "execution_id, step_no, kind", "PRIMARY KEY (execution_id=? AND step_no=? AND kind=?)",
                  "PRIMARY KEY")},
    {WRENCH_PURGE("finding_sightings", "execution_id, finding",
                  "COVERING INDEX idx_sighting_finding (finding=? AND execution_id=?)", "PRIMARY KEY")},
    {WRENCH_PURGE("effects", "effect_key", "PRIMARY KEY (effect_key=?)", "COVERING INDEX idx_effect_step")},
    // With all values of the last step: SQLite finds no rows by a list of three columns of which one is a text.
    {{.id = "workflow.purge_step_values",
      .access = Access::Write,
      .sql = "DELETE FROM step_values WHERE execution_id = ?1 AND step_no <= coalesce((SELECT step_no FROM step_values "
             "WHERE execution_id = ?1 ORDER BY step_no LIMIT 1 OFFSET ?2), 9223372036854775807)",
      .plan = "SEARCH step_values USING PRIMARY KEY (execution_id=? AND step_no<?); SCALAR SUBQUERY 1; SEARCH "
              "step_values USING PRIMARY KEY (execution_id=?)",
      .plan_exception = "never for many at once"},
     16},
    {WRENCH_PURGE("stream_chunks", "execution_id, step_no, at", "PRIMARY KEY (execution_id=? AND step_no=? AND at=?)",
                  "PRIMARY KEY"),
     16},
    {WRENCH_PURGE("streams", "execution_id, step_no", "PRIMARY KEY (execution_id=? AND step_no=?)", "PRIMARY KEY")},
    {WRENCH_PURGE("journal", "execution_id, seq", "PRIMARY KEY (execution_id=? AND seq=?)", "PRIMARY KEY")},
    {WRENCH_PURGE("steps", "execution_id, step_no", "PRIMARY KEY (execution_id=? AND step_no=?)", "PRIMARY KEY")},
};
#undef WRENCH_PURGE

/// What a budget is the sum of goes after it, or its ledger wouldn't add up meanwhile.
const Purge kOfScopes[] = {
    {{.id = "workflow.purge_budgets",
      .access = Access::Write,
      .sql = "DELETE FROM budgets WHERE (scope, dim) IN (SELECT scope, dim FROM budgets WHERE scope >= ?1 AND scope < "
             "?2 LIMIT ?3)",
      .plan = "SEARCH budgets USING PRIMARY KEY (scope=? AND dim=?); LIST SUBQUERY 1; SEARCH budgets USING PRIMARY KEY "
              "(scope>? AND scope<?)",
      .plan_exception = "never for many at once"}},
    {{.id = "workflow.purge_budget_entries",
      .access = Access::Write,
      .sql = "DELETE FROM budget_entries WHERE (scope, dim, execution_id, step_no, epoch, call_no) IN (SELECT scope, "
             "dim, execution_id, step_no, epoch, call_no FROM budget_entries WHERE scope >= ?1 AND scope < ?2 LIMIT "
             "?3)",
      .plan =
          "SEARCH budget_entries USING PRIMARY KEY (scope=? AND dim=? AND execution_id=? AND step_no=? AND epoch=? AND "
          "call_no=?); LIST SUBQUERY 1; SEARCH budget_entries USING PRIMARY KEY (scope>? AND scope<?)",
      .plan_exception = "never for many at once"}},
};
const Purge kOfReceivers[] = {
    {{.id = "workflow.purge_messages",
      .access = Access::Write,
      .sql = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE receiver >= ?1 AND receiver < ?2 LIMIT "
             "?3)",
      .plan = "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?); LIST SUBQUERY 1; SEARCH messages USING COVERING "
              "INDEX idx_message_order (receiver>? AND receiver<?)",
      .plan_exception = "never for many at once"},
     16},
    {{.id = "workflow.purge_mailboxes",
      .access = Access::Write,
      .sql = "DELETE FROM mailboxes WHERE receiver IN (SELECT receiver FROM mailboxes WHERE receiver >= ?1 AND "
             "receiver < ?2 LIMIT ?3)",
      .plan = "SEARCH mailboxes USING PRIMARY KEY (receiver=?); LIST SUBQUERY 1; SEARCH mailboxes USING PRIMARY KEY "
              "(receiver>? AND receiver<?)",
      .plan_exception = "never for many at once"}},
    {{.id = "workflow.purge_subscriptions",
      .access = Access::Write,
      .sql = "DELETE FROM subscriptions WHERE (receiver, subscriber) IN (SELECT receiver, subscriber FROM "
             "subscriptions WHERE receiver >= ?1 AND receiver < ?2 LIMIT ?3)",
      .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=? AND subscriber=?); LIST SUBQUERY 1; SEARCH "
              "subscriptions USING PRIMARY KEY (receiver>? AND receiver<?)",
      .plan_exception = "never for many at once"}},
};

}  // namespace

storage::StatementCatalogue::List of_deletion() {
  static const std::vector<const Statement*> all = [] {
    std::vector<const Statement*> out = {&kExecutionIds,     &kChildTasks, &kEndedChildren,   &kWaitingDependents,
                                         &kDropDependencies, &kQueueTask,  &kQueueExecutions, &kRaiseFloor,
                                         &kDeleteTask,       &kPurgeQueue, &kUnqueue,         &kQueuePlan,
                                         &kLockPlans,        &kDeletePlan};
    for (const Purge& purge : kOfExecution) out.push_back(&purge.statement);
    for (const Purge& purge : kOfScopes) out.push_back(&purge.statement);
    for (const Purge& purge : kOfReceivers) out.push_back(&purge.statement);
    return out;
  }();
  return all;
}

}  // namespace sql

namespace {

constexpr std::int64_t kExecutionKind = 0, kTaskKind = 1, kPlanKind = 2;
/// Plans can be large: so many rows' worth of work is one.
constexpr std::size_t kPlanWeight = 16;
constexpr std::chrono::milliseconds kPauseMax{200};
/// References of contents that one flush removes; each is a look-up of its own.
constexpr std::size_t kReferencesMax = 500;
constexpr int kConflictTries = 3;

Error wrong_state(std::string what) { return {"workflow.invalid_transition", std::move(what)}; }

bool is_open(std::string_view status) { return status == "pending" || status == "in_progress"; }

/// Counts the child tasks and theirs. Errors: one of them hasn't ended.
Result<std::size_t> count_children(ReadTx& tx, std::int64_t task_no) {
  std::deque<std::int64_t> tasks = {task_no};
  std::size_t count = 0;
  while (!tasks.empty() && count < kDeletionChildrenSeen) {
    const Rows executions = WRENCH_TRY(tx.query(sql::kExecutionIds, {tasks.front()}));
    tasks.pop_front();
    for (const auto execution : executions) {
      const Rows children =
          WRENCH_TRY(tx.query(sql::kChildTasks, {execution.integer(0), kDeletionChildrenSeen - count}));
      for (const auto child : children) {
        const std::string id(child.text(1));
        if (is_open(child.text(2)))
          return wrong_state("its child task " + id + " hasn't ended").with_help("wrench task cancel " + id);
        tasks.push_back(child.integer(0));
      }
      count += children.size();
    }
  }
  return count;
}

/// The rows that make it a task; what it did is queued.
Result<void> remove(WriteTx& tx, std::int64_t task_no, std::string_view task_id, std::int64_t project_id,
                    const std::string& actor) {
  std::int64_t highest = 0;
  const Rows executions = WRENCH_TRY(tx.query(sql::kExecutionIds, {task_no}));
  std::map<std::string, std::int64_t, std::less<>> plans;  // Each once.
  for (const auto row : executions) {
    highest = std::max(highest, row.integer(0));
    plans[std::string(row.bytes(3))] = row.integer(0);
  }
  WRENCH_TRY(tx.exec(sql::kQueueExecutions, {task_no}));
  for (const auto& [hash, execution_no] : plans) WRENCH_TRY(tx.exec(sql::kQueuePlan, {execution_no, to_hex(hash)}));
  WRENCH_TRY(tx.exec(sql::kQueueTask, {task_no, task_id}));
  WRENCH_TRY(tx.exec(sql::kRaiseFloor, {kTaskKind, task_no}));
  WRENCH_TRY(tx.exec(sql::kRaiseFloor, {kExecutionKind, highest}));
  WRENCH_TRY(tx.exec(sql::kDeleteTask, {task_no}));
  storage::EventDraft event;
  event.type = "task.deleted";
  event.project_id = project_id;
  event.task_id = task_no;
  event.subject_kind = "task";
  event.subject_id = task_id;
  event.actor = actor;
  event.payload = codec::write_json(Json::object({{"task", task_id}}));
  return tx.append_event(event);
}

/// One flush of purge().
class PurgeTurn {
 public:
  explicit PurgeTurn(WriteTx& tx) : tx_(tx) {}

  Result<Purged> run() {
    Purged out;
    if (!WRENCH_TRY(tx_.try_lock("purge"))) return out;
    std::int64_t kind = -1, id = 0;
    bool held = false;
    while (left_ > 0) {
      const Rows queue = WRENCH_TRY(tx_.query(sql::kPurgeQueue, {kind, id, sql::kPage}));
      for (const auto row : queue) {
        kind = row.integer(0);
        id = row.integer(1);
        const std::string public_id(row.text(2));
        Gone gone = Gone::Waits;
        if (kind == kExecutionKind)
          gone = WRENCH_TRY(execution(id, public_id));
        else if (kind == kPlanKind)
          gone = WRENCH_TRY(plan(public_id));
        else if (!held)  // A child may draw from its budget.
          gone = WRENCH_TRY(task(id, public_id));
        held = held || (gone == Gone::Waits && kind != kPlanKind);
        if (gone == Gone::Yes) WRENCH_TRY(tx_.exec(sql::kUnqueue, {kind, id}));
        if (left_ <= 0) break;
      }
      if (left_ > 0 && queue.size() < sql::kPage) {
        // Child tasks may have been queued before the place that was reached.
        out.all = !held && tasks_ == 0;
        break;
      }
    }
    out.rows = rows_;
    out.tasks = tasks_;
    return out;
  }
  /// Something went on.
  static bool moved(const Purged& purged) { return purged.rows > 0 || purged.tasks > 0; }

 private:
  enum class Gone { Yes, Partly, Waits };

  void count(std::int64_t rows, std::size_t weight = 1) {
    rows_ += rows;
    left_ -= rows * static_cast<std::int64_t>(weight);
  }

  template <class... Range>
  Result<bool> rows_of(const sql::Purge& purge, const Range&... range) {
    if (left_ <= 0) return false;
    const auto most = std::max<std::int64_t>(left_ / static_cast<std::int64_t>(purge.weight), 1);
    const std::int64_t removed = WRENCH_TRY(tx_.exec(purge.statement, {range..., most}));
    count(removed, purge.weight);
    return removed < most;
  }
  /// All rows whose text is from `first` to before `end`.
  template <std::size_t N>
  Result<bool> range(const sql::Purge (&purges)[N], const std::string& first, const std::string& end) {
    for (const sql::Purge& purge : purges)
      if (!WRENCH_TRY(rows_of(purge, first, end))) return false;
    return true;
  }
  /// The text itself: '!' sorts before whatever such a text goes on with.
  template <std::size_t N>
  Result<bool> exactly(const sql::Purge (&purges)[N], const std::string& text) {
    return range(purges, text, text + "!");
  }
  Result<bool> contents(std::string_view owner_kind, std::int64_t id) {
    if (left_ <= 0) return false;
    const std::size_t most = std::min(kReferencesMax, static_cast<std::size_t>(left_));
    const auto released = WRENCH_TRY(storage::blob_store::release(tx_, {owner_kind, id}, most, kPurgeContentBytesMax));
    count(static_cast<std::int64_t>(released.references));
    if (!released.all) left_ = 0;  // They are large.
    return released.all;
  }

  Result<Gone> children(std::int64_t no) {
    for (;;) {
      if (left_ <= 0) return Gone::Partly;
      const Rows ended =
          WRENCH_TRY(tx_.query(sql::kEndedChildren, {no, std::min(sql::kPage, static_cast<std::size_t>(left_))}));
      if (ended.empty()) break;
      for (const auto row : ended) {
        WRENCH_TRY(remove(tx_, row.integer(0), row.text(1), row.integer(2), "system"));
        ++tasks_;
        count(1);
      }
    }
    // What it draws from stays until it has ended.
    return WRENCH_TRY(tx_.query(sql::kChildTasks, {no, 1})).empty() ? Gone::Yes : Gone::Waits;
  }

  Result<Gone> execution(std::int64_t no, const std::string& public_id) {
    const std::string number = std::to_string(no);
    if (const Gone gone = WRENCH_TRY(children(no)); gone != Gone::Yes) return gone;
    // '0' is what follows '/'.
    if (!WRENCH_TRY(exactly(sql::kOfScopes, "x" + number)) ||
        !WRENCH_TRY(range(sql::kOfScopes, "s" + number + "/", "s" + number + "0")) ||
        !WRENCH_TRY(range(sql::kOfReceivers, "step:" + public_id + "/", "step:" + public_id + "0")))
      return Gone::Partly;
    for (const sql::Purge& purge : sql::kOfExecution)
      if (!WRENCH_TRY(rows_of(purge, no))) return Gone::Partly;
    return WRENCH_TRY(contents("execution", no)) ? Gone::Yes : Gone::Partly;
  }

  Result<Gone> task(std::int64_t no, const std::string& public_id) {
    const bool all = WRENCH_TRY(exactly(sql::kOfScopes, "t" + std::to_string(no))) &&
                     WRENCH_TRY(exactly(sql::kOfReceivers, "task:" + public_id)) && WRENCH_TRY(contents("task", no));
    return all ? Gone::Yes : Gone::Partly;
  }

  /// Unless another execution has it, too.
  Result<Gone> plan(const std::string& hash) {
    if (left_ <= 0) return Gone::Partly;
    const auto bytes = from_hex(hash);
    if (!bytes) return Error("storage.corrupt", "the queue of what is to be deleted names a plan that is none");
    if (!plans_locked_) WRENCH_TRY(tx_.query(sql::kLockPlans));
    plans_locked_ = true;
    --left_;  // For looking.
    count(WRENCH_TRY(tx_.exec(sql::kDeletePlan, {Bind::bytes(*bytes)})), kPlanWeight);
    return Gone::Yes;
  }

  WriteTx& tx_;
  bool plans_locked_ = false;
  std::int64_t left_ = static_cast<std::int64_t>(kPurgeRowsMax);
  std::int64_t rows_ = 0, tasks_ = 0;
};

}  // namespace

Result<DeletionPreview> preview_deletion(ReadTx& tx, std::string_view task_id) {
  DeletionPreview out;
  out.task = WRENCH_TRY(find_task(tx, task_id));
  const std::string which = "the task " + out.task.task_id;
  if (!is_terminal(out.task.state))
    return wrong_state(which + " is " + std::string(name(out.task.state)) + ": only what has ended can be deleted")
        .with_help("wrench task cancel " + out.task.task_id);
  if (const std::string parent = WRENCH_TRY(find_parent(tx, out.task.task_no)); !parent.empty())
    return wrong_state(which + " is part of the task " + parent + ", and is deleted with it")
        .with_help("wrench task delete " + parent);
  out.executions = WRENCH_TRY(tx.query(sql::kExecutionIds, {out.task.task_no})).size();
  out.children = WRENCH_TRY(count_children(tx, out.task.task_no));
  if (out.task.state == TaskState::Completed) return out;
  const Rows dependents = WRENCH_TRY(tx.query(sql::kWaitingDependents, {out.task.task_no, kDeletionDependentsSeen}));
  for (const auto row : dependents) out.dependents.emplace_back(row.text(0));
  return out;
}

Result<void> delete_task(storage::Store& store, const TaskView& task, const std::string& actor) {
  const bool completed = task.state == TaskState::Completed;
  for (std::int64_t dropped = -1; dropped != 0;)
    WRENCH_TRY(store.write([&](WriteTx& tx) -> Result<void> {
      dropped = WRENCH_TRY(tx.exec(sql::kDropDependencies, {task.task_no, completed ? 1 : 0, kPurgeRowsMax}));
      return {};
    }));
  return store.write([&](WriteTx& tx) -> Result<void> {
    const Bind key(task.task_no);
    WRENCH_TRY(tx.query_many(sql::kLockTask, 1, {&key, 1}, storage::RowLock::ForUpdate));
    const Rows now = WRENCH_TRY(tx.query(sql::kTaskRow, {task.task_no}));
    if (now.empty()) return Error("workflow.task_not_found", "there is no task " + task.task_id + " any more");
    if (now.front().integer(8) != task.version)
      return Error("workflow.version_conflict", "the task " + task.task_id + " has gone on meanwhile: it is version " +
                                                    std::to_string(now.front().integer(8)) + " now, and was " +
                                                    std::to_string(task.version));
    if (!completed && !WRENCH_TRY(tx.query(sql::kWaitingDependents, {task.task_no, 1})).empty())
      return Error("workflow.has_dependents", "tasks wait for the success of " + task.task_id);
    return remove(tx, task.task_no, task.task_id, task.project_id, actor);
  });
}

Result<std::size_t> delete_tasks(storage::Store& store, std::span<const TaskView> tasks, const std::string& actor) {
  std::vector<TaskView> sorted(tasks.begin(), tasks.end());
  std::ranges::sort(sorted, {}, &TaskView::task_no);
  std::size_t deleted = 0;
  WRENCH_TRY(store.write(
      [&](WriteTx& tx) -> Result<void> {
        deleted = 0;
        std::vector<Bind> keys;
        for (const TaskView& task : sorted) keys.emplace_back(task.task_no);
        WRENCH_TRY(tx.query_many(sql::kLockTask, 1, keys, storage::RowLock::ForUpdate));
        auto left = static_cast<std::int64_t>(kPurgeRowsMax);
        for (const TaskView& task : sorted) {
          const Rows now = WRENCH_TRY(tx.query(sql::kTaskRow, {task.task_no}));
          if (now.empty() || now.front().integer(8) != task.version) continue;
          const bool completed = task.state == TaskState::Completed;
          if (!completed && !WRENCH_TRY(tx.query(sql::kWaitingDependents, {task.task_no, 1})).empty()) continue;
          const std::int64_t dropped =
              WRENCH_TRY(tx.exec(sql::kDropDependencies, {task.task_no, completed ? 1 : 0, left}));
          left -= dropped;
          if (left <= 0) break;  // The rest of them, and it, another time.
          WRENCH_TRY(remove(tx, task.task_no, task.task_id, task.project_id, actor));
          ++deleted;
        }
        return {};
      },
      {}, storage::JobLane::Bulk));
  return deleted;
}

Result<Purged> purge(storage::Store& store, const Clock& clock, const StopToken& stop) {
  Purged out;
  const Rows queue = WRENCH_TRY(store.query(sql::kPurgeQueue, {-1, 0, 1}));
  out.all = queue.empty();
  for (int conflicts = 0; !out.all;) {
    const Micros began = clock.boot_us();
    Purged turn;
    const auto done = store.write(
        [&](WriteTx& tx) -> Result<void> {
          turn = WRENCH_TRY(PurgeTurn(tx).run());
          return {};
        },
        {}, storage::JobLane::Bulk);
    // Somebody began to need a content in the same moment.
    if (!done.ok() && done.error().code == "storage.constraint_foreign_key" && ++conflicts < kConflictTries) continue;
    if (!done.ok()) return done.error();
    conflicts = 0;
    out.rows += turn.rows;
    out.tasks += turn.tasks;
    out.all = turn.all;
    if (turn.all || !PurgeTurn::moved(turn) || stop.stop_requested()) break;
    const auto took = std::chrono::microseconds(clock.boot_us() - began);
    std::this_thread::sleep_for(std::min<std::chrono::microseconds>(took, kPauseMax));
  }
  return out;
}

}  // namespace wrench::workflow
