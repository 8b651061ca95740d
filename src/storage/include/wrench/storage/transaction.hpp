#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/rows.hpp"
#include "wrench/storage/statement.hpp"

namespace wrench::storage {

inline constexpr std::size_t kResultBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kEventPayloadBytesMax = 64 * 1024;

/// A consistent snapshot. Lent to the body of Store::read() or Store::write(), on one thread, until that returns.
class ReadTx {
 public:
  virtual ~ReadTx() = default;
  /// All rows. Errors: storage.* (storage.result_too_large over kResultBytesMax: page by key instead).
  virtual Result<Rows> query(const Statement& statement, Binds binds = {}) = 0;
};

/// How many queries a reader makes on its snapshot.
enum class Reads : std::uint8_t { Several, One };

/// What changed, for the event log. Written in the transaction of the change itself.
struct EventDraft {
  std::string type;  ///< "task.updated"
  std::int64_t project_id = 0;
  std::optional<std::int64_t> task_id;
  std::string subject_kind;  ///< "task", "execution", "finding", …
  std::string subject_id;
  std::string actor;           ///< "user:…", "agent:…", "system"
  std::int64_t version = 0;    ///< Of the subject after the change; 0 if it has none.
  std::string payload = "{}";  ///< JSON object, at most kEventPayloadBytesMax.
  std::string trace_id;
};

/// What a query does to the rows that it finds, until the transaction ends.
enum class RowLock {
  None,
  ForUpdate,  ///< Nobody else changes them. On SQLite nobody could anyway.
};

/// The one write transaction. Its changes become durable together with those of the other jobs of the same flush.
///
/// A body that gets an error from here must end with an error: PostgreSQL has given up the transaction then. On
/// PostgreSQL other processes write at the same time: what a body decides by, it must lock (RowLock, try_lock()) or
/// compare in its UPDATE (version, epoch), and ids come from sequences.
class WriteTx : public ReadTx {
 public:
  /// Number of rows changed. Errors: storage.constraint_unique, storage.constraint_foreign_key, storage.constraint,
  /// storage.full, storage.io, storage.corrupt, on PostgreSQL storage.invalid_text (U+0000, no UTF-8).
  virtual Result<std::int64_t> exec(const Statement& statement, Binds binds = {}) = 0;
  /// The statement once for each group of `width` consecutive parameters; the sum of rows changed. No two groups may
  /// concern the same row. One loop on SQLite; one statement over arrays on PostgreSQL, so there it must be an INSERT …
  /// VALUES, or an UPDATE or DELETE with a WHERE and of one table.
  virtual Result<std::int64_t> exec_many(const Statement& statement, std::size_t width, std::span<const Bind> rows) = 0;
  /// exec_many() without waiting: on PostgreSQL it goes out with what comes next, and is answered with it, at the
  /// latest at the end of the body. A statement that fails fails the job then. So does `unless_each`, if it is an error
  /// and not every group changed one row.
  virtual Result<void> send_many(const Statement& statement, std::size_t width, std::span<const Bind> rows,
                                 std::optional<Error> unless_each = std::nullopt) {
    const std::int64_t changed = WRENCH_TRY(exec_many(statement, width, rows));
    if (unless_each && changed != static_cast<std::int64_t>(rows.size() / width)) return std::move(*unless_each);
    return {};
  }
  /// The statement, a SELECT, once for each group of `width` parameters, results appended in order. Pass keys sorted:
  /// that is cheaper here, and on PostgreSQL the order in which rows get locked, which keeps two flushes from a
  /// deadlock.
  virtual Result<Rows> query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys,
                                  RowLock lock = RowLock::None) = 0;
  /// True if nobody else has the lock `name` of this store; it is ours until the transaction ends. Always true on
  /// SQLite, where only one transaction writes.
  virtual Result<bool> try_lock(std::string_view name) = 0;
  /// In their order. Errors: storage.event_too_large, storage.invalid_text (U+0000, no UTF-8).
  virtual Result<void> append_events(std::span<const EventDraft> events) = 0;
  Result<void> append_event(const EventDraft& event) { return append_events({&event, 1}); }
  /// The time of this flush, UTC: this machine's clock, or PostgreSQL's. Never before that of an earlier flush, even if
  /// the clock went back.
  virtual Micros now() const = 0;
};

}  // namespace wrench::storage
