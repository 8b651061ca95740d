#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kPurgeRowsMax = 5'000;  ///< That one flush deletes of what deleted tasks did.
inline constexpr std::size_t kPurgeContentBytesMax =
    32 * 1024 * 1024;  ///< Stored contents that it deletes; of one more.
/// So many child tasks are looked at before a task is deleted.
inline constexpr std::size_t kDeletionChildrenSeen = 1'000;
/// So many tasks that wait for it are named.
inline constexpr std::size_t kDeletionDependentsSeen = 1'000;

/// What deleting a task takes along.
struct DeletionPreview {
  TaskView task;
  std::size_t executions = 0;
  std::size_t children = 0;  ///< Child tasks and theirs; there may be more if it is kDeletionChildrenSeen.
  /// Tasks that begin only if it completes, which it didn't: without it they never would.
  std::vector<std::string> dependents;
};

/// Only what has ended is deleted, with its child tasks, which aren't deleted alone. Errors: workflow.task_not_found,
/// workflow.invalid_transition: it or a child of it hasn't ended, or it is itself a child.
Result<DeletionPreview> preview_deletion(storage::ReadTx& tx, std::string_view task_id);

/// From then on there is no such task: its idempotency key is free, nobody lists it, and no number of it is given
/// again. What it did goes later, by purge(): steps, journal, contents, waits, effects, its own budgets, its messages,
/// its plan if no other execution has it.
/// Findings, events and the ledgers of days and months stay. Errors: workflow.version_conflict: it isn't what was
/// looked at; workflow.has_dependents: see DeletionPreview::dependents; workflow.task_not_found.
Result<void> delete_task(storage::Store& store, const TaskView& task, const std::string& actor);

/// As many of them, in one flush; those that went on meanwhile, or that others wait for, stay. How many it deleted.
Result<std::size_t> delete_tasks(storage::Store& store, std::span<const TaskView> tasks, const std::string& actor);

struct Purged {
  std::int64_t rows = 0;   ///< With those of child tasks.
  std::int64_t tasks = 0;  ///< Child tasks that were deleted on the way.
  bool all = false;        ///< Nothing is left. Else it was stopped, another process purges, or a child still runs.
};
/// Deletes what deleted tasks left, kPurgeRowsMax rows a flush, and leaves the writer to others for as long as each
/// took. Killed in the middle, the next call goes on. One process at a time. Errors: storage.*.
Result<Purged> purge(storage::Store& store, const Clock& clock, const StopToken& stop);

}  // namespace wrench::workflow
