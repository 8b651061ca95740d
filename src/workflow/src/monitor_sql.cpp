#include "monitor_sql.hpp"

namespace wrench::workflow::sql {

using storage::Statement;

const Statement kUsageEntries{
    .id = "workflow.usage_entries",
    .sql =
        "SELECT seq, step_no, data FROM journal WHERE execution_id = ?1 AND seq > ?2 AND seq <= ?3 AND kind = 'usage' "
        "ORDER BY seq",
    .plan = "SEARCH journal USING PRIMARY KEY (execution_id=? AND seq>? AND seq<?)"};
const Statement kRecoveryEntries{
    .id = "workflow.recovery_entries",
    .sql =
        "SELECT step_no, data FROM journal WHERE execution_id = ?1 AND seq > ?2 AND kind = 'recovery' ORDER BY seq "
        "DESC LIMIT ?3",
    .plan = "SEARCH journal USING PRIMARY KEY (execution_id=? AND seq>?)"};
const Statement kWorkerRows{
    .id = "workflow.worker_rows",
    .sql = "SELECT boot, pid, host, version, started_at, seen_at, lost_at, labels FROM workers ORDER BY boot LIMIT ?1",
    .plan = "SCAN workers",
    .plan_exception = "one row for each process"};
const Statement kQueueDepth{.id = "workflow.queue_depth",
                            .sql = "SELECT count(*) FROM (SELECT 1 FROM ready WHERE queue = ?1 LIMIT ?2) q",
                            .plan = "CO-ROUTINE q; SEARCH ready USING PRIMARY KEY (queue=?); SCAN q",
                            .plan_exception = "scans what it found, at most ?2 rows"};
const Statement kTasksWithStatus{
    .id = "workflow.tasks_with_status",
    .sql = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE status = ?1 LIMIT ?2) t",
    .plan = "CO-ROUTINE t; SEARCH tasks USING COVERING INDEX idx_task_status_page (status=?); SCAN t",
    .plan_exception = "scans what it found, at most ?2 rows"};
const Statement kOpenStates{
    .id = "workflow.open_states",
    .sql =
        "SELECT coalesce(state, ''), count(*) FROM (SELECT state FROM tasks WHERE status = 'in_progress' LIMIT ?1) t "
        "GROUP BY state",
    .plan =
        "CO-ROUTINE t; SEARCH tasks USING INDEX idx_task_status_page (status=?); SCAN t; USE TEMP B-TREE FOR "
        "GROUP BY",
    .plan_exception = "groups what it found, at most ?1 rows"};

storage::StatementCatalogue::List of_monitor() {
  static const Statement* const list[] = {&kUsageEntries, &kRecoveryEntries, &kWorkerRows,
                                          &kQueueDepth,   &kTasksWithStatus, &kOpenStates};
  return list;
}

}  // namespace wrench::workflow::sql
