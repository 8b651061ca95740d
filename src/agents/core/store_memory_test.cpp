#include "wrench/agents/store_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/plan_check.hpp"

namespace wrench::agents {
namespace {

TEST(StoreMemory, RecallsNewestFirstByScopeAndForgetsTheOldest) {
  const auto dir = *runtime::TempDir::create();
  ManualClock clock;
  SeededRandom random(1);
  storage::StoreConfig config;
  config.directory = dir.path();
  config.statements = {memory_statements()};
  auto store = storage::Store::open(std::move(config), clock, random);
  ASSERT_TRUE(store) << describe(store.error());
  StoreMemory memory(**store);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE((*store)->write(memory.remembering("journey", {"episode", "/a", codec::Json(i), i}, 3)));
  ASSERT_TRUE((*store)->write(memory.remembering("journey", {"episode", "/b", codec::Json(9), 9}, 3)));
  const auto recalled = memory.recall("journey", "/a", 10);
  ASSERT_TRUE(recalled) << describe(recalled.error());
  ASSERT_EQ(recalled->size(), 3U);
  EXPECT_EQ((*recalled)[0].content.as_integer(), 4);
  EXPECT_EQ((*recalled)[2].content.as_integer(), 2);
  EXPECT_TRUE(memory.recall("super", "/a", 10)->empty());
}

TEST(StoreMemory, StatementsUseTheirIndexes) {
  EXPECT_THAT(storage::testing::check_plans(memory_statements()), ::testing::IsEmpty());
  constexpr std::string_view kFill =
      "INSERT INTO memory_items (agent_id, scope, kind, content, created_at) "
      "SELECT 'a' || n % 10, 's' || n % 20, 'k', '{}', n FROM generate_series(1, 5000) n";
  EXPECT_THAT(storage::testing::check_postgres_plans(memory_statements(), kFill), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wrench::agents
