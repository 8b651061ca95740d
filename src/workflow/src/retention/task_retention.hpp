#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/retention_policy.hpp"

namespace wrench::workflow {

inline constexpr Micros kRetentionRecheck = kMicrosPerDay;  ///< Of tasks that others still need.

/// The tasks that ended long enough ago. One thread.
class TaskRetention {
 public:
  /// All must outlive this.
  TaskRetention(storage::Store& store, const Clock& clock, const RetentionPolicy& policy, std::string archive_folder)
      : store_(store), clock_(clock), policy_(policy), archive_folder_(std::move(archive_folder)) {}

  /// When one of them may go; none goes before that.
  Result<std::optional<Micros>> first_due(storage::ReadTx& tx) const;
  /// Those that would go.
  Result<std::int64_t> count(Micros until);

  enum class GoOn { Yes, No };
  /// Called after each flush with what it deleted; No: that was enough.
  using Progress = std::function<Result<GoOn>(std::int64_t deleted)>;
  /// Archives what ended long enough before `until`, then deletes it. Yes: nothing of that is left. Errors:
  /// workflow.no_archive, runtime.locked, storage.*.
  Result<GoOn> remove(Micros now, Micros until, const StopToken& stop, const Progress& progress);

 private:
  static constexpr std::size_t kStatuses = 3;
  struct Status {
    std::string_view name;
    std::optional<Micros> age;
  };
  std::array<Status, kStatuses> statuses() const;
  /// Ids of those of a status, oldest first, until `each` says No. `next`: when others of it may go.
  Result<void> walk(const Status& status, Micros until, Micros& next,
                    const std::function<Result<GoOn>(const std::string&)>& each);

  storage::Store& store_;
  const Clock& clock_;
  const RetentionPolicy& policy_;
  const std::string archive_folder_;
  std::array<std::optional<Micros>, kStatuses> next_;  ///< When a task of the status may go, as the last walk saw it.
};

}  // namespace wrench::workflow
