// Figures of PostgreSQL's own views (PostgreSQL documentation, 28.2, 54.13).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "database_url.hpp"
#include "monitor_source.hpp"
#include "postgres_connection.hpp"
#include "postgres_statements.hpp"
#include "postgres_text.hpp"
#include "postgres_tx.hpp"
#include "wrench/base/text.hpp"

namespace wrench::storage {

using codec::Json;

namespace {

const StatementCatalogue kNoStatements;
constexpr Micros kOldSnapshot = 300 * kMicrosPerSecond;
constexpr std::int64_t kRetainedLogMax = std::int64_t{1} << 30;
constexpr std::int64_t kDeadRowsMin = 10'000;
constexpr std::int64_t kDeadRowsPerRow = 2;
constexpr double kConnectionsUsed = 0.9;
constexpr std::string_view kCheapTables = "1048576";  ///< Bytes from which on a table is worth a place in samples.

#define WRENCH_AGE_US(since) "CAST(extract(epoch FROM clock_timestamp() - " since ") * 1000000 AS BIGINT)"

// Of the whole server: what is used up there is missing here.
constexpr const char* kConnections =
    "SELECT json_build_object('total', count(*), 'active', count(*) FILTER (WHERE state = 'active'), 'idle', count(*) "
    "FILTER (WHERE state = 'idle'), 'idle_in_transaction', count(*) FILTER (WHERE state LIKE 'idle in transaction%'), "
    "'waiting_for_locks', count(*) FILTER (WHERE wait_event_type = 'Lock'), 'of_this_database', count(*) FILTER (WHERE "
    "datname = current_database()), 'max', CAST(current_setting('max_connections') AS BIGINT), 'processes', (SELECT "
    "count(*) FROM workers WHERE lost_at IS NULL)) FROM pg_stat_activity WHERE backend_type = 'client backend'";
// Whoever keeps the oldest snapshot keeps everybody's dead rows.
constexpr const char* kOldestXmin =
    "SELECT json_build_object('transactions', age, 'for_us', for_us, 'held_by', held_by) FROM (SELECT "
    "age(backend_xmin) AS age, " WRENCH_AGE_US("xact_start") " AS for_us, 'process ' || pid || ' of ' || "
    "coalesce(nullif(application_name, ''), 'a client without a name') AS held_by FROM pg_stat_activity WHERE "
    "backend_xmin IS NOT NULL AND pid <> pg_backend_pid() UNION ALL SELECT age(xmin), NULL, 'replication slot ' || "
    "slot_name FROM pg_replication_slots WHERE xmin IS NOT NULL UNION ALL SELECT age(transaction), " WRENCH_AGE_US(
        "prepared") ", 'prepared transaction ' || gid FROM pg_prepared_xacts) AS held ORDER BY age DESC, for_us DESC "
                    "LIMIT 1";
constexpr const char* kSlots =
    "SELECT coalesce(json_agg(json_build_object('slot', slot_name, 'active', active, 'retained_bytes', "
    "CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS BIGINT)) ORDER BY slot_name), '[]') FROM "
    "pg_replication_slots";
constexpr std::string_view kTables =
    "SELECT coalesce(json_agg(t ORDER BY t.table), '[]') FROM (SELECT s.relname AS table, "
    "greatest(s.n_live_tup, 0) AS rows, s.n_dead_tup AS dead_rows, pg_total_relation_size(s.relid) AS bytes, "
    "s.seq_scan "
    "AS sequential_scans, coalesce(s.idx_scan, 0) AS index_scans, s.n_tup_ins AS inserted, s.n_tup_upd AS updated, "
    "s.n_tup_hot_upd AS updated_in_place, s.n_tup_del AS deleted, CAST(extract(epoch FROM greatest(s.last_vacuum, "
    "s.last_autovacuum)) * 1000000 AS BIGINT) AS vacuumed_at, CAST(i.heap_blks_hit AS float) / "
    "nullif(i.heap_blks_hit + i.heap_blks_read, 0) AS cache_hit_ratio FROM pg_stat_user_tables s JOIN "
    "pg_statio_user_tables i USING (relid) WHERE s.schemaname = current_schema() AND pg_total_relation_size(s.relid) "
    ">= ";
constexpr std::string_view kIndexes =
    "SELECT coalesce(json_agg(t ORDER BY t.index), '[]') FROM (SELECT indexrelname AS index, relname AS table, "
    "pg_relation_size(indexrelid) AS bytes, idx_scan AS scans, idx_tup_read AS rows_read FROM pg_stat_user_indexes "
    "WHERE schemaname = current_schema() AND pg_relation_size(indexrelid) >= ";
// cache_hits and cache_misses of the whole database: pages of shared_buffers, what the kernel keeps isn't known.
constexpr const char* kCache =
    "SELECT json_build_object('cache_hits', blks_hit, 'cache_misses', blks_read, 'cache_hit_ratio', CAST(blks_hit AS "
    "float) / nullif(blks_hit + blks_read, 0), 'database_bytes', (SELECT CAST(coalesce(sum(pg_total_relation_size("
    "oid)), 0) AS BIGINT) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
    "to_regnamespace(quote_ident(current_schema()))), 'commits', xact_commit, 'rollbacks', xact_rollback, 'deadlocks', "
    "deadlocks, 'temp_bytes', temp_bytes) FROM pg_stat_database WHERE datname = current_database()";
// Statements of wrench have placeholders, those of others may have values.
constexpr const char* kRunning =
    "SELECT coalesce(json_agg(json_build_object('pid', pid, 'for_us', for_us, 'sql', sql) ORDER BY for_us DESC), '[]') "
    "FROM (SELECT pid, " WRENCH_AGE_US("query_start") " AS for_us, left(query, 300) AS sql FROM pg_stat_activity WHERE "
    "state = 'active' AND application_name = 'wrench' AND pid <> pg_backend_pid() AND clock_timestamp() - query_start > "
    "interval '100 milliseconds' ORDER BY query_start LIMIT 32) AS q";
constexpr const char* kStatementsSchema =
    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = "
    "'pg_stat_statements'";
constexpr const char* kOff =
    "SELECT coalesce(string_agg(name, ', ' ORDER BY name), '') FROM pg_settings WHERE setting = 'off' AND name IN "
    "('fsync', 'full_page_writes', 'autovacuum', 'track_counts')";

#undef WRENCH_AGE_US

class PostgresMonitor final : public StoreMonitor::Source {
 public:
  PostgresMonitor(Store& store, DatabaseUrl url) : store_(store), url_(std::move(url)) {}

