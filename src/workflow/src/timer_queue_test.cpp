#include "timer_queue.hpp"

#include <gtest/gtest.h>

#include "wrench/base/random.hpp"

namespace wrench::workflow {
namespace {

const ManualClock kStill;

TimerRow timer(std::int64_t step, TimerKind kind, Micros due_at, std::int64_t execution = 1) {
  return {execution, step, kind, due_at, 0};
}

TEST(TimerQueue, FiresInTheirOrderWhatIsDue) {
  TimerQueue queue(kStill);
  queue.set(timer(1, TimerKind::StartToClose, 30));
  queue.set(timer(2, TimerKind::StartToClose, 10));
  queue.set(timer(1, TimerKind::Retry, 20));
  EXPECT_EQ(queue.next_due(), 10);
  EXPECT_FALSE(queue.pop(9));
  EXPECT_EQ(queue.pop(25)->step_no, 2);
  EXPECT_EQ(queue.pop(25)->kind, TimerKind::Retry);
  EXPECT_FALSE(queue.pop(25));
  EXPECT_EQ(queue.next_due(), 30);
}

TEST(TimerQueue, TheLastTimeOfAKindCounts) {
  TimerQueue queue(kStill);
  queue.set(timer(1, TimerKind::Heartbeat, 10));
  queue.set(timer(1, TimerKind::Heartbeat, 50));
  EXPECT_EQ(queue.next_due(), 50);
  queue.set(timer(1, TimerKind::Heartbeat, 20));
  EXPECT_EQ(queue.pop(100)->due_at, 20);
  EXPECT_FALSE(queue.pop(100));
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, ErasesWhatFollowsFromRowsOfSteps) {
  TimerQueue queue(kStill);
  queue.set(timer(1, TimerKind::StartToClose, 10));
  queue.set(timer(1, TimerKind::Heartbeat, 20));
  queue.set(timer(1, TimerKind::Retry, 30));
  queue.set(timer(2, TimerKind::Heartbeat, 40));
  queue.erase(TimerDelete{{1, 1}, std::nullopt});
  EXPECT_EQ(queue.next_due(), 30);
  queue.erase(TimerDelete{{1, 1}, TimerKind::Retry});
  EXPECT_EQ(queue.next_due(), 40);
}

TEST(TimerQueue, PutsOffWhatTellsHowLongSomethingTakes) {
  TimerQueue queue(kStill);
  queue.set(timer(1, TimerKind::StartToClose, 10));
  queue.set(timer(1, TimerKind::Retry, 30));
  queue.set(timer(2, TimerKind::Heartbeat, 5));
  queue.erase({1, 2}, TimerKind::Heartbeat);
  queue.put_off_durations(100);
  EXPECT_EQ(queue.pop(1'000)->kind, TimerKind::Retry);
  EXPECT_FALSE(queue.pop(109));
  EXPECT_EQ(queue.pop(110)->kind, TimerKind::StartToClose);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, KnowsAStoreThatIsAheadAndAClockThatWasSet) {
  class : public Clock {
   public:
    Micros now_us() const override { return wall; }
    Micros boot_us() const override { return boot; }
    Micros thread_cpu_us() const override { return 0; }
    Micros wall = 900 * kMicrosPerSecond, boot = 0;
  } clock;
  TimerQueue queue(clock);
  queue.store_is_at(clock.wall - 5);
  EXPECT_EQ(queue.store_ahead_us(), 0);
  queue.store_is_at(clock.wall + 70);
  EXPECT_EQ(queue.store_ahead_us(), 70);
  clock.wall += 50 * kMicrosPerSecond;
  clock.boot += 50 * kMicrosPerSecond;
  EXPECT_EQ(queue.clock_set_forward(), 0);
  clock.wall += kMicrosPerDay;
  EXPECT_EQ(queue.clock_set_forward(), kMicrosPerDay);
  EXPECT_EQ(queue.clock_set_forward(), 0);
}

TEST(TimerQueue, ErasesAnExecution) {
  TimerQueue queue(kStill);
  queue.set(timer(0, TimerKind::Deadline, 10, 7));
  queue.set(timer(9, TimerKind::Retry, 20, 7));
  queue.set(timer(1, TimerKind::Retry, 30, 8));
  queue.erase_execution(7);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.next_due(), 30);
}

/// Against a list that is looked through.
TEST(TimerQueue, DoesWhatASlowOneDoes) {
  SeededRandom random(1);
  TimerQueue queue(kStill);
  std::vector<TimerRow> slow;
  const auto erase = [&](auto fits) { std::erase_if(slow, fits); };
  for (int i = 0; i < 20'000; ++i) {
    const auto draw = [&](std::uint64_t below) { return static_cast<std::int64_t>(random.next() % below); };
    const StepKey step{1 + draw(3), draw(400)};
    const auto kind = static_cast<TimerKind>(draw(kTimerKinds));
    switch (draw(8)) {
      case 0:
        queue.erase(step, kind);
        erase([&](const TimerRow& t) {
          return t.execution_no == step.execution_no && t.step_no == step.step_no && t.kind == kind;
        });
        break;
      case 1:
        queue.erase(TimerDelete{step, std::nullopt});
        erase([&](const TimerRow& t) {
          return t.execution_no == step.execution_no && t.step_no == step.step_no && is_derived(t.kind);
        });
        break;
      case 2: {
        const Micros now = draw(1'000'000);
        const auto first = std::ranges::min_element(slow, {}, &TimerRow::due_at);
        const auto popped = queue.pop(now);
        ASSERT_EQ(popped.has_value(), first != slow.end() && first->due_at <= now);
        if (!popped) break;
        ASSERT_EQ(popped->due_at, first->due_at);
        erase([&](const TimerRow& t) { return t == *popped; });
        break;
      }
      default: {
        const TimerRow set{step.execution_no, step.step_no, kind, draw(1'000'000), i};
        queue.set(set);
        erase([&](const TimerRow& t) {
          return t.execution_no == step.execution_no && t.step_no == step.step_no && t.kind == kind;
        });
        slow.push_back(set);
      }
    }
    ASSERT_EQ(queue.size(), slow.size());
  }
}

}  // namespace
}  // namespace wrench::workflow
