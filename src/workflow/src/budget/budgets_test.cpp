#include "wrench/workflow/budget.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "../engine_test.hpp"
#include "../limits.hpp"
#include "budgets.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/usage.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kOneCall = R"([{"id":"a","kind":"call","capability":"t.call"}])";

class BudgetsTest : public EngineTest {
 protected:
  BudgetsTest() {
    // Asks for the tokens of its input, and uses half of them.
    runner_.add("t.call", [](const StepInvocation& in, StepContext& context) -> StepOutcome {
      const std::int64_t most = in.input.at("tokens").as_integer(100);
      auto ticket = context.ask(1, {{"tokens", most}});
      if (!ticket.ok()) return Failed{FailureClass::Permanent, ticket.error(), {}};
      if (ticket->response) return Completed{*ticket->response, {}};
      if (auto used = context.use(*ticket, {{"tokens", most / 2}}, Json("answer")); !used.ok())
        return Failed{FailureClass::Permanent, used.error(), {}};
      return Completed{Json("answer"), {}};
    });
  }

  CreateTask with_budget(std::string_view nodes, BudgetAmounts budget, OnExhausted what = OnExhausted::Dead) {
    CreateTask out = task(nodes);
    out.budget = std::move(budget);
    out.on_exhausted = what;
    return out;
  }

  std::map<std::string, BudgetView> budgets(const std::string& dimension) {
    auto all = store_->read([&](storage::ReadTx& tx) { return list_budgets(tx, receipt_.task_no); });
    EXPECT_TRUE(all.ok()) << describe(all.error());
    std::map<std::string, BudgetView> out;
    for (const BudgetView& view : *all)
      if (view.dimension == dimension) out[view.scope] = view;
    return out;
  }

  /// What ended badly; and the ledger adds up.
  void check() {
    CheckOptions options;
    options.boot_is_live = [this](std::string_view boot) { return live_.contains(std::string(boot)); };
    const auto report = check_store(*store_, options);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    // On PostgreSQL executions belong to nobody, which the check of queues doesn't expect.
    for (const std::string& problem : report->problems)
      if (problem.find("budget") != std::string::npos || problem.find("reserved") != std::string::npos)
        ADD_FAILURE() << problem;
  }

  std::vector<std::string> journal_kinds() {
    auto journal = store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no, 0, 1000); });
    std::vector<std::string> out;
    for (const auto& entry : *journal) out.push_back(entry.kind);
    return out;
  }
};

TEST_F(BudgetsTest, ReservesTheMostAndSettlesWhatWasUsed) {
  const auto outcome = run(with_budget(kOneCall, {{"tokens", 100}}));
  EXPECT_EQ(outcome.task.state, TaskState::Completed);
  const auto tokens = budgets("tokens");
  EXPECT_EQ(tokens.at("task").spent, 50);
  EXPECT_EQ(tokens.at("task").reserved, 0);
  EXPECT_EQ(tokens.at("execution 1").spent, 50);
  EXPECT_FALSE(tokens.at("execution 1").limit);
  check();
}

TEST_F(BudgetsTest, OfWhatHasNoBudgetNothingIsKept) {
  run(task(kOneCall));
  EXPECT_TRUE(budgets("tokens").empty());
  const auto kinds = journal_kinds();
  EXPECT_EQ(std::ranges::count(kinds, "budget_reserved"), 0);
}

TEST_F(BudgetsTest, WhatIsSpentMakesAStepFailWhereNobodyIsAsked) {
  const auto outcome = run(with_budget(kOneCall, {{"tokens", 99}}, OnExhausted::Fail));
  EXPECT_EQ(outcome.task.state, TaskState::Failed);
  EXPECT_EQ(outcome.execution.error.at("error").at("code").as_string(), "workflow.budget_exceeded");
  EXPECT_EQ(budgets("tokens").at("task").spent, 0);
  check();
}

TEST_F(BudgetsTest, AStepWaitsUntilAPersonRaisesIt) {
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(with_budget(kOneCall, {{"tokens", 60}}));
  auto outcome = finish(*e, receipt_.task_id);
  EXPECT_EQ(outcome.task.state, TaskState::Waiting);
  EXPECT_EQ(outcome.task.wait_reason, "budget");
  EXPECT_EQ(states().at("a"), StepState::Waiting);
  check();
  ASSERT_TRUE(e->raise_budget(receipt_.task_id, 0, {{"tokens", 40}}).ok());
  for (outcome = finish(*e, receipt_.task_id); outcome.task.state == TaskState::Waiting;)
    outcome = finish(*e, receipt_.task_id);
  EXPECT_EQ(outcome.task.state, TaskState::Completed);
  EXPECT_EQ(budgets("tokens").at("task").limit, 100);
  const auto kinds = journal_kinds();
  for (const std::string& kind : {"budget_wait", "budget_raised", "funded", "budget_reserved", "budget_used"})
    EXPECT_THAT(kinds, ::testing::Contains(kind));
  check();
}

