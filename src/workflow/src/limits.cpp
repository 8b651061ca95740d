#include "limits.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "guards.hpp"
#include "requests.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Access;
using storage::Bind;
using storage::Rows;
using storage::WriteTx;

namespace sql {
namespace {

#define WRENCH_LIMIT_COLUMNS "in_use, cap, period_us, burst, arrival_at, refill_at, arrivals, newest, turn, waiting"
const Statement kLimitRow{.id = "workflow.limit_row",
                          .sql = "SELECT key, " WRENCH_LIMIT_COLUMNS " FROM limits WHERE key = ?1",
                          .plan = "SEARCH limits USING PRIMARY KEY (key=?)"};
const Statement kInsertLimit{
    .id = "workflow.insert_limit",
    .access = Access::Write,
    .sql = "INSERT INTO limits (key, " WRENCH_LIMIT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"};
#undef WRENCH_LIMIT_COLUMNS
const Statement kUpdateLimit{
    .id = "workflow.update_limit",
    .access = Access::Write,
    .sql =
        "UPDATE limits SET in_use = ?2, cap = ?3, period_us = ?4, burst = ?5, arrival_at = ?6, refill_at = ?7, "
        "arrivals = ?8, newest = ?9, turn = ?10, waiting = ?11 WHERE key = ?1",
    .plan = "SEARCH limits USING PRIMARY KEY (key=?)"};

// Who runs within a key.
const Statement kTakeKey{
    .id = "workflow.take_key",
    .access = Access::Write,
    .sql =
        "INSERT INTO key_holders (key, arrived, execution_id, step_no, took_place, superseded) VALUES (?1, ?2, ?3, ?4, "
        "?5, 0)"};
const Statement kGiveKey{
    .id = "workflow.give_key",
    .access = Access::Write,
    .sql = "DELETE FROM key_holders WHERE key = ?1 AND arrived = ?2 AND execution_id = ?3 AND step_no = ?4",
    .plan = "SEARCH key_holders USING PRIMARY KEY (key=? AND arrived=? AND execution_id=? AND step_no=?)"};
const Statement kHolders{
    .id = "workflow.key_holders",
    .sql =
        "SELECT execution_id, step_no, arrived, took_place, superseded FROM key_holders WHERE key = ?1 ORDER BY "
        "arrived, execution_id, step_no LIMIT ?2",
    .plan = "SEARCH key_holders USING PRIMARY KEY (key=?)"};
const Statement kStopHolder{
    .id = "workflow.stop_holder",
    .access = Access::Write,
    .sql =
        "UPDATE key_holders SET superseded = 1 WHERE key = ?1 AND arrived = ?2 AND execution_id = ?3 AND step_no = ?4",
    .plan = "SEARCH key_holders USING PRIMARY KEY (key=? AND arrived=? AND execution_id=? AND step_no=?)"};

// Who waits for one.
const Statement kPark{
    .id = "workflow.park",
    .access = Access::Write,
    .sql =
        "INSERT INTO parked (execution_id, step_no, key, queue, rank, turn, arrived, cap, sub_key, superseded) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)"};
const Statement kLastTurn{.id = "workflow.last_turn",
                          .sql = "SELECT max(turn) FROM parked WHERE key = ?1 AND sub_key = ?2",
                          .plan = "SEARCH parked USING COVERING INDEX idx_parked_turn (key=? AND sub_key=?)"};
const Statement kUnpark{.id = "workflow.unpark",
                        .access = Access::Write,
                        .sql = "DELETE FROM parked WHERE execution_id = ?1 AND step_no = ?2 RETURNING key",
                        .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kNextParkedQueue{.id = "workflow.next_parked_queue",
                                 .sql = "SELECT queue FROM parked WHERE key = ?1 AND queue > ?2 ORDER BY queue LIMIT 1",
                                 .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=? AND queue>?)"};
// ?3: those before that one have lost their places.
const Statement kParkedHead{
    .id = "workflow.parked_head",
    .sql =
        "SELECT rank, execution_id, step_no, turn, cap, CASE WHEN sub_key IS NULL THEN 0 ELSE 1 END FROM parked WHERE "
        "key = ?1 AND queue = ?2 AND superseded = 0 AND arrived >= ?3 ORDER BY turn, rank, execution_id, step_no LIMIT "
        "?4",
    .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=? AND queue=? AND superseded=?)"};
const Statement kParkedBefore{
    .id = "workflow.parked_before",
    .sql =
        "SELECT execution_id, step_no FROM parked WHERE key = ?1 AND superseded = 0 AND arrived < ?2 ORDER BY "
        "execution_id, step_no LIMIT ?3",
    .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=?); USE TEMP B-TREE FOR ORDER BY",
    .plan_exception = "of a key that few wait for: the newest alone"};
// Those that are to take places.
const Statement kParkedTaking{
    .id = "workflow.parked_taking",
    .sql =
        "SELECT execution_id, step_no, arrived, cap FROM parked WHERE key = ?1 AND superseded = 0 AND turn < 0 ORDER "
        "BY arrived DESC, execution_id, step_no LIMIT ?2",
    .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=?); USE TEMP B-TREE FOR ORDER BY",
    .plan_exception = "of a key that few wait for: they take places"};
const Statement kGiveUpPlace{.id = "workflow.give_up_place",
                             .access = Access::Write,
                             .sql = "UPDATE parked SET superseded = 1 WHERE execution_id = ?1 AND step_no = ?2",
                             .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no=?)"};

}  // namespace

const Statement kDueLimits{.id = "workflow.due_limits",
                           .sql = "SELECT key FROM limits WHERE refill_at <= ?1 ORDER BY refill_at LIMIT ?2",
                           .plan = "SEARCH limits USING COVERING INDEX idx_limit_refill (refill_at<?)"};

const Statement kLimitsInUse{
    .id = "workflow.limits_in_use",
    .sql =
        "SELECT CAST(coalesce((SELECT sum(in_use + waiting) FROM limits), 0) AS BIGINT) + (SELECT count(*) FROM "
        "parked) + (SELECT count(*) FROM key_holders)",
    .plan =
        "SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SCAN limits; SCALAR SUBQUERY 2; SCAN parked; SCALAR SUBQUERY 3; SCAN "
        "key_holders",
    .plan_exception = "a check of all of them"};
const Statement kParkedKey{.id = "workflow.parked_key",
                           .sql = "SELECT key FROM parked WHERE execution_id = ?1 AND step_no = ?2",
                           .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no=?)"};

const Statement kQueueSize{.id = "workflow.queue_size",
                           .sql = "SELECT count(*) FROM ready WHERE queue = ?1",
                           .plan = "SEARCH ready USING PRIMARY KEY (queue=?)"};

storage::StatementCatalogue::List of_limits() {
  static const Statement* const list[] = {
      &kLimitRow,    &kInsertLimit, &kUpdateLimit, &kTakeKey,         &kGiveKey,    &kHolders,      &kStopHolder,
      &kPark,        &kLastTurn,    &kUnpark,      &kNextParkedQueue, &kParkedHead, &kParkedBefore, &kParkedTaking,
      &kGiveUpPlace, &kDueLimits,   &kQueueSize,   &kLimitsInUse,     &kParkedKey};
  return list;
}

}  // namespace sql

