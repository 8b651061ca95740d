// Several workers on one PostgreSQL database, each with a store of its own, as in processes of their own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine_test.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/storage/testing/tcp_proxy.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/rows.hpp"

namespace wrench::workflow {
namespace {

using storage::testing::PostgresServer;
using storage::testing::TcpProxy;
using ::testing::Contains;
using ::testing::HasSubstr;

/// Twice as long as a store waits at most before it tries again to connect.
constexpr Micros kTtl = 4 * kMicrosPerSecond;

/// A process: its store, its engine, what it can do.
struct Worker {
  std::string boot;
  std::unique_ptr<storage::Store> store;
  Runner runner;
  std::unique_ptr<Engine> engine;
};

/// Lets threads pass when told.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass(const StopToken& stop) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    while (!open_ && !stop.stop_requested()) changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  void pass() { pass(StopSource().token()); }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class SharedWorkTest : public ::testing::Test {
 protected:
  /// Without start().
  std::unique_ptr<Worker> process(const std::string& boot, const std::string& url = {}, const Labels& labels = {}) {
    auto worker = std::make_unique<Worker>();
    worker->boot = boot;
    storage::StoreConfig config;
    config.database_url = url.empty() ? url_ : url;
    config.statements = {statements()};
    auto store = storage::Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    worker->store = std::move(*store);
    EngineConfig engine;
    engine.boot_id = boot;
    engine.slots = {2, 2, 1};
    engine.worker_ttl_us = kTtl;
    engine.labels = labels;
    engine.unserved_after_us = kMicrosPerSecond;
    engine.boot_is_live = [](std::string_view) { return false; };
    auto opened = Engine::open(*worker->store, std::move(engine), clock_, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    worker->engine = std::move(*opened);
    worker->runner.add("t.who", [boot](const StepInvocation&, StepContext&) { return Completed{Json(boot), {}}; });
    return worker;
  }

  TaskReceipt create(Worker& by, std::string_view nodes, std::vector<TaskDependency> after = {},
                     Priority priority = Priority::Medium) {
    CreateTask what;
    what.priority = name(priority);
    what.title = "a task";
    auto plan = Plan::parse_text("{\"v\":1,\"nodes\":" + std::string(nodes) + "}");
    EXPECT_TRUE(plan.ok()) << describe(plan.error());
    what.plan = *plan;
    what.depends_on = std::move(after);
    auto receipt = by.engine->create(std::move(what));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    return receipt.ok() ? *receipt : TaskReceipt{};
  }

  TaskOutcome finish(Worker& by, const TaskReceipt& task) {
    auto outcome = by.engine->wait(task.task_id, Deadline::after(clock_, 30 * kMicrosPerSecond), {});
    EXPECT_TRUE(outcome.ok()) << describe(outcome.error());
    return outcome.ok() ? *outcome : TaskOutcome{};
  }

  Json output(Worker& by, const TaskReceipt& task, std::string_view node) {
    auto out = by.store->read([&](storage::ReadTx& tx) { return read_output(tx, task.execution_no, node); });
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : Json();
  }

  std::string sql(const std::string& text) {
    auto value = PostgresServer::shared().sql(text, url_);
    EXPECT_TRUE(value.ok()) << describe(value.error());
    return value.ok() ? *value : "";
  }
  /// Until `text` is what `question` answers.
  void wait_until(const std::string& question, const std::string& text) {
    const Deadline end = Deadline::after(clock_, 30 * kMicrosPerSecond);
    while (sql(question) != text) {
      ASSERT_FALSE(end.passed(clock_)) << question;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  SystemClock clock_;
  SystemRandom random_;
  const std::string url_ = PostgresServer::shared().new_schema_url();
};

TEST_F(SharedWorkTest, AWorkerRunsWhatAnotherProcessCreated) {
  const auto person = process("person");
  const auto worker = process("worker");
  const TaskReceipt before = create(*person, R"([{"id":"a","kind":"call","capability":"t.who"}])");
  EXPECT_EQ(sql("SELECT count(*) FROM ready WHERE queue = 'start'"), "1");
  worker->engine->start(worker->runner);
  EXPECT_EQ(finish(*person, before).task.state, TaskState::Completed);
  const TaskReceipt later = create(*person, R"([{"id":"a","kind":"call","capability":"t.who"},
      {"id":"b","kind":"call","capability":"t.who","needs":["a"],"slot":"io"}])");
  EXPECT_EQ(finish(*person, later).task.state, TaskState::Completed);
  EXPECT_EQ(output(*person, later, "b").as_string(), "worker");
  EXPECT_EQ(sql("SELECT count(*) FROM ready"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM timers"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM workers"), "1") << "who only creates tasks is no worker";
}

TEST_F(SharedWorkTest, StepsOfOneTaskAreSharedOut) {
  const auto one = process("one");
  const auto two = process("two");
  Gate gate;
  std::mutex mutex;
  std::set<std::string> seen;
  for (Worker* worker : {one.get(), two.get()})
    worker->runner.add("t.meet", [&, boot = worker->boot](const StepInvocation&, StepContext&) {
      {
        const std::lock_guard lock(mutex);
        seen.insert(boot);
        if (seen.size() == 2) gate.open();
      }
      gate.pass();  // Each has two slots of that class: the other two steps are the other worker's.
      return Completed{Json(boot), {}};
    });
  one->engine->start(one->runner);
  two->engine->start(two->runner);
  const TaskReceipt task = create(*one, R"([{"id":"a","kind":"call","capability":"t.meet"},
    {"id":"b","kind":"call","capability":"t.meet"},{"id":"c","kind":"call","capability":"t.meet"},
    {"id":"d","kind":"call","capability":"t.meet"}])");
  EXPECT_EQ(finish(*two, task).task.state, TaskState::Completed);
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(SharedWorkTest, AWorkerThatIsCutOffLosesItsStepsAndWhatItWritesThenDoesNotCount) {
  auto proxy = TcpProxy::start(PostgresServer::shared().port());
  ASSERT_TRUE(proxy.ok());
  const auto zombie = process("zombie", PostgresServer::shared().tcp_url(url_, (*proxy)->port()));
  const auto healthy = process("healthy");
  Gate gate;
  std::atomic<int> effects{0};
  zombie->runner.add("t.slow", [&](const StepInvocation&, StepContext&) {
    gate.pass();
    return Completed{Json("zombie"), {}};
  });
  healthy->runner.add("t.slow", [&](const StepInvocation&, StepContext&) {
    ++effects;
    return Completed{Json("healthy"), {}};
  });
  zombie->engine->start(zombie->runner);
  const TaskReceipt task =
      create(*healthy, R"([{"id":"a","kind":"call","capability":"t.slow","effect":"idempotent"}])");
  gate.wait_for_somebody();
  (*proxy)->refuse(TcpProxy::Present::Close);
  healthy->engine->start(healthy->runner);
  EXPECT_EQ(finish(*healthy, task).task.state, TaskState::Completed);
  EXPECT_EQ(output(*healthy, task, "a").as_string(), "healthy");
  EXPECT_EQ(sql("SELECT lost FROM steps WHERE step_no = 1"), "1");
  const std::string journal = sql("SELECT count(*) FROM journal");
  (*proxy)->accept_again();
  gate.open();
  const Deadline end = Deadline::after(clock_, 30 * kMicrosPerSecond);
  while (!zombie->engine->working().lost && !end.passed(clock_))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(zombie->engine->working().lost);
  EXPECT_EQ(zombie->engine->working().lost->code, "workflow.worker_lost");
  EXPECT_TRUE(zombie->engine->drain(Deadline::after(clock_, 10 * kMicrosPerSecond)).ok());
  EXPECT_EQ(sql("SELECT count(*) FROM journal"), journal);
  EXPECT_EQ(effects, 1);
}

TEST_F(SharedWorkTest, NobodyIsTakenForDeadBecauseTheDatabaseWasAway) {
  auto proxy = TcpProxy::start(PostgresServer::shared().port());
  ASSERT_TRUE(proxy.ok());
  const std::string url = PostgresServer::shared().tcp_url(url_, (*proxy)->port());
  const auto one = process("one", url);
  const auto two = process("two", url);
  one->engine->start(one->runner);
  two->engine->start(two->runner);
  wait_until("SELECT count(*) FROM workers", "2");
  (*proxy)->refuse(TcpProxy::Present::Close);
  wait_until("SELECT count(*) FROM workers WHERE seen_at < extract(epoch FROM clock_timestamp()) * 1000000 - 5000000",
             "2");
  (*proxy)->accept_again();
  wait_until("SELECT count(*) FROM workers WHERE seen_at > extract(epoch FROM clock_timestamp()) * 1000000 - 2000000",
             "2");
  EXPECT_FALSE(one->engine->working().lost);
  EXPECT_FALSE(two->engine->working().lost);
}

TEST_F(SharedWorkTest, ALostGuardedEffectIsUncertain) {
  auto proxy = TcpProxy::start(PostgresServer::shared().port());
  ASSERT_TRUE(proxy.ok());
  const auto zombie = process("zombie", PostgresServer::shared().tcp_url(url_, (*proxy)->port()));
  const auto healthy = process("healthy");
  Gate gate;
  std::atomic<int> effects{0};
  for (Worker* worker : {zombie.get(), healthy.get()})
    worker->runner.add(
        "t.pay",
        [&](const StepInvocation&, StepContext& context) -> StepOutcome {
          auto effect = context.begin_effect(0, Json::object({{"amount", 1}}));
          if (!effect.ok()) return Failed{FailureClass::Permanent, effect.error(), {}};
          ++effects;
          gate.pass();
          return Completed{Json("paid"), {}};
        },
        Effect::Guarded);
  zombie->engine->start(zombie->runner);
  const TaskReceipt task = create(*healthy, R"([{"id":"a","kind":"call","capability":"t.pay"}])");
  gate.wait_for_somebody();
  (*proxy)->refuse(TcpProxy::Present::Close);
  healthy->engine->start(healthy->runner);
  EXPECT_EQ(finish(*healthy, task).task.wait_reason, "uncertain");
  EXPECT_EQ(effects, 1);
  (*proxy)->accept_again();
  gate.open();
  ASSERT_TRUE(healthy->engine->decide_step(task.task_id, 1, StepDecision::Skip).ok());
  EXPECT_EQ(finish(*healthy, task).task.state, TaskState::Completed);
}

TEST_F(SharedWorkTest, WhoeverIsThereFiresTimers) {
  const auto first = process("first");
  first->runner.add("t.flaky", [](const StepInvocation&, StepContext&) -> StepOutcome {
    return Failed{FailureClass::Retryable, Error("t.flaky", "again"), {}};
  });
  first->engine->start(first->runner);
  const TaskReceipt task = create(
      *first, R"([{"id":"a","kind":"call","capability":"t.flaky","retry":{"first_ms":3000,"factor":1,"attempts":9}}])");
  wait_until("SELECT state FROM steps", std::to_string(static_cast<int>(StepState::RetryWait)));
  EXPECT_TRUE(first->engine->drain(Deadline::after(clock_, 10 * kMicrosPerSecond)).ok());
  const auto second = process("second");
  second->runner.add("t.flaky", [](const StepInvocation&, StepContext&) { return Completed{Json("second"), {}}; });
  second->engine->start(second->runner);
  EXPECT_EQ(finish(*second, task).task.state, TaskState::Completed);
  EXPECT_EQ(output(*second, task, "a").as_string(), "second");
}

TEST_F(SharedWorkTest, ADrainedWorkerHandsItsStepsBackAtOnce) {
  const auto first = process("first");
  const auto second = process("second");
  Gate gate;
  first->runner.add("t.long", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    gate.pass(context.stop());
    return Yielded{};
  });
  second->runner.add("t.long", [](const StepInvocation&, StepContext&) { return Completed{Json("second"), {}}; });
  first->engine->start(first->runner);
  const TaskReceipt task = create(*first, R"([{"id":"a","kind":"call","capability":"t.long"}])");
  gate.wait_for_somebody();
  EXPECT_EQ(sql("SELECT count(*) FROM timers"), "0");  // Whoever runs a step sees to its time.
  EXPECT_TRUE(first->engine->drain(Deadline::after(clock_, 10 * kMicrosPerSecond)).ok());
  EXPECT_EQ(sql("SELECT count(*) FROM ready"), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM workers"), "0");
  EXPECT_EQ(sql("SELECT kind FROM timers"), std::to_string(static_cast<int>(TimerKind::ScheduleToClose)));
  second->engine->start(second->runner);
  EXPECT_EQ(finish(*second, task).task.state, TaskState::Completed);
  EXPECT_EQ(sql("SELECT lost FROM steps"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM timers"), "0");
}

TEST_F(SharedWorkTest, ACancelReachesTheWorkerThatRunsTheStep) {
  const auto person = process("person");
  const auto worker = process("worker");
  Gate gate;
  worker->runner.add("t.long", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    gate.pass(context.stop());
    return Failed{FailureClass::Permanent, Error("t.stopped", "asked to"), {}};
  });
  worker->engine->start(worker->runner);
  const TaskReceipt task = create(*person, R"([{"id":"a","kind":"call","capability":"t.long"},
    {"id":"b","kind":"call","capability":"t.who","needs":["a"]}])");
  gate.wait_for_somebody();
  ASSERT_TRUE(person->engine->cancel(task.task_id, "enough").ok());
  const TaskOutcome ended = finish(*person, task);
  EXPECT_EQ(ended.task.state, TaskState::Cancelled);
  EXPECT_EQ(sql("SELECT count(*) FROM journal WHERE data LIKE '%grace%'"), "0") << "it stopped because it was asked to";
}

TEST_F(SharedWorkTest, DecisionsAndSignalsAreHeardAtOnce) {
  const auto person = process("person");
  const auto worker = process("worker");
  worker->engine->start(worker->runner);
  const TaskReceipt task = create(*person, R"([
    {"id":"ask","kind":"wait","on":"approval","title":"go?","subject":1,"role":"any"},
    {"id":"hear","kind":"wait","on":"signal","name":"go","needs":["ask"]},
    {"id":"a","kind":"call","capability":"t.who","needs":["hear"]}])");
  EXPECT_EQ(finish(*person, task).task.wait_reason, "approval");
  ASSERT_TRUE(person->engine->signal(task.task_id, "go", Json(1)).ok()) << "before anything waits for it";
  const std::string wait = sql("SELECT wait_id FROM waits");
  ASSERT_TRUE(person->engine->answer(wait, WaitDecision::Approve, Json(), "").ok());
  EXPECT_EQ(person->engine->answer(wait, WaitDecision::Approve, Json(), "").error().code, "workflow.wait_decided");
  EXPECT_EQ(finish(*person, task).task.state, TaskState::Completed);
}

TEST_F(SharedWorkTest, TheLastOfSeveralNeedsBeginsATaskWhoeverEndsIt) {
  const auto person = process("person");
  const auto one = process("one");
  const auto two = process("two");
  one->engine->start(one->runner);
  two->engine->start(two->runner);
  constexpr std::string_view kOne = R"([{"id":"a","kind":"call","capability":"t.who"}])";
  for (int round = 0; round < 20; ++round) {
    std::vector<TaskDependency> needs;
    for (int i = 0; i < 4; ++i) needs.push_back({create(*person, kOne).task_id, DependencyPolicy::Block});
    EXPECT_EQ(finish(*person, create(*person, kOne, needs)).task.state, TaskState::Completed);
  }
}

TEST_F(SharedWorkTest, TwoCallersWithOneKeyGetOneTask) {
  const auto one = process("one");
  const auto two = process("two");
  auto plan = Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.who"}]})");
  for (int round = 0; round < 20; ++round) {
    std::vector<Result<TaskReceipt>> receipts(2, Error("t.none", ""));
    std::vector<std::thread> callers;
    for (std::size_t i = 0; i < 2; ++i)
      callers.emplace_back([&, i] {
        CreateTask what;
        what.title = "once";
        what.plan = *plan;
        what.idempotency_key = "key" + std::to_string(round);
        receipts[i] = (i == 0 ? one : two)->engine->create(std::move(what));
      });
    for (std::thread& caller : callers) caller.join();
    for (const auto& receipt : receipts) ASSERT_TRUE(receipt.ok()) << describe(receipt.error());
    EXPECT_EQ(receipts[0]->task_id, receipts[1]->task_id);
    EXPECT_NE(receipts[0]->existed, receipts[1]->existed);
  }
}

TEST_F(SharedWorkTest, ManyTasksOfSeveralWorkersAllEndOnce) {
  constexpr int kWorkers = 3;
  constexpr int kTasks = 150;
  std::vector<std::unique_ptr<Worker>> workers;
  std::mutex mutex;
  std::map<std::string, int> runs;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(process("worker" + std::to_string(i)));
    workers.back()->runner.add("t.count", [&](const StepInvocation& in, StepContext&) {
      const std::lock_guard lock(mutex);
      ++runs[in.execution_id + "/" + in.node];
      return Completed{Json(1), {}};
    });
    workers.back()->engine->start(workers.back()->runner);
  }
  std::vector<TaskReceipt> tasks;
  for (int i = 0; i < kTasks; ++i)
    tasks.push_back(create(*workers[static_cast<std::size_t>(i % kWorkers)],
                           R"([{"id":"a","kind":"call","capability":"t.count"},
      {"id":"b","kind":"call","capability":"t.count","needs":["a"]},
      {"id":"c","kind":"call","capability":"t.count","needs":["a"]},
      {"id":"d","kind":"call","capability":"t.count","needs":["b","c"]}])"));
  for (const TaskReceipt& task : tasks) EXPECT_EQ(finish(*workers[0], task).task.state, TaskState::Completed);
  EXPECT_EQ(runs.size(), 4U * kTasks);
  for (const auto& [step, count] : runs) EXPECT_EQ(count, 1) << step;
  EXPECT_EQ(sql("SELECT count(*) FROM ready"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM timers"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM steps WHERE worker_boot IS NOT NULL"), "0");
}

