#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/clock.hpp"

namespace wrench::workflow {

/// When to look after what is parked for a key, of up to as many keys as there are. Not thread-safe.
class RefillQueue {
 public:
  RefillQueue() = default;
  RefillQueue(const RefillQueue&) = delete;
  RefillQueue& operator=(const RefillQueue&) = delete;

  /// Replaces the key's time.
  void set(const std::string& key, Micros at) {
    const auto [it, added] = times_.try_emplace(key, at);
    if (!added) {
      if (it->second == at) return;
      due_.erase({it->second, it->first});
      it->second = at;
    }
    due_.emplace(at, it->first);
  }
  void erase(const std::string& key) {
    const auto it = times_.find(key);
    if (it == times_.end()) return;
    due_.erase({it->second, it->first});
    times_.erase(it);
  }
  /// Takes the next key whose time has come at `now`, if there is one.
  std::optional<std::string> pop(Micros now) {
    if (next_due() > now) return std::nullopt;
    std::string key(due_.begin()->second);
    erase(key);
    return key;
  }
  /// Never = max.
  Micros next_due() const { return due_.empty() ? std::numeric_limits<Micros>::max() : due_.begin()->first; }

 private:
  std::map<std::string, Micros> times_;
  std::set<std::pair<Micros, std::string_view>> due_;  ///< The keys are those of `times_`.
};

}  // namespace wrench::workflow
