#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/telemetry/metrics_snapshot.hpp"

namespace wrench::telemetry {

/// Label sets a metric may have; further ones are counted together under the value "other".
inline constexpr std::size_t kSeriesMax = 1000;

/// Only goes up. Thread-safe.
class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  /// Of what is counted elsewhere: takes its count over. One thread at a time.
  void raise_to(std::uint64_t count) {
    if (count > value()) value_.store(count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Thread-safe.
class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts observations in buckets with ascending upper bounds; the last bucket is open. Thread-safe; a reader may see
/// an observation in a bucket shortly before it is in the sum.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  std::uint64_t count_in(std::size_t bucket) const { return buckets_[bucket].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> buckets_;
  std::atomic<double> sum_{0};
};

/// Seconds from 50 µs to 100 s in steps of about 3: for latencies.
std::vector<double> latency_buckets_s();

/// Counts: powers of two from 1 to 512.
std::vector<double> count_buckets();

/// Every metric of a process. Asking for the same name and labels again gives the same object; references stay valid as
/// long as the registry. Labels name kinds, never ids: an id would make a series of each task. Thread-safe.
class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  /// `name`: [a-z_][a-z0-9_]*, by convention with unit, counters with _total ("wrench_flushes_total").
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                       const Labels& labels = {});

  /// What all of them hold now. A reader for others' sake: it waits for nobody who counts.
  MetricsSnapshot snapshot() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::telemetry
