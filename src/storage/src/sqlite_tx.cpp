#include "sqlite_tx.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "durability_guards.hpp"
#include "sqlite_error.hpp"
#include "statements.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {

Result<Rows> SqliteReadTx::query(const Statement& statement, Binds binds) {
  WRENCH_ASSERT(statement.access == Access::Read);
  Rows rows;
  WRENCH_TRY(connection_.run(statement, binds.span(), &rows));
  return rows;
}

Result<void> SqliteWriteTx::begin() {
  WRENCH_TRY(connection_.exec("BEGIN IMMEDIATE"));
  const Rows clock = WRENCH_TRY(query(sql::kLoadEventClock, {}));
  if (clock.empty()) return Error("storage.corrupt", "the table event_clock has lost its row; restore a backup");
  first_event_ = next_event_ = clock.front().integer(0);
  now_us_ = std::max(now_us_, clock.front().integer(1));
  return {};
}

Result<void> SqliteWriteTx::finish() {
  if (next_event_ != first_event_ && keeps(Keep::EventClock))
    WRENCH_TRY(exec(sql::kStoreEventClock, {next_event_, now_us_}));
  return {};
}

void SqliteWriteTx::rollback() {
  if (connection_.in_transaction()) connection_.exec_raw("ROLLBACK");
  next_event_ = first_event_;
}

void SqliteWriteTx::start_job() {
  changes_at_job_start_ = connection_.total_changes();
  next_event_at_job_start_ = next_event_;
}

bool SqliteWriteTx::begin_savepoint() { return connection_.exec_raw("SAVEPOINT job") == SQLITE_OK; }

bool SqliteWriteTx::undo_savepoint() {
  next_event_ = next_event_at_job_start_;
  return connection_.exec_raw("ROLLBACK TO job") == SQLITE_OK && keep_savepoint();
}

bool SqliteWriteTx::keep_savepoint() { return connection_.exec_raw("RELEASE job") == SQLITE_OK; }

Result<Rows> SqliteWriteTx::query(const Statement& statement, Binds binds) {
  Rows rows;
  WRENCH_TRY(connection_.run(statement, binds.span(), &rows));
  return rows;
}

Result<std::int64_t> SqliteWriteTx::exec(const Statement& statement, Binds binds) {
  WRENCH_ASSERT(statement.access == Access::Write);
  return connection_.run(statement, binds.span(), nullptr);
}

Result<std::int64_t> SqliteWriteTx::exec_many(const Statement& statement, std::size_t width,
                                              std::span<const Bind> rows) {
  WRENCH_ASSERT(statement.access == Access::Write && width > 0 && rows.size() % width == 0);
  return connection_.run_each(statement, width, rows, nullptr);
}

Result<Rows> SqliteWriteTx::query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys,
                                       RowLock) {
  WRENCH_ASSERT(width > 0 && keys.size() % width == 0);
  Rows rows;
  WRENCH_TRY(connection_.run_each(statement, width, keys, &rows));
  return rows;
}

Result<void> SqliteWriteTx::append_events(std::span<const EventDraft> events) {
  constexpr std::size_t kColumns = 11;
  std::vector<Bind> binds;
  binds.reserve(events.size() * kColumns);
  std::int64_t next = next_event_;
  for (const EventDraft& event : events) {
    WRENCH_TRY(check_event(event));
    binds.insert(binds.end(),
                 {Bind(next++), Bind(now_us_), Bind(event.type), Bind(event.project_id), Bind(event.task_id),
                  Bind(event.subject_kind), Bind(event.subject_id), Bind(event.actor), Bind(event.version),
                  Bind(event.payload), event.trace_id.empty() ? Bind(std::nullopt) : Bind(event.trace_id)});
  }
  WRENCH_TRY(exec_many(sql::kInsertEvent, kColumns, binds));
  next_event_ = next;
  return {};
}

}  // namespace wrench::storage
