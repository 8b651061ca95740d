#include "sqlite_connection.hpp"

#include <sqlite3.h>

#include <cctype>
#include <chrono>
#include <memory>
#include <utility>

#include "durability_guards.hpp"
#include "sqlite_error.hpp"
#include "sqlite_page_cache.hpp"
#include "sqlite_search.hpp"
#include "sqlite_sql.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr int kQuietTimeoutMs = 20;
/// About 0.1 ms of virtual machine work between two looks at the clock.
constexpr int kOpsPerTimeCheck = 4'000;

/// Every rule of section "SQLite" in README.md that is a setting.
constexpr const char* kCommonSettings =
    "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;";
constexpr const char* kWriterSettings = "PRAGMA cache_size=-65536;";
constexpr const char* kReaderSettings = "PRAGMA cache_size=-16384; PRAGMA query_only=ON;";

/// For the whole process. Refused once SQLite is in use, which does no harm.
void configure_sqlite() {
  // Counts nobody reads, under a mutex at each allocation.
  [[maybe_unused]] static const int no_counts = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  [[maybe_unused]] static const bool page_cache = install_page_cache();
}

struct Finalize {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
using OwnedStatement = std::unique_ptr<sqlite3_stmt, Finalize>;

/// psow=0: SQLite then pads each commit in the log to a whole block, so that the next write can't tear it
/// (docs/adr/0007-whole-blocks.md). SQLITE_FCNTL_POWERSAFE_OVERWRITE comes too late: opening has asked already.
std::string database_uri(std::string_view path) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri.append({'%', kHex[byte >> 4U], kHex[byte & 0xFU]});
    }
  }
  return uri + (keeps(Keep::WholeBlocks) ? "?psow=0" : "?psow=1");
}

/// A NULL pointer would bind NULL, also for text of length 0.
const char* not_null(std::string_view text) { return text.data() == nullptr ? "" : text.data(); }

void collect(sqlite3_stmt* stmt, Rows& rows) {
  const int columns = sqlite3_column_count(stmt);
  rows.set_columns(static_cast<std::size_t>(columns));
  for (int i = 0; i < columns; ++i) switch (sqlite3_column_type(stmt, i)) {
      case SQLITE_INTEGER:
        rows.add_integer(sqlite3_column_int64(stmt, i));
        break;
      case SQLITE_FLOAT:
        rows.add_real(sqlite3_column_double(stmt, i));
        break;
      case SQLITE_NULL:
        rows.add_null();
        break;
      default: {
        const bool text = sqlite3_column_type(stmt, i) == SQLITE_TEXT;
        const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt, i));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt, i));
        rows.add_bytes(text ? CellType::Text : CellType::Bytes, std::string_view(data == nullptr ? "" : data, size));
      }
    }
}

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Role role,
                                                                 const std::string& vfs_name,
                                                                 const StatementCatalogue& catalogue) {
  configure_sqlite();
  sqlite3* db = nullptr;
  // A reader opens for writing too: the WAL index is shared memory that readers mark. query_only keeps it from more.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (role == Role::Writer ? SQLITE_OPEN_CREATE : 0);
  const int opened =
      sqlite3_open_v2(database_uri(path).c_str(), &db, flags, vfs_name.empty() ? nullptr : vfs_name.c_str());
  if (opened != SQLITE_OK) {
    Error error = sqlite_error(db, opened, "open " + path);
    sqlite3_close(db);
    return error;
  }
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(db));
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Trap: a checkpoint while another connection commits can corrupt the WAL (SQLite 3.7.0 to 3.51.2). So nobody
  // checkpoints but the writer, under the write lock: not by itself after a commit, not when the last one closes.
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(db, 0);
  sqlite3_wal_hook(
      db,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteConnection*>(self)->wal_pages_ = static_cast<std::size_t>(pages);
        return SQLITE_OK;
      },
      connection.get());
  // The WAL stays: overwriting a file flushes about twice as fast as growing one.
  int persist = 1;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
  for (const char* settings : {kCommonSettings, role == Role::Writer ? kWriterSettings : kReaderSettings})
    if (const int rc = connection->exec_raw(settings); rc != SQLITE_OK)
      return sqlite_error(db, rc, "prepare the connection to " + path);
  if (const int rc = register_search_functions(db); rc != SQLITE_OK)
    return sqlite_error(db, rc, "search with the connection to " + path);
  if (!keeps(Keep::FlushOnCommit)) connection->exec_raw("PRAGMA synchronous=OFF");
  connection->statements_.reserve(catalogue.all().size());
  for (const Statement* statement : catalogue.all()) connection->statements_.emplace(statement, Prepared{});
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [statement, prepared] : statements_) {
    sqlite3_finalize(prepared.stmt);
    sqlite3_finalize(prepared.of_many);
  }
  const int closed = sqlite3_close(db_);
  WRENCH_ASSERT(closed == SQLITE_OK);
}

