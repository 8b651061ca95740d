#include "dispatcher_test.hpp"

#include "wrench/storage/testing/fault_vfs.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

using storage::testing::Fault;
using storage::testing::FaultPlan;
using storage::testing::FaultVfs;

class DispatcherTest : public DispatcherFixture {
 protected:
  DispatcherTest() : DispatcherFixture({1, 1, 1}) {
    storage::StoreConfig config;
    config.directory = "disk";
    config.vfs_name = vfs_.name();
    open_store(std::move(config));
    runner_.add("x.y", [](const StepInvocation&, StepContext&) -> StepOutcome {
      // Large and without repetition, so that it needs room on the disk.
      SeededRandom random(1);
      std::string text;
      while (text.size() < 200'000) text += std::to_string(random.next());
      return Completed{Json(std::move(text)), {}};
    });
  }
  // Before the disk goes.
  ~DispatcherTest() override { store_.reset(); }

  static Creation task(const std::string& id, std::string_view plan) {
    Creation creation;
    creation.task.title = id;
    creation.task.plan = Plan::parse_text(plan).value();
    creation.inputs = storage::blob_store::prepare("{}").value();
    creation.request_hash = "h";
    creation.task_id = "tsk_" + id;
    creation.execution_id = "exe_" + id;
    return creation;
  }

  TaskState state() {
    return store_->read([](storage::ReadTx& tx) { return list_tasks(tx, {}); })->tasks.at(0).state;
  }

  FaultVfs vfs_{1};
};

TEST_F(DispatcherTest, AResultWaitsForRoomOnTheDiskAndGoesOnByItself) {
  const Creation creation = task("1", R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y"}]})");
  int answers = 0;
  dispatcher_.enqueue(Job{.work = creation, .reply = [&](const Result<TaskReceipt>& r) { answers += r.ok() ? 1 : 9; }});
  EXPECT_EQ(answers, 0) << "not before the flush";
  ASSERT_TRUE(flush());
  EXPECT_EQ(answers, 1);
  ASSERT_EQ(launched_.size(), 1U);

  Job result = run(launched_[0]);
  vfs_.plan({Fault::Full, 1, FaultPlan::kForever});
  dispatcher_.enqueue(std::move(result));
  ASSERT_TRUE(flush());
  ASSERT_TRUE(dispatcher_.trouble().has_value());
  EXPECT_EQ(dispatcher_.trouble()->error.code, "storage.full");
  EXPECT_FALSE(dispatcher_.trouble()->final);
  EXPECT_EQ(dispatcher_.used()[0], 1) << "the step keeps its slot";
  EXPECT_FALSE(flush()) << "not at once again";
  EXPECT_EQ(state(), TaskState::Running) << "reads are served";

  clock_.set(dispatcher_.next_due());
  ASSERT_TRUE(flush());
  EXPECT_TRUE(dispatcher_.trouble().has_value()) << "still full";

  vfs_.clear_faults();
  clock_.set(dispatcher_.next_due());
  ASSERT_TRUE(flush());
  EXPECT_FALSE(dispatcher_.trouble().has_value());
  EXPECT_EQ(dispatcher_.used()[0], 0);
  EXPECT_EQ(state(), TaskState::Completed);
}

// A flush loads as many heads of a queue as there are slots. When it takes all of these away itself, what is behind
// them must still get the slot that it frees.
TEST_F(DispatcherTest, ASlotThatGetsFreeAsTheHeadOfItsQueueIsCancelledGoesToTheNext) {
  dispatcher_.enqueue(Job{.work = task("1", R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y"},
                                                               {"id":"b","kind":"call","capability":"x.y"}]})")});
  ASSERT_TRUE(flush());
  clock_.advance(1);
  dispatcher_.enqueue(Job{.work = task("2", R"({"v":1,"nodes":[{"id":"c","kind":"call","capability":"x.y"}]})")});
  ASSERT_TRUE(flush());
  ASSERT_EQ(launched_.size(), 1U);

  dispatcher_.enqueue(run(launched_[0]));
  dispatcher_.enqueue(Job{.work = Command(command::Cancel{launched_[0].step.execution_no, "enough", "user"})});
  while (flush()) {
  }
  ASSERT_EQ(launched_.size(), 2U);
  EXPECT_NE(launched_[1].step.execution_no, launched_[0].step.execution_no);
}

// It was acknowledged that it could begin, and what it depends on begins anew in the same flush: it is there, and
// waits.
TEST_F(DispatcherTest, ATaskIsCreatedThoughWhatItDependsOnRunsAgainInTheSameFlush) {
  const char* const plan = R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y"}]})";
  std::int64_t first_no = 0;
  dispatcher_.enqueue(
      Job{.work = task("1", plan), .reply = [&](const Result<TaskReceipt>& r) { first_no = r->task_no; }});
  ASSERT_TRUE(flush());
  dispatcher_.enqueue(run(launched_.at(0)));
  ASSERT_TRUE(flush());
  Creation after = task("2", plan);
  after.task.depends_on.push_back({"tsk_1", DependencyPolicy::Block});
  std::optional<Result<TaskReceipt>> created;
  dispatcher_.enqueue(Job{.work = std::move(after), .reply = [&](Result<TaskReceipt> r) { created = std::move(r); }});
  dispatcher_.enqueue(Job{.work = Rerun{.task_no = first_no, .execution_id = "exe_again", .fork = nullptr}});
  ASSERT_TRUE(flush());
  ASSERT_TRUE(created.has_value());
  EXPECT_TRUE(created->ok()) << created->error().message;
  while (flush()) {
  }
  ASSERT_EQ(launched_.size(), 2U);
  EXPECT_EQ(launched_[1].execution_id, "exe_again");
  dispatcher_.enqueue(run(launched_[1]));
  while (flush()) {
  }
  ASSERT_EQ(launched_.size(), 3U);
  EXPECT_EQ(launched_[2].execution_id, "exe_2");
}

class DispatcherCancelTest : public DispatcherTest, public ::testing::WithParamInterface<bool> {};

// Whichever of the two comes first in a flush: nobody is asked about a step that was cancelled.
TEST_P(DispatcherCancelTest, AStepThatIsCancelledAsItBeginsToWaitAsksNobody) {
  dispatcher_.enqueue(
      Job{.work = task("1", R"({"v":1,"nodes":[{"id":"w","kind":"wait","on":"input","prompt":"?"}]})")});
  ASSERT_TRUE(flush());
  ASSERT_EQ(launched_.size(), 1U);
  Job cancel{.work = Command(command::Cancel{launched_[0].step.execution_no, "enough", "user"})};
  Job waits = run(launched_[0]);
  dispatcher_.enqueue(GetParam() ? cancel : waits);
  dispatcher_.enqueue(GetParam() ? waits : cancel);
  while (flush()) {
  }
  EXPECT_EQ(state(), TaskState::Cancelled);
  EXPECT_TRUE(store_->read([](storage::ReadTx& tx) { return list_waits(tx); })->waits.empty());
}
INSTANTIATE_TEST_SUITE_P(CancelFirstOrLast, DispatcherCancelTest, ::testing::Bool());

}  // namespace
}  // namespace wrench::workflow
