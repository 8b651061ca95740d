#include "postgres_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "durability_guards.hpp"
#include "postgres_statements.hpp"
#include "statements.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::storage {
namespace {

using Form = PostgresConnection::Form;

constexpr Micros kBackOffFirst = 50 * kMicrosPerMs;
constexpr Micros kBackOffLast = 2 * kMicrosPerSecond;
constexpr Micros kConflictPause = 2 * kMicrosPerMs;
/// A job whose flush lost the server so often fails; it may be what brings the server down.
constexpr int kLossesMax = 5;
/// From so many on, each job is flushed alone, so that only the culprit gets there.
constexpr int kLossesSuspicious = 2;
/// Rows of processes that were killed are kept so long: one of them may still be in doubt about its last flush.
constexpr Micros kWriterRowKept = 30 * kMicrosPerDay;

}  // namespace

PostgresWriter::PostgresWriter(const DatabaseUrl& url, const StatementCatalogue& catalogue,
                               std::unique_ptr<PostgresConnection> connection, Identity identity, WriteQueue& queue,
                               const Clock& clock, Random& random, Options options)
    : url_(url),
      catalogue_(catalogue),
      connection_(std::move(connection)),
      identity_(std::move(identity)),
      queue_(queue),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      writer_(make_id("wri", clock, random)) {}

std::size_t PostgresWriter::flush_once() {
  std::size_t ended = 0;
  do {
    if (poison() || (!connected() && gave_up())) return ended + fail_everything();
    if (!checked_in_) continue;
    ended += settle_doubt();
    // A later flush would count the row up, and the answer to the one in doubt would be gone.
    if (!doubt_ && ended == 0) ended += flush_some();
  } while (doubt_ || (ended == 0 && options_.patience == Patience::None && queue_.size() > 0));
  return ended;
}

// --- the connection ---------------------------------------------------------------------------------------------

bool PostgresWriter::connected() {
  if (connection_ && connection_->hung_up()) drop_connection();
  if (connection_ && checked_in_) return true;
  Result<void> made = connection_ ? Result<void>() : connect();
  if (made.ok()) made = check_in();
  if (made.ok()) {
    back_off_us_ = 0;
    set_trouble(std::nullopt);
    return true;
  }
  drop_connection();
  last_failure_ = made.error();
  set_trouble(std::move(made).error());
  back_off_us_ = std::clamp(2 * back_off_us_, kBackOffFirst, kBackOffLast);
  if (options_.patience == Patience::WaitForServer)
    pause(back_off_us_ / 2 + static_cast<Micros>(random_.below(static_cast<std::uint64_t>(back_off_us_ / 2))));
  return false;
}

Result<void> PostgresWriter::connect() {
  connection_ = WRENCH_TRY(PostgresConnection::open(url_, options_.times, catalogue_));
  WRENCH_TRY(connection_->start_pipeline());
  if (options_.slow_log != nullptr) connection_->note_slow_in(*options_.slow_log);
  reconnects_.fetch_add(1);
  return {};
}

/// Makes our row, or reads it. If a connection of ours that we lost still has a transaction open, this waits for its
/// end.
Result<void> PostgresWriter::check_in() {
  if (!std::exchange(swept_, true)) {
    const Bind kept(kWriterRowKept);
    WRENCH_TRY(connection_->queue(postgres::kSweepWriters, Form::One, 1, {&kept, 1}, nullptr, nullptr));
  }
  Rows row;
  const Bind writer(writer_);
  WRENCH_TRY(connection_->queue(postgres::kRegisterWriter, Form::One, 1, {&writer, 1}, &row, nullptr));
  WRENCH_TRY(connection_->exchange());
  if (row.front().integer(1) != identity_.epoch || row.front().text_or_empty(2) != identity_.store_id) {
    const std::lock_guard lock(mutex_);
    poison_ = Error("storage.corrupt", "the database at " + url_.shown() +
                                           " isn't the one this process had open: it was replaced or restored from a "
                                           "backup. Start wrench again");
    return *poison_;
  }
  committed_flush_ = row.front().integer(0);
  checked_in_ = true;
  return {};
}

