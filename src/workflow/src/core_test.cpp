#include "wrench/workflow/core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

constexpr Micros kSecond = kMicrosPerSecond;

/// The core over rows in memory: what decide() writes is what it reads next.
class CoreTest : public ::testing::Test {
 protected:
  void load(std::string_view nodes, OnExhausted policy = OnExhausted::Fail, std::int64_t no = 1) {
    auto plan = Plan::parse_text("{\"v\":1,\"nodes\":" + std::string(nodes) + "}");
    ASSERT_TRUE(plan.ok()) << describe(plan.error());
    rows_.plans[no] = *plan;
    ExecutionRow execution;
    execution.id = execution.task_no = no;
    execution.on_exhausted = policy;
    rows_.executions[no] = execution;
    rows_.tasks[no].id = no;
    rows_.journal_next[no] = 1;
    rows_.all_open_steps.insert(no);
    context_.boot = "me";
    context_.free = {8, 8, 8};
    context_.traits = [](std::string_view) { return CapabilityTraits{Effect::Pure, SlotClass::Cpu}; };
    ASSERT_TRUE(send(command::Start{no}).ok());
  }

  Result<void> send(Command command) {
    send_together({std::move(command)});
    return plan_.verdicts.at(0);
  }

  /// In one flush.
  void send_together(const std::vector<Command>& commands) {
    plan_ = Core::decide(commands, rows_, context_, now_, random_);
    EXPECT_TRUE(plan_.complete());
    for (const auto& change : plan_.steps)
      rows_.steps[{change.after.execution_no, change.after.step_no}] = change.after;
    for (const auto& change : plan_.executions) rows_.executions[change.after.id] = change.after;
    for (const auto& change : plan_.tasks) rows_.tasks[change.after.id] = change.after;
    for (const auto& timer : plan_.timers_delete)
      std::erase_if(timers_, [&](const auto& entry) {
        return entry.first.first == timer.step && (!timer.kind || entry.first.second == *timer.kind);
      });
    for (const auto* timers : {&plan_.timers_set, &plan_.timers_kept})
      for (const auto& timer : *timers) timers_[{{timer.execution_no, timer.step_no}, timer.kind}] = timer;
    for (const auto& [no, next] : plan_.journal_next) rows_.journal_next[no] = next;
    for (const LimitRow& limit : plan_.limits) rows_.limits[limit.key] = limit;
  }

  const StepRow& step(std::int64_t no = 1) { return rows_.steps.at({1, no}); }
  TimerRow timer(TimerKind kind, std::int64_t no = 1) { return timers_.at({{1, no}, kind}); }
  bool has_timer(TimerKind kind, std::int64_t no = 1) { return timers_.contains({{1, no}, kind}); }
  void fire(TimerKind kind, Micros last_tick = 0, std::int64_t no = 1) {
    const TimerRow due = timer(kind, no);
    now_ = std::max(now_, due.due_at);
    EXPECT_TRUE(send(command::TimerDue{due, last_tick}).ok());
  }
  Result<void> finish(std::int64_t no = 1) {
    return send(command::Outcome{{1, no}, step(no).epoch, command::Outcome::Complete{{"{}", {}}}});
  }
  Result<void> fail(FailureClass kind, std::int64_t no = 1) {
    return send(command::Outcome{{1, no}, step(no).epoch, command::Outcome::Fail{kind, "{\"code\":\"t\"}", {}}});
  }

  LoadedRows rows_;
  CoreContext context_;
  SeededRandom random_{1};
  Micros now_ = 1'000 * kSecond;
  FlushPlan plan_;
  std::map<std::pair<StepKey, TimerKind>, TimerRow> timers_;
};

constexpr std::string_view kOne = R"([{"id":"a","kind":"call","capability":"x.y","retry":{"attempts":2},
  "timeouts":{"schedule_to_start_ms":1000,"start_to_close_ms":2000,"schedule_to_close_ms":5000,"heartbeat_ms":500}}])";

TEST_F(CoreTest, StartingClaimsWhatFindsAFreeSlotInTheSameFlush) {
  load(kOne);
  EXPECT_EQ(step().state, StepState::Running);
  EXPECT_EQ(step().epoch, 1);
  EXPECT_EQ(plan_.launches.size(), 1U);
  EXPECT_TRUE(plan_.ready_insert.empty());
  EXPECT_FALSE(has_timer(TimerKind::ScheduleToStart)) << "it has started";
  EXPECT_EQ(timer(TimerKind::StartToClose).due_at, now_ + 2 * kSecond);
  EXPECT_EQ(timer(TimerKind::ScheduleToClose).due_at, now_ + 5 * kSecond);
}

