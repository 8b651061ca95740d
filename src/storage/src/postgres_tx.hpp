#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flush.hpp"
#include "postgres_connection.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::storage {

/// A snapshot. It begins with the first query.
class PostgresReadTx final : public ReadTx {
 public:
  explicit PostgresReadTx(PostgresConnection& connection) : connection_(connection) {}

  /// Reads::One: the one query is a transaction of its own, without the server's being told of one.
  void begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us);
  /// Doesn't wait for the server.
  void end();
  Result<Rows> query(const Statement& statement, Binds binds) override;

 private:
  Result<void> limit_time();
  /// Of a snapshot that may last: more than the connection has.
  Result<void> allow_time();
  Result<void> run(const Statement& statement, std::span<const Bind> binds, Rows& rows);

  PostgresConnection& connection_;
  const Clock* clock_ = nullptr;
  Deadline deadline_;
  Micros ends_us_ = 0, age_max_us_ = 0;
  Reads reads_ = Reads::Several;
  bool begun_ = false;
  std::optional<Error> error_;  ///< PostgreSQL answers nothing more after it.
};

/// See FlushTx. A statement that fails ends the transaction up to the last savepoint.
class PostgresWriteTx final : public FlushTx {
 public:
  PostgresWriteTx(PostgresConnection& connection, const std::string& writer, std::int64_t flush_no,
                  std::string_view store_id)
      : connection_(connection), writer_(writer), flush_no_(flush_no), store_id_(store_id) {}

  /// Counts the flush up in the writer's row, which stays locked to the end. Must be answered before COMMIT is sent:
  /// only then does whoever asks for that row wait for us.
  Result<void> begin();
  /// Writes the events and commits. An error means "not committed" unless the connection is lost.
  Result<void> commit();
  void rollback();

  bool conflict() const { return conflict_; }
  /// Of the last event, after commit(); nothing if there was none.
  std::optional<std::int64_t> last_event() const { return last_event_; }

  void start_job() override;
  std::optional<Error> job_error() override;
  bool must_undo_job() const override { return error_ || changed_ || events_.size() != events_at_job_start_; }
  bool alive() const override { return !connection_.lost() && !conflict_; }
  bool begin_savepoint() override;
  bool undo_savepoint() override;
  bool keep_savepoint() override;

  Result<Rows> query(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec_many(const Statement& statement, std::size_t width, std::span<const Bind> rows) override;
  Result<void> send_many(const Statement& statement, std::size_t width, std::span<const Bind> rows,
                         std::optional<Error> unless_each) override;
  Result<Rows> query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys,
                          RowLock lock) override;
  Result<bool> try_lock(std::string_view name) override;
  Result<void> append_events(std::span<const EventDraft> events) override;
  Micros now() const override { return now_us_; }

 private:
  Result<void> run(const Statement& statement, PostgresConnection::Form form, std::size_t width,
                   std::span<const Bind> binds, Rows* rows, std::int64_t* changed);
  /// After an exchange with the server: keeps the error, and looks at what was sent before.
  Result<void> answered(Result<void> outcome);
  Result<void> queue_events(Rows& last);

  PostgresConnection& connection_;
  const std::string& writer_;
  const std::int64_t flush_no_;
  const std::string_view store_id_;
  Micros now_us_ = 0;
  std::vector<EventDraft> events_;
  std::size_t events_at_job_start_ = 0;
  bool changed_ = false;
  bool conflict_ = false;
  std::optional<Error> error_;
  std::optional<std::int64_t> last_event_;
  /// By send_many(), and not looked at yet.
  struct Sent {
    std::int64_t changed = 0, groups = 0;
    std::optional<Error> unless_each;
  };
  std::deque<Sent> sent_;
};

/// The number of an advisory lock: the same name in the store of another schema of the same database is another lock.
std::int64_t advisory_key(std::string_view store_id, std::string_view name);

}  // namespace wrench::storage