  Result<Json> collect(Detail detail) override {
    if (!connection_ || connection_->hung_up()) connection_ = WRENCH_TRY(connect());
    WRENCH_TRY(connection_->exec("BEGIN READ ONLY"));
    auto looked = look(detail);
    if (auto ended = connection_->exec("ROLLBACK"); !ended) connection_.reset();
    return looked;
  }

  Result<void> sample(Micros now_us) override {
    const Micros minute = now_us - now_us % kMinute;
    if (minute == last_minute_) return {};
    const Rows fresh = WRENCH_TRY(store_.query(postgres::kFreshSamples));
    if (fresh.front().integer(0) == 0) {
      connection_ = WRENCH_TRY(connect());
      auto sampled = sample_alone();
      connection_.reset();  // Which ends the transaction, whatever became of it.
      WRENCH_TRY(std::move(sampled));
    }
    last_minute_ = minute;
    return {};
  }

 private:
  Result<std::unique_ptr<PostgresConnection>> connect() const {
    return PostgresConnection::open(url_, {}, kNoStatements);
  }

  Result<Json> json(const std::string& sql) {
    const std::string text = WRENCH_TRY(connection_->value(sql));
    return text.empty() ? Json() : codec::parse_json(text);
  }

  /// Of several processes that look at the same moment one goes on; if it dies, its lock goes with its connection.
  Result<void> sample_alone() {
    WRENCH_TRY(connection_->exec("BEGIN"));
    const std::string key = std::to_string(advisory_key(store_.store_id(), "samples"));
    if (WRENCH_TRY(connection_->value("SELECT pg_try_advisory_xact_lock(" + key + ")")) != "t") return {};
    const std::string now =
        WRENCH_TRY(connection_->value("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"));
    const auto keep = [&](SampleKind kind, Micros period, Micros age_max, const std::string& body) {
      const std::string at = now + " - " + now + " % " + std::to_string(period);
      const std::string name = postgres_literal(name_of(kind));
      return connection_->exec("INSERT INTO db_samples (kind, at, body) VALUES (" + name + ", " + at + ", " +
                               postgres_literal(body) +
                               ") ON CONFLICT (kind, at) DO NOTHING; DELETE FROM db_samples WHERE "
                               "kind = " +
                               name + " AND at < " + at + " - " + std::to_string(age_max));
    };
    const std::string body = codec::write_json(WRENCH_TRY(look(Detail::Cheap)));
    WRENCH_TRY(keep(SampleKind::Minute, kMinute, kMinuteSamplesAgeMax, body));
    WRENCH_TRY(keep(SampleKind::Hour, kHour, kHourSamplesAgeMax, body));
    return connection_->exec("COMMIT");
  }

