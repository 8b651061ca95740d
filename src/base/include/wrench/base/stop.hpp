#pragma once

#include <atomic>
#include <limits>
#include <memory>

#include "wrench/base/clock.hpp"

namespace wrench {

/// Tells long work to stop. Cheap to copy and to poll; thread-safe. A default token never stops.
class StopToken {
 public:
  StopToken() = default;
  bool stop_requested() const {
    for (const auto* node = node_.get(); node != nullptr; node = node->parent.get())
      if (node->stopped.load(std::memory_order_relaxed)) return true;
    return false;
  }

 private:
  friend class StopSource;
  struct Node {
    std::atomic<bool> stopped{false};
    std::shared_ptr<const Node> parent;
  };
  explicit StopToken(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

/// Owner of a stop request. A source made from a parent's token stops when the parent stops, too.
class StopSource {
 public:
  StopSource() : node_(std::make_shared<StopToken::Node>()) {}
  explicit StopSource(const StopToken& parent) : StopSource() { node_->parent = parent.node_; }
  void request_stop() { node_->stopped.store(true, std::memory_order_relaxed); }
  StopToken token() const { return StopToken(node_); }

 private:
  std::shared_ptr<StopToken::Node> node_;
};

/// A moment on CLOCK_BOOTTIME after which work should end. A default deadline never comes.
class Deadline {
 public:
  Deadline() = default;
  static Deadline after(const Clock& clock, Micros duration_us) { return Deadline(clock.boot_us() + duration_us); }
  bool passed(const Clock& clock) const { return clock.boot_us() >= at_us_; }
  Micros at_us() const { return at_us_; }
  Micros left_us(const Clock& clock) const { return at_us_ - clock.boot_us(); }
  bool never() const { return at_us_ == std::numeric_limits<Micros>::max(); }

 private:
  explicit Deadline(Micros at_us) : at_us_(at_us) {}
  Micros at_us_ = std::numeric_limits<Micros>::max();
};

}  // namespace wrench