TEST_F(BudgetsTest, WhatIsNotThereCannotBeRaised) {
  run(with_budget(kOneCall, {{"tokens", 100}}));
  auto e = engine("boot2");
  EXPECT_EQ(e->raise_budget(receipt_.task_id, 0, {{"requests", 1}}).error().code, "workflow.budget_invalid");
  EXPECT_EQ(e->raise_budget(receipt_.task_id, 1, {{"tokens", 1}}).error().code, "workflow.budget_invalid");
  EXPECT_EQ(e->raise_budget(receipt_.task_id, 0, {{"tokens", kBudgetAmountMax}}).error().code,
            "workflow.budget_invalid");
  EXPECT_TRUE(e->raise_budget(receipt_.task_id, 0, {{"tokens", 1}}).ok());
  EXPECT_EQ(budgets("tokens").at("task").limit, 101);
}

TEST_F(BudgetsTest, ARerunIsNotGivenMore) {
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(with_budget(kOneCall, {{"tokens", 120}}, OnExhausted::Fail));
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  // 50 are spent: another 100 would be too many.
  receipt_.execution_no = e->retry(receipt_.task_id)->execution_no;
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Failed);
  EXPECT_EQ(budgets("tokens").at("task").spent, 50);
  EXPECT_EQ(budgets("tokens").at("execution 2").spent, 0);
  ASSERT_TRUE(e->raise_budget(receipt_.task_id, 0, {{"tokens", 30}}).ok());
  receipt_.execution_no = e->retry(receipt_.task_id)->execution_no;
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(budgets("tokens").at("task").spent, 100);
  check();
}

TEST_F(BudgetsTest, ParallelStepsNeverUseMoreThanThereIs) {
  std::string nodes = "[";
  for (int i = 0; i < 12; ++i)
    nodes += std::string(i == 0 ? "" : ",") + R"({"id":"n)" + std::to_string(i) +
             R"(","kind":"call","capability":"t.call"})";
  const auto outcome = run(with_budget(nodes + "]", {{"tokens", 330}}, OnExhausted::Fail));
  EXPECT_EQ(outcome.task.state, TaskState::Failed);
  const auto tokens = budgets("tokens").at("task");
  EXPECT_EQ(tokens.reserved, 0);
  // Each reserves 100 and uses 50: with 250 spent, 80 are left, too little for another.
  EXPECT_EQ(tokens.spent, 250);
  check();
}