TEST_F(CoreTest, AStepThatTakesTooLongIsStoppedAndTriedAgain) {
  load(kOne);
  fire(TimerKind::StartToClose);
  EXPECT_EQ(step().state, StepState::RetryWait);
  EXPECT_EQ(step().epoch, 2) << "its late result is fenced";
  EXPECT_THAT(plan_.stops, ::testing::ElementsAre(StepKey{1, 1}));
  EXPECT_EQ(plan_.released.size(), 1U);
  EXPECT_EQ(send(command::Outcome{{1, 1}, 1, command::Outcome::Complete{{"{}", {}}}}).error().code, "workflow.fenced");
  fire(TimerKind::Retry);
  EXPECT_EQ(step().state, StepState::Running);
  EXPECT_EQ(step().attempt, 2);
  fire(TimerKind::StartToClose);
  EXPECT_EQ(step().state, StepState::Failed) << "two attempts were allowed";
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::Failed);
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Failed);
  EXPECT_TRUE(timers_.empty());
}

TEST_F(CoreTest, ARunningStepWhosePlaceIsGoneHasItsGraceAndThenItsTaskFails) {
  load(R"([{"id":"a","kind":"call","capability":"x.y","concurrency":{"key":"'k'"}},
           {"id":"b","kind":"call","capability":"x.y","needs":["a"]}])");
  rows_.limits["c:1:k"] = {.key = "c:1:k"};
  const std::string limits = R"({"key":"c:1:k","cap":1})";
  ASSERT_TRUE(send(command::Outcome{{1, 1}, step().epoch, command::Outcome::Limits{limits}}).ok());
  ASSERT_EQ(step().state, StepState::Running);
  EXPECT_EQ(plan_.keys_taken.size(), 1U);
  ASSERT_TRUE(send(command::Supersede{{1, 1}, 7}).ok());
  EXPECT_EQ(step().state, StepState::Running) << "it is asked, and may still complete";
  EXPECT_THAT(plan_.stops, ::testing::ElementsAre(StepKey{1, 1}));
  EXPECT_EQ(plan_.requests_done.size(), 1U);
  EXPECT_TRUE(plan_.keys_given.empty()) << "its place isn't free yet";
  ASSERT_TRUE(send(command::Supersede{{1, 1}, 8}).ok());
  EXPECT_TRUE(plan_.journal.empty()) << "it has heard";
  fire(TimerKind::CancelGrace);
  EXPECT_EQ(step().state, StepState::Cancelled);
  EXPECT_EQ(plan_.keys_given.size(), 1U);
  EXPECT_EQ(step(2).state, StepState::Skipped);
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::Failed);
  EXPECT_THAT(rows_.executions[1].error, ::testing::HasSubstr("workflow.superseded"));
}

// The key is free in the very flush in which somebody else comes; and in the next one, in which who waited is queued
// again.
TEST_F(CoreTest, WhoComesWhenAKeyIsFreeDoesNotOvertakeWhoWaits) {
  std::string nodes;
  for (const auto* id : {"runs", "waits", "comes", "late"})
    nodes += (nodes.empty() ? "" : ",") + std::string(R"({"id":")") + id +
             R"(","kind":"call","capability":"x.y","concurrency":{"key":"'k'"}})";
  load("[" + nodes + "]");
  const std::int64_t runs = 1, waits = 2, comes = 3, late = 4;
  const std::string key = "c:1:k";
  rows_.limits[key] = {.key = key};
  const auto wants = [&](std::int64_t no) {
    return command::Outcome{{1, no}, step(no).epoch, command::Outcome::Limits{R"({"key":"c:1:k","cap":1})"}};
  };
  const auto users = [&] {
    std::vector<std::int64_t> out;
    for (const KeyUse& use : plan_.keys_taken) out.push_back(use.step.step_no);
    return out;
  };
  const auto parked = [&] {
    std::vector<std::int64_t> out;
    for (const Park& park : plan_.parks) out.push_back(park.at.step.step_no);
    return out;
  };
  ASSERT_TRUE(send(wants(runs)).ok());
  ASSERT_THAT(users(), ::testing::ElementsAre(runs));
  ASSERT_TRUE(send(wants(waits)).ok());
  ASSERT_THAT(parked(), ::testing::ElementsAre(waits));
  rows_.limits[key].waiting = 1;  // As its row in `parked` says.

  send_together({command::Outcome{{1, runs}, step(runs).epoch, command::Outcome::Complete{{"{}", {}}}}, wants(comes)});
  EXPECT_EQ(step(runs).state, StepState::Completed);
  EXPECT_TRUE(plan_.unparks.contains(key));
  EXPECT_THAT(users(), ::testing::IsEmpty()) << "the place is for who waits";
  EXPECT_THAT(parked(), ::testing::ElementsAre(comes));
  EXPECT_EQ(rows_.limits[key].in_use, 0);

  const auto slot = static_cast<std::size_t>(SlotClass::Cpu);
  rows_.backlog[slot] = {{step(waits).rank, {1, waits}}};  // As limits::write() does.
  ASSERT_TRUE(send(wants(late)).ok());
  EXPECT_THAT(users(), ::testing::ElementsAre(waits));
  EXPECT_THAT(parked(), ::testing::ElementsAre(late));
  EXPECT_EQ(step(waits).state, StepState::Running);
}

