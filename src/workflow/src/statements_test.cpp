#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/storage/testing/plan_check.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {
namespace {

TEST(Statements, HaveTheQueryPlansTheyDeclare) {
  EXPECT_THAT(storage::testing::check_plans(statements()), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wrench::workflow
