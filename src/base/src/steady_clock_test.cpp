#include "wrench/base/steady_clock.hpp"

#include <gtest/gtest.h>

namespace wrench {
namespace {

class TwoClocks final : public Clock {
 public:
  Micros now_us() const override { return wall; }
  Micros boot_us() const override { return boot; }
  Micros thread_cpu_us() const override { return 7; }
  void pass(Micros us) {
    wall += us;
    boot += us;
  }
  Micros wall = 1'700'000'000 * kMicrosPerSecond;
  Micros boot = 5 * kMicrosPerSecond;
};

TEST(SteadyClock, ShowsTheClockOfTheMachine) {
  TwoClocks source;
  const SteadyClock clock(source);
  EXPECT_EQ(clock.now_us(), source.wall);
  source.pass(3);
  EXPECT_EQ(clock.now_us(), source.wall);
  EXPECT_EQ(clock.boot_us(), source.boot);
  EXPECT_EQ(clock.thread_cpu_us(), 7);
}

TEST(SteadyClock, GoesOnWhenThatIsSetBack) {
  TwoClocks source;
  const SteadyClock clock(source);
  const Micros before = clock.now_us();
  source.wall -= kMicrosPerDay;
  EXPECT_EQ(clock.now_us(), before);
  source.pass(2 * kMicrosPerSecond);
  EXPECT_EQ(clock.now_us(), before + 2 * kMicrosPerSecond);
}

TEST(SteadyClock, FollowsWhenItIsSetForward) {
  TwoClocks source;
  const SteadyClock clock(source);
  source.wall -= kMicrosPerDay;
  source.wall += 2 * kMicrosPerDay;
  EXPECT_EQ(clock.now_us(), source.wall);
  source.pass(1);
  EXPECT_EQ(clock.now_us(), source.wall);
}

}  // namespace
}  // namespace wrench
