#include "schedule_sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

#define WRENCH_SCHEDULE_COLUMNS                                                                                    \
  "id, schedule_id, project_id, name, spec, tz, overlap, catchup_us, jitter_us, failures_max, task_template, "     \
  "created_by, created_at, updated_at, fire_at, next_at, paused, pause_reason, failures, fired, skipped, missed, " \
  "last_fire_at, version"

const Statement kInsertSchedule{
    .id = "workflow.insert_schedule",
    .access = Access::Write,
    .sql =
        "INSERT INTO schedules (schedule_id, project_id, name, spec, tz, overlap, catchup_us, jitter_us, failures_max, "
        "task_template, created_by, created_at, updated_at, fire_at, next_at, paused, failures, fired, skipped, "
        "missed, "
        "version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14, 0, 0, 0, 0, 0, 1)"};
const Statement kScheduleByNo{.id = "workflow.schedule_by_no",
                              .sql = "SELECT " WRENCH_SCHEDULE_COLUMNS " FROM schedules WHERE id = ?1",
                              .plan = "SEARCH schedules USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kScheduleByPublicId{
    .id = "workflow.schedule_by_public_id",
    .sql = "SELECT " WRENCH_SCHEDULE_COLUMNS " FROM schedules WHERE schedule_id = ?1",
    .plan = "SEARCH schedules USING INDEX sqlite_autoindex_schedules_1 (schedule_id=?)"};
const Statement kScheduleByName{
    .id = "workflow.schedule_by_name",
    .sql = "SELECT " WRENCH_SCHEDULE_COLUMNS " FROM schedules WHERE project_id = ?1 AND name = ?2",
    .plan = "SEARCH schedules USING INDEX sqlite_autoindex_schedules_2 (project_id=? AND name=?)"};
const Statement kSchedules{
    .id = "workflow.schedules",
    .sql = "SELECT " WRENCH_SCHEDULE_COLUMNS " FROM schedules WHERE project_id = ?1 ORDER BY name LIMIT ?2",
    .plan = "SEARCH schedules USING INDEX sqlite_autoindex_schedules_2 (project_id=?)"};
const Statement kNthSchedule{
    .id = "workflow.nth_schedule",
    .sql = "SELECT name FROM schedules WHERE project_id = ?1 ORDER BY name LIMIT 1 OFFSET ?2",
    .plan = "SEARCH schedules USING COVERING INDEX sqlite_autoindex_schedules_2 (project_id=?)"};
const Statement kUpdateSchedule{
    .id = "workflow.update_schedule",
    .access = Access::Write,
    .sql =
        "UPDATE schedules SET fire_at = ?1, next_at = ?2, paused = ?3, pause_reason = ?4, failures = ?5, fired = ?6, "
        "skipped = ?7, missed = ?8, last_fire_at = ?9, updated_at = ?10, version = version + 1 WHERE id = ?11 AND "
        "version = ?12",
    .plan = "SEARCH schedules USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kDeleteSchedule{.id = "workflow.delete_schedule",
                                .access = Access::Write,
                                .sql = "DELETE FROM schedules WHERE id = ?1 AND version = ?2",
                                .plan = "SEARCH schedules USING INTEGER PRIMARY KEY (rowid=?)"};

// What a turn looks at.
const Statement kDueSchedules{
    .id = "workflow.due_schedules",
    .sql = "SELECT id FROM schedules WHERE paused = 0 AND next_at <= ?1 ORDER BY next_at LIMIT ?2",
    .plan = "SEARCH schedules USING COVERING INDEX idx_schedule_due (paused=? AND next_at<?)"};
const Statement kNextSchedule{
    .id = "workflow.next_schedule",
    .sql = "SELECT next_at FROM schedules WHERE paused = 0 AND next_at IS NOT NULL ORDER BY next_at LIMIT 1",
    .plan = "SEARCH schedules USING COVERING INDEX idx_schedule_due (paused=? AND next_at>?)"};
const Statement kEndedRuns{
    .id = "workflow.ended_runs",
    .sql =
        "SELECT r.schedule_no FROM schedule_runs r LEFT JOIN tasks t ON t.id = r.task_no WHERE r.state = 1 AND "
        "(t.id IS NULL OR t.status = 'completed' OR t.status = 'failed' OR t.status = 'cancelled') LIMIT 1000",
    .plan =
        "SEARCH r USING INDEX idx_schedule_run_state (state=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?) "
        "LEFT-JOIN"};
