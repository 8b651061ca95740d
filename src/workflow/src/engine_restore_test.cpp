#include <latch>

#include "engine_test.hpp"
#include "wrench/storage/backup.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kOne = R"([{"id":"a","kind":"call","capability":"t.echo"}])";

/// A backup is taken in the middle of work, and the work goes on; then the backup is restored elsewhere.
class RestoreTest : public EngineTest {
 protected:
  RestoreTest() {
    runner_.add(
        "t.slow",
        [this](const StepInvocation& in, StepContext& context) -> StepOutcome {
          if (restored_) return Completed{in.input, {}};
          if (guarded_) {
            auto ticket = context.begin_effect(0, Json::object({{"to", "outside"}}));
            EXPECT_TRUE(ticket.ok());
          }
          begun_.count_down();
          go_on_.wait();
          return Completed{in.input, {}};
        },
        Effect::Guarded);
    runner_.add("t.hold", [this](const StepInvocation& in, StepContext&) -> StepOutcome {
      if (!restored_) go_on_.wait();
      return Completed{in.input, {}};
    });
  }

  /// Four are claimed at once, the others are queued.
  static CreateTask crowd() {
    std::string nodes;
    for (int i = 0; i < 6; ++i)
      nodes += (i == 0 ? "[" : ",") + std::string(R"({"kind":"call","capability":"t.hold","id":"n)") +
               std::to_string(i) + "\"}";
    return task(nodes + "]");
  }

  /// `before` creates tasks; then the backup is taken, while the step of t.slow runs.
  template <class Before>
  void back_up_and_restore(Before before) {
    {
      auto e = engine("boot1");
      e->start(runner_);
      before(*e);
      begun_.wait();
      storage::BackupOptions options;
      options.data_directory = dir_ / "data";
      options.to = dir_ / "backups";
      const auto backup = storage::create_backup(options, clock_);
      ASSERT_TRUE(backup.ok()) << describe(backup.error());
      path_ = backup->path;
      go_on_.count_down();
      finish(*e, receipt_.task_id);
    }
    storage::RestoreOptions options;
    options.into = dir_ / "restored";
    options.verify.statements = {statements()};
    options.settle = [](storage::WriteTx& tx) -> Result<void> {
      WRENCH_TRY(hold_restored(tx));
      return {};
    };
    const auto report = storage::restore_backup(path_, options, clock_, random_);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    storage::StoreConfig config;
    config.directory = dir_ / "restored";
    config.statements = {statements()};
    store_ = std::move(*storage::Store::open(std::move(config), clock_, random_));
    runner_.calls = 0;
    restored_ = true;
  }

  TaskView look(const std::string& id) {
    return *store_->read([&](storage::ReadTx& tx) { return find_task(tx, id); });
  }

  std::latch begun_{1}, go_on_{1};
  std::atomic<bool> restored_{false};
  bool guarded_ = false;
  std::string path_;
};

TEST_F(RestoreTest, NothingGoesOnUntilItIsNamed) {
  CreateTask slow = task(
      R"([{"id":"a","kind":"call","capability":"t.slow","input":{"n":7}},{"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])");
  slow.idempotency_key = "once";
  TaskReceipt after, done;
  back_up_and_restore([&](Engine& e) {
    done = *e.create(task(kOne));
    finish(e, done.task_id);
    receipt_ = *e.create(slow);
    CreateTask later = task(kOne);
    later.depends_on = {{receipt_.task_id, DependencyPolicy::Block}};
    after = *e.create(later);
  });
  EXPECT_EQ(look(done.task_id).state, TaskState::Completed);
  for (const TaskReceipt& receipt : {receipt_, after}) {
    EXPECT_EQ(look(receipt.task_id).state, TaskState::Waiting);
    EXPECT_TRUE(is_held_by_restore(look(receipt.task_id)));
  }
  auto e = engine("boot2");
  e->start(runner_);
  EXPECT_TRUE(e->create(slow)->existed);
  EXPECT_EQ(runner_.calls, 0);

  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(output("a").at("n").as_integer(), 7);
  EXPECT_EQ(runner_.calls, 2);
  // What depends on it may have run after the backup as well.
  EXPECT_EQ(look(after.task_id).wait_reason, "restored");
  ASSERT_TRUE(e->resume(after.task_id).ok());
  EXPECT_EQ(finish(*e, after.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(runner_.calls, 3);
}

TEST_F(RestoreTest, AnEffectThatWasBegunIsUncertain) {
  guarded_ = true;
  back_up_and_restore(
      [&](Engine& e) { receipt_ = *e.create(task(R"([{"id":"a","kind":"call","capability":"t.slow"}])")); });
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.wait_reason, "uncertain");
  EXPECT_EQ(runner_.calls, 0);
  ASSERT_TRUE(e->decide_step(receipt_.task_id, 1, StepDecision::Skip).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
}

TEST_F(RestoreTest, WhatWasQueuedGoesOnInOtherQueues) {
  TaskReceipt many;
  back_up_and_restore([&](Engine& e) {
    receipt_ = *e.create(task(R"([{"id":"a","kind":"call","capability":"t.slow"}])"));
    many = *e.create(crowd());
  });
  const auto check = [&] { return *check_store(*store_, {}); };
  EXPECT_THAT(check().problems, ElementsAre());
  EXPECT_EQ(check().interrupted, 4);
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(many.task_id).ok());
  EXPECT_EQ(finish(*e, many.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(runner_.calls, 6);
  EXPECT_THAT(check().problems, ElementsAre());
}

TEST_F(RestoreTest, WhatWasHeldBackCanBeCancelled) {
  TaskReceipt after;
  back_up_and_restore([&](Engine& e) {
    receipt_ = *e.create(task(R"([{"id":"a","kind":"call","capability":"t.slow"}])"));
    CreateTask later = task(kOne);
    later.depends_on = {{receipt_.task_id, DependencyPolicy::Block}};
    after = *e.create(later);
  });
  auto e = engine("boot2");
  for (const TaskReceipt& receipt : {receipt_, after}) {
    ASSERT_TRUE(e->cancel(receipt.task_id, "enough").ok());
    EXPECT_EQ(finish(*e, receipt.task_id).task.state, TaskState::Cancelled);
  }
  EXPECT_THAT(cancel_reasons(), ElementsAre("enough"));
  EXPECT_EQ(runner_.calls, 0);
}

}  // namespace
}  // namespace wrench::workflow