TEST_F(CoreTest, WhatAPersonDecidesAboutIsNobodysPlace) {
  load(kOne, OnExhausted::Dead);
  ASSERT_TRUE(fail(FailureClass::Permanent).ok());
  ASSERT_EQ(step().state, StepState::Dead);
  ASSERT_TRUE(send(command::Supersede{{1, 1}, 1}).ok());
  EXPECT_EQ(step().state, StepState::Dead);
  EXPECT_EQ(plan_.requests_done.size(), 1U);
}

TEST_F(CoreTest, ScheduleToCloseEndsAllAttempts) {
  load(kOne);
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());
  EXPECT_EQ(step().state, StepState::RetryWait);
  fire(TimerKind::ScheduleToClose);
  EXPECT_EQ(step().state, StepState::Failed);
}

TEST_F(CoreTest, ScheduleToStartEndsAStepThatFindsNoSlot) {
  load(kOne);
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());  // Ran at once; by the time of the retry the slots are taken.
  context_.free = {0, 0, 0};
  fire(TimerKind::Retry);
  ASSERT_EQ(step().state, StepState::Ready);
  EXPECT_EQ(plan_.ready_insert.size(), 1U);
  fire(TimerKind::ScheduleToStart);
  EXPECT_EQ(step().state, StepState::Failed);
  EXPECT_EQ(plan_.ready_delete.size(), 1U);
}

TEST_F(CoreTest, TicksKeepAStepAliveAndSilenceEndsIt) {
  load(kOne);
  const Micros begun = now_;
  fire(TimerKind::Heartbeat, begun + 400'000);
  EXPECT_EQ(step().state, StepState::Running);
  EXPECT_EQ(timer(TimerKind::Heartbeat).due_at, begun + 900'000);
  fire(TimerKind::Heartbeat, begun + 400'000);
  EXPECT_EQ(step().state, StepState::RetryWait);
}

TEST_F(CoreTest, ATimerOfAnEarlierAttemptDoesNothing) {
  load(kOne);
  const TimerRow old = timer(TimerKind::StartToClose);
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());
  fire(TimerKind::Retry);
  now_ = old.due_at;
  ASSERT_TRUE(send(command::TimerDue{old, 0}).ok());
  EXPECT_EQ(step().state, StepState::Running);
}

TEST_F(CoreTest, AStepThatIgnoresCancelIsGivenUpAfterTheGrace) {
  load(kOne);
  ASSERT_TRUE(send(command::Cancel{1, "enough", "user"}).ok());
  EXPECT_EQ(step().state, StepState::Running);
  EXPECT_THAT(plan_.stops, ::testing::ElementsAre(StepKey{1, 1}));
  EXPECT_EQ(timer(TimerKind::CancelGrace).due_at, now_ + kCancelGrace);
  EXPECT_TRUE(send(command::Cancel{1, "enough", "user"}).ok()) << "asking twice is fine";
  fire(TimerKind::CancelGrace);
  EXPECT_EQ(step().state, StepState::Cancelled);
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::Cancelled);
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Cancelled);
}

