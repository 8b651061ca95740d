#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "postgres_statements.hpp"
#include "statements.hpp"
#include "wrench/storage/testing/plan_check.hpp"

namespace wrench::storage {
namespace {

using testing::check_plans;
using testing::check_postgres_plans;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Plans, OfThisModuleAreAsDeclared) { EXPECT_THAT(check_plans(own_statements()), IsEmpty()); }

TEST(Plans, OfThisModuleAreAsDeclaredOnPostgres) {
  constexpr std::string_view kFill = R"(
    INSERT INTO events SELECT n, n, 't', n % 7, n % 50, 'k', 'i', 'a', 1, '{}' FROM generate_series(1, 5000) n;
    INSERT INTO blobs SELECT sha256(n::text::bytea), 1, 0, n, 'x' FROM generate_series(1, 5000) n;
    INSERT INTO blob_refs SELECT sha256(n::text::bytea), 'k' || n % 3, n FROM generate_series(1, 5000) n;
    INSERT INTO store_writers SELECT 'w' || n, n, n FROM generate_series(1, 5000) n;
  )";
  std::vector<const Statement*> all(own_statements().begin(), own_statements().end());
  for (const Statement* statement : postgres_statements()) all.push_back(statement);
  EXPECT_THAT(check_postgres_plans(all, kFill), IsEmpty());
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

TEST(Plans, CheckFindsWhatIsWrongOnPostgres) {
  const Statement scan{.id = "a", .sql = "SELECT seq FROM events WHERE actor = 'x'"};
  const Statement sort{.id = "b", .sql = "SELECT seq FROM events WHERE task_id = ?1 ORDER BY type"};
  const Statement drift{.id = "c", .sql = "SELECT 1", .postgres = {.sql = "SELECT 2", .plan = "Seq Scan"}};
  const Statement typo{.id = "d", .sql = "SELEKT 1"};
  const Statement index{.id = "e", .sql = "SELECT seq FROM events ORDER BY seq LIMIT 3"};
  const Statement excused{.id = "f", .sql = "SELECT * FROM events", .postgres = {.plan_exception = "for this test"}};
  const Statement* const list[] = {&scan, &sort, &drift, &typo, &index, &excused};
  const std::vector<std::string> wrong =
      check_postgres_plans(list, "INSERT INTO events VALUES (1, 1, 't', 1, 1, 'k', 'i', 'a', 1, '{}')");
  for (const char* expected :
       {"a: Seq Scan on events", "a on empty tables: Seq Scan on events", "b: Sort",
        "c: plan is \"Result\", declared is \"Seq Scan\"", "e: Index Only Scan using events_pkey on events"})
    EXPECT_THAT(wrong, Contains(expected));
  EXPECT_THAT(wrong, Contains(HasSubstr("d: DEALLOCATE ALL; PREPARE one AS SELEKT")));
  for (const std::string& line : wrong) EXPECT_FALSE(line.starts_with("f")) << line;
}

}  // namespace
}  // namespace wrench::storage
