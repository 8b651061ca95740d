#include <latch>
#include <thread>

#include "engine_test.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::workflow {

class PauseTest : public EngineTest {
 protected:
  PauseTest() {
    runner_.add("t.slow", [this](const StepInvocation&, StepContext& context) -> StepOutcome {
      ++begun_;
      while (!context.stop().stop_requested() && !let_go_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (context.stop().stop_requested())
        return Failed{FailureClass::Permanent, Error("t.stopped", "it was asked to stop"), {}};
      return Completed{Json(1), {}};
    });
  }
  static CreateTask two_steps() {
    return task(R"([{"id":"a","kind":"call","capability":"t.slow"},
                    {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])");
  }
  void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 10'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(condition());
  }
  TaskView view() {
    return *store_->read([&](storage::ReadTx& tx) { return find_task(tx, receipt_.task_id); });
  }

  std::atomic<int> begun_{0};
  std::atomic<bool> let_go_{false};
};

TEST_F(PauseTest, WhatRunsEndsAndNothingNewBegins) {
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(two_steps());
  until([&] { return begun_ == 1; });
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Paused);
  EXPECT_EQ(view().status, "in_progress");
  let_go_ = true;
  until([&] { return states()["a"] == StepState::Completed; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(states()["b"], StepState::Ready) << "it is held back";
  EXPECT_EQ(runner_.calls, 1);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
  EXPECT_EQ(e->pause(receipt_.task_id, false).error().code, "workflow.invalid_transition");
}

TEST_F(PauseTest, NowMeansThatWhatRunsIsGivenBackAndNotFailed) {
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(two_steps());
  until([&] { return begun_ == 1; });
  ASSERT_TRUE(e->pause(receipt_.task_id, true).ok());
  until([&] { return states()["a"] == StepState::Ready; });
  let_go_ = true;
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
  EXPECT_EQ(begun_, 2);
}

TEST_F(PauseTest, AnotherProcessPausesAndResumesIt) {
  auto owner = engine();
  owner->start(runner_);
  receipt_ = *owner->create(two_steps());
  until([&] { return begun_ == 1; });
  auto other = engine("boot2");
  ASSERT_TRUE(other->pause(receipt_.task_id, false).ok());
  until([&] { return view().state == TaskState::Paused; });
  let_go_ = true;
  ASSERT_TRUE(other->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
}

TEST_F(PauseTest, ItOutlivesItsProcess) {
  auto owner = engine();
  owner->start(runner_);
  receipt_ = *owner->create(two_steps());
  until([&] { return begun_ == 1; });
  live_.erase("boot1");
  auto other = engine("boot2");  // Runs nothing.
  ASSERT_TRUE(other->pause(receipt_.task_id, false).ok());
  until([&] { return view().state == TaskState::Paused; });
  ASSERT_TRUE(other->drain(Deadline::after(clock_, kMicrosPerSecond)).ok());
  EXPECT_EQ(view().state, TaskState::Paused);
  let_go_ = true;
  auto third = engine("boot3");
  third->start(runner_);
  ASSERT_TRUE(third->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
}

TEST_F(PauseTest, OneThatHasNotBegunIsHeldBackToo) {
  auto idle = engine();
  receipt_ = *idle->create(task(R"([{"id":"b","kind":"call","capability":"t.echo"}])"));
  EXPECT_EQ(view().state, TaskState::Queued);
  ASSERT_TRUE(idle->pause(receipt_.task_id, true).ok());
  EXPECT_EQ(view().state, TaskState::Paused);
  EXPECT_EQ(view().status, "in_progress");
  auto server = engine("boot2");
  server->start(runner_);
  if (!on_postgres()) EXPECT_THAT(*server->adopt_orphans(), testing::IsEmpty());
  std::this_thread::sleep_for(std::chrono::milliseconds(on_postgres() ? 100 : 5));
  EXPECT_EQ(view().state, TaskState::Paused);
  EXPECT_EQ(runner_.calls, 0);
  EXPECT_THAT(check_store(*store_, {})->problems, testing::IsEmpty());
  ASSERT_TRUE(server->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
}

TEST_F(PauseTest, OneThatWaitsForAnotherIsQueuedAgain) {
  auto e = engine();
  e->start(runner_);
  const auto other = *e->create(two_steps());
  CreateTask after = task(R"([{"id":"b","kind":"call","capability":"t.echo"}])");
  after.depends_on = {{other.task_id}};
  receipt_ = *e->create(after);
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  EXPECT_EQ(view().state, TaskState::Paused);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(view().state, TaskState::Queued) << "as before";
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  let_go_ = true;
  EXPECT_EQ(finish(*e, other.task_id).task.state, TaskState::Completed);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(view().state, TaskState::Paused) << "though it could begin";
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Completed);
}

TEST_F(PauseTest, OneThatHasNotBegunCanBeCancelledWhilePaused) {
  auto e = engine();
  receipt_ = *e->create(two_steps());
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  ASSERT_TRUE(e->cancel(receipt_.task_id, "enough").ok());
  EXPECT_EQ(view().state, TaskState::Cancelled);
}

TEST_F(PauseTest, ACancelEndsIt) {
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(two_steps());
  until([&] { return begun_ == 1; });
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  until([&] { return view().state == TaskState::Paused; });
  ASSERT_TRUE(e->cancel(receipt_.task_id, "enough").ok());
  until([&] { return is_terminal(view().state); });
  EXPECT_EQ(view().state, TaskState::Cancelled);
}

}  // namespace wrench::workflow
