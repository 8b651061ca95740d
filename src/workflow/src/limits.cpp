#include "limits.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "guards.hpp"
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

const Statement kLimitRow{
    .id = "workflow.limit_row",
    .sql = "SELECT key, in_use, cap, period_us, burst, arrival_at, refill_at FROM limits WHERE key = ?1",
    .plan = "SEARCH limits USING PRIMARY KEY (key=?)"};
const Statement kInsertLimit{
    .id = "workflow.insert_limit",
    .access = Access::Write,
    .sql =
        "INSERT INTO limits (key, in_use, cap, period_us, burst, arrival_at, refill_at) VALUES (?1, ?2, ?3, ?4, ?5, "
        "?6, ?7)"};
const Statement kUpdateLimit{
    .id = "workflow.update_limit",
    .access = Access::Write,
    .sql =
        "UPDATE limits SET in_use = ?2, cap = ?3, period_us = ?4, burst = ?5, arrival_at = ?6, refill_at = ?7 WHERE "
        "key = ?1",
    .plan = "SEARCH limits USING PRIMARY KEY (key=?)"};
const Statement kPark{
    .id = "workflow.park",
    .access = Access::Write,
    .sql = "INSERT INTO parked (execution_id, step_no, key, queue, rank) VALUES (?1, ?2, ?3, ?4, ?5)"};
const Statement kUnpark{.id = "workflow.unpark",
                        .access = Access::Write,
                        .sql = "DELETE FROM parked WHERE execution_id = ?1 AND step_no = ?2",
                        .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kNextParkedQueue{.id = "workflow.next_parked_queue",
                                 .sql = "SELECT queue FROM parked WHERE key = ?1 AND queue > ?2 ORDER BY queue LIMIT 1",
                                 .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=? AND queue>?)"};
const Statement kParkedHead{
    .id = "workflow.parked_head",
    .sql =
        "SELECT rank, execution_id, step_no FROM parked WHERE key = ?1 AND queue = ?2 ORDER BY rank, execution_id, "
        "step_no LIMIT ?3",
    .plan = "SEARCH parked USING COVERING INDEX idx_parked (key=? AND queue=?)"};

}  // namespace

const Statement kDueLimits{.id = "workflow.due_limits",
                           .sql = "SELECT key FROM limits WHERE refill_at <= ?1 ORDER BY refill_at LIMIT ?2",
                           .plan = "SEARCH limits USING COVERING INDEX idx_limit_refill (refill_at<?)"};

const Statement kLimitsInUse{
    .id = "workflow.limits_in_use",
    .sql = "SELECT CAST(coalesce((SELECT sum(in_use) FROM limits), 0) AS BIGINT) + (SELECT count(*) FROM parked)",
    .plan = "SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SCAN limits; SCALAR SUBQUERY 2; SCAN parked",
    .plan_exception = "a check of all of them"};
const Statement kParkedKey{.id = "workflow.parked_key",
                           .sql = "SELECT key FROM parked WHERE execution_id = ?1 AND step_no = ?2",
                           .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no=?)"};

const Statement kQueueSize{.id = "workflow.queue_size",
                           .sql = "SELECT count(*) FROM ready WHERE queue = ?1",
                           .plan = "SEARCH ready USING PRIMARY KEY (queue=?)"};

storage::StatementCatalogue::List of_limits() {
  static const Statement* const list[] = {&kLimitRow,  &kInsertLimit,     &kUpdateLimit, &kPark,
                                          &kUnpark,    &kNextParkedQueue, &kParkedHead,  &kDueLimits,
                                          &kQueueSize, &kLimitsInUse,     &kParkedKey};
  return list;
}

}  // namespace sql