/// So many steps that need nothing, after `others`.
std::string steps_beside_one_another(int n, std::string_view capability, std::string_view others = "") {
  std::string out = "[" + std::string(others);
  for (int i = 0; i < n; ++i) {
    if (i > 0) out += ',';
    out += R"({"id":"n)" + std::to_string(i) + R"(","kind":"call","capability":")" + std::string(capability) + "\"}";
  }
  return out + "]";
}

TEST_F(SharedWorkTest, WhatANewWorkerQueuesComesAfterWhatWaitsAlready) {
  constexpr int kFirst = 30;
  const auto person = process("person");
  const auto full = process("full");
  const auto fresh = process("fresh");
  Gate gate;
  std::mutex mutex;
  std::vector<std::string> order;
  full->runner.add("t.turn", [&](const StepInvocation&, StepContext&) {
    gate.pass();
    return Completed{Json(1), {}};
  });
  fresh->runner.add("t.turn", [&](const StepInvocation& in, StepContext&) {
    const std::lock_guard lock(mutex);
    order.push_back(in.execution_id);
    return Completed{Json(1), {}};
  });
  full->runner.add("t.hold", [&](const StepInvocation&, StepContext&) {
    gate.pass();
    return Completed{Json(1), {}};
  });
  full->engine->start(full->runner);
  // No slot is free: somebody else has to begin the second task.
  const TaskReceipt first = create(
      *full, steps_beside_one_another(kFirst, "t.turn", R"({"id":"x","kind":"call","capability":"t.hold","slot":"io"},
      {"id":"y","kind":"call","capability":"t.hold","slot":"io"},{"id":"z","kind":"call","capability":"t.hold","slot":"llm"},)"));
  wait_until("SELECT count(*) FROM ready WHERE queue = 'cpu'", std::to_string(kFirst - 2));
  const TaskReceipt second = create(*person, steps_beside_one_another(kFirst, "t.turn"));
  fresh->engine->start(fresh->runner);
  EXPECT_EQ(finish(*fresh, second).task.state, TaskState::Completed);
  gate.open();
  EXPECT_EQ(finish(*fresh, first).task.state, TaskState::Completed);
  int passed = 0;
  for (auto it = std::find(order.rbegin(), order.rend(), first.execution_id); it != order.rend(); ++it)
    passed += *it == second.execution_id ? 1 : 0;
  EXPECT_LE(passed, 2) << "of " << order.size() << ": as many as had a free slot when they came";
  EXPECT_EQ(sql("SELECT count(*) FROM ready"), "0");
}

TEST_F(SharedWorkTest, TasksBeginByTheirPriorityAndNobodyStarves) {
  constexpr int kTasks = 40;
  const auto person = process("person");
  const auto worker = process("worker");
  std::mutex mutex;
  std::vector<std::string> order;
  worker->runner.add("t.turn", [&](const StepInvocation& in, StepContext&) {
    const std::lock_guard lock(mutex);
    order.push_back(in.execution_id);
    return Completed{Json(1), {}};
  });
  const std::string one = steps_beside_one_another(1, "t.turn");
  std::vector<TaskReceipt> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(create(*person, one));
  const TaskReceipt low = create(*person, one, {}, Priority::Low);
  const TaskReceipt critical = create(*person, one, {}, Priority::Critical);
  worker->engine->start(worker->runner);
  for (const TaskReceipt& task : tasks) EXPECT_EQ(finish(*person, task).task.state, TaskState::Completed);
  EXPECT_EQ(finish(*person, low).task.state, TaskState::Completed);
  EXPECT_EQ(finish(*person, critical).task.state, TaskState::Completed);
  const auto place = [&](const TaskReceipt& task) {
    return std::distance(order.begin(), std::ranges::find(order, task.execution_id));
  };
  // Two steps run at once.
  EXPECT_LE(place(critical), 2);
  EXPECT_LE(place(tasks[0]), 4);
  EXPECT_GE(place(low), 3);
  EXPECT_LE(place(low), 8);
  for (std::size_t i = 4; i < tasks.size(); ++i) EXPECT_GT(place(tasks[i]), place(tasks[i - 4])) << i;
  create(*person, one);
  EXPECT_EQ(sql("SELECT count(*) FROM queue_tails WHERE queue = 'start'"), "1") << "the others have been idle";
}

std::string requiring(std::string_view id, std::string_view labels, std::string_view more = "") {
  return R"({"id":")" + std::string(id) + R"(","kind":"call","capability":"t.who","requires":)" + std::string(labels) +
         std::string(more) + "}";
}

TEST_F(SharedWorkTest, StepsRunWhereTheirLabelsAreOffered) {
  auto plain = process("plain");
  auto gpu = process("gpu", {}, {{"gpu", "yes"}, {"os", "linux"}});
  auto mac = process("mac", {}, {{"os", "mac"}});
  for (Worker* worker : {plain.get(), gpu.get(), mac.get()}) worker->engine->start(worker->runner);
  std::string nodes;
  for (int i = 0; i < 6; ++i) {
    nodes += (i == 0 ? "[" : ",") + requiring("g" + std::to_string(i), R"({"gpu":"yes"})") + "," +
             requiring("m" + std::to_string(i), R"({"os":"mac"})");
  }
  const TaskReceipt task = create(*plain, nodes + "]");
  EXPECT_EQ(finish(*plain, task).task.state, TaskState::Completed);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(output(*plain, task, "g" + std::to_string(i)), Json("gpu"));
    EXPECT_EQ(output(*plain, task, "m" + std::to_string(i)), Json("mac"));
  }
  EXPECT_EQ(sql("SELECT count(*) FROM unserved_queues"), "0");
}