bool PostgresWriter::usable() const {
  return !connection_->lost() && connection_->transaction() == PostgresConnection::Transaction::None;
}

void PostgresWriter::drop_connection() {
  checked_in_ = false;
  if (connection_) statements_.fetch_add(connection_->statements_run());
  connection_.reset();
}

void PostgresWriter::pause(Micros us) {
  std::unique_lock lock(mutex_);
  closing_began_.wait_for(lock, std::chrono::microseconds(us),
                          [&] { return closing_ && clock_.boot_us() >= close_deadline_us_; });
}

bool PostgresWriter::gave_up() const {
  if (options_.patience == Patience::None) return true;
  const std::lock_guard lock(mutex_);
  return closing_ && clock_.boot_us() >= close_deadline_us_;
}

std::size_t PostgresWriter::fail_everything() {
  const Error error = poison().value_or(
      Error("storage.unreachable", "the database at " + url_.shown() + " is away; nothing was written")
          .because(last_failure_));
  std::size_t ended = 0;
  std::vector<Result<void>> outcomes;
  if (std::optional<Doubt> doubt = std::exchange(doubt_, std::nullopt)) {
    set_all(outcomes, doubt->jobs.size(),
            Error("storage.outcome_unknown",
                  "the database went away while it committed, and didn't come back in time to ask")
                .because(last_failure_));
    ended += finish(doubt->jobs, outcomes);
  }
  std::vector<QueuedJob> jobs = queue_.take();
  set_all(outcomes, jobs.size(), error);
  return ended + finish(jobs, outcomes);
}

// --- flushes ----------------------------------------------------------------------------------------------------

/// Not earlier than check_in(): from then on the row says what became of the flush.
std::size_t PostgresWriter::settle_doubt() {
  if (!doubt_) return 0;
  if (committed_flush_ != doubt_->flush_no || !keeps(Keep::FlushNumbered)) {
    Doubt undone = std::move(*std::exchange(doubt_, std::nullopt));
    return put_back(std::move(undone.jobs));
  }
  Rows clock;
  Result<void> read = connection_->queue(sql::kReadEventClock, Form::One, 0, {}, &clock, nullptr);
  if (read.ok()) read = connection_->exchange();
  if (!read.ok()) return 0;  // connected() will find out
  Doubt done = std::move(*std::exchange(doubt_, std::nullopt));
  flushes_.fetch_add(1);
  if (options_.on_events && !clock.empty()) options_.on_events(clock.front().integer(0) - 1);
  return finish(done.jobs, done.outcomes);
}

std::size_t PostgresWriter::flush_some() {
  std::vector<QueuedJob> jobs = queue_.take(careful_left_ > 0 ? 1 : kFlushJobsMax);
  careful_left_ -= std::min(careful_left_, jobs.size());
  if (jobs.empty()) return 0;
  std::vector<Result<void>> outcomes(jobs.size());
  switch (flush(jobs, outcomes)) {
    case End::InDoubt:
      lost_answers_.fetch_add(1);
      drop_connection();
      doubt_ = Doubt{flush_no_, std::move(jobs), std::move(outcomes)};
      return 0;
    case End::Lost:
      drop_connection();
      return put_back(std::move(jobs));
    default:
      return finish(jobs, outcomes);
  }
}

std::size_t PostgresWriter::finish(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes) {
  for (const Result<void>& outcome : outcomes) (outcome.ok() ? jobs_ : jobs_failed_).fetch_add(1);
  complete(jobs, outcomes);
  return jobs.size();
}

std::size_t PostgresWriter::put_back(std::vector<QueuedJob> jobs) {
  std::vector<QueuedJob> failed;
  std::vector<QueuedJob> kept;
  for (QueuedJob& job : jobs) {
    if (++job.losses >= kLossesSuspicious) careful_left_ = jobs.size();
    (job.losses >= kLossesMax ? failed : kept).push_back(std::move(job));
  }
  queue_.put_back(std::move(kept));
  std::vector<Result<void>> outcomes;
  set_all(outcomes, failed.size(),
          Error("storage.unreachable", "the connection to the database broke " + std::to_string(kLossesMax) +
                                           " times during this write; nothing was written")
              .because(last_failure_));
  return finish(failed, outcomes);
}

