#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "wrench/base/stop.hpp"

namespace wrench::scan {

/// Keeps the memory of a run near its soft limit: above it the files in flight are halved; with one file left and still
/// above, files are refused. Thread-safe.
class MemoryGate {
 public:
  /// `soft_max_bytes` 0: 70 % of what this process may use, at most 4 GiB.
  MemoryGate(std::uint64_t soft_max_bytes, std::size_t in_flight_max);

  class Turn {
   public:
    Turn(MemoryGate* gate, bool granted) : gate_(gate), granted_(granted) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (granted_) gate_->leave();
    }
    bool granted() const { return granted_; }

   private:
    MemoryGate* gate_;
    bool granted_;
  };
  /// Waits until a file may start. Not granted when memory is spent.
  Turn enter(const StopToken& stop);

 private:
  void leave();
  void look();

  const std::uint64_t soft_max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t in_flight_ = 0;
  std::size_t in_flight_max_;
  std::uint32_t entered_ = 0;
  bool over_ = false;
};

/// Resident bytes of this process.
std::uint64_t resident_bytes();
/// What the control group and the machine let this process have.
std::uint64_t usable_memory_bytes();

}  // namespace wrench::scan
