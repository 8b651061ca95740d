#include <thread>

#include "engine_test.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/replay.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {
namespace {

constexpr std::string_view kEcho = R"([{"id":"a","kind":"call","capability":"t.echo"}])";
constexpr std::string_view kAsks = R"([
  {"id":"a","kind":"call","capability":"t.echo"},
  {"id":"ask","kind":"wait","on":"approval","title":"go on?","needs":["a"]},
  {"id":"last","kind":"call","capability":"t.echo","finally":true}])";

class DraftsTest : public EngineTest {
 protected:
  DraftsTest() : engine_(engine()) { engine_->start(runner_); }
  ~DraftsTest() override {
    const auto checked = check_store(*store_, {});
    EXPECT_TRUE(checked.ok());
    if (checked.ok()) EXPECT_THAT(checked->problems, ::testing::IsEmpty());
  }
  TaskReceipt create(CreateTask task) {
    auto receipt = engine_->create(std::move(task));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    return receipt_ = receipt.ok() ? *receipt : TaskReceipt{};
  }
  CreateTask draft(std::string_view nodes) {
    CreateTask out = task(nodes);
    out.draft = true;
    return out;
  }
  CreateTask expiring(std::string_view nodes, Micros after) {
    CreateTask out = task(nodes);
    out.expires_at = clock_.now_us() + after;
    return out;
  }
  TaskView view(const std::string& id) {
    return store_->read([&](storage::ReadTx& tx) { return find_task(tx, id); }).value();
  }
  TaskView await(const std::string& id, TaskState state) {
    const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
    while (view(id).state != state && !until.passed(clock_)) {
      EXPECT_TRUE(engine_->adopt_orphans().ok());
      std::this_thread::yield();
    }
    EXPECT_EQ(name(view(id).state), name(state));
    return view(id);
  }
  void expect_replays() {
    const auto journal =
        store_->read([&](storage::ReadTx& tx) { return record_journal(tx, receipt_.execution_no, on_postgres()); });
    ASSERT_TRUE(journal.ok());
    const auto again = replay(*journal);
    ASSERT_TRUE(again.ok()) << describe(again.error());
    EXPECT_FALSE(again->first) << again->first->expected << " but " << again->first->found;
  }
  std::string submit(const std::string& id) {
    const auto begun = engine_->submit(id);
    return begun.ok() ? "" : begun.error().code;
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(DraftsTest, ADraftIsNotRunBeforeSomebodySaysSo) {
  const TaskReceipt made = create(draft(kEcho));
  EXPECT_EQ(made.state, TaskState::Draft);
  EXPECT_TRUE(engine_->adopt_orphans()->empty());
  EXPECT_EQ(engine_->resume(made.task_id).error().code, "workflow.invalid_transition");
  EXPECT_EQ(engine_->retry(made.task_id).error().code, "workflow.invalid_transition");
  EXPECT_EQ(view(made.task_id).state, TaskState::Draft);
  EXPECT_EQ(view(made.task_id).status, "pending");
  EXPECT_EQ(finish(*engine_, made.task_id).task.state, TaskState::Draft) << "there is nothing to wait for";
  EXPECT_EQ(runner_.calls, 0);
  EXPECT_EQ(submit(made.task_id), "");
  EXPECT_EQ(finish(*engine_, made.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(submit(made.task_id), "workflow.invalid_transition");
  expect_replays();
}

TEST_F(DraftsTest, ADraftBeginsWhenItIsSubmittedAndWhatItDependsOnHasEnded) {
  const TaskReceipt first = create(task(kAsks));
  CreateTask what = draft(kEcho);
  what.depends_on = {{first.task_id, DependencyPolicy::Block}};
  const TaskReceipt second = create(std::move(what));
  what = draft(kEcho);
  what.depends_on = {{first.task_id, DependencyPolicy::Block}};
  const TaskReceipt third = create(std::move(what));
  EXPECT_EQ(submit(second.task_id), "");
  EXPECT_EQ(view(second.task_id).state, TaskState::Queued) << "the other waits";
  await(first.task_id, TaskState::Waiting);
  const auto waits = store_->read([&](storage::ReadTx& tx) { return list_waits(tx); });
  ASSERT_TRUE(waits.ok());
  ASSERT_TRUE(engine_->answer(waits->waits.front().wait_id, WaitDecision::Approve, Json(), "").ok());
  await(first.task_id, TaskState::Completed);
  await(second.task_id, TaskState::Completed);
  EXPECT_EQ(view(third.task_id).state, TaskState::Draft) << "nobody submitted it";
  EXPECT_EQ(submit(third.task_id), "");
  await(third.task_id, TaskState::Completed);
}

TEST_F(DraftsTest, ADraftCanBeCancelled) {
  const TaskReceipt made = create(draft(kEcho));
  ASSERT_TRUE(engine_->cancel(made.task_id, "no").ok());
  EXPECT_EQ(view(made.task_id).state, TaskState::Cancelled);
  EXPECT_EQ(submit(made.task_id), "workflow.invalid_transition");
}

TEST_F(DraftsTest, ARestoreHoldsNoDraftBack) {
  const TaskReceipt made = create(draft(kEcho));
  const TaskReceipt waits = create(task(kAsks));
  await(waits.task_id, TaskState::Waiting);
  engine_.reset();
  std::int64_t held = 0;
  ASSERT_TRUE(store_
                  ->write([&](storage::WriteTx& tx) -> Result<void> {
                    held = WRENCH_TRY(hold_restored(tx));
                    return {};
                  })
                  .ok());
  EXPECT_EQ(held, 1);
  EXPECT_EQ(view(made.task_id).state, TaskState::Draft);
  EXPECT_EQ(view(waits.task_id).wait_reason, "restored");
  engine_ = engine("boot2");
  engine_->start(runner_);
  EXPECT_EQ(submit(made.task_id), "");
  await(made.task_id, TaskState::Completed);
}

TEST_F(DraftsTest, WhatWaitsForTooLongExpires) {
  const TaskReceipt made = create(expiring(kAsks, 300 * kMicrosPerMs));
  EXPECT_EQ(await(made.task_id, TaskState::Expired).status, "failed");
  const auto execution = store_->read([&](storage::ReadTx& tx) { return list_executions(tx, made.task_no); })->back();
  EXPECT_EQ(execution.status, ExecutionStatus::TimedOut);
  EXPECT_EQ(states().at("ask"), StepState::Cancelled);
  EXPECT_EQ(states().at("last"), StepState::Completed) << "its finally steps run";
  expect_replays();
  ASSERT_TRUE(engine_->retry(made.task_id).ok());
  await(made.task_id, TaskState::Waiting);
}

TEST_F(DraftsTest, WhatNeverBeganExpires) {
  const TaskReceipt first = create(task(kAsks));
  CreateTask what = expiring(kEcho, 300 * kMicrosPerMs);
  what.depends_on = {{first.task_id, DependencyPolicy::Block}};
  const TaskReceipt second = create(std::move(what));
  EXPECT_EQ(await(second.task_id, TaskState::Expired).status, "failed");
  EXPECT_EQ(runner_.calls, 1) << "of the first";
  what = draft(kEcho);
  what.expires_at = clock_.now_us() + 50 * kMicrosPerMs;
  const TaskReceipt late = create(std::move(what));
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(view(late.task_id).state, TaskState::Draft) << "a draft isn't late";
  EXPECT_EQ(submit(late.task_id), "");
  await(late.task_id, TaskState::Expired);
}

TEST_F(DraftsTest, WhatRunsExpiresWhenItBeginsToWait) {
  std::atomic<bool> go{false};
  runner_.add("t.busy", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (!go && !context.stop().stop_requested()) std::this_thread::yield();
    return Completed{Json(1), {}};
  });
  const TaskReceipt ends = create(expiring(R"([{"id":"a","kind":"call","capability":"t.busy"}])", 100 * kMicrosPerMs));
  const TaskReceipt waits = create(expiring(R"([
    {"id":"a","kind":"call","capability":"t.busy"},
    {"id":"ask","kind":"wait","on":"approval","title":"go on?","needs":["a"]}])",
                                            100 * kMicrosPerMs));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(view(ends.task_id).state, TaskState::Running);
  go = true;
  await(ends.task_id, TaskState::Completed);
  await(waits.task_id, TaskState::Expired);
}

}  // namespace
}  // namespace wrench::workflow