TEST_F(CoreTest, ACompletionThatBeatsTheCancelCounts) {
  load(kOne);
  ASSERT_TRUE(send(command::Cancel{1, "enough", "user"}).ok());
  ASSERT_TRUE(finish().ok());
  EXPECT_EQ(step().state, StepState::Completed);
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::Cancelled);
}

TEST_F(CoreTest, AStepWhoseProcessKeepsDyingIsPoison) {
  load(kOne);
  for (int life = 1; life <= 2; ++life) {
    context_.boot = "life" + std::to_string(life);
    ASSERT_TRUE(send(command::Adopt{1, rows_.executions[1].owner_boot}).ok());
    EXPECT_EQ(step().state, StepState::Running);
    EXPECT_EQ(step().attempt, 1) << "a lost run isn't an attempt of the step's own";
    EXPECT_EQ(step().lost, life);
  }
  context_.boot = "life3";
  ASSERT_TRUE(send(command::Adopt{1, "life2"}).ok());
  EXPECT_EQ(step().state, StepState::Failed);
  EXPECT_THAT(rows_.executions[1].error, ::testing::HasSubstr("workflow.poison"));
}

TEST_F(CoreTest, AnExecutionIsTakenOnlyFromTheBootThatIsKnownToBeDead) {
  load(kOne);
  context_.boot = "other";
  EXPECT_EQ(send(command::Adopt{1, "somebody"}).error().code, "workflow.owned_elsewhere");
  EXPECT_EQ(finish().error().code, "workflow.fenced") << "only its owner reports results";
  EXPECT_TRUE(send(command::Adopt{1, "me"}).ok());
}

TEST_F(CoreTest, ADeadStepWaitsForAPersonAndSuspendsTheExecution) {
  load(kOne, OnExhausted::Dead);
  ASSERT_TRUE(fail(FailureClass::Permanent).ok());
  EXPECT_EQ(step().state, StepState::Dead);
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::Suspended);
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Waiting);
  EXPECT_EQ(rows_.tasks[1].wait_reason, "dead_letter");
  ASSERT_TRUE(send(command::Decide{{1, 1}, StepDecision::Retry, "ada"}).ok());
  EXPECT_EQ(step().state, StepState::Running);
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Running);
  ASSERT_TRUE(finish().ok());
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Completed);
  EXPECT_EQ(send(command::Decide{{1, 1}, StepDecision::Retry, "ada"}).error().code, "workflow.invalid_transition");
}

TEST_F(CoreTest, TheDeadlineOfAnExecutionEndsItAsTimedOut) {
  load(kOne);
  rows_.executions[1].deadline_at = now_ + kSecond;
  ASSERT_TRUE(send(command::TimerDue{{1, 0, TimerKind::Deadline, now_ + kSecond, -1}, 0}).ok());
  ASSERT_TRUE(fail(FailureClass::Permanent).ok());
  EXPECT_EQ(rows_.executions[1].status, ExecutionStatus::TimedOut);
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Failed);
}

TEST_F(CoreTest, DecidingIsPure) {
  load(kOne);
  const Command commands[] = {
      command::Outcome{{1, 1}, step().epoch, command::Outcome::Fail{FailureClass::Retryable, "{}", {}}}};
  SeededRandom a(9);
  SeededRandom b(9);
  const FlushPlan first = Core::decide(commands, rows_, context_, now_, a);
  const FlushPlan second = Core::decide(commands, rows_, context_, now_, b);
  EXPECT_EQ(first.timers_set, second.timers_set);
  EXPECT_EQ(first.steps[0].after, second.steps[0].after);
  EXPECT_EQ(first.events[0].payload, second.events[0].payload);
}

TEST_F(CoreTest, ReportsRowsThatItNeedsInsteadOfGuessing) {
  load(R"([{"id":"a","kind":"call","capability":"x.y"},{"id":"b","kind":"call","capability":"x.y","needs":["a"]}])");
  rows_.steps.erase({1, 2});
  const Command commands[] = {command::Outcome{{1, 1}, 1, command::Outcome::Complete{{"{}", {}}}}};
  const FlushPlan plan = Core::decide(commands, rows_, context_, now_, random_);
  EXPECT_FALSE(plan.complete());
  EXPECT_THAT(plan.missing_steps, ::testing::Contains(StepKey{1, 2}));
}

