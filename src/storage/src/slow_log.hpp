#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <deque>
#include <mutex>

#include "wrench/base/clock.hpp"
#include "wrench/storage/monitor.hpp"

namespace wrench::storage {

/// The latest statements of a store that took long. Thread-safe.
class SlowLog {
 public:
  SlowLog(const Clock& clock, Micros threshold_us) : clock_(clock), threshold_us_(threshold_us) {}

  /// For took(): a third of the price of an exact clock, and exact to a few milliseconds.
  static Micros coarse_now_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * kMicrosPerSecond + now.tv_nsec / 1000;
  }
  void took(const Statement& statement, Micros took_us, std::uint64_t rows) {
    if (took_us >= threshold_us_) note(statement, took_us, rows);
  }
  SlowStatements read() const;

 private:
  void note(const Statement& statement, Micros took_us, std::uint64_t rows);

  const Clock& clock_;
  const Micros threshold_us_;
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::deque<SlowStatement> latest_;
};

}  // namespace wrench::storage
