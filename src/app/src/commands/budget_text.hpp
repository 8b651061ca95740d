#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/workflow/budget.hpp"

namespace wrench::app {

/// Budgets as the commands show them.
codec::Json budgets_json(const std::vector<workflow::BudgetView>& budgets);
std::string budgets_text(const std::vector<workflow::BudgetView>& budgets, std::string_view margin);

}  // namespace wrench::app