PostgresWriter::End PostgresWriter::flush(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes) {
  for (int retry = 0;; ++retry) {
    End end = attempt(run_together, jobs, outcomes);
    if (end == End::Undo) {
      reruns_.fetch_add(1);
      end = attempt(run_in_savepoints, jobs, outcomes);
    }
    if (end != End::Conflict) return end;
    conflicts_.fetch_add(1);
    if (retry == kConflictRetriesMax) {
      set_all(outcomes, jobs.size(),
              Error("storage.busy", "other transactions kept getting in the way; try again").because(last_failure_));
      return End::Done;
    }
    pause(
        static_cast<Micros>(random_.below(static_cast<std::uint64_t>(kConflictPause) << static_cast<unsigned>(retry))));
  }
}

PostgresWriter::End PostgresWriter::attempt(RunBodies& run_bodies, std::span<QueuedJob> jobs,
                                            std::vector<Result<void>>& outcomes) {
  connection_->renew_plans(clock_);
  PostgresWriteTx tx(*connection_, writer_, ++flush_no_, identity_.store_id);
  if (const Result<void> begun = tx.begin(); !begun.ok()) {
    if (begun.error().code == "storage.unregistered") checked_in_ = false;
    return give_up(tx, begun.error(), jobs.size(), outcomes);
  }
  const BodiesEnd bodies = run_bodies(jobs, tx, outcomes);
  if (bodies == BodiesEnd::Undo) {
    tx.rollback();
    return usable() ? End::Undo : End::Lost;
  }
  if (bodies == BodiesEnd::Lost)
    return give_up(tx, tx.job_error().value_or(Error("storage.failed", "the transaction ended")), jobs.size(),
                   outcomes);
  Result<void> committed = tx.commit();
  if (committed.ok()) {
    flushes_.fetch_add(1);
    if (options_.on_events && tx.last_event()) options_.on_events(*tx.last_event());
    return End::Done;
  }
  if (!connection_->lost()) return give_up(tx, committed.error(), jobs.size(), outcomes);
  last_failure_ = std::move(committed).error();
  return End::InDoubt;
}

PostgresWriter::End PostgresWriter::give_up(PostgresWriteTx& tx, const Error& error, std::size_t jobs,
                                            std::vector<Result<void>>& outcomes) {
  last_failure_ = error;
  tx.rollback();
  if (!usable() || !checked_in_) return End::Lost;
  if (tx.conflict()) return End::Conflict;
  set_all(outcomes, jobs, error);
  return End::Done;
}

// --- from outside -----------------------------------------------------------------------------------------------

void PostgresWriter::begin_closing() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  close_deadline_us_ = clock_.boot_us() + options_.times.close_us;
  closing_began_.notify_all();
}

void PostgresWriter::close() {
  if (!connection_ || !checked_in_ || connection_->lost()) return;
  const Bind writer(writer_);
  // A row that stays because of an error is swept one day.
  if (connection_->queue(postgres::kForgetWriter, Form::One, 1, {&writer, 1}, nullptr, nullptr).ok())
    if (!connection_->exchange().ok()) drop_connection();
}

void PostgresWriter::set_trouble(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(error);
}

std::optional<Error> PostgresWriter::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::optional<Error> PostgresWriter::poison() const {
  const std::lock_guard lock(mutex_);
  return poison_;
}

StoreStats PostgresWriter::stats() const {
  StoreStats stats;
  stats.flushes = flushes_.load();
  stats.jobs = jobs_.load();
  stats.jobs_failed = jobs_failed_.load();
  stats.reruns = reruns_.load();
  stats.statements = statements_.load();
  stats.conflicts = conflicts_.load();
  stats.reconnects = reconnects_.load();
  stats.lost_answers = lost_answers_.load();
  return stats;
}

}  // namespace wrench::storage