namespace limits {

namespace {

/// Of what is parked for a rate, so many look for their turn at once.
constexpr std::int64_t kRefillMax = 256;
constexpr Micros kRefillPause = 10 * kMicrosPerMs;

/// Into its queue again. More may come free than there is room for: who finds its key used up is parked again.
Result<bool> unpark(WriteTx& tx, const std::string& key, std::int64_t wanted, std::string_view boot,
                    QueueMoves& moved) {
  bool more = false;
  std::string queue;
  for (;;) {
    const Rows next = WRENCH_TRY(tx.query(sql::kNextParkedQueue, {key, queue}));
    if (next.empty()) return more;
    queue = next.front().text(0);
    const Rows head = WRENCH_TRY(tx.query(sql::kParkedHead, {key, queue, wanted + 1}));
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (static_cast<std::int64_t>(i) == wanted) {
        more = true;
        break;
      }
      const auto row = head[i];
      WRENCH_TRY(tx.exec(sql::kUnpark, {row.integer(1), row.integer(2)}));
      WRENCH_TRY(tx.exec(sql::kInsertReady, {queue, row.integer(0), row.integer(1), row.integer(2)}));
      for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
        if (queue != queue_name(static_cast<SlotClass>(slot), boot)) continue;
        ++moved.backlog_delta[slot];
        --moved.parked_delta;
      }
    }
  }
}

Result<void> write_row(WriteTx& tx, const LimitRow& row, bool insert) {
  WRENCH_TRY(tx.exec(insert ? sql::kInsertLimit : sql::kUpdateLimit,
                     {row.key, row.in_use, row.cap, row.period_us, row.burst, row.arrival_at,
                      row.refill_at == 0 ? Bind(std::nullopt) : Bind(row.refill_at)}));
  return {};
}

}  // namespace

std::string Evaluated::str() const {
  Json out = Json::object();
  if (!key.empty()) {
    out.set("key", key);
    out.set("cap", cap);
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
  return out;
}

std::string shown(std::string_view key) {
  // "c:<project>:<key>"
  const std::size_t colon = key.find(':', 2);
  return std::string(colon == std::string_view::npos ? key : key.substr(colon + 1));
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
    limit.stored = true;
    rows.limits[limit.key] = std::move(limit);
  }
  for (const std::string& key : keys) rows.limits.try_emplace(key, LimitRow{.key = key});
  return {};
}

Result<std::int64_t> in_use(storage::ReadTx& tx) { return WRENCH_TRY(tx.query(sql::kLimitsInUse)).front().integer(0); }

Result<QueueMoves> write(WriteTx& tx, const FlushPlan& plan, std::string_view boot) {
  QueueMoves moved;
  const auto count_parked = [&](const std::string& queue, int by) {
    if (!boot.empty() && queue.ends_with("@" + std::string(boot))) moved.parked_delta += by;
  };
  const auto count_queue = [&](const std::string& queue, int by) {
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
      if (queue == queue_name(static_cast<SlotClass>(slot), boot)) moved.backlog_delta[slot] += by;
  };
  for (const QueueChange& gone : plan.limited_dequeues) {
    const auto queued =
        WRENCH_TRY(tx.exec(sql::kDeleteReady, {gone.queue, gone.rank, gone.step.execution_no, gone.step.step_no}));
    if (queued == 1) {
      count_queue(gone.queue, -1);
    } else if (WRENCH_TRY(tx.exec(sql::kUnpark, {gone.step.execution_no, gone.step.step_no})) == 1) {
      count_parked(gone.queue, -1);
    } else {
      return Error("workflow.conflict", "a step with a limit is neither queued nor parked");
    }
  }
  for (const Park& park : plan.parks) {
    const QueueChange& at = park.at;
    if (park.queued) {
      if (WRENCH_TRY(tx.exec(sql::kDeleteReady, {at.queue, at.rank, at.step.execution_no, at.step.step_no})) != 1)
        return Error("workflow.conflict", "the queue " + at.queue + " changed while it was decided on");
      count_queue(at.queue, -1);
    }
    WRENCH_TRY(tx.exec(sql::kPark, {at.step.execution_no, at.step.step_no, park.key, at.queue, at.rank}));
    count_parked(at.queue, 1);
  }
  for (LimitRow row : plan.limits) {
    if (plan.unparks.contains(row.key) && keeps(Keep::Unpark)) {
      const bool rate = row.period_us > 0;
      const std::int64_t wanted =
          rate ? std::min(available(row, tx.now()), kRefillMax) : std::max<std::int64_t>(0, row.cap - row.in_use);
      const bool more = WRENCH_TRY(unpark(tx, row.key, wanted, boot, moved));
      if (rate && more) row.refill_at = std::max(next_at(row), tx.now() + kRefillPause);
    }
    if (row.period_us > 0) moved.refills[row.key] = row.refill_at;
    WRENCH_TRY(write_row(tx, row, !row.stored));
  }
  return moved;
}

}  // namespace limits
}  // namespace wrench::workflow
