#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "database_meter.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/rows.hpp"
#include "wrench/storage/statement.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace wrench::storage {

/// One SQLite connection with the store's settings and its prepared statements. One thread at a time.
class SqliteConnection {
 public:
  enum class Role { Writer, Reader };

  /// Opens `path` (Writer: creates an empty file if there is none). `catalogue` must outlive the connection.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Role role, const std::string& vfs_name,
                                                        const StatementCatalogue& catalogue);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  /// A catalogue statement. `rows` gets the results if not null. Returns the number of rows changed.
  Result<std::int64_t> run(const Statement& statement, std::span<const Bind> binds, Rows* rows);
  /// The same for each group of `width` parameters; the sum of rows changed.
  Result<std::int64_t> run_each(const Statement& statement, std::size_t width, std::span<const Bind> binds, Rows* rows);

  /// SQL that is no statement of the catalogue: settings, transaction control, migrations. The raw result code.
  int exec_raw(const char* sql);
  Result<void> exec(const std::string& sql);
  /// First column of the first row, as text; empty if there is no row.
  Result<std::string> pragma(const std::string& sql);

  /// Statements fail with storage.snapshot_expired (or storage.deadline) once the clock passes these.
  void limit_time(const Clock& clock, Micros snapshot_ends_us, Deadline deadline);
  void unlimit_time();

  bool in_transaction() const;  ///< SQLite ends one by itself after some errors.
  std::int64_t total_changes() const;
  std::size_t wal_pages() const { return wal_pages_; }
  enum class Checkpoint {
    Passive,         ///< What can be copied without waiting for anybody.
    Restart,         ///< Everything; waits until nobody reads from the log, so that the next commit starts it anew.
    RestartIfQuiet,  ///< The same, unless somebody reads longer than a moment: a backup may, and writers mustn't wait.
  };
  /// Raw result code.
  int checkpoint(Checkpoint mode);
  /// Makes durable what opening the database found in the log: the process that wrote it may have died before its
  /// fsync. Raw result code.
  int flush_log();
  /// Before the first write of a connection; later calls do nothing. Raw result code, SQLITE_BUSY if a reader of
  /// another process stays.
  int begin_log_anew();
  /// Counts statements there from now on; `meter` must outlive the connection.
  void count_in(DatabaseMeter& meter);
  /// Tells the meter how the page cache did since the last time.
  void count_cache() const;
  std::uint64_t statements_run() const { return statements_run_; }
  sqlite3* raw() const { return db_; }

 private:
  explicit SqliteConnection(sqlite3* db) : db_(db) {}
  struct Prepared {
    sqlite3_stmt* stmt = nullptr;
    sqlite3_stmt* of_many = nullptr;  ///< For kRowsAtOnce rows, of an INSERT that can be.
    bool looked_for_many = false;
    DatabaseMeter::Counter* counter = nullptr;
  };
  static constexpr std::size_t kRowsAtOnce = 16;
  Result<Prepared*> prepared(const Statement& statement);
  Result<sqlite3_stmt*> prepare(const Statement& statement, std::string_view sql);
  /// Null if it can't be.
  Result<sqlite3_stmt*> prepared_of_many(Prepared& found, const Statement& statement, std::size_t width);
  /// `stmt`: of `found`, for so many groups of parameters.
  Result<std::int64_t> run(const Prepared& found, sqlite3_stmt* stmt, std::size_t groups, const Statement& statement,
                           std::span<const Bind> binds, Rows* rows);
  Result<std::int64_t> step_through(sqlite3_stmt* stmt, const Statement& statement, Rows* rows);
  Result<void> bind(sqlite3_stmt* stmt, const Statement& statement, std::span<const Bind> binds);
  Error failure(int result_code, std::string_view doing) const;

  sqlite3* db_;
  std::unordered_map<const Statement*, Prepared> statements_;
  DatabaseMeter* meter_ = nullptr;
  const Clock* clock_ = nullptr;
  Micros snapshot_ends_us_ = 0;
  Deadline deadline_;
  std::size_t wal_pages_ = 0;
  bool log_begun_anew_ = false;
  std::uint64_t statements_run_ = 0;
};

}  // namespace wrench::storage
