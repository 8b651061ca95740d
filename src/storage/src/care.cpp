#include "wrench/storage/care.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "backup/sqlite_query.hpp"
#include "database_url.hpp"
#include "migration_runner.hpp"
#include "postgres_care.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_error.hpp"
#include "sqlite_identity.hpp"
#include "sqlite_migration_target.hpp"
#include "store_directory.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

/// Column of EXPLAIN QUERY PLAN with the text (sqlite.org/eqp.html).
constexpr int kDetailColumn = 3;
constexpr int kStepsBetweenLooks = 10'000;  ///< Of SQLite's machine, until it is asked whether to go on.

Result<std::unique_ptr<SqliteConnection>> look_into(const std::string& directory) {
  static const StatementCatalogue none;
  const StoreDirectory folder = WRENCH_TRY(StoreDirectory::open_to_read(directory));
  auto connection =
      WRENCH_TRY(SqliteConnection::open(folder.database_path(), SqliteConnection::Role::Reader, {}, none));
  if (WRENCH_TRY(sqlite_number(connection->raw(), "PRAGMA application_id")) != kApplicationId)
    return Error("storage.corrupt", folder.database_path() + " is no store of wrench");
  return connection;
}

/// What one step of a plan says: "SEARCH t USING INDEX i (a=?)", "SCAN t", "USE TEMP B-TREE FOR ORDER BY".
void read_step(const std::string& step, StatementAnalysis& analysis) {
  const std::vector<std::string_view> words = split(step, ' ');
  const bool search = words.front() == "SEARCH";
  const bool scan = words.front() == "SCAN" && step != "SCAN CONSTANT ROW";
  if (search || scan) analysis.scan_types.emplace_back(search ? "search" : "scan");
  if (search || scan) {
    const auto index = std::find(words.begin(), words.end(), "INDEX");
    if (index != words.end() && index + 1 != words.end())
      analysis.index_usage.emplace_back(*(index + 1));
    else if (step.find("PRIMARY KEY") != std::string::npos)
      analysis.index_usage.emplace_back("primary key");
  }
  if (scan && words.size() > 1) {
    analysis.sequential_scans.emplace_back(words[1]);
    analysis.recommendations.push_back("reads " + std::string(words[1]) + " from end to end: an index, or a limit");
  }
  if (step.find("TEMP B-TREE") != std::string::npos)
    analysis.recommendations.push_back("sorts what it reads: an index in that order");
  if (step.find("AUTOMATIC") != std::string::npos)
    analysis.recommendations.push_back("builds an index each time: make it one of the schema");
}

std::uint64_t size_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

std::vector<MigrationState> pending_states(std::span<const Migration> migrations) {
  std::vector<MigrationState> states;
  for (const Migration& migration : migrations) {
    MigrationState state;
    state.version = migration.version;
    state.name = migration.name;
    states.push_back(std::move(state));
  }
  return states;
}

Result<std::vector<MigrationState>> list_migrations(const std::string& where, const Clock& clock,
                                                    std::span<const Migration> migrations) {
  if (DatabaseUrl::is_url(where))
    return list_postgres_migrations(where, clock,
                                    migrations.empty() ? embedded_migrations(Dialect::Postgres) : migrations);
  if (migrations.empty()) migrations = embedded_migrations();
  std::vector<MigrationState> states = pending_states(migrations);
  auto connection = look_into(where);
  if (!connection.ok() && connection.error().code == "storage.not_found") return states;
  if (!connection.ok()) return std::move(connection).error();
  SqliteMigrationTarget target(**connection);
  MigrationRunner runner(target, migrations, clock);
  WRENCH_TRY(runner.check());
  WRENCH_TRY(query_sqlite(
      (*connection)->raw(), "SELECT version, applied_at, duration_us FROM schema_migrations", [&](sqlite3_stmt* row) {
        // Numbers of the other dialect are missing here.
        const auto it = std::ranges::find(states, sqlite3_column_int64(row, 0), &MigrationState::version);
        if (it == states.end()) return;
        it->applied = true;
        it->applied_at = sqlite3_column_int64(row, 1);
        it->duration_us = sqlite3_column_int64(row, 2);
      }));
  return states;
}

void excuse(StatementAnalysis& analysis, std::string_view exception) {
  if (!exception.empty() && !analysis.recommendations.empty())
    analysis.recommendations = {"none: it is meant to be like this: " + std::string(exception)};
}

