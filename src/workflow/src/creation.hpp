#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow::creation {

struct Created {
  struct Unwritten {
    TaskRow task;
    ExecutionRow execution;
  };
  TaskReceipt receipt;
  bool start = false;  ///< Nothing stands in the way of its first step.
  /// It starts in this flush, which writes these rows as they will be then, with insert().
  std::optional<Unwritten> unwritten;
};
/// The last numbers that this flush gave out; 0: none. Their rows may not be there yet.
struct Numbers {
  std::int64_t task = 0, execution = 0;
  bool shared = false;  ///< Others give out numbers at the same time: each comes from the database.
  std::map<std::int64_t, std::string> periods;  ///< Of projects: the periods that have budgets (budgets::periods_of).
};

/// Everything about a task that needs no store. Errors: workflow.invalid_task.
Result<Creation> prepare(CreateTask task, const Clock& clock, Random& random);
/// Stores the task with its first execution, or finds it by its key. `starts`: a task that can start does so in the
/// same flush. Errors: workflow.idempotency_conflict, workflow.task_not_found (a dependency), workflow.invalid_task.
Result<Created> create(storage::WriteTx& tx, const Creation& creation, Numbers& numbers, bool starts);
Result<void> insert_plan(storage::WriteTx& tx, const Plan& plan);
/// The rows of the task and its execution, whose plan is stored.
Result<void> insert(storage::WriteTx& tx, const Creation& creation, const TaskRow& task, const ExecutionRow& execution);
/// Of a task that is stored.
Result<void> insert_execution(storage::WriteTx& tx, const ExecutionRow& execution);
/// Errors: workflow.invalid_transition.
Result<Created> rerun(storage::WriteTx& tx, const Rerun& rerun, Numbers& numbers);
/// What the end of a task means for those that depend on it. Shared ones are put into the queue of those to be begun.
Result<std::vector<Command>> unblock(storage::WriteTx& tx, std::int64_t task_no, Ownership ownership);

/// Why a task is cancelled that was to run only after another completed.
inline constexpr std::string_view kDependencyFailed = "a task that it depends on didn't complete";
enum class Verdict { Start, Wait, Cancel };
Result<Verdict> dependencies(storage::ReadTx& tx, std::int64_t task_no);

}  // namespace wrench::workflow::creation
