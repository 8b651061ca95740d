#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/migrations.hpp"
#include "wrench/storage/statement.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::telemetry {
class MetricsRegistry;
}

namespace wrench::storage {

inline constexpr std::size_t kQueueJobsMax = 16'384;
inline constexpr std::size_t kQueueBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kFlushJobsMax = 512;
inline constexpr std::size_t kFlushBulkJobsMax = 128;
inline constexpr std::size_t kFlushBytesMax = 4 * 1024 * 1024;
inline constexpr Micros kLockWaitMax = 5 * kMicrosPerSecond;
inline constexpr Micros kSnapshotAgeMax = 2 * kMicrosPerSecond;
inline constexpr std::size_t kReadersMax = 4;
inline constexpr Micros kSlowStatement = 100 * kMicrosPerMs;  ///< From then on a call is worth noting.
inline constexpr int kPostgresVersionMin = 13;
inline constexpr int kConflictRetriesMax = 5;  ///< Of a flush that meets a deadlock or a serialization failure.
inline constexpr int kNotificationsPerSecondMax = 50;
inline constexpr std::size_t kWalReserveBytes = 16 * 1024 * 1024;

/// Order of service when more is queued than fits one flush.
enum class JobLane { Completion, Interactive, Bulk };

/// Runs inside the write transaction, on the writer's thread. May run more than once before it counts (a failing
/// neighbour rolls the flush back), so it must have no effect but through the WriteTx, and must reset what it captures.
/// An error undoes this body's changes and no others.
using WriteBody = std::function<Result<void>(WriteTx&)>;
/// Called once, on the writer's thread, after the outcome is durable. Must be quick, and must not call Store::write().
using Completion = std::function<void(Result<void>)>;

struct WriteJob {
  JobLane lane = JobLane::Interactive;
  std::size_t bytes = 0;  ///< About what it writes; counts against the flush and queue limits.
  WriteBody body;
};

/// Who drives the writer.
enum class WriterMode {
  Thread,   ///< A thread of its own; it groups what is queued into one commit.
  Passive,  ///< Nobody: flush_once() does, on the caller's thread. For simulation: everything is deterministic.
};

/// What a store is opened for.
enum class StoreAccess {
  Write,  ///< Creates it if missing and brings it to the newest schema, under a lock.
  Read,   ///< Changes nothing and waits for nobody: works in a folder that takes no writes, and beside a busy writer.
};

/// Sizes of the write-ahead log, in pages of 4 KiB, at which it is copied into the database file.
struct CheckpointPages {
  std::size_t idle_pages = 1'000;      ///< When there is nothing else to do.
  std::size_t busy_pages = 4'000;      ///< In spite of load.
  std::size_t restart_pages = 16'000;  ///< Readers are waited for, so that the log starts again from its beginning.
  std::size_t step_pages = 1'000;      ///< A reader can hold the log back: try again only after it has grown by this.
};

/// How long PostgreSQL and the way to it may take. The server keeps the middle two: a client that stands still can't.
struct PostgresTimes {
  Micros connect_us = 5 * kMicrosPerSecond;  ///< For each address of the URL.
  Micros statement_us = 30 * kMicrosPerSecond;
  Micros idle_in_transaction_us = 5 * kMicrosPerSecond;  ///< Then the server ends the transaction and frees its locks.
  Micros answer_us = 40 * kMicrosPerSecond;              ///< Silence of the server for so long is a lost connection.
  Micros close_us = 5 * kMicrosPerSecond;                ///< Store::close() waits for a server that is away.
};

struct StoreConfig {
  std::string directory;     ///< Data directory of SQLite; holds store.db and its companions. Created if missing.
  std::string database_url;  ///< postgresql://user:password@host:port/name?… of an existing database; empty: SQLite.
  StatementCatalogue statements;          ///< Only these may run.
  std::span<const Migration> migrations;  ///< Empty: the embedded ones of the dialect.
  StoreAccess access = StoreAccess::Write;
  WriterMode mode = WriterMode::Thread;
  /// A registered sqlite3_vfs, for tests. Not empty: no files or locks beside the database, nothing is done to
  /// `directory` itself.
  std::string vfs_name;
  std::size_t wal_reserve_bytes = kWalReserveBytes;
  CheckpointPages checkpoints;
  Micros lock_wait_us = kLockWaitMax;
  PostgresTimes postgres;
  /// Gets wrench_flush_seconds and wrench_flush_jobs; must outlive the store. Null: nobody wants to know.
  telemetry::MetricsRegistry* metrics = nullptr;
  Micros slow_statement_us = kSlowStatement;
  /// SQLite: called when a flush may or may not have become durable (fsync failed): going on could lose what others
  /// were told is safe. Must not return in production (the default ends the process; the next start recovers from the
  /// file). If it returns, the store answers storage.outcome_unknown from then on.
  std::function<void(const Error&)> on_outcome_unknown;
};

/// Counters since open. For metrics, and for tests that pin how many commits a scenario costs.
struct StoreStats {
  std::uint64_t flushes = 0;  ///< Durable commits made for jobs.
  std::uint64_t jobs = 0;     ///< Jobs that committed.
  std::uint64_t jobs_failed = 0;
  std::uint64_t reruns = 0;  ///< Flushes that were repeated one job at a time.
  std::uint64_t statements = 0;
  std::uint64_t reads = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t wal_pages = 0;
  std::uint64_t queued_jobs = 0;
  std::uint64_t conflicts = 0;      ///< PostgreSQL: flushes repeated after a deadlock or a serialization failure.
  std::uint64_t reconnects = 0;     ///< PostgreSQL: of the writer.
  std::uint64_t lost_answers = 0;   ///< PostgreSQL: COMMITs whose answer got lost; each was looked up.
  std::uint64_t notifications = 0;  ///< PostgreSQL: sent to other processes.
};

/// The durable store of one data directory or one PostgreSQL database; several processes may have it open at once.
/// Thread-safe.
///
/// Error codes: storage.busy (queue full, or another process holds a lock for 5 s: message names its pid; PostgreSQL
/// has no connection left), storage.full, storage.io, storage.corrupt, storage.read_only, storage.outcome_unknown,
/// storage.schema_newer, of StoreAccess::Read also storage.not_found and storage.schema_older (each needs to be opened
/// for writing once), storage.migration_checksum, storage.unsupported_filesystem, storage.snapshot_expired,
/// storage.deadline, storage.closed; of PostgreSQL storage.invalid_url, storage.unreachable, storage.access_denied,
/// storage.pooler (the URL leads to a connection pooler), storage.unsupported_server (older than kPostgresVersionMin).
class Store {
 public:
  /// Opens as `config.access` says. `clock` and `random` must outlive the store.
  /// PostgreSQL uses `random` from a thread of its own.
  static Result<std::unique_ptr<Store>> open(StoreConfig config, const Clock& clock, Random& random);
  virtual ~Store() = default;  ///< Like close().

