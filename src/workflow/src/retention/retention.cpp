#include "wrench/workflow/retention.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <thread>
#include <utility>

#include "../memory_index.hpp"
#include "../message_rows.hpp"
#include "../messages_sql.hpp"
#include "../sql.hpp"
#include "../stream_store.hpp"
#include "aged_time.hpp"
#include "retention_sql.hpp"
#include "task_retention.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {

using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::string_view kNames[kRetentionKinds] = {"events", "streams", "messages", "memory", "tasks"};
constexpr std::chrono::milliseconds kPauseMax{200};
/// Rows that may be large, or that have an index over words: so many of others' worth of work is one.
constexpr std::size_t kLargeRow = 16;
constexpr std::size_t kLargeRowsMax = kRetentionRowsMax / kLargeRow;

/// What one flush did.
struct Piece {
  std::int64_t removed = 0;
  std::int64_t expired = 0;
  bool more = false;
};

/// The moment at which something became old enough that is kept for `age`, before `until`.
std::optional<Micros> before(Micros until, const std::optional<Micros>& age) {
  return age ? std::optional(until - *age) : std::nullopt;
}

/// Of an event that is still needed.
Micros since(Micros until, const std::optional<Micros>& age) {
  return age ? until - *age + 1 : std::numeric_limits<Micros>::min();
}

std::size_t index_of(RetentionKind kind) { return static_cast<std::size_t>(kind); }

Result<Piece> delete_messages(WriteTx& tx, std::optional<Micros> closed_before) {
  Piece out;
  if (!closed_before) return out;
  const Rows old = WRENCH_TRY(tx.query(sql::kMessagesToDelete, {*closed_before, kLargeRowsMax}));
  std::vector<Bind> ids;
  for (const auto row : old) ids.emplace_back(row.integer(0));
  if (!ids.empty()) out.removed = WRENCH_TRY(tx.exec_many(sql::kDeleteMessage, 1, ids));
  out.more = old.size() == kLargeRowsMax;
  return out;
}

Result<Piece> delete_memory(WriteTx& tx, Micros until, std::optional<Micros> superseded_before) {
  Piece out;
  // Their words went when something superseded them.
  const Rows superseded =
      superseded_before ? WRENCH_TRY(tx.query(sql::kMemoriesSuperseded, {*superseded_before, kLargeRowsMax})) : Rows();
  const Rows expired = WRENCH_TRY(tx.query(sql::kMemoriesExpired, {until, kLargeRowsMax}));
  for (const auto row : superseded) out.removed += WRENCH_TRY(tx.exec(sql::kDeleteMemory, {row.integer(0)}));
  for (const auto row : expired) {
    WRENCH_TRY(memory_index::remove(tx, row.integer(0)));
    out.removed += WRENCH_TRY(tx.exec(sql::kDeleteMemory, {row.integer(0)}));
  }
  out.more = superseded.size() == kLargeRowsMax || expired.size() == kLargeRowsMax;
  return out;
}

}  // namespace

std::string_view name(RetentionKind kind) { return kNames[index_of(kind)]; }

Result<std::vector<RetentionRecord>> read_retention(ReadTx& tx) {
  std::vector<RetentionRecord> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kRetentionRows));
  for (std::size_t i = 0; i < kRetentionKinds; ++i)
    for (const auto row : rows)
      if (row.text(0) == kNames[i])
        out.push_back({static_cast<RetentionKind>(i), row.integer(1), row.integer(2), row.integer(3)});
  return out;
}

struct Retention::State {
  State(storage::Store& of_store, const Clock& of_clock, RetentionPolicy of_policy, std::string of_archive,
        telemetry::MetricsRegistry* registry)
      : store(of_store),
        clock(of_clock),
        policy(std::move(of_policy)),
        tasks(of_store, of_clock, policy, std::move(of_archive)),
        settles(std::clamp(policy.shortest(), kRetentionAgeMin, kRetentionSettles)),
        time(settles) {
    for (std::size_t i = 0; registry != nullptr && i < kRetentionKinds; ++i)
      counters[i] = &registry->counter("wrench_retention_removed_total", "Rows removed because they were too old",
                                       {{"kind", std::string(kNames[i])}});
  }

  storage::Store& store;
  const Clock& clock;
  const RetentionPolicy policy;
  TaskRetention tasks;
  Extent extent = Extent::All;  ///< Of this turn.
  const Micros settles;
  AgedTime time;
  std::array<telemetry::Counter*, kRetentionKinds> counters{};

  Result<Micros> now_us() {
    if (store.dialect() == storage::Dialect::Sqlite) return clock.now_us();
    return WRENCH_TRY(store.query(sql::kRetentionNow)).front().integer(0);
  }