Result<SqliteConnection::Prepared*> SqliteConnection::prepared(const Statement& statement) {
  const auto found = statements_.find(&statement);
  WRENCH_ASSERT(found != statements_.end());  // not in the catalogue given to Store::open
  if (found->second.stmt == nullptr) found->second.stmt = WRENCH_TRY(prepare(statement, statement.sql));
  return &found->second;
}

Result<sqlite3_stmt*> SqliteConnection::prepared_of_many(Prepared& found, const Statement& statement,
                                                         std::size_t width) {
  if (std::exchange(found.looked_for_many, true)) return found.of_many;
  const std::string sql = sqlite_insert_of_many(statement, width, kRowsAtOnce);
  if (!sql.empty()) found.of_many = WRENCH_TRY(prepare(statement, sql));
  return found.of_many;
}

Result<sqlite3_stmt*> SqliteConnection::prepare(const Statement& statement, std::string_view sql) {
  const char* tail = nullptr;
  sqlite3_stmt* stmt = nullptr;
  const int rc =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
  if (rc != SQLITE_OK) return failure(rc, "prepare " + std::string(statement.id));
  WRENCH_ASSERT(stmt != nullptr && trim(sql.substr(tail - sql.data())).empty());
  WRENCH_ASSERT((statement.access == Access::Read) == (sqlite3_stmt_readonly(stmt) != 0));
  return stmt;
}

Result<void> SqliteConnection::bind(sqlite3_stmt* stmt, const Statement& statement, std::span<const Bind> binds) {
  WRENCH_ASSERT(static_cast<int>(binds.size()) == sqlite3_bind_parameter_count(stmt));
  int at = 0;
  for (const Bind& bind : binds) {
    ++at;
    int rc = SQLITE_OK;
    switch (bind.type()) {
      case CellType::Null:
        rc = sqlite3_bind_null(stmt, at);
        break;
      case CellType::Integer:
        rc = sqlite3_bind_int64(stmt, at, bind.integer());
        break;
      case CellType::Real:
        rc = sqlite3_bind_double(stmt, at, bind.real());
        break;
      case CellType::Text:
        rc = sqlite3_bind_text64(stmt, at, not_null(bind.view()), bind.view().size(), SQLITE_STATIC, SQLITE_UTF8);
        break;
      case CellType::Bytes:
        rc = sqlite3_bind_blob64(stmt, at, not_null(bind.view()), bind.view().size(), SQLITE_STATIC);
        break;
    }
    if (rc != SQLITE_OK)
      return failure(rc, "bind parameter " + std::to_string(at) + " of " + std::string(statement.id));
  }
  return {};
}

Result<std::int64_t> SqliteConnection::run(const Statement& statement, std::span<const Bind> binds, Rows* rows) {
  const Prepared& found = *WRENCH_TRY(prepared(statement));
  return run(found, found.stmt, 1, statement, binds, rows);
}

Result<std::int64_t> SqliteConnection::run_each(const Statement& statement, std::size_t width,
                                                std::span<const Bind> binds, Rows* rows) {
  std::int64_t changed = 0;
  if (binds.empty()) return changed;
  Prepared& found = *WRENCH_TRY(prepared(statement));
  const std::size_t together = kRowsAtOnce * width;
  sqlite3_stmt* const of_many =
      binds.size() < together ? nullptr : WRENCH_TRY(prepared_of_many(found, statement, width));
  std::size_t at = 0;
  for (; of_many != nullptr && binds.size() - at >= together; at += together)
    changed += WRENCH_TRY(run(found, of_many, kRowsAtOnce, statement, binds.subspan(at, together), rows));
  for (; at < binds.size(); at += width)
    changed += WRENCH_TRY(run(found, found.stmt, 1, statement, binds.subspan(at, width), rows));
  return changed;
}

Result<std::int64_t> SqliteConnection::run(const Prepared& found, sqlite3_stmt* stmt, std::size_t groups,
                                           const Statement& statement, std::span<const Bind> binds, Rows* rows) {
  if (clock_ != nullptr && (clock_->boot_us() >= snapshot_ends_us_ || deadline_.passed(*clock_)))
    return failure(SQLITE_INTERRUPT, statement.id);
  WRENCH_TRY(bind(stmt, statement, binds));
  ++statements_run_;
  if (found.counter == nullptr) return step_through(stmt, statement, rows);
  const std::uint64_t call = found.counter->calls.fetch_add(groups, std::memory_order_relaxed);
  // Of several groups at once each has its turn.
  static_assert(DatabaseMeter::kTimedEvery == kRowsAtOnce);
  const bool timed = groups > 1 || call % DatabaseMeter::kTimedEvery == 0;
  const auto began = timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  const Micros began_coarse = SlowLog::coarse_now_us();
  const std::size_t rows_before = rows == nullptr ? 0 : rows->size();
  Result<std::int64_t> changed = step_through(stmt, statement, rows);
  if (timed) {
    const auto took = std::chrono::steady_clock::now() - began;
    found.counter->timed_ns.fetch_add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()) / groups,
        std::memory_order_relaxed);
  }
  std::uint64_t seen = rows == nullptr ? 0 : rows->size() - rows_before;
  if (rows == nullptr && changed.ok()) seen = static_cast<std::uint64_t>(*changed);
  meter_->slow_log().took(statement, SlowLog::coarse_now_us() - began_coarse, seen);
  if (changed.ok() && seen > 0) found.counter->rows.fetch_add(seen, std::memory_order_relaxed);
  return changed;
}

