#include "postgres_tx.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "postgres_error.hpp"
#include "postgres_statements.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

using Form = PostgresConnection::Form;

/// Below this a query gets a shorter time-out than its connection has.
constexpr Micros kSlack = 100 * kMicrosPerMs;
/// Of a snapshot that may last, each statement and each pause between two.
constexpr Micros kLongStatementMax = 30 * kMicrosPerSecond;

}  // namespace

std::int64_t advisory_key(std::string_view store_id, std::string_view name) {
  const std::string digest = crypto::sha256_hex(std::string(store_id) + "/" + std::string(name));
  constexpr std::size_t kDigits = 16;
  return static_cast<std::int64_t>(std::stoull(digest.substr(0, kDigits), nullptr, 16));
}

// --- reading ----------------------------------------------------------------------------------------------------

void PostgresReadTx::begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us) {
  clock_ = &clock;
  deadline_ = deadline;
  age_max_us_ = age_max_us;
  ends_us_ = clock.boot_us() + age_max_us;
  reads_ = reads;
  begun_ = false;
  error_.reset();
}

void PostgresReadTx::end() {
  if (!begun_ || reads_ == Reads::One) return;
  connection_.queue("ROLLBACK");
  connection_.send();
}

Result<void> PostgresReadTx::allow_time() {
  static const std::string ms = std::to_string(kLongStatementMax / kMicrosPerMs);
  const Bind bind(ms);
  return connection_.queue(postgres::kAllowTime, Form::One, 1, {&bind, 1}, nullptr, nullptr);
}

Result<void> PostgresReadTx::limit_time() {
  if (age_max_us_ > kSnapshotAgeMax) return {};
  const Micros left_us = std::min(ends_us_, deadline_.at_us()) - clock_->boot_us();
  if (left_us >= kSnapshotAgeMax - kSlack) return {};  // the connection's own time-out does
  const std::string ms = std::to_string(std::max<Micros>(1, left_us / kMicrosPerMs));
  const Bind bind(ms);
  return connection_.queue(postgres::kLimitTime, Form::One, 1, {&bind, 1}, nullptr, nullptr);
}

Result<void> PostgresReadTx::run(const Statement& statement, std::span<const Bind> binds, Rows& rows) {
  if (!std::exchange(begun_, true)) {
    if (reads_ == Reads::Several) connection_.queue("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    connection_.renew_plans(*clock_);  // not before: nothing may come before an isolation level
    if (age_max_us_ > kSnapshotAgeMax) WRENCH_TRY(allow_time());
  }
  WRENCH_TRY(limit_time());
  return connection_.run(statement, Form::One, binds.size(), binds, &rows, nullptr);
}

Result<Rows> PostgresReadTx::query(const Statement& statement, Binds binds) {
  WRENCH_ASSERT(statement.access == Access::Read);
  WRENCH_ASSERT(!begun_ || reads_ == Reads::Several);
  if (error_) return *error_;
  const auto too_late = [&]() -> std::optional<Error> {
    if (deadline_.passed(*clock_))
      return Error("storage.deadline", std::string(statement.id) + ": the deadline passed");
    if (clock_->boot_us() >= ends_us_)
      return Error("storage.snapshot_expired", std::string(statement.id) + ": the snapshot is older than " +
                                                   format_duration(age_max_us_) + "; read in smaller pages");
    return std::nullopt;
  };
  if (std::optional<Error> late = too_late()) return std::move(*late);
  Rows rows;
  Result<void> ran = run(statement, binds.span(), rows);
  if (ran.ok()) return rows;
  error_ = std::move(ran).error();
  // query_canceled. It can come a moment before our clock says so, too.
  if (connection_.last_sqlstate() == "57014" && error_->code != "storage.result_too_large") {
    const bool deadline_first = deadline_.at_us() < ends_us_;
    error_ = Error(deadline_first ? "storage.deadline" : "storage.snapshot_expired",
                   std::string(statement.id) + ": it took longer than a reader may take; read in smaller pages");
  }
  return *error_;
}

// --- writing ----------------------------------------------------------------------------------------------------

Result<void> PostgresWriteTx::begin() {
  connection_.queue("BEGIN");
  Rows time;
  WRENCH_TRY(run(postgres::kBeginFlush, Form::One, 2, std::array{Bind(writer_), Bind(flush_no_)}, &time, nullptr));
  if (time.empty()) return Error("storage.unregistered", "the writer's row is gone");
  now_us_ = time.front().integer(0);
  return {};
}

Result<void> PostgresWriteTx::run(const Statement& statement, Form form, std::size_t width, std::span<const Bind> binds,
                                  Rows* rows, std::int64_t* changed) {
  if (error_) return *error_;
  return answered(connection_.run(statement, form, width, binds, rows, changed));
}

Result<void> PostgresWriteTx::answered(Result<void> outcome) {
  if (outcome.ok()) {
    for (Sent& sent : sent_)
      if (sent.unless_each && sent.changed != sent.groups && !error_) error_ = std::move(sent.unless_each);
    sent_.clear();
    if (error_) return *error_;
    return outcome;
  }
  // Without an SQLSTATE it was refused before it reached the server, or was too large to be taken: the transaction goes
  // on.
  conflict_ = conflict_ || is_conflict(connection_.last_sqlstate());
  if (connection_.lost() || connection_.transaction() == PostgresConnection::Transaction::Failed)
    error_ = outcome.error();
  return outcome;
}

std::optional<Error> PostgresWriteTx::job_error() {
  if (!sent_.empty() && !error_) {
    const Result<void> settled = answered(connection_.exchange());
    if (!settled.ok() && !error_) error_ = settled.error();
  }
  return error_;
}

void PostgresWriteTx::start_job() {
  changed_ = false;
  events_at_job_start_ = events_.size();
}

bool PostgresWriteTx::begin_savepoint() {
  connection_.queue("SAVEPOINT job");  // goes out with the next statement
  return alive();
}

bool PostgresWriteTx::undo_savepoint() {
  events_.resize(events_at_job_start_);
  // What it sent and didn't ask about may have failed, and would take along what comes after it.
  if (!sent_.empty() && !error_) (void)answered(connection_.exchange());
  sent_.clear();
  if (!alive()) return false;
  error_.reset();
  connection_.queue("ROLLBACK TO SAVEPOINT job");
  return keep_savepoint();
}

bool PostgresWriteTx::keep_savepoint() {
  connection_.queue("RELEASE SAVEPOINT job");
  return alive();
}

Result<Rows> PostgresWriteTx::query(const Statement& statement, Binds binds) {
  Rows rows;
  WRENCH_TRY(run(statement, Form::One, binds.span().size(), binds.span(), &rows, nullptr));
  return rows;
}

Result<std::int64_t> PostgresWriteTx::exec(const Statement& statement, Binds binds) {
  WRENCH_ASSERT(statement.access == Access::Write);
  std::int64_t changed = 0;
  WRENCH_TRY(run(statement, Form::One, binds.span().size(), binds.span(), nullptr, &changed));
  changed_ = changed_ || changed > 0;
  return changed;
}

Result<std::int64_t> PostgresWriteTx::exec_many(const Statement& statement, std::size_t width,
                                                std::span<const Bind> rows) {
  WRENCH_ASSERT(statement.access == Access::Write && width > 0 && rows.size() % width == 0);
  std::int64_t changed = 0;
  if (rows.empty()) return changed;
  WRENCH_TRY(run(statement, Form::Many, width, rows, nullptr, &changed));
  changed_ = changed_ || changed > 0;
  return changed;
}

Result<void> PostgresWriteTx::send_many(const Statement& statement, std::size_t width, std::span<const Bind> rows,
                                        std::optional<Error> unless_each) {
  WRENCH_ASSERT(statement.access == Access::Write && width > 0 && rows.size() % width == 0);
  if (error_) return *error_;
  if (rows.empty()) return {};
  changed_ = true;
  Sent& sent = sent_.emplace_back();
  sent.groups = static_cast<std::int64_t>(rows.size() / width);
  sent.unless_each = std::move(unless_each);
  const Result<void> queued = connection_.queue(statement, Form::Many, width, rows, nullptr, &sent.changed);
  if (queued.ok()) return {};
  sent_.pop_back();
  return answered(queued);
}

Result<Rows> PostgresWriteTx::query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys,
                                         RowLock lock) {
  WRENCH_ASSERT(width > 0 && keys.size() % width == 0);
  Rows rows;
  if (keys.empty()) return rows;
  WRENCH_TRY(
      run(statement, lock == RowLock::ForUpdate ? Form::ManyForUpdate : Form::Many, width, keys, &rows, nullptr));
  return rows;
}

