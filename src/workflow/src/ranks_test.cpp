#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "wrench/workflow/core.hpp"

namespace wrench::workflow {
namespace {

/// One slot, tasks of one step each; what is decided is what is read next.
class RanksTest : public ::testing::Test {
 protected:
  RanksTest() {
    context_.boot = "me";
    context_.traits = [](std::string_view) { return CapabilityTraits{Effect::Pure, SlotClass::Cpu}; };
    plan_ = *Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.a"}]})");
  }

  void add(std::int64_t project, Priority priority) {
    const std::int64_t no = ++last_;
    ExecutionRow execution;
    execution.id = execution.task_no = no;
    rows_.executions[no] = execution;
    TaskRow task;
    task.id = no;
    task.project_id = project;
    task.priority = priority;
    rows_.tasks[no] = task;
    rows_.plans[no] = plan_;
    rows_.journal_next[no] = 1;
    rows_.all_open_steps.insert(no);
    send(command::Start{no});
  }

  /// The project of the task whose step runs; it ends, and the next one has its turn.
  TaskRow next() {
    const std::int64_t no = running_;
    const StepRow& row = rows_.steps.at({no, 1});
    send(command::Outcome{{no, 1}, row.epoch, command::Outcome::Complete{{"{}", {}}}});
    return rows_.tasks.at(no);
  }
  std::size_t queued() const { return ready_.size(); }

 private:
  void send(Command command) {
    const Command commands[] = {std::move(command)};
    context_.free = {running_ == 0 ? 1 : 0, 0, 0};
    context_.ranks = &ranks_;
    rows_.backlog[0].clear();
    for (const auto& [rank, step] : ready_)
      if (rows_.backlog[0].size() < 4) rows_.backlog[0].push_back({rank, step});
    const FlushPlan plan = Core::decide(commands, rows_, context_, ++now_, random_);
    ASSERT_TRUE(plan.complete() && plan.verdicts[0].ok());
    for (const auto& change : plan.steps) rows_.steps[{change.after.execution_no, change.after.step_no}] = change.after;
    for (const auto& change : plan.executions) rows_.executions[change.after.id] = change.after;
    for (const auto& change : plan.tasks) rows_.tasks[change.after.id] = change.after;
    for (const auto& [no, seq] : plan.journal_next) rows_.journal_next[no] = seq;
    for (const auto& change : plan.ready_delete) ready_.erase({change.rank, change.step});
    for (const auto& change : plan.ready_insert) ready_.insert({change.rank, change.step});
    for (const Launch& launch : plan.launches) running_ = launch.step.execution_no;
    ranks_.now = plan.ranks.now;
    for (const auto& [flow, tail] : plan.ranks.tails) ranks_.tails[flow] = tail;
  }

  std::shared_ptr<const Plan> plan_;
  LoadedRows rows_;
  CoreContext context_;
  SeededRandom random_{1};
  Micros now_ = 1'000;
  Ranks ranks_;
  std::set<std::pair<std::int64_t, StepKey>> ready_;
  std::int64_t running_ = 0, last_ = 0;
};

TEST_F(RanksTest, ANewProjectWaitsForAHandfulHoweverMuchAnotherHasQueued) {
  for (int i = 0; i < 300; ++i) add(1, Priority::Medium);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(next().project_id, 1);
  add(2, Priority::Medium);
  int before = 0;
  while (next().project_id == 1) ++before;
  EXPECT_LE(before, 3);
}

TEST_F(RanksTest, ProjectsShareEqually) {
  for (int i = 0; i < 100; ++i) add(1, Priority::Medium);
  for (int i = 0; i < 100; ++i) add(2, Priority::Medium);
  int second = 0;
  for (int i = 0; i < 100; ++i) second += next().project_id == 2 ? 1 : 0;
  EXPECT_NEAR(second, 50, 2);
}

TEST_F(RanksTest, APriorityHasFourTimesTheShareOfTheOneBelowAndNobodyStarves) {
  for (int i = 0; i < 100; ++i) add(1, Priority::Low);
  for (int i = 0; i < 100; ++i) add(1, Priority::Medium);
  for (int i = 0; i < 100; ++i) add(1, Priority::High);
  std::map<Priority, int> served;
  for (int i = 0; i < 84; ++i) ++served[next().priority];
  EXPECT_NEAR(served[Priority::High], 64, 3);
  EXPECT_NEAR(served[Priority::Medium], 16, 3);
  EXPECT_NEAR(served[Priority::Low], 4, 3);
}

TEST_F(RanksTest, WhoWasIdleHasSavedNothing) {
  for (int i = 0; i < 50; ++i) add(1, Priority::Medium);
  for (int i = 0; i < 40; ++i) next();
  for (int i = 0; i < 50; ++i) add(2, Priority::Medium);
  int second = 0;
  for (int i = 0; i < 16; ++i) second += next().project_id == 2 ? 1 : 0;
  EXPECT_NEAR(second, 8, 2);
}

}  // namespace
}  // namespace wrench::workflow