  /// When something may go, as far as that is known.
  Result<std::optional<Micros>> first_due() {
    return store.read([this](ReadTx& tx) -> Result<std::optional<Micros>> {
      std::optional<Micros> out;
      const auto add = [&](std::optional<Micros> since, const std::optional<Micros>& age) {
        if (since && age && (!out || *since + *age < *out)) out = *since + *age;
      };
      const auto first = [&](const storage::Statement& statement) -> Result<std::optional<Micros>> {
        const Rows rows = WRENCH_TRY(tx.query(statement, {std::numeric_limits<std::int64_t>::min()}));
        return rows.empty() ? std::nullopt : std::optional(rows.front().integer(0));
      };
      add(WRENCH_TRY(storage::event_log::held(tx)).oldest_at, policy.events);
      if (policy.streams) add(WRENCH_TRY(first(sql::kFirstStream)), *policy.streams - kStreamKept);
      if (policy.messages) add(WRENCH_TRY(first(sql::kFirstClosedMessage)), policy.messages);
      if (policy.memory) add(WRENCH_TRY(first(sql::kFirstSuperseded)), policy.memory);
      add(WRENCH_TRY(tasks.first_due(tx)), Micros{0});
      add(WRENCH_TRY(first(sql::kFirstExpiringMessage)), Micros{0});
      add(WRENCH_TRY(first(sql::kFirstExpiringMemory)), Micros{0});
      return out;
    });
  }

  Result<bool> has_too_many_events() {
    if (!policy.events_count) return false;
    return store.read([this](ReadTx& tx) -> Result<bool> {
      return WRENCH_TRY(storage::event_log::held(tx)).count > *policy.events_count;
    });
  }

  Result<std::optional<Micros>> last_look() {
    const Rows rows = WRENCH_TRY(store.query(sql::kRetentionLook));
    return rows.empty() ? std::nullopt : std::optional(rows.front().integer(0));
  }

  /// Flush by flush, until nothing is left, somebody wants it to stop, or another process does it.
  Result<void> in_pieces(RetentionKind kind, Micros turn_at, const StopToken& stop, RetentionTurn& out,
                         const std::function<Result<Piece>(WriteTx&)>& piece) {
    for (;;) {
      const Micros began = clock.boot_us();
      std::optional<Piece> done;
      WRENCH_TRY(store.write(
          [&](WriteTx& tx) -> Result<void> {
            done.reset();
            if (!WRENCH_TRY(tx.try_lock("retention"))) return {};
            done = WRENCH_TRY(piece(tx));
            if (done->removed > 0) WRENCH_TRY(tx.exec(sql::kNoteRemoved, {name(kind), turn_at, done->removed}));
            return {};
          },
          {}, storage::JobLane::Bulk));
      if (done) {
        out.removed[index_of(kind)] += done->removed;
        out.expired += done->expired;
        if (counters[index_of(kind)] != nullptr && done->removed > 0)
          counters[index_of(kind)]->add(static_cast<std::uint64_t>(done->removed));
      }
      if (done && !done->more) return {};
      if (!done || stop.stop_requested() || extent == Extent::OneFlush) {
        out.all = false;
        return {};
      }
      const auto took = std::chrono::microseconds(clock.boot_us() - began);
      std::this_thread::sleep_for(std::min<std::chrono::microseconds>(took, kPauseMax));
    }
  }

  Result<void> remove_events(Micros turn_at, Micros since_us, const StopToken& stop, RetentionTurn& out) {
    const storage::EventsKept kept{.since_us = since_us, .count_max = policy.events_count};
    const std::int64_t before_turn =
        WRENCH_TRY(store.read([&](ReadTx& tx) { return storage::event_log::count_surplus(tx, kept); }));
    if (before_turn == 0) return {};
    return in_pieces(RetentionKind::Events, turn_at, stop, out, [&](WriteTx& tx) -> Result<Piece> {
      Piece done;
      done.removed = WRENCH_TRY(storage::event_log::prune(tx, kept, kRetentionRowsMax));
      done.more = done.removed == static_cast<std::int64_t>(kRetentionRowsMax);
      return done;
    });
  }

  Result<void> remove(Micros turn_at, Micros until, const StopToken& stop, RetentionTurn& out) {
    WRENCH_TRY(remove_events(turn_at, since(until, policy.events), stop, out));
    if (policy.streams && out.all)
      WRENCH_TRY(in_pieces(RetentionKind::Streams, turn_at, stop, out, [&](WriteTx& tx) -> Result<Piece> {
        const auto dropped =
            WRENCH_TRY(stream_store::drop_old(tx, until - *policy.streams + kStreamKept, kRetentionRowsMax));
        return Piece{dropped.streams, 0, dropped.more};
      }));
    if (out.all)
      WRENCH_TRY(in_pieces(RetentionKind::Messages, turn_at, stop, out, [&](WriteTx& tx) -> Result<Piece> {
        const std::int64_t expired = WRENCH_TRY(message_rows::expire(tx, until, kLargeRowsMax));
        Piece done = WRENCH_TRY(delete_messages(tx, before(until, policy.messages)));
        done.expired = expired;
        done.more = done.more || expired == static_cast<std::int64_t>(kLargeRowsMax);
        return done;
      }));
    if (out.all)
      WRENCH_TRY(in_pieces(RetentionKind::Memory, turn_at, stop, out,
                           [&](WriteTx& tx) { return delete_memory(tx, until, before(until, policy.memory)); }));
    if (out.all && policy.removes_tasks()) WRENCH_TRY(remove_tasks(turn_at, until, stop, out));
    return {};
  }

