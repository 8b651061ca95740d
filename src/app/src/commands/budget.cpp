#include <algorithm>

#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "budget_text.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

using codec::Json;
using workflow::BudgetView;

Json budgets_json(const std::vector<BudgetView>& budgets) {
  Json out = Json::array();
  for (const auto& budget : budgets)
    out.push_back(Json::object({{"scope", budget.scope},
                                {"dimension", budget.dimension},
                                {"limit", budget.limit ? Json(*budget.limit) : Json()},
                                {"spent", budget.spent},
                                {"reserved", budget.reserved}}));
  return out;
}

std::string budgets_text(const std::vector<BudgetView>& budgets, std::string_view margin) {
  std::size_t scopes = 0, dimensions = 0;
  for (const auto& budget : budgets) {
    scopes = std::max(scopes, budget.scope.size());
    dimensions = std::max(dimensions, budget.dimension.size());
  }
  std::string text;
  for (const auto& budget : budgets) {
    const auto amount = [&](std::int64_t n) { return workflow::shown_amount(budget.dimension, n); };
    text += std::string(margin) + pad(budget.scope, scopes + 2) + pad(Console::safe(budget.dimension), dimensions + 2);
    if (budget.scope == "day" || budget.scope == "month" || budget.dimension == "depth") {
      text += "at most " + amount(budget.limit.value_or(0)) + "\n";
      continue;
    }
    text += amount(budget.spent) + (budget.limit ? " of " + amount(*budget.limit) : "") + " spent";
    if (budget.reserved > 0) text += ", " + amount(budget.reserved) + " reserved";
    text += "\n";
  }
  return text;
}

ExitCode run_task_budget_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  const auto budgets =
      (*space)->store().read([&](storage::ReadTx& tx) { return workflow::list_budgets(tx, task->task_no); });
  if (!budgets) return session.fail(budgets.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_budget/1"},
                                                 {"task_id", task->task_id},
                                                 {"data", budgets_json(*budgets)}}));
  return delivered(session, budgets->empty() ? "The task has no budget.\n" : budgets_text(*budgets, ""));
}

ExitCode run_task_budget_raise(Session& session) {
  const auto& words = session.invocation.arguments;
  const auto by = workflow::parse_budget({words.begin() + 1, words.end()});
  if (!by) return session.fail(by.error());
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, words.front());
  if (!task) return session.fail(task.error());
  const auto raised = (*space)->engine().raise_budget(task->task_id, session.invocation.number("--step", 0), *by);
  if (!raised) return session.fail(raised.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_budget_raise/1"},
                                                 {"task_id", task->task_id},
                                                 {"by", workflow::to_json(*by)}}));
  std::string text = "raised";
  for (const auto& [dimension, amount] : *by)
    text += "  " + dimension + " by " + workflow::shown_amount(dimension, amount);
  const bool runs = workflow::is_terminal(task->state);
  const std::string id(short_id(task->task_id));
  return delivered(session,
                   text + "\n" +
                       (runs ? "Run it again: wrench task retry " : "If no process runs it: wrench task resume ") + id +
                       "\n");
}

ExitCode run_budget_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const Micros now = (*space)->clock().now_us();
  const auto budgets = (*space)->store().read(
      [&](storage::ReadTx& tx) { return workflow::list_project_budgets(tx, workflow::kDefaultProject, now); });
  if (!budgets) return session.fail(budgets.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.budget/1"}, {"data", budgets_json(*budgets)}}));
  return delivered(session, budgets->empty() ? "No budget of all tasks. Set one: wrench budget set --per day 5.00\n"
                                             : budgets_text(*budgets, ""));
}

ExitCode run_budget_set(Session& session) {
  const auto budget = workflow::parse_budget(session.invocation.arguments);
  if (!budget) return session.fail(budget.error());
  const auto period =
      session.invocation.value("--per") == "month" ? workflow::BudgetPeriod::Month : workflow::BudgetPeriod::Day;
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto set = (*space)->engine().set_project_budget(workflow::kDefaultProject, period, *budget);
  if (!set) return session.fail(set.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.budget_set/1"},
                                                 {"per", workflow::name(period)},
                                                 {"budget", workflow::to_json(*budget)}}));
  std::string text = "each " + std::string(workflow::name(period));
  for (const auto& [dimension, amount] : *budget)
    text += "  " + dimension + " " + workflow::shown_amount(dimension, amount);
  return delivered(session, text + "\n");
}

}  // namespace wrench::app