TEST_F(CoreTest, AnIntentCountsFromTheFlushThatTakesIt) {
  load(R"([{"id":"a","kind":"call","capability":"t.a","effect":"guarded"}])");
  const Command commands[] = {
      command::Record{{1, 1}, step().epoch, command::Record::Kind::Intent, "key", "{}"},
      command::TimerDue{timer(TimerKind::StartToClose), 0},
  };
  const FlushPlan plan = Core::decide(commands, rows_, context_, timer(TimerKind::StartToClose).due_at, random_);
  ASSERT_TRUE(plan.verdicts[0].ok() && plan.verdicts[1].ok());
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.steps[0].after.state, StepState::Uncertain);  // The effect may take place now.
}

std::vector<std::string> kinds(const FlushPlan& plan) {
  std::vector<std::string> out;
  for (const auto& entry : plan.journal) out.push_back(entry.kind);
  return out;
}

TEST_F(CoreTest, WhatIsHeldBackHoldsNoSlotAndIsNoAttempt) {
  load(kOne);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(step().state, StepState::Running);
    EXPECT_EQ(step().attempt, 1);
    ASSERT_TRUE(
        send(command::Outcome{
                 {1, 1}, step().epoch, command::Outcome::HeldBack{R"({"code":"workflow.circuit_open"})", 500'000}})
            .ok());
    EXPECT_EQ(step().state, StepState::RetryWait);
    EXPECT_EQ(timer(TimerKind::Retry).due_at, now_ + 500'000);
    EXPECT_EQ(plan_.released.size(), 1U);
    EXPECT_THAT(kinds(plan_), ::testing::ElementsAre("recovery"));
    ASSERT_EQ(plan_.recoveries.size(), 1U);
    EXPECT_TRUE(plan_.recoveries[0].held_back);
    fire(TimerKind::Retry);
  }
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());
  fire(TimerKind::Retry);
  EXPECT_EQ(step().attempt, 2) << "both attempts are its own";
  EXPECT_EQ(send(command::Outcome{{1, 1}, 1, command::Outcome::HeldBack{"{}", 1}}).error().code, "workflow.fenced");
}

TEST_F(CoreTest, EachFailureIsJournaledWithWhatWasDone) {
  load(kOne);
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());
  EXPECT_THAT(kinds(plan_), ::testing::ElementsAre("retry", "recovery"));
  auto entry = codec::parse_json(plan_.journal[1].data).value();
  EXPECT_EQ(entry.at("error").as_string(), "t");
  EXPECT_EQ(entry.at("severity").as_string(), "low");
  EXPECT_EQ(entry.at("recovery_result").at("strategy").as_string(), "retry");
  EXPECT_EQ(entry.at("recovery_result").at("attempt").as_integer(), 1);
  EXPECT_EQ(entry.at("recovery_result").at("delay_ms").as_integer(),
            (timer(TimerKind::Retry).due_at - now_) / kMicrosPerMs);
  EXPECT_EQ(plan_.events.size(), 1U) << "nobody is told of what is tried again";
  fire(TimerKind::Retry);
  ASSERT_TRUE(fail(FailureClass::Retryable).ok());
  ASSERT_EQ(plan_.recoveries.size(), 1U);
  EXPECT_EQ(plan_.recoveries[0].severity, Severity::High);
  EXPECT_EQ(plan_.recoveries[0].strategy, RecoveryStrategy::Abort);
  ASSERT_EQ(plan_.events.size(), 2U);
  EXPECT_EQ(plan_.events[0].type, "step.recovery");
  EXPECT_EQ(plan_.events[0].subject_kind, "step");
}

TEST_F(CoreTest, AStepOnItsWayWritesNoRecovery) {
  load(kOne);
  ASSERT_TRUE(finish().ok());
  EXPECT_TRUE(plan_.recoveries.empty());
  EXPECT_THAT(kinds(plan_), ::testing::ElementsAre("completed", "ended"));
}

constexpr std::string_view kTwo = R"([{"id":"a","kind":"call","capability":"x.y","retry":{"attempts":1}},
  {"id":"b","kind":"call","capability":"x.y"},{"id":"c","kind":"call","capability":"x.y","needs":["b"]}])";

command::Outcome::Fail failure(std::string code, RecoveryStrategy strategy) {
  command::Outcome::Fail out;
  out.error_json = R"({"code":")" + code + R"(","message":"m"})";
  out.recovery = std::make_shared<const RecoveryNote>(RecoveryNote{strategy, "p", {}, 0, R"({"mark":1})"});
  return out;
}

