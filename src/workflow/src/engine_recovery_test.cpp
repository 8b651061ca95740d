#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "engine_test.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/dead_letters.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/recovering_runner.hpp"
#include "wrench/workflow/replay.hpp"

namespace wrench::workflow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

/// Recoveries from recovery.yaml to the rows and back, on SQLite and PostgreSQL.
class RecoveryTest : public EngineTest {
 protected:
  void begin(const std::string& yaml) {
    auto policies = RecoveryPolicies::parse(yaml, "recovery.yaml");
    ASSERT_TRUE(policies.ok()) << describe(policies.error());
    recovering_ = std::make_unique<RecoveringRunner>(std::move(*policies), runner_, circuits_clock_, &metrics_);
    EngineConfig config;
    config.boot_id = "boot1";
    config.slots = {4, 2, 1};
    config.boot_is_live = [](std::string_view) { return true; };
    config.metrics = &metrics_;
    config.traits = [this](std::string_view capability) {
      const auto traits = runner_.traits(capability);
      return traits.ok() ? std::optional(*traits) : std::nullopt;
    };
    config.check_output = [](std::string_view capability, const Json& output) -> Result<void> {
      if (capability == "t.fail" && !output.at("n").is_integer()) return Error("t.schema", "/n isn't an integer");
      return {};
    };
    auto opened = Engine::open(*store_, std::move(config), clock_, random_);
    ASSERT_TRUE(opened.ok());
    engine_ = std::move(*opened);
    engine_->start(*recovering_);
  }
  TaskOutcome run(std::string_view nodes, OnExhausted policy = OnExhausted::Fail) {
    CreateTask what = task(nodes);
    what.on_exhausted = policy;
    what.inputs = Json::object({{"list", Json::array({1, 2})}});
    auto receipt = engine_->create(std::move(what));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    receipt_ = *receipt;
    return finish(*engine_, receipt_.task_id);
  }
  /// "strategy severity" of each entry.
  std::vector<std::string> recoveries() {
    auto journal = store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no, 0, 100); });
    std::vector<std::string> out;
    for (const auto& entry : *journal)
      if (entry.kind == "recovery")
        out.push_back(std::string(entry.data.at("recovery_result").at("strategy").as_string()) + " " +
                      std::string(entry.data.at("severity").as_string()));
    return out;
  }
  std::vector<std::string> told_the_project() {
    auto events = store_->read([&](storage::ReadTx& tx) {
      auto head = storage::event_log::head(tx);
      head->seq = 0;
      return storage::event_log::read(tx, {.project_id = kDefaultProject, .task_id = {}}, *head, 100);
    });
    EXPECT_TRUE(events.ok());
    std::vector<std::string> out;
    for (const auto& event : events->events)
      if (event.what.type == "step.recovery")
        out.emplace_back(codec::parse_json(event.what.payload)->at("severity").as_string());
    return out;
  }
  std::int64_t counted(const telemetry::Labels& labels) {
    return metrics_.snapshot().total("wrench_recoveries_total", labels);
  }
  void await(const std::string& node, StepState state) {
    const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
    while (states()[node] != state && !until.passed(clock_)) std::this_thread::yield();
    EXPECT_EQ(states()[node], state) << node;
  }
  void decide(StepDecision decision) {
    const auto decided = engine_->decide_step(receipt_.task_id, 1, decision);
    EXPECT_TRUE(decided.ok()) << describe(decided.error());
  }

  telemetry::MetricsRegistry metrics_;
  ManualClock circuits_clock_;
  std::unique_ptr<RecoveringRunner> recovering_;
  std::unique_ptr<Engine> engine_;
};

constexpr std::string_view kFails =
    R"([{"id":"a","kind":"call","capability":"t.fail"},{"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])";

TEST_F(RecoveryTest, AFailureForGoodIsHighAndTheProjectHearsOfIt) {
  begin("policies: []");
  EXPECT_EQ(run(kFails).task.state, TaskState::Failed);
  EXPECT_THAT(recoveries(), ElementsAre("abort high"));
  EXPECT_THAT(told_the_project(), ElementsAre("high"));
  EXPECT_EQ(counted({{"class", "permanent"}, {"strategy", "abort"}, {"severity", "high"}}), 1);
  const auto last = store_->read([&](storage::ReadTx& tx) { return last_recoveries(tx, receipt_.execution_no); });
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->at(1).at("error").as_string(), "t.broken: it broke");
}