namespace limits {

namespace {

/// Of what is parked for a rate, so many look for their turn at once.
constexpr std::int64_t kRefillMax = 256;
constexpr Micros kRefillPause = 10 * kMicrosPerMs;

/// Of those that lose their places, so many hear of it in one flush; the others aren't let in, and hear of it next
/// time.
constexpr std::int64_t kLosersMax = 1'000;
/// Before all that wait for their turns: it takes a place that was made free for it.
constexpr std::int64_t kTakesPlace = -1;

/// Of this process's queues, or of all if there is none (`boot` empty).
std::optional<std::size_t> slot_of(const std::string& queue, std::string_view boot) {
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    if (queue == queue_name(static_cast<SlotClass>(slot), boot)) return slot;
  const auto labelled = labelled_queue(queue);
  return labelled ? std::optional(static_cast<std::size_t>(labelled->slot)) : std::nullopt;
}

/// What may begin within the key, in one process: until the row's own limit, or that of the step, is reached.
class Room {
 public:
  Room(const LimitRow& row, Micros now)
      : rate_(row.period_us > 0),
        used_(rate_ ? 0 : row.in_use),
        wanted_(rate_ ? std::min(available(row, now), kRefillMax) : std::max<std::int64_t>(1, row.cap - row.in_use)) {}
  bool take(std::int64_t cap) {
    if (used_ >= (rate_ ? wanted_ : cap)) return false;
    ++used_;
    return true;
  }
  /// That many are looked at first.
  std::int64_t wanted() const { return wanted_; }

