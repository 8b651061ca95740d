#include "wrench/workflow/transitions.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "wrench/base/random.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {
namespace {

constexpr int kStates = static_cast<int>(StepState::Uncertain) + 1;
constexpr int kEvents = static_cast<int>(StepEventKind::PersonResolve) + 1;

/// Whether the table has a row for this state and event, whatever the guard.
bool allowed(StepState from, StepEventKind event) {
  for (const auto& t : transitions())
    if (t.machine == Machine::Step && t.from == static_cast<std::uint8_t>(from) &&
        t.event == static_cast<std::uint8_t>(event))
      return true;
  return false;
}

TEST(Transitions, EveryPairOfStateAndEventDoesWhatTheTableSaysOrIsRefused) {
  const PlanNode node;
  SeededRandom random(1);
  for (int state = 0; state < kStates; ++state)
    for (int event = 0; event < kEvents; ++event)
      for (const bool open_intent : {false, true})
        for (const int attempt : {1, 5})
          for (const int lost : {0, 2})
            for (const auto& [policy, escalate] :
                 {std::pair(OnExhausted::Fail, false), {OnExhausted::Dead, false}, {OnExhausted::Fail, true}}) {
              StepRow row;
              row.state = static_cast<StepState>(state);
              row.attempt = attempt;
              row.lost = lost;
              row.epoch = 7;
              row.cursor = "{}";
              const StepEvent what{.kind = static_cast<StepEventKind>(event), .escalate = escalate};
              const ApplyContext context{.now = 1,
                                         .random = &random,
                                         .boot = "b",
                                         .on_exhausted = policy,
                                         .losses_max = 3,
                                         .open_intent = open_intent,
                                         .effect = Effect::Pure};
              const auto delta = apply(row, what, node, context);
              SCOPED_TRACE(std::string(name(row.state)) + " + " + std::string(name(what.kind)));
              ASSERT_EQ(delta.ok(), allowed(row.state, what.kind));
              if (!delta.ok()) {
                EXPECT_EQ(delta.error().code, "workflow.invalid_transition");
                EXPECT_NE(delta.error().message.find(name(row.state)), std::string::npos);
                EXPECT_NE(delta.error().message.find(name(what.kind)), std::string::npos);
                continue;
              }
              EXPECT_TRUE(can_follow(Machine::Step, static_cast<std::uint8_t>(row.state),
                                     static_cast<std::uint8_t>(delta->after.state)));
              EXPECT_GE(delta->after.epoch, row.epoch);
              EXPECT_FALSE(is_terminal(row.state));
              if (row.state == StepState::Running && open_intent) {
                EXPECT_NE(delta->after.state, StepState::Ready) << "an effect might happen twice";
                EXPECT_NE(delta->after.state, StepState::RetryWait) << "an effect might happen twice";
              }
            }
}

TEST(Transitions, AResultOfAnotherEpochIsFenced) {
  StepRow row;
  row.state = StepState::Running;
  row.epoch = 7;
  const auto with = [&](std::int64_t epoch) {
    return apply(row, {.kind = StepEventKind::Complete, .epoch = epoch}, PlanNode{}, ApplyContext{});
  };
  EXPECT_TRUE(with(7).ok());
  EXPECT_EQ(with(6).error().code, "workflow.fenced");
  EXPECT_EQ(with(8).error().code, "workflow.fenced");
  row.state = StepState::Ready;
  EXPECT_EQ(with(7).error().code, "workflow.fenced");
}

TEST(Transitions, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(ExecutionStatus::TimedOut); ++i)
    EXPECT_EQ(parse_execution_status(name(static_cast<ExecutionStatus>(i))), static_cast<ExecutionStatus>(i));
  for (int i = 0; i <= static_cast<int>(TaskState::Cancelled); ++i)
    EXPECT_EQ(parse_task_state(name(static_cast<TaskState>(i))), static_cast<TaskState>(i));
  EXPECT_FALSE(parse_task_state("nonsense"));
}

TEST(Transitions, TheReferenceHasThisTable) {
  std::ifstream file(WRENCH_SOURCE_DIR "/docs/reference/workflow.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(transitions_markdown()), std::string::npos) << "docs/reference/workflow.md should hold:\n"
                                                                        << transitions_markdown();
}

TEST(RetryDelay, GrowsUpToTheCapWithFullJitter) {
  SeededRandom random(3);
  const RetryPolicy policy{.attempts = 5, .first_us = 1000, .factor = 2, .cap_us = 6000};
  const Micros bounds[] = {1000, 2000, 4000, 6000, 6000};
  for (int attempt = 1; attempt <= 5; ++attempt) {
    Micros least = policy.cap_us;
    Micros most = 0;
    for (int i = 0; i < 2000; ++i) {
      const Micros delay = retry_delay(policy, attempt, random);
      least = std::min(least, delay);
      most = std::max(most, delay);
    }
    EXPECT_LE(most, bounds[attempt - 1]);
    EXPECT_GT(most, bounds[attempt - 1] * 9 / 10) << "uses the whole range";
    EXPECT_LT(least, bounds[attempt - 1] / 10) << "full jitter starts at 0";
  }
  EXPECT_LE(retry_delay(policy, 100'000, random), policy.cap_us);
}

TEST(RetryDelay, WaitsAtLeastAsLongAsItWasTold) {
  StepRow row;
  row.state = StepState::Running;
  row.attempt = 1;
  SeededRandom random(1);
  const auto delta =
      apply(row, {.kind = StepEventKind::FailRetryable, .epoch = 0, .retry_after_us = 3600 * kMicrosPerSecond},
            PlanNode{}, ApplyContext{.random = &random});
  ASSERT_TRUE(delta.ok());
  EXPECT_GE(delta->retry_delay_us, 3600 * kMicrosPerSecond);
}

}  // namespace
}  // namespace wrench::workflow
