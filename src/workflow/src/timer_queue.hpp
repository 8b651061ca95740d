#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

/// The timers that this process has to fire, one of each kind for a step. Not thread-safe.
class TimerQueue {
 public:
  /// Replaces the step's timer of that kind.
  void set(const TimerRow& timer) {
    erase({timer.execution_no, timer.step_no}, timer.kind);
    steps_[{timer.execution_no, timer.step_no}].push_back(timer);
    due_.insert(key_of(timer));
  }
  void erase(StepKey step, TimerKind kind) {
    const auto it = steps_.find(step);
    if (it == steps_.end()) return;
    std::erase_if(it->second, [&](const TimerRow& timer) {
      if (timer.kind == kind) due_.erase(key_of(timer));
      return timer.kind == kind;
    });
    if (it->second.empty()) steps_.erase(it);
  }
  void erase(const TimerDelete& what) {
    if (what.kind) return erase(what.step, *what.kind);
    for (int kind = 0; kind < kTimerKinds; ++kind)
      if (is_derived(static_cast<TimerKind>(kind))) erase(what.step, static_cast<TimerKind>(kind));
  }
  /// All of an execution.
  void erase_execution(std::int64_t no) {
    auto it = steps_.lower_bound({no, 0});
    while (it != steps_.end() && it->first.execution_no == no) {
      for (const TimerRow& timer : it->second) due_.erase(key_of(timer));
      it = steps_.erase(it);
    }
  }
  /// Takes the next one that is due at `now`, if there is one.
  std::optional<TimerRow> pop(Micros now) {
    if (next_due() > now) return std::nullopt;
    const auto [due_at, step, kind] = *due_.begin();
    for (const TimerRow& timer : steps_.at(step)) {
      if (timer.kind != kind) continue;
      const TimerRow out = timer;
      erase(step, kind);
      return out;
    }
    return std::nullopt;
  }
  Micros next_due() const {
    return due_.empty() ? std::numeric_limits<Micros>::max() : std::get<Micros>(*due_.begin());
  }
  std::size_t size() const { return due_.size(); }

 private:
  using Key = std::tuple<Micros, StepKey, TimerKind>;
  static Key key_of(const TimerRow& timer) { return {timer.due_at, {timer.execution_no, timer.step_no}, timer.kind}; }
  std::set<Key> due_;
  std::map<StepKey, std::vector<TimerRow>> steps_;
};

}  // namespace wrench::workflow
