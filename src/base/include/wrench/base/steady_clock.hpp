#pragma once

#include <atomic>

#include "wrench/base/clock.hpp"

namespace wrench {

/// Wall time that never goes back. When the clock of the machine is set back, it goes on from where it was, as fast as
/// the time since boot: what waits for a moment isn't held up until the clock shows that moment again. When it is set
/// forward, so is this. Thread-safe.
class SteadyClock final : public Clock {
 public:
  /// `source` must outlive this.
  explicit SteadyClock(const Clock& source) : source_(source), wall_since_boot_(source.now_us() - source.boot_us()) {}
  Micros now_us() const override;
  Micros boot_us() const override { return source_.boot_us(); }
  Micros thread_cpu_us() const override { return source_.thread_cpu_us(); }

 private:
  const Clock& source_;
  mutable std::atomic<Micros> wall_since_boot_;  ///< The largest so far.
};

}  // namespace wrench
