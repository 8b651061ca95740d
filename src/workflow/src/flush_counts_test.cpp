// How many commits the life of a task takes, exactly. A number that rises means that something is written by itself
// that used to ride in a flush that happens anyway: each commit is a flush of the disk, and the time of a task.

#include "creation.hpp"
#include "dispatcher_test.hpp"
#include "forks.hpp"
#include "message_address.hpp"
#include "messages_test.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

class FlushCountTest : public DispatcherFixture {
 protected:
  FlushCountTest() : DispatcherFixture({4, 4, 1}) {
    storage::StoreConfig config;
    config.directory = dir_ / "data";
    open_store(std::move(config));
    runner_.add("t.echo", [](const StepInvocation& in, StepContext&) { return Completed{in.input, {}}; });
    runner_.add("t.pays", [](const StepInvocation&, StepContext& context) -> StepOutcome {
      const auto ticket = context.ask(1, {{"tokens", 5}});
      if (!ticket.ok()) return Failed{FailureClass::Permanent, ticket.error(), {}};
      const auto used = context.use(*ticket, {{"tokens", 3}}, Json("answer"));
      return used.ok() ? StepOutcome(Completed{Json(1), {}}) : Failed{FailureClass::Permanent, used.error(), {}};
    });
    runner_.add("t.once", [](const StepInvocation& in, StepContext&) -> StepOutcome {
      if (in.attempt == 1) return Failed{FailureClass::Retryable, Error("t.later", "not yet"), {}};
      return Completed{Json(in.attempt), {}};
    });
  }
  ~FlushCountTest() override { store_.reset(); }

  void flushed(const Dispatcher::Batch& batch, const Result<void>& outcome) override {
    EXPECT_TRUE(outcome.ok()) << describe(outcome.error());
    // One that only looked for something to claim, and found nothing, wrote nothing.
    if (!batch.jobs.empty() || !batch.plan.steps.empty()) ++commits_;
  }
  void run_launched() {
    for (const Launch& at : std::exchange(launched_, {})) dispatcher_.enqueue(run(at));
  }
  Result<void> record(command::Record what) override {
    std::optional<Result<void>> answer;
    dispatcher_.enqueue(Job{.work = Command(std::move(what)), .reply = [&](const Result<TaskReceipt>& r) {
                              answer = r.ok() ? Result<void>() : Result<void>(r.error());
                            }});
    while (!answer && flush()) {
    }
    return *answer;
  }
  /// Until nothing goes on but with time or people; the commits that it took.
  int settle() {
    const int before = commits_;
    while (flush() || !launched_.empty()) run_launched();
    return commits_ - before;
  }
  int create(std::string_view nodes, BudgetAmounts budget = {}) {
    CreateTask what;
    what.title = "a task";
    what.plan = Plan::parse_text("{\"v\":1,\"nodes\":" + std::string(nodes) + "}").value();
    what.inputs = Json::object({{"list", Json::array({1, 2, 3, 4})}});
    what.budget = std::move(budget);
    Creation creation = creation::prepare(std::move(what), clock_, random_).value();
    dispatcher_.enqueue(Job{.work = std::move(creation), .reply = [this](Result<TaskReceipt> r) { receipt_ = *r; }});
    return settle();
  }
  TaskState state() {
    return store_->read([&](storage::ReadTx& tx) { return find_task(tx, receipt_.task_id); })->state;
  }
  void let_time_pass() {
    clock_.set(std::max(dispatcher_.next_due(), clock_.now_us() + 1));
    dispatcher_.on_time();
  }
  std::string wait_id() {
    return store_->read([](storage::ReadTx& tx) { return list_waits(tx); })->waits.at(0).wait_id;
  }

  runtime::TempDir dir_ = std::move(*runtime::TempDir::create("flushes"));
  TaskReceipt receipt_;
  int commits_ = 0;
};

// The task is created, begun and its first step claimed in one; each step's end claims the next.
TEST_F(FlushCountTest, StepsOneAfterTheOther) {
  EXPECT_EQ(create(R"([{"id":"a","kind":"call","capability":"t.echo"},
                       {"id":"b","kind":"call","capability":"t.echo","needs":["a"]},
                       {"id":"c","kind":"call","capability":"t.echo","needs":["b"]}])"),
            1 + 3);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; opened, with all four items claimed; these ended together, and the map claimed again; collected.
TEST_F(FlushCountTest, AMap) {
  EXPECT_EQ(create(R"([{"id":"m","kind":"map","over":"inputs.list","max_parallel":4,"collect":"append",
                        "body":{"capability":"t.echo"}}])"),
            4);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; for each iteration one that begins it and one that ends its step; the loop ended.
TEST_F(FlushCountTest, ALoop) {
  EXPECT_EQ(create(R"([{"id":"l","kind":"loop","max_iterations":3,"body":{"nodes":[
                        {"id":"a","kind":"call","capability":"t.echo","input":{"n":{"$from":"iteration"}}}]}}])"),
            1 + 2 * 3 + 1);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; it waits. Decided, heard of, and the next step claimed in one; that step's end.
