#include "sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

#define WRENCH_TRIAGE_COLUMNS                                                                         \
  "t.id, t.at, t.actor, t.state, t.reason, t.until_at, t.origin, t.undone_at, t.undone_by, t.basis, " \
  "t.move_fingerprint"
#define WRENCH_FINDING_COLUMNS                                                             \
  "f.id, f.finding_id, f.state, f.first_seen, f.last_seen, f.body, f.rank, f.project_id, " \
  "r.location, r.latest_review > f.execution_id, " WRENCH_TRIAGE_COLUMNS
#define WRENCH_FINDING_JOINS \
  " LEFT JOIN repositories r ON r.id = f.repo_id LEFT JOIN finding_triage t ON t.id = f.triage "
#define WRENCH_JOINS_PLAN \
  "; SEARCH r USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN; SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"

const Statement kUpsertFinding{
    .id = "workflow.upsert_finding",
    .access = Access::Write,
    .sql =
        "INSERT INTO findings (finding_id, project_id, repo_id, task_id, execution_id, fingerprint, rule, "
        "severity, rank, body, state, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "'open', ?11, ?11) ON CONFLICT (project_id, repo_id, fingerprint) DO UPDATE SET task_id = excluded.task_id, "
        "execution_id = excluded.execution_id, rule = excluded.rule, severity = excluded.severity, "
        "rank = excluded.rank, body = excluded.body, last_seen = excluded.last_seen"};
const Statement kFindingByFingerprint{
    .id = "workflow.finding_by_fingerprint",
    .sql =
        "SELECT id, state, finding_id, triage FROM findings WHERE project_id = ?1 AND repo_id = ?2 AND fingerprint = "
        "?3",
    .plan = "SEARCH findings USING INDEX idx_finding_fingerprint (project_id=? AND repo_id=? AND fingerprint=?)"};
const Statement kInsertSighting{.id = "workflow.insert_sighting",
                                .access = Access::Write,
                                .sql =
                                    "INSERT INTO finding_sightings (execution_id, finding, step_no) "
                                    "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"};
const Statement kFindingsOfExecution{
    .id = "workflow.findings_of_execution",
    .sql = "SELECT " WRENCH_FINDING_COLUMNS
           " FROM finding_sightings s JOIN findings f ON f.id = s.finding" WRENCH_FINDING_JOINS
           "WHERE s.execution_id = ?1 AND s.finding > ?2 ORDER BY s.finding LIMIT ?3",
    .plan =
        "SEARCH s USING PRIMARY KEY (execution_id=? AND finding>?); SEARCH f USING INTEGER PRIMARY KEY "
        "(rowid=?)" WRENCH_JOINS_PLAN};
// ?12: only decisions that ended by then; 0: whatever was decided.
const Statement kFindingsOfState{
    .id = "workflow.findings_of_state",
    .sql = "SELECT " WRENCH_FINDING_COLUMNS " FROM findings f" WRENCH_FINDING_JOINS
           "WHERE f.project_id = ?1 AND f.state = ?2 AND (f.rank, f.id) < (?3, ?4) AND (f.repo_id = ?5 OR ?5 = 0) "
           "AND (f.rule = ?6 OR ?6 = '') AND f.severity IN (?7, ?8, ?9, ?10, ?11) AND (t.until_at <= ?12 OR ?12 = 0) "
           "ORDER BY f.rank DESC, f.id DESC LIMIT ?13",
    .plan = "SEARCH f USING INDEX idx_finding_page (project_id=? AND state=? AND rank<?)" WRENCH_JOINS_PLAN};
const Statement kFindingByNo{
    .id = "workflow.finding_by_no",
    .sql = "SELECT " WRENCH_FINDING_COLUMNS " FROM findings f" WRENCH_FINDING_JOINS "WHERE f.id = ?1",
    .plan = "SEARCH f USING INTEGER PRIMARY KEY (rowid=?)" WRENCH_JOINS_PLAN};
// Left alone, PostgreSQL reads findings by number until it has found 50 that fit.
#define WRENCH_BY_SHORT(column)                                                                             \
  "SELECT * FROM (SELECT id, finding_id, fingerprint FROM findings WHERE substr(" column ", length(" column \
  ") - 5) = ?1 OFFSET 0) f ORDER BY id DESC LIMIT 50"
const Statement kFindingsByShortId{
    .id = "workflow.findings_by_short_id",
    .sql =
        "SELECT id, finding_id, fingerprint FROM findings WHERE substr(finding_id, length(finding_id) - 5) = ?1 "
        "ORDER BY id DESC LIMIT 50",
    .plan = "SEARCH findings USING INDEX idx_finding_short_id (<expr>=?)",
    .postgres = {.sql = WRENCH_BY_SHORT("finding_id"),
                 .plan = "Limit; Sort; Index Scan using idx_finding_short_id on findings (substr(finding_id, "
                         "(length(finding_id) - 5)) = $1)",
                 .plan_exception = "few end in the same six letters"}};
const Statement kFindingsByShortFingerprint{
    .id = "workflow.findings_by_short_fingerprint",
    .sql =
        "SELECT id, finding_id, fingerprint FROM findings WHERE substr(fingerprint, length(fingerprint) - 5) = ?1 "
        "ORDER BY id DESC LIMIT 50",
    .plan = "SEARCH findings USING INDEX idx_finding_short_fingerprint (<expr>=?)",
    .postgres = {.sql = WRENCH_BY_SHORT("fingerprint"),
                 .plan = "Limit; Sort; Index Scan using idx_finding_short_fingerprint on findings (substr(fingerprint, "
                         "(length(fingerprint) - 5)) = $1)",
                 .plan_exception = "few end in the same six letters"}};

