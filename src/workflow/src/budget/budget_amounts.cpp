#include "wrench/workflow/budget_amounts.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kDimensions[] = {"cost_nano_usd", "tokens", "requests", "tool_calls",
                                            "wall_ms",       "cpu_ms", "depth"};
constexpr std::string_view kOfTool = "tool_calls.";
constexpr std::size_t kToolNameBytesMax = 128;
constexpr std::int64_t kNanoPerUsd = 1'000'000'000;
constexpr std::size_t kNanoDigits = 9;

Error invalid(std::string what) { return Error("workflow.budget_invalid", std::move(what)); }

bool is_dimension(std::string_view text) {
  if (std::ranges::find(kDimensions, text) != std::end(kDimensions)) return true;
  if (!text.starts_with(kOfTool)) return false;
  const std::string_view tool = text.substr(kOfTool.size());
  return !tool.empty() && tool.size() <= kToolNameBytesMax && std::ranges::all_of(tool, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-@+").find(c) != std::string_view::npos;
  });
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// "2.5" -> 2,500,000,000. Exact: no number on the way that could round.
std::optional<std::int64_t> nano_usd(std::string_view text) {
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string fraction(dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1));
  if (fraction.size() > kNanoDigits || (dot != std::string_view::npos && fraction.empty())) return std::nullopt;
  fraction.resize(kNanoDigits, '0');
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!all_digits(whole) || !all_digits(fraction)) return std::nullopt;
  const auto usd = whole_number(whole);
  if (!usd || *usd > kBudgetAmountMax / kNanoPerUsd) return std::nullopt;
  return *usd * kNanoPerUsd + *whole_number(fraction);
}

}  // namespace

Result<void> check_budget(const BudgetAmounts& budget) {
  if (budget.empty()) return invalid("a budget limits at least one dimension");
  if (budget.size() > kBudgetDimensionsMax)
    return invalid("a budget has at most " + std::to_string(kBudgetDimensionsMax) + " dimensions");
  for (const auto& [dimension, amount] : budget) {
    if (!is_dimension(dimension)) {
      const auto near =
          nearest(dimension, std::vector<std::string_view>(std::begin(kDimensions), std::end(kDimensions)));
      return invalid("there is no dimension '" + escape_for_display(dimension) + "'" +
                     (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?") +
                     " (known: cost_nano_usd, tokens, requests, tool_calls, tool_calls.NAME, wall_ms, cpu_ms, depth)");
    }
    if (amount < 0 || amount > kBudgetAmountMax)
      return invalid("'" + dimension + "' must be a whole number from 0 to " + format_count(kBudgetAmountMax));
  }
  return {};
}

Result<BudgetAmounts> read_budget(const Json& object) {
  if (!object.is_object()) return invalid("a budget is an object {dimension: amount}");
  BudgetAmounts out;
  for (const auto& [dimension, amount] : object.as_object()) {
    if (!amount.is_integer())
      return invalid("'" + escape_for_display(dimension) + "' must be a whole number from 0 to " +
                     format_count(kBudgetAmountMax));
    out[std::string(dimension)] = amount.as_integer();
  }
  WRENCH_TRY(check_budget(out));
  return out;
}

Json to_json(const BudgetAmounts& budget) {
  Json out = Json::object();
  for (const auto& [dimension, amount] : budget) out.set(dimension, amount);
  return out;
}

Result<BudgetAmounts> parse_budget(std::span<const std::string> words) {
  BudgetAmounts out;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string dimension = equals == std::string::npos ? "cost_nano_usd" : word.substr(0, equals);
    const auto amount =
        equals == std::string::npos ? nano_usd(word) : whole_number(std::string_view(word).substr(equals + 1));
    if (!amount)
      return invalid("'" + escape_for_display(word) +
                     "' is no budget: an amount of US dollars such as 2.50, or DIMENSION=N such as tokens=100000");
    if (!out.emplace(dimension, *amount).second)
      return invalid("'" + escape_for_display(dimension) + "' stands there twice");
  }
  WRENCH_TRY(check_budget(out));
  return out;
}

std::string shown_amount(std::string_view dimension, std::int64_t amount) {
  if (dimension == "cost_nano_usd") {
    std::string fraction = std::to_string(kNanoPerUsd + amount % kNanoPerUsd).substr(1);
    while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
    return "$" + std::to_string(amount / kNanoPerUsd) + "." + fraction;
  }
  if (dimension == "wall_ms" || dimension == "cpu_ms") {
    if (amount > kBudgetAmountMax / kMicrosPerMs) return format_count(static_cast<std::uint64_t>(amount)) + " ms";
    return format_duration(amount * kMicrosPerMs);
  }
  return format_count(static_cast<std::uint64_t>(amount));
}

}  // namespace wrench::workflow
