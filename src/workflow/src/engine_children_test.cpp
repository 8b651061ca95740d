#include <latch>

#include "engine_test.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A step that runs `nodes` as another task.
std::string child(std::string_view id, std::string_view nodes, std::string_view more = "") {
  return R"({"id":")" + std::string(id) + R"(","kind":"child","plan":{"v":1,"nodes":)" + std::string(nodes) + "}" +
         std::string(more) + "}";
}

class ChildrenTest : public EngineTest {
 protected:
  /// A capability that waits until the test lets it go on, or it is asked to stop.
  ChildrenTest() {
    runner_.add("t.hold", [this](const StepInvocation&, StepContext& context) -> StepOutcome {
      ++held_;
      while (!context.stop().stop_requested() && !go_on_) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (!go_on_) return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
      return Completed{Json("held"), {}};
    });
  }

  std::vector<TaskView> tasks() {
    return store_->read([](storage::ReadTx& tx) { return list_tasks(tx, {}); })->tasks;
  }
  TaskView task_of_kind(std::string_view kind) {
    for (const TaskView& any : tasks())
      if (any.kind == kind) return any;
    return {};
  }
  /// The state is another process's doing.
  template <class Holds>
  void until(Holds holds) {
    for (int i = 0; i < 2'000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(holds());
  }

  std::atomic<bool> go_on_{false};
  std::atomic<int> held_{0};
};

TEST_F(ChildrenTest, AStepGivesBackWhatItsChildTaskMade) {
  auto what = task("[" +
                   child("c",
                         R"([{"id":"x","kind":"call","capability":"t.echo","input":{"n":{"$from":"inputs.n"}}},)"
                         R"({"id":"tidy","kind":"call","capability":"t.echo","finally":true}])",
                         R"(,"title":{"$from":"inputs.name"},"inputs":{"n":{"$expr":"inputs.n + 1"}})") +
                   R"(,{"id":"b","kind":"call","capability":"t.echo","needs":["c"],)"
                   R"("input":{"y":{"$from":"steps.c.output.output.n"},"s":{"$from":"steps.c.output.state"}}}])");
  what.inputs = Json::object({{"n", 41}, {"name", "the inner one"}});
  what.created_by = "ann";
  const TaskOutcome done = run(std::move(what));
  EXPECT_EQ(done.task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("b")), R"({"y":42,"s":"completed"})");
  const TaskView inner = task_of_kind("child");
  EXPECT_EQ(inner.title, "the inner one");
  EXPECT_EQ(inner.created_by, "ann");
  EXPECT_EQ(inner.state, TaskState::Completed);
  EXPECT_EQ(output("c").at("task").as_string(), inner.task_id);
  const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, receipt_.execution_no); });
  EXPECT_EQ((*steps)[0].child_task, inner.task_id);
  const auto parent = [&](std::int64_t no) {
    return *store_->read([&](storage::ReadTx& tx) { return find_parent(tx, no); });
  };
  EXPECT_EQ(parent(inner.task_no), receipt_.task_id);
  EXPECT_EQ(parent(receipt_.task_no), "");
  EXPECT_THAT(tasks(), SizeIs(2));
}

TEST_F(ChildrenTest, AnyStepOutsideOfBodiesCanBeTheOutput) {
  run(task("[" +
           child("c",
                 R"([{"id":"x","kind":"call","capability":"t.echo","input":{"n":1}},)"
                 R"({"id":"y","kind":"call","capability":"t.echo","needs":["x"],"input":{"n":2}}])",
                 R"(,"output":"x")") +
           "]"));
  EXPECT_EQ(codec::write_json(output("c").at("output")), R"({"n":1})");
}

TEST_F(ChildrenTest, AChildThatFailsFailsItsStep) {
  const TaskOutcome done = run(task("[" + child("c", R"([{"id":"x","kind":"call","capability":"t.fail"}])") + "]"));
  EXPECT_EQ(done.task.state, TaskState::Failed);
  const std::string why = codec::write_json(done.execution.error);
  EXPECT_THAT(why, HasSubstr("workflow.child_failed"));
  EXPECT_THAT(why, HasSubstr("t.broken"));
}

TEST_F(ChildrenTest, AMapRunsAChildForEachItemAndTasksNest) {
  const std::string innermost = child("d",
                                      R"([{"id":"x","kind":"call","capability":"t.echo",)"
                                      R"("input":{"n":{"$expr":"inputs.n * 10"}}}])",
                                      R"(,"inputs":{"n":{"$from":"inputs.n"}})");
  const TaskOutcome done =
      run(task(R"([{"id":"m","kind":"map","over":"[1,2,3]","as":"i","collect":"append","body":{"nodes":[)" +
               child("c", "[" + innermost + "]", R"(,"inputs":{"n":{"$from":"i"}})") +
               R"(],"output":{"$from":"steps.c.output.output.output.n"}}}])"));
  EXPECT_EQ(done.task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("m").at("items")), "[10,20,30]");
  EXPECT_THAT(tasks(), SizeIs(7));
}

