#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/statement.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/labels.hpp"
#include "wrench/workflow/transitions.hpp"

namespace wrench::workflow {

class Plan;

inline constexpr std::size_t kTaskPageMax = 200;
inline constexpr std::size_t kStepPageMax = 1000;
inline constexpr std::size_t kJournalPageMax = 1000;
inline constexpr std::size_t kIdSuffixMin = 6;
inline constexpr std::int64_t kIdSuffixTasks = 20'000;  ///< The newest, which the end of an id may name.

/// The statements of this module, for StoreConfig::statements.
storage::StatementCatalogue::List statements();

struct TaskView {
  std::int64_t task_no = 0;
  std::string task_id, title, description, kind, priority, status, wait_reason, created_by, idempotency_key;
  TaskState state = TaskState::Queued;
  std::int64_t project_id = 0;
  std::optional<std::int64_t> repo_id;
  codec::Json metadata;
  double progress = 0;  ///< 0 to 1.
  Micros created_at = 0, updated_at = 0;
  std::int64_t version = 0;
};

struct ExecutionView {
  std::int64_t execution_no = 0;
  std::string execution_id;
  std::int64_t number = 0;
  ExecutionStatus status = ExecutionStatus::Pending;
  std::string suspend_reason, owner_boot, plan_hash;
  codec::Json error;  ///< Of the first step that failed it, or null.
  std::int64_t steps_total = 0, steps_done = 0, steps_failed = 0, steps_held = 0;
  bool cancel_requested = false;
  bool paused = false;
  std::int64_t forked_from = 0;  ///< The execution that it goes back to; 0: none.
  Micros created_at = 0;
  std::optional<Micros> started_at, completed_at, expires_at;
};

struct StepView {
  std::int64_t execution_no = 0;  ///< That ran it: of a fork, perhaps one that it goes back to.
  std::int64_t step_no = 0;
  std::string node, capability;
  std::optional<std::int64_t> parent_step, item;
  StepState state = StepState::Blocked;
  int attempt = 0, lost = 0;
  std::optional<Micros> claimed_at;
  std::int64_t output_seq = 0;  ///< Journal entry with its output or its last error; 0 = none yet.
  Labels required;              ///< Of the worker that may run it.
  bool superseded = false;      ///< A newer step of its key took its place: its cancel counts as a failure.
  std::string parked_for;       ///< The key that is used up, as its plan names it; empty: it isn't parked.
  std::string child_task;       ///< Id of the task that it began last; empty: none.
};

struct JournalEntry {
  std::int64_t seq = 0;
  std::string kind;
  std::optional<std::int64_t> step_no;
  int attempt = 0;
  Micros at = 0;
  std::string actor;
  codec::Json data;
};

struct TaskFilter {
  std::string status;  ///< Empty: all.
  std::size_t limit = 100;
  std::string cursor;  ///< TaskPage::next_cursor of the page before.
};
struct TaskPage {
  std::vector<TaskView> tasks;  ///< Newest first.
  std::string next_cursor;      ///< Empty at the end.
};

/// By id, or by its last 6 or more characters if it is one of the newest kIdSuffixTasks. Errors:
/// workflow.task_not_found, workflow.task_ambiguous (help lists the candidates).
Result<TaskView> find_task(storage::ReadTx& tx, std::string_view id_or_suffix);
/// The task with this key in the project, if any.
Result<std::optional<TaskView>> find_task_by_key(storage::ReadTx& tx, std::int64_t project_id, std::string_view key);
/// Errors: workflow.invalid_cursor.
Result<TaskPage> list_tasks(storage::ReadTx& tx, const TaskFilter& filter);
/// Oldest first. Never empty for an engine task.
Result<std::vector<ExecutionView>> list_executions(storage::ReadTx& tx, std::int64_t task_no);
Result<std::vector<StepView>> list_steps(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t after_step = 0,
                                         std::size_t limit = kStepPageMax);
Result<std::vector<JournalEntry>> read_journal(storage::ReadTx& tx, std::int64_t execution_no,
                                               std::int64_t after_seq = 0, std::size_t limit = 100);
/// What the journal entry (StepView::output_seq, JournalEntry::seq) holds, wherever its content is kept.
Result<codec::Json> read_content(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq);
/// The plan that it runs.
Result<std::shared_ptr<const Plan>> read_plan(storage::ReadTx& tx, std::int64_t execution_no);
/// The output of a plan node's step. Errors: workflow.no_output.
Result<codec::Json> read_output(storage::ReadTx& tx, std::int64_t execution_no, std::string_view node);
/// Of the latest execution.
Result<codec::Json> read_inputs(storage::ReadTx& tx, std::int64_t task_no);
/// CreateTask::plan_notes: why each step is in the plan. Null when there are none.
Result<codec::Json> read_plan_notes(storage::ReadTx& tx, std::int64_t task_no);
/// The task of the step that began this one; empty: nobody's.
Result<std::string> find_parent(storage::ReadTx& tx, std::int64_t task_no);
/// Ids of the tasks that steps of the execution began and that haven't ended.
Result<std::vector<std::string>> list_open_children(storage::ReadTx& tx, std::int64_t execution_no);
/// A task that another one depends on.
struct DependencyView {
  std::string task_id, title;
  TaskState state = TaskState::Queued;
  std::string policy;       ///< "block", "skip" or "ignore".
  bool in_the_way = false;  ///< The other doesn't begin because of it.
};
/// What the task depends on, in the order of their creation.
Result<std::vector<DependencyView>> list_dependencies(storage::ReadTx& tx, std::int64_t task_no);
/// It goes on only if somebody does something: it is a draft or paused, or waits for a person, a signal or an event, or
/// for tasks that all stand still themselves.
Result<bool> stands_still(storage::ReadTx& tx, const TaskView& task);
/// An open execution that no live process owns: it hasn't begun, was given back, or its process is gone.
struct Orphan {
  TaskView task;
  std::int64_t execution_no = 0;
  std::string owner_boot;  ///< Empty: nobody's.
  ExecutionStatus status = ExecutionStatus::Pending;
};
/// Where a page of orphans ended. Those that nobody owns come before those of owners, by name.
struct OrphanPlace {
  std::string owner_boot;
  std::int64_t execution_no = 0;
};
/// Those of each dead owner, oldest first, behind `after`. `boot_is_live` is asked once for each owner.
Result<std::vector<Orphan>> list_orphans(storage::ReadTx& tx,
                                         const std::function<bool(std::string_view boot)>& boot_is_live,
                                         OrphanPlace after = {}, std::size_t limit = kTaskPageMax);

}  // namespace wrench::workflow
