#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kCheckProblemsMax = 1'000;  ///< Named by one check; it ends there.
/// Of one execution, steps and journal entries together: they are in memory at once. Larger ones aren't looked at.
inline constexpr std::size_t kCheckedRowsMax = 1'000'000;

struct CheckOptions {
  /// Whether the process behind a boot id runs; empty: none does, as in a copy. Of workers on PostgreSQL their rows
  /// tell.
  std::function<bool(std::string_view boot_id)> boot_is_live;
  int losses_max = kLossesMax;
  bool contents = true;  ///< Also hash every stored content: reads the whole store.
  std::size_t rows_max = kCheckedRowsMax;
  StopToken stop;
};

struct CheckReport {
  std::vector<std::string> problems;  ///< What doesn't hold, one line each.
  /// "execution exe_…": too large to be read in one snapshot, or to be held in memory. Not looked at.
  std::vector<std::string> skipped;
  std::int64_t executions = 0, steps = 0, journal_entries = 0, events = 0, contents = 0;
  std::int64_t interrupted = 0;  ///< Steps that ran in a process that is gone: what a resume takes up.
};

/// Whether what the engine promises of its rows holds (docs/reference/workflow.md, "Invariants"). Reads only, so it can
/// look at a store in use: on SQLite in pages of one snapshot each, on PostgreSQL all but the stored contents in one
/// (storage::read_long()). Errors: workflow.check_stopped, those of storage.
Result<CheckReport> check_store(storage::Store& store, const CheckOptions& options);

/// The checker's statements, part of statements().
storage::StatementCatalogue::List check_statements();

}  // namespace wrench::workflow