TEST_F(ChildrenTest, PausingATaskPausesItsChildrenAndResumingItResumesThem) {
  auto e = engine();
  e->start(runner_);
  const std::string innermost = R"([{"id":"x","kind":"call","capability":"t.hold"},
                                    {"id":"y","kind":"call","capability":"t.echo","needs":["x"]}])";
  const auto receipt = e->create(task("[" + child("c", "[" + child("d", innermost) + "]") + "]"));
  ASSERT_TRUE(receipt.ok());
  until([&] { return held_ > 0; });
  ASSERT_TRUE(e->pause(receipt->task_id, false).ok());
  const auto all_are = [&](TaskState state) {
    return std::ranges::all_of(tasks(), [&](const TaskView& any) { return any.state == state; });
  };
  until([&] { return all_are(TaskState::Paused); });
  go_on_ = true;
  ASSERT_TRUE(e->resume(receipt->task_id).ok());
  until([&] { return all_are(TaskState::Completed); });
}

TEST_F(ChildrenTest, CancellingATaskCancelsItsChildren) {
  auto e = engine();
  e->start(runner_);
  const auto receipt = e->create(
      task("[" + child("c", "[" + child("d", R"([{"id":"x","kind":"call","capability":"t.hold"}])") + "]") + "]"));
  ASSERT_TRUE(receipt.ok());
  until([&] { return held_ > 0; });
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Cancelled);
  until([&] {
    const auto all = tasks();
    return std::all_of(all.begin(), all.end(), [](const TaskView& t) { return t.state == TaskState::Cancelled; });
  });
}

TEST_F(ChildrenTest, AnAbandonedChildGoesOn) {
  auto e = engine();
  e->start(runner_);
  const auto receipt = e->create(task(
      "[" + child("c", R"([{"id":"x","kind":"call","capability":"t.hold"}])", R"(,"parent_close":"abandon")") + "]"));
  ASSERT_TRUE(receipt.ok());
  until([&] { return held_ > 0; });
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Cancelled);
  go_on_ = true;
  EXPECT_EQ(finish(*e, task_of_kind("child").task_id).task.state, TaskState::Completed);
}

TEST_F(ChildrenTest, AStepThatWaitsTooLongGivesItsChildUp) {
  const TaskOutcome done =
      run(task("[" + child("c", R"([{"id":"x","kind":"call","capability":"t.hold"}])", R"(,"expires_ms":50)") + "]"));
  EXPECT_EQ(done.task.state, TaskState::Failed);
  EXPECT_THAT(codec::write_json(done.execution.error), HasSubstr("workflow.wait_expired"));
}

TEST_F(ChildrenTest, WaitingForAChildThatWaitsForAPersonStandsStill) {
  auto e = engine();
  e->start(runner_);
  const auto receipt =
      e->create(task("[" + child("c", R"([{"id":"ok","kind":"wait","on":"approval","title":"May I?"}])") + "]"));
  ASSERT_TRUE(receipt.ok());
  const TaskOutcome stands = finish(*e, receipt->task_id);
  EXPECT_EQ(stands.task.state, TaskState::Waiting);
  EXPECT_EQ(stands.task.wait_reason, "child");
  const auto waits = store_->read([](storage::ReadTx& tx) { return list_waits(tx, {}, 10); });
  ASSERT_THAT(waits->waits, SizeIs(1));  // Nobody is asked about the parent.
  ASSERT_TRUE(e->answer(waits->waits[0].wait_id, WaitDecision::Approve, {}, "").ok());
  until([&] {
    return e->wait(receipt->task_id, Deadline::after(clock_, kMicrosPerSecond), {})->task.state == TaskState::Completed;
  });
}

TEST_F(ChildrenTest, AnotherProcessGoesOnWithBoth) {
  std::string id;
  {
    auto e = engine("boot1");
    e->start(runner_);
    const auto receipt = e->create(task(
        "[" + child("c", R"([{"id":"x","kind":"call","capability":"t.hold"}])") +
        R"(,{"id":"b","kind":"call","capability":"t.echo","needs":["c"],"input":{"r":{"$from":"steps.c.output.output"}}}])"));
    ASSERT_TRUE(receipt.ok());
    receipt_ = *receipt;
    id = receipt->task_id;
    until([&] { return held_ > 0; });
  }  // Without patience: both are given back.
  live_.clear();
  go_on_ = true;
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(id).ok());
  EXPECT_EQ(finish(*e, id).task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("b")), R"({"r":"held"})");
}

TEST(ChildPlans, AreCheckedWithTheWhole) {
  const auto refused = [](const std::string& nodes) {
    const auto plan = Plan::parse_text(R"({"v":1,"nodes":[)" + nodes + "]}");
    return plan.ok() ? std::string("accepted") : describe(plan.error());
  };
  EXPECT_THAT(refused(R"({"id":"c","kind":"child"})"), HasSubstr("c).plan is missing"));
  EXPECT_THAT(refused(child("c", R"([{"id":"x","kind":"call","capability":"t.echo","needs":["x"]}])")),
              HasSubstr("cycle"));
  EXPECT_THAT(refused(child("c", R"([{"id":"x","kind":"call","capability":"t.echo"}])", R"(,"output":"y")")),
              HasSubstr("no step 'y'"));
  EXPECT_THAT(refused(child("c", R"([{"id":"x","kind":"call","capability":"t.echo"}])", R"(,"parent_close":"x")")),
              HasSubstr("cancel, abandon"));
  std::string deep = R"([{"id":"x","kind":"call","capability":"t.echo"}])";
  for (int i = 0; i < 40; ++i) deep = "[" + child("c", deep) + "]";
  EXPECT_THAT(refused(deep.substr(1, deep.size() - 2)), HasSubstr("nested deeper"));
}

}  // namespace
}  // namespace wrench::workflow
