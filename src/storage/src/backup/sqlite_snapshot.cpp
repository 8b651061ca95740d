#include "sqlite_snapshot.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../sqlite_connection.hpp"
#include "../sqlite_error.hpp"
#include "../sqlite_identity.hpp"
#include "../store_directory.hpp"
#include "backup_file.hpp"
#include "sqlite_query.hpp"
#include "wrench/base/version.hpp"

namespace wrench::storage {
namespace {

/// 1 MiB: between two of them the copy looks at its limits and sleeps off what it is ahead of its rate.
constexpr int kPagesPerStep = 256;
constexpr Micros kSleepSlice = 20 * kMicrosPerMs;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
struct FinishBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

Result<void> check_owner(sqlite3* db, const std::string& where) {
  if (WRENCH_TRY(sqlite_number(db, "PRAGMA application_id")) == kApplicationId) return {};
  return Error("storage.corrupt", where + " is no store of wrench");
}

Result<BackupManifest> describe_snapshot(sqlite3* db) {
  BackupManifest manifest;
  manifest.method = kSqliteMethod;
  manifest.program_version = version();
  manifest.database_version = sqlite3_libversion();
  manifest.store_id = WRENCH_TRY(sqlite_text(db, "SELECT value FROM store_meta WHERE name = 'store_id'"));
  manifest.epoch = WRENCH_TRY(sqlite_number(db, "SELECT epoch FROM event_clock WHERE id = 1"));
  manifest.event_seq = WRENCH_TRY(sqlite_number(db, "SELECT next - 1 FROM event_clock WHERE id = 1"));
  manifest.schema_version = WRENCH_TRY(sqlite_number(db, "SELECT max(version) FROM schema_migrations"));
  // Not virtual tables: those that a full-text index keeps its entries in are counted.
  std::vector<std::string> tables;
  WRENCH_TRY(query_sqlite(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name",
                          [&](sqlite3_stmt* row) { tables.emplace_back(sqlite_column(row, 0)); }));
  if (tables.size() > kBackupTablesMax) return Error("storage.corrupt", "the store has too many tables");
  for (const std::string& table : tables)
    manifest.rows.emplace_back(table, WRENCH_TRY(sqlite_number(db, "SELECT count(*) FROM " + sqlite_name(table))));
  return manifest;
}

/// Keeps the copy within what the options allow.
class Limits {
 public:
  Limits(const BackupOptions& options, std::string wal_path, const Clock& clock)
      : options_(options),
        wal_path_(std::move(wal_path)),
        clock_(clock),
        began_us_(clock.boot_us()),
        wal_bytes_at_start_(wal_bytes()) {}

  Result<void> allow(std::uint64_t copied_bytes) {
    for (;;) {
      if (options_.stop.stop_requested()) return Error("backup.stopped", "the backup was stopped; nothing was kept");
      const Micros passed = clock_.boot_us() - began_us_;
      if (passed > options_.copy_time_max_us)
        return Error("backup.too_slow",
                     "the copy took longer than " + format_duration(options_.copy_time_max_us) +
                         ", and others can't reuse the store's log meanwhile; allow a higher --rate");
      const std::uint64_t wal = wal_bytes();
      if (wal > options_.wal_bytes_max && wal > wal_bytes_at_start_)
        return Error("backup.log_too_large", "so much was written during the copy that the store's log has " +
                                                 std::to_string(wal) +
                                                 " bytes; try again when less goes on, or allow a higher --rate");
      const Micros ahead = options_.bytes_per_second == 0 ? 0 : time_of(copied_bytes) - passed;
      if (ahead <= 0) return {};
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(ahead, kSleepSlice)));
    }
  }

