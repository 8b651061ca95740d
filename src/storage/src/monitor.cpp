#include "wrench/storage/monitor.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "database_meter.hpp"
#include "database_url.hpp"
#include "monitor_source.hpp"
#include "statements.hpp"

namespace wrench::storage {

using codec::Json;

std::vector<StatementCost> DatabaseMeter::costs() const {
  std::vector<StatementCost> costs;
  for (const auto& [statement, counter] : counters_) {
    const std::uint64_t calls = counter->calls.load(std::memory_order_relaxed);
    if (calls == 0) continue;
    costs.push_back({statement->id, calls, counter->rows.load(std::memory_order_relaxed),
                     static_cast<Micros>(counter->timed_ns.load(std::memory_order_relaxed) * kTimedEvery / 1'000)});
  }
  std::sort(costs.begin(), costs.end(), [](const StatementCost& a, const StatementCost& b) {
    return std::pair(b.time_us, b.calls) < std::pair(a.time_us, a.calls);
  });
  return costs;
}

std::vector<StatementCost> statement_costs(const Store& store) {
  const auto* metered = dynamic_cast<const Metered*>(&store);
  return metered == nullptr ? std::vector<StatementCost>() : metered->meter().costs();
}

StoreMonitor::StoreMonitor(std::unique_ptr<Source> source) : source_(std::move(source)) {}
StoreMonitor::StoreMonitor(StoreMonitor&&) noexcept = default;
StoreMonitor& StoreMonitor::operator=(StoreMonitor&&) noexcept = default;
StoreMonitor::~StoreMonitor() = default;

Result<StoreMonitor> StoreMonitor::open(Store& store, const std::string& where) {
  return StoreMonitor(
      WRENCH_TRY(DatabaseUrl::is_url(where) ? postgres_monitor(store, where) : sqlite_monitor(store, where)));
}

Result<Json> StoreMonitor::collect(Detail detail) { return source_->collect(detail); }
Result<void> StoreMonitor::sample(Micros now_us) { return source_->sample(now_us); }

std::string_view name_of(SampleKind kind) { return kind == SampleKind::Minute ? "minute" : "hour"; }

Result<std::vector<MonitorSample>> read_samples(ReadTx& tx, SampleKind kind, Micros since_us, std::size_t limit) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kReadSamples, {name_of(kind), since_us, std::min(limit, kSamplePageMax)}));
  std::vector<MonitorSample> samples;
  for (const auto row : rows) samples.push_back({row.integer(0), WRENCH_TRY(codec::parse_json(row.text(1)))});
  return samples;
}

}  // namespace wrench::storage