TEST_F(FlushCountTest, AWaitAndItsAnswer) {
  EXPECT_EQ(create(R"([{"id":"w","kind":"wait","on":"approval","title":"?"},
                       {"id":"b","kind":"call","capability":"t.echo","needs":["w"]}])"),
            2);
  dispatcher_.enqueue(Job{.work = Answering{wait_id(), WaitDecision::Approve, {}, {}, "user:ann"}});
  EXPECT_EQ(settle(), 2);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; failed; its time has come and it is claimed; completed.
TEST_F(FlushCountTest, ARetry) {
  int commits = create(R"([{"id":"a","kind":"call","capability":"t.once","retry":{"first_ms":1000}}])");
  EXPECT_EQ(commits, 2);
  let_time_pass();
  EXPECT_EQ(settle(), 2);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; the step waits, and its child is there; begun; the child's step and the child end; the step hears of it.
TEST_F(FlushCountTest, AChildTask) {
  EXPECT_EQ(create(R"([{"id":"c","kind":"child","title":"below","plan":{"v":1,"nodes":[
                        {"id":"a","kind":"call","capability":"t.echo"}]}}])"),
            5);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Asked to stop; the step's answer is its end and the task's.
TEST_F(FlushCountTest, ACancel) {
  CreateTask what;
  what.title = "a task";
  what.plan = Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.echo"}]})").value();
  Creation creation = creation::prepare(std::move(what), clock_, random_).value();
  dispatcher_.enqueue(Job{.work = std::move(creation), .reply = [this](Result<TaskReceipt> r) { receipt_ = *r; }});
  ASSERT_TRUE(flush());
  ASSERT_EQ(launched_.size(), 1U);
  const Launch running = std::exchange(launched_, {}).front();
  dispatcher_.enqueue(Job{.work = Command(command::Cancel{receipt_.execution_no, "enough", "user:ann"})});
  ASSERT_TRUE(flush());
  dispatcher_.enqueue(
      Job{.work = Command(command::Outcome{
              {running.step.execution_no, running.step.step_no}, running.step.epoch, command::Outcome::Yield{}})});
  settle();
  EXPECT_EQ(commits_, 3);
  EXPECT_EQ(state(), TaskState::Cancelled);
}

// Created; what the call may cost is reserved; told what it cost; completed. What the run itself uses rides along.
TEST_F(FlushCountTest, ABudget) {
  EXPECT_EQ(create(R"([{"id":"a","kind":"call","capability":"t.pays"}])", {{"tokens", 100}}), 1 + 2 + 1);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; each of the two finds out what its key is; claimed one after the other.
TEST_F(FlushCountTest, AKey) {
  EXPECT_EQ(create(R"([{"id":"a","kind":"call","capability":"t.echo","concurrency":{"key":"'k'","limit":1}},
                       {"id":"b","kind":"call","capability":"t.echo","concurrency":{"key":"'k'","limit":1}}])"),
            5);
  EXPECT_EQ(state(), TaskState::Completed);
}

// The new execution begins and claims what runs again, and that ends.
TEST_F(FlushCountTest, AFork) {
  create(R"([{"id":"a","kind":"call","capability":"t.echo"},
             {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])");
  ForkRequest request{.from = "b", .edits = {}, .repeat_effects = true, .actor = "user:ann"};
  auto draft = store_->read(
      [&](storage::ReadTx& tx) { return forks::prepare(tx, dispatcher_.plans(), receipt_.task_no, request); });
  ASSERT_TRUE(draft.ok()) << describe(draft.error());
  dispatcher_.enqueue(Job{.work = Rerun{receipt_.task_no, make_id("exe", clock_, random_),
                                        std::make_shared<ForkDraft>(std::move(*draft))}});
  EXPECT_EQ(settle(), 2);
  EXPECT_EQ(state(), TaskState::Completed);
}

// Created; it waits. The message is sent, and with it the wait decided; heard of, and the next step claimed; ended.
TEST_F(FlushCountTest, AMessage) {
  EXPECT_EQ(create(R"([{"id":"w","kind":"wait","on":"signal","name":"go"},
                       {"id":"b","kind":"call","capability":"t.echo","needs":["w"]}])"),
            2);
  const MessageTypes types = test_types();
  Messages messages{*store_, types, [](std::string_view) { return true; }, clock_, random_};
  MessageDraft draft;
  draft.receiver = step_address(receipt_.execution_id, 1);
  draft.type = "x.go";
  draft.content = Json(7);
  const std::uint64_t before = store_->stats().flushes;
  ASSERT_TRUE(messages.send({"user:ada"}, std::move(draft)).ok());
  EXPECT_EQ(store_->stats().flushes - before, 1U);
  dispatcher_.hear({{receipt_.execution_no, 1}});
  EXPECT_EQ(settle(), 2);
  EXPECT_EQ(state(), TaskState::Completed);
}

}  // namespace
}  // namespace wrench::workflow
