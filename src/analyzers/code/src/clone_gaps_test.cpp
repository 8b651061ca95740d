#include "clone_gaps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "clone_values.hpp"
#include "wrench/code/ir.hpp"

namespace wrench::code::detail {
namespace {

using Values = std::vector<std::uint32_t>;

std::uint32_t structure(Kind kind) { return (static_cast<std::uint32_t>(kind) << 8) + 1; }

/// A statement of `size` tokens, the same for the same `seed`.
Values statement(std::uint32_t seed, std::uint32_t size = 6) {
  std::mt19937 random(seed);
  Values out{structure(Kind::ExprStmt)};
  while (out.size() < size)
    out.push_back(structure(static_cast<Kind>(static_cast<std::uint32_t>(Kind::Name) + random() % 20)) + random() % 4);
  return out;
}

Values statements(std::initializer_list<std::uint32_t> seeds) {
  Values out;
  for (const std::uint32_t seed : seeds) {
    const Values one = statement(seed);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

TEST(CloneGaps, LinesPutInAreSteppedOver) {
  const Values a = statements({90, 1, 2, 3, 4, 5, 6, 7, 8, 91});
  const Values b = statements({1, 2, 3, 77, 4, 5, 6, 7, 8, 92, 93});
  // Found by the five behind the line.
  const auto near = join_over_gaps(a, b, {0, 24, 1, 24, 30});
  ASSERT_TRUE(near);
  EXPECT_EQ(near->a, (CloneRange{0, 6, 54}));
  EXPECT_EQ(near->b, (CloneRange{1, 0, 54}));
  EXPECT_EQ(near->equal, 48u);
  EXPECT_EQ(near->similarity(), 88u);
  // By the three before it.
  const auto same = join_over_gaps(a, b, {0, 6, 1, 0, 18});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->a, near->a);
  EXPECT_EQ(same->b, near->b);
}

TEST(CloneGaps, TooWideAGapPartsThem) {
  const Values a = statements({1, 2, 3, 4, 5, 6});
  const Values b = statements({1, 2, 3, 70, 71, 4, 5, 6});
  EXPECT_FALSE(join_over_gaps(a, b, {0, 0, 1, 0, 18}));
}

TEST(CloneGaps, ImportsBetweenPartThem) {
  const Values a = statements({1, 2, 3, 4, 5, 6});
  Values b = statements({1, 2, 3, 70, 4, 5, 6});
  b[20] = clone_values::kFiller;
  EXPECT_FALSE(join_over_gaps(a, b, {0, 0, 1, 0, 18}));
}

TEST(CloneGaps, WithTooLittleInCommonTheyAreNone) {
  // Every second statement is another one.
  const Values a = statements({1, 2, 50, 3, 4, 51, 5, 6, 52, 7, 8});
  const Values b = statements({1, 2, 60, 3, 4, 61, 5, 6, 62, 7, 8});
  const auto near = join_over_gaps(a, b, {0, 0, 1, 0, 12});
  ASSERT_TRUE(near);
  EXPECT_EQ(near->similarity(), 75u) << "and a statement that is another begins with the same token";
  const Values c = statements({1, 2, 50, 3, 51, 4, 52, 5, 53, 6, 54, 7, 8});
  const Values d = statements({1, 2, 60, 3, 61, 4, 62, 5, 63, 6, 64, 7, 8});
  EXPECT_FALSE(join_over_gaps(c, d, {0, 0, 1, 0, 12}));
}

TEST(CloneGaps, AStretchIsNoCopyOfItself) {
  const Values a = statements({1, 2, 3, 1, 2, 3, 9, 1, 2, 3});
  EXPECT_FALSE(join_over_gaps(a, a, {0, 0, 0, 18, 18}));
}

TEST(CloneGaps, ALittleBehindAGapIsntWorthIt) {
  const Values a = statements({1, 2, 3, 4, 5, 6, 7, 8, 9, 60, 10, 11});
  const Values b = statements({1, 2, 3, 4, 5, 6, 7, 8, 9, 61, 10, 11});
  EXPECT_FALSE(join_over_gaps(a, b, {0, 0, 1, 0, 54})) << "12 of 66";
}

TEST(CloneGaps, PairsWithAMemberInCommonAreOneClass) {
  const auto classes = near_classes({{{0, 10, 110}, {1, 0, 100}, 90},
                                     {{0, 12, 112}, {2, 0, 104}, 80},  // The first member, moved a little.
                                     {{3, 0, 60}, {4, 0, 60}, 55}});
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_THAT(classes[0].members,
              testing::ElementsAre(CloneRange{0, 10, 110}, CloneRange{1, 0, 100}, CloneRange{2, 0, 104}));
  EXPECT_EQ(classes[0].similarity, 76u);
  EXPECT_THAT(classes[1].members, testing::ElementsAre(CloneRange{3, 0, 60}, CloneRange{4, 0, 60}));
  EXPECT_EQ(near_classes({{{0, 0, 100}, {0, 5, 104}, 90}}).size(), 0u);
}

}  // namespace
}  // namespace wrench::code::detail
