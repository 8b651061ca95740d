#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

/// The timers that this process has to fire, one of each kind for a step. Not thread-safe.
class TimerQueue {
 public:
  /// Replaces the step's timer of that kind.
  void set(const TimerRow& timer) {
    timers_.insert_or_assign(Key{{timer.execution_no, timer.step_no}, timer.kind}, timer);
    due_.push_back(entry_of(timer));
    std::push_heap(due_.begin(), due_.end(), Later());
    forget_erased();
  }
  void erase(StepKey step, TimerKind kind) {
    timers_.erase({step, kind});
    forget_erased();
  }
  void erase(const TimerDelete& what) {
    if (what.kind) return erase(what.step, *what.kind);
    auto it = timers_.lower_bound({what.step, TimerKind{}});
    while (it != timers_.end() && it->first.first == what.step)
      it = is_derived(it->first.second) ? timers_.erase(it) : std::next(it);
    forget_erased();
  }
  /// All of an execution.
  void erase_execution(std::int64_t no) {
    timers_.erase(timers_.lower_bound({{no, 0}, TimerKind{}}), timers_.lower_bound({{no + 1, 0}, TimerKind{}}));
    forget_erased();
  }
  /// Takes the next one that is due at `now`, if there is one.
  std::optional<TimerRow> pop(Micros now) {
    if (next_due() > now) return std::nullopt;
    const auto it = timers_.find(std::get<Key>(due_.front()));
    const TimerRow out = it->second;
    timers_.erase(it);
    forget_erased();
    return out;
  }
  Micros next_due() const { return due_.empty() ? std::numeric_limits<Micros>::max() : std::get<Micros>(due_.front()); }
  std::size_t size() const { return timers_.size(); }

 private:
  using Key = std::pair<StepKey, TimerKind>;
  using Entry = std::tuple<Micros, Key>;
  using Later = std::greater<Entry>;
  static constexpr std::size_t kErasedMin = 1'024;

  static Entry entry_of(const TimerRow& timer) {
    return {timer.due_at, Key{{timer.execution_no, timer.step_no}, timer.kind}};
  }
  bool is_erased(const Entry& entry) const {
    const auto it = timers_.find(std::get<Key>(entry));
    return it == timers_.end() || it->second.due_at != std::get<Micros>(entry);
  }
  /// The heap keeps what was erased or replaced until it comes to the front, or is most of it.
  void forget_erased() {
    while (!due_.empty() && is_erased(due_.front())) {
      std::pop_heap(due_.begin(), due_.end(), Later());
      due_.pop_back();
    }
    if (due_.size() < kErasedMin || due_.size() / 2 < timers_.size()) return;
    due_.clear();
    for (const auto& [key, timer] : timers_) due_.push_back(entry_of(timer));
    std::make_heap(due_.begin(), due_.end(), Later());
  }

  std::map<Key, TimerRow> timers_;
  std::vector<Entry> due_;  ///< A heap, the earliest in front; that one is in `timers_`.
};

}  // namespace wrench::workflow
