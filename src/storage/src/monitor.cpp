#include "wrench/storage/monitor.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "backup/sqlite_query.hpp"
#include "database_meter.hpp"
#include "sqlite_connection.hpp"
#include "statements.hpp"
#include "store_directory.hpp"

namespace wrench::storage {

using codec::Json;

std::vector<StatementCost> DatabaseMeter::costs() const {
  std::vector<StatementCost> costs;
  for (const auto& [statement, counter] : counters_) {
    const std::uint64_t calls = counter->calls.load(std::memory_order_relaxed);
    if (calls == 0) continue;
    costs.push_back({statement->id, calls, counter->rows.load(std::memory_order_relaxed),
                     static_cast<Micros>(counter->timed_us.load(std::memory_order_relaxed) * kTimedEvery)});
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

struct StoreMonitor::State {
  Store& store;
  const Metered& metered;
  const Clock& clock;
  StatementCatalogue none;
  std::unique_ptr<SqliteConnection> connection;
  Micros last_minute = -1;

  sqlite3* db() const { return connection->raw(); }

  Result<Json> connections() const {
    const StoreStats stats = store.stats();
    return Json::object({{"reads", stats.reads},
                         {"flushes", stats.flushes},
                         {"jobs", stats.jobs},
                         {"jobs_failed", stats.jobs_failed},
                         {"queued_jobs", stats.queued_jobs},
                         {"checkpoints", stats.checkpoints},
                         {"wal_pages", stats.wal_pages},
                         {"readers_max", kReadersMax},
                         {"processes", WRENCH_TRY(sqlite_number(db(), "SELECT count(*) FROM workers"))}});
  }

  Json query_stats() const {
    Json out = Json::array();
    for (const StatementCost& cost : metered.meter().costs()) {
      if (out.as_array().size() == kStatementsSampledMax) break;
      out.push_back(
          Json::object({{"statement", cost.id},
                        {"calls", cost.calls},
                        {"rows", cost.rows},
                        {"total_time_us", cost.time_us},
                        {"mean_time_us", static_cast<double>(cost.time_us) / static_cast<double>(cost.calls)}}));
    }
    return out;
  }

  /// Bytes of each table and index.
  Result<std::map<std::string, std::int64_t>> sizes() const {
    std::map<std::string, std::int64_t> sizes;
    WRENCH_TRY(query_sqlite(db(), "SELECT name, sum(pgsize) FROM dbstat GROUP BY name", [&](sqlite3_stmt* row) {
      sizes[std::string(sqlite_column(row, 0))] = sqlite3_column_int64(row, 1);
    }));
    return sizes;
  }

  Result<void> tables_and_indexes(Detail detail, Json& tables, Json& indexes) const {
    std::map<std::string, std::int64_t> bytes;
    if (detail == Detail::Sized) bytes = WRENCH_TRY(sizes());
    const auto size_of = [&](const std::string& name) { return bytes.empty() ? Json() : Json(bytes[name]); };
    std::vector<std::string> names;
    WRENCH_TRY(query_sqlite(db(), "SELECT type, name, tbl_name FROM sqlite_schema WHERE rootpage > 0 ORDER BY name",
                            [&](sqlite3_stmt* row) {
                              const std::string name(sqlite_column(row, 1));
                              if (sqlite_column(row, 0) == "table") {
                                names.push_back(name);
                              } else {
                                indexes.push_back(Json::object(
                                    {{"index", name}, {"table", sqlite_column(row, 2)}, {"bytes", size_of(name)}}));
                              }
                            }));
    for (const std::string& name : names) {
      Json rows;
      if (detail != Detail::Cheap) rows = WRENCH_TRY(sqlite_number(db(), "SELECT count(*) FROM " + sqlite_name(name)));
      tables.push_back(Json::object({{"table", name}, {"rows", std::move(rows)}, {"bytes", size_of(name)}}));
    }
    return {};
  }

  Result<Json> cache_stats() const {
    const std::uint64_t hits = metered.meter().cache_hits(), misses = metered.meter().cache_misses();
    const std::int64_t page_bytes = WRENCH_TRY(sqlite_number(db(), "PRAGMA page_size"));
    const std::int64_t pages = WRENCH_TRY(sqlite_number(db(), "PRAGMA page_count"));
    return Json::object(
        {{"cache_hits", hits},
         {"cache_misses", misses},
         {"cache_hit_ratio",
          hits + misses == 0 ? Json() : Json(static_cast<double>(hits) / static_cast<double>(hits + misses))},
         {"page_bytes", page_bytes},
         {"pages", pages},
         {"database_bytes", pages * page_bytes},
         {"freelist_pages", WRENCH_TRY(sqlite_number(db(), "PRAGMA freelist_count"))},
         {"wal_pages", store.stats().wal_pages}});
  }
};

StoreMonitor::StoreMonitor(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreMonitor::StoreMonitor(StoreMonitor&&) noexcept = default;
StoreMonitor& StoreMonitor::operator=(StoreMonitor&&) noexcept = default;
StoreMonitor::~StoreMonitor() = default;

Result<StoreMonitor> StoreMonitor::open(Store& store, const std::string& directory, const Clock& clock) {
  const auto* metered = dynamic_cast<const Metered*>(&store);
  if (metered == nullptr)
    return Error("storage.monitor_dialect", "only stores on SQLite are looked at so far; PostgreSQL has its own views");
  const StoreDirectory folder = WRENCH_TRY(StoreDirectory::open_to_read(directory));
  std::unique_ptr<State> state(new State{store, *metered, clock, {}, nullptr});
  state->connection =
      WRENCH_TRY(SqliteConnection::open(folder.database_path(), SqliteConnection::Role::Reader, {}, state->none));
  return StoreMonitor(std::move(state));
}

Result<Json> StoreMonitor::collect(Detail detail) {
  Json tables = Json::array(), indexes = Json::array();
  WRENCH_TRY(state_->tables_and_indexes(detail, tables, indexes));
  return Json::object({{"connections", WRENCH_TRY(state_->connections())},
                       {"query_stats", state_->query_stats()},
                       {"slow_queries", to_json(slow_statements(state_->store))},
                       {"table_stats", std::move(tables)},
                       {"index_stats", std::move(indexes)},
                       {"cache_stats", WRENCH_TRY(state_->cache_stats())}});
}

namespace {

constexpr Micros kMinute = 60 * kMicrosPerSecond;
constexpr Micros kHour = 60 * kMinute;

std::string_view name_of(SampleKind kind) { return kind == SampleKind::Minute ? "minute" : "hour"; }

Result<void> keep(WriteTx& tx, SampleKind kind, Micros at, Micros age_max, const std::string& body) {
  WRENCH_TRY(tx.exec(sql::kInsertSample, {name_of(kind), at, body}));
  WRENCH_TRY(tx.exec(sql::kForgetSamples, {name_of(kind), at - age_max}));
  return {};
}

}  // namespace

Result<void> StoreMonitor::sample(Micros now_us) {
  const Micros minute = now_us - now_us % kMinute;
  if (minute == state_->last_minute) return {};
  const std::string body = codec::write_json(WRENCH_TRY(collect(Detail::Cheap)));
  WRENCH_TRY(state_->store.write(
      [&](WriteTx& tx) -> Result<void> {
        WRENCH_TRY(keep(tx, SampleKind::Minute, minute, kMinuteSamplesAgeMax, body));
        return keep(tx, SampleKind::Hour, now_us - now_us % kHour, kHourSamplesAgeMax, body);
      },
      {}, JobLane::Bulk));
  state_->last_minute = minute;
  return {};
}

Result<std::vector<MonitorSample>> read_samples(ReadTx& tx, SampleKind kind, Micros since_us, std::size_t limit) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kReadSamples, {name_of(kind), since_us, std::min(limit, kSamplePageMax)}));
  std::vector<MonitorSample> samples;
  for (const auto row : rows) samples.push_back({row.integer(0), WRENCH_TRY(codec::parse_json(row.text(1)))});
  return samples;
}

}  // namespace wrench::storage