  Result<Json> look(Detail detail) {
    const std::string at_least = detail == Detail::Cheap ? std::string(kCheapTables) : "0";
    Json connections = WRENCH_TRY(json(kConnections));
    const StoreStats stats = store_.stats();
    connections.set("reads", stats.reads);
    connections.set("flushes", stats.flushes);
    connections.set("jobs", stats.jobs);
    connections.set("jobs_failed", stats.jobs_failed);
    connections.set("queued_jobs", stats.queued_jobs);
    connections.set("conflicts", stats.conflicts);
    connections.set("reconnects", stats.reconnects);
    connections.set("oldest_xmin", WRENCH_TRY(json(kOldestXmin)));
    connections.set("replication_slots", WRENCH_TRY(json(kSlots)));
    Json out = Json::object({{"connections", std::move(connections)},
                             {"query_stats", WRENCH_TRY(query_stats())},
                             {"slow_queries", to_json(slow_statements(store_))},
                             {"running_slow", WRENCH_TRY(json(kRunning))},
                             {"table_stats", WRENCH_TRY(json(std::string(kTables) + at_least + ") AS t"))},
                             {"index_stats", WRENCH_TRY(json(std::string(kIndexes) + at_least + ") AS t"))},
                             {"cache_stats", WRENCH_TRY(json(kCache))}});
    out.set("warnings", WRENCH_TRY(warnings(out)));
    return out;
  }

  /// Empty without the extension pg_stat_statements.
  Result<Json> query_stats() {
    const std::string schema = WRENCH_TRY(connection_->value(kStatementsSchema));
    if (schema.empty()) return Json::array();
    WRENCH_TRY(connection_->exec("SAVEPOINT statements"));
    auto found = json(
        "SELECT coalesce(json_agg(q), '[]') FROM (SELECT left(query, 300) AS statement, calls, rows, "
        "CAST(total_exec_time * 1000 AS BIGINT) AS total_time_us, mean_exec_time * 1000 AS mean_time_us, max_exec_time "
        "* "
        "1000 AS max_time_us FROM " +
        schema +
        ".pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE "
        "datname = current_database()) AND userid = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY "
        "total_exec_time DESC LIMIT " +
        std::to_string(kStatementsSampledMax) + ") AS q");
    // It is there, but the server doesn't load it, or we may not see it.
    if (!found) WRENCH_TRY(connection_->exec("ROLLBACK TO SAVEPOINT statements"));
    return found ? std::move(*found) : Json::array();
  }

  Result<Json> warnings(const Json& metrics) {
    Json out = Json::array();
    const Json& connections = metrics.at("connections");
    const Json& oldest = connections.at("oldest_xmin");
    const Micros held_us = oldest.at("for_us").is_integer() ? oldest.at("for_us").as_integer() : 0;
    if (held_us > kOldSnapshot)
      out.push_back(std::string(oldest.at("held_by").as_string()) + " has kept a snapshot for " +
                    format_duration(held_us) + ": what was deleted since can't be cleaned up");
    for (const Json& slot : connections.at("replication_slots").as_array()) {
      const std::int64_t bytes = slot.at("retained_bytes").is_integer() ? slot.at("retained_bytes").as_integer() : 0;
      if (bytes > kRetainedLogMax)
        out.push_back("the replication slot " + std::string(slot.at("slot").as_string()) + " keeps " +
                      format_bytes(static_cast<std::uint64_t>(bytes)) + " of the server's log");
    }
    const auto used = connections.at("total").as_integer(), max = connections.at("max").as_integer();
    if (static_cast<double>(used) > kConnectionsUsed * static_cast<double>(max))
      out.push_back(std::to_string(used) + " of the server's " + std::to_string(max) + " connections are in use");
    for (const Json& table : metrics.at("table_stats").as_array()) {
      const auto dead = table.at("dead_rows").as_integer(), rows = table.at("rows").as_integer();
      if (dead > kDeadRowsMin && dead > kDeadRowsPerRow * rows)
        out.push_back(std::string(table.at("table").as_string()) + " has " + std::to_string(dead) + " dead rows, and " +
                      std::to_string(rows) + " that live: autovacuum can't keep up, or is kept from it");
    }
    if (const std::string off = WRENCH_TRY(connection_->value(kOff)); !off.empty())
      out.push_back("the server's settings say off for: " + off);
    return out;
  }

  Store& store_;
  const DatabaseUrl url_;
  std::unique_ptr<PostgresConnection> connection_;
  Micros last_minute_ = -1;
};

}  // namespace

Result<std::unique_ptr<StoreMonitor::Source>> postgres_monitor(Store& store, const std::string& url) {
  return std::unique_ptr<StoreMonitor::Source>(new PostgresMonitor(store, WRENCH_TRY(DatabaseUrl::parse(url))));
}

}  // namespace wrench::storage
