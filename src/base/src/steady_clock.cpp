#include "wrench/base/steady_clock.hpp"

namespace wrench {

Micros SteadyClock::now_us() const {
  // In this order: a thread that is interrupted in between sees too small a difference, which counts for nothing.
  const Micros wall = source_.now_us();
  const Micros boot = source_.boot_us();
  Micros largest = wall_since_boot_.load();
  while (wall - boot > largest && !wall_since_boot_.compare_exchange_weak(largest, wall - boot)) {
  }
  return boot + wall_since_boot_.load();
}

}  // namespace wrench