Result<std::int64_t> SqliteConnection::step_through(sqlite3_stmt* stmt, const Statement& statement, Rows* rows) {
  const std::int64_t before = total_changes();
  if (rows != nullptr) rows->set_columns(static_cast<std::size_t>(sqlite3_column_count(stmt)));
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (rows == nullptr) continue;
    collect(stmt, *rows);
    if (rows->byte_size() > kResultBytesMax) {
      sqlite3_reset(stmt);
      return Error("storage.result_too_large", std::string(statement.id) + ": more than " +
                                                   std::to_string(kResultBytesMax) + " bytes; page by key");
    }
  }
  if (rc != SQLITE_DONE) {
    Error error = failure(rc, statement.id);
    sqlite3_reset(stmt);
    return error;
  }
  const bool changed = total_changes() != before;
  const std::int64_t changes = changed ? sqlite3_changes64(db_) : 0;  // without rows changed by cascades
  sqlite3_reset(stmt);
  return changes;
}

void SqliteConnection::count_in(DatabaseMeter& meter) {
  meter_ = &meter;
  for (auto& [statement, prepared] : statements_) prepared.counter = meter.counter(*statement);
}

void SqliteConnection::count_cache() const {
  if (meter_ == nullptr) return;
  int hits = 0, misses = 0, high_water = 0;
  sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_HIT, &hits, &high_water, 1);
  sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_MISS, &misses, &high_water, 1);
  meter_->add_cache(static_cast<std::uint64_t>(hits), static_cast<std::uint64_t>(misses));
}

int SqliteConnection::exec_raw(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }

Result<void> SqliteConnection::exec(const std::string& sql) {
  const int rc = exec_raw(sql.c_str());
  if (rc != SQLITE_OK) return sqlite_error(db_, rc, sql.substr(0, 80));
  return {};
}

Result<std::string> SqliteConnection::pragma(const std::string& sql) {
  sqlite3_stmt* raw_stmt = nullptr;
  int rc = sqlite3_prepare_v2(db_, sql.c_str(), static_cast<int>(sql.size()), &raw_stmt, nullptr);
  const OwnedStatement stmt(raw_stmt);
  if (rc != SQLITE_OK) return sqlite_error(db_, rc, sql);
  std::string first;
  bool seen = false;
  // To the end, not to the first row: journal_mode says "wal" first and commits the change after.
  while ((rc = sqlite3_step(stmt.get())) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt.get(), 0));
    if (!std::exchange(seen, true) && text != nullptr) first = text;
  }
  if (rc != SQLITE_DONE) return sqlite_error(db_, rc, sql);
  return first;
}

void SqliteConnection::limit_time(const Clock& clock, Micros snapshot_ends_us, Deadline deadline) {
  clock_ = &clock;
  snapshot_ends_us_ = snapshot_ends_us;
  deadline_ = deadline;
  sqlite3_progress_handler(
      db_, kOpsPerTimeCheck,
      [](void* context) {
        const auto* self = static_cast<const SqliteConnection*>(context);
        return self->clock_->boot_us() >= self->snapshot_ends_us_ || self->deadline_.passed(*self->clock_) ? 1 : 0;
      },
      this);
}

void SqliteConnection::unlimit_time() {
  clock_ = nullptr;
  sqlite3_progress_handler(db_, 0, nullptr, nullptr);
}

Error SqliteConnection::failure(int result_code, std::string_view doing) const {
  if ((result_code & 0xFF) == SQLITE_INTERRUPT && clock_ != nullptr && deadline_.passed(*clock_))
    return Error("storage.deadline", std::string(doing) + ": the deadline passed");
  return sqlite_error(db_, result_code, doing);
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::int64_t SqliteConnection::total_changes() const { return sqlite3_total_changes64(db_); }

int SqliteConnection::checkpoint(Checkpoint mode) {
  const int how = mode == Checkpoint::Passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
  if (mode == Checkpoint::RestartIfQuiet) sqlite3_busy_timeout(db_, kQuietTimeoutMs);
  const int rc = sqlite3_wal_checkpoint_v2(db_, "main", how, nullptr, nullptr);
  if (mode == Checkpoint::RestartIfQuiet) sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  return rc;
}

int SqliteConnection::flush_log() {
  if (!keeps(Keep::LogFlushedOnce)) return SQLITE_OK;
  sqlite3_file* log = nullptr;
  if (const int rc = sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log); rc != SQLITE_OK) return rc;
  return log == nullptr || log->pMethods == nullptr ? SQLITE_OK : log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

int SqliteConnection::begin_log_anew() {
  if (log_begun_anew_ || !keeps(Keep::LogBegunAnew)) return SQLITE_OK;
  const int rc = checkpoint(Checkpoint::Restart);
  log_begun_anew_ = rc == SQLITE_OK;
  return rc;
}

}  // namespace wrench::storage