 private:
  bool rate_;
  std::int64_t used_, wanted_;
};

/// Into its queue again, in the order of turns; each queue gets as many as there is room for, because nobody knows
/// which of them has slots. More may come than there is room for then: who finds its key used up is parked again. True:
/// more wait.
Result<bool> unpark(WriteTx& tx, LimitRow& row, std::string_view boot, QueueMoves& moved) {
  bool more = false;
  std::string queue;
  for (;;) {
    const Rows next = WRENCH_TRY(tx.query(sql::kNextParkedQueue, {row.key, queue}));
    if (next.empty()) return more;
    queue = next.front().text(0);
    Room room(row, tx.now());
    for (bool full = false; !full;) {
      const std::int64_t looked_at = room.wanted() + 1;
      const Rows head = WRENCH_TRY(tx.query(sql::kParkedHead, {row.key, queue, row.newest, looked_at}));
      for (const auto step : head) {
        if (!room.take(step.integer(4))) {
          more = full = true;
          break;
        }
        WRENCH_TRY(tx.query(sql::kUnpark, {step.integer(1), step.integer(2)}));
        WRENCH_TRY(tx.exec(sql::kInsertReady, {queue, step.integer(0), step.integer(1), step.integer(2)}));
        --row.waiting;
        if (step.integer(5) != 0) row.turn = std::max(row.turn, step.integer(3));
        if (const auto slot = slot_of(queue, boot)) {
          ++moved.backlog_delta[*slot];
          --moved.parked_delta;
        }
      }
      full = full || static_cast<std::int64_t>(head.size()) < looked_at;
    }
  }
}

Result<void> write_row(WriteTx& tx, const LimitRow& row, bool insert) {
  WRENCH_TRY(tx.exec(insert ? sql::kInsertLimit : sql::kUpdateLimit,
                     {row.key, row.in_use, row.cap, row.period_us, row.burst, row.arrival_at,
                      row.refill_at == 0 ? Bind(std::nullopt) : Bind(row.refill_at), row.arrivals, row.newest, row.turn,
                      row.waiting}));
  return {};
}

Result<void> write_holders(WriteTx& tx, const FlushPlan& plan) {
  std::vector<Bind> given, taken;
  for (const KeyUse& use : plan.keys_given)
    given.insert(given.end(), {use.key, use.arrived, use.step.execution_no, use.step.step_no});
  for (const KeyUse& use : plan.keys_taken)
    taken.insert(taken.end(), {use.key, use.arrived, use.step.execution_no, use.step.step_no, use.took_place ? 1 : 0});
  const Error changed("workflow.conflict", "who uses a key changed while it was decided on");
  WRENCH_TRY(tx.send_many(sql::kGiveKey, 4, given, changed));
  return tx.send_many(sql::kTakeKey, 5, taken, changed);
}

/// Start-time fair queueing, as of ranks, with sub-keys as flows: who comes has its turn after the last of its sub-key
/// that waits, and not before those that others have at the moment. Without a sub-key it has the next turn, and among
/// equals the rank decides.
Result<std::int64_t> turn_of(WriteTx& tx, const Park& park, const LimitRow& row) {
  if (park.strategy == KeyStrategy::CancelRunning) return kTakesPlace;
  if (park.strategy != KeyStrategy::RoundRobin) return row.turn + 1;
  if (park.had_turn) return row.turn;
  const Rows last = WRENCH_TRY(tx.query(sql::kLastTurn, {park.key, park.by}));
  return std::max(row.turn, last.front().optional_integer(0).value_or(0)) + 1;
}

/// Whose places go to newer steps of the key.
Result<std::vector<StepKey>> find_losers(WriteTx& tx, const LimitRow& row) {
  std::vector<StepKey> out;
  const auto give_up_place = [&](const Rows::Row& step) -> Result<void> {
    out.push_back({step.integer(0), step.integer(1)});
    WRENCH_TRY(tx.exec(sql::kGiveUpPlace, {step.integer(0), step.integer(1)}));
    return {};
  };
  if (row.newest > 0 && keeps(Keep::NewestWaits)) {
    const Rows before = WRENCH_TRY(tx.query(sql::kParkedBefore, {row.key, row.newest, kLosersMax}));
    for (const auto step : before) WRENCH_TRY(give_up_place(step));
  }
  const Rows waiting = WRENCH_TRY(tx.query(sql::kParkedTaking, {row.key, kLosersMax}));
  if (waiting.empty()) return out;
  const Rows holders = WRENCH_TRY(tx.query(sql::kHolders, {row.key, kLosersMax}));
  const std::int64_t newest = waiting.front().integer(2), cap = waiting.front().integer(3);
  // Of all that took places or are to take one, the newest so many have them.
  std::int64_t stay = 0;
  for (const auto step : waiting) {
    std::int64_t newer = 0;
    for (const auto holder : holders)
      if (holder.integer(2) > step.integer(2) && holder.integer(3) != 0 && holder.integer(4) == 0) ++newer;
    if (newer + stay < cap)
      ++stay;
    else
      WRENCH_TRY(give_up_place(step));
  }
  std::int64_t too_many = row.in_use + stay - cap;
  for (const auto holder : holders) too_many -= holder.integer(4);
  for (const auto holder : holders) {
    if (too_many <= 0) break;
    if (holder.integer(4) != 0 || holder.integer(2) >= newest) continue;
    out.push_back({holder.integer(0), holder.integer(1)});
    WRENCH_TRY(tx.exec(sql::kStopHolder, {row.key, holder.integer(2), holder.integer(0), holder.integer(1)}));
    --too_many;
  }
  return out;
}

/// Whoever may change their executions hears of it.
Result<void> tell(WriteTx& tx, const std::vector<StepKey>& losers, std::string_view boot, QueueMoves& moved) {
  std::set<std::int64_t> executions;
  for (const StepKey& step : losers) {
    executions.insert(step.execution_no);
    if (keeps(Keep::SupersededTold))
      WRENCH_TRY(
          requests::add(tx, {step.execution_no, Request::Kind::Supersede, std::to_string(step.step_no), "system"}));
  }
  for (const std::int64_t no : executions) {
    if (boot.empty()) {
      WRENCH_TRY(queue_look(tx, no));
    } else {
      const Rows owner = WRENCH_TRY(tx.query(sql::kExecutionOpen, {no}));
      if (owner.empty() || owner.front().text_or_empty(0) != boot) continue;
    }
    for (Command& command : WRENCH_TRY(requests::of_execution(tx, no))) moved.told.push_back(std::move(command));
  }
  return {};
}

}  // namespace

std::string Evaluated::str() const {
  Json out = Json::object();
  if (!key.empty()) {
    out.set("key", key);
    out.set("cap", cap);
    if (strategy != KeyStrategy::Queue) out.set("strategy", name(strategy));
    if (strategy == KeyStrategy::RoundRobin) out.set("by", by);
    if (arrived != 0) out.set("arrived", arrived);
  }
  if (!rate.empty()) {
    out.set("rate", rate);
    out.set("period_us", period_us);
    out.set("burst", burst);
  }
  return codec::write_json(out);
}

Evaluated Evaluated::parse(const std::string& text) {
  const auto json = codec::parse_json(text);
  WRENCH_ASSERT(json.ok());
  Evaluated out;
  out.key = json->at("key").as_string();
  out.cap = json->at("cap").as_integer();
  out.rate = json->at("rate").as_string();
  out.period_us = json->at("period_us").as_integer();
  out.burst = json->at("burst").as_integer(1);
  for (const KeyStrategy one : {KeyStrategy::RoundRobin, KeyStrategy::CancelRunning, KeyStrategy::KeepNewestQueued})
    if (json->at("strategy").as_string() == name(one)) out.strategy = one;
  out.by = json->at("by").as_string();
  out.arrived = json->at("arrived").as_integer();
  return out;
}

std::string shown(std::string_view key) {
  // "c:<project>:<key>"
  const std::size_t colon = key.find(':', 2);
  return std::string(colon == std::string_view::npos ? key : key.substr(colon + 1));
}

std::string superseded_error(const StepRow& row) {
  const std::string key(shown(Evaluated::parse(row.limits).key));
  return codec::write_json(Json::object(
      {{"code", "workflow.superseded"}, {"message", "a newer step of its key '" + key + "' took its place"}}));
}

std::int64_t available(const LimitRow& row, Micros now) {
  const Micros debt = std::max<Micros>(0, row.arrival_at - now);
  return std::clamp<std::int64_t>((row.burst * row.period_us - debt) / row.period_us, 0, row.burst);
}

Micros next_at(const LimitRow& row) { return row.arrival_at - (row.burst - 1) * row.period_us; }

void take(LimitRow& row, Micros now) { row.arrival_at = std::max(row.arrival_at, now) + row.period_us; }

Result<void> load(WriteTx& tx, const std::set<std::string>& more, LoadedRows& rows) {
  std::set<std::string> keys = more;
  for (const auto& [key, step] : rows.steps) {
    if (step.limits.empty()) continue;
    const Evaluated its = Evaluated::parse(step.limits);
    if (!its.key.empty()) keys.insert(its.key);
    if (!its.rate.empty()) keys.insert(its.rate);
  }
  std::vector<Bind> wanted;
  for (const std::string& key : keys)
    if (!rows.limits.contains(key)) wanted.emplace_back(key);
  if (wanted.empty()) return {};
  const Rows found = WRENCH_TRY(tx.query_many(sql::kLimitRow, 1, wanted, storage::RowLock::ForUpdate));
  for (const auto row : found) {
    LimitRow limit{.key = std::string(row.text(0)), .in_use = row.integer(1), .cap = row.integer(2)};
    limit.period_us = row.integer(3);
    limit.burst = row.integer(4);
    limit.arrival_at = row.integer(5);
    limit.refill_at = row.optional_integer(6).value_or(0);
    limit.arrivals = row.integer(7);
    limit.newest = row.integer(8);
    limit.turn = row.integer(9);
    limit.waiting = row.integer(10);
    limit.stored = true;
    rows.limits[limit.key] = std::move(limit);
  }
  for (const std::string& key : keys) rows.limits.try_emplace(key, LimitRow{.key = key});
  return {};
}

Result<std::int64_t> in_use(storage::ReadTx& tx) { return WRENCH_TRY(tx.query(sql::kLimitsInUse)).front().integer(0); }

Result<QueueMoves> write(WriteTx& tx, const FlushPlan& plan, std::string_view boot) {
  QueueMoves moved;
  std::map<std::string, LimitRow> rows;
  for (const LimitRow& row : plan.limits) rows[row.key] = row;
  const auto count_parked = [&](const std::string& queue, int by) {
    if (!boot.empty() && queue.ends_with("@" + std::string(boot))) moved.parked_delta += by;
  };
  const auto count_queue = [&](const std::string& queue, int by) {
    if (const auto slot = slot_of(queue, boot)) moved.backlog_delta[*slot] += by;
  };
  for (const QueueChange& gone : plan.limited_dequeues) {
    const auto queued =
        WRENCH_TRY(tx.exec(sql::kDeleteReady, {gone.queue, gone.rank, gone.step.execution_no, gone.step.step_no}));
    if (queued == 1) {
      count_queue(gone.queue, -1);
      continue;
    }
    const Rows was = WRENCH_TRY(tx.query(sql::kUnpark, {gone.step.execution_no, gone.step.step_no}));
    if (was.empty()) return Error("workflow.conflict", "a step with a limit is neither queued nor parked");
    count_parked(gone.queue, -1);
    --rows.at(std::string(was.front().text(0))).waiting;
  }
  WRENCH_TRY(write_holders(tx, plan));
  for (const Park& park : plan.parks) {
    const QueueChange& at = park.at;
    if (park.queued) {
      if (WRENCH_TRY(tx.exec(sql::kDeleteReady, {at.queue, at.rank, at.step.execution_no, at.step.step_no})) != 1)
        return Error("workflow.conflict", "the queue " + at.queue + " changed while it was decided on");
      count_queue(at.queue, -1);
    }
    LimitRow& row = rows.at(park.key);
    const std::int64_t turn = WRENCH_TRY(turn_of(tx, park, row));
    WRENCH_TRY(
        tx.exec(sql::kPark, {at.step.execution_no, at.step.step_no, park.key, at.queue, at.rank, turn, park.arrived,
                             park.cap, park.strategy == KeyStrategy::RoundRobin ? Bind(park.by) : Bind(std::nullopt)}));
    ++row.waiting;
    count_parked(at.queue, 1);
  }
  std::vector<StepKey> losers;
  for (auto& [key, row] : rows) {
    if (plan.contests.contains(key) || (plan.unparks.contains(key) && row.newest > 0))
      for (const StepKey& step : WRENCH_TRY(find_losers(tx, row))) losers.push_back(step);
    if (plan.unparks.contains(key) && keeps(Keep::Unpark)) {
      const bool more = WRENCH_TRY(unpark(tx, row, boot, moved));
      if (row.period_us > 0 && more) row.refill_at = std::max(next_at(row), tx.now() + kRefillPause);
    }
    if (row.period_us > 0) moved.refills[key] = row.refill_at;
    WRENCH_TRY(write_row(tx, row, !row.stored));
  }
  WRENCH_TRY(tell(tx, losers, boot, moved));
  return moved;
}

}  // namespace limits
}  // namespace wrench::workflow
