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
#include "wrench/workflow/triage.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kFindingPageMax = 10'000;

struct StoredFinding {
  std::int64_t id = 0;     ///< Pass the last one's as `after` to page on.
  std::string finding_id;  ///< "fnd_…"
  FindingState state = FindingState::Open;
  Micros first_seen = 0, last_seen = 0;
  std::int64_t project_id = 0;
  std::string repository;               ///< Path or URL; empty: none.
  bool gone = false;                    ///< The latest review of the repository didn't report it.
  std::optional<TriageEntry> decision;  ///< The one that stands.
  findings::Finding finding;            ///< As it was seen last.

  /// Dismissed, and the decision's time isn't over.
  bool is_dismissed(Micros now) const;
};

struct FindingFilter {
  std::int64_t project_id = 0;
  FindingState state = FindingState::Open;  ///< Open: also those whose dismissal ended by itself.
  std::int64_t repo_id = 0;                 ///< 0: all.
  std::string rule;                         ///< Empty: all.
  findings::Severity severity_min = findings::Severity::Info;
  std::size_t limit = 100;  ///< At most kFindingListMax.
  std::string cursor;       ///< FindingPage::next_cursor of the page before.
};
inline constexpr std::size_t kFindingListMax = 1000;
struct FindingPage {
  std::vector<StoredFinding> findings;  ///< Highest rank first.
  std::string next_cursor;              ///< Empty at the end.
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
  std::string reopened;  ///< Finding::reopened
};
Row prepare(const findings::Finding& finding, std::string finding_id);
/// Adds or refreshes; reopens what was called fixed, and what is shown again. Running it again changes nothing.
Result<void> upsert(storage::WriteTx& tx, const Seen& seen, const std::vector<Row>& rows);
/// What this execution reported, by first sight.
Result<std::vector<StoredFinding>> list_by_execution(storage::ReadTx& tx, std::int64_t execution_no,
                                                     std::int64_t after = 0, std::size_t limit = 1000);
/// What the task's latest execution reported.
Result<std::vector<StoredFinding>> list_by_task(storage::ReadTx& tx, std::int64_t task_no, std::int64_t after = 0,
                                                std::size_t limit = 1000);
/// Errors: workflow.invalid_cursor.
Result<FindingPage> list(storage::ReadTx& tx, const FindingFilter& filter, Micros now);
/// By id, fingerprint, or the last 6 or more characters of one. Errors: workflow.finding_not_found,
/// workflow.finding_ambiguous (help lists the candidates).
Result<StoredFinding> find(storage::ReadTx& tx, std::string_view id_or_suffix);
/// By StoredFinding::id. Errors: workflow.finding_not_found.
Result<StoredFinding> find_by_no(storage::ReadTx& tx, std::int64_t no);
/// The number of a repository that findings are about. Errors: workflow.repository_not_found.
Result<std::int64_t> find_repository(storage::ReadTx& tx, std::int64_t project_id, std::string_view location);
}  // namespace findings_store

}  // namespace wrench::workflow
