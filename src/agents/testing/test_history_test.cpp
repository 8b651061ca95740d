#include "wrench/agents/test_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/plan_check.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::agents {
namespace {

SuiteResult suite_of(const std::string& agent, const std::string& failed) {
  SuiteResult out{agent, agent + ".yaml", {}};
  out.cases.resize(2);
  out.cases[0].name = "good";
  out.cases[1].name = failed;
  out.cases[1].status = CaseStatus::Failed;
  out.cases[1].error.emplace("x.y", "broke");
  return out;
}

class TestHistory : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    storage::StoreConfig config;
    config.statements = {statements()};
    if (GetParam()) {
      config.database_url = storage::testing::PostgresServer::shared().new_schema_url();
    } else {
      config.directory = dir_.path();
    }
    auto opened = storage::Store::open(std::move(config), clock_, random_);
    ASSERT_TRUE(opened) << describe(opened.error());
    store_ = std::move(*opened);
  }
  Result<std::string> keep(const SuiteResult& suite) { return keep_test_run(*store_, {&suite, 1}, 5, clock_, random_); }

  runtime::TempDir dir_ = *runtime::TempDir::create();
  ManualClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<storage::Store> store_;
};
INSTANTIATE_TEST_SUITE_P(Stores, TestHistory, testing::Bool(),
                         [](const auto& info) { return info.param ? "PostgreSQL" : "SQLite"; });

TEST_P(TestHistory, TellsTheNewestRunFirst) {
  ASSERT_TRUE(keep(suite_of("super", std::string("b\0d", 3))));
  clock_.advance(kMicrosPerSecond);
  const auto id = keep(suite_of("inspector", "bad"));
  ASSERT_TRUE(id) << describe(id.error());
  const auto runs = past_test_runs(*store_, 10);
  ASSERT_TRUE(runs) << describe(runs.error());
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ(runs->at(0).run_id, *id);
  EXPECT_EQ(runs->at(0).at, clock_.now_us());
  EXPECT_EQ(runs->at(0).totals.total, 2U);
  EXPECT_EQ(runs->at(0).totals.failed, 1U);
  ASSERT_EQ(runs->at(0).cases.size(), 2U);
  EXPECT_EQ(runs->at(0).cases[1].name, "bad");
  EXPECT_EQ(runs->at(0).cases[1].status, "failed");
  EXPECT_EQ(runs->at(0).cases[1].result.at("error").at("code").as_string(), "x.y");
  EXPECT_EQ(runs->at(1).cases[1].name, "b\\x00d");
  EXPECT_EQ(past_test_runs(*store_, 1)->size(), 1U);
}

TEST_P(TestHistory, OldRunsGo) {
  for (std::size_t i = 0; i < kTestRunsKept + 3; ++i) {
    clock_.advance(kMicrosPerSecond);
    ASSERT_TRUE(keep(suite_of("super", std::to_string(i))));
  }
  const auto runs = past_test_runs(*store_, 2 * kTestRunsKept);
  ASSERT_EQ(runs->size(), kTestRunsKept);
  EXPECT_EQ(runs->back().cases.at(1).name, "3");
}

TEST(TestHistoryStatements, HaveThePlansTheyDeclare) {
  EXPECT_THAT(storage::testing::check_plans(statements()), testing::IsEmpty());
  EXPECT_THAT(storage::testing::check_filled_plans(
                  statements(),
                  "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) "
                  "INSERT INTO eval_runs SELECT 'evr_' || n, n, 1, 'v', 1, 1, 0, 0 FROM n;"
                  "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000) "
                  "INSERT INTO eval_results SELECT 'evr_' || n / 50, n, 'a', 'n', 'passed', '{}' FROM n;"),
              testing::IsEmpty());
  EXPECT_THAT(storage::testing::check_postgres_plans(
                  statements(),
                  "INSERT INTO eval_runs SELECT 'evr_' || n, n, 1, 'v', 1, 1, 0, 0 FROM generate_series(1, 200) n;"
                  "INSERT INTO eval_results SELECT 'evr_' || n / 50, n, 'a', 'n', 'passed', '{}' "
                  "FROM generate_series(1, 5000) n;"),
              testing::IsEmpty());
}

}  // namespace
}  // namespace wrench::agents
