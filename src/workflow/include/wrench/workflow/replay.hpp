#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/rows.hpp"

/// Replaying what happened: the journal of an execution is fed to today's core, without any effect, to see whether it
/// would decide the same again.
namespace wrench::workflow {

inline constexpr std::size_t kRecordedJournalBytesMax = 256 * 1024 * 1024;

/// What an execution was asked and what came of it, apart from the store that it is in.
struct RecordedJournal {
  struct Entry {
    std::int64_t seq = 0;
    std::string kind;
    std::int64_t step_no = 0;  ///< 0: the execution's.
    int attempt = 0;
    Micros at = 0;
    std::string actor;
    codec::Json data;
  };
  /// A step in a body: which node, and the step that it stands in.
  struct BodyStep {
    std::uint32_t node = 0;
    std::int64_t parent = 0;
  };
  /// Of a fork: how a step ended that it took over.
  struct Kept {
    StepState state = StepState::Completed;
    bool by_failure = false;  ///< Skipped because a need failed.
    codec::Json data;         ///< Its output, or its error.
  };
  /// How one dimension stood of what its steps drew from.
  struct Budget {
    std::optional<std::int64_t> cap;  ///< Before this execution raised it; nothing: it was only counted.
    std::int64_t spent = 0;           ///< By others, as far as that is known.
  };
  std::string execution_id, engine_version;
  bool shared = false;  ///< Run by workers on PostgreSQL, not by one process.
  OnExhausted on_exhausted = OnExhausted::Fail;
  Micros deadline_at = 0;  ///< 0: none.
  std::shared_ptr<const Plan> plan;
  codec::Json inputs;
  std::map<std::string, Effect, std::less<>> effects;  ///< What capabilities declared when they were claimed.
  std::map<std::int64_t, BodyStep> body_steps;         ///< By number.
  std::map<std::uint32_t, Kept> kept;                  ///< By node. Of a fork.
  bool is_fork = false;
  std::string draws;                                                                       ///< ExecutionRow::budgets
  std::map<std::string, std::map<std::string, Budget, std::less<>>, std::less<>> budgets;  ///< By scope, of these.
  std::vector<Entry> entries;
};

/// Reads all of it into memory. Errors: workflow.task_not_found, storage.blob_missing (a value isn't kept any more),
/// storage.corrupt.
Result<RecordedJournal> record_journal(storage::ReadTx& tx, std::int64_t execution_no, bool shared);
codec::Json to_json(const RecordedJournal& journal);
/// Errors: workflow.journal_invalid, which names the member.
Result<RecordedJournal> recorded_journal(const codec::Json& json);

struct ReplayReport {
  /// Where today's core went another way.
  struct Difference {
    std::int64_t seq = 0;  ///< Of the journal.
    std::int64_t step_no = 0;
    std::string node;  ///< Empty: the execution itself.
    std::string expected, found;
  };
  std::int64_t entries = 0;  ///< That came out the same.
  std::optional<Difference> first;
};
/// In a store of its own, which is in a temporary folder and gone afterwards. Takes as long as the journal is; no step
/// is run. What others draw from the same budgets isn't known: where the journal says that one refused, its figures
/// count. Errors: workflow.replay_unsupported (an entry of a kind that nobody here knows; a measured budget that others
/// draw from ended a run), those of the store.
Result<ReplayReport> replay(const RecordedJournal& journal);

}  // namespace wrench::workflow