TEST_F(RecoveryTest, APersonDecidesAboutWhatIsEscalated) {
  begin("policies: [{error: t.broken, strategy: escalate}]");
  struct Row {
    StepDecision decision;
    TaskState state;
  };
  for (const Row& row : {Row{StepDecision::Skip, TaskState::Completed}, Row{StepDecision::GiveUp, TaskState::Failed}}) {
    const TaskOutcome waiting = run(kFails);
    EXPECT_EQ(waiting.task.state, TaskState::Waiting);
    EXPECT_EQ(waiting.task.wait_reason, "dead_letter");
    EXPECT_THAT(recoveries(), ElementsAre("escalate high"));
    const auto held =
        store_->read([&](storage::ReadTx& tx) { return list_held_steps(tx, {.task_id = receipt_.task_id}); });
    ASSERT_EQ(held->steps.size(), 1U);
    EXPECT_EQ(held->steps[0].error.at("message").as_string(), "it broke");
    decide(row.decision);
    EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, row.state);
  }
  static_cast<void>(run(kFails));
  runner_.add("t.fail", [](const StepInvocation&, StepContext&) { return Completed{Json(1), {}}; });
  decide(StepDecision::Retry);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
}

constexpr std::string_view kNeeded = R"([
  {"id":"a","kind":"call","capability":"t.fail","ensure":"output.n > 2"},
  {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"input":{"n":{"$from":"steps.a.output.n"}}}])";

TEST_F(RecoveryTest, APersonGivesAStepItsOutput) {
  begin("policies: [{error: t.broken, strategy: escalate}]");
  for (const bool large : {false, true}) {
    EXPECT_EQ(run(kNeeded).task.wait_reason, "dead_letter");
    const Json given = Json::object({{"n", 7}, {"why", std::string(large ? 3 * kInlineBytesMax : 3, 'w')}});
    const auto resolved = engine_->resolve_step(receipt_.task_id, 1, given);
    ASSERT_TRUE(resolved.ok()) << describe(resolved.error());
    EXPECT_EQ(*resolved, Engine::OutputCheck::Schema);
    EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
    EXPECT_EQ(output("a"), given);
    EXPECT_EQ(output("b").at("n").as_integer(), 7);
    const auto journal =
        store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no, 0, 100); });
    const auto decision = std::ranges::find(*journal, "decision", &JournalEntry::kind);
    ASSERT_NE(decision, journal->end());
    EXPECT_EQ(decision->data.at("to").as_string(), "completed");
    EXPECT_EQ(decision->actor, "system");
    EXPECT_EQ(std::next(decision)->kind, "completed");
  }
  const auto checked = check_store(*store_, {});
  ASSERT_TRUE(checked.ok());
  EXPECT_THAT(checked->problems, ::testing::IsEmpty());
}

TEST_F(RecoveryTest, AnOutputThatDoesNotFitChangesNothing) {
  begin("policies: [{error: t.broken, strategy: escalate}]");
  static_cast<void>(run(kNeeded));
  const auto refused = [&](std::int64_t step, const Json& output) {
    const auto resolved = engine_->resolve_step(receipt_.task_id, step, output);
    return resolved.ok() ? "" : resolved.error().code;
  };
  EXPECT_EQ(refused(1, Json::object({{"n", "seven"}})), "workflow.condition_type");
  EXPECT_EQ(refused(1, Json::object({{"n", 2}})), "workflow.condition_false");
  EXPECT_EQ(refused(1, Json::object({{"n", 3.5}})), "workflow.output_invalid");
  EXPECT_EQ(refused(1, Json(std::string(kGivenOutputBytesMax - 1, 'x'))), "workflow.output_too_large");
  EXPECT_EQ(refused(1, Json(std::string(kGivenOutputBytesMax - 2, 'x'))), "workflow.condition_false") << "at the limit";
  EXPECT_EQ(refused(2, Json(1)), "workflow.invalid_transition");
  EXPECT_EQ(refused(9, Json(1)), "workflow.step_not_found");
  EXPECT_EQ(states().at("a"), StepState::Dead);
  EXPECT_EQ(refused(1, Json::object({{"n", 3}})), "");
  EXPECT_EQ(refused(1, Json::object({{"n", 3}})), "workflow.invalid_transition") << "decided about";
}

