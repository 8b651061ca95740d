#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "migration_runner.hpp"
#include "open_store.hpp"
#include "queued_store.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_error.hpp"
#include "sqlite_identity.hpp"
#include "sqlite_migration_target.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_writer.hpp"
#include "store_directory.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

/// The log's reserve may take this share of a disk's free space: one part in four.
constexpr std::size_t kReserveShare = 4;
/// How often somebody who waits for events looks for those of other processes.
constexpr std::chrono::milliseconds kForeignEventsPoll{100};

[[noreturn]] void end_process(const Error& error) {
  std::fprintf(stderr, "wrench: %s\nwrench: stopping here; the next start recovers from the file\n",
               describe(error).c_str());
  std::abort();
}

class SqliteStore final : public QueuedStore, public Metered {
 public:
  SqliteStore(StoreConfig config, const Clock& clock, Random& random) : QueuedStore(std::move(config), clock, random) {
    if (!config_.on_outcome_unknown) config_.on_outcome_unknown = end_process;
    if (config_.migrations.empty()) config_.migrations = embedded_migrations(Dialect::Sqlite);
  }
  ~SqliteStore() override { close(); }

  Result<void> open();

  Result<bool> wait_for_events(std::int64_t after_seq, Deadline deadline, const StopToken& stop) override;
  StoreStats stats() const override;
  const DatabaseMeter& meter() const override { return *meter_; }
  Dialect dialect() const override { return Dialect::Sqlite; }
  std::optional<Error> trouble() const override { return poison(); }

 private:
  std::size_t flush() override { return writer_->flush_once(); }
  void on_idle() override { writer_->on_idle(); }
  bool has_writer() const override { return writer_ != nullptr; }
  std::optional<Error> poison() const override {
    return writer_ && writer_->poisoned() ? std::optional(writer_->poison()) : std::nullopt;
  }

  Result<void> open_to_write();
  Result<void> open_to_read();
  Result<void> create_or_check(SqliteConnection& connection);
  Result<void> check_owner(SqliteConnection& connection);
  Result<void> flush_log(SqliteConnection& connection);
  Result<void> begin_log_anew(SqliteConnection& connection);
  /// Whether migrations are pending; a newer schema is only remembered, as the reason to refuse writes.
  Result<bool> check_schema(MigrationRunner& runner);
  Result<void> migrate(SqliteConnection& connection);
  Result<void> load_store_id(SqliteConnection& connection);
  Result<void> reserve_wal(SqliteConnection& connection, const StoreDirectory& directory);

  std::string path_;  ///< Of the database.
  bool created_ = false;
  std::unique_ptr<DatabaseMeter> meter_;
  std::unique_ptr<SqliteWriter> writer_;
};

Result<void> SqliteStore::open() {
  meter_ = std::make_unique<DatabaseMeter>(catalogue_, slow_log_);
  WRENCH_TRY(config_.access == StoreAccess::Read ? open_to_read() : open_to_write());
  readers_ =
      std::make_unique<ReaderPool>([this] { return SqliteReader::open(path_, config_.vfs_name, catalogue_, *meter_); },
                                   clock_, std::clamp<std::size_t>(runtime::usable_cores(), 2, kReadersMax));
  return {};
}

Result<void> SqliteStore::open_to_read() {
  path_ = config_.directory + "/store.db";
  if (config_.vfs_name.empty()) path_ = WRENCH_TRY(StoreDirectory::open_to_read(config_.directory)).database_path();
  write_refusal_ = Error("storage.read_only", "the store in " + config_.directory + " was opened for reading");
  const std::unique_ptr<SqliteConnection> connection =
      WRENCH_TRY(SqliteConnection::open(path_, SqliteConnection::Role::Reader, config_.vfs_name, catalogue_));
  WRENCH_TRY(check_owner(*connection));
  WRENCH_TRY(flush_log(*connection));
  SqliteMigrationTarget target(*connection);
  MigrationRunner runner(target, config_.migrations, clock_);
  if (WRENCH_TRY(check_schema(runner)))
    return Error("storage.schema_older",
                 "the data directory " + config_.directory + " was last used by an older version of wrench");
  return load_store_id(*connection);
}

