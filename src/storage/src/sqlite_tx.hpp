#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flush.hpp"
#include "sqlite_connection.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

class SqliteReadTx final : public ReadTx {
 public:
  explicit SqliteReadTx(SqliteConnection& connection) : connection_(connection) {}
  Result<Rows> query(const Statement& statement, Binds binds) override;

 private:
  SqliteConnection& connection_;
};

class SqliteWriteTx final : public FlushTx {
 public:
  SqliteWriteTx(SqliteConnection& connection, Micros now_us) : connection_(connection), now_us_(now_us) {}

  /// BEGIN IMMEDIATE (DEFERRED would meet SQLITE_BUSY_SNAPSHOT, which no time-out helps), then the event clock.
  Result<void> begin();
  /// What belongs right before COMMIT. Does not commit.
  Result<void> finish();
  void rollback();

  std::int64_t next_event() const { return next_event_; }

  void start_job() override;
  bool must_undo_job() const override { return connection_.total_changes() != changes_at_job_start_; }
  bool alive() const override { return connection_.in_transaction(); }
  bool begin_savepoint() override;
  bool undo_savepoint() override;
  bool keep_savepoint() override;

  Result<Rows> query(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec(const Statement& statement, Binds binds) override;
  Result<std::int64_t> exec_many(const Statement& statement, std::size_t width, std::span<const Bind> rows) override;
  Result<Rows> query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys,
                          RowLock lock) override;
  Result<bool> try_lock(std::string_view) override { return true; }
  Result<void> append_events(std::span<const EventDraft> events) override;
  Micros now() const override { return now_us_; }

 private:
  SqliteConnection& connection_;
  Micros now_us_;
  std::int64_t first_event_ = 0;
  std::int64_t next_event_ = 0;
  std::int64_t next_event_at_job_start_ = 0;
  std::int64_t changes_at_job_start_ = 0;
};

}  // namespace wrench::storage