TEST_F(RecoveryTest, AnItemOfAMapIsGivenItsOutput) {
  begin("policies: [{error: t.broken, strategy: escalate}]");
  CreateTask what = task(R"([{"id":"m","kind":"map","over":"inputs.list","as":"x","collect":"append",
                              "body":{"capability":"t.fail"}}])");
  what.inputs = Json::object({{"list", Json::array({1, 2})}});
  receipt_ = engine_->create(std::move(what)).value();
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.wait_reason, "dead_letter");
  for (const int item : {3, 2})
    ASSERT_TRUE(engine_->resolve_step(receipt_.task_id, item, Json::object({{"n", item}})).ok());
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(output("m").at("items").as_array().at(1).at("n").as_integer(), 3);
}

TEST_F(RecoveryTest, ACriticalFailureSuspendsUntilAPersonResumes) {
  begin("policies: []");
  runner_.add("t.corrupt", [](const StepInvocation&, StepContext&) {
    return Failed{FailureClass::Permanent, Error("storage.corrupt", "a page is damaged"), {}};
  });
  runner_.add("t.after", [this](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (told_the_project().empty() && !context.stop().stop_requested()) std::this_thread::yield();
    return Completed{Json(1), {}};
  });
  const TaskOutcome waiting =
      run(R"([{"id":"a","kind":"call","capability":"t.corrupt"},{"id":"w","kind":"call","capability":"t.after"},
              {"id":"c","kind":"call","capability":"t.echo","needs":["w"]}])",
          OnExhausted::Dead);
  EXPECT_EQ(waiting.task.state, TaskState::Waiting);
  EXPECT_EQ(waiting.task.wait_reason, "critical");
  EXPECT_THAT(recoveries(), ElementsAre("escalate critical"));
  EXPECT_THAT(told_the_project(), ElementsAre("critical"));
  await("w", StepState::Completed);
  EXPECT_EQ(states().at("c"), StepState::Ready) << "nothing begins";
  ASSERT_TRUE(engine_->resume(receipt_.task_id).ok());
  await("c", StepState::Completed);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.wait_reason, "dead_letter");
  decide(StepDecision::GiveUp);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Failed);
}

TEST_F(RecoveryTest, AnUncertainEffectIsCriticalUnlessItsHookKnows) {
  begin("policies: []");
  runner_.add(
      "t.half",
      [](const StepInvocation&, StepContext& context) -> StepOutcome {
        static_cast<void>(context.begin_effect(0, Json("x")));
        return Failed{FailureClass::Permanent, Error("t.cut", "cut off"), {}};
      },
      Effect::Guarded);
  constexpr std::string_view kHalf = R"([{"id":"a","kind":"call","capability":"t.half"}])";
  EXPECT_EQ(run(kHalf).task.wait_reason, "uncertain");
  EXPECT_THAT(recoveries(), ElementsAre("escalate critical"));
  decide(StepDecision::Skip);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(run(kHalf).task.wait_reason, "uncertain");
  const auto resolved = engine_->resolve_step(receipt_.task_id, 1, Json("it happened"));
  ASSERT_TRUE(resolved.ok()) << describe(resolved.error());
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(output("a"), Json("it happened"));
  const auto open =
      store_->read([&](storage::ReadTx& tx) { return tx.query(sql::kIntentsOfStep, {receipt_.execution_no, 1}); });
  ASSERT_TRUE(open.ok());
  EXPECT_EQ(open->size(), 0U) << "the effect took place";
  runner_.on_reconcile = [](std::string_view) { return Reconciled{ReconcileAnswer::Done, Json("receipt")}; };
  auto receipt = engine_->create(task(kHalf));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  await("a", StepState::Completed);
  EXPECT_EQ(output("a"), Json("receipt"));
}