const Statement kIdleWaits{
    .id = "workflow.idle_waits",
    .sql =
        "SELECT r.schedule_no FROM schedule_runs r CROSS JOIN schedules s WHERE r.state = 0 AND s.id = r.schedule_no "
        "AND "
        "s.paused = 0 AND NOT EXISTS (SELECT 1 FROM schedule_runs o WHERE o.state = 1 AND o.schedule_no = "
        "r.schedule_no) "
        "LIMIT 1000",
    .plan =
        "SEARCH r USING COVERING INDEX idx_schedule_run_state (state=?); CORRELATED SCALAR SUBQUERY 1; "
        "SEARCH o USING COVERING INDEX idx_schedule_run_state (state=? AND schedule_no=?); "
        "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kCancellingWaits{
    .id = "workflow.cancelling_waits",
    .sql = "SELECT schedule_no FROM schedule_runs WHERE state = 0 AND cancels = 1 LIMIT 1000",
    .plan = "SEARCH schedule_runs USING INDEX idx_schedule_run_state (state=?)"};

const Statement kRunsOfSchedule{
    .id = "workflow.runs_of_schedule",
    .sql =
        "SELECT r.fire_at, r.state, r.origin, r.cancels, t.task_id, t.state FROM schedule_runs r LEFT JOIN tasks t ON "
        "t.id = r.task_no WHERE r.schedule_no = ?1 AND r.state < 2 ORDER BY r.fire_at",
    .plan = "SEARCH r USING PRIMARY KEY (schedule_no=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"};
const Statement kRun{.id = "workflow.schedule_run",
                     .sql = "SELECT fire_at FROM schedule_runs WHERE schedule_no = ?1 AND fire_at = ?2",
                     .plan = "SEARCH schedule_runs USING PRIMARY KEY (schedule_no=? AND fire_at=?)"};
const Statement kInsertRun{
    .id = "workflow.insert_schedule_run",
    .access = Access::Write,
    .sql =
        "INSERT INTO schedule_runs (schedule_no, fire_at, state, origin, cancels, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"};
const Statement kBeginRun{.id = "workflow.begin_schedule_run",
                          .access = Access::Write,
                          .sql =
                              "UPDATE schedule_runs SET state = 1, cancels = 0, task_no = ?1, at = ?2 WHERE "
                              "schedule_no = ?3 AND fire_at = ?4",
                          .plan = "SEARCH schedule_runs USING PRIMARY KEY (schedule_no=? AND fire_at=?)"};
const Statement kEndRun{
    .id = "workflow.end_schedule_run",
    .access = Access::Write,
    .sql = "UPDATE schedule_runs SET state = 2, outcome = ?1, error = ?2 WHERE schedule_no = ?3 AND fire_at = ?4",
    .plan = "SEARCH schedule_runs USING PRIMARY KEY (schedule_no=? AND fire_at=?)"};
const Statement kDeleteRun{.id = "workflow.delete_schedule_run",
                           .access = Access::Write,
                           .sql = "DELETE FROM schedule_runs WHERE schedule_no = ?1 AND fire_at = ?2",
                           .plan = "SEARCH schedule_runs USING PRIMARY KEY (schedule_no=? AND fire_at=?)"};
const Statement kLastRuns{
    .id = "workflow.last_schedule_runs",
    .sql =
        "SELECT r.fire_at, r.state, r.origin, t.task_id, r.outcome, r.error, r.at FROM schedule_runs r LEFT JOIN tasks "
        "t "
        "ON t.id = r.task_no WHERE r.schedule_no = ?1 ORDER BY r.fire_at DESC LIMIT ?2",
    .plan = "SEARCH r USING PRIMARY KEY (schedule_no=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"};
const Statement kOldRun{
    .id = "workflow.old_schedule_run",
    .sql =
        "SELECT fire_at FROM schedule_runs WHERE schedule_no = ?1 AND state = 2 ORDER BY fire_at DESC LIMIT 1 OFFSET "
        "?2",
    .plan = "SEARCH schedule_runs USING COVERING INDEX idx_schedule_run_state (state=? AND schedule_no=?)"};
const Statement kDeleteOldRuns{
    .id = "workflow.delete_old_schedule_runs",
    .access = Access::Write,
    .sql = "DELETE FROM schedule_runs WHERE schedule_no = ?1 AND state = 2 AND fire_at <= ?2",
    .plan =
        "SEARCH schedule_runs USING COVERING INDEX idx_schedule_run_state (state=? AND schedule_no=? AND fire_at<?)"};

storage::StatementCatalogue::List of_schedules() {
  static const Statement* const list[] = {&kInsertSchedule,  &kScheduleByNo,   &kScheduleByPublicId,
                                          &kScheduleByName,  &kSchedules,      &kNthSchedule,
                                          &kUpdateSchedule,  &kDeleteSchedule, &kDueSchedules,
                                          &kNextSchedule,    &kEndedRuns,      &kIdleWaits,
                                          &kCancellingWaits, &kRunsOfSchedule, &kRun,
                                          &kInsertRun,       &kBeginRun,       &kEndRun,
                                          &kDeleteRun,       &kLastRuns,       &kOldRun,
                                          &kDeleteOldRuns};
  return list;
}

}  // namespace wrench::workflow::sql
