#include "wrench/telemetry/metrics_snapshot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "metric_name.hpp"

namespace wrench::telemetry {

using codec::Json;

namespace {

constexpr std::array<std::string_view, 3> kKinds = {"counter", "gauge", "histogram"};
constexpr std::size_t kSnapshotBoundsMax = 100;

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
  for (const auto& [key, value] : labels)
    out.append(out.empty() ? "" : ",").append(key).append("=\"").append(escaped(value, true)).append("\"");
  return out;
}

std::string number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string with_braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

void append_histogram(std::string& out, const MetricFamily& family, const MetricSeries& series) {
  const std::string labels = label_text(series.labels);
  const std::string prefix = labels.empty() ? "" : labels + ",";
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < series.buckets.size(); ++i) {
    cumulative += series.buckets[i];
    const double bound = i < family.bounds.size() ? family.bounds[i] : INFINITY;
    out += family.name + "_bucket{" + prefix + "le=\"" + number(bound) + "\"} " + std::to_string(cumulative) + "\n";
  }
  out += family.name + "_sum" + with_braces(labels) + " " + number(series.sum) + "\n";
  out += family.name + "_count" + with_braces(labels) + " " + std::to_string(cumulative) + "\n";
}

/// Whatever a file says.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

bool has_all(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); });
}

Json json_of(const MetricFamily& family, const MetricSeries& series) {
  Json labels = Json::object();
  for (const auto& [key, value] : series.labels) labels.set(key, value);
  Json out = Json::object({{"labels", std::move(labels)}});
  if (family.kind != MetricKind::Histogram) {
    out.set("value", series.value);
    return out;
  }
  Json buckets = Json::array();
  for (const std::uint64_t count : series.buckets) buckets.push_back(count);
  out.set("buckets", std::move(buckets));
  out.set("sum", series.sum);
  out.set("count", series.count());
  return out;
}

Error invalid(std::string what) { return Error("telemetry.invalid_snapshot", std::move(what)); }

Result<MetricSeries> parse_series(const MetricFamily& family, const Json& json) {
  MetricSeries series;
  for (const auto& [key, value] : json.at("labels").as_object()) {
    if (!is_metric_name(key) || !value.is_string()) return invalid("a label of " + family.name + " is none");
    series.labels.emplace_back(key, value.as_string());
  }
  if (family.kind != MetricKind::Histogram) {
    if (!json.at("value").is_integer()) return invalid(family.name + " has a series without a value");
    series.value = json.at("value").as_integer();
    return series;
  }
  if (json.at("buckets").as_array().size() != family.bounds.size() + 1 || !json.at("sum").is_number())
    return invalid(family.name + " has a series that doesn't fit its bounds");
  for (const Json& count : json.at("buckets").as_array()) {
    if (!count.is_integer() || count.as_integer() < 0) return invalid(family.name + " has a bucket without a count");
    series.buckets.push_back(static_cast<std::uint64_t>(count.as_integer()));
  }
  series.sum = json.at("sum").as_double();
  return series;
}

Result<MetricFamily> parse_family(const std::string& family_name, const Json& json) {
  MetricFamily family;
  if (!is_metric_name(family_name)) return invalid("the name of a metric is none");
  family.name = family_name;
  family.help = json.at("help").as_string();
  const auto kind = std::find(kKinds.begin(), kKinds.end(), json.at("kind").as_string());
  if (kind == kKinds.end()) return invalid(family_name + " is of no known kind");
  family.kind = static_cast<MetricKind>(kind - kKinds.begin());
  const auto& bounds = json.at("bounds").as_array();
  if (bounds.size() > kSnapshotBoundsMax) return invalid(family_name + " has too many bounds");
  for (const Json& bound : bounds) family.bounds.push_back(bound.as_double());
  if (!std::is_sorted(family.bounds.begin(), family.bounds.end()))
    return invalid("the bounds of " + family_name + " don't ascend");
  for (const Json& series : json.at("series").as_array())
    family.series.push_back(WRENCH_TRY(parse_series(family, series)));
  return family;
}

}  // namespace

