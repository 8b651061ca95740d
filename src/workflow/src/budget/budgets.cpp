#include "budgets.hpp"

#include <algorithm>
#include <utility>

#include "../requests.hpp"
#include "../shared_work.hpp"
#include "../sql.hpp"

namespace wrench::workflow {

using storage::Access;
using storage::Bind;
using storage::Rows;
using storage::WriteTx;

namespace sql {
namespace {

const Statement kBudgetDims{.id = "workflow.budget_dims",
                            .sql = "SELECT scope, dim, cap, reserved, spent FROM budgets WHERE scope = ?1",
                            .plan = "SEARCH budgets USING PRIMARY KEY (scope=?)"};
const Statement kPeriodDims{.id = "workflow.period_dims",
                            .sql = "SELECT dim, cap FROM budget_periods WHERE project_id = ?1 AND period = ?2",
                            .plan = "SEARCH budget_periods USING PRIMARY KEY (project_id=? AND period=?)"};
const Statement kPeriods{.id = "workflow.budget_periods",
                         .sql = "SELECT DISTINCT period FROM budget_periods WHERE project_id = ?1",
                         .plan = "SEARCH budget_periods USING PRIMARY KEY (project_id=?)"};
// What one execution has spent of one scope.
const Statement kSpentByExecution{
    .id = "workflow.spent_by_execution",
    .sql =
        "SELECT CAST(coalesce(sum(settled), 0) AS BIGINT) FROM budget_entries WHERE scope = ?1 AND dim = ?2 AND "
        "execution_id = ?3",
    .plan = "SEARCH budget_entries USING PRIMARY KEY (scope=? AND dim=? AND execution_id=?)"};
const Statement kOpenEntries{
    .id = "workflow.open_entries",
    .sql =
        "SELECT execution_id, step_no, scope, dim, epoch, call_no, reserved FROM budget_entries WHERE execution_id = "
        "?1 "
        "AND step_no = ?2 AND settled IS NULL",
    .plan = "SEARCH budget_entries USING INDEX idx_budget_open (execution_id=? AND step_no=?)"};
const Statement kInsertBudget{
    .id = "workflow.insert_budget",
    .access = Access::Write,
    .sql = "INSERT INTO budgets (scope, dim, cap, reserved, spent) VALUES (?1, ?2, ?3, ?4, ?5)"};
const Statement kUpdateBudget{
    .id = "workflow.update_budget",
    .access = Access::Write,
    .sql = "UPDATE budgets SET cap = ?3, reserved = ?4, spent = ?5 WHERE scope = ?1 AND dim = ?2",
    .plan = "SEARCH budgets USING PRIMARY KEY (scope=? AND dim=?)"};
const Statement kInsertEntry{
    .id = "workflow.insert_entry",
    .access = Access::Write,
    .sql =
        "INSERT INTO budget_entries (scope, dim, execution_id, step_no, epoch, call_no, reserved, settled, estimated, "
        "at, settled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"};
const Statement kSettleEntry{
    .id = "workflow.settle_entry",
    .access = Access::Write,
    .sql =
        "UPDATE budget_entries SET settled = ?7, estimated = ?8, settled_at = ?9 WHERE scope = ?1 AND dim = ?2 AND "
        "execution_id = ?3 AND step_no = ?4 AND epoch = ?5 AND call_no = ?6 AND settled IS NULL",
    .plan =
        "SEARCH budget_entries USING PRIMARY KEY (scope=? AND dim=? AND execution_id=? AND step_no=? AND epoch=? AND "
        "call_no=?)"};
const Statement kInsertBudgetWait{
    .id = "workflow.insert_budget_wait",
    .access = Access::Write,
    .sql = "INSERT INTO budget_waits (execution_id, step_no, scope, spent, dim) VALUES (?1, ?2, ?3, ?4, ?5)"};
const Statement kDeleteBudgetWait{.id = "workflow.delete_budget_wait",
                                  .access = Access::Write,
                                  .sql = "DELETE FROM budget_waits WHERE execution_id = ?1 AND step_no = ?2",
                                  .plan = "SEARCH budget_waits USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kBudgetWaiters{
    .id = "workflow.budget_waiters",
    .sql =
        "SELECT execution_id, step_no FROM budget_waits WHERE scope = ?1 AND spent <= ?2 AND (dim = ?3 OR dim = '') "
        "ORDER BY spent, execution_id, step_no LIMIT ?4",
    .plan = "SEARCH budget_waits USING INDEX idx_budget_wait (scope=? AND spent<?)"};
const Statement kSpentWaits{.id = "workflow.spent_waits",
                            .sql = "SELECT max(spent) FROM budget_waits WHERE execution_id = ?1",
                            .plan = "SEARCH budget_waits USING PRIMARY KEY (execution_id=?)"};
const Statement kCountForExecution{
    .id = "workflow.count_for_execution",
    .access = Access::Write,
    .sql =
        "INSERT INTO budgets (scope, dim, cap, reserved, spent) SELECT ?2, dim, NULL, 0, 0 FROM budgets WHERE scope = "
        "?1",
    .plan = "SEARCH budgets USING PRIMARY KEY (scope=?)"};
const Statement kSetPeriod{
    .id = "workflow.set_period",
    .access = Access::Write,
    .sql =
        "INSERT INTO budget_periods (project_id, period, dim, cap) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (project_id, "
        "period, dim) DO UPDATE SET cap = excluded.cap"};
// Null would mean: only counted.
const Statement kSetPresent{
    .id = "workflow.set_present",
    .access = Access::Write,
    .sql =
        "UPDATE budgets SET cap = CASE WHEN reserved + spent > ?3 THEN reserved + spent ELSE ?3 END WHERE scope = ?1 "
        "AND dim = ?2",
    .plan = "SEARCH budgets USING PRIMARY KEY (scope=? AND dim=?)"};
const Statement kProjectPeriods{
    .id = "workflow.project_periods",
    .sql = "SELECT period, dim, cap FROM budget_periods WHERE project_id = ?1 ORDER BY period, dim",
    .plan = "SEARCH budget_periods USING PRIMARY KEY (project_id=?)"};
const Statement kExecutionNumbers{
    .id = "workflow.execution_numbers",
    .sql = "SELECT id, number FROM task_executions WHERE task_id = ?1 ORDER BY number",
    .plan = "SEARCH task_executions USING COVERING INDEX sqlite_autoindex_task_executions_2 (task_id=?)"};
const Statement kBudgetsOfSteps{
    .id = "workflow.budgets_of_steps",
    .sql =
        "SELECT scope, dim, cap, reserved, spent FROM budgets WHERE scope >= ?1 AND scope < ?2 ORDER BY scope, dim "
        "LIMIT ?3",
    .plan = "SEARCH budgets USING PRIMARY KEY (scope>? AND scope<?)"};

}  // namespace

const Statement kCheckBudgets{.id = "workflow.check_budgets",
                              .sql =
                                  "SELECT scope, dim, cap, reserved, spent FROM budgets WHERE (scope, dim) > (?1, ?2) "
                                  "ORDER BY scope, dim LIMIT ?3",
                              .plan = "SEARCH budgets USING PRIMARY KEY ((scope,dim)>(?,?))"};
const Statement kCheckLedger{
    .id = "workflow.check_ledger",
    .sql =
        "SELECT CAST(coalesce(sum(CASE WHEN settled IS NULL THEN reserved ELSE 0 END), 0) AS BIGINT), "
        "CAST(coalesce(sum(settled), 0) AS BIGINT), CAST(coalesce(sum(CASE WHEN settled > reserved THEN settled - "
        "reserved ELSE 0 END), 0) AS BIGINT) FROM budget_entries WHERE scope = ?1 AND dim = ?2",
    .plan = "SEARCH budget_entries USING PRIMARY KEY (scope=? AND dim=?)"};

storage::StatementCatalogue::List of_budgets() {
  static const Statement* const list[] = {
      &kBudgetDims,   &kPeriodDims,  &kPeriods,          &kOpenEntries,      &kInsertBudget,     &kUpdateBudget,
      &kInsertEntry,  &kSettleEntry, &kInsertBudgetWait, &kDeleteBudgetWait, &kBudgetWaiters,    &kCountForExecution,
      &kSpentWaits,   &kSetPeriod,   &kSetPresent,       &kProjectPeriods,   &kExecutionNumbers, &kBudgetsOfSteps,
      &kCheckBudgets, &kCheckLedger, &kSpentByExecution};
  return list;
}

}  // namespace sql

namespace {

constexpr std::string_view kPeriodNames[] = {"day", "month"};
/// Steps that look again because of one flush; what they find decides about the others.
constexpr int kWaitersWokenMax = 256;
constexpr int kStepBudgetsShownMax = 1'000;

std::int64_t number_after(std::string_view text, std::size_t at) {
  std::int64_t out = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) out = 10 * out + (text[at] - '0');
  return out;
}

Bind cap_of(const BudgetRow& row) { return row.cap ? Bind(*row.cap) : Bind(std::nullopt); }

BudgetRow row_from(const Rows::Row& row) {
  return {.cap = row.optional_integer(2), .reserved = row.integer(3), .spent = row.integer(4), .stored = true};
}

}  // namespace

