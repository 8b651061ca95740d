#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backup/sqlite_query.hpp"
#include "database_meter.hpp"
#include "monitor_source.hpp"
#include "sqlite_connection.hpp"
#include "statements.hpp"
#include "store_directory.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {

using codec::Json;

namespace {

/// What the connections to it have to know: no statements of the catalogue.
const StatementCatalogue kNoStatements;

class SqliteMonitor final : public StoreMonitor::Source {
 public:
  SqliteMonitor(Store& store, const Metered& metered, std::unique_ptr<SqliteConnection> connection)
      : store_(store), metered_(metered), connection_(std::move(connection)) {}

  Result<Json> collect(Detail detail) override {
    Json tables = Json::array(), indexes = Json::array();
    WRENCH_TRY(tables_and_indexes(detail, tables, indexes));
    return Json::object({{"connections", WRENCH_TRY(connections())},
                         {"query_stats", query_stats()},
                         {"slow_queries", to_json(slow_statements(store_))},
                         {"table_stats", std::move(tables)},
                         {"index_stats", std::move(indexes)},
                         {"cache_stats", WRENCH_TRY(cache_stats())}});
  }

  Result<void> sample(Micros now_us) override {
    const Micros minute = now_us - now_us % kMinute;
    if (minute == last_minute_) return {};
    const std::string body = codec::write_json(WRENCH_TRY(collect(Detail::Cheap)));
    WRENCH_TRY(store_.write(
        [&](WriteTx& tx) -> Result<void> {
          WRENCH_TRY(keep(tx, SampleKind::Minute, minute, kMinuteSamplesAgeMax, body));
          return keep(tx, SampleKind::Hour, now_us - now_us % kHour, kHourSamplesAgeMax, body);
        },
        {}, JobLane::Bulk));
    last_minute_ = minute;
    return {};
  }

 private:
  static Result<void> keep(WriteTx& tx, SampleKind kind, Micros at, Micros age_max, const std::string& body) {
    WRENCH_TRY(tx.exec(sql::kInsertSample, {name_of(kind), at, body}));
    WRENCH_TRY(tx.exec(sql::kForgetSamples, {name_of(kind), at - age_max}));
    return {};
  }

  sqlite3* db() const { return connection_->raw(); }

  Result<Json> connections() const {
    const StoreStats stats = store_.stats();
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
    for (const StatementCost& cost : metered_.meter().costs()) {
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
    const std::uint64_t hits = metered_.meter().cache_hits(), misses = metered_.meter().cache_misses();
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
         {"wal_pages", store_.stats().wal_pages}});
  }

  Store& store_;
  const Metered& metered_;
  std::unique_ptr<SqliteConnection> connection_;
  Micros last_minute_ = -1;
};

}  // namespace

Result<std::unique_ptr<StoreMonitor::Source>> sqlite_monitor(Store& store, const std::string& directory) {
  const auto* metered = dynamic_cast<const Metered*>(&store);
  WRENCH_ASSERT(metered != nullptr);
  const StoreDirectory folder = WRENCH_TRY(StoreDirectory::open_to_read(directory));
  auto connection =
      WRENCH_TRY(SqliteConnection::open(folder.database_path(), SqliteConnection::Role::Reader, {}, kNoStatements));
  return std::unique_ptr<StoreMonitor::Source>(new SqliteMonitor(store, *metered, std::move(connection)));
}

}  // namespace wrench::storage