TEST_F(BudgetsTest, WhoWaitsForWhatOthersHaveReservedLooksAgainWhenItComesBackAndNotBefore) {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false, enough = false;
  const auto wait_for = [&](const bool& what) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return what; });
  };
  const auto set = [&](bool& what) {
    const std::lock_guard lock(mutex);
    what = true;
    changed.notify_all();
  };
  const auto uses_ten_of = [](StepContext& context, std::int64_t most,
                              const std::function<void()>& then) -> StepOutcome {
    auto ticket = context.ask(1, {{"tokens", most}});
    if (!ticket.ok()) return Failed{FailureClass::Permanent, ticket.error(), {}};
    then();
    if (auto used = context.use(*ticket, {{"tokens", 10}}, Json()); !used.ok())
      return Failed{FailureClass::Permanent, used.error(), {}};
    return Completed{Json(), {}};
  };
  runner_.add("t.holds", [&](const StepInvocation&, StepContext& context) {
    return uses_ten_of(context, 60, [&] {
      set(held);
      wait_for(enough);
    });
  });
  runner_.add("t.comes", [&](const StepInvocation&, StepContext& context) {
    wait_for(held);
    return uses_ten_of(context, 60, [] {});
  });
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(with_budget(R"([{"id":"h","kind":"call","capability":"t.holds"},
                                        {"id":"c","kind":"call","capability":"t.comes"}])",
                                    {{"tokens", 100}, {"cpu_ms", 60'000}}));
  const auto count = [&](std::string_view kind) {
    const auto kinds = journal_kinds();
    return std::ranges::count(kinds, kind);
  };
  for (int i = 0; i < 2'000 && count("budget_wait") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(count("budget_wait"), 1) << "the time that it gave back is nothing that it waits for";
  EXPECT_EQ(count("funded"), 0);
  set(enough);
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(count("funded"), 1);
  check();
}

TEST_F(BudgetsTest, ALimitOfZeroDeniesEverything) {
  const auto outcome = run(with_budget(kOneCall, {{"tool_calls", 0}}, OnExhausted::Fail));
  EXPECT_EQ(outcome.execution.error.at("error").at("code").as_string(), "workflow.budget_exceeded");
  EXPECT_EQ(runner_.calls, 0);
}

TEST_F(BudgetsTest, RunsOfCapabilitiesAndProgramsAreToolCalls) {
  runner_.add("t.spawn", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    for (int i = 0; i < 3; ++i) {
      const auto ran = runtime::capture_subprocess({.program = "/bin/true"}, context.stop(), {});
      if (!ran.ok()) return Failed{FailureClass::Permanent, Error("t.failed", "can't").because(ran.error()), {}};
    }
    return Completed{Json(), {}};
  });
  constexpr std::string_view kNodes = R"([{"id":"a","kind":"call","capability":"t.spawn"}])";
  EXPECT_EQ(run(with_budget(kNodes, {{"tool_calls", 9}, {"tool_calls.true", 3}})).task.state, TaskState::Completed);
  EXPECT_EQ(budgets("tool_calls.true").at("task").spent, 3);
  EXPECT_EQ(budgets("tool_calls").at("task").spent, 4);
  live_.clear();
  const auto refused = run(with_budget(kNodes, {{"tool_calls.true", 2}}, OnExhausted::Fail));
  EXPECT_EQ(refused.execution.error.at("error").at("code").as_string(), "workflow.budget_exceeded");
  EXPECT_EQ(budgets("tool_calls.true").at("task").spent, 2);
  check();
}

TEST_F(BudgetsTest, TimeIsMeasuredAndEnds) {
  runner_.add("t.slow", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (!context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Completed{Json(), {}};
  });
  const auto outcome =
      run(with_budget(R"([{"id":"a","kind":"call","capability":"t.slow"}])", {{"wall_ms", 80}}, OnExhausted::Fail));
  EXPECT_EQ(outcome.execution.error.at("error").at("code").as_string(), "workflow.budget_exceeded");
  EXPECT_EQ(budgets("wall_ms").at("task").reserved, 0);
  EXPECT_EQ(budgets("wall_ms").at("task").spent, 80);
  check();
}

TEST_F(BudgetsTest, ProcessorTimeIsMeasuredAndEnds) {
  runner_.add("t.busy", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (!context.stop().stop_requested()) {
    }
    return Completed{Json(), {}};
  });
  const auto outcome =
      run(with_budget(R"([{"id":"a","kind":"call","capability":"t.busy"}])", {{"cpu_ms", 100}}, OnExhausted::Fail));
  EXPECT_EQ(outcome.execution.error.at("error").at("code").as_string(), "workflow.budget_exceeded");
  EXPECT_EQ(budgets("cpu_ms").at("task").spent, 100);
  check();
}

TEST_F(BudgetsTest, AStepHasABudgetOfItsOwn) {
  constexpr std::string_view kNodes =
      R"([{"id":"a","kind":"call","capability":"t.call","budget":{"tokens":99}},
          {"id":"b","kind":"call","capability":"t.call"}])";
  auto e = engine();
  e->start(runner_);
  receipt_ = *e->create(with_budget(kNodes, {}));
  EXPECT_EQ(finish(*e, receipt_.task_id).task.wait_reason, "budget");
  EXPECT_EQ(states().at("b"), StepState::Completed);
  ASSERT_TRUE(e->raise_budget(receipt_.task_id, 1, {{"tokens", 1}}).ok());
  TaskOutcome outcome;
  do outcome = finish(*e, receipt_.task_id);
  while (outcome.task.state == TaskState::Waiting);
  EXPECT_EQ(outcome.task.state, TaskState::Completed);
  EXPECT_EQ(budgets("tokens").at("step 1").spent, 50);
  check();
}

TEST_F(BudgetsTest, ItemsOfAMapShareTheBudgetOfTheMap) {
  CreateTask what = with_budget(
      R"([{"id":"m","kind":"map","over":"inputs.list","budget":{"tokens":160},"body":{"capability":"t.call"}}])", {},
      OnExhausted::Fail);
  what.inputs = *codec::parse_json(R"({"list":[1,2,3,4]})");
  EXPECT_EQ(run(std::move(what)).task.state, TaskState::Failed);
  EXPECT_EQ(budgets("tokens").at("step 1").spent, 100);
  check();
}

TEST_F(BudgetsTest, ChildrenDrawFromTheirParents) {
  constexpr std::string_view kNodes =
      R"([{"id":"c","kind":"child","plan":{"v":1,"budget":{"tokens":500},"nodes":[
            {"id":"x","kind":"call","capability":"t.call"},{"id":"y","kind":"call","capability":"t.call","needs":["x"]}]}}])";
  EXPECT_EQ(run(with_budget(kNodes, {{"tokens", 160}})).task.state, TaskState::Completed);
  EXPECT_EQ(budgets("tokens").at("task").spent, 100);
  live_.clear();
  EXPECT_EQ(run(with_budget(kNodes, {{"tokens", 149}}, OnExhausted::Fail)).task.state, TaskState::Failed);
  EXPECT_EQ(budgets("tokens").at("task").spent, 50);
  live_.clear();
  EXPECT_EQ(run(with_budget(kNodes, {{"depth", 0}}, OnExhausted::Fail)).task.state, TaskState::Failed);
  live_.clear();
  EXPECT_EQ(run(with_budget(kNodes, {{"depth", 1}}, OnExhausted::Fail)).task.state, TaskState::Completed);
  check();
}