 private:
  Micros time_of(std::uint64_t bytes) const {
    return static_cast<Micros>(static_cast<double>(bytes) / static_cast<double>(options_.bytes_per_second) *
                               static_cast<double>(kMicrosPerSecond));
  }
  /// Without opening: a descriptor of ours on the log would, when closed, drop SQLite's locks on it.
  std::uint64_t wal_bytes() const {
    struct stat info{};
    return ::stat(wal_path_.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }

  const BackupOptions& options_;
  const std::string wal_path_;
  const Clock& clock_;
  const Micros began_us_;
  const std::uint64_t wal_bytes_at_start_;
};

Result<void> copy_pages(sqlite3* source, const std::string& into, Limits& limits) {
  const auto page_bytes = static_cast<std::uint64_t>(WRENCH_TRY(sqlite_number(source, "PRAGMA page_size")));
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(into.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const Database target(raw);
  if (opened != SQLITE_OK) return sqlite_error(raw, opened, "create " + into);
  // A copy that isn't whole is thrown away: it needs neither a journal nor a flush.
  if (const int rc = sqlite3_exec(raw, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
      rc != SQLITE_OK)
    return sqlite_error(raw, rc, "prepare " + into);
  const std::unique_ptr<sqlite3_backup, FinishBackup> backup(sqlite3_backup_init(raw, "main", source, "main"));
  if (!backup) return sqlite_error(raw, sqlite3_extended_errcode(raw), "copy the store");
  std::uint64_t copied = 0;
  for (;;) {
    const int rc = sqlite3_backup_step(backup.get(), kPagesPerStep);
    if (rc == SQLITE_DONE) return {};
    if (rc != SQLITE_OK) return sqlite_error(nullptr, rc, "copy the store to " + into);
    copied += kPagesPerStep * page_bytes;
    WRENCH_TRY(limits.allow(copied));
  }
}

}  // namespace

Result<BackupManifest> copy_sqlite(const BackupOptions& options, const std::string& into, const Clock& clock) {
  const StoreDirectory directory = WRENCH_TRY(StoreDirectory::open_to_read(options.data_directory));
  const StatementCatalogue none;
  const std::unique_ptr<SqliteConnection> source =
      WRENCH_TRY(SqliteConnection::open(directory.database_path(), SqliteConnection::Role::Reader, {}, none));
  WRENCH_TRY(check_owner(source->raw(), directory.database_path()));
  // What is copied must be durable here, too: else a power cut could make the store older than its backup.
  if (const int rc = source->flush_log(); rc != SQLITE_OK) return sqlite_error(source->raw(), rc, "flush the log");
  Limits limits(options, directory.wal_path(), clock);
  // The read transaction is held all the time. Trap: without it each commit of another process has the copy begin anew,
  // so under load it never ends.
  WRENCH_TRY(source->exec("BEGIN"));
  BackupManifest manifest = WRENCH_TRY(describe_snapshot(source->raw()));
  manifest.created_at = clock.now_us();
  WRENCH_TRY(copy_pages(source->raw(), into, limits));
  WRENCH_TRY(source->exec("ROLLBACK"));
  return manifest;
}

Result<std::vector<std::string>> inspect_sqlite(const std::string& path, const BackupManifest& manifest) {
  const StatementCatalogue none;
  const std::unique_ptr<SqliteConnection> copy =
      WRENCH_TRY(SqliteConnection::open(path, SqliteConnection::Role::Reader, {}, none));
  sqlite3* const db = copy->raw();
  std::vector<std::string> problems;
  const auto problem = [&](std::string text) {
    if (problems.size() < kBackupProblemsMax) problems.push_back(std::move(text));
  };
  WRENCH_TRY(
      query_sqlite(db, "PRAGMA integrity_check(" + std::to_string(kBackupProblemsMax) + ")", [&](sqlite3_stmt* row) {
        if (sqlite_column(row, 0) != "ok") problem("integrity: " + std::string(sqlite_column(row, 0)));
      }));
  if (!problems.empty()) return problems;  // Counting rows of a broken tree would only repeat it.
  WRENCH_TRY(
      query_sqlite(db, "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1", [&](sqlite3_stmt* row) {
        problem("table " + std::string(sqlite_column(row, 0)) + ": " + std::string(sqlite_column(row, 1)) +
                " rows refer to rows that aren't there");
      }));
  for (std::string& text : differences(manifest, WRENCH_TRY(describe_snapshot(db)))) problem(std::move(text));
  return problems;
}

}  // namespace wrench::storage