TEST_F(RecoveryTest, WhoWaitsForATaskWaitsForTheReconcileHookToo) {
  begin("policies: []");
  std::atomic<int> runs = 0;
  runner_.add(
      "t.half",
      [&](const StepInvocation&, StepContext& context) -> StepOutcome {
        auto ticket = context.begin_effect(0, Json("x"));
        if (ticket && runs++ > 0 && context.end_effect(*ticket, Json("receipt"))) return Completed{Json("again"), {}};
        return Failed{FailureClass::Permanent, Error("t.cut", "cut off"), {}};
      },
      Effect::Guarded);
  std::promise<void> answer;
  ReconcileAnswer said = ReconcileAnswer::Done;
  runner_.on_reconcile = [&](std::string_view) {
    answer.get_future().wait();
    return Reconciled{said, said == ReconcileAnswer::Done ? Json("receipt") : Json()};
  };
  const auto waited = [&] {
    auto outcome =
        std::async(std::launch::async, [&] { return run(R"([{"id":"a","kind":"call","capability":"t.half"}])"); });
    // Its state can be read long before the hook has answered.
    EXPECT_EQ(outcome.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
    answer.set_value();
    return outcome.get().task.state;
  };
  EXPECT_EQ(waited(), TaskState::Completed);
  EXPECT_EQ(output("a"), Json("receipt"));
  answer = {};
  runs = 0;
  said = ReconcileAnswer::NotDone;
  EXPECT_EQ(waited(), TaskState::Completed);
  EXPECT_EQ(output("a"), Json("again"));
  EXPECT_EQ(runs, 2);
}

TEST_F(RecoveryTest, WhatFailedIsUndoneWithAnEffectOfItsOwn) {
  begin("policies: [{capability: t.pay, strategy: compensate, inverse: t.refund, then: skip}]");
  std::vector<std::string> keys;
  const auto effect = [&](StepContext& context) {
    auto ticket = context.begin_effect(0, Json("x"));
    EXPECT_TRUE(ticket.ok());
    keys.push_back(ticket->effect_key);
    EXPECT_TRUE(context.end_effect(*ticket, Json("done")).ok());
  };
  runner_.add(
      "t.pay",
      [&](const StepInvocation&, StepContext& context) -> StepOutcome {
        effect(context);
        return Failed{FailureClass::Permanent, Error("t.half", "paid, but not delivered"), {}};
      },
      Effect::Guarded);
  runner_.add(
      "t.refund",
      [&](const StepInvocation&, StepContext& context) -> StepOutcome {
        effect(context);
        return Completed{Json("refunded"), {}};
      },
      Effect::Guarded);
  EXPECT_EQ(run(R"([{"id":"a","kind":"call","capability":"t.pay"}])").task.state, TaskState::Completed);
  EXPECT_EQ(output("a").at("partial").as_array().at(0).at("undone_by").as_string(), "t.refund");
  EXPECT_THAT(recoveries(), ElementsAre("compensate high"));
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], keys[1]);
}

TEST_F(RecoveryTest, AnotherInputIsTriedInTheNextAttempt) {
  begin("policies: [{error: t.too_large, strategy: retry_changed, smaller_input: [files]}]");
  runner_.add("t.scan", [](const StepInvocation& in, StepContext&) -> StepOutcome {
    const std::size_t files = in.input.at("files").as_array().size();
    if (files > 2) return Failed{FailureClass::Permanent, Error("t.too_large", "too much"), {}};
    return Completed{Json::object({{"files", files}}), {}};
  });
  EXPECT_EQ(run(R"([{"id":"a","kind":"call","capability":"t.scan","input":{"files":[1,2,3,4,5,6,7]},
                     "retry":{"attempts":5,"first_ms":1}}])")
                .task.state,
            TaskState::Completed);
  EXPECT_EQ(output("a").at("files").as_integer(), 2);
  EXPECT_EQ(output("a").at("partial").as_array().at(0).at("left_out").at("files").as_integer(), 5);
  EXPECT_THAT(recoveries(), ElementsAre("retry_changed medium", "retry_changed medium"));
}