TEST_F(SharedWorkTest, WhetherAStepRunsAtAllAnyWorkerFindsOut) {
  auto plain = process("plain");
  plain->engine->start(plain->runner);
  const TaskReceipt skipped =
      create(*plain, "[" + requiring("a", R"({"gpu":"yes"})", R"(,"when":"inputs.gpu == true")") + "]");
  EXPECT_EQ(finish(*plain, skipped).task.state, TaskState::Completed) << "there is nothing to run";
  const TaskReceipt wanted = create(*plain, "[" + requiring("a", R"({"gpu":"yes"})", R"(,"when":"1 == 1")") + "]");
  wait_until("SELECT count(*) FROM ready WHERE queue = 'requires:cpu:gpu=yes'", "1");
  auto gpu = process("gpu", {}, {{"gpu", "yes"}});
  gpu->engine->start(gpu->runner);
  EXPECT_EQ(finish(*plain, wanted).task.state, TaskState::Completed);
  EXPECT_EQ(output(*plain, wanted, "a"), Json("gpu"));
  EXPECT_EQ(sql("SELECT attempt FROM steps WHERE execution_id = " + std::to_string(wanted.execution_no)), "1");
}

TEST_F(SharedWorkTest, AQueueThatNobodyServesIsToldOfOnce) {
  auto plain = process("plain");
  plain->engine->start(plain->runner);
  const TaskReceipt task = create(*plain, "[" + requiring("a", R"({"gpu":"yes"})") + "]");
  const std::string told = "SELECT count(*) FROM events WHERE type = 'queue.unserved'";
  wait_until(told, "1");
  EXPECT_THAT(sql("SELECT payload FROM events WHERE type = 'queue.unserved'"),
              HasSubstr(R"({"queue":"requires:cpu:gpu=yes","slot":"cpu","requires":{"gpu":"yes"},"since":)"));
  const auto look = [&] {
    return plain->store->read([&](storage::ReadTx& tx) { return read_activity(tx, {}, clock_.now_us(), 0); });
  };
  auto activity = look();
  ASSERT_TRUE(activity.ok());
  ASSERT_EQ(activity->queues.size(), 1U);
  EXPECT_TRUE(activity->queues[0].unserved);
  EXPECT_EQ(to_string(activity->queues[0].required), "gpu=yes");
  // Nothing else is held up, and it isn't told again.
  const TaskReceipt other = create(*plain, R"([{"id":"a","kind":"call","capability":"t.who"}])");
  EXPECT_EQ(finish(*plain, other).task.state, TaskState::Completed);
  auto gpu = process("gpu", {}, {{"gpu", "yes"}});
  gpu->engine->start(gpu->runner);
  EXPECT_EQ(finish(*plain, task).task.state, TaskState::Completed);
  wait_until("SELECT count(*) FROM unserved_queues", "0");
  EXPECT_EQ(sql(told), "1");
}

