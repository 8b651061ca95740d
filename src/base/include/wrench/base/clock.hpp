#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench {

/// Microseconds: since the Unix epoch (UTC) for wall times, since boot for deadlines, plain for durations.
using Micros = std::int64_t;

inline constexpr Micros kMicrosPerMs = 1'000;
inline constexpr Micros kMicrosPerSecond = 1'000'000;
inline constexpr Micros kMicrosPerDay = 86'400 * kMicrosPerSecond;

/// Source of time, injected everywhere so that the workflow core can be simulated. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Micros now_us() const = 0;   ///< Wall clock, UTC.
  virtual Micros boot_us() const = 0;  ///< CLOCK_BOOTTIME: never jumps, counts suspend.
  /// CLOCK_THREAD_CPUTIME_ID: what the calling thread has used of a processor. A system call, where the other two cost
  /// nanoseconds; CpuBudget asks rarely.
  virtual Micros thread_cpu_us() const = 0;
};

class SystemClock final : public Clock {
 public:
  Micros now_us() const override;
  Micros boot_us() const override;
  Micros thread_cpu_us() const override;
};

/// For tests and simulation: time moves only when told. All threads share one CPU time.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Micros start_us = 1'700'000'000 * kMicrosPerSecond) : now_us_(start_us) {}
  Micros now_us() const override { return now_us_.load(); }
  Micros boot_us() const override { return now_us_.load(); }
  Micros thread_cpu_us() const override { return cpu_us_.load(); }
  /// Time goes by without this program getting a processor, as on an overloaded machine.
  void advance(Micros by_us) { now_us_.fetch_add(by_us); }
  /// Work: CPU time, during which time goes by as well.
  void advance_cpu(Micros by_us) {
    cpu_us_.fetch_add(by_us);
    now_us_.fetch_add(by_us);
  }
  void set(Micros at_us) { now_us_.store(at_us); }

 private:
  std::atomic<Micros> now_us_;
  std::atomic<Micros> cpu_us_{0};
};

/// "2026-11-24T12:34:56.789Z" (RFC 3339, milliseconds).
std::string format_rfc3339(Micros at_us);
/// "2026-11-24".
std::string format_date(Micros at_us);
/// Accepts RFC 3339 with any offset, or a bare date (midnight UTC). Error code base.invalid_time.
Result<Micros> parse_rfc3339(std::string_view text);
/// "2.4 s", "3 m 12 s", "850 ms".
std::string format_duration(Micros duration_us);
/// "90s", "2h", "1h30m", "250ms", "7d". Error code base.invalid_duration.
Result<Micros> parse_duration(std::string_view text);

}  // namespace wrench