#undef WRENCH_BY_SHORT
const Statement kFindingDecided{
    .id = "workflow.finding_decided",
    .sql = "SELECT finding_id, project_id, task_id, state, triage, body FROM findings WHERE id = ?1",
    .plan = "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kSetFindingState{.id = "workflow.set_finding_state",
                                 .access = Access::Write,
                                 .sql = "UPDATE findings SET state = ?1, triage = ?2 WHERE id = ?3",
                                 .plan = "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kNextTriage{.id = "workflow.next_triage",
                            .sql = "SELECT coalesce(max(id), 0) + 1 FROM finding_triage",
                            .plan = "SEARCH finding_triage",
                            .postgres = {.sql = "SELECT nextval('finding_triage_id_seq')", .plan = "Result"}};
const Statement kInsertTriage{.id = "workflow.insert_triage",
                              .access = Access::Write,
                              .sql =
                                  "INSERT INTO finding_triage (id, finding, at, actor, state, reason, until_at, basis, "
                                  "move_fingerprint, origin, previous) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"};
const Statement kUndoTriage{.id = "workflow.undo_triage",
                            .access = Access::Write,
                            .sql = "UPDATE finding_triage SET undone_at = ?1, undone_by = ?2 WHERE id = ?3",
                            .plan = "SEARCH finding_triage USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kTriageOf{.id = "workflow.triage_by_no",
                          .sql = "SELECT " WRENCH_TRIAGE_COLUMNS ", t.previous FROM finding_triage t WHERE t.id = ?1",
                          .plan = "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kTriageHistory{
    .id = "workflow.triage_history",
    .sql = "SELECT " WRENCH_TRIAGE_COLUMNS " FROM finding_triage t WHERE t.finding = ?1 ORDER BY t.id LIMIT ?2",
    .plan = "SEARCH t USING INDEX idx_triage_finding (finding=?)"};
const Statement kDismissalsOfRepository{
    .id = "workflow.dismissals_of_repository",
    .sql = "SELECT f.finding_id, f.fingerprint, " WRENCH_TRIAGE_COLUMNS
           " FROM findings f JOIN finding_triage t ON t.id = f.triage WHERE f.project_id = ?1 AND f.repo_id = ?2 "
           "AND f.triage IS NOT NULL AND t.state <> 'open' AND t.state <> 'fixed' ORDER BY t.id",
    .plan =
        "SEARCH f USING INDEX idx_finding_dismissed (project_id=? AND repo_id=?); SEARCH t USING INTEGER PRIMARY KEY "
        "(rowid=?); USE TEMP B-TREE FOR ORDER BY",
    .plan_exception = "what people decided about one repository by hand"};
const Statement kReportedFingerprints{
    .id = "workflow.reported_fingerprints",
    .sql = "SELECT fingerprint FROM findings WHERE project_id = ?1 AND repo_id = ?2",
    .plan = "SEARCH findings USING COVERING INDEX idx_finding_fingerprint (project_id=? AND repo_id=?)"};
const Statement kFindingRow{
    .id = "workflow.finding_row",
    .sql = "SELECT task_id, execution_id, rule, severity, rank, body, last_seen FROM findings WHERE id = ?1",
    .plan = "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kFindingNoById{
    .id = "workflow.finding_no_by_id",
    .sql = "SELECT id FROM findings WHERE finding_id = ?1",
    .plan = "SEARCH findings USING COVERING INDEX sqlite_autoindex_findings_1 (finding_id=?)"};
const Statement kMoveSightings{
    .id = "workflow.move_sightings",
    .access = Access::Write,
    .sql = "UPDATE finding_sightings SET finding = ?1 WHERE finding = ?2",
    .plan = "SEARCH finding_sightings USING COVERING INDEX idx_sighting_finding (finding=?)"};
const Statement kDeleteFinding{.id = "workflow.delete_finding",
                               .access = Access::Write,
                               .sql = "DELETE FROM findings WHERE id = ?1",
                               .plan = "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kMoveFinding{
    .id = "workflow.move_finding",
    .access = Access::Write,
    .sql =
        "UPDATE findings SET fingerprint = ?1, task_id = ?2, execution_id = ?3, rule = ?4, severity = ?5, rank = ?6, "
        "body = ?7, last_seen = ?8 WHERE id = ?9",
    .plan = "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)"};

const Statement kRepositoryByNo{.id = "workflow.repository_by_no",
                                .sql = "SELECT location FROM repositories WHERE id = ?1",
                                .plan = "SEARCH repositories USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kSetLatestReview{.id = "workflow.set_latest_review",
                                 .access = Access::Write,
                                 .sql = "UPDATE repositories SET latest_review = ?1 WHERE id = ?2",
                                 .plan = "SEARCH repositories USING INTEGER PRIMARY KEY (rowid=?)"};

storage::StatementCatalogue::List of_findings() {
  static const Statement* const list[] = {&kUpsertFinding,        &kFindingByFingerprint,
                                          &kInsertSighting,       &kFindingsOfExecution,
                                          &kFindingsOfState,      &kFindingByNo,
                                          &kFindingsByShortId,    &kFindingsByShortFingerprint,
                                          &kFindingDecided,       &kSetFindingState,
                                          &kNextTriage,           &kInsertTriage,
                                          &kUndoTriage,           &kTriageOf,
                                          &kTriageHistory,        &kDismissalsOfRepository,
                                          &kReportedFingerprints, &kFindingRow,
                                          &kFindingNoById,        &kMoveSightings,
                                          &kDeleteFinding,        &kMoveFinding,
                                          &kSetLatestReview,      &kRepositoryByNo};
  return list;
}

}  // namespace wrench::workflow::sql