  /// Queues a job; `done` gets its outcome. Refused at once with storage.busy when 16,384 jobs or 64 MiB wait.
  virtual Result<void> submit(WriteJob job, Completion done) = 0;
  /// Queues and waits. At the deadline a job that hasn't begun is withdrawn (storage.deadline, nothing written); one
  /// that has begun is waited for.
  virtual Result<void> write(WriteBody body, Deadline deadline = {}, JobLane lane = JobLane::Interactive) = 0;

  /// Runs `body(ReadTx&)`, which returns some Result<T>, on a snapshot and hands back what it returned. The snapshot
  /// is taken away after kSnapshotAgeMax (storage.snapshot_expired), so that the log can't grow without bound.
  template <class F>
  auto read(F&& body, Deadline deadline = {}) -> std::invoke_result_t<F&, ReadTx&> {
    std::optional<std::invoke_result_t<F&, ReadTx&>> out;
    Result<void> ran = read_erased([&](ReadTx& tx) { out.emplace(body(tx)); }, deadline);
    if (!ran.ok()) return std::move(ran).error();
    return std::move(*out);
  }
  /// read() of one query, which costs PostgreSQL less.
  Result<Rows> query(const Statement& statement, Binds binds = {}, Deadline deadline = {}) {
    Result<Rows> out = Rows();
    WRENCH_TRY(read_erased([&](ReadTx& tx) { out = tx.query(statement, binds); }, deadline, Reads::One));
    return out;
  }

  /// WriterMode::Passive: runs one flush of what is queued and completes its callers; the number of jobs ended. With
  /// nothing queued it does what the writer's thread does when idle.
  virtual std::size_t flush_once() = 0;

  /// Blocks until the event log may have grown past `after_seq`, by this or another process, or the deadline or stop.
  /// True if it has.
  virtual Result<bool> wait_for_events(std::int64_t after_seq, Deadline deadline, const StopToken& stop) = 0;

  /// Takes no more jobs, finishes the queued ones, ends the thread. Further calls answer storage.closed.
  virtual void close() = 0;

  virtual StoreStats stats() const = 0;
  /// ULID given at creation; the same in every copy and backup.
  virtual const std::string& store_id() const = 0;
  /// Why this store takes no writes (storage.schema_newer, storage.read_only), if so.
  virtual const std::optional<Error>& write_refusal() const = 0;
  virtual Dialect dialect() const = 0;
  /// What keeps the store from its work at the moment; it goes on trying. PostgreSQL: no connection (jobs wait in the
  /// queue), or events of other processes found by polling only.
  virtual std::optional<Error> trouble() const = 0;

 protected:
  virtual Result<void> read_erased(const std::function<void(ReadTx&)>& body, Deadline deadline,
                                   Reads reads = Reads::Several) = 0;
};

}  // namespace wrench::storage
