#include "wrench/workflow/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

constexpr Micros kSecond = kMicrosPerSecond;
using State = CircuitBreaker::State;

class Breaker : public testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(breaker_.admit("a", now_).admitted);
      breaker_.failed("a", now_);
    }
  }
  void succeed(int times) {
    for (int i = 0; i < times; ++i) breaker_.succeeded("a", now_);
  }
  bool admitted() { return breaker_.admit("a", now_).admitted; }

  CircuitBreaker breaker_;
  Micros now_ = 1'000 * kSecond;
};

TEST_F(Breaker, OpensAfterEnoughFailuresOfThatKeyAlone) {
  fail(4);
  EXPECT_EQ(breaker_.state("a"), State::Closed);
  fail(1);
  EXPECT_EQ(breaker_.state("a"), State::Open);
  const auto refused = breaker_.admit("a", now_ + 1);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.retry_at, now_ + 30 * kSecond);
  EXPECT_TRUE(breaker_.admit("b", now_).admitted);
}

TEST_F(Breaker, StaysClosedWhileMostCallsSucceed) {
  succeed(6);
  fail(5);
  EXPECT_EQ(breaker_.state("a"), State::Closed);
  fail(1);
  EXPECT_EQ(breaker_.state("a"), State::Open) << "6 of 12";
}

TEST_F(Breaker, OldCallsAndCallsBeyondTheLastTwentyDoNotCount) {
  fail(4);
  now_ += 61 * kSecond;
  fail(4);
  EXPECT_EQ(breaker_.state("a"), State::Closed);
  succeed(20);
  fail(4);
  EXPECT_EQ(breaker_.state("a"), State::Closed);
}

TEST_F(Breaker, OneProbeTellsWhetherItGoesOn) {
  fail(5);
  now_ += 30 * kSecond;
  EXPECT_TRUE(admitted());
  EXPECT_FALSE(admitted()) << "one probe";
  breaker_.succeeded("a", now_);
  EXPECT_EQ(breaker_.state("a"), State::Closed);
  fail(4);
  EXPECT_EQ(breaker_.state("a"), State::Closed) << "what was before is forgotten";
}

TEST_F(Breaker, EachFailedProbeDoublesTheWaitUpToABound) {
  fail(5);
  Micros wait = 30 * kSecond;
  for (int i = 0; i < 8; ++i) {
    now_ += wait - 1;
    EXPECT_FALSE(admitted());
    now_ += 1;
    EXPECT_TRUE(admitted());
    breaker_.failed("a", now_);
    wait = std::min(2 * wait, 300 * kSecond);
  }
  EXPECT_EQ(wait, 300 * kSecond);
}

TEST_F(Breaker, AProbeThatTellsNothingBlocksNobody) {
  fail(5);
  now_ += 30 * kSecond;
  EXPECT_TRUE(admitted());
  breaker_.given_up("a", now_);
  EXPECT_TRUE(admitted());
  now_ += 30 * kSecond;
  EXPECT_TRUE(admitted()) << "the probe's process may have died";
}

TEST_F(Breaker, LateFailuresOfBeforeItOpenedChangeNothing) {
  fail(5);
  breaker_.failed("a", now_ + 1);
  EXPECT_EQ(breaker_.admit("a", now_ + 2).retry_at, now_ + 30 * kSecond);
}

TEST_F(Breaker, ALateSuccessOfBeforeItOpenedClosesNothing) {
  fail(5);
  breaker_.succeeded("a", now_ + 1);
  EXPECT_EQ(breaker_.state("a"), State::Open);
}

TEST_F(Breaker, TellsWhatIsOpenAndWhy) {
  fail(4);
  ASSERT_TRUE(breaker_.failed("a", now_, "shop.closed"));
  EXPECT_EQ(breaker_.admit("a", now_).reason, "shop.closed");
  breaker_.succeeded("b", now_);
  ASSERT_EQ(breaker_.not_closed().size(), 1U);
  EXPECT_EQ(breaker_.not_closed()[0].key, "a");
  EXPECT_EQ(breaker_.not_closed()[0].reason, "shop.closed");
  EXPECT_EQ(breaker_.not_closed()[0].retry_at, now_ + 30 * kSecond);
}

TEST(BreakerKeys, TheQuietestIsForgotten) {
  BreakerSettings settings;
  settings.keys_max = 3;
  CircuitBreaker breaker(settings);
  for (int i = 0; i < 5; ++i) breaker.failed("first", 1);
  for (int i = 0; i < 10; ++i) {
    breaker.failed("k" + std::to_string(i), 10 + i);
    EXPECT_FALSE(breaker.admit("first", 11 + i).admitted) << "in use";
  }
  EXPECT_EQ(breaker.keys(), 3U);
}

}  // namespace
}  // namespace wrench::workflow
