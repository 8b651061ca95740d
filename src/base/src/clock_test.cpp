#include "wrench/base/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "wrench/base/stop.hpp"

namespace wrench {
namespace {

constexpr Micros kNoon = 1'795'523'696'789'000;  // 2026-11-24T12:34:56.789Z

TEST(Time, FormatsMoments) {
  EXPECT_EQ(format_rfc3339(kNoon), "2026-11-24T12:34:56.789Z");
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_date(kNoon), "2026-11-24");
}

TEST(Time, StaysWithinTheYearsOfTheFormat) {
  EXPECT_EQ(format_rfc3339(INT64_MAX), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(INT64_MIN), "0000-01-01T00:00:00.000Z");
}

TEST(Time, ParsesMoments) {
  EXPECT_EQ(parse_rfc3339("2026-11-24T12:34:56.789Z").value(), kNoon);
  EXPECT_EQ(parse_rfc3339("2026-11-24t14:04:56.789+01:30").value(), kNoon);
  EXPECT_EQ(parse_rfc3339("2026-11-24 11:34:56.789000999-01:00").value(), kNoon);
  EXPECT_EQ(parse_rfc3339("2026-11-24").value(), kNoon / kMicrosPerDay * kMicrosPerDay);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z").value(), parse_rfc3339("2017-01-01").value());
  EXPECT_EQ(parse_rfc3339("2024-02-29").value(), 1'709'164'800 * kMicrosPerSecond);
}

TEST(Time, RejectsWhatIsNotAMoment) {
  for (const auto* bad : {"", "2026", "2026-13-01", "2026-02-29", "2026-11-24T", "2026-11-24T12:34:56", "2026-1-1",
                          "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z", "2026-11-24T12:34:61Z",
                          "2026-11-24T12:34:56.Z", "2026-11-24T12:34:56Zx", "2026-11-24T12:34:56+0100"}) {
    const auto result = parse_rfc3339(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().code, "base.invalid_time");
  }
}

TEST(Duration, ShowsTwoSignificantUnits) {
  EXPECT_EQ(format_duration(0), "0 ms");
  EXPECT_EQ(format_duration(420), "0.4 ms");
  EXPECT_EQ(format_duration(9'960), "10 ms");
  EXPECT_EQ(format_duration(850 * kMicrosPerMs), "850 ms");
  EXPECT_EQ(format_duration(999'700), "1.0 s");
  EXPECT_EQ(format_duration(2'430 * kMicrosPerMs), "2.4 s");
  EXPECT_EQ(format_duration(59'970 * kMicrosPerMs), "1 m 0 s");
  EXPECT_EQ(format_duration(192 * kMicrosPerSecond), "3 m 12 s");
  EXPECT_EQ(format_duration(7'500 * kMicrosPerSecond), "2 h 5 m");
  EXPECT_EQ(format_duration(3 * kMicrosPerDay + 4 * 3'600 * kMicrosPerSecond), "3 d 4 h");
  EXPECT_EQ(format_duration(-2'430 * kMicrosPerMs), "-2.4 s");
  EXPECT_EQ(format_duration(INT64_MIN), "-" + format_duration(INT64_MAX));
}

TEST(Duration, Parses) {
  EXPECT_EQ(parse_duration("90s").value(), 90 * kMicrosPerSecond);
  EXPECT_EQ(parse_duration("1h30m").value(), 5'400 * kMicrosPerSecond);
  EXPECT_EQ(parse_duration("250ms").value(), 250 * kMicrosPerMs);
  EXPECT_EQ(parse_duration(" 7d ").value(), 7 * kMicrosPerDay);
  EXPECT_EQ(parse_duration("0s").value(), 0);
  for (const auto* bad : {"", "90", "s", "-1s", "1.5h", "1 h", "3 fortnights", "99999999999999999999s",
                          "9223372036854775807s", "300000w99999999w"}) {
    const auto result = parse_duration(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().code, "base.invalid_duration");
  }
}

TEST(SystemClock, ReadsTheMachine) {
  const SystemClock clock;
  EXPECT_GT(clock.now_us(), kMicrosPerDay);
  const auto before = clock.boot_us();
  EXPECT_GT(before, 0);
  EXPECT_GE(clock.boot_us(), before);
}

TEST(SystemClock, CountsTheCpuTimeOfTheCallingThreadAlone) {
  const SystemClock clock;
  std::atomic<bool> done{false};
  std::thread busy([&] {
    const Micros began = clock.thread_cpu_us();
    while (clock.thread_cpu_us() < began + 20 * kMicrosPerMs) {
    }
    done.store(true);
    done.notify_one();
  });
  const Micros before = clock.thread_cpu_us();
  done.wait(false);
  EXPECT_LT(clock.thread_cpu_us() - before, 20 * kMicrosPerMs);
  busy.join();
}

TEST(Stop, ReachesChildrenNotParents) {
  StopSource parent;
  StopSource child(parent.token());
  const StopToken never;
  EXPECT_FALSE(child.token().stop_requested());
  child.request_stop();
  EXPECT_TRUE(child.token().stop_requested());
  EXPECT_FALSE(parent.token().stop_requested());
  StopSource sibling(parent.token());
  parent.request_stop();
  EXPECT_TRUE(sibling.token().stop_requested());
  EXPECT_FALSE(never.stop_requested());
}

TEST(Deadline, PassesWithTheClock) {
  ManualClock clock;
  const auto deadline = Deadline::after(clock, 10);
  EXPECT_FALSE(deadline.passed(clock));
  EXPECT_EQ(deadline.left_us(clock), 10);
  clock.advance(10);
  EXPECT_TRUE(deadline.passed(clock));
  EXPECT_TRUE(Deadline().never());
  EXPECT_FALSE(Deadline().passed(clock));
}

TEST(CpuBudget, IsSpentByWorkAndNotByTime) {
  ManualClock clock;
  CpuBudget budget(clock, 10);
  clock.advance(kMicrosPerDay);
  EXPECT_FALSE(budget.spent());
  clock.advance_cpu(9);
  EXPECT_FALSE(budget.spent());
  clock.advance_cpu(1);
  EXPECT_TRUE(budget.spent());
  EXPECT_TRUE(budget.spent());
  EXPECT_TRUE(CpuBudget(clock, 0).spent());
  EXPECT_FALSE(CpuBudget().spent());
}

TEST(CpuBudget, APartEndsWithTheWhole) {
  ManualClock clock;
  const CpuBudget whole(clock, 100);
  clock.advance_cpu(70);
  CpuBudget small = whole.part(clock, 10), large = whole.part(clock, 50), free = CpuBudget().part(clock, 50);
  clock.advance_cpu(10);
  EXPECT_TRUE(small.spent());
  EXPECT_FALSE(large.spent());
  clock.advance_cpu(20);
  EXPECT_TRUE(large.spent());
  EXPECT_FALSE(free.spent());
  clock.advance_cpu(20);
  EXPECT_TRUE(free.spent());
}

class CountingClock final : public Clock {
 public:
  Micros now_us() const override { return boot; }
  Micros boot_us() const override { return boot; }
  Micros thread_cpu_us() const override {
    ++asked;
    return boot;
  }
  Micros boot = 0;
  mutable int asked = 0;
};

TEST(CpuBudget, SeldomAsksTheSystem) {
  CountingClock clock;
  CpuBudget budget(clock, kMicrosPerSecond);
  for (; clock.boot < kMicrosPerSecond; ++clock.boot) ASSERT_FALSE(budget.spent());
  EXPECT_EQ(clock.asked, 1);
  EXPECT_TRUE(budget.spent());
  EXPECT_EQ(clock.asked, 2);
}

}  // namespace
}  // namespace wrench
