#pragma once

#include <cstdint>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/rows.hpp"

namespace wrench::workflow {

/// Why an execution is suspended, and what its task waits for, after a restore.
inline constexpr std::string_view kRestored = "restored";

/// What a restored execution's deadline waits for on PostgreSQL, again and again, until somebody goes on with it.
inline constexpr Micros kDeadlineOfRestored = 60 * kMicrosPerSecond;

/// Makes a store that was restored from a backup safe to use: every lease is void, and every execution that had not
/// ended is suspended as `restored`, because its effects may have happened after the backup was taken. Each goes on
/// only when a person names it. How many those are. For RestoreOptions::settle.
Result<std::int64_t> hold_restored(storage::WriteTx& tx);

/// Whether a restore holds the task back: whoever continues tasks by itself must leave it alone.
inline bool is_held_by_restore(const TaskView& task) { return task.wait_reason == kRestored; }

}  // namespace wrench::workflow
