#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres_statements.hpp"
#include "statements.hpp"
#include "wrench/storage/testing/plan_check.hpp"

namespace wrench::storage {
namespace {

using testing::check_plans;
using testing::check_postgres_plans;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Plans, OfThisModuleAreAsDeclared) { EXPECT_THAT(check_plans(own_statements()), IsEmpty()); }

TEST(Plans, OfThisModuleAreAsDeclaredOnPostgres) {
  EXPECT_THAT(check_postgres_plans(own_statements()), IsEmpty());
  EXPECT_THAT(check_postgres_plans(postgres_statements()), IsEmpty());
}

TEST(Plans, CheckFindsWhatIsWrong) {
  const Statement scan{.id = "a", .sql = "SELECT * FROM events WHERE actor = ?1", .plan = "SCAN events"};
  const Statement sort{.id = "b",
                       .sql = "SELECT seq FROM events WHERE seq > ?1 ORDER BY type",
                       .plan = "SEARCH events USING INTEGER PRIMARY KEY (rowid>?); USE TEMP B-TREE FOR ORDER BY"};
  const Statement drift{.id = "c", .sql = "SELECT type FROM events WHERE seq = ?1", .plan = "SCAN events"};
  const Statement typo{.id = "c", .sql = "SELEKT 1"};
  const Statement excused{.id = "d", .sql = "SELECT * FROM events", .plan_exception = "for this test"};
  const Statement* const list[] = {&scan, &sort, &drift, &typo, &excused};
  EXPECT_THAT(check_plans(list),
              ElementsAre("a: SCAN events", "b: USE TEMP B-TREE FOR ORDER BY", HasSubstr("c: plan is \"SEARCH events"),
                          "c: declared twice", HasSubstr("c: near \"SELEKT\"")));
}

}  // namespace
}  // namespace wrench::storage