  Result<void> remove_tasks(Micros turn_at, Micros until, const StopToken& stop, RetentionTurn& out) {
    const auto progress = [&](std::int64_t deleted) -> Result<TaskRetention::GoOn> {
      constexpr std::size_t kIndex = static_cast<std::size_t>(RetentionKind::Tasks);
      out.removed[kIndex] += deleted;
      if (counters[kIndex] != nullptr) counters[kIndex]->add(static_cast<std::uint64_t>(deleted));
      WRENCH_TRY(store.write([&](WriteTx& tx) -> Result<void> {
        WRENCH_TRY(tx.exec(sql::kNoteRemoved, {name(RetentionKind::Tasks), turn_at, deleted}));
        return {};
      }));
      return stop.stop_requested() || extent == Extent::OneFlush ? TaskRetention::GoOn::No : TaskRetention::GoOn::Yes;
    };
    out.all = WRENCH_TRY(tasks.remove(turn_at, until, stop, progress)) == TaskRetention::GoOn::Yes;
    return {};
  }
};

Retention::Retention(storage::Store& store, const Clock& clock, RetentionPolicy policy, std::string archive_folder,
                     telemetry::MetricsRegistry* metrics)
    : state_(std::make_unique<State>(store, clock, std::move(policy), std::move(archive_folder), metrics)) {}
Retention::~Retention() = default;

Result<Micros> Retention::now_us() { return state_->now_us(); }
Micros Retention::settles_us() const { return state_->settles; }

Result<RetentionTurn> Retention::turn(const StopToken& stop, Time time, Extent extent) {
  RetentionTurn out;
  state_->extent = extent;
  const Micros boot = state_->clock.boot_us();
  const Micros now = WRENCH_TRY(state_->now_us());
  // No clock decides about these.
  if (WRENCH_TRY(state_->has_too_many_events()))
    WRENCH_TRY(state_->remove_events(now, since(0, std::nullopt), stop, out));
  out.next_at = WRENCH_TRY(state_->first_due());
  if (!out.all || !out.next_at || *out.next_at > now) return out;
  Micros until = now;
  if (time == Time::Settled) {
    const auto seen = WRENCH_TRY(state_->last_look());
    const AgedTime::Look look = state_->time.look(now, boot, seen);
    out.clock_jump = look.jump;
    bool mine = true;  // Of several processes that look at the same moment one removes.
    if (look.store)
      WRENCH_TRY(state_->store.write([&](WriteTx& tx) -> Result<void> {
        if (look.until)
          mine = WRENCH_TRY(tx.exec(sql::kClaimLook, {*seen, *look.store})) == 1;
        else
          WRENCH_TRY(tx.exec(sql::kNoteLook, {*look.store}));
        return {};
      }));
    if (!mine) {
      out.next_at = now + state_->settles;
      return out;
    }
    if (!look.until) {
      out.next_at = look.again_at;
      return out;
    }
    until = *look.until;
  }
  WRENCH_TRY(state_->remove(now, until, stop, out));
  out.next_at = WRENCH_TRY(state_->first_due());
  // What became old since the look before is for the next one.
  if (out.next_at) out.next_at = std::max(*out.next_at, now + state_->settles);
  return out;
}

Result<RetentionPreview> Retention::preview() {
  const Micros now = WRENCH_TRY(state_->now_us());
  const RetentionPolicy& policy = state_->policy;
  const std::int64_t tasks = WRENCH_TRY(state_->tasks.count(now));
  return state_->store.read([&](ReadTx& tx) -> Result<RetentionPreview> {
    RetentionPreview out;
    out.due[index_of(RetentionKind::Tasks)] = tasks;
    const auto count = [&](RetentionKind kind, const storage::Statement& statement, Micros until) -> Result<void> {
      out.due[index_of(kind)] += WRENCH_TRY(tx.query(statement, {until})).front().integer(0);
      return {};
    };
    const storage::EventsKept kept{.since_us = since(now, policy.events), .count_max = policy.events_count};
    out.due[index_of(RetentionKind::Events)] = WRENCH_TRY(storage::event_log::count_surplus(tx, kept));
    if (policy.streams)
      WRENCH_TRY(count(RetentionKind::Streams, sql::kCountStreams, now - *policy.streams + kStreamKept));
    if (policy.messages) WRENCH_TRY(count(RetentionKind::Messages, sql::kCountMessages, now - *policy.messages));
    if (policy.memory) WRENCH_TRY(count(RetentionKind::Memory, sql::kCountSuperseded, now - *policy.memory));
    WRENCH_TRY(count(RetentionKind::Memory, sql::kCountExpiredMemory, now));
    return out;
  });
}

}  // namespace wrench::workflow
