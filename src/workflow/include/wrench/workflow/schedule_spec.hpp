#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/time_zone.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kScheduleSpecBytesMax = 512;
inline constexpr Micros kScheduleEveryMin = kMicrosPerSecond;
inline constexpr Micros kScheduleEveryMax = 366 * kMicrosPerDay;

/// The five fields of cron(5), as sets of bits.
struct Cron {
  std::uint64_t minutes = 0;
  std::uint32_t hours = 0, days = 0, months = 0;  ///< Days and months from bit 1.
  std::uint32_t weekdays = 0;                     ///< Sunday is bit 0.
  /// Both fields of days name some of them (none begins with *): a day of either is meant, else one of both.
  bool either_day = false;
  bool operator==(const Cron&) const = default;
};

/// When a schedule fires: parsed text. A value; thread-safe.
///
///     0 3 * * mon-fri      cron: minute, hour, day of the month, month, day of the week
///     @daily               @hourly @daily @midnight @weekly @monthly @yearly @annually
///     every 15m            at multiples of that time since 1970-01-01T00:00Z
///     at 2026-12-24T18:00:00+01:00    once
class ScheduleSpec {
 public:
  /// Errors: workflow.invalid_schedule; the place's column is that of what is wrong.
  static Result<ScheduleSpec> parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// The first time after `after` at which it fires; nothing: it never does again.
  ///
  /// Of cron the fields mean what clocks of the zone show. Times that these skip in spring are the first instant after
  /// the gap, all of them together; times that they show twice in autumn are the first.
  std::optional<Micros> next_after(Micros after, const TimeZone& zone) const;

 private:
  struct Every {
    Micros period = 0;
  };
  struct At {
    Micros at = 0;
  };
  ScheduleSpec() = default;

  std::string text_;
  std::variant<Cron, Every, At> when_;
};

}  // namespace wrench::workflow
