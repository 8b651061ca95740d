#include <latch>
#include <thread>

#include "engine_test.hpp"

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
