#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kRetentionBytesMax = std::size_t{16} << 10;  ///< Of retention.yaml.
inline constexpr Micros kRetentionAgeMin = kMicrosPerSecond;
inline constexpr Micros kRetentionAgeMax = 36'500 * kMicrosPerDay;
inline constexpr Micros kEventsKept = 7 * kMicrosPerDay;            ///< Default.
inline constexpr std::int64_t kEventsKeptMax = 10'000'000;          ///< Default: the newest so many.
inline constexpr std::int64_t kEventsKeptCeiling = 10'000'000'000;  ///< What `count` may be.
inline constexpr Micros kMemoryKept = 90 * kMicrosPerDay;           ///< Default, of superseded items.

/// How long what is kept stays. Nothing: for ever. Immutable once in use.
struct RetentionPolicy {
  RetentionPolicy();
  /// retention.yaml, docs/reference/retention.md. `file`: its path, for errors. Errors: workflow.retention_invalid with
  /// file, line and column.
  static Result<RetentionPolicy> parse(std::string_view yaml, std::string file);

  std::optional<Micros> events = kEventsKept;
  std::optional<std::int64_t> events_count = kEventsKeptMax;
  std::optional<Micros> streams;               ///< After the end of the step.
  std::optional<Micros> messages;              ///< After they were acknowledged, or died.
  std::optional<Micros> memory = kMemoryKept;  ///< After something superseded them.

  /// Tasks that ended, so long after that, by status. Those that another task began go with it.
  std::optional<Micros> completed, failed, cancelled;
  bool archive = true;  ///< Before a task goes, all that is known of it is written to the archive.
  bool removes_tasks() const { return completed || failed || cancelled; }

  /// The shortest of the ages.
  Micros shortest() const;
};

}  // namespace wrench::workflow
