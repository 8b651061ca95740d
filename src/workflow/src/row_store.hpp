#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

struct Creation;

/// Parsed plans by hash, and what is known of forks. They are immutable, so any copy is the right one. Thread-safe.
class PlanCache {
 public:
  Result<std::shared_ptr<const Plan>> get(storage::ReadTx& tx, std::string_view hash);
  void put(const std::shared_ptr<const Plan>& plan);
  /// Of an execution that is a fork.
  Result<std::shared_ptr<const Fork>> fork(storage::ReadTx& tx, const Plan& plan, const ExecutionRow& execution);

 private:
  std::mutex mutex_;
  /// By number and id: the number of one whose flush failed is given to another.
  std::map<std::pair<std::int64_t, std::string>, std::shared_ptr<const Fork>> forks_;
  std::map<std::string, std::shared_ptr<const Plan>, std::less<>> plans_;
};

/// Rows of the executions that this process owns, as its last flush left them: nobody else changes them. They save
/// reading; a row that isn't what it was believed to be still fails the flush (workflow.conflict).
struct RowCache {
  struct Known {
    ExecutionRow execution;
    TaskRow task;
    std::shared_ptr<const Plan> plan;
    std::int64_t journal_next = 1;
    bool lent = false;  ///< A flush has taken what is here, and gives it back when it has committed.
  };
  struct HashOfStep {
    std::size_t operator()(const StepKey& step) const {
      return std::hash<std::int64_t>()(step.execution_no * 0x9E3779B97F4A7C15 + step.step_no);
    }
  };
  std::unordered_map<std::int64_t, Known> executions;
  std::unordered_map<StepKey, StepRow, HashOfStep> steps;  ///< That run here or are ready to.
  std::uint64_t hits = 0, misses = 0;                      ///< Of what was asked for. On the writer's thread.
  void clear() {
    executions.clear();
    steps.clear();
  }
};

/// Rows to and from SQL: for all rows of a flush one statement each, which on PostgreSQL is one round trip.
namespace row_store {
ExecutionRow execution_from(const storage::Rows::Row& row);
StepRow step_from(const storage::Rows::Row& row);

/// Where rows come from.
struct Source {
  storage::WriteTx& tx;
  PlanCache& plans;
  RowCache& cache;
};
/// Adds what `commands` will look at, as far as that is known before deciding.
Result<void> load(const Source& from, std::span<const Command> commands, const CoreContext& context,
                  const std::array<int, kSlotClasses>& backlog_wanted, LoadedRows& rows);
/// Adds what decide() found missing.
Result<void> load_missing(const Source& from, const FlushPlan& plan, LoadedRows& rows);
/// Writes the plan's rows; those of tasks and executions that the flush creates come from `creations`, by execution.
/// Errors: workflow.conflict when a row isn't what it was decided on.
Result<void> write(storage::WriteTx& tx, const FlushPlan& plan,
                   const std::map<std::int64_t, const Creation*>& creations, Ownership ownership);
Result<std::vector<TimerRow>> timers_of(storage::ReadTx& tx, std::int64_t execution_no);
}  // namespace row_store

}  // namespace wrench::workflow
