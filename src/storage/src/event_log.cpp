#include "wrench/storage/event_log.hpp"

#include <algorithm>
#include <charconv>

#include "statements.hpp"

namespace wrench::storage {
namespace {

struct LogState {
  EventCursor head;
  std::int64_t pruned = 0;
};

Result<LogState> state_of(ReadTx& tx) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kReadEventClock));
  if (rows.empty()) return Error("storage.corrupt", "the table event_clock has lost its row; restore a backup");
  const auto row = rows.front();
  return LogState{{.epoch = row.integer(2), .seq = row.integer(0) - 1}, row.integer(1)};
}

Event event_of(const Rows::Row& row) {
  Event event;
  event.seq = row.integer(0);
  event.at_us = row.integer(1);
  event.what.type = row.text(2);
  event.what.project_id = row.integer(3);
  event.what.task_id = row.optional_integer(4);
  event.what.subject_kind = row.text(5);
  event.what.subject_id = row.text(6);
  event.what.actor = row.text(7);
  event.what.version = row.integer(8);
  event.what.payload = row.text(9);
  event.what.trace_id = row.text_or_empty(10);
  return event;
}

}  // namespace

std::string EventCursor::str() const { return std::to_string(epoch) + ":" + std::to_string(seq); }

Result<EventCursor> EventCursor::parse(std::string_view text) {
  EventCursor cursor;
  const char* end = text.data() + text.size();
  const auto epoch = std::from_chars(text.data(), end, cursor.epoch);
  if (epoch.ec == std::errc{} && epoch.ptr != end && *epoch.ptr == ':') {
    const auto seq = std::from_chars(epoch.ptr + 1, end, cursor.seq);
    if (seq.ec == std::errc{} && seq.ptr == end && cursor.epoch > 0 && cursor.seq >= 0) return cursor;
  }
  return Error("storage.invalid_cursor", "an event cursor looks like 1:42");
}

namespace event_log {

Result<EventPage> read(ReadTx& tx, const EventRoom& room, EventCursor after, std::size_t limit) {
  const LogState log = WRENCH_TRY(state_of(tx));
  if (after.epoch == 0) after.epoch = log.head.epoch;  // a reader without a cursor starts where told
  if (after.epoch != log.head.epoch || after.seq < log.pruned || after.seq > log.head.seq)
    return Error("storage.cursor_expired",
                 "the events after " + after.str() + " are no longer kept; start again from the current state");
  limit = std::clamp<std::size_t>(limit, 1, kEventPageMax);
  Rows rows;
  if (room.task_id)
    rows = WRENCH_TRY(tx.query(sql::kEventsOfTask, {after.seq, limit + 1, *room.task_id}));
  else if (room.project_id)
    rows = WRENCH_TRY(tx.query(sql::kEventsOfProject, {after.seq, limit + 1, *room.project_id}));
  else
    rows = WRENCH_TRY(tx.query(sql::kEventsAll, {after.seq, limit + 1}));
  EventPage page;
  page.more = rows.size() > limit;
  for (const auto row : rows) {
    if (page.events.size() == limit) break;
    page.events.push_back(event_of(row));
  }
  // The last page of a room moves the cursor to the head: else pruning of others' events would expire it.
  page.next = page.more ? EventCursor{log.head.epoch, page.events.back().seq} : log.head;
  return page;
}

Result<EventCursor> head(ReadTx& tx) { return WRENCH_TRY(state_of(tx)).head; }

Result<std::int64_t> prune(WriteTx& tx, const EventsKept& kept, std::size_t limit) {
  const LogState log = WRENCH_TRY(state_of(tx));
  const std::int64_t surplus = log.head.seq - kept.count_max.value_or(log.head.seq);
  const std::int64_t most = static_cast<std::int64_t>(std::min(limit, kEventsPrunedMax));
  const Rows last = WRENCH_TRY(tx.query(sql::kEventsToPrune, {log.pruned, most, kept.since_us, surplus}));
  const auto up_to = last.empty() ? std::nullopt : last.front().optional_integer(0);
  if (!up_to) return 0;
  const std::int64_t pruned = WRENCH_TRY(tx.exec(sql::kPruneEvents, {log.pruned, *up_to}));
  WRENCH_TRY(tx.exec(sql::kMarkPruned, {*up_to}));
  return pruned;
}

Result<EventsHeld> held(ReadTx& tx) {
  const LogState log = WRENCH_TRY(state_of(tx));
  EventsHeld out{log.head.seq - log.pruned, std::nullopt};
  const Rows oldest = WRENCH_TRY(tx.query(sql::kEventTime, {log.pruned}));
  if (!oldest.empty()) out.oldest_at = oldest.front().integer(1);
  return out;
}

Result<std::int64_t> count_surplus(ReadTx& tx, const EventsKept& kept) {
  const LogState log = WRENCH_TRY(state_of(tx));
  // The first that is young enough: their times rise with their numbers, but for clocks that were set.
  std::int64_t low = log.pruned, high = log.head.seq;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const Rows rows = WRENCH_TRY(tx.query(sql::kEventTime, {middle}));
    if (rows.empty() || rows.front().integer(1) >= kept.since_us)
      high = middle;
    else
      low = rows.front().integer(0);
  }
  const std::int64_t surplus = log.head.seq - kept.count_max.value_or(log.head.seq);
  return std::max<std::int64_t>(std::max(low, surplus) - log.pruned, 0);
}

}  // namespace event_log
}  // namespace wrench::storage
