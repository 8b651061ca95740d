#include "turns.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sql.hpp"

namespace wrench::workflow {
namespace sql {

using storage::Access;

const Statement kQueueHeads{
    .id = "workflow.queue_heads",
    .sql =
        "SELECT (SELECT min(rank) FROM ready WHERE queue = 'cpu'), (SELECT min(rank) FROM ready WHERE queue = 'io'), "
        "(SELECT min(rank) FROM ready WHERE queue = 'llm')",
    .plan =
        "SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SEARCH ready USING PRIMARY KEY (queue=?); SCALAR SUBQUERY 2; SEARCH "
        "ready USING PRIMARY KEY (queue=?); SCALAR SUBQUERY 3; SEARCH ready USING PRIMARY KEY (queue=?)"};
// Without what has no rank: looks after executions that have begun.
const Statement kStartHead{.id = "workflow.start_head",
                           .sql = "SELECT min(rank) FROM ready WHERE queue = 'start' AND rank > 0",
                           .plan = "SEARCH ready USING PRIMARY KEY (queue=? AND rank>?)"};
const Statement kQueueTails{.id = "workflow.queue_tails",
                            .sql =
                                "SELECT queue, project_id, priority, tail FROM queue_tails ORDER BY queue, "
                                "project_id, priority",
                            .plan = "SCAN queue_tails",
                            .plan_exception = "the flows that wait: each project and priority"};
const Statement kKeepTail{
    .id = "workflow.keep_tail",
    .access = Access::Write,
    .sql =
        "INSERT INTO queue_tails (queue, project_id, priority, tail) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (queue, "
        "project_id, priority) DO UPDATE SET tail = excluded.tail WHERE excluded.tail > queue_tails.tail"};
const Statement kDropTail{
    .id = "workflow.drop_tail",
    .access = Access::Write,
    .sql = "DELETE FROM queue_tails WHERE queue = ?1 AND project_id = ?2 AND priority = ?3 AND tail = ?4",
    .plan = "SEARCH queue_tails USING PRIMARY KEY (queue=? AND project_id=? AND priority=?)"};
const Statement kFlowOfExecution{
    .id = "workflow.flow_of_execution",
    .sql =
        "SELECT x.id, t.project_id, t.priority FROM task_executions x JOIN tasks t ON t.id = x.task_id WHERE x.id = ?1",
    .plan = "SEARCH x USING INTEGER PRIMARY KEY (rowid=?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"};

storage::StatementCatalogue::List of_turns() {
  static const Statement* const list[] = {&kQueueHeads, &kStartHead, &kQueueTails,
                                          &kKeepTail,   &kDropTail,  &kFlowOfExecution};
  return list;
}

}  // namespace sql

namespace turns {

using storage::Bind;
using storage::Rows;
using storage::WriteTx;

namespace {

std::optional<SlotClass> slot_named(std::string_view queue) {
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    if (queue == name(static_cast<SlotClass>(slot))) return static_cast<SlotClass>(slot);
  return std::nullopt;
}

}  // namespace

Result<std::array<std::int64_t, kSlotClasses>> heads(WriteTx& tx) {
  std::array<std::int64_t, kSlotClasses> out = {};
  const Rows rows = WRENCH_TRY(tx.query(sql::kQueueHeads, {}));
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) out[slot] = rows.front().optional_integer(slot).value_or(0);
  return out;
}

Result<std::map<Ranks::Flow, std::int64_t>> tails(WriteTx& tx, const std::array<std::int64_t, kSlotClasses>& heads,
                                                  bool keeps_idle) {
  std::map<Ranks::Flow, std::int64_t> out;
  std::vector<Bind> idle;
  const Rows rows = WRENCH_TRY(tx.query(sql::kQueueTails, {}));
  for (const auto row : rows) {
    const auto slot = slot_named(row.text(0));
    const auto priority = parse_priority(row.text(2));
    if (!slot || !priority) continue;  // Of tasks to be begun.
    const std::int64_t head = heads[static_cast<std::size_t>(*slot)];
    if (head != 0 && row.integer(3) > head)
      out[{*slot, row.integer(1), *priority}] = row.integer(3);
    else
      idle.insert(idle.end(), {Bind(row.text(0)), Bind(row.integer(1)), Bind(row.text(2)), Bind(row.integer(3))});
  }
  if (!keeps_idle) WRENCH_TRY(tx.send_many(sql::kDropTail, 4, idle));
  return out;
}

Result<void> keep(WriteTx& tx, const std::map<Ranks::Flow, std::int64_t>& tails) {
  std::vector<Bind> rows;
  for (const auto& [flow, tail] : tails)
    rows.insert(rows.end(), {Bind(name(flow.slot)), Bind(flow.project_id), Bind(name(flow.priority)), Bind(tail)});
  return tx.send_many(sql::kKeepTail, 4, rows);
}

Result<void> Starts::write(WriteTx& tx) const {
  if (executions_.empty()) return {};
  std::map<std::int64_t, Flow> flows;  // Of those that aren't known.
  std::set<std::int64_t> unknown;
  for (const auto& [no, flow] : executions_)
    if (!flow) unknown.insert(no);
  const Rows found =
      WRENCH_TRY(tx.query_many(sql::kFlowOfExecution, 1, std::vector<Bind>(unknown.begin(), unknown.end())));
  for (const auto row : found)
    flows[row.integer(0)] = {row.integer(1), parse_priority(row.text(2)).value_or(Priority::Medium)};
  const Rows first = WRENCH_TRY(tx.query(sql::kStartHead, {}));
  const std::int64_t head = first.front().optional_integer(0).value_or(0);
  std::map<Flow, std::int64_t> tails;
  std::vector<Bind> idle, ready, kept;
  const Rows stored = WRENCH_TRY(tx.query(sql::kQueueTails, {}));
  for (const auto row : stored) {
    if (row.text(0) != kStartQueue) continue;
    const auto priority = parse_priority(row.text(2));
    if (priority && head != 0 && row.integer(3) > head)
      tails[{row.integer(1), *priority}] = row.integer(3);
    else
      idle.insert(idle.end(), {Bind(row.text(0)), Bind(row.integer(1)), Bind(row.text(2)), Bind(row.integer(3))});
  }
  std::set<Flow> changed;
  for (const auto& [no, known] : executions_) {
    const Flow flow = known ? *known : flows.at(no);
    std::int64_t& tail = tails[flow];
    tail = std::max(head, tail) + rank_step(flow.second);
    changed.insert(flow);
    ready.insert(ready.end(), {Bind(kStartQueue), Bind(tail), Bind(no), Bind(0)});
  }
  for (const Flow& flow : changed)
    kept.insert(kept.end(), {Bind(kStartQueue), Bind(flow.first), Bind(name(flow.second)), Bind(tails.at(flow))});
  WRENCH_TRY(tx.send_many(sql::kInsertReady, 4, ready));
  WRENCH_TRY(tx.send_many(sql::kDropTail, 4, idle));
  return tx.send_many(sql::kKeepTail, 4, kept);
}

}  // namespace turns
}  // namespace wrench::workflow
