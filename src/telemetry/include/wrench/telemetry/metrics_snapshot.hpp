#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

enum class MetricKind : std::uint8_t { Counter, Gauge, Histogram };
std::string_view name(MetricKind kind);

struct MetricSeries {
  Labels labels;
  std::int64_t value = 0;              ///< Of a counter or gauge.
  std::vector<std::uint64_t> buckets;  ///< Of a histogram, by bucket; one more than there are bounds.
  double sum = 0;
  std::uint64_t count() const;
};

struct MetricFamily {
  std::string name, help;
  MetricKind kind = MetricKind::Counter;
  std::vector<double> bounds;  ///< Of a histogram.
  std::vector<MetricSeries> series;
};

/// What the metrics of one process, or of several, were at one moment. Plain data.
class MetricsSnapshot {
 public:
  std::vector<MetricFamily> families;  ///< By name.

  const MetricFamily* find(std::string_view name) const;
  /// Sum of the series that have all of `labels`; of a histogram how often it was observed. 0 if there is none.
  std::int64_t total(std::string_view name, const Labels& labels = {}) const;
  /// Below it are that many (0 to 1) of a histogram's observations, over all series; guessed inside of a bucket, and
  /// never above the last bound. Nothing without observations.
  std::optional<double> quantile(std::string_view name, double share) const;
  /// Adds another process's: counts and gauges are summed. A family of that name but another form is left out.
  void add(const MetricsSnapshot& other);

  /// Prometheus text exposition format 0.0.4, sorted by name and labels.
  std::string prometheus_text() const;
  /// By name: {"kind", "help", "bounds", "series": [{"labels", "value" | "buckets", "sum", "count"}]}.
  codec::Json json() const;
  /// What json() made. Errors: telemetry.invalid_snapshot.
  static Result<MetricsSnapshot> parse(const codec::Json& json);
};

}  // namespace wrench::telemetry
