#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sqlite_connection.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

class SqliteReadTx final : public ReadTx {
 public:
  explicit SqliteReadTx(Connection& connection) : connection_(connection) {}
  Result<Rows> query(const Statement& statement, Binds binds) override;

 private:
  Connection& connection_;
};

/// The transaction of one attempt of one flush; bodies use it one after the other.
class SqliteWriteTx final : public WriteTx {
 public:
  SqliteWriteTx(Connection& connection, Micros now_us) : connection_(connection), now_us_(now_us) {}

  /// BEGIN IMMEDIATE (DEFERRED would meet SQLITE_BUSY_SNAPSHOT, which no time-out helps), then the event clock.
  Result<void> begin();
  /// What belongs right before COMMIT. Does not commit.
  Result<void> finish();
  void rollback();

  /// Before each body; what_changed() then tells about that body alone.
  void start_job();
  bool job_changed_anything() const { return connection_.total_changes() != changes_at_job_start_; }
  void forget_job_events() { next_event_ = next_event_at_job_start_; }
  std::int64_t next_event() const { return next_event_; }

  Result<Rows> query(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec_many(const Statement& statement, std::size_t width, std::span<const Bind> rows) override;
  Result<Rows> query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys) override;
  Result<void> append_event(const EventDraft& event) override;
  Micros now() const override { return now_us_; }

 private:
  Connection& connection_;
  Micros now_us_;
  std::int64_t first_event_ = 0;
  std::int64_t next_event_ = 0;
  std::int64_t next_event_at_job_start_ = 0;
  std::int64_t changes_at_job_start_ = 0;
};

}  // namespace wrench::storage
