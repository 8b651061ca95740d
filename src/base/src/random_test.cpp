#include "wrench/base/random.hpp"

#include <gtest/gtest.h>

#include <set>

#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"

namespace wrench {
namespace {

TEST(SeededRandom, MatchesTheReference) {
  // xoshiro256** from splitmix64(0): first outputs of the authors' C code.
  SeededRandom random(0);
  EXPECT_EQ(random.next(), 0x99EC5F36CB75F2B4U);
  EXPECT_EQ(random.next(), 0xBF6E1F784956452AU);
}

TEST(SeededRandom, RepeatsBySeed) {
  SeededRandom a(42);
  SeededRandom b(42);
  SeededRandom c(43);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, StaysBelowItsBound) {
  SeededRandom random(7);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) {
    const auto n = random.below(6);
    ASSERT_LT(n, 6U);
    seen.insert(n);
    const auto u = random.unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
  }
  EXPECT_EQ(seen.size(), 6U);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(SystemRandom, IsNotConstant) {
  SystemRandom random;
  EXPECT_NE(random.next(), random.next());
}

TEST(Ulid, SortsByTimeAndCarriesRandomness) {
  ManualClock clock(1'469'918'176'385 * kMicrosPerMs);
  SeededRandom random(1);
  const auto first = make_ulid(clock, random);
  EXPECT_EQ(first.size(), 26U);
  // The time part of the example in the ULID specification.
  EXPECT_EQ(first.substr(0, 10), "01ARYZ6S41");
  const auto same_moment = make_ulid(clock, random);
  EXPECT_NE(first, same_moment);
  clock.advance(kMicrosPerMs);
  EXPECT_LT(std::max(first, same_moment), make_ulid(clock, random));
}

TEST(Ulid, NamesThings) {
  const ManualClock clock;
  SeededRandom random(1);
  const auto id = make_id("tsk", clock, random);
  EXPECT_EQ(id.substr(0, 4), "tsk_");
  EXPECT_EQ(id.size(), 30U);
  EXPECT_EQ(short_id(id), id.substr(24));
  EXPECT_EQ(short_id("abc"), "abc");
}

TEST(Version, IsTheProjects) { EXPECT_EQ(version(), WRENCH_TEST_VERSION); }

TEST(Version, TellsBuildsApart) {
  EXPECT_EQ(build_id().size(), 40U) << build_id();
  EXPECT_EQ(build_id().find_first_not_of("0123456789abcdef"), std::string::npos) << build_id();
}

}  // namespace
}  // namespace wrench
