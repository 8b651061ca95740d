#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow::creation {

struct Created {
  TaskReceipt receipt;
  bool start = false;  ///< Nothing stands in the way of its first step.
};

/// Stores the task with its first execution, or finds it by its key. Errors: workflow.idempotency_conflict,
/// workflow.task_not_found (a dependency), workflow.invalid_task.
Result<Created> create(storage::WriteTx& tx, const Creation& creation);
/// Errors: workflow.invalid_transition.
Result<Created> rerun(storage::WriteTx& tx, const Rerun& rerun);
/// What the end of a task means for those that depend on it. Shared ones are put into the queue of those to be begun.
Result<std::vector<Command>> unblock(storage::WriteTx& tx, std::int64_t task_no, Ownership ownership);

/// Why a task is cancelled that was to run only after another completed.
inline constexpr std::string_view kDependencyFailed = "a task that it depends on didn't complete";
enum class Verdict { Start, Wait, Cancel };
Result<Verdict> dependencies(storage::ReadTx& tx, std::int64_t task_no);

}  // namespace wrench::workflow::creation
