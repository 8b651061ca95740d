#include "sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

const Statement kJoinWorkers{.id = "workflow.join_workers",
                             .access = Access::Write,
                             .sql =
                                 "INSERT INTO workers (boot, pid, host, version, started_at, seen_at, labels) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT (boot) DO NOTHING"};
// The sign of life, and what there is to do. ?3: who was last seen before then is lost. Heartbeat timers (kind 4) are
// for the step's own worker.
const Statement kBeat{
    .id = "workflow.beat",
    .access = Access::Write,
    .sql =
        "UPDATE workers SET seen_at = ?2 WHERE boot = ?1 AND lost_at IS NULL RETURNING "
        "(SELECT min(at) FROM (SELECT min(due_at) AS at FROM timers WHERE kind <> 4 UNION ALL SELECT min(refill_at) "
        "FROM "
        "limits WHERE refill_at IS NOT NULL) due), EXISTS (SELECT 1 FROM workers w WHERE w.seen_at < ?3), "
        "EXISTS (SELECT 1 FROM ready WHERE queue = 'start'), (SELECT min(rank) FROM ready WHERE queue = 'cpu'), "
        "(SELECT min(rank) FROM ready WHERE queue = 'io'), (SELECT min(rank) FROM ready WHERE queue = 'llm'), "
        "(SELECT next - 1 FROM event_clock WHERE id = 1), "
        "EXISTS (SELECT 1 FROM ready WHERE queue > 'requires:' AND queue < 'requires;') OR "
        "EXISTS (SELECT 1 FROM unserved_queues)",
    .plan =
        "SEARCH workers USING PRIMARY KEY (boot=?); SCALAR SUBQUERY 3; CO-ROUTINE due; COMPOUND QUERY; LEFT-MOST "
        "SUBQUERY; SEARCH timers USING COVERING INDEX idx_timer_due; UNION ALL; SEARCH limits USING COVERING INDEX "
        "idx_limit_refill (refill_at>?); SEARCH due; SCALAR SUBQUERY 4; SCAN w; SCALAR SUBQUERY 5; SEARCH ready USING "
        "PRIMARY KEY (queue=?); SCALAR SUBQUERY 6; SEARCH ready USING PRIMARY KEY (queue=?); SCALAR SUBQUERY 7; SEARCH "
        "ready USING PRIMARY KEY (queue=?); SCALAR SUBQUERY 8; SEARCH ready USING PRIMARY KEY (queue=?); SCALAR "
        "SUBQUERY 9; SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?); SCALAR SUBQUERY 10; SEARCH ready USING "
        "PRIMARY KEY (queue>? AND queue<?); SCALAR SUBQUERY 11; SCAN unserved_queues",
    .plan_exception = "one row for each process"};
// Each queue of steps that require labels, with its least rank. Walks from one to the next.
const Statement kLabelledQueues{
    .id = "workflow.labelled_queues",
    .sql =
        "WITH RECURSIVE q(queue) AS (SELECT min(queue) FROM ready WHERE queue > 'requires:' AND queue < 'requires;' "
        "UNION ALL SELECT (SELECT min(r.queue) FROM ready r WHERE r.queue > q.queue AND r.queue < 'requires;') FROM q "
        "WHERE q.queue IS NOT NULL) SELECT queue, (SELECT min(rank) FROM ready r WHERE r.queue = q.queue) FROM q WHERE "
        "queue IS NOT NULL LIMIT ?1",
    .plan =
        "CO-ROUTINE q; SETUP; SEARCH ready USING PRIMARY KEY (queue>? AND queue<?); RECURSIVE STEP; SCAN q; CORRELATED "
        "SCALAR SUBQUERY 2; SEARCH r USING PRIMARY KEY (queue>? AND queue<?); SCAN q; CORRELATED SCALAR SUBQUERY 4; "
        "SEARCH r USING PRIMARY KEY (queue=?)",
    .plan_exception = "one row for each queue"};
const Statement kOfferedLabels{.id = "workflow.offered_labels",
                               .sql = "SELECT DISTINCT labels FROM workers WHERE lost_at IS NULL AND seen_at >= ?1",
                               .plan = "SCAN workers; USE TEMP B-TREE FOR DISTINCT",
                               .plan_exception = "one row for each process"};
const Statement kUnservedQueues{.id = "workflow.unserved_queues",
                                .sql = "SELECT queue, since, raised_at FROM unserved_queues ORDER BY queue LIMIT ?1",
                                .plan = "SCAN unserved_queues",
                                .plan_exception = "those that no worker serves"};
const Statement kUnserved{.id = "workflow.unserved",
                          .access = Access::Write,
                          .sql =
                              "INSERT INTO unserved_queues (queue, since) VALUES (?1, ?2) ON CONFLICT (queue) DO "
                              "NOTHING"};
const Statement kUnservedRaised{.id = "workflow.unserved_raised",
                                .access = Access::Write,
                                .sql = "UPDATE unserved_queues SET raised_at = ?2 WHERE queue = ?1",
                                .plan = "SEARCH unserved_queues USING PRIMARY KEY (queue=?)"};