TEST_F(BudgetsTest, AProjectHasADayAndAMonth) {
  auto e = engine();
  e->start(runner_);
  ASSERT_TRUE(e->set_project_budget(kDefaultProject, BudgetPeriod::Month, {{"tokens", 120}}).ok());
  receipt_ = *e->create(with_budget(kOneCall, {}));
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  receipt_ = *e->create(with_budget(kOneCall, {}));
  EXPECT_EQ(finish(*e, receipt_.task_id).task.wait_reason, "budget");
  ASSERT_TRUE(e->set_project_budget(kDefaultProject, BudgetPeriod::Month, {{"tokens", 150}}).ok());
  TaskOutcome outcome;
  do outcome = finish(*e, receipt_.task_id);
  while (outcome.task.state == TaskState::Waiting);
  EXPECT_EQ(outcome.task.state, TaskState::Completed);
  // Never less than is used already.
  ASSERT_TRUE(e->set_project_budget(kDefaultProject, BudgetPeriod::Month, {{"tokens", 10}}).ok());
  auto views =
      store_->read([&](storage::ReadTx& tx) { return list_project_budgets(tx, kDefaultProject, clock_.now_us()); });
  ASSERT_TRUE(views.ok());
  ASSERT_EQ(views->size(), 2U);
  EXPECT_EQ((*views)[0].scope, "month");
  EXPECT_EQ((*views)[0].limit, 10);
  EXPECT_THAT((*views)[1].scope, HasSubstr("month 20"));
  EXPECT_EQ((*views)[1].spent, 100);
  EXPECT_EQ((*views)[1].limit, 100);
  check();
}

TEST_F(BudgetsTest, AnAnswerThatIsPaidForIsNotPaidForAgain) {
  std::atomic<int> runs{0};
  runner_.add("t.twice", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    ++runs;
    auto ticket = context.ask(1, {{"tokens", 10}});
    if (!ticket.ok()) return Failed{FailureClass::Permanent, ticket.error(), {}};
    if (ticket->response) return Completed{*ticket->response, {}};
    if (auto used = context.use(*ticket, {{"tokens", 7}}, Json("paid")); !used.ok())
      return Failed{FailureClass::Permanent, used.error(), {}};
    return Failed{FailureClass::Retryable, Error("t.again", "after the call"), {}};
  });
  const auto outcome = run(with_budget(
      R"([{"id":"a","kind":"call","capability":"t.twice","retry":{"attempts":2,"first_ms":1}}])", {{"tokens", 10}}));
  EXPECT_EQ(outcome.task.state, TaskState::Completed);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(budgets("tokens").at("task").spent, 7);
  EXPECT_EQ(output("a"), Json("paid"));
  check();
}

TEST_F(BudgetsTest, WhatNobodySettlesCountsInFull) {
  runner_.add("t.forgets", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    if (auto ticket = context.ask(1, {{"tokens", 30}}); !ticket.ok())
      return Failed{FailureClass::Permanent, ticket.error(), {}};
    if (auto ticket = context.ask(1, {{"tokens", 30}}); ticket.ok())
      return Failed{FailureClass::Permanent, Error("t.wrong", "one call was asked for twice"), {}};
    return Completed{Json(), {}};
  });
  EXPECT_EQ(run(with_budget(R"([{"id":"a","kind":"call","capability":"t.forgets"}])", {{"tokens", 100}})).task.state,
            TaskState::Completed);
  EXPECT_EQ(budgets("tokens").at("task").spent, 30);
  check();
}

TEST_F(BudgetsTest, RefusalsAreCounted) {
  telemetry::MetricsRegistry metrics;
  EngineConfig config;
  config.boot_id = "boot1";
  config.slots = {4, 2, 1};
  config.boot_is_live = [](std::string_view) { return true; };
  config.metrics = &metrics;
  auto e = *Engine::open(*store_, std::move(config), clock_, random_);
  e->start(runner_);
  receipt_ = *e->create(with_budget(kOneCall, {{"tokens", 1}}, OnExhausted::Fail));
  finish(*e, receipt_.task_id);
  EXPECT_GE(metrics.counter("wrench_budget_refusals_total", "", {{"dimension", "tokens"}}).value(), 1U);
}

}  // namespace
}  // namespace wrench::workflow