TEST_F(CoreTest, WhatIsGivenToAPersonWaitsWhateverTheTaskDoesOtherwise) {
  load(kTwo);
  ASSERT_TRUE(send(command::Outcome{{1, 1}, step().epoch, failure("t", RecoveryStrategy::Escalate)}).ok());
  EXPECT_EQ(step().state, StepState::Dead);
  EXPECT_EQ(step().cursor, R"({"mark":1})");
  ASSERT_TRUE(finish(2).ok());
  ASSERT_TRUE(finish(3).ok());
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Waiting);
  EXPECT_EQ(rows_.tasks[1].wait_reason, "dead_letter");
  ASSERT_TRUE(send(command::Decide{{1, 1}, StepDecision::Retry, "ann"}).ok());
  EXPECT_EQ(step().state, StepState::Running);
  ASSERT_TRUE(finish(1).ok());
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Completed);
}

TEST_F(CoreTest, AfterACriticalFailureNothingBeginsUntilAPersonSaysSo) {
  load(kTwo, OnExhausted::Dead);
  ASSERT_TRUE(send(command::Outcome{{1, 1}, step().epoch, failure("storage.corrupt", RecoveryStrategy::Abort)}).ok());
  EXPECT_EQ(step().state, StepState::Dead);
  EXPECT_EQ(rows_.executions[1].paused, Pause::Critical);
  EXPECT_EQ(rows_.tasks[1].wait_reason, "critical");
  ASSERT_TRUE(finish(2).ok());
  EXPECT_EQ(step(3).state, StepState::Ready);
  EXPECT_TRUE(plan_.launches.empty());
  EXPECT_EQ(rows_.tasks[1].state, TaskState::Waiting);
  ASSERT_TRUE(send(command::SetPause{1, Pause::No, "ann"}).ok());
  EXPECT_EQ(step(3).state, StepState::Running) << "resumed";
  ASSERT_TRUE(send(command::Outcome{{1, 3}, step(3).epoch, command::Outcome::Complete{{"{}", {}}}}).ok());
  EXPECT_EQ(rows_.tasks[1].wait_reason, "dead_letter");
}

TEST_F(CoreTest, TheLastDecisionAfterACriticalFailureLetsTheTaskGoOn) {
  load(kTwo, OnExhausted::Dead);
  ASSERT_TRUE(send(command::Outcome{{1, 1}, step().epoch, failure("storage.io", RecoveryStrategy::Abort)}).ok());
  ASSERT_TRUE(finish(2).ok());
  ASSERT_TRUE(send(command::Decide{{1, 1}, StepDecision::Skip, "ann"}).ok());
  EXPECT_EQ(rows_.executions[1].paused, Pause::No);
  EXPECT_EQ(step(3).state, StepState::Running);
}

TEST_F(CoreTest, WhatIsHalfDecidedForWantOfRowsTouchesNoOtherExecution) {
  load(kTwo);
  load(kTwo, OnExhausted::Dead, 2);
  ASSERT_TRUE(send(command::Outcome{{2, 2}, rows_.steps.at({2, 2}).epoch, failure("storage.io", {})}).ok());
  rows_.all_open_steps.clear();  // So it isn't known whose pause is over.
  const Command commands[] = {command::Decide{{2, 2}, StepDecision::Skip, "ann"},
                              command::Outcome{{1, 1}, step().epoch, command::Outcome::Complete{{"{}", {}}}}};
  const FlushPlan plan = Core::decide(commands, rows_, context_, now_, random_);
  EXPECT_THAT(plan.missing_executions, ::testing::ElementsAre(2));
  EXPECT_TRUE(plan.launches.empty()) << "the first execution's third step needs its own second one";
}

TEST_F(CoreTest, WhereACriticalFailureEndsTheTaskNobodyIsAsked) {
  load(kTwo);
  ASSERT_TRUE(send(command::Outcome{{1, 1}, step().epoch, failure("storage.io", RecoveryStrategy::Abort)}).ok());
  EXPECT_EQ(step().state, StepState::Failed);
  EXPECT_EQ(rows_.executions[1].paused, Pause::No);
  EXPECT_EQ(plan_.recoveries.at(0).severity, Severity::Critical);
}

}  // namespace
}  // namespace wrench::workflow
