#include "wrench/workflow/budget_amounts.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "budgets.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;

Result<BudgetAmounts> parse(std::vector<std::string> words) { return parse_budget(words); }

TEST(BudgetAmounts, MoneyIsExact) {
  EXPECT_EQ(parse({"2.50"})->at("cost_nano_usd"), 2'500'000'000);
  EXPECT_EQ(parse({"0.000000001"})->at("cost_nano_usd"), 1);
  EXPECT_EQ(parse({"0"})->at("cost_nano_usd"), 0);
  EXPECT_EQ(parse({"1000000000"})->at("cost_nano_usd"), kBudgetAmountMax);
  EXPECT_EQ(shown_amount("cost_nano_usd", 2'500'000'000), "$2.50");
  EXPECT_EQ(shown_amount("cost_nano_usd", 1), "$0.000000001");
  EXPECT_EQ(shown_amount("tokens", 12'000), "12,000");
}

TEST(BudgetAmounts, WhatIsNoBudgetIsRefused) {
  for (const char* word : {"", "-1", "1e3", "1.", ".5", "1.0000000001", "1000000001", "99999999999999999999", "tokens=",
                           "tokens=-1", "tokens=1.5", "tokens=1000000000000000001", "tokens=9223372036854775808",
                           "token=1", "tool_calls.=1", "tool_calls.a b=1", "=1", "NaN", "inf"})
    EXPECT_EQ(parse({word}).error().code, "workflow.budget_invalid") << word;
  EXPECT_FALSE(parse({}).ok());
  EXPECT_FALSE(parse({"1", "cost_nano_usd=1"}).ok());
  EXPECT_TRUE(parse({"tokens=1000000000000000000", "tool_calls.git=0"}).ok());
  BudgetAmounts many;
  for (std::size_t i = 0; i < kBudgetDimensionsMax; ++i) many["tool_calls.t" + std::to_string(i)] = 1;
  EXPECT_TRUE(check_budget(many).ok());
  many["tokens"] = 1;
  EXPECT_FALSE(check_budget(many).ok());
}

TEST(BudgetAmounts, PlansHaveThem) {
  const auto plan = [](std::string budget, std::string of_plan = "{\"tokens\":1}") {
    return Plan::parse_text("{\"v\":1,\"budget\":" + of_plan +
                            ",\"nodes\":[{\"id\":\"a\",\"kind\":\"call\",\"capability\":\"t.x\",\"budget\":" + budget +
                            "}]}");
  };
  const auto good = plan("{\"wall_ms\":5}");
  ASSERT_TRUE(good.ok()) << describe(good.error());
  EXPECT_EQ((*good)->budget().at("tokens"), 1);
  EXPECT_EQ((*good)->nodes()[0].budget->at("wall_ms"), 5);
  EXPECT_TRUE((*good)->has_step_budgets());
  for (const char* bad : {"{}", "[]", "1", "{\"x\":1}", "{\"tokens\":-1}", "{\"tokens\":\"1\"}", "{\"tokens\":1.5}"}) {
    EXPECT_EQ(plan(bad).error().code, "workflow.plan_invalid") << bad;
    EXPECT_EQ(plan("{\"tokens\":1}", bad).error().code, "workflow.plan_invalid") << bad;
  }
}

TEST(BudgetScopes, PeriodsEndInUtc) {
  const Micros at = *parse_rfc3339("2026-12-31T23:59:59Z");
  EXPECT_EQ(budgets::present("p1/day", at), "p1/day/2026-12-31");
  EXPECT_EQ(budgets::present("p1/month", at), "p1/month/2026-12");
  EXPECT_EQ(budgets::end_of("p1/day/2026-12-31", at), *parse_rfc3339("2027-01-01T00:00:00Z"));
  EXPECT_EQ(budgets::end_of("p1/month/2026-12", at), *parse_rfc3339("2027-01-01T00:00:00Z"));
  EXPECT_EQ(budgets::end_of("p1/month/2026-09", *parse_rfc3339("2026-09-02T00:00:00Z")),
            *parse_rfc3339("2026-10-01T00:00:00Z"));
}

}  // namespace
}  // namespace wrench::workflow
