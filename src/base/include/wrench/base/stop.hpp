#pragma once

#include <algorithm>
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

/// A moment on CLOCK_BOOTTIME after which work should end. A default deadline never comes. For what may wait without
/// computing, and for what a person asked to end by then; a CpuBudget is for what decides a result.
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

/// CPU time that work on one thread may use. What else the machine does takes nothing away from it, so a result that
/// depends on a budget doesn't depend on the load. Belongs to the thread that made it. A default budget has no end.
class CpuBudget {
 public:
  CpuBudget() = default;
  /// `clock` must outlive the budget and its parts.
  CpuBudget(const Clock& clock, Micros cpu_us)
      : clock_(&clock), end_cpu_us_(clock.thread_cpu_us() + cpu_us), look_at_us_(clock.boot_us() + cpu_us) {}

  /// A budget for a part of the work, which ends with the whole at the latest.
  CpuBudget part(const Clock& clock, Micros cpu_us) const {
    CpuBudget out(clock, cpu_us);
    out.end_cpu_us_ = std::min(out.end_cpu_us_, end_cpu_us_);
    out.look_at_us_ = std::min(out.look_at_us_, look_at_us_);
    return out;
  }

  /// Cheap enough for inner loops: a thread's CPU time can't run ahead of time itself, so the system is asked for it
  /// only when so much time has gone by as was left when it was asked last.
  bool spent() {
    if (clock_ == nullptr) return false;
    const Micros now_us = clock_->boot_us();
    if (now_us < look_at_us_) return false;
    const Micros left_us = end_cpu_us_ - clock_->thread_cpu_us();
    look_at_us_ = now_us + left_us;
    return left_us <= 0;
  }

 private:
  const Clock* clock_ = nullptr;
  Micros end_cpu_us_ = std::numeric_limits<Micros>::max();
  Micros look_at_us_ = std::numeric_limits<Micros>::max();
};

}  // namespace wrench
