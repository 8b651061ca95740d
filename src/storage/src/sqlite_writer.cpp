#include "sqlite_writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sqlite_error.hpp"

namespace wrench::storage {
SqliteWriter::SqliteWriter(std::unique_ptr<SqliteConnection> connection, std::unique_ptr<runtime::TurnLock> lock,
                           WriteQueue& queue, const Clock& clock, Options options)
    : connection_(std::move(connection)),
      lock_(std::move(lock)),
      queue_(queue),
      clock_(clock),
      options_(std::move(options)) {}

std::size_t SqliteWriter::flush_once() {
  std::vector<QueuedJob> jobs = queue_.take();
  if (jobs.empty()) return 0;
  std::vector<Result<void>> outcomes(jobs.size());
  if (poisoned())
    set_all(outcomes, jobs.size(), *poison_);
  else
    flush(jobs, outcomes);
  for (const Result<void>& outcome : outcomes) (outcome.ok() ? jobs_ : jobs_failed_).fetch_add(1);
  statements_.store(connection_->statements_run());
  connection_->count_cache();
  complete(jobs, outcomes);
  checkpoint_if_due(options_.checkpoints.busy_pages);
  return jobs.size();
}

void SqliteWriter::flush(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes) {
  if (const Result<void> locked = lock(); !locked.ok()) return set_all(outcomes, jobs.size(), locked.error());
  if (const Result<void> ready = begin_log_anew(); !ready.ok()) {
    unlock();
    return set_all(outcomes, jobs.size(), ready.error());
  }
  Attempt attempt = run(run_together, jobs, outcomes);
  if (attempt == Attempt::Retry) {
    reruns_.fetch_add(1);
    attempt = run(run_in_savepoints, jobs, outcomes);
  }
  if (attempt == Attempt::Lost || attempt == Attempt::Retry) {
    // SQLite ended the transaction by itself (disk full, a huge row): the others may still fit.
    for (std::size_t i = 0; i < jobs.size(); ++i)
      outcomes[i] = poisoned() ? Result<void>(*poison_) : run_alone(jobs[i]);
  }
  unlock();
}

Result<void> SqliteWriter::begin_log_anew() {
  const int rc = connection_->begin_log_anew();
  if (rc == SQLITE_OK) return {};
  if ((rc & 0xFF) == SQLITE_IOERR) {
    poison_checkpoint(rc);
    return *poison_;
  }
  return sqlite_error(connection_->raw(), rc, "copy the log of earlier processes into the database");
}

SqliteWriter::Attempt SqliteWriter::run(RunBodies& run_bodies, std::span<QueuedJob> jobs,
                                        std::vector<Result<void>>& outcomes) {
  SqliteWriteTx tx(*connection_, now_us());
  if (const Result<void> begun = tx.begin(); !begun.ok()) {
    tx.rollback();
    set_all(outcomes, jobs.size(), begun.error());
    return Attempt::Refused;
  }
  const BodiesEnd end = run_bodies(jobs, tx, outcomes);
  if (end == BodiesEnd::Ready) return commit(tx, outcomes, jobs.size());
  tx.rollback();
  return end == BodiesEnd::Undo ? Attempt::Retry : Attempt::Lost;
}

Result<void> SqliteWriter::run_alone(QueuedJob& job) {
  SqliteWriteTx tx(*connection_, now_us());
  std::vector<Result<void>> outcome(1);
  Result<void> ran = tx.begin();
  if (ran.ok()) ran = run_body(job, tx);
  if (ran.ok() && !connection_->in_transaction())
    ran = Error("storage.full", "the transaction was ended by the database: disk full or out of memory");
  if (!ran.ok()) {
    tx.rollback();
    return ran;
  }
  if (commit(tx, outcome, 1) == Attempt::Lost)
    return Error("storage.full", "no space left to write; free some space, writing goes on by itself then");
  return std::move(outcome.front());
}

SqliteWriter::Attempt SqliteWriter::commit(SqliteWriteTx& tx, std::vector<Result<void>>& outcomes, std::size_t jobs) {
  if (const Result<void> finished = tx.finish(); !finished.ok()) {
    const bool full = finished.error().code == "storage.full";
    tx.rollback();
    if (full) return Attempt::Lost;
    set_all(outcomes, jobs, finished.error());
    return Attempt::Refused;
  }
  const std::int64_t next_event = tx.next_event();
  const int rc = connection_->exec_raw("COMMIT");
  if (rc == SQLITE_OK) {
    flushes_.fetch_add(1);
    last_now_us_ = tx.now();
    last_boot_us_ = clock_.boot_us();
    wal_pages_.store(connection_->wal_pages());
    if (options_.on_events) options_.on_events(next_event - 1);
    return Attempt::Committed;
  }
  Error error = sqlite_error(connection_->raw(), rc, "commit");
  if ((rc & 0xFF) == SQLITE_IOERR) {
    // The frames may be on disk or not, and after a failed fsync the kernel may have dropped what it could not write:
    // trying again could "succeed" without it. Only a fresh start can tell, from the file.
    become_poisoned(Error("storage.outcome_unknown", "a commit failed half-way, its fate is known after a restart")
                        .because(std::move(error)));
    set_all(outcomes, jobs, *poison_);
    tx.rollback();
    return Attempt::Refused;
  }
  tx.rollback();
  if ((rc & 0xFF) == SQLITE_FULL) return Attempt::Lost;
  set_all(outcomes, jobs, error);
  return Attempt::Refused;
}

void SqliteWriter::become_poisoned(Error error) {
  poison_ = std::move(error);
  poisoned_.store(true);
  options_.on_outcome_unknown(*poison_);
}

void SqliteWriter::poison_checkpoint(int result_code) {
  become_poisoned(Error("storage.outcome_unknown", "a checkpoint failed half-way; the log still has everything")
                      .because(sqlite_error(connection_->raw(), result_code, "checkpoint")));
}

Error SqliteWriter::poison() const { return *poison_; }

void SqliteWriter::on_idle() { checkpoint_if_due(options_.checkpoints.idle_pages); }

void SqliteWriter::checkpoint_if_due(std::size_t pages_due) {
  const std::size_t pages = connection_->wal_pages();
  if (pages < pages_at_last_checkpoint_) pages_at_last_checkpoint_ = 0;  // the log began anew
  if (poisoned() || pages < pages_due || pages < pages_at_last_checkpoint_ + options_.checkpoints.step_pages) return;
  if (!lock().ok()) return;  // another process is busy writing; its writer looks after the log
  const int rc =
      connection_->checkpoint(pages >= options_.checkpoints.restart_pages ? SqliteConnection::Checkpoint::RestartIfQuiet
                                                                          : SqliteConnection::Checkpoint::Passive);
  checkpoints_.fetch_add(1);
  pages_at_last_checkpoint_ = pages;
  if ((rc & 0xFF) == SQLITE_IOERR) poison_checkpoint(rc);
  unlock();
}

Result<void> SqliteWriter::lock() {
  if (!lock_) return {};
  Result<void> locked = lock_->lock(clock_, Deadline::after(clock_, options_.lock_wait_us));
  if (!locked.ok()) return file_error(std::move(locked).error(), "wait for the right to write");
  return {};
}

void SqliteWriter::unlock() {
  if (lock_) lock_->unlock();
}

Micros SqliteWriter::now_us() {
  const Micros now = clock_.now_us();
  // Behind what is stored: the clock was set back, or another process has a later one. Time goes on all the same.
  return now >= last_now_us_ ? now : last_now_us_ + std::max<Micros>(0, clock_.boot_us() - last_boot_us_);
}

StoreStats SqliteWriter::stats() const {
  StoreStats stats;
  stats.flushes = flushes_.load();
  stats.jobs = jobs_.load();
  stats.jobs_failed = jobs_failed_.load();
  stats.reruns = reruns_.load();
  stats.statements = statements_.load();
  stats.checkpoints = checkpoints_.load();
  stats.wal_pages = wal_pages_.load();
  return stats;
}

}  // namespace wrench::storage