Result<void> SqliteStore::open_to_write() {
  std::optional<StoreDirectory> directory;
  std::unique_ptr<runtime::TurnLock> lock;
  path_ = config_.directory + "/store.db";
  if (config_.vfs_name.empty()) {
    directory.emplace(WRENCH_TRY(StoreDirectory::open(config_.directory)));
    lock = WRENCH_TRY(directory->open_write_lock());
    path_ = directory->database_path();
    if (Result<void> locked = lock->lock(clock_, Deadline::after(clock_, config_.lock_wait_us)); !locked.ok())
      return file_error(std::move(locked).error(), "open the store");
    WRENCH_TRY(directory->finish_restore());
    // Before SQLite looks: it would take an empty file for a new database and delete the log beside it.
    WRENCH_TRY(directory->inspect());
  }
  std::unique_ptr<SqliteConnection> connection =
      WRENCH_TRY(SqliteConnection::open(path_, SqliteConnection::Role::Writer, config_.vfs_name, catalogue_));
  WRENCH_TRY(create_or_check(*connection));
  WRENCH_TRY(migrate(*connection));
  // Before the next commit, which then ends the reserve's frames: else every start would read them all.
  if (directory && created_) WRENCH_TRY(reserve_wal(*connection, *directory));
  WRENCH_TRY(load_store_id(*connection));
  if (directory) {
    WRENCH_TRY(directory->mark(store_id_));
    lock->unlock();
  }
  connection->count_in(*meter_);
  writer_ = std::make_unique<SqliteWriter>(
      std::move(connection), std::move(lock), queue_, clock_,
      SqliteWriter::Options{config_.lock_wait_us, config_.checkpoints, config_.on_outcome_unknown,
                            [this](std::int64_t seq) { events_committed(seq); }});
  if (config_.mode == WriterMode::Thread) start_writer_thread();
  return {};
}

Result<void> SqliteStore::create_or_check(SqliteConnection& connection) {
  const std::string pages = WRENCH_TRY(connection.pragma("PRAGMA page_count"));
  if (pages == "0") {
    created_ = true;
    // The application id first, in a transaction of its own: from then on the file says whose it is.
    WRENCH_TRY(connection.exec("PRAGMA page_size=4096; PRAGMA application_id=" + std::to_string(kApplicationId)));
  } else {
    WRENCH_TRY(check_owner(connection));
  }
  const std::string mode = WRENCH_TRY(connection.pragma("PRAGMA journal_mode=WAL"));
  if (mode != "wal")
    return Error("storage.unsupported_filesystem",
                 config_.directory + ": no write-ahead log on this file system (journal mode " + mode + ")");
  return flush_log(connection);
}

Result<void> SqliteStore::check_owner(SqliteConnection& connection) {
  if (WRENCH_TRY(connection.pragma("PRAGMA application_id")) == std::to_string(kApplicationId)) return {};
  return Error("storage.corrupt", config_.directory +
                                      "/store.db belongs to another program; choose another data directory. Nothing "
                                      "was changed");
}

Result<void> SqliteStore::flush_log(SqliteConnection& connection) {
  if (const int rc = connection.flush_log(); rc != SQLITE_OK)
    return sqlite_error(connection.raw(), rc, "flush the log of earlier processes in " + config_.directory);
  return {};
}

Result<void> SqliteStore::begin_log_anew(SqliteConnection& connection) {
  if (const int rc = connection.begin_log_anew(); rc != SQLITE_OK)
    return sqlite_error(connection.raw(), rc, "copy the log of earlier processes into " + config_.directory);
  return {};
}

Result<bool> SqliteStore::check_schema(MigrationRunner& runner) {
  Result<MigrationRunner::Standing> standing = runner.check();
  if (standing.ok()) return *standing == MigrationRunner::Standing::Pending;
  if (standing.error().code != "storage.schema_newer") return std::move(standing).error();
  write_refusal_ = std::move(standing).error();
  return false;
}

