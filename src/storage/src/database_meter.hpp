#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "slow_log.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/storage/statement.hpp"

namespace wrench::storage {

/// Counts what statements cost, over all connections of a store. Thread-safe.
class DatabaseMeter {
 public:
  struct Counter {
    std::atomic<std::uint64_t> calls{0}, rows{0}, timed_ns{0};
  };
  /// Looking at the clock twice costs as much as a small statement: one call in so many does.
  static constexpr std::uint64_t kTimedEvery = 16;

  DatabaseMeter(const StatementCatalogue& catalogue, SlowLog& slow_log) : slow_log_(slow_log) {
    for (const Statement* statement : catalogue.all()) counters_.emplace(statement, std::make_unique<Counter>());
  }
  Counter* counter(const Statement& statement) {
    const auto found = counters_.find(&statement);
    return found == counters_.end() ? nullptr : found->second.get();
  }
  /// Pages that a connection found in its cache, or had to read, since it told last.
  void add_cache(std::uint64_t hits, std::uint64_t misses) {
    hits_.fetch_add(hits, std::memory_order_relaxed);
    misses_.fetch_add(misses, std::memory_order_relaxed);
  }
  SlowLog& slow_log() { return slow_log_; }
  std::uint64_t cache_hits() const { return hits_.load(std::memory_order_relaxed); }
  std::uint64_t cache_misses() const { return misses_.load(std::memory_order_relaxed); }
  std::vector<StatementCost> costs() const;

 private:
  SlowLog& slow_log_;
  std::unordered_map<const Statement*, std::unique_ptr<Counter>> counters_;
  std::atomic<std::uint64_t> hits_{0}, misses_{0};
};

/// A store whose statements are counted here.
class Metered {
 public:
  virtual ~Metered() = default;
  virtual const DatabaseMeter& meter() const = 0;
};

}  // namespace wrench::storage
