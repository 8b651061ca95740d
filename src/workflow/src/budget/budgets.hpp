#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/budget.hpp"
#include "wrench/workflow/core.hpp"

/// The rows of budgets, and the names of their scopes.
namespace wrench::workflow::budgets {

std::string step_scope(StepKey step);
std::string execution_scope(std::int64_t execution_no);
std::string task_scope(std::int64_t task_no);
/// "p1/day": what each day of the project begins with.
std::string period_scope(std::int64_t project_id, BudgetPeriod period);
inline bool is_period(std::string_view scope) { return scope.starts_with('p'); }
inline bool is_task(std::string_view scope) { return scope.starts_with('t'); }
/// "p1/day/20261128" of "p1/day".
std::string present(std::string_view period_scope, Micros now);
/// When the present day or month is over.
Micros end_of(std::string_view period_scope, Micros now);
/// Of ExecutionRow::budgets.
std::vector<std::string_view> split(std::string_view scopes);

/// Those that the loaded executions draw from, and `more`; and the open lines of the loaded steps that have some, and
/// of `steps`.
Result<void> load(storage::WriteTx& tx, const std::set<std::string>& more, const std::set<StepKey>& steps,
                  LoadedRows& rows);

/// Writes what the plan moves, and tells steps of others' executions to look again. What is left to do here.
Result<std::vector<Command>> write(storage::WriteTx& tx, const FlushPlan& plan, std::string_view boot,
                                   Ownership ownership);

/// The project's periods that have a budget, each a word with a space before it.
Result<std::string> periods_of(storage::ReadTx& tx, std::int64_t project_id);
/// Rows of a task and of its first execution, which only counts.
Result<void> begin_task(storage::WriteTx& tx, std::int64_t task_no, std::int64_t execution_no,
                        const BudgetAmounts& budget);
/// Rows of one more execution, which counts what its task limits.
Result<void> begin_execution(storage::WriteTx& tx, std::int64_t task_no, std::int64_t execution_no);

/// How the scopes that an execution draws from stand for it, for a replay: cap and what others have spent.
struct Stand {
  std::string scope, dim;
  std::optional<std::int64_t> cap;
  std::int64_t spent_by_others = 0;
};
Result<std::vector<Stand>> stands(storage::ReadTx& tx, std::int64_t execution_no, std::string_view scopes);

/// The execution's steps that wait for a budget wait only for what others have reserved of it.
Result<bool> waits_for_others_only(storage::ReadTx& tx, std::int64_t execution_no);
/// Engine::set_project_budget().
Result<void> set_project(storage::WriteTx& tx, std::int64_t project_id, BudgetPeriod period,
                         const BudgetAmounts& budget, const std::string& actor, Ownership ownership);

}  // namespace wrench::workflow::budgets
