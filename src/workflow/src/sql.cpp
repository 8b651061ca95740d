#include "sql.hpp"

#include "care_sql.hpp"
#include "messages_sql.hpp"
#include "monitor_sql.hpp"
#include "retention/retention_sql.hpp"
#include "retention/task_record.hpp"
#include "schedule/schedule_sql.hpp"
#include "stream_store.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {
namespace sql {

using storage::Access;

#define WRENCH_TASK_COLUMNS                                                                                        \
  "id, task_id, project_id, repo_id, title, description, kind, priority, status, state, wait_reason, created_by, " \
  "idempotency_key, metadata, progress, created_at, updated_at, version"
#define WRENCH_EXECUTION_COLUMNS                                                                            \
  "id, execution_id, task_id, number, status, suspend_reason, error, plan_hash, owner_boot, on_exhausted, " \
  "cancel_at, cancel_reason, deadline_at, created_at, started_at, completed_at, next_step, steps_total, "   \
  "steps_done, steps_failed, steps_active, steps_held, version, paused, waiting, forked_from, budgets, "    \
  "expires_at"
#define WRENCH_STEP_COLUMNS                                                                                    \
  "execution_id, step_no, node, parent_step, iteration, state, attempt, lost, epoch, deps_left, worker_boot, " \
  "claimed_at, output_seq, cursor, flags, rank, scheduled_at, limits"
#define WRENCH_JOURNAL_COLUMNS "seq, kind, step_no, attempt, at, actor, data, blob"

const Statement kTaskRow{.id = "workflow.task_row",
                         .sql =
                             "SELECT id, task_id, project_id, repo_id, state, wait_reason, progress, updated_at, "
                             "version, parent_execution, parent_step, priority, kind FROM "
                             "tasks WHERE id = ?1",
                         .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kExecutionRow{.id = "workflow.execution_row",
                              .sql = "SELECT " WRENCH_EXECUTION_COLUMNS " FROM task_executions WHERE id = ?1",
                              .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
// kExecutionRow, kTaskRow of its task, and the last number in its journal: what a flush needs to know of an execution.
#define WRENCH_OF_EXECUTION                                                                                     \
  "x.id, x.execution_id, x.task_id, x.number, x.status, x.suspend_reason, x.error, x.plan_hash, x.owner_boot, " \
  "x.on_exhausted, x.cancel_at, x.cancel_reason, x.deadline_at, x.created_at, x.started_at, x.completed_at, "   \
  "x.next_step, x.steps_total, x.steps_done, x.steps_failed, x.steps_active, x.steps_held, x.version, "         \
  "x.paused, x.waiting, x.forked_from, x.budgets, x.expires_at"
const Statement kExecutionWithTask{
    .id = "workflow.execution_with_task",
    .sql = "SELECT " WRENCH_OF_EXECUTION
           ", t.id, t.task_id, t.project_id, t.repo_id, t.state, t.wait_reason, t.progress, t.updated_at, t.version, "
           "t.parent_execution, t.parent_step, t.priority, t.kind, (SELECT max(j.seq) FROM journal j WHERE "
           "j.execution_id = x.id) FROM task_executions x JOIN tasks t ON t.id = x.task_id WHERE x.id = ?1",
    .plan =
        "SEARCH x USING INTEGER PRIMARY KEY (rowid=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?); CORRELATED SCALAR "
        "SUBQUERY 1; SEARCH j USING PRIMARY KEY (execution_id=?)"};
#undef WRENCH_OF_EXECUTION
const Statement kStepRow{.id = "workflow.step_row",
                         .sql = "SELECT " WRENCH_STEP_COLUMNS " FROM steps WHERE execution_id = ?1 AND step_no = ?2",
                         .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kStepRows{.id = "workflow.step_rows",
                          .sql = "SELECT " WRENCH_STEP_COLUMNS
                                 " FROM steps WHERE execution_id = ?1 AND step_no > ?2 ORDER BY step_no LIMIT ?3",
                          .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no>?)"};
const Statement kOpenSteps{
    .id = "workflow.open_steps",
    .sql = "SELECT " WRENCH_STEP_COLUMNS " FROM steps WHERE execution_id = ?1 AND (state < 6 OR state > 9)",
    .plan = "SEARCH steps USING PRIMARY KEY (execution_id=?)"};
const Statement kOpenIntents{
    .id = "workflow.open_intents",
    .sql = "SELECT execution_id, step_no FROM effects WHERE execution_id = ?1 AND step_no = ?2 AND state = 0 LIMIT 1",
    .plan = "SEARCH effects USING INDEX idx_effect_step (execution_id=? AND step_no=?)"};
const Statement kJournalTail{.id = "workflow.journal_tail",
                             .sql = "SELECT seq FROM journal WHERE execution_id = ?1 ORDER BY seq DESC LIMIT 1",
                             .plan = "SEARCH journal USING PRIMARY KEY (execution_id=?)"};
const Statement kBacklog{
    .id = "workflow.backlog",
    .sql =
        "SELECT rank, execution_id, step_no FROM ready WHERE queue = ?1 ORDER BY rank, execution_id, step_no LIMIT ?2",
    .plan = "SEARCH ready USING PRIMARY KEY (queue=?)"};
const Statement kPlanBody{.id = "workflow.plan_body",
                          .sql = "SELECT body FROM plans WHERE plan_hash = ?1",
                          .plan = "SEARCH plans USING PRIMARY KEY (plan_hash=?)"};
const Statement kTimersOfExecution{
    .id = "workflow.timers_of_execution",
    .sql = "SELECT execution_id, step_no, kind, due_at, epoch FROM timers WHERE execution_id = ?1",
    .plan = "SEARCH timers USING PRIMARY KEY (execution_id=?)"};

const Statement kInsertStep{.id = "workflow.insert_step",
                            .access = Access::Write,
                            .sql = "INSERT INTO steps (" WRENCH_STEP_COLUMNS
                                   ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                                   "?17, ?18)"};
const Statement kUpdateStep{
    .id = "workflow.update_step",
    .access = Access::Write,
    .sql =
        "UPDATE steps SET state = ?3, attempt = ?4, lost = ?5, epoch = ?6, deps_left = ?7, worker_boot = ?8, "
        "claimed_at = ?9, output_seq = ?10, cursor = ?11, flags = ?12, rank = ?13, scheduled_at = ?14, limits = ?17 "
        "WHERE execution_id = ?1 AND step_no = ?2 AND state = ?15 AND epoch = ?16",
    .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kUpdateExecution{
    .id = "workflow.update_execution",
    .access = Access::Write,
    .sql =
        "UPDATE task_executions SET status = ?3, suspend_reason = ?4, error = ?5, owner_boot = ?6, cancel_at = ?7, "
        "cancel_reason = ?8, started_at = ?9, completed_at = ?10, duration = ?11, next_step = ?12, "
        "steps_total = ?13, steps_done = ?14, steps_failed = ?15, steps_active = ?16, steps_held = ?17, "
        "version = ?18, waiting = ?19, paused = ?20 WHERE id = ?1 AND version = ?2",
    .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
/// While it runs: nothing that an index holds, because SQLite moves the entries of each index that an UPDATE names.
const Statement kUpdateProgress{
    .id = "workflow.update_progress",
    .access = Access::Write,
    .sql =
        "UPDATE task_executions SET next_step = ?3, steps_total = ?4, steps_done = ?5, steps_failed = ?6, "
        "steps_active = ?7, version = ?8, waiting = ?9, paused = ?10 WHERE id = ?1 AND version = ?2",
    .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kUpdateTask{.id = "workflow.update_task",
                            .access = Access::Write,
                            .sql =
                                "UPDATE tasks SET state = ?3, status = ?4, wait_reason = ?5, progress = ?6, "
                                "updated_at = ?7, version = ?8 WHERE id = ?1 AND version = ?2",
                            .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kInsertReady{.id = "workflow.insert_ready",
                             .access = Access::Write,
                             .sql = "INSERT INTO ready (queue, rank, execution_id, step_no) VALUES (?1, ?2, ?3, ?4)"};
const Statement kDeleteReady{
    .id = "workflow.delete_ready",
    .access = Access::Write,
    .sql = "DELETE FROM ready WHERE queue = ?1 AND rank = ?2 AND execution_id = ?3 AND step_no = ?4",
    .plan = "SEARCH ready USING PRIMARY KEY (queue=? AND rank=? AND execution_id=? AND step_no=?)",
    // Another process put it there, by what that knew of the capability: perhaps of another version.
    .postgres = {.sql = "DELETE FROM ready WHERE queue = ANY (ARRAY['cpu', 'io', 'llm', ?1]) AND rank = ?2 AND "
                        "execution_id = ?3 AND step_no = ?4",
                 .plan = "Delete on ready; Index Scan using ready_pkey on ready ((queue = ANY (ARRAY['cpu'::text, "
                         "'io'::text, 'llm'::text, $1])) AND (rank = $2) AND (execution_id = $3) AND (step_no = $4))"}};
const Statement kSetTimer{.id = "workflow.set_timer",
                          .access = Access::Write,
                          .sql =
                              "INSERT INTO timers (execution_id, step_no, kind, due_at, epoch) "
                              "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (execution_id, step_no, kind) "
                              "DO UPDATE SET due_at = excluded.due_at, epoch = excluded.epoch"};
const Statement kDeleteTimer{.id = "workflow.delete_timer",
                             .access = Access::Write,
                             .sql = "DELETE FROM timers WHERE execution_id = ?1 AND step_no = ?2 AND kind = ?3",
                             .plan = "SEARCH timers USING PRIMARY KEY (execution_id=? AND step_no=? AND kind=?)"};
const Statement kDeleteTimersOfStep{.id = "workflow.delete_timers_of_step",
                                    .access = Access::Write,
                                    .sql = "DELETE FROM timers WHERE execution_id = ?1 AND step_no = ?2",
                                    .plan = "SEARCH timers USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kInsertJournal{
    .id = "workflow.insert_journal",
    .access = Access::Write,
    .sql =
        "INSERT INTO journal (execution_id, seq, kind, step_no, attempt, at, actor, data, blob) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"};
const Statement kInsertIntent{
    .id = "workflow.insert_intent",
    .access = Access::Write,
    .sql =
        "INSERT INTO effects (effect_key, execution_id, step_no, epoch, intent, intent_at, state) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT (effect_key) DO UPDATE SET epoch = excluded.epoch, "
        "intent = excluded.intent, intent_at = excluded.intent_at, state = 0 WHERE effects.state = 2"};
const Statement kSetReceipt{.id = "workflow.set_receipt",
                            .access = Access::Write,
                            .sql =
                                "UPDATE effects SET receipt = ?2, receipt_at = ?3, state = 1 "
                                "WHERE effect_key = ?1 AND state <> 2",
                            .plan = "SEARCH effects USING PRIMARY KEY (effect_key=?)"};
const Statement kCloseEffects{.id = "workflow.close_effects",
                              .access = Access::Write,
                              .sql =
                                  "UPDATE effects SET receipt = ?3, receipt_at = ?4, state = 1 "
                                  "WHERE execution_id = ?1 AND step_no = ?2 AND state = 0",
                              .plan = "SEARCH effects USING INDEX idx_effect_step (execution_id=? AND step_no=?)"};
const Statement kVoidEffects{
    .id = "workflow.void_effects",
    .access = Access::Write,
    .sql = "UPDATE effects SET state = 2 WHERE execution_id = ?1 AND step_no = ?2 AND state = 0",
    .plan = "SEARCH effects USING INDEX idx_effect_step (execution_id=? AND step_no=?)"};
const Statement kInsertValue{
    .id = "workflow.insert_value",
    .access = Access::Write,
    .sql = "INSERT INTO step_values (execution_id, step_no, name, value) VALUES (?1, ?2, ?3, ?4)"};

const Statement kTaskByKey{
    .id = "workflow.task_by_key",
    .sql =
        "SELECT t.id, t.task_id, t.state, t.request_hash, t.version FROM tasks t WHERE t.project_id = ?1 AND "
        "t.idempotency_key = ?2",
    .plan = "SEARCH t USING INDEX idx_task_idempotency (project_id=? AND idempotency_key=?)"};
const Statement kReleaseKey{
    .id = "workflow.release_key",
    .access = Access::Write,
    .sql = "UPDATE tasks SET idempotency_key = NULL, version = version + 1 WHERE id = ?1 AND version = ?2",
    .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kInsertTask{
    .id = "workflow.insert_task",
    .access = Access::Write,
    .sql =
        "INSERT INTO tasks (id, task_id, project_id, repo_id, title, description, tracking, status, state, "
        "priority, kind, inputs, metadata, plan_notes, idempotency_key, request_hash, created_by, created_at, "
        "updated_at, inputs_json, parent_execution, parent_step) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'engine', ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17, ?18, ?19, ?20)"};
const Statement kInsertPlan{.id = "workflow.insert_plan",
                            .access = Access::Write,
                            .sql = "INSERT INTO plans (plan_hash, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING"};
const Statement kInsertExecution{
    .id = "workflow.insert_execution",
    .access = Access::Write,
    .sql =
        "INSERT INTO task_executions (id, execution_id, task_id, number, status, created_at, plan_hash, "
        "on_exhausted, deadline_at, engine_version, started_at, owner_boot, next_step, steps_total, steps_done, "
        "steps_active, budgets, expires_at, steps_failed, steps_held) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 0, 0)"};
// The next ?1 numbers: each in a row of its own, or all of them in a row, up to the one that is returned.
const Statement kNextTask{
    .id = "workflow.next_task",
    .sql = "SELECT max(coalesce(max(id), 0), (SELECT number FROM number_floors WHERE kind = 1)) + ?1 FROM tasks",
    .plan = "SEARCH tasks; SCALAR SUBQUERY 1; SEARCH number_floors USING PRIMARY KEY (kind=?)",
    .postgres = {.sql = "SELECT nextval('tasks_id_seq') FROM generate_series(1, CAST(?1 AS BIGINT))",
                 .plan = "Function Scan on generate_series"}};
const Statement kNextExecution{
    .id = "workflow.next_execution",
    .sql =
        "SELECT max(coalesce(max(id), 0), (SELECT number FROM number_floors WHERE kind = 0)) + ?1 FROM "
        "task_executions",
    .plan = "SEARCH task_executions; SCALAR SUBQUERY 1; SEARCH number_floors USING PRIMARY KEY (kind=?)",
    .postgres = {.sql = "SELECT nextval('task_executions_id_seq') FROM generate_series(1, CAST(?1 AS BIGINT))",
                 .plan = "Function Scan on generate_series"}};
const Statement kNextRepository{.id = "workflow.next_repository",
                                .sql = "SELECT coalesce(max(id), 0) + 1 FROM repositories",
                                .plan = "SEARCH repositories",
                                .postgres = {.sql = "SELECT nextval('repositories_id_seq')", .plan = "Result"}};
const Statement kRepository{
    .id = "workflow.repository",
    .sql = "SELECT id FROM repositories WHERE project_id = ?1 AND location = ?2",
    .plan = "SEARCH repositories USING COVERING INDEX sqlite_autoindex_repositories_1 (project_id=? AND location=?)"};
const Statement kInsertRepository{.id = "workflow.insert_repository",
                                  .access = Access::Write,
                                  .sql = "INSERT INTO repositories (id, project_id, location) VALUES (?1, ?2, ?3)"};
const Statement kInsertDependency{
    .id = "workflow.insert_dependency",
    .access = Access::Write,
    .sql = "INSERT INTO task_dependencies (task_id, depends_on_id, policy) VALUES (?1, ?2, ?3)"};
const Statement kDependenciesOf{
    .id = "workflow.dependencies_of",
    .sql = "SELECT depends_on_id FROM task_dependencies WHERE task_id = ?1 ORDER BY depends_on_id",
    .plan = "SEARCH task_dependencies USING COVERING INDEX idx_unique_dependency (task_id=?)"};
const Statement kDependencyStates{
    .id = "workflow.dependency_states",
    .sql =
        "SELECT d.policy, t.state, d.task_id, t.task_id, t.title FROM task_dependencies d JOIN tasks t ON t.id = "
        "d.depends_on_id "
        "WHERE d.task_id = ?1",
    .plan = "SEARCH d USING INDEX idx_unique_dependency (task_id=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kDependents{.id = "workflow.dependents",
                            .sql = "SELECT task_id FROM task_dependencies WHERE depends_on_id = ?1 ORDER BY task_id",
                            .plan =
                                "SEARCH task_dependencies USING INDEX idx_dependency_reverse (depends_on_id=?); "
                                "USE TEMP B-TREE FOR ORDER BY",
                            .plan_exception = "a task has few dependents"};
const Statement kLatestExecution{
    .id = "workflow.latest_execution",
    .sql = "SELECT " WRENCH_EXECUTION_COLUMNS " FROM task_executions WHERE task_id = ?1 ORDER BY number DESC LIMIT 1",
    .plan = "SEARCH task_executions USING INDEX sqlite_autoindex_task_executions_2 (task_id=?)"};
const Statement kInsertRequest{
    .id = "workflow.insert_request",
    .access = Access::Write,
    .sql =
        "INSERT INTO requests (execution_id, seq, kind, reason, actor, at) SELECT id, "
        "(SELECT coalesce(max(seq), 0) + 1 FROM requests WHERE execution_id = ?1), ?2, ?3, ?4, ?5 "
        "FROM task_executions WHERE id = ?1 AND completed_at IS NULL",
    .plan =
        "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?); SCALAR SUBQUERY 1; "
        "SEARCH requests USING PRIMARY KEY (execution_id=?)"};
const Statement kRequestsOfExecution{
    .id = "workflow.requests_of_execution",
    .sql = "SELECT execution_id, seq, kind, reason, actor FROM requests WHERE execution_id = ?1 ORDER BY seq",
    .plan = "SEARCH requests USING PRIMARY KEY (execution_id=?)"};
const Statement kOwnedRequests{.id = "workflow.owned_requests",
                               .sql =
                                   "SELECT r.execution_id, r.seq, r.kind, r.reason, r.actor FROM requests r "
                                   "JOIN task_executions e ON e.id = r.execution_id WHERE e.owner_boot = ?1 "
                                   "ORDER BY r.execution_id, r.seq",
                               .plan = "SCAN r; SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
                               .plan_exception = "requests that nobody has obeyed yet: few"};
const Statement kDeleteRequest{.id = "workflow.delete_request",
                               .access = Access::Write,
                               .sql = "DELETE FROM requests WHERE execution_id = ?1 AND seq = ?2",
                               .plan = "SEARCH requests USING PRIMARY KEY (execution_id=? AND seq=?)"};
const Statement kReopenTask{
    .id = "workflow.reopen_task",
    .access = Access::Write,
    .sql =
        "UPDATE tasks SET state = ?2, status = ?3, progress = 0, updated_at = ?4, version = version + 1 "
        "WHERE id = ?1",
    .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
// ?5: its state before.
const Statement kSubmitTask{
    .id = "workflow.submit_task",
    .access = Access::Write,
    .sql =
        "UPDATE tasks SET state = ?2, status = ?3, updated_at = ?4, version = version + 1 WHERE id = ?1 AND state = ?5",
    .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kInsertWorker{
    .id = "workflow.insert_worker",
    .access = Access::Write,
    .sql =
        "INSERT INTO workers (boot, pid, version, started_at, labels) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (boot) DO NOTHING"};
const Statement kWorkers{.id = "workflow.workers",
                         .sql = "SELECT boot FROM workers",
                         .plan = "SCAN workers",
                         .plan_exception = "one row for each process that has the store open"};
const Statement kDeleteWorker{.id = "workflow.delete_worker",
                              .access = Access::Write,
                              .sql = "DELETE FROM workers WHERE boot = ?1",
                              .plan = "SEARCH workers USING PRIMARY KEY (boot=?)"};

const Statement kTaskById{.id = "workflow.task_by_id",
                          .sql = "SELECT " WRENCH_TASK_COLUMNS " FROM tasks WHERE task_id = ?1",
                          .plan = "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (task_id=?)"};
const Statement kTasksByIdSuffix{
    .id = "workflow.tasks_by_id_suffix",
    .sql = "SELECT " WRENCH_TASK_COLUMNS
           " FROM tasks WHERE id > (SELECT coalesce(max(id), 0) FROM tasks) - ?2 AND substr(task_id, length(task_id) - "
           "length(?1) + 1) = ?1 ORDER BY id DESC LIMIT 11",
    .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid>?); SCALAR SUBQUERY 1; SEARCH tasks"};
const Statement kTasksOfStatus{.id = "workflow.tasks_of_status",
                               .sql = "SELECT " WRENCH_TASK_COLUMNS
                                      " FROM tasks WHERE status = ?1 AND (created_at, id) < (?2, ?3) "
                                      "ORDER BY created_at DESC, id DESC LIMIT ?4",
                               .plan = "SEARCH tasks USING INDEX idx_task_status_page (status=? AND created_at<?)"};
const Statement kExecutionsOfTask{
    .id = "workflow.executions_of_task",
    .sql = "SELECT " WRENCH_EXECUTION_COLUMNS " FROM task_executions WHERE task_id = ?1 ORDER BY number",
    .plan = "SEARCH task_executions USING INDEX sqlite_autoindex_task_executions_2 (task_id=?)"};
const Statement kStepsOfExecution{.id = "workflow.steps_of_execution",
                                  .sql =
                                      "SELECT " WRENCH_STEP_COLUMNS
                                      " FROM steps WHERE execution_id = ?1 AND step_no > ?2 ORDER BY step_no LIMIT ?3",
                                  .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no>?)"};
const Statement kStepOfNode = {.id = "workflow.step_of_node",
                               .sql = "SELECT state, output_seq FROM steps WHERE execution_id = ?1 AND step_no = ?2",
                               .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kJournalPage{
    .id = "workflow.journal_page",
    .sql = "SELECT " WRENCH_JOURNAL_COLUMNS " FROM journal WHERE execution_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    .plan = "SEARCH journal USING PRIMARY KEY (execution_id=? AND seq>?)"};
const Statement kJournalEntry{
    .id = "workflow.journal_entry",
    .sql = "SELECT " WRENCH_JOURNAL_COLUMNS " FROM journal WHERE execution_id = ?1 AND seq = ?2",
    .plan = "SEARCH journal USING PRIMARY KEY (execution_id=? AND seq=?)"};
const Statement kNextOwner{
    .id = "workflow.next_owner",
    .sql =
        "SELECT owner_boot FROM task_executions WHERE completed_at IS NULL AND owner_boot > ?1 ORDER BY owner_boot "
        "LIMIT 1",
    .plan = "SEARCH task_executions USING INDEX idx_execution_owner (owner_boot>?)",
    .postgres = {.plan_exception = "nobody asks: there executions have no owner"}};
const Statement kExecutionsOfOwner{
    .id = "workflow.executions_of_owner",
    .sql =
        "SELECT id, task_id, status FROM task_executions WHERE completed_at IS NULL AND owner_boot = ?1 AND id > ?2 "
        "ORDER BY id LIMIT ?3",
    .plan = "SEARCH task_executions USING INDEX idx_execution_owner (owner_boot=? AND id>?)",
    .postgres = {.plan_exception = "nobody asks: there executions have no owner"}};
const Statement kUnownedExecutions{
    .id = "workflow.unowned_executions",
    .sql =
        "SELECT id, task_id, status FROM task_executions WHERE completed_at IS NULL AND owner_boot IS NULL AND id > ?1 "
        "ORDER BY id LIMIT ?2",
    .plan = "SEARCH task_executions USING INDEX idx_execution_owner (owner_boot=? AND id>?)",
    .postgres = {.plan_exception = "nobody asks: there executions have no owner"}};
const Statement kTaskPlanNotes{.id = "workflow.task_plan_notes",
                               .sql = "SELECT plan_notes FROM tasks WHERE id = ?1",
                               .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kTaskInputs{.id = "workflow.task_inputs",
                            .sql = "SELECT inputs, inputs_json FROM tasks WHERE id = ?1",
                            .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kValue{.id = "workflow.value",
                       .sql = "SELECT value FROM step_values WHERE execution_id = ?1 AND step_no = ?2 AND name = ?3",
                       .plan = "SEARCH step_values USING PRIMARY KEY (execution_id=? AND step_no=? AND name=?)"};
const Statement kEffect{.id = "workflow.effect",
                        .sql = "SELECT state, receipt FROM effects WHERE effect_key = ?1",
                        .plan = "SEARCH effects USING PRIMARY KEY (effect_key=?)"};
const Statement kChildren{
    .id = "workflow.children",
    .sql =
        "SELECT s.iteration, s.step_no, s.state, j.data, j.blob, j.seq FROM steps s INDEXED BY idx_step_children "
        "LEFT JOIN journal j ON j.execution_id = s.execution_id AND j.seq = s.output_seq "
        "WHERE s.execution_id = ?1 AND s.parent_step = ?2 AND s.step_no > ?3 ORDER BY s.step_no LIMIT ?4",
    .plan =
        "SEARCH s USING INDEX idx_step_children (execution_id=? AND parent_step=? AND step_no>?); "
        "SEARCH j USING PRIMARY KEY (execution_id=? AND seq=?) LEFT-JOIN",
    .postgres = {
        .sql = "SELECT s.iteration, s.step_no, s.state, j.data, j.blob, j.seq FROM steps s "
               "LEFT JOIN journal j ON j.execution_id = s.execution_id AND j.seq = s.output_seq "
               "WHERE s.execution_id = ?1 AND s.parent_step = ?2 AND s.step_no > ?3 ORDER BY s.step_no LIMIT ?4",
        .plan = "Limit; Nested Loop Left Join; Index Scan using idx_step_children on steps s ((execution_id = $1) AND "
                "(parent_step = $2) AND (step_no > $3)); Index Scan using journal_pkey on journal j ((execution_id = "
                "s.execution_id) AND (execution_id = $1) AND (seq = s.output_seq))"}};
const Statement kIntentsOfStep{
    .id = "workflow.intents_of_step",
    .sql = "SELECT effect_key, intent FROM effects WHERE execution_id = ?1 AND step_no = ?2 AND state = 0",
    .plan = "SEARCH effects USING INDEX idx_effect_step (execution_id=? AND step_no=?)"};

const Statement kReceiptsOfStep{
    .id = "workflow.receipts_of_step",
    .sql = "SELECT effect_key, receipt FROM effects WHERE execution_id = ?1 AND step_no = ?2 AND state = 1",
    .plan = "SEARCH effects USING INDEX idx_effect_step (execution_id=? AND step_no=?)"};

#define WRENCH_WAIT_COLUMNS                                                                                        \
  "w.wait_id, t.task_id, t.title, w.execution_id, w.step_no, w.kind, w.name, w.title, w.subject, w.subject_hash, " \
  "w.schema, w.role, w.four_eyes, w.requested_by, w.delegated_to, w.created_at, w.expires_at, w.decision, "        \
  "w.decided_by, w.decided_at, w.comment, w.edited_hash"
#define WRENCH_WAIT_TABLES "waits w JOIN task_executions x ON x.id = w.execution_id JOIN tasks t ON t.id = x.task_id"
#define WRENCH_DECISION_COLUMNS \
  "execution_id, step_no, kind, decision, decided_by, comment, answer, subject, subject_hash, edited_hash"

const Statement kOpenWaits{.id = "workflow.open_waits",
                           .sql = "SELECT " WRENCH_WAIT_COLUMNS " FROM " WRENCH_WAIT_TABLES
                                  " WHERE w.applied = 0 AND (w.created_at, w.wait_id) > (?1, ?2) AND w.kind < 3 "
                                  "ORDER BY w.created_at, w.wait_id LIMIT ?3",
                           .plan =
                               "SEARCH w USING INDEX idx_wait_open ((created_at,wait_id)>(?,?)); SEARCH x USING "
                               "INTEGER PRIMARY KEY (rowid=?); "
                               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kWaitById{.id = "workflow.wait_by_id",
                          .sql = "SELECT " WRENCH_WAIT_COLUMNS " FROM " WRENCH_WAIT_TABLES " WHERE w.wait_id = ?1",
                          .plan =
                              "SEARCH w USING PRIMARY KEY (wait_id=?); SEARCH x USING INTEGER PRIMARY KEY (rowid=?); "
                              "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kOpenWaitsBySuffix{.id = "workflow.open_waits_by_suffix",
                                   .sql =
                                       "SELECT wait_id FROM waits WHERE applied = 0 AND substr(wait_id, "
                                       "length(wait_id) - length(?1) + 1) = ?1 LIMIT 2",
                                   .plan = "SCAN waits USING INDEX idx_wait_open",
                                   .plan_exception = "an id typed by a person; the partial index holds open ones only"};
const Statement kInsertWait{
    .id = "workflow.insert_wait",
    .access = Access::Write,
    .sql =
        "INSERT INTO waits (wait_id, execution_id, step_no, kind, name, title, subject, subject_hash, schema, role, "
        "four_eyes, expires_at, created_at, applied, requested_by) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "?11, ?12, ?13, 0, t.created_by FROM task_executions x JOIN tasks t ON t.id = x.task_id WHERE x.id = ?2",
    .plan = "SEARCH x USING INTEGER PRIMARY KEY (rowid=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kDecideWait{
    .id = "workflow.decide_wait",
    .access = Access::Write,
    .sql =
        "UPDATE waits SET decision = ?2, decided_by = ?3, decided_at = ?4, comment = ?5, "
        "answer = ?6, edited_hash = ?7 WHERE wait_id = ?1 AND decided_at IS NULL AND applied = 0",
    .plan = "SEARCH waits USING PRIMARY KEY (wait_id=?)"};
const Statement kDelegateWait{.id = "workflow.delegate_wait",
                              .access = Access::Write,
                              .sql =
                                  "UPDATE waits SET delegated_to = ?2 WHERE wait_id = ?1 AND decided_at IS NULL AND "
                                  "applied = 0",
                              .plan = "SEARCH waits USING PRIMARY KEY (wait_id=?)"};
// "< 1" keeps PostgreSQL from reading all open waits by idx_wait_open.
const Statement kCloseWait{.id = "workflow.close_wait",
                           .access = Access::Write,
                           .sql =
                               "UPDATE waits SET applied = 1, decision = coalesce(decision, 'void'), "
                               "decided_at = coalesce(decided_at, ?3) WHERE execution_id = ?1 AND step_no = ?2 AND "
                               "applied < 1",
                           .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=? AND step_no=?)"};
const Statement kFirstSignal{
    .id = "workflow.first_signal",
    .sql = "SELECT seq, body, actor FROM signals WHERE execution_id = ?1 AND name = ?2 ORDER BY seq LIMIT 1",
    .plan = "SEARCH signals USING PRIMARY KEY (execution_id=? AND name=?)"};
const Statement kLastSignal{
    .id = "workflow.last_signal",
    .sql = "SELECT seq FROM signals WHERE execution_id = ?1 AND name = ?2 ORDER BY seq DESC LIMIT 1",
    .plan = "SEARCH signals USING PRIMARY KEY (execution_id=? AND name=?)"};
const Statement kSignalCount{.id = "workflow.signal_count",
                             .sql = "SELECT count(*) FROM signals WHERE execution_id = ?1",
                             .plan = "SEARCH signals USING PRIMARY KEY (execution_id=?)"};
const Statement kDeleteSignal{.id = "workflow.delete_signal",
                              .access = Access::Write,
                              .sql = "DELETE FROM signals WHERE execution_id = ?1 AND name = ?2 AND seq = ?3",
                              .plan = "SEARCH signals USING PRIMARY KEY (execution_id=? AND name=? AND seq=?)"};
const Statement kInsertSignal{
    .id = "workflow.insert_signal",
    .access = Access::Write,
    .sql = "INSERT INTO signals (execution_id, name, seq, body, actor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"};
const Statement kExecutionOpen{.id = "workflow.execution_open",
                               .sql = "SELECT owner_boot FROM task_executions WHERE id = ?1 AND completed_at IS NULL",
                               .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kTaskOfExecution{
    .id = "workflow.task_of_execution",
    .sql = "SELECT t.id, t.project_id FROM task_executions x JOIN tasks t ON t.id = x.task_id WHERE x.id = ?1",
    .plan = "SEARCH x USING INTEGER PRIMARY KEY (rowid=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kWaitsOfExecution{
    .id = "workflow.waits_of_execution",
    .sql =
        "SELECT step_no, wait_id, name, decided_at FROM waits WHERE execution_id = ?1 AND applied = 0 ORDER BY step_no",
    .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=?)",
    .plan_exception = "the few waits of one execution: where SQLite takes them for one, it sorts"};
const Statement kDecisionOfStep{
    .id = "workflow.decision_of_step",
    .sql = "SELECT " WRENCH_DECISION_COLUMNS
           " FROM waits WHERE execution_id = ?1 AND step_no = ?2 AND applied = 0 AND decided_at IS NOT NULL",
    .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=? AND step_no=?)"};
const Statement kDecisionsOfExecution{
    .id = "workflow.decisions_of_execution",
    .sql = "SELECT " WRENCH_DECISION_COLUMNS
           " FROM waits WHERE execution_id = ?1 AND applied = 0 AND decided_at IS NOT NULL ORDER BY step_no",
    .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=?)",
    .plan_exception = "the few waits of one execution: where SQLite takes them for one, it sorts"};
const Statement kOwnedDecisions{
    .id = "workflow.owned_decisions",
    .sql =
        "SELECT w.execution_id, w.step_no FROM waits w JOIN task_executions x ON "
        "x.id = w.execution_id WHERE w.applied = 0 AND w.decided_at IS NOT NULL AND "
        "x.owner_boot = ?1",
    .plan = "SCAN w USING INDEX idx_wait_open; SEARCH x USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "the partial index holds open waits only"};

#undef WRENCH_TASK_COLUMNS
#undef WRENCH_EXECUTION_COLUMNS
#undef WRENCH_STEP_COLUMNS
#undef WRENCH_JOURNAL_COLUMNS

}  // namespace sql

storage::StatementCatalogue::List statements() {
  static const storage::Statement* const kAll[] = {&sql::kTaskRow,
                                                   &sql::kExecutionRow,
                                                   &sql::kExecutionWithTask,
                                                   &sql::kStepRow,
                                                   &sql::kStepRows,
                                                   &sql::kOpenSteps,
                                                   &sql::kOpenIntents,
                                                   &sql::kJournalTail,
                                                   &sql::kBacklog,
                                                   &sql::kPlanBody,
                                                   &sql::kTimersOfExecution,
                                                   &sql::kInsertStep,
                                                   &sql::kUpdateStep,
                                                   &sql::kUpdateExecution,
                                                   &sql::kUpdateProgress,
                                                   &sql::kUpdateTask,
                                                   &sql::kInsertReady,
                                                   &sql::kDeleteReady,
                                                   &sql::kSetTimer,
                                                   &sql::kDeleteTimer,
                                                   &sql::kDeleteTimersOfStep,
                                                   &sql::kInsertJournal,
                                                   &sql::kInsertIntent,
                                                   &sql::kSetReceipt,
                                                   &sql::kCloseEffects,
                                                   &sql::kVoidEffects,
                                                   &sql::kInsertValue,
                                                   &sql::kTaskByKey,
                                                   &sql::kReleaseKey,
                                                   &sql::kInsertTask,
                                                   &sql::kInsertPlan,
                                                   &sql::kInsertExecution,
                                                   &sql::kNextTask,
                                                   &sql::kNextExecution,
                                                   &sql::kNextRepository,
                                                   &sql::kRepository,
                                                   &sql::kInsertRepository,
                                                   &sql::kInsertDependency,
                                                   &sql::kDependenciesOf,
                                                   &sql::kDependencyStates,
                                                   &sql::kDependents,
                                                   &sql::kLatestExecution,
                                                   &sql::kInsertRequest,
                                                   &sql::kRequestsOfExecution,
                                                   &sql::kOwnedRequests,
                                                   &sql::kDeleteRequest,
                                                   &sql::kReopenTask,
                                                   &sql::kSubmitTask,
                                                   &sql::kInsertWorker,
                                                   &sql::kDeleteWorker,
                                                   &sql::kWorkers,
                                                   &sql::kTaskById,
                                                   &sql::kTasksByIdSuffix,
                                                   &sql::kTasksOfStatus,
                                                   &sql::kExecutionsOfTask,
                                                   &sql::kStepsOfExecution,
                                                   &sql::kStepOfNode,
                                                   &sql::kJournalPage,
                                                   &sql::kJournalEntry,
                                                   &sql::kNextOwner,
                                                   &sql::kExecutionsOfOwner,
                                                   &sql::kUnownedExecutions,
                                                   &sql::kTaskInputs,
                                                   &sql::kTaskPlanNotes,
                                                   &sql::kValue,
                                                   &sql::kEffect,
                                                   &sql::kChildren,
                                                   &sql::kIntentsOfStep,
                                                   &sql::kReceiptsOfStep,
                                                   &sql::kOpenWaits,
                                                   &sql::kWaitById,
                                                   &sql::kOpenWaitsBySuffix,
                                                   &sql::kInsertWait,
                                                   &sql::kDecideWait,
                                                   &sql::kDelegateWait,
                                                   &sql::kCloseWait,
                                                   &sql::kFirstSignal,
                                                   &sql::kLastSignal,
                                                   &sql::kSignalCount,
                                                   &sql::kDeleteSignal,
                                                   &sql::kInsertSignal,
                                                   &sql::kExecutionOpen,
                                                   &sql::kTaskOfExecution,
                                                   &sql::kWaitsOfExecution,
                                                   &sql::kDecisionOfStep,
                                                   &sql::kDecisionsOfExecution,
                                                   &sql::kOwnedDecisions};
  static const std::vector<const storage::Statement*> all =
      storage::StatementCatalogue({kAll, sql::of_findings(), sql::of_shared_work(), sql::of_turns(), sql::of_memory(),
                                   sql::of_messages(), sql::of_child_tasks(), sql::of_forks(), sql::of_dead_letters(),
                                   sql::of_limits(), sql::of_budgets(), sql::of_monitor(), sql::of_restore(),
                                   sql::of_schedules(), sql::of_streams(), sql::of_deletion(), sql::of_retention(),
                                   sql::of_task_record(), check_statements()})
          .all();
  return all;
}

}  // namespace wrench::workflow
