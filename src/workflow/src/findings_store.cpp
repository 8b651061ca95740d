#include "wrench/workflow/findings_store.hpp"

#include <algorithm>
#include <utility>

#include "sql.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow::findings_store {

using storage::Rows;

Row prepare(const findings::Finding& finding, std::string finding_id) {
  return {std::move(finding_id), finding.fingerprint,
          finding.rule,          findings::name(finding.severity),
          finding.rank,          codec::write_json(findings::to_json(finding))};
}

Result<void> upsert(storage::WriteTx& tx, const Seen& seen, const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {seen.execution_no}));
  if (execution.empty()) return Error("workflow.task_not_found", "findings of an execution that doesn't exist");
  const std::int64_t task_no = execution.front().integer(2);
  std::int64_t next = WRENCH_TRY(tx.query(sql::kNextFinding)).front().integer(0);
  for (const Row& row : rows) {
    WRENCH_TRY(
        tx.exec(sql::kUpsertFinding, {next, row.finding_id, seen.project_id, seen.repo_id, task_no, seen.execution_no,
                                      row.fingerprint, row.rule, row.severity, row.rank, row.body, tx.now()}));
    const Rows stored = WRENCH_TRY(tx.query(sql::kFindingId, {seen.project_id, seen.repo_id, row.fingerprint}));
    const std::int64_t id = stored.front().integer(0);
    if (id == next) ++next;
    WRENCH_TRY(tx.exec(sql::kInsertSighting, {seen.execution_no, id, seen.step_no}));
  }
  return {};
}

Result<std::vector<StoredFinding>> list_by_execution(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t after,
                                                     std::size_t limit) {
  std::vector<StoredFinding> out;
  const Rows rows =
      WRENCH_TRY(tx.query(sql::kFindingsOfExecution, {execution_no, after, std::min(limit, kFindingPageMax)}));
  for (const auto row : rows) {
    StoredFinding stored;
    stored.id = row.integer(0);
    stored.finding_id = row.text(1);
    stored.state = row.text(2);
    stored.first_seen = row.integer(3);
    stored.last_seen = row.integer(4);
    const auto body = WRENCH_TRY(codec::parse_json(row.text(5)));
    stored.finding = WRENCH_TRY(findings::finding_from_json(body));
    out.push_back(std::move(stored));
  }
  return out;
}

Result<std::vector<StoredFinding>> list_by_task(storage::ReadTx& tx, std::int64_t task_no, std::int64_t after,
                                                std::size_t limit) {
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
  if (latest.empty()) return std::vector<StoredFinding>();
  return list_by_execution(tx, latest.front().integer(0), after, limit);
}

}  // namespace wrench::workflow::findings_store