std::string_view name(MetricKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::uint64_t MetricSeries::count() const { return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}); }

const MetricFamily* MetricsSnapshot::find(std::string_view name) const {
  const auto found = std::lower_bound(families.begin(), families.end(), name,
                                      [](const MetricFamily& family, std::string_view n) { return family.name < n; });
  return found == families.end() || found->name != name ? nullptr : &*found;
}

std::int64_t MetricsSnapshot::total(std::string_view name, const Labels& labels) const {
  const MetricFamily* family = find(name);
  if (family == nullptr) return 0;
  std::int64_t sum = 0;
  for (const MetricSeries& series : family->series)
    if (has_all(series.labels, labels)) sum = plus(sum, plus(series.value, static_cast<std::int64_t>(series.count())));
  return sum;
}

std::optional<double> MetricsSnapshot::quantile(std::string_view name, double share) const {
  const MetricFamily* family = find(name);
  if (family == nullptr || family->kind != MetricKind::Histogram || family->bounds.empty()) return std::nullopt;
  std::vector<std::uint64_t> buckets(family->bounds.size() + 1);
  for (const MetricSeries& series : family->series)
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += series.buckets[i];
  const auto count = static_cast<double>(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}));
  if (count == 0) return std::nullopt;
  double below = 0;
  for (std::size_t i = 0; i < family->bounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= share * count) {
      const double from = i == 0 ? 0 : family->bounds[i - 1];
      return from + (family->bounds[i] - from) * (share * count - below) / here;
    }
    below += here;
  }
  return family->bounds.back();
}

void MetricsSnapshot::add(const MetricsSnapshot& other) {
  for (const MetricFamily& theirs : other.families) {
    const auto at = std::lower_bound(families.begin(), families.end(), theirs.name,
                                     [](const MetricFamily& family, const std::string& n) { return family.name < n; });
    if (at == families.end() || at->name != theirs.name) {
      families.insert(at, theirs);
      continue;
    }
    if (at->kind != theirs.kind || at->bounds != theirs.bounds) continue;
    for (const MetricSeries& series : theirs.series) {
      const auto same = std::find_if(at->series.begin(), at->series.end(),
                                     [&](const MetricSeries& ours) { return ours.labels == series.labels; });
      if (same == at->series.end()) {
        at->series.push_back(series);
        continue;
      }
      same->value = plus(same->value, series.value);
      same->sum += series.sum;
      for (std::size_t i = 0; i < same->buckets.size(); ++i) same->buckets[i] += series.buckets[i];
    }
  }
}

std::string MetricsSnapshot::prometheus_text() const {
  std::string out;
  for (const MetricFamily& family : families) {
    out += "# HELP " + family.name + " " + escaped(family.help, false) + "\n";
    out.append("# TYPE ").append(family.name).append(" ").append(name(family.kind)).append("\n");
    for (const MetricSeries& series : family.series) {
      if (family.kind == MetricKind::Histogram)
        append_histogram(out, family, series);
      else
        out += family.name + with_braces(label_text(series.labels)) + " " + std::to_string(series.value) + "\n";
    }
  }
  return out;
}

Json MetricsSnapshot::json() const {
  Json out = Json::object();
  for (const MetricFamily& family : families) {
    Json series = Json::array();
    for (const MetricSeries& one : family.series) series.push_back(json_of(family, one));
    Json described = Json::object({{"kind", name(family.kind)}, {"help", family.help}});
    if (family.kind == MetricKind::Histogram) {
      Json bounds = Json::array();
      for (const double bound : family.bounds) bounds.push_back(bound);
      described.set("bounds", std::move(bounds));
    }
    described.set("series", std::move(series));
    out.set(family.name, std::move(described));
  }
  return out;
}

Result<MetricsSnapshot> MetricsSnapshot::parse(const Json& json) {
  MetricsSnapshot out;
  for (const auto& [family_name, described] : json.as_object())
    out.families.push_back(WRENCH_TRY(parse_family(family_name, described)));
  std::sort(out.families.begin(), out.families.end(),
            [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  return out;
}

}  // namespace wrench::telemetry