std::string_view name(BudgetPeriod period) { return kPeriodNames[static_cast<std::size_t>(period)]; }

namespace budgets {

std::string step_scope(StepKey step) {
  return "s" + std::to_string(step.execution_no) + "/" + std::to_string(step.step_no);
}
std::string execution_scope(std::int64_t execution_no) { return "x" + std::to_string(execution_no); }
std::string task_scope(std::int64_t task_no) { return "t" + std::to_string(task_no); }
std::string period_scope(std::int64_t project_id, BudgetPeriod period) {
  return "p" + std::to_string(project_id) + "/" + std::string(name(period));
}

std::string present(std::string_view period_scope, Micros now) {
  const std::string date = format_rfc3339(now).substr(0, period_scope.ends_with("/month") ? 7 : 10);
  return std::string(period_scope) + "/" + date;
}

Micros end_of(std::string_view scope, Micros now) {
  if (scope.find("/month") == std::string_view::npos) return (now / kMicrosPerDay + 1) * kMicrosPerDay;
  const std::string date = format_rfc3339(now);
  const std::int64_t year = number_after(date, 0), month = number_after(date, 5);
  const std::string next = month == 12 ? std::to_string(year + 1) + "-01"
                                       : std::to_string(year) + (month < 9 ? "-0" : "-") + std::to_string(month + 1);
  return *parse_rfc3339(next + "-01T00:00:00Z");
}

std::vector<std::string_view> split(std::string_view scopes) {
  std::vector<std::string_view> out;
  while (!scopes.empty()) {
    const std::size_t space = std::min(scopes.find(' '), scopes.size());
    if (space > 0) out.push_back(scopes.substr(0, space));
    scopes.remove_prefix(std::min(space + 1, scopes.size()));
  }
  return out;
}

Result<void> load(WriteTx& tx, const std::set<std::string>& more, const std::set<StepKey>& steps, LoadedRows& rows) {
  std::set<std::string> scopes, periods;
  const auto add = [&](std::string_view scope) {
    const bool period = is_period(scope) && std::ranges::count(scope, '/') == 1;
    if (period) scopes.insert(present(scope, tx.now()));
    (period ? periods : scopes).emplace(scope);
  };
  for (const auto& [no, execution] : rows.executions)
    for (const std::string_view scope : split(execution.budgets)) add(scope);
  for (const std::string& scope : more) add(scope);
  for (const std::string& scope : periods) {
    const auto [dims, is_new] = rows.budgets.try_emplace(scope);
    if (!is_new) continue;
    const Rows found =
        WRENCH_TRY(tx.query(sql::kPeriodDims, {number_after(scope, 1), scope.substr(scope.find('/') + 1)}));
    for (const auto row : found) dims->second[std::string(row.text(0))] = BudgetRow{.cap = row.integer(1)};
  }
  std::vector<Bind> wanted;
  for (const std::string& scope : scopes)
    if (rows.budgets.try_emplace(scope).second) wanted.emplace_back(scope);
  if (!wanted.empty()) {
    const Rows found = WRENCH_TRY(tx.query_many(sql::kBudgetDims, 1, wanted, storage::RowLock::ForUpdate));
    for (const auto row : found) rows.budgets.at(std::string(row.text(0)))[std::string(row.text(1))] = row_from(row);
  }
  std::vector<Bind> keys;
  const auto add_entries = [&](StepKey key) {
    if (!rows.open_entries.try_emplace(key).second) return;
    keys.emplace_back(key.execution_no);
    keys.emplace_back(key.step_no);
  };
  for (const auto& [key, step] : rows.steps)
    if ((step.flags & kFlagDraws) != 0) add_entries(key);
  for (const StepKey& key : steps) add_entries(key);
  if (keys.empty()) return {};
  const Rows open = WRENCH_TRY(tx.query_many(sql::kOpenEntries, 2, keys));
  for (const auto row : open)
    rows.open_entries[{row.integer(0), row.integer(1)}].push_back({.scope = std::string(row.text(2)),
                                                                   .dim = std::string(row.text(3)),
                                                                   .execution_no = row.integer(0),
                                                                   .step_no = row.integer(1),
                                                                   .epoch = row.integer(4),
                                                                   .call_no = row.integer(5),
                                                                   .reserved = row.integer(6),
                                                                   .stored = true});
  // In the order in which they were drawn.
  for (auto& [key, entries] : rows.open_entries)
    std::ranges::stable_sort(entries, [](const BudgetEntry& a, const BudgetEntry& b) {
      return std::pair(a.epoch, -a.call_no) < std::pair(b.epoch, -b.call_no);
    });
  return {};
}

namespace {

/// The steps that wait for the dimension of the scope look again; who runs them hears of it. Not those that wait for
/// another one: a step that looks in vain gives back the time that it took, and would wake itself for ever.
Result<void> wake(WriteTx& tx, const std::string& scope, const std::string& dim, bool raised, std::string_view boot,
                  Ownership ownership, std::vector<Command>& out) {
  const Rows waiting = WRENCH_TRY(tx.query(sql::kBudgetWaiters, {scope, raised ? 1 : 0, dim, kWaitersWokenMax}));
  for (const auto row : waiting) {
    const StepKey step{row.integer(0), row.integer(1)};
    WRENCH_TRY(tx.exec(sql::kDeleteBudgetWait, {step.execution_no, step.step_no}));
    const Rows owner = WRENCH_TRY(tx.query(sql::kExecutionOpen, {step.execution_no}));
    if (owner.empty()) continue;
    if (ownership == Ownership::Exclusive && !boot.empty() && owner.front().text_or_empty(0) == boot) {
      out.emplace_back(command::Fund{step});
      continue;
    }
    WRENCH_TRY(requests::add(
        tx, {step.execution_no, Request::Kind::Fund, std::to_string(step.step_no), std::string("system")}));
    if (ownership == Ownership::Shared) WRENCH_TRY(queue_look(tx, step.execution_no));
  }
  return {};
}

}  // namespace

Result<std::vector<Command>> write(WriteTx& tx, const FlushPlan& plan, std::string_view boot, Ownership ownership) {
  std::vector<Command> out;
  const BudgetMoves& moves = plan.budgets;
  for (const auto& [scope, dim, row] : moves.rows)
    WRENCH_TRY(tx.exec(row.stored ? sql::kUpdateBudget : sql::kInsertBudget,
                       {scope, dim, cap_of(row), row.reserved, row.spent}));
  for (const BudgetEntry& entry : moves.entries) {
    const Bind settled = entry.settled ? Bind(*entry.settled) : Bind(std::nullopt);
    const Bind settled_at = entry.settled ? Bind(tx.now()) : Bind(std::nullopt);
    const int estimated = entry.estimated ? 1 : 0;
    if (!entry.stored) {
      WRENCH_TRY(tx.exec(sql::kInsertEntry, {entry.scope, entry.dim, entry.execution_no, entry.step_no, entry.epoch,
                                             entry.call_no, entry.reserved, settled, estimated, tx.now(), settled_at}));
    } else if (WRENCH_TRY(tx.exec(sql::kSettleEntry, {entry.scope, entry.dim, entry.execution_no, entry.step_no,
                                                      entry.epoch, entry.call_no, settled, estimated, settled_at})) !=
               1) {
      return Error("workflow.conflict", "a line of the ledger was settled before");
    }
  }
  for (const auto& [execution_no, step_no] : moves.waits_over)
    WRENCH_TRY(tx.exec(sql::kDeleteBudgetWait, {execution_no, step_no}));
  for (const BudgetMoves::Wait& wait : moves.waits_begun) {
    WRENCH_TRY(
        tx.exec(sql::kInsertBudgetWait, {wait.execution_no, wait.step_no, wait.scope, wait.spent ? 1 : 0, wait.dim}));
  }
  for (const auto& [scope, dim] : moves.raised) WRENCH_TRY(wake(tx, scope, dim, true, boot, ownership, out));
  for (const auto& [scope, dim] : moves.freed)
    if (!moves.raised.contains({scope, dim})) WRENCH_TRY(wake(tx, scope, dim, false, boot, ownership, out));
  return out;
}

Result<std::vector<Stand>> stands(storage::ReadTx& tx, std::int64_t execution_no, std::string_view scopes) {
  std::vector<Stand> out;
  for (const std::string_view scope : split(scopes)) {
    if (is_period(scope)) {
      const Rows dims =
          WRENCH_TRY(tx.query(sql::kPeriodDims, {number_after(scope, 1), scope.substr(scope.find('/') + 1)}));
      for (const auto row : dims) out.push_back({std::string(scope), std::string(row.text(0)), row.integer(1), 0});
      continue;
    }
    const Rows dims = WRENCH_TRY(tx.query(sql::kBudgetDims, {scope}));
    for (const auto row : dims) {
      const Rows own = WRENCH_TRY(tx.query(sql::kSpentByExecution, {scope, row.text(1), execution_no}));
      const BudgetRow its = row_from(row);
      out.push_back({std::string(scope), std::string(row.text(1)), its.cap, its.spent - own.front().integer(0)});
    }
  }
  return out;
}

Result<bool> waits_for_others_only(storage::ReadTx& tx, std::int64_t execution_no) {
  return WRENCH_TRY(tx.query(sql::kSpentWaits, {execution_no})).front().optional_integer(0).value_or(0) == 0;
}

Result<std::string> periods_of(storage::ReadTx& tx, std::int64_t project_id) {
  std::string out;
  const Rows found = WRENCH_TRY(tx.query(sql::kPeriods, {project_id}));
  for (const auto row : found) out += " p" + std::to_string(project_id) + "/" + std::string(row.text(0));
  return out;
}

Result<void> begin_task(WriteTx& tx, std::int64_t task_no, std::int64_t execution_no, const BudgetAmounts& budget) {
  for (const auto& [dim, cap] : budget) WRENCH_TRY(tx.exec(sql::kInsertBudget, {task_scope(task_no), dim, cap, 0, 0}));
  return begin_execution(tx, task_no, execution_no);
}

Result<void> begin_execution(WriteTx& tx, std::int64_t task_no, std::int64_t execution_no) {
  WRENCH_TRY(tx.exec(sql::kCountForExecution, {task_scope(task_no), execution_scope(execution_no)}));
  return {};
}

Result<void> set_project(WriteTx& tx, std::int64_t project_id, BudgetPeriod period, const BudgetAmounts& budget,
                         const std::string& actor, Ownership ownership) {
  WRENCH_TRY(check_budget(budget));
  const std::string scope = present(period_scope(project_id, period), tx.now());
  for (const auto& [dim, cap] : budget) {
    if (dim == "depth") return Error("workflow.budget_invalid", "a project has no depth: tasks have");
    WRENCH_TRY(tx.exec(sql::kSetPeriod, {project_id, name(period), dim, cap}));
    WRENCH_TRY(tx.exec(sql::kSetPresent, {scope, dim, cap}));
  }
  std::vector<Command> none;
  for (const auto& [dim, cap] : budget) WRENCH_TRY(wake(tx, scope, dim, true, {}, ownership, none));
  storage::EventDraft event;
  event.type = "project.budget";
  event.project_id = project_id;
  event.subject_kind = "project";
  event.subject_id = std::to_string(project_id);
  event.actor = actor;
  event.version = 1;
  event.payload = codec::write_json(codec::Json::object({{"period", name(period)}, {"budget", to_json(budget)}}));
  return tx.append_event(event);
}

}  // namespace budgets

