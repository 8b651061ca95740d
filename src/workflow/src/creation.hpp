#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql.hpp"
#include "turns.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow::creation {

struct Created {
  struct Unwritten {
    TaskRow task;
    ExecutionRow execution;
  };
  TaskReceipt receipt;
  bool start = false;  ///< Whoever begins it begins it, or cancels it: nothing has to happen before.
  std::optional<Obstacle> obstacle;
  /// It starts in this flush, which writes these rows as they will be then, with insert().
  std::optional<Unwritten> unwritten;
};
/// Gives the tasks and executions of a flush their numbers. Their rows may not be there yet.
struct Numbers {
  /// So many of each, at once.
  Result<void> reserve(storage::WriteTx& tx, std::size_t count);
  Result<std::int64_t> next_task(storage::WriteTx& tx) { return next(tx, sql::kNextTask, tasks_); }
  Result<std::int64_t> next_execution(storage::WriteTx& tx) { return next(tx, sql::kNextExecution, executions_); }

  std::map<std::int64_t, std::string> periods;  ///< Of projects: the periods that have budgets (budgets::periods_of).

 private:
  struct Series {
    std::vector<std::int64_t> left;  ///< The last one is the next.
    std::int64_t highest = 0;
  };
  static Result<void> fetch(storage::WriteTx& tx, const storage::Statement& statement, std::size_t count,
                            Series& series);
  static Result<std::int64_t> next(storage::WriteTx& tx, const storage::Statement& statement, Series& series);
  Series tasks_, executions_;
};

/// What a new task begins with.
struct NewRows {
  const Creation* creation = nullptr;
  const TaskRow* task = nullptr;
  const ExecutionRow* execution = nullptr;
};

/// Everything about a task that needs no store. Errors: workflow.invalid_task.
Result<Creation> prepare(CreateTask task, const Clock& clock, Random& random);
/// Stores the task with its first execution, or finds it by its key. `starts`: a task that can start does so in the
/// same flush. Errors: workflow.idempotency_conflict, workflow.task_not_found (a dependency), workflow.invalid_task.
Result<Created> create(storage::WriteTx& tx, const Creation& creation, Numbers& numbers, bool starts);
Result<void> insert_plan(storage::WriteTx& tx, const Plan& plan);
/// The rows of tasks and their executions, and the plans of these.
Result<void> insert(storage::WriteTx& tx, std::span<const NewRows> tasks);
inline Result<void> insert(storage::WriteTx& tx, const Creation& creation, const TaskRow& task,
                           const ExecutionRow& execution) {
  const NewRows rows{&creation, &task, &execution};
  return insert(tx, {&rows, 1});
}
/// Of a task that is stored.
Result<void> insert_execution(storage::WriteTx& tx, const ExecutionRow& execution);
/// Errors: workflow.invalid_transition: it is no draft.
Result<Created> submit(storage::WriteTx& tx, const Submit& submit);
/// Errors: workflow.invalid_transition.
Result<Created> rerun(storage::WriteTx& tx, const Rerun& rerun, Numbers& numbers);
/// What the ends of tasks mean for those that depend on them. On a shared store they are to be begun by whichever
/// process has room, so they go to `shared`; otherwise it is null, and commands begin them here.
Result<std::vector<Command>> unblock(storage::WriteTx& tx, const std::set<std::int64_t>& ended, turns::Starts* shared);

/// Of a row of kDependencyStates.
std::optional<Obstacle> obstacle_of(const storage::Rows::Row& row);
/// What keeps the task from beginning; nothing if it may.
Result<std::optional<Obstacle>> obstacle(storage::ReadTx& tx, std::int64_t task_no);
/// Of those that the commands may begin; without those that the flush makes and that depend on nothing.
Result<void> load_obstacles(storage::WriteTx& tx, std::span<const Command> commands,
                            const std::set<std::int64_t>& independent, LoadedRows& rows);

}  // namespace wrench::workflow::creation
