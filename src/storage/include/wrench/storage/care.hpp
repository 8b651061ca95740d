#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/migrations.hpp"
#include "wrench/storage/statement.hpp"

/// What somebody who looks after a store asks of it. `where`: its data directory, or the URL of its PostgreSQL
/// database.
namespace wrench::storage {

struct MigrationState {
  std::int64_t version = 0;
  std::string name;
  bool applied = false;
  Micros applied_at = 0, duration_us = 0;  ///< If applied.
};
/// Those that the store has had and those that opening it for writing would run; every one is pending where there is no
/// store yet. Changes nothing. `migrations`: empty are the embedded ones. Errors: storage.schema_newer,
/// storage.migration_checksum, storage.corrupt and others.
Result<std::vector<MigrationState>> list_migrations(const std::string& where, const Clock& clock,
                                                    std::span<const Migration> migrations = {});

/// How the database runs one statement on the store as it is, with the settings that the product's connections have.
struct StatementAnalysis {
  std::string id, sql;
  std::vector<std::string> plan;        ///< Steps of EXPLAIN QUERY PLAN; nodes of PostgreSQL's plan for any parameters.
  std::vector<std::string> scan_types;  ///< Of each step that reads a table: "search" or "scan".
  std::vector<std::string> index_usage;       ///< Indexes used, "primary key" for a table's own.
  std::vector<std::string> sequential_scans;  ///< Tables read from end to end.
  Micros prepare_us = 0;
  std::vector<std::string> recommendations;  ///< Empty: nothing to do.
};
/// Errors: storage.not_found, storage.corrupt and others.
Result<StatementAnalysis> analyze_statement(const std::string& where, const Statement& statement);

struct ServerSetting {
  std::string name, value;
};
/// Of a PostgreSQL server, for the sessions of wrench: whether what it has committed survives a loss of power. Errors:
/// storage.unreachable, storage.invalid_url, …
Result<std::vector<ServerSetting>> durability_settings(const std::string& url);

inline constexpr std::size_t kDamageLinesMax = 100;  ///< Of one find_damage(); it ends there.

enum class DamageSearch : std::uint8_t {
  Rows,     ///< Pages and rows: PRAGMA quick_check.
  Indexes,  ///< And whether each index has the rows of its table, which takes several times as long.
};
/// What SQLite itself finds wrong with the file of a store, a line each: what the engine's own check reads by way of
/// the damaged part would only confuse. One table after another, each in a snapshot of its own, so that the log of a
/// store in use can be given back in between; free pages aren't looked at. Errors: storage.stopped, storage.corrupt
/// (nothing can be read at all), storage.not_found and others.
Result<std::vector<std::string>> find_damage(const std::string& directory, DamageSearch search, const StopToken& stop);

struct VacuumReport {
  std::uint64_t bytes_before = 0, bytes_after = 0;
};
/// SQLite: rewrites the database without its free pages. Needs room for another copy of it, and nobody else: Errors:
/// storage.in_use (a process works with the store), storage.busy, storage.full and others.
/// (PostgreSQL cleans up by itself, beside its work: what keeps it from that is what StoreMonitor warns of.)
Result<VacuumReport> vacuum_store(const std::string& directory, const Clock& clock);

}  // namespace wrench::storage
