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

/// The one write transaction. Its changes become durable together with those of the other jobs of the same flush.
class WriteTx : public ReadTx {
 public:
  /// Number of rows changed. Errors: storage.constraint_unique, storage.constraint_foreign_key, storage.constraint,
  /// storage.full, storage.io, storage.corrupt.
  virtual Result<std::int64_t> exec(const Statement& statement, Binds binds = {}) = 0;
  /// The statement once for each group of `width` consecutive parameters, in order; the sum of rows changed.
  virtual Result<std::int64_t> exec_many(const Statement& statement, std::size_t width, std::span<const Bind> rows) = 0;
  /// The statement once for each group of `width` parameters, results appended in order. Pass keys sorted: that is
  /// cheaper here, and on PostgreSQL the order in which rows get locked.
  virtual Result<Rows> query_many(const Statement& statement, std::size_t width, std::span<const Bind> keys) = 0;
  /// Errors: storage.event_too_large.
  virtual Result<void> append_event(const EventDraft& event) = 0;
  /// The time of this flush, UTC. Never before that of an earlier flush, even if the clock went back.
  virtual Micros now() const = 0;
};

}  // namespace wrench::storage
