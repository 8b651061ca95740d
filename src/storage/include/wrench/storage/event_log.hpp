#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/statement.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

inline constexpr std::size_t kEventPageMax = 1000;

struct Event {
  std::int64_t seq = 0;
  Micros at_us = 0;
  EventDraft what;
};

/// A place in the log, "<epoch>:<seq>" as text. The epoch changes when a backup is restored: older cursors expire.
struct EventCursor {
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  std::string str() const;
  /// Errors: storage.invalid_cursor.
  static Result<EventCursor> parse(std::string_view text);
};

struct EventPage {
  std::vector<Event> events;  ///< Oldest first.
  EventCursor next;           ///< Pass as `after` to go on.
  bool more = false;
};

/// Whose events: all, or those of one project or one task.
struct EventRoom {
  std::optional<std::int64_t> project_id;
  std::optional<std::int64_t> task_id;
};

/// The single record of what changed: gapless, in commit order. Everything that notifies anyone reads it.
namespace event_log {
/// Errors: storage.cursor_expired when events after `after` were pruned or the epoch changed.
Result<EventPage> read(ReadTx& tx, const EventRoom& room, EventCursor after, std::size_t limit = 100);
/// The newest event's place; seq 0 when there is none.
Result<EventCursor> head(ReadTx& tx);
/// Deletes up to `limit` events older than `before_us`, oldest first; how many.
Result<std::int64_t> prune(WriteTx& tx, Micros before_us, std::size_t limit = kEventPageMax);
}  // namespace event_log

}  // namespace wrench::storage