TEST_F(RecoveryTest, AStepIsHeldBackUntilItsCircuitLetsItThrough) {
  begin("breakers: [{capability: t.shop, failures: 2, calls: 2, open: 20ms}]");
  std::atomic<int> calls{0};
  runner_.add("t.shop", [&](const StepInvocation&, StepContext&) -> StepOutcome {
    if (++calls <= 2) return Failed{FailureClass::Retryable, Error("t.closed", "closed"), {}};
    return Completed{Json(1), {}};
  });
  receipt_ =
      engine_->create(task(R"([{"id":"a","kind":"call","capability":"t.shop","retry":{"attempts":3,"first_ms":1}}])"))
          .value();
  const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
  while (counted({{"class", "held_back"}}) < 2 && !until.passed(clock_)) std::this_thread::yield();
  circuits_clock_.advance(20 * kMicrosPerMs);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(calls, 3) << "held back, it isn't called";
  const auto done = recoveries();
  EXPECT_THAT(done, Contains("retry medium"));
  EXPECT_EQ(std::count(done.begin(), done.end(), "retry low"), 2);
  EXPECT_GE(counted({{"class", "held_back"}}), 2);
  EXPECT_EQ(metrics_.snapshot().total("wrench_circuits_open"), 0);
  EXPECT_EQ(metrics_.snapshot().total("wrench_circuits_opened_total"), 1);
  EXPECT_EQ(metrics_.snapshot().total("wrench_steps_processed_total", {{"outcome", "held_back"}}),
            counted({{"class", "held_back"}}));
}

/// What becomes of a step whose failure no run could do anything about.
struct Expected {
  std::string_view policy;
  TaskState state;
  std::string_view recovery;  ///< The last one.
  std::string_view output;    ///< A part of it; empty: there is none.
};

class EnginePoliciesTest : public RecoveryTest {
 protected:
  EnginePoliciesTest() {
    runner_.add("t.slow", [this](const StepInvocation& in, StepContext& context) -> StepOutcome {
      const bool small = in.input.at("files").is_array() && in.input.at("files").as_array().size() < 2;
      while (!small && !context.stop().stop_requested()) std::this_thread::yield();
      ++slow_;
      return Completed{Json("slow"), {}};
    });
    runner_.add("t.other", [this](const StepInvocation& in, StepContext&) -> StepOutcome {
      instead_ = in.input;
      return Completed{Json("another"), {}};
    });
    runner_.add("t.undo", [this](const StepInvocation&, StepContext&) -> StepOutcome {
      ++undone_;
      return Completed{Json("undone"), {}};
    });
  }
  void expect(std::string_view code, std::string_view nodes, const std::vector<Expected>& rows) {
    for (const Expected& row : rows) {
      SCOPED_TRACE(row.policy);
      engine_.reset();
      begin("policies: [{error: " + std::string(code) + ", " + std::string(row.policy) + "}]");
      TaskState state = run(timed(nodes)).task.state;
      const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
      // Waiting for somebody who won't answer looks the same as waiting for somebody who is to decide.
      while ((state != row.state || recoveries().empty()) && state == TaskState::Waiting && !until.passed(clock_)) {
        std::this_thread::yield();
        state = finish(*engine_, receipt_.task_id).task.state;
      }
      EXPECT_EQ(state, row.state);
      const auto done = recoveries();
      ASSERT_FALSE(done.empty());
      EXPECT_EQ(done.back(), row.recovery);
      if (!row.output.empty())
        EXPECT_THAT(codec::write_json(output("a")), ::testing::HasSubstr(std::string(row.output)));
      const auto word = [&](std::size_t n) { return std::string(split(row.recovery, ' ')[n]); };
      EXPECT_GE(counted({{"strategy", word(0)}, {"severity", word(1)}}), 1);
      const auto checked = check_store(*store_, {});
      ASSERT_TRUE(checked.ok());
      EXPECT_THAT(checked->problems, ::testing::IsEmpty());
      auto journal =
          store_->read([&](storage::ReadTx& tx) { return record_journal(tx, receipt_.execution_no, on_postgres()); });
      ASSERT_TRUE(journal.ok());
      const auto again = replay(*journal);
      ASSERT_TRUE(again.ok()) << describe(again.error());
      EXPECT_FALSE(again->first) << again->first->expected << " but " << again->first->found;
    }
  }
  /// Long enough for what runs after it to be in time, whatever else the machine does.
  static std::string timed(std::string_view nodes) {
    std::string out(nodes);
    for (const auto& [word, ms] : {std::pair{"TIME", 100}, {"LONG", 300}})
      if (const auto at = out.find(word); at != std::string::npos)
        out.replace(at, 4, std::to_string(on_postgres() ? 4 * ms : ms));
    return out;
  }
  std::atomic<int> slow_{0}, undone_{0};
  Json instead_;
};