TEST_F(SharedWorkTest, TheOnlyWorkerWithTheLabelsDies) {
  auto proxy = TcpProxy::start(PostgresServer::shared().port());
  ASSERT_TRUE(proxy.ok());
  auto plain = process("plain");
  auto gpu = process("gpu", PostgresServer::shared().tcp_url(url_, (*proxy)->port()), {{"gpu", "yes"}});
  Gate gate;
  gpu->runner.add("t.who", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    gate.pass(context.stop());
    return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
  });
  plain->engine->start(plain->runner);
  gpu->engine->start(gpu->runner);
  const TaskReceipt task = create(*plain, "[" + requiring("a", R"({"gpu":"yes"})") + "]");
  gate.wait_for_somebody();
  (*proxy)->refuse(TcpProxy::Present::Close);
  wait_until("SELECT count(*) FROM ready WHERE queue = 'requires:cpu:gpu=yes'", "1");
  wait_until("SELECT count(*) FROM events WHERE type = 'queue.unserved'", "1");
  EXPECT_EQ(sql("SELECT state FROM steps WHERE execution_id = " + std::to_string(task.execution_no)), "1");
  auto second = process("second", {}, {{"gpu", "yes"}});
  second->engine->start(second->runner);
  EXPECT_EQ(finish(*plain, task).task.state, TaskState::Completed);
  EXPECT_EQ(output(*plain, task, "a"), Json("second"));
  (*proxy)->accept_again();
}

}  // namespace
}  // namespace wrench::workflow