Result<void> SqliteStore::migrate(SqliteConnection& connection) {
  SqliteMigrationTarget target(connection);
  MigrationRunner runner(target, config_.migrations, clock_);
  if (!WRENCH_TRY(check_schema(runner))) return {};
  WRENCH_TRY(begin_log_anew(connection));
  return runner.run();
}

Result<void> SqliteStore::load_store_id(SqliteConnection& connection) {
  Rows rows;
  WRENCH_TRY(connection.run(sql::kReadStoreId, {}, &rows));
  if (rows.empty()) {
    WRENCH_TRY(begin_log_anew(connection));
    const std::string fresh = make_id("sto", clock_, random_);
    const Bind binds[] = {Bind(fresh)};
    WRENCH_TRY(connection.run(sql::kInsertStoreId, binds, nullptr));
    WRENCH_TRY(connection.run(sql::kReadStoreId, {}, &rows));
  }
  store_id_ = rows.front().text(0);
  Rows clock;
  WRENCH_TRY(connection.run(sql::kLoadEventClock, {}, &clock));
  if (clock.empty()) return Error("storage.corrupt", "the table event_clock has lost its row; restore a backup");
  last_event_ = clock.front().integer(0) - 1;
  return {};
}

Result<void> SqliteStore::reserve_wal(SqliteConnection& connection, const StoreDirectory& directory) {
  struct stat info{};
  if (::stat(directory.wal_path().c_str(), &info) != 0 ||
      static_cast<std::size_t>(info.st_size) >= config_.wal_reserve_bytes)
    return {};
  // A speed-up isn't worth the last room of a disk: without the reserve the store works, and its log grows as needed.
  struct statvfs space{};
  if (::statvfs(directory.wal_path().c_str(), &space) != 0 ||
      space.f_bavail * space.f_frsize < kReserveShare * config_.wal_reserve_bytes)
    return {};
  // A transaction too large for its cache spills into the log; rolled back, it leaves the log long and nothing else.
  // Not fallocate: extents that were never written cost a metadata commit at each first flush into them.
  Result<void> grown = connection.exec(
      "PRAGMA cache_size=16; BEGIN IMMEDIATE; CREATE TABLE wal_reserve (bytes BLOB);"
      "INSERT INTO wal_reserve VALUES (zeroblob(" +
      std::to_string(config_.wal_reserve_bytes) + "));");
  if (connection.in_transaction()) WRENCH_TRY(connection.exec("ROLLBACK"));
  WRENCH_TRY(connection.exec("PRAGMA cache_size=-65536"));
  return grown;
}

Result<bool> SqliteStore::wait_for_events(std::int64_t after_seq, Deadline deadline, const StopToken& stop) {
  while (true) {
    {
      std::unique_lock lock(events_mutex_);
      if (last_event_ > after_seq) return true;
      events_grew_.wait_for(lock, kForeignEventsPoll);
      if (last_event_ > after_seq) return true;
    }
    const EventCursor head = WRENCH_TRY(read([](ReadTx& tx) { return event_log::head(tx); }));
    events_committed(head.seq);
    if (head.seq > after_seq) return true;
    if (deadline.passed(clock_) || stop.stop_requested()) return false;
  }
}

StoreStats SqliteStore::stats() const {
  StoreStats stats = writer_ ? writer_->stats() : StoreStats{};
  stats.reads = reads_.load();
  stats.queued_jobs = queue_.size();
  return stats;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(StoreConfig config, const Clock& clock, Random& random) {
  const std::string directory = config.directory;
  auto store = std::make_unique<SqliteStore>(std::move(config), clock, random);
  if (Result<void> opened = store->open(); !opened.ok()) {
    if (opened.error().code != "storage.full") return std::move(opened).error();
    // SQLite names the statement that met the full disk, which says nothing to whoever must make room.
    return Error("storage.full", "the disk of the data directory " + directory +
                                     " is full; free some space, or choose another folder with --data-dir")
        .because(std::move(opened).error());
  }
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace wrench::storage
