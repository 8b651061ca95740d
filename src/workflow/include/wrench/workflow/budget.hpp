#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/budget_amounts.hpp"

/// How budgets stand, and those of projects.
namespace wrench::workflow {

enum class BudgetPeriod : std::uint8_t { Day, Month };  ///< In UTC.
std::string_view name(BudgetPeriod period);

struct BudgetView {
  std::string scope;  ///< task, execution 2, step 3, day 2026-11-28, month 2026-11, day or month (of each).
  std::string dimension;
  std::optional<std::int64_t> limit;  ///< Nothing: it is only counted.
  std::int64_t reserved = 0, spent = 0;
};

/// Of the task, its executions, and the steps of its latest execution.
Result<std::vector<BudgetView>> list_budgets(storage::ReadTx& tx, std::int64_t task_no);
/// What each day or month of the project begins with, and how the present ones stand.
Result<std::vector<BudgetView>> list_project_budgets(storage::ReadTx& tx, std::int64_t project_id, Micros now);
}  // namespace wrench::workflow
