#include "wrench/workflow/restore.hpp"

#include "care_sql.hpp"
#include "wrench/workflow/transitions.hpp"

namespace wrench::workflow {
namespace sql {
namespace {

using storage::Access;

constexpr std::size_t kPage = 1'000;

const Statement kOpenFrom{
    .id = "workflow.open_executions_from",
    .sql =
        "SELECT e.id, e.execution_id, e.status, t.id, t.task_id, t.state, t.project_id, e.version FROM task_executions "
        "e NOT INDEXED JOIN tasks t ON t.id = e.task_id WHERE e.completed_at IS NULL AND e.id > ?1 ORDER BY e.id LIMIT "
        "?2",
    .plan = "SEARCH e USING INTEGER PRIMARY KEY (rowid>?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "all executions, once after a restore",
    .postgres = {
        .sql = "SELECT e.id, e.execution_id, e.status, t.id, t.task_id, t.state, t.project_id, e.version FROM "
               "task_executions e JOIN tasks t ON t.id = e.task_id WHERE e.completed_at IS NULL AND e.id > ?1 ORDER BY "
               "e.id LIMIT ?2",
        .plan = "Limit; Nested Loop; Index Scan using task_executions_pkey on task_executions e (id > $1); Index Scan "
                "using tasks_pkey on tasks t (id = e.task_id)"}};
const Statement kHoldExecution{
    .id = "workflow.hold_execution",
    .access = Access::Write,
    .sql =
        "UPDATE task_executions SET status = ?2, suspend_reason = ?3, owner_boot = NULL, version = version + 1 "
        "WHERE id = ?1",
    .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)",
    // Workers take whatever is open, so what keeps them from it stands in the row: Pause::Restored.
    .postgres = {.sql = "UPDATE task_executions SET status = ?2, suspend_reason = ?3, owner_boot = NULL, paused = 4, "
                        "version = version + 1 WHERE id = ?1",
                 .plan = "Update on task_executions; Index Scan using task_executions_pkey on task_executions (id = "
                         "$1)"}};
const Statement kHoldTask{
    .id = "workflow.hold_task",
    .access = Access::Write,
    .sql =
        "UPDATE tasks SET state = ?2, status = ?3, wait_reason = ?4, updated_at = ?5, version = version + 1 "
        "WHERE id = ?1",
    .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
// Of queues that no process serves any more.
const Statement kUnrankSteps{.id = "workflow.unrank_steps",
                             .access = Access::Write,
                             .sql = "UPDATE steps SET rank = NULL WHERE execution_id = ?1 AND rank IS NOT NULL",
                             .plan = "SEARCH steps USING PRIMARY KEY (execution_id=?)"};
const Statement kEmptyQueues{.id = "workflow.empty_queues",
                             .access = Access::Write,
                             .sql = "DELETE FROM ready",
                             .plan_exception = "all of them, once after a restore"};
const Statement kEmptyParked{.id = "workflow.empty_parked",
                             .access = Access::Write,
                             .sql = "DELETE FROM parked",
                             .plan_exception = "all of them, once after a restore"};
const Statement kNobodyWaits{.id = "workflow.nobody_waits",
                             .access = Access::Write,
                             .sql = "UPDATE limits SET waiting = 0 WHERE waiting <> 0",
                             .plan_exception = "all of them, once after a restore"};
const Statement kForgetWorkers{.id = "workflow.forget_workers",
                               .access = Access::Write,
                               .sql = "DELETE FROM workers",
                               .plan_exception = "all of them, once after a restore",
                               // The first worker that comes takes their steps for lost.
                               .postgres = {.sql = "UPDATE workers SET seen_at = 0, lost_at = 0",
                                            .plan = "Update on workers; Seq Scan on workers"}};

}  // namespace

storage::StatementCatalogue::List of_restore() {
  static const Statement* const list[] = {&kOpenFrom,    &kHoldExecution, &kHoldTask,    &kUnrankSteps,
                                          &kEmptyQueues, &kEmptyParked,   &kNobodyWaits, &kForgetWorkers};
  return list;
}

}  // namespace sql

namespace {

/// Whether there was something to hold back.
Result<bool> hold(storage::WriteTx& tx, const storage::Rows::Row& row) {
  const auto status = parse_execution_status(row.text(2));
  const auto state = parse_task_state(row.text_or_empty(5));
  if (!status || is_terminal(*status) || !state || is_terminal(*state))
    return Error("storage.corrupt", "the open execution " + std::string(row.text(1)) + " has ended");
  if (*state == TaskState::Draft) return false;  // It doesn't go on by itself.
  // Not by the table of transitions: no process of the engine does this, and none has the store open.
  const auto held = ExecutionStatus::Suspended;
  const auto waiting = TaskState::Waiting;
  const std::int64_t execution_no = row.integer(0);
  const storage::Rows tail = WRENCH_TRY(tx.query(sql::kJournalTail, {execution_no}));
  const std::int64_t seq = tail.empty() ? 1 : tail.front().integer(0) + 1;
  WRENCH_TRY(tx.exec(sql::kInsertJournal,
                     {execution_no, seq, "restored", std::nullopt, 0, tx.now(), "system", std::nullopt, std::nullopt}));
  WRENCH_TRY(tx.exec(sql::kUnrankSteps, {execution_no}));
  WRENCH_TRY(tx.exec(sql::kHoldExecution, {execution_no, name(held), kRestored}));
  WRENCH_TRY(tx.exec(sql::kHoldTask, {row.integer(3), name(waiting), status_of(waiting), kRestored, tx.now()}));
  storage::EventDraft event;
  event.type = "task.state";
  event.project_id = row.integer(6);
  event.task_id = row.integer(3);
  event.subject_kind = "execution";
  event.subject_id = row.text(1);
  event.actor = "system";
  event.version = row.integer(7) + 1;
  event.payload = "{\"task\":\"" + std::string(row.text(4)) + "\",\"state\":\"" + std::string(name(waiting)) +
                  "\",\"execution\":\"" + std::string(name(held)) + "\",\"reason\":\"" + std::string(kRestored) + "\"}";
  WRENCH_TRY(tx.append_event(event));
  return true;
}

}  // namespace

Result<std::int64_t> hold_restored(storage::WriteTx& tx) {
  WRENCH_TRY(tx.exec(sql::kForgetWorkers));
  WRENCH_TRY(tx.exec(sql::kEmptyQueues));
  WRENCH_TRY(tx.exec(sql::kEmptyParked));
  WRENCH_TRY(tx.exec(sql::kNobodyWaits));
  std::int64_t held = 0;
  for (std::int64_t last = 0;;) {
    const storage::Rows open = WRENCH_TRY(tx.query(sql::kOpenFrom, {last, sql::kPage}));
    if (open.empty()) return held;
    for (const auto row : open) held += WRENCH_TRY(hold(tx, row)) ? 1 : 0;
    last = open[open.size() - 1].integer(0);
  }
}

}  // namespace wrench::workflow
