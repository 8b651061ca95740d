#include "aged_time.hpp"

#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

constexpr Micros kHour = 3600 * kMicrosPerSecond;
constexpr Micros kStart = 1'800'000'000 * kMicrosPerSecond;

/// Looks as a process does, on a machine whose wall clock can be set.
class AgedTimeTest : public ::testing::Test {
 protected:
  AgedTime::Look look() {
    const auto out = time_.look(wall_, boot_, stored_);
    if (out.store) stored_ = out.store;
    return out;
  }
  void pass(Micros time) {
    wall_ += time;
    boot_ += time;
  }
  void restart() { time_ = AgedTime(kRetentionSettles); }

  Micros wall_ = kStart, boot_ = kHour;
  std::optional<Micros> stored_;
  AgedTime time_{kRetentionSettles};
};

TEST_F(AgedTimeTest, GoesByTheLookBefore) {
  auto first = look();
  EXPECT_FALSE(first.until);
  EXPECT_EQ(first.again_at, kStart + kHour);
  pass(kHour - 1);
  EXPECT_FALSE(look().until);
  EXPECT_EQ(look().again_at, kStart + kHour);
  pass(1);
  EXPECT_EQ(look().until, kStart);
  EXPECT_EQ(stored_, kStart + kHour);
  pass(30 * kMicrosPerDay);  // Nothing was old enough.
  EXPECT_EQ(look().until, kStart + kHour);
  pass(kHour);
  EXPECT_EQ(look().until, kStart + kHour + 30 * kMicrosPerDay);
}

TEST_F(AgedTimeTest, AClockThatWasSetForwardOnceMakesNothingOld) {
  look();
  pass(kHour);
  wall_ += 30 * kMicrosPerDay;
  const auto told = look();
  EXPECT_EQ(told.jump, 30 * kMicrosPerDay);
  EXPECT_FALSE(told.until);
  EXPECT_EQ(stored_, kStart) << "nobody else goes by it, either";
  pass(kHour);
  EXPECT_FALSE(look().jump) << "told once";
  pass(20 * kHour);
  EXPECT_FALSE(look().until);
  wall_ -= 30 * kMicrosPerDay;  // Set right.
  EXPECT_EQ(look().until, kStart);
  pass(kHour);
  EXPECT_EQ(look().until, kStart + 22 * kHour);
}

TEST_F(AgedTimeTest, ANewTimeThatStaysIsBelievedAfterADay) {
  look();
  wall_ += 30 * kMicrosPerDay;
  EXPECT_FALSE(look().until);
  pass(kMicrosPerDay - 1);
  EXPECT_FALSE(look().until);
  pass(1);
  EXPECT_EQ(look().until, kStart) << "of the time before: the new one is only seen now";
  pass(kHour);
  EXPECT_EQ(look().until, kStart + 31 * kMicrosPerDay);
}

TEST_F(AgedTimeTest, AProcessThatStartsWithAWrongClockWaits) {
  look();
  wall_ += 30 * kMicrosPerDay;
  restart();
  EXPECT_EQ(look().until, kStart) << "which was right";
  EXPECT_EQ(stored_, kStart + 30 * kMicrosPerDay);
  pass(kHour / 2);
  wall_ -= 30 * kMicrosPerDay;
  const auto right = look();
  EXPECT_FALSE(right.until);
  EXPECT_EQ(stored_, kStart + kHour / 2) << "what was seen is withdrawn";
  pass(kHour);
  EXPECT_EQ(look().until, kStart + kHour / 2);
}

TEST_F(AgedTimeTest, SmallStepsOfTheClockDontMatter) {
  look();
  pass(kHour);
  wall_ += kRetentionJump;
  EXPECT_EQ(look().until, kStart);
  wall_ -= 10;
  pass(kHour);
  EXPECT_FALSE(look().until) << "not an hour by the wall";
  pass(10);
  EXPECT_TRUE(look().until);
}

}  // namespace
}  // namespace wrench::workflow
