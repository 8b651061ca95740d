#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

/// Budgets: how much of what a step, a task or a project may use (docs/reference/budgets.md).
namespace wrench::workflow {

/// Of one dimension; of money 10^-9 US dollars.
inline constexpr std::int64_t kBudgetAmountMax = 1'000'000'000'000'000'000;
/// Dimensions of one budget.
inline constexpr std::size_t kBudgetDimensionsMax = 32;
/// Of what a step measures it reserves that much at a time: wall_ms and cpu_ms.
inline constexpr std::int64_t kBudgetShareMs = 10'000;
/// What a dead attempt has reserved counts as used after that.
inline constexpr Micros kBudgetHold = 600 * kMicrosPerSecond;

/// By dimension: cost_nano_usd, tokens, requests, tool_calls, tool_calls.<name>, wall_ms, cpu_ms, depth.
using BudgetAmounts = std::map<std::string, std::int64_t, std::less<>>;

/// Whether dimensions and amounts are such. Errors: workflow.budget_invalid.
Result<void> check_budget(const BudgetAmounts& budget);
/// Of an object {dimension: amount}. Errors: workflow.budget_invalid.
Result<BudgetAmounts> read_budget(const codec::Json& object);
codec::Json to_json(const BudgetAmounts& budget);
/// As people write it: "2.50" (US dollars) or "tokens=1000". Errors: workflow.budget_invalid.
Result<BudgetAmounts> parse_budget(std::span<const std::string> words);
/// For people: "$2.50", "1,000 tokens".
std::string shown_amount(std::string_view dimension, std::int64_t amount);

}  // namespace wrench::workflow