TEST_F(EnginePoliciesTest, OfStepsWhoseTimeIsOver) {
  expect("workflow.timeout", R"([
    {"id":"a","kind":"call","capability":"t.slow","input":{"files":[1,2,3]},"timeouts":{"start_to_close_ms":TIME},
     "retry":{"attempts":3,"first_ms":1}},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"t.slow")"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"},
          {"strategy: retry_changed, smaller_input: [files]", TaskState::Completed, "retry_changed medium", "slow"},
          {"strategy: retry, delay: 1ms", TaskState::Failed, "abort high", ""},
          {"strategy: compensate, inverse: t.undo, then: skip", TaskState::Completed, "compensate high", "undone_by"},
          {"strategy: compensate, inverse: t.undo", TaskState::Failed, "compensate high", ""},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""},
          {"strategy: abort", TaskState::Failed, "abort high", ""}});
  EXPECT_EQ(undone_, 2);
  EXPECT_EQ(instead_.at("files").as_array().size(), 3U);
}

TEST_F(EnginePoliciesTest, OfStepsWithoutAPulseAndOfThoseThatNeverBegan) {
  expect("workflow.timeout", R"([{"id":"a","kind":"call","capability":"t.slow","timeouts":{"heartbeat_ms":TIME}}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", "heartbeat"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"}});
  expect("workflow.timeout", R"([
    {"id":"first","kind":"call","capability":"t.slow","slot":"llm","timeouts":{"start_to_close_ms":LONG},
     "retry":{"attempts":1},"on_failure":"continue"},
    {"id":"a","kind":"call","capability":"t.echo","slot":"llm","timeouts":{"schedule_to_start_ms":TIME},
     "retry":{"attempts":1}}])",
         {{"capability: t.echo, strategy: skip", TaskState::Completed, "abort high", "schedule_to_start"},
          {"capability: t.echo, strategy: fallback, to: t.other", TaskState::Completed, "abort high", "another"},
          {"capability: t.echo, strategy: escalate", TaskState::Waiting, "abort high", ""}});
  expect("workflow.timeout",
         R"([{"id":"a","kind":"call","capability":"t.slow","timeouts":{"schedule_to_close_ms":TIME}}])",
         {{"strategy: retry", TaskState::Failed, "abort high", ""},
          {"strategy: skip", TaskState::Completed, "skip medium", "schedule_to_close"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"}});
}

TEST_F(EnginePoliciesTest, OfWaitsThatNobodyEnded) {
  expect("workflow.wait_expired", R"([
    {"id":"a","kind":"wait","on":"approval","title":"go on?","subject":{"n":7},"expires_ms":15,
     "retry":{"attempts":2,"first_ms":1}},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])",
         {{"capability: wait, strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"wait")"},
          {"strategy: retry", TaskState::Failed, "abort high", ""},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"},
          {"strategy: compensate, inverse: t.undo, then: skip", TaskState::Completed, "compensate high", "undone_by"},
          {"strategy: compensate, inverse: t.undo", TaskState::Failed, "compensate high", ""},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""},
          {"capability: t.*, strategy: skip", TaskState::Failed, "abort high", ""},
          {"strategy: abort", TaskState::Failed, "abort high", ""}});
  EXPECT_EQ(codec::write_json(instead_),
            R"({"step":"a","kind":"wait","title":"go on?","on":"approval","subject":{"n":7}})");
}

TEST_F(EnginePoliciesTest, OfOutputsThatThePlanRefuses) {
  runner_.add("t.count", [](const StepInvocation& in, StepContext&) -> StepOutcome {
    return Completed{Json::object({{"n", in.input.at("files").as_array().size()}}), {}};
  });
  expect("workflow.condition_false", R"([
    {"id":"a","kind":"call","capability":"t.count","input":{"files":[1,2,3,4]},"ensure":"output == 'another' or output.n < 2",
     "retry":{"attempts":3,"first_ms":1}}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"t.count")"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"},
          {"strategy: fallback, to: t.echo", TaskState::Failed, "abort high", ""},
          {"strategy: retry_changed, smaller_input: [files]", TaskState::Completed, "retry_changed medium", R"("n":1)"},
          {"strategy: compensate, inverse: t.undo, then: skip", TaskState::Completed, "compensate high", "undone_by"},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""}});
}

