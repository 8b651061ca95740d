#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

/// The timers that this process has to fire, one of each kind for a step, and what happens to the clock that they are
/// due by. Not thread-safe, but for store_is_at().
class TimerQueue {
 public:
  /// `clock` must outlive this.
  explicit TimerQueue(const Clock& clock) : clock_(clock) { clock_set_forward(); }

  /// Of the time of an executing flush. It is ahead of this process's clock when another process had a later one.
  void store_is_at(Micros now) { store_ahead_us_.store(std::max<Micros>(0, now - clock_.now_us())); }
  Micros store_ahead_us() const { return store_ahead_us_.load(); }
  /// By how much somebody has set the clock forward since the last call; 0: nobody has.
  Micros clock_set_forward() {
    const Micros wall_since_boot = clock_.now_us() - clock_.boot_us();
    const Micros by = wall_since_boot - std::exchange(wall_since_boot_, wall_since_boot);
    return by < kClockJump ? 0 : by;
  }
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
  /// The clock was set forward by so much: what tells how long something has taken so far is due that much later.
  void put_off_durations(Micros by) {
    due_.clear();
    for (auto& [key, timer] : timers_) {
      if (is_derived(key.second)) timer.due_at += by;
      due_.push_back(entry_of(timer));
    }
    std::make_heap(due_.begin(), due_.end(), Later());
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
  static constexpr Micros kClockJump = kMicrosPerSecond;

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

  const Clock& clock_;
  std::atomic<Micros> store_ahead_us_{0};
  Micros wall_since_boot_ = 0;
  std::map<Key, TimerRow> timers_;
  std::vector<Entry> due_;  ///< A heap, the earliest in front; that one is in `timers_`.
};

}  // namespace wrench::workflow
