#include "wrench/telemetry/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <variant>

#include "wrench/base/assert.hpp"

namespace wrench::telemetry {
namespace {

bool is_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

/// "a=\"b\",c=\"d\"", without braces: a histogram adds its le.
std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    WRENCH_ASSERT(is_name(key));
    out.append(out.empty() ? "" : ",").append(key).append("=\"").append(escaped(value, true)).append("\"");
  }
  return out;
}

std::string number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string with_braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

void append_sample(std::string& out, const std::string& name, const std::string& labels, const Counter& counter) {
  out += name + with_braces(labels) + " " + std::to_string(counter.value()) + "\n";
}

void append_sample(std::string& out, const std::string& name, const std::string& labels, const Gauge& gauge) {
  out += name + with_braces(labels) + " " + std::to_string(gauge.value()) + "\n";
}

void append_sample(std::string& out, const std::string& name, const std::string& labels, const Histogram& histogram) {
  const std::string prefix = labels.empty() ? "" : labels + ",";
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    cumulative += histogram.count_in(i);
    const double bound = i < histogram.bounds().size() ? histogram.bounds()[i] : INFINITY;
    out += name + "_bucket{" + prefix + "le=\"" + number(bound) + "\"} " + std::to_string(cumulative) + "\n";
  }
  out += name + "_sum" + with_braces(labels) + " " + number(histogram.sum()) + "\n";
  out += name + "_count" + with_braces(labels) + " " + std::to_string(cumulative) + "\n";
}

template <class T>
struct Family {
  static constexpr std::string_view kType = std::is_same_v<T, Counter> ? "counter"
                                            : std::is_same_v<T, Gauge> ? "gauge"
                                                                       : "histogram";
  std::map<std::string, std::unique_ptr<T>> series;  ///< By label text.
};

struct Metric {
  std::string help;
  std::variant<Family<Counter>, Family<Gauge>, Family<Histogram>> family;
};

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

struct MetricsRegistry::State {
  mutable std::mutex mutex;
  std::map<std::string, Metric, std::less<>> metrics;

  template <class T, class Make>
  T& find(std::string_view name, std::string_view help, const Labels& labels, Make make) {
    WRENCH_ASSERT(is_name(name));
    std::string key = label_text(labels);
    const std::lock_guard lock(mutex);
    auto at = metrics.find(name);
    if (at == metrics.end()) at = metrics.emplace(name, Metric{std::string(help), Family<T>{}}).first;
    auto* family = std::get_if<Family<T>>(&at->second.family);
    WRENCH_ASSERT(family != nullptr);  // one name, one kind
    auto found = family->series.find(key);
    if (found == family->series.end()) {
      if (family->series.size() >= kSeriesMax) {
        Labels other = labels;
        for (auto& label : other) label.second = "other";
        key = label_text(other);
      }
      found = family->series.try_emplace(key, nullptr).first;
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

std::string MetricsRegistry::prometheus_text() const {
  std::string out;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [name, metric] : state_->metrics)
    std::visit(
        [&]<class T>(const Family<T>& family) {
          out += "# HELP " + name + " " + escaped(metric.help, false) + "\n";
          out.append("# TYPE ").append(name).append(" ").append(Family<T>::kType).append("\n");
          for (const auto& [labels, series] : family.series) append_sample(out, name, labels, *series);
        },
        metric.family);
  return out;
}

}  // namespace wrench::telemetry