namespace {

Result<void> add_views(storage::ReadTx& tx, const std::string& scope, const std::string& shown,
                       std::vector<BudgetView>& out) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kBudgetDims, {scope}));
  for (const auto row : rows) {
    const BudgetRow its = row_from(row);
    out.push_back({shown, std::string(row.text(1)), its.cap, its.reserved, its.spent});
  }
  return {};
}

}  // namespace

Result<std::vector<BudgetView>> list_budgets(storage::ReadTx& tx, std::int64_t task_no) {
  std::vector<BudgetView> out;
  WRENCH_TRY(add_views(tx, budgets::task_scope(task_no), "task", out));
  const Rows executions = WRENCH_TRY(tx.query(sql::kExecutionNumbers, {task_no}));
  for (const auto row : executions)
    WRENCH_TRY(
        add_views(tx, budgets::execution_scope(row.integer(0)), "execution " + std::to_string(row.integer(1)), out));
  if (executions.empty()) return out;
  const std::string first = "s" + std::to_string(executions[executions.size() - 1].integer(0)) + "/";
  const std::string behind = first.substr(0, first.size() - 1) + "0";  // '0' follows '/'.
  const Rows steps = WRENCH_TRY(tx.query(sql::kBudgetsOfSteps, {first, behind, kStepBudgetsShownMax}));
  for (const auto row : steps) {
    const BudgetRow its = row_from(row);
    out.push_back({"step " + std::string(row.text(0).substr(first.size())), std::string(row.text(1)), its.cap,
                   its.reserved, its.spent});
  }
  return out;
}

Result<std::vector<BudgetView>> list_project_budgets(storage::ReadTx& tx, std::int64_t project_id, Micros now) {
  std::vector<BudgetView> out;
  const Rows periods = WRENCH_TRY(tx.query(sql::kProjectPeriods, {project_id}));
  std::set<std::string> present;
  for (const auto row : periods) {
    out.push_back({std::string(row.text(0)), std::string(row.text(1)), row.integer(2)});
    present.insert(budgets::present("p" + std::to_string(project_id) + "/" + std::string(row.text(0)), now));
  }
  for (const std::string& scope : present) {
    std::string shown = scope.substr(scope.find('/') + 1);
    std::ranges::replace(shown, '/', ' ');
    WRENCH_TRY(add_views(tx, scope, shown, out));
  }
  return out;
}

}  // namespace wrench::workflow
