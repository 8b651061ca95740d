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
inline constexpr std::size_t kEventsPrunedMax = 5'000;  ///< By one call of prune().

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

/// Which events stay.
struct EventsKept {
  Micros since_us = 0;                    ///< Older ones go.
  std::optional<std::int64_t> count_max;  ///< Of the others only the newest so many stay; nothing: all.
};
struct EventsHeld {
  std::int64_t count = 0;
  std::optional<Micros> oldest_at;
};

/// The single record of what changed: gapless, in commit order. Everything that notifies anyone reads it.
namespace event_log {
/// Errors: storage.cursor_expired when events after `after` were pruned or the epoch changed.
Result<EventPage> read(ReadTx& tx, const EventRoom& room, EventCursor after, std::size_t limit = 100);
/// The newest event's place; seq 0 when there is none.
Result<EventCursor> head(ReadTx& tx);
/// Deletes up to `limit` of the events that needn't stay, oldest first; how many. To be the last of its transaction: on
/// PostgreSQL it locks what every flush needs at its end.
Result<std::int64_t> prune(WriteTx& tx, const EventsKept& kept, std::size_t limit = kEventsPrunedMax);
/// How many there are.
Result<EventsHeld> held(ReadTx& tx);
/// How many prune() would delete in all. A few look-ups, however many it is.
Result<std::int64_t> count_surplus(ReadTx& tx, const EventsKept& kept);
}  // namespace event_log

}  // namespace wrench::storage
