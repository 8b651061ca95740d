#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

/// Parsed plans by hash. They are immutable, so any copy is the right one. Thread-safe.
class PlanCache {
 public:
  Result<std::shared_ptr<const Plan>> get(storage::ReadTx& tx, std::string_view hash);
  void put(const std::shared_ptr<const Plan>& plan);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Plan>, std::less<>> plans_;
};

/// Rows to and from SQL.
namespace row_store {
ExecutionRow execution_from(const storage::Rows::Row& row);
StepRow step_from(const storage::Rows::Row& row);

/// What `commands` will look at, as far as that is known before deciding.
Result<LoadedRows> load(storage::ReadTx& tx, PlanCache& plans, std::span<const Command> commands,
                        const CoreContext& context, const std::array<int, kSlotClasses>& backlog_wanted);
/// Adds what decide() found missing.
Result<void> load_missing(storage::ReadTx& tx, PlanCache& plans, const FlushPlan& plan, LoadedRows& rows);
/// Writes the plan's rows. Errors: workflow.conflict when a row isn't what it was decided on.
Result<void> write(storage::WriteTx& tx, const FlushPlan& plan);
Result<std::vector<TimerRow>> timers_of(storage::ReadTx& tx, std::int64_t execution_no);
}  // namespace row_store

}  // namespace wrench::workflow