Result<bool> PostgresWriteTx::try_lock(std::string_view name) {
  Rows rows;
  const Bind key(advisory_key(store_id_, name));
  WRENCH_TRY(run(postgres::kTryLock, Form::One, 1, {&key, 1}, &rows, nullptr));
  return rows.front().integer(0) != 0;
}

Result<void> PostgresWriteTx::append_events(std::span<const EventDraft> events) {
  for (const EventDraft& event : events) WRENCH_TRY(check_event(event));
  events_.insert(events_.end(), events.begin(), events.end());
  return {};
}

Result<void> PostgresWriteTx::queue_events(Rows& last) {
  constexpr std::size_t kColumns = 10;
  std::vector<Bind> binds;
  binds.reserve(events_.size() * kColumns);
  for (const EventDraft& event : events_)
    binds.insert(binds.end(),
                 {Bind(now_us_), Bind(event.type), Bind(event.project_id), Bind(event.task_id),
                  Bind(event.subject_kind), Bind(event.subject_id), Bind(event.actor), Bind(event.version),
                  Bind(event.payload), event.trace_id.empty() ? Bind(std::nullopt) : Bind(event.trace_id)});
  return connection_.queue(postgres::kAppendEvents, Form::One, kColumns, binds, &last, nullptr);
}

Result<void> PostgresWriteTx::commit() {
  if (error_) return *error_;
  Rows last;
  if (!events_.empty()) WRENCH_TRY(queue_events(last));
  connection_.queue("COMMIT");
  Result<void> done = connection_.exchange();
  conflict_ = conflict_ || is_conflict(connection_.last_sqlstate());
  // Even if the connection ended right after this answer.
  const bool committed = connection_.last_command_tag() == "COMMIT";
  if (!committed) WRENCH_TRY(std::move(done));
  if (!committed)
    return Error("storage.failed", "the server rolled the transaction back: " + connection_.last_command_tag());
  if (!last.empty()) last_event_ = last.front().integer(0);
  return {};
}

void PostgresWriteTx::rollback() {
  if (connection_.lost()) return;
  connection_.queue("ROLLBACK");
  if (connection_.exchange().ok() || connection_.lost()) return;
  // What was queued before it failed, and took it along.
  connection_.queue("ROLLBACK");
  if (!connection_.exchange().ok()) return;  // transaction() tells
}

}  // namespace wrench::storage
