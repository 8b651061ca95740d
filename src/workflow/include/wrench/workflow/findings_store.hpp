#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kFindingPageMax = 10'000;

struct StoredFinding {
  std::int64_t id = 0;     ///< Pass the last one's as `after` to page on.
  std::string finding_id;  ///< "fnd_…"
  std::string state;       ///< open, accepted_risk, false_positive, snoozed, fixed
  Micros first_seen = 0, last_seen = 0;
  findings::Finding finding;
};

/// One row for each fingerprint of a repository, and which steps of which executions saw it.
namespace findings_store {
struct Seen {
  std::int64_t project_id = 0;
  std::int64_t repo_id = 0;
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
};
/// A finding ready to be stored: what is costly is done outside of the transaction.
struct Row {
  std::string finding_id;  ///< Used if the finding is new.
  std::string fingerprint, rule;
  std::string_view severity;
  double rank = 0;
  std::string body;
};
Row prepare(const findings::Finding& finding, std::string finding_id);
/// Adds or refreshes. Running it again changes nothing.
Result<void> upsert(storage::WriteTx& tx, const Seen& seen, const std::vector<Row>& rows);
/// What this execution reported, by first sight.
Result<std::vector<StoredFinding>> list_by_execution(storage::ReadTx& tx, std::int64_t execution_no,
                                                     std::int64_t after = 0, std::size_t limit = 1000);
/// What the task's latest execution reported.
Result<std::vector<StoredFinding>> list_by_task(storage::ReadTx& tx, std::int64_t task_no, std::int64_t after = 0,
                                                std::size_t limit = 1000);
}  // namespace findings_store

}  // namespace wrench::workflow