Result<StatementAnalysis> analyze_statement(const std::string& where, const Statement& statement) {
  if (DatabaseUrl::is_url(where)) return analyze_postgres_statement(where, statement);
  const auto connection = WRENCH_TRY(look_into(where));
  const SystemClock clock;
  StatementAnalysis analysis;
  analysis.id = statement.id;
  analysis.sql = statement.sql;
  const Micros began = clock.boot_us();
  sqlite3_stmt* prepared = nullptr;
  const int rc = sqlite3_prepare_v2(connection->raw(), analysis.sql.c_str(), -1, &prepared, nullptr);
  sqlite3_finalize(prepared);
  if (rc != SQLITE_OK) return sqlite_error(connection->raw(), rc, analysis.id);
  analysis.prepare_us = clock.boot_us() - began;
  WRENCH_TRY(query_sqlite(connection->raw(), "EXPLAIN QUERY PLAN " + analysis.sql,
                          [&](sqlite3_stmt* row) { analysis.plan.emplace_back(sqlite_column(row, kDetailColumn)); }));
  for (const std::string& step : analysis.plan) read_step(step, analysis);
  excuse(analysis, statement.plan_exception);
  return analysis;
}

Result<std::vector<std::string>> find_damage(const std::string& directory, DamageSearch search, const StopToken& stop) {
  const auto connection = WRENCH_TRY(look_into(directory));
  sqlite3* const db = connection->raw();
  const auto stopped = [](void* token) -> int {
    return static_cast<const StopToken*>(token)->stop_requested() ? 1 : 0;
  };
  // SQLite's callbacks take no pointer to const.
  sqlite3_progress_handler(db, kStepsBetweenLooks, stopped, const_cast<StopToken*>(&stop));
  std::vector<std::string> tables, out;
  WRENCH_TRY(query_sqlite(
      db, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name",
      [&](sqlite3_stmt* row) { tables.emplace_back(sqlite_column(row, 0)); }));
  const std::string check = search == DamageSearch::Indexes ? "PRAGMA integrity_check(" : "PRAGMA quick_check(";
  for (const std::string& table : tables) {
    if (out.size() >= kDamageLinesMax) break;
    auto checked = query_sqlite(db, check + sqlite_name(table) + ")", [&](sqlite3_stmt* row) {
      const std::string_view line = sqlite_column(row, 0);
      if (line != "ok" && out.size() < kDamageLinesMax) out.push_back("table " + table + ": " + std::string(line));
    });
    if (stop.stop_requested()) return Error("storage.stopped", "the search for damage was stopped");
    if (!checked && checked.error().code != "storage.corrupt") return std::move(checked).error();
    if (!checked) out.push_back("table " + table + ": " + checked.error().message);
  }
  return out;
}

Result<VacuumReport> vacuum_store(const std::string& directory, const Clock& clock) {
  // Not open(): that would make a directory where there is none.
  WRENCH_TRY(StoreDirectory::open_to_read(directory));
  const StoreDirectory folder = WRENCH_TRY(StoreDirectory::open(directory));
  const auto lock = WRENCH_TRY(folder.open_write_lock());
  if (auto locked = lock->lock(clock, Deadline::after(clock, kLockWaitMax)); !locked.ok())
    return file_error(std::move(locked).error(), "vacuum");
  for (const auto& [boot, liveness] : WRENCH_TRY(runtime::BootLock::list(directory + "/boots")))
    if (liveness == runtime::BootLock::Liveness::Live)
      return Error("storage.in_use", "a process works with the store (" + boot + "); end it first");
  VacuumReport report;
  report.bytes_before = size_of(folder.database_path());
  {
    const StatementCatalogue none;
    const auto connection =
        WRENCH_TRY(SqliteConnection::open(folder.database_path(), SqliteConnection::Role::Writer, {}, none));
    if (WRENCH_TRY(sqlite_number(connection->raw(), "PRAGMA application_id")) != kApplicationId)
      return Error("storage.corrupt", folder.database_path() + " is no store of wrench");
    if (const int rc = connection->begin_log_anew(); rc != SQLITE_OK)
      return sqlite_error(connection->raw(), rc, "copy the log into the database");
    WRENCH_TRY(connection->exec("VACUUM"));
    // The whole database went through the log: it is copied, and the room given back.
    if (WRENCH_TRY(sqlite_number(connection->raw(), "PRAGMA wal_checkpoint(TRUNCATE)")) != 0)
      return Error("storage.busy", "somebody reads the store: its log keeps its size until the next vacuum");
  }
  report.bytes_after = size_of(folder.database_path());
  return report;
}

}  // namespace wrench::storage
