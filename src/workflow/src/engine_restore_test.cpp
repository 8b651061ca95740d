#include <latch>

#include "engine_test.hpp"
#include "wrench/storage/backup.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kOne = R"([{"id":"a","kind":"call","capability":"t.echo"}])";

const storage::Statement kOverdue{
    .id = "t.overdue", .access = storage::Access::Write, .sql = "UPDATE timers SET due_at = 1"};
const storage::Statement* const kOfTest[] = {&kOverdue};

/// A backup is taken in the middle of work, and the work goes on; then the backup is restored elsewhere.
class RestoreTest : public EngineTest {
 protected:
  RestoreTest() {
    if (on_postgres()) reopen(url_ = storage::testing::PostgresServer::shared().new_schema_url());
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
      if (on_postgres())
        options.database_url = url_;
      else
        options.data_directory = dir_ / "data";
      options.to = dir_ / "backups";
      const auto backup = storage::create_backup(options, clock_);
      ASSERT_TRUE(backup.ok()) << describe(backup.error());
      path_ = backup->path;
      go_on_.count_down();
      finish(*e, receipt_.task_id);
    }
    storage::RestoreOptions options;
    options.into = on_postgres() ? url_of_another() : dir_ / "restored";
    options.verify.statements = {statements(), kOfTest};
    options.verify.database_url = url_;
    options.verify.check = [](storage::Store& store) -> Result<storage::StoreFindings> {
      return storage::StoreFindings{.problems = WRENCH_TRY(check_store(store, {})).problems};
    };
    options.settle = [this](storage::WriteTx& tx) -> Result<void> {
      WRENCH_TRY(hold_restored(tx));
      if (overdue_) WRENCH_TRY(tx.exec(kOverdue));
      return {};
    };
    const auto report = storage::restore_backup(path_, options, clock_, random_);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    reopen(options.into);
    runner_.calls = 0;
    restored_ = true;
  }

  void reopen(const std::string& where) {
    storage::StoreConfig config;
    (on_postgres() ? config.database_url : config.directory) = where;
    config.statements = {statements()};
    store_ = std::move(*storage::Store::open(std::move(config), clock_, random_));
  }

  /// A database of its own on the same server.
  std::string url_of_another() const {
    static std::atomic<int> databases = 0;
    const std::size_t options = url_.find('?');
    return url_.substr(0, url_.rfind('/', options) + 1) + "restored" + std::to_string(++databases) +
           url_.substr(options);
  }
  std::vector<std::string> problems() { return check_store(*store_, {})->problems; }

  TaskView look(const std::string& id) {
    return *store_->read([&](storage::ReadTx& tx) { return find_task(tx, id); });
  }

  std::string url_;  ///< On PostgreSQL, of the store that is backed up.
  std::latch begun_{1}, go_on_{1};
  std::atomic<bool> restored_{false};
  bool guarded_ = false;
  bool overdue_ = false;  ///< Every timer of the restored store is due.
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
  EXPECT_THAT(problems(), ElementsAre());

  EXPECT_EQ(e->resume(after.task_id).error().code, "workflow.blocked");
  EXPECT_EQ(look(after.task_id).wait_reason, "restored");
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

/// Of a key that one step may hold at a time, with others that wait for it.
TEST_F(RestoreTest, WhatWaitedForAKeyIsCountedAnew) {
  TaskReceipt many;
  back_up_and_restore([&](Engine& e) {
    receipt_ = *e.create(task(R"([{"id":"a","kind":"call","capability":"t.slow"}])"));
    many = *e.create(task(R"([{"id":"x","kind":"call","capability":"t.hold","concurrency":{"key":"'one'"}},)"
                          R"({"id":"y","kind":"call","capability":"t.hold","concurrency":{"key":"'one'"}},)"
                          R"({"id":"z","kind":"call","capability":"t.hold","concurrency":{"key":"'one'"}}])"));
  });
  EXPECT_THAT(problems(), ElementsAre());
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(many.task_id).ok());
  EXPECT_EQ(finish(*e, many.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(runner_.calls, 3);
  EXPECT_THAT(problems(), ElementsAre());
}

TEST_F(RestoreTest, NeitherAPauseNorATimeLetsItGo) {
  if (!on_postgres()) GTEST_SKIP() << "there it belongs to nobody until it is resumed";
  overdue_ = true;
  CreateTask slow = task(R"([{"id":"a","kind":"call","capability":"t.slow"},)"
                         R"({"id":"end","kind":"call","capability":"t.echo","finally":true}])");
  slow.deadline_at = clock_.now_us() + kMicrosPerDay;
  back_up_and_restore([&](Engine& e) { receipt_ = *e.create(slow); });
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->pause(receipt_.task_id, false).ok());
  // Others' flushes look at what is due.
  for (int i = 0; i < 3; ++i) finish(*e, e->create(task(kOne))->task_id);
  EXPECT_EQ(look(receipt_.task_id).wait_reason, "restored");
  EXPECT_EQ(runner_.calls, 3);
  EXPECT_THAT(problems(), ElementsAre());
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(runner_.calls, 5);
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
  if (on_postgres()) e->start(runner_);  // What ran is given up by a worker, as after a crash.
  for (const TaskReceipt& receipt : {receipt_, after}) {
    ASSERT_TRUE(e->cancel(receipt.task_id, "enough").ok());
    EXPECT_EQ(finish(*e, receipt.task_id).task.state, TaskState::Cancelled);
  }
  EXPECT_THAT(cancel_reasons(), ElementsAre("enough"));
  EXPECT_EQ(runner_.calls, 0);
}

}  // namespace
}  // namespace wrench::workflow
