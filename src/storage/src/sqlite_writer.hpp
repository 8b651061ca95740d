#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "flush.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_tx.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/runtime/file_lock.hpp"
#include "write_queue.hpp"

namespace wrench::storage {

/// The only thing that writes. Passive: it acts when flush_once() is called, always from one thread, so that a
/// simulator can drive it; WriterMode::Thread is a loop around it.
class SqliteWriter {
 public:
  struct Options {
    Micros lock_wait_us = kLockWaitMax;
    CheckpointPages checkpoints;
    std::function<void(const Error&)> on_outcome_unknown;
    std::function<void(std::int64_t last_seq)> on_events;  ///< After a commit that appended some.
  };

  /// `lock`: the write lock of the data directory; null if no other process can have it open.
  SqliteWriter(std::unique_ptr<SqliteConnection> connection, std::unique_ptr<runtime::TurnLock> lock, WriteQueue& queue,
               const Clock& clock, Options options);

  /// Takes what is queued (one flush's worth), commits it as one, completes the callers. The number of jobs ended.
  std::size_t flush_once();
  /// When nothing is queued: copies the log into the database file if it has grown enough.
  void on_idle();
  /// Takes the write lock for something that isn't a job (creation, migration).
  Result<void> lock();
  void unlock();

  SqliteConnection& connection() { return *connection_; }
  /// Set once a commit's fate is unknown; nothing is done any more.
  bool poisoned() const { return poisoned_.load(); }
  Error poison() const;
  StoreStats stats() const;

 private:
  enum class Attempt { Committed, Refused /* outcomes are set */, Retry /* one by one */, Lost /* SQLite gave up */ };

  /// See SqliteConnection::begin_log_anew().
  Result<void> begin_log_anew();
  void flush(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
  using RunBodies = BodiesEnd(std::span<QueuedJob>, FlushTx&, std::vector<Result<void>>&);
  Attempt run(RunBodies& run_bodies, std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
  Result<void> run_alone(QueuedJob& job);
  /// COMMIT, and what its failure means.
  Attempt commit(SqliteWriteTx& tx, std::vector<Result<void>>& outcomes, std::size_t jobs);
  void become_poisoned(Error error);
  void poison_checkpoint(int result_code);
  void checkpoint_if_due(std::size_t pages_due);
  Micros now_us();

  std::unique_ptr<SqliteConnection> connection_;
  std::unique_ptr<runtime::TurnLock> lock_;
  WriteQueue& queue_;
  const Clock& clock_;
  Options options_;
  Micros last_now_us_ = 0, last_boot_us_ = 0;
  std::size_t pages_at_last_checkpoint_ = 0;
  std::optional<Error> poison_;
  std::atomic<bool> poisoned_{false};

  std::atomic<std::uint64_t> flushes_{0};
  std::atomic<std::uint64_t> jobs_{0};
  std::atomic<std::uint64_t> jobs_failed_{0};
  std::atomic<std::uint64_t> reruns_{0};
  std::atomic<std::uint64_t> statements_{0};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> wal_pages_{0};
};

}  // namespace wrench::storage
