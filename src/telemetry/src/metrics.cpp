#include "wrench/telemetry/metrics.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <variant>

#include "metric_name.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::telemetry {
namespace {

template <class T>
struct Family {
  std::map<Labels, std::unique_ptr<T>> series;
};

struct Metric {
  std::string help;
  std::variant<Family<Counter>, Family<Gauge>, Family<Histogram>> family;
};

template <class T>
constexpr MetricKind kKindOf = std::is_same_v<T, Counter> ? MetricKind::Counter
                               : std::is_same_v<T, Gauge> ? MetricKind::Gauge
                                                          : MetricKind::Histogram;

template <class T>
MetricSeries series_of(const Labels& labels, const T& metric) {
  return {labels, static_cast<std::int64_t>(metric.value()), {}, 0};
}

template <>
MetricSeries series_of(const Labels& labels, const Histogram& histogram) {
  MetricSeries out{labels, 0, {}, histogram.sum()};
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) out.buckets.push_back(histogram.count_in(i));
  return out;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), buckets_(bounds_.size() + 1) {
  WRENCH_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<double> latency_buckets_s() {
  return {0.00005, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100};
}

std::vector<double> count_buckets() { return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}; }

struct MetricsRegistry::State {
  mutable std::mutex mutex;
  std::map<std::string, Metric, std::less<>> metrics;

  template <class T, class Make>
  T& find(std::string_view name, std::string_view help, Labels labels, Make make) {
    WRENCH_ASSERT(is_metric_name(name));
    for (const auto& label : labels) WRENCH_ASSERT(is_metric_name(label.first));
    const std::lock_guard lock(mutex);
    auto at = metrics.find(name);
    if (at == metrics.end()) at = metrics.emplace(name, Metric{std::string(help), Family<T>{}}).first;
    auto* family = std::get_if<Family<T>>(&at->second.family);
    WRENCH_ASSERT(family != nullptr);  // one name, one kind
    auto found = family->series.find(labels);
    if (found == family->series.end()) {
      if (family->series.size() >= kSeriesMax)
        for (auto& label : labels) label.second = "other";
      found = family->series.try_emplace(std::move(labels), nullptr).first;
      if (!found->second) found->second = make();
    }
    return *found->second;
  }
};

MetricsRegistry::MetricsRegistry() : state_(std::make_unique<State>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return state_->find<Counter>(name, help, labels, [] { return std::make_unique<Counter>(); });
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return state_->find<Gauge>(name, help, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                      const Labels& labels) {
  return state_->find<Histogram>(name, help, labels, [&] { return std::make_unique<Histogram>(std::move(bounds)); });
}

MetricsSnapshot MetricsRegistry::snapshot() const {
  MetricsSnapshot out;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [name, metric] : state_->metrics) {
    MetricFamily& family = out.families.emplace_back();
    family.name = name;
    family.help = metric.help;
    std::visit(
        [&]<class T>(const Family<T>& of) {
          family.kind = kKindOf<T>;
          for (const auto& [labels, series] : of.series) {
            if constexpr (std::is_same_v<T, Histogram>) family.bounds = series->bounds();
            family.series.push_back(series_of(labels, *series));
          }
        },
        metric.family);
  }
  return out;
}

}  // namespace wrench::telemetry