const Statement kServed{.id = "workflow.served",
                        .access = Access::Write,
                        .sql = "DELETE FROM unserved_queues WHERE queue = ?1",
                        .plan = "SEARCH unserved_queues USING PRIMARY KEY (queue=?)"};
const Statement kLostWorker{
    .id = "workflow.lost_worker",
    .sql = "SELECT boot FROM workers WHERE seen_at < ?1 ORDER BY boot LIMIT 1",
    .plan = "SCAN workers",
    .plan_exception = "one row for each process",
    .postgres = {.sql = "SELECT boot FROM workers WHERE seen_at < ?1 ORDER BY boot LIMIT 1 FOR UPDATE SKIP LOCKED",
                 .plan = "Limit; LockRows; Index Scan using workers_pkey on workers",
                 .plan_exception = "one row for each process"}};
const Statement kMarkWorkerLost{.id = "workflow.mark_worker_lost",
                                .access = Access::Write,
                                .sql = "UPDATE workers SET lost_at = coalesce(lost_at, ?2) WHERE boot = ?1",
                                .plan = "SEARCH workers USING PRIMARY KEY (boot=?)"};
const Statement kStepsOfWorker{
    .id = "workflow.steps_of_worker",
    .sql = "SELECT execution_id, step_no FROM steps WHERE worker_boot = ?1 ORDER BY execution_id, step_no LIMIT ?2",
    .plan = "SCAN steps",
    .plan_exception = "for PostgreSQL, which has an index for it"};
const Statement kDueTimers{
    .id = "workflow.due_timers",
    .sql =
        "SELECT execution_id, step_no, kind, due_at, epoch FROM timers WHERE due_at <= ?1 AND kind <> 4 "
        "ORDER BY due_at LIMIT ?2",
    .plan = "SEARCH timers USING INDEX idx_timer_due (due_at<?)"};

// The heads of a queue whose executions nobody else works on at the moment; ?2 of them at most, out of the first ?3.
#define WRENCH_FREE_HEADS(columns, queue, max, first)                                           \
  "SELECT " columns " FROM (SELECT rank, execution_id, step_no FROM ready WHERE queue = " queue \
  " ORDER BY rank, execution_id, step_no LIMIT " first                                          \
  ") r JOIN task_executions x ON x.id = r.execution_id "                                        \
  "LIMIT " max
const Statement kSharedBacklog{
    .id = "workflow.shared_backlog",
    .sql = WRENCH_FREE_HEADS("r.rank, r.execution_id, r.step_no", "?1", "?2", "?3"),
    .plan =
        "MATERIALIZE r; SEARCH ready USING PRIMARY KEY (queue=?); SCAN r; SEARCH x USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "the heads of the queue",
    .postgres = {
        .sql = WRENCH_FREE_HEADS("r.rank, r.execution_id, r.step_no", "?1", "?2", "?3") " FOR UPDATE OF x SKIP LOCKED",
        .plan = "Limit; LockRows; Nested Loop; Subquery Scan on r; Limit; Index Only Scan using ready_pkey on "
                "ready (queue = $1); Index Scan using task_executions_pkey on task_executions x (id = "
                "r.execution_id)"}};
const Statement kQueuedStarts{
    .id = "workflow.queued_starts",
    .sql = WRENCH_FREE_HEADS("r.rank, x.id, x.task_id, r.step_no", "'start'", "?1", "?2"),
    .plan =
        "MATERIALIZE r; SEARCH ready USING PRIMARY KEY (queue=?); SCAN r; SEARCH x USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "the heads of the queue",
    .postgres = {.sql = WRENCH_FREE_HEADS("r.rank, x.id, x.task_id, r.step_no", "'start'", "?1",
                                          "?2") " FOR UPDATE OF x SKIP LOCKED",
                 .plan =
                     "Limit; LockRows; Nested Loop; Subquery Scan on r; Limit; Index Only Scan using ready_pkey on "
                     "ready (queue = 'start'::text); Index Scan using task_executions_pkey on task_executions x (id = "
                     "r.execution_id)"}};
#undef WRENCH_FREE_HEADS
const Statement kQueueLook{
    .id = "workflow.queue_look",
    .access = Access::Write,
    .sql = "INSERT INTO ready (queue, rank, execution_id, step_no) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"};
const Statement kLockExecution{.id = "workflow.lock_execution",
                               .sql = "SELECT id FROM task_executions WHERE id = ?1",
                               .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kLockTask{.id = "workflow.lock_task",
                          .sql = "SELECT id FROM tasks WHERE id = ?1",
                          .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
storage::StatementCatalogue::List of_shared_work() {
  static const Statement* const list[] = {
      &kJoinWorkers,   &kBeat,           &kLostWorker, &kMarkWorkerLost, &kStepsOfWorker, &kDueTimers,
      &kSharedBacklog, &kQueuedStarts,   &kQueueLook,  &kLockExecution,  &kLockTask,      &kLabelledQueues,
      &kOfferedLabels, &kUnservedQueues, &kUnserved,   &kUnservedRaised, &kServed};
  return list;
}

}  // namespace wrench::workflow::sql