TEST_F(EnginePoliciesTest, OfBodiesAndOfWhatThePlanItselfCannotDo) {
  expect("workflow.children_failed",
         R"([{"id":"a","kind":"map","over":"inputs.list","as":"x","collect":"append","body":{"capability":"t.fail"},
             "retry":{"attempts":2,"first_ms":1}}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"map")"},
          {"capability: map, strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"},
          {"strategy: retry", TaskState::Failed, "abort high", ""},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""}});
  expect("workflow.bad_distribution", R"([{"id":"a","kind":"map","over":"7","as":"x","collect":"append",
                                           "body":{"capability":"t.fail"},"retry":{"attempts":2,"first_ms":1}}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"map")"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"},
          {"strategy: retry", TaskState::Failed, "abort high", ""},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""}});
  expect("workflow.child_failed",
         R"([{"id":"a","kind":"child","plan":{"v":1,"nodes":[{"id":"x","kind":"call","capability":"t.fail"}]}}])",
         {{"strategy: skip", TaskState::Completed, "skip medium", R"("skipped":"child")"},
          {"strategy: fallback, to: t.other", TaskState::Completed, "fallback medium", "another"}});
}

TEST_F(EnginePoliciesTest, WhatTookPlaceBeforeTheTimeWasOverIsUndoneAndDoneAnew) {
  begin("policies: [{error: workflow.timeout, strategy: compensate, inverse: t.undo}]");
  std::vector<std::string> keys;
  runner_.add(
      "t.pay",
      [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
        auto ticket = context.begin_effect(0, Json("x"));
        EXPECT_TRUE(ticket.ok() && !ticket->receipt);
        keys.push_back(ticket->effect_key);
        EXPECT_TRUE(context.end_effect(*ticket, Json("paid")).ok());
        while (keys.size() < 2 && !context.stop().stop_requested()) std::this_thread::yield();
        return Completed{Json(in.attempt), {}};
      },
      Effect::Guarded);
  EXPECT_EQ(run(R"([{"id":"a","kind":"call","capability":"t.pay","timeouts":{"start_to_close_ms":200},
                     "retry":{"attempts":1}}])",
                OnExhausted::Dead)
                .task.wait_reason,
            "dead_letter");
  EXPECT_EQ(undone_, 1);
  decide(StepDecision::Retry);
  EXPECT_EQ(finish(*engine_, receipt_.task_id).task.state, TaskState::Completed);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], keys[1]);
}

TEST_F(EnginePoliciesTest, WhatMayHaveEffectsOutsideIsNotReplaced) {
  runner_.add(
      "t.send",
      [](const StepInvocation&, StepContext& context) -> StepOutcome {
        while (!context.stop().stop_requested()) std::this_thread::yield();
        return Yielded{};
      },
      Effect::Idempotent);
  runner_.add("t.sends", [](const StepInvocation&, StepContext&) { return Completed{Json(1), {}}; }, Effect::Guarded);
  constexpr std::string_view kSends = R"([{"id":"a","kind":"call","capability":"t.send","retry":{"attempts":1},
                                           "timeouts":{"start_to_close_ms":TIME}}])";
  expect("workflow.timeout", kSends,
         {{"strategy: skip", TaskState::Failed, "abort high", ""},
          {"strategy: fallback, to: t.other", TaskState::Failed, "abort high", ""},
          {"strategy: escalate", TaskState::Waiting, "escalate high", ""}});
  expect("workflow.timeout", R"([{"id":"a","kind":"call","capability":"t.slow","timeouts":{"start_to_close_ms":TIME},
                                  "retry":{"attempts":1}}])",
         {{"strategy: fallback, to: t.sends", TaskState::Failed, "abort high", ""},
          {"strategy: fallback, to: t.slow", TaskState::Failed, "abort high", ""}});
}

}  // namespace
}  // namespace wrench::workflow
