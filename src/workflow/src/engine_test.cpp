#include "engine_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <set>

#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/artifact.hpp"
#include "wrench/workflow/findings_store.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

TEST_F(EngineTest, RunsStepsInOrderOfTheirNeedsAndPassesOutputsOn) {
  CreateTask what = task(R"([{"id":"a","kind":"call","capability":"t.echo","input":{"x":{"$from":"inputs.n"}}},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"input":{"y":{"$from":"steps.a.output.x"},"z":{"$from":"inputs.none"}}}])");
  what.inputs = Json::object({{"n", 41}});
  const TaskOutcome done = run(std::move(what));
  EXPECT_EQ(done.task.state, TaskState::Completed);
  EXPECT_EQ(done.task.status, "completed");
  EXPECT_EQ(done.task.progress, 1.0);
  EXPECT_EQ(done.execution.status, ExecutionStatus::Completed);
  EXPECT_EQ(codec::write_json(output("b")), R"({"y":41,"z":null})");
}

TEST_F(EngineTest, ASequentialStepCostsOneFlush) {
  auto e = engine();
  e->start(runner_);
  std::string nodes = "[";
  constexpr int kSteps = 20;
  for (int i = 0; i < kSteps; ++i) {
    nodes += std::string(i ? "," : "") + R"({"id":"s)" + std::to_string(i) + R"(","kind":"call","capability":"t.echo")";
    if (i > 0) nodes += R"(,"needs":["s)" + std::to_string(i - 1) + R"("])";
    nodes += "}";
  }
  const auto before = store_->stats().flushes;
  auto receipt = e->create(task(nodes + "]"));
  ASSERT_TRUE(receipt.ok());
  finish(*e, receipt->task_id);
  const std::uint64_t flushes = store_->stats().flushes - before;
  EXPECT_GE(flushes, 1U + kSteps);
  EXPECT_LE(flushes, 1U + kSteps + (on_postgres() ? 3 : 0)) << "there a worker also says that it lives";
}

TEST_F(EngineTest, MapsOverItemsWithABoundOnParallelism) {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  runner_.add("t.square", [&](const StepInvocation& in, StepContext&) -> StepOutcome {
    const int n = ++now;
    int seen = most.load();
    while (seen < n && !most.compare_exchange_weak(seen, n)) {
    }
    const auto x = in.input.at("x").as_integer();
    --now;
    return Completed{Json::object({{"list", Json::array({x * x})}}), {}};
  });
  CreateTask what = task(R"([{"id":"m","kind":"map","over":"inputs.list","as":"item","max_parallel":2,
     "body":{"kind":"call","capability":"t.square","input":{"x":{"$from":"item"}}}},
     {"id":"j","kind":"merge","needs":["m"]}])");
  Json list = Json::array();
  for (int i = 0; i < 50; ++i) list.push_back(i);
  what.inputs = Json::object({{"list", list}});
  EXPECT_EQ(run(std::move(what)).task.state, TaskState::Completed);
  EXPECT_LE(most.load(), 2);
  const auto squares = output("j").at("list").as_array();
  ASSERT_EQ(squares.size(), 50U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(squares[static_cast<std::size_t>(i)].as_integer(), i * i);
}

TEST_F(EngineTest, AMapOfNothingIsDoneAtOnce) {
  EXPECT_EQ(run(task(R"([{"id":"m","kind":"map","over":"[]","body":{"capability":"t.echo"}}])")).task.state,
            TaskState::Completed);
  EXPECT_EQ(runner_.calls, 0);
}

TEST_F(EngineTest, AFailedNeedSkipsItsDependentsUnlessTheyContinue) {
  const TaskOutcome done = run(task(R"([{"id":"bad","kind":"call","capability":"t.fail"},
     {"id":"skip","kind":"call","capability":"t.echo","needs":["bad"]},
     {"id":"skip2","kind":"call","capability":"t.echo","needs":["skip"]},
     {"id":"go","kind":"call","capability":"t.echo","needs":[{"id":"skip2","on_failure":"continue"}]},
     {"id":"last","kind":"call","capability":"t.echo","finally":true}])"));
  EXPECT_EQ(done.task.state, TaskState::Failed);
  EXPECT_EQ(done.execution.error.at("step").as_string(), "bad");
  EXPECT_EQ(done.execution.error.at("error").at("code").as_string(), "t.broken");
  const auto is = states();
  EXPECT_EQ(is.at("skip"), StepState::Skipped);
  EXPECT_EQ(is.at("skip2"), StepState::Skipped);
  EXPECT_EQ(is.at("go"), StepState::Completed);
  EXPECT_EQ(is.at("last"), StepState::Completed);
}

TEST_F(EngineTest, AToleratedFailureLeavesTheTaskCompleted) {
  EXPECT_EQ(run(task(R"([{"id":"bad","kind":"call","capability":"t.fail","on_failure":"continue"},
     {"id":"go","kind":"call","capability":"t.echo","needs":["bad"]}])"))
                .task.state,
            TaskState::Completed);
  EXPECT_EQ(states().at("go"), StepState::Completed);
}

TEST_F(EngineTest, AFalseConditionSkipsAndCountsAsDone) {
  EXPECT_EQ(run(task(R"([{"id":"a","kind":"call","capability":"t.echo","input":{"n":0}},
     {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"when":"steps.a.output.n > 0"},
     {"id":"c","kind":"call","capability":"t.echo","needs":["b"],"input":{"b":{"$from":"steps.b.output"}}}])"))
                .task.state,
            TaskState::Completed);
  EXPECT_EQ(states().at("b"), StepState::Skipped);
  EXPECT_TRUE(output("c").at("b").is_null());
}

TEST_F(EngineTest, AConditionOfAnotherTypeFailsTheStep) {
  const TaskOutcome done = run(task(R"([{"id":"a","kind":"call","capability":"t.echo","when":"'yes'"}])"));
  EXPECT_EQ(done.execution.error.at("error").at("code").as_string(), "workflow.condition_type");
  EXPECT_EQ(runner_.calls, 0);
}

TEST_F(EngineTest, RetriesRetryableFailuresUntilTheAttemptsAreSpent) {
  runner_.add("t.flaky", [](const StepInvocation& in, StepContext&) -> StepOutcome {
    if (in.attempt < 3) return Failed{FailureClass::Retryable, Error("t.flaky", "again"), {}};
    return Completed{Json::object({{"attempt", in.attempt}}), {}};
  });
  EXPECT_EQ(run(task(R"([{"id":"a","kind":"call","capability":"t.flaky","retry":{"first_ms":1}}])")).task.state,
            TaskState::Completed);
  EXPECT_EQ(output("a").at("attempt").as_integer(), 3);
  EXPECT_EQ(
      run(task(R"([{"id":"a","kind":"call","capability":"t.flaky","retry":{"first_ms":1,"attempts":2}}])")).task.state,
      TaskState::Failed);
}

TEST_F(EngineTest, AnUnknownCapabilityOrAnExceptionFailsTheStepOnly) {
  runner_.add("t.throws", [](const StepInvocation&, StepContext&) -> StepOutcome { throw std::runtime_error("boom"); });
  const Json missing = run(task(R"([{"id":"a","kind":"call","capability":"no.such"}])")).execution.error.at("error");
  EXPECT_EQ(missing.at("code").as_string(), "workflow.missing_capability");
  EXPECT_EQ(missing.at("message").as_string(), "nobody here can do no.such");
  EXPECT_EQ(run(task(R"([{"id":"a","kind":"call","capability":"t.throws"}])"))
                .execution.error.at("error")
                .at("code")
                .as_string(),
            "workflow.step_threw");
}

TEST_F(EngineTest, KeepsLargeOutputsAndTheFindingsOfAStep) {
  runner_.add("t.big", [](const StepInvocation&, StepContext&) -> StepOutcome {
    Completed done{Json::object({{"text", std::string(3'000'000, 'x')}}), {}};
    findings::Finding finding;
    finding.fingerprint = "wf1-0123456789abcdef0123456789abcdef";
    finding.rule = "test.rule";
    finding.message = "m";
    finding.where.path = "a.py";
    done.findings = {finding, finding};
    return done;
  });
  CreateTask what = task(R"([{"id":"a","kind":"call","capability":"t.big"}])");
  what.repository = "/repo";
  run(what);
  EXPECT_EQ(output("a").at("text").as_string().size(), 3'000'000U);
  const auto first = store_->read([&](auto& tx) { return findings_store::list_by_task(tx, receipt_.task_no); });
  ASSERT_TRUE(first.ok()) << describe(first.error());
  ASSERT_EQ(first->size(), 1U) << "one fingerprint, one row";
  EXPECT_EQ(first->at(0).finding.rule, "test.rule");
  run(what);
  const auto second = store_->read([&](auto& tx) { return findings_store::list_by_task(tx, receipt_.task_no); });
  ASSERT_EQ(second->size(), 1U);
  EXPECT_EQ(second->at(0).finding_id, first->at(0).finding_id) << "seen again, not doubled";
}

TEST_F(EngineTest, KeepsBytesThatLaterStepsReadByTheirReference) {
  std::string bytes(3 * kArtifactPartBytes + 17, 'a');
  for (std::size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>(i / 1000);
  runner_.add("t.give", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    const auto reference = context.keep(bytes);
    if (!reference.ok()) return Failed{FailureClass::Permanent, reference.error(), {}};
    return Completed{Json::object({{"big", *reference}}), {}};
  });
  runner_.add("t.take", [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
    const auto kept = context.kept(in.input.at("big"));
    if (!kept.ok()) return Failed{FailureClass::Permanent, kept.error(), {}};
    return Completed{Json::object({{"equal", *kept == bytes}}), {}};
  });
  run(task(R"([{"id":"a","kind":"call","capability":"t.give"},
    {"id":"b","kind":"call","capability":"t.take","needs":["a"],"input":{"big":{"$from":"steps.a.output.big"}}}])"));
  EXPECT_TRUE(output("b").at("equal").as_boolean());
  const Json reference = output("a").at("big");
  EXPECT_EQ(reference.at("parts").as_array().size(), 4U);

  Json missing = reference;
  missing.set("parts", Json::array({std::string(64, '0')}));
  missing.set("bytes", 5);
  EXPECT_EQ(read_artifact(*store_, missing).error().code, "storage.blob_missing");
  for (const auto* what :
       {R"({})", R"({"parts":[],"bytes":1})", R"({"parts":["zz"],"bytes":1})", R"({"parts":[],"bytes":-1})"})
    EXPECT_EQ(read_artifact(*store_, *codec::parse_json(what)).error().code, "workflow.bad_reference") << what;
  Json cut = reference;
  cut.set("bytes", static_cast<std::int64_t>(bytes.size() - 1));
  EXPECT_EQ(read_artifact(*store_, cut).error().code, "workflow.bad_reference");
  EXPECT_TRUE(read_artifact(*store_, prepare_artifact("").value().reference).value().empty());
}

TEST_F(EngineTest, AFailedAttemptKeepsNothing) {
  int attempt = 0;
  runner_.add("t.give", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    const auto reference = context.keep(++attempt == 1 ? "of the attempt that failed" : "of the one that ended well");
    if (attempt == 1) return Failed{FailureClass::Retryable, Error("t.again", "again"), Micros{0}};
    return Completed{Json::object({{"big", *reference}}), {}};
  });
  run(task(R"([{"id":"a","kind":"call","capability":"t.give"}])"));
  EXPECT_EQ(read_artifact(*store_, output("a").at("big")).value(), "of the one that ended well");
  const auto failed = prepare_artifact("of the attempt that failed").value().reference;
  EXPECT_EQ(read_artifact(*store_, failed).error().code, "storage.blob_missing");
}

TEST_F(EngineTest, AnIdempotencyKeyFindsItsTask) {
  auto e = engine();
  e->start(runner_);
  CreateTask what = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  what.idempotency_key = "k";
  const auto first = e->create(what);
  const auto again = e->create(what);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->task_id, again->task_id);
  EXPECT_FALSE(first->existed);
  EXPECT_TRUE(again->existed);
  CreateTask other = what;
  other.title = "another";
  EXPECT_EQ(e->create(other).error().code, "workflow.idempotency_conflict");
  finish(*e, first->task_id);
  other.key_scope = KeyScope::UntilTaskEnds;
  const auto fresh = e->create(other);
  ASSERT_TRUE(fresh.ok()) << describe(fresh.error());
  EXPECT_NE(fresh->task_id, first->task_id);
}

TEST_F(EngineTest, CancelStopsRunningStepsAndStillRunsFinallyNodes) {
  std::latch begun(1);
  runner_.add("t.wait", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    begun.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return Failed{FailureClass::Permanent, Error("t.stopped", "stopped"), {}};
  });
  auto e = engine();
  e->start(runner_);
  const auto receipt = e->create(task(R"([{"id":"w","kind":"call","capability":"t.wait"},
    {"id":"n","kind":"call","capability":"t.echo","needs":["w"]},
    {"id":"f","kind":"call","capability":"t.echo","finally":true}])"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  begun.wait();
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  const TaskOutcome done = finish(*e, receipt->task_id);
  EXPECT_EQ(done.task.state, TaskState::Cancelled);
  EXPECT_EQ(states().at("w"), StepState::Cancelled);
  EXPECT_EQ(states().at("n"), StepState::Cancelled);
  EXPECT_EQ(states().at("f"), StepState::Completed);
  EXPECT_EQ(e->cancel(receipt->task_id, "again").error().code, "workflow.invalid_transition");
  const auto again = e->retry(receipt->task_id);
  ASSERT_TRUE(again.ok()) << describe(again.error());
  EXPECT_NE(again->execution_id, receipt->execution_id);
  EXPECT_EQ(e->retry(receipt->task_id).error().code, "workflow.invalid_transition");
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  finish(*e, receipt->task_id);
}

TEST_F(EngineTest, ACancelFromAnotherProcessKeepsItsReason) {
  std::latch begun(1);
  runner_.add("t.wait", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    begun.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return Failed{FailureClass::Permanent, Error("t.stopped", "stopped"), {}};
  });
  auto owner = engine();
  owner->start(runner_);
  const auto receipt = owner->create(task(R"([{"id":"w","kind":"call","capability":"t.wait"}])"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  begun.wait();
  auto other = engine("boot2");
  ASSERT_TRUE(other->cancel(receipt->task_id, "wrong folder").ok());
  ASSERT_TRUE(other->cancel(receipt->task_id, "too late to be the reason").ok());
  EXPECT_EQ(finish(*owner, receipt->task_id).task.state, TaskState::Cancelled);
  EXPECT_EQ(cancel_reasons(), std::vector<std::string>{"wrong folder"});
}

TEST_F(EngineTest, ACancelOfAnInterruptedTaskKeepsItsReason) {
  std::latch begun(1);
  runner_.add("t.wait", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    begun.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
  });
  auto owner = engine();
  owner->start(runner_);
  const auto receipt = owner->create(task(R"([{"id":"w","kind":"call","capability":"t.wait"}])"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  begun.wait();
  live_.erase("boot1");  // As the other process sees it; the fence keeps the first from writing.
  auto other = engine("boot2");
  ASSERT_TRUE(other->cancel(receipt->task_id, "wrong folder").ok());
  EXPECT_EQ(finish(*other, receipt->task_id).task.state, TaskState::Cancelled);
  EXPECT_EQ(cancel_reasons(), std::vector<std::string>{"wrong folder"});
}

TEST_F(EngineTest, DrainGivesTasksBackAndAnotherBootResumesThem) {
  std::latch begun(1);
  std::atomic<bool> second_time{false};
  runner_.add("t.slow", [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
    if (second_time) {
      EXPECT_EQ(in.attempt, 1);
      EXPECT_TRUE(in.checkpoint.has_value());
      return Completed{in.checkpoint.value_or(Json()), {}};
    }
    EXPECT_TRUE(context.checkpoint(Json::object({{"at", 7}})).ok());
    begun.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return Yielded{};
  });
  auto first = engine("boot1");
  first->start(runner_);
  const auto receipt = first->create(task(R"([{"id":"s","kind":"call","capability":"t.slow"}])"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  begun.wait();
  auto second = engine("boot2");
  second->start(runner_);
  EXPECT_EQ(second->resume(receipt->task_id).error().code, "workflow.owned_elsewhere");
  ASSERT_TRUE(first->drain(Deadline::after(clock_, 10 * kMicrosPerSecond)).ok());
  EXPECT_EQ(first->wait(receipt->task_id, {}, {}).error().code, "workflow.draining");
  second_time = true;
  const auto resumed = second->resume(receipt->task_id);
  ASSERT_TRUE(resumed.ok()) << describe(resumed.error());
  EXPECT_EQ(finish(*second, receipt->task_id).task.state, TaskState::Completed);
  EXPECT_EQ(output("s").at("at").as_integer(), 7);
}

TEST_F(EngineTest, TasksWaitForThoseTheyDependOn) {
  auto e = engine();
  e->start(runner_);
  const std::string_view ok = R"([{"id":"a","kind":"call","capability":"t.echo"}])";
  const auto bad = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])"));
  const auto good = e->create(task(ok));
  ASSERT_TRUE(bad.ok() && good.ok());
  const auto on = [&](const TaskReceipt& other, DependencyPolicy policy) {
    CreateTask what = task(ok);
    what.depends_on = {{other.task_id, policy}};
    return *e->create(std::move(what));
  };
  const auto after_good = on(*good, DependencyPolicy::Block);
  const auto ignores = on(*bad, DependencyPolicy::Ignore);
  const auto skips = on(*bad, DependencyPolicy::Skip);
  EXPECT_EQ(finish(*e, after_good.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(finish(*e, ignores.task_id).task.state, TaskState::Completed);
  CreateTask lost = task(ok);
  lost.depends_on = {{"tsk_00000000000000000000000000", DependencyPolicy::Block}};
  EXPECT_EQ(e->create(std::move(lost)).error().code, "workflow.task_not_found");
  static_cast<void>(skips);
}

TEST_F(EngineTest, NobodyBeginsATaskBeforeThoseThatItDependsOn) {
  auto e = engine();
  e->start(runner_);
  const std::string_view ok = R"([{"id":"a","kind":"call","capability":"t.echo"}])";
  const auto first = *e->create(task(R"([{"id":"w","kind":"wait","on":"signal","name":"go"}])"));
  CreateTask what = task(ok);
  what.depends_on = {{first.task_id, DependencyPolicy::Block}};
  const auto after = *e->create(what);
  what.depends_on = {{first.task_id, DependencyPolicy::Ignore}};
  const auto whatever = *e->create(what);
  const auto state = [&](const TaskReceipt& of) {
    return store_->read([&](storage::ReadTx& tx) { return find_task(tx, of.task_id); })->state;
  };
  const auto resumed = [&](const TaskReceipt& of) {
    // On PostgreSQL workers take what may begin by themselves: there is nothing to resume.
    if (!on_postgres()) return e->resume(of.task_id).error();
    EXPECT_TRUE(e->resume(of.task_id).ok());
    return Error("workflow.blocked", first.task_id);
  };
  EXPECT_EQ(resumed(after).code, "workflow.blocked");
  EXPECT_THAT(resumed(after).message, testing::HasSubstr(first.task_id));
  EXPECT_EQ(resumed(whatever).code, "workflow.blocked");
  EXPECT_EQ(state(after), TaskState::Queued);

  ASSERT_TRUE(e->cancel(first.task_id, "enough").ok());
  EXPECT_EQ(finish(*e, first.task_id).task.state, TaskState::Cancelled);
  EXPECT_EQ(finish(*e, whatever.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(resumed(after).code, "workflow.blocked");
  EXPECT_EQ(state(after), TaskState::Queued);
  // Nor when it is begun anew.
  ASSERT_TRUE(e->cancel(after.task_id, "enough").ok());
  EXPECT_EQ(e->retry(after.task_id)->state, TaskState::Queued);
  EXPECT_EQ(resumed(after).code, "workflow.blocked");
  EXPECT_EQ(state(after), TaskState::Queued);

  ASSERT_TRUE(e->retry(first.task_id).ok());
  ASSERT_TRUE(e->signal(first.task_id, "go", Json()).ok());
  while (finish(*e, first.task_id).task.state == TaskState::Waiting) {
  }
  EXPECT_EQ(state(first), TaskState::Completed);
  EXPECT_EQ(finish(*e, after.task_id).task.state, TaskState::Completed);
}

TEST_F(EngineTest, ATaskAfterOneThatFailedBeforeIsCancelled) {
  auto e = engine();
  e->start(runner_);
  const auto bad = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])"));
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(finish(*e, bad->task_id).task.state, TaskState::Failed);
  CreateTask after = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  after.depends_on = {{bad->task_id, DependencyPolicy::Skip}};
  const auto skipped = e->create(std::move(after));
  ASSERT_TRUE(skipped.ok());
  EXPECT_EQ(finish(*e, skipped->task_id).task.state, TaskState::Cancelled);
  EXPECT_EQ(e->retry(skipped->task_id).error().code, "workflow.blocked");
}

TEST_F(EngineTest, GuardedEffectsAndDrawnValuesSurviveRetries) {
  int effects = 0;
  int draws = 0;
  std::set<std::int64_t> drawn;
  runner_.add(
      "t.effect",
      [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
        const auto value = context.journaled("dice", [&] { return Json(++draws * 100); });
        drawn.insert(value->as_integer());
        const auto ticket = context.begin_effect(0, Json::object({{"do", "it"}}));
        if (!ticket->receipt) {
          ++effects;
          EXPECT_TRUE(context.end_effect(*ticket, Json("receipt")).ok());
        }
        if (in.attempt < 3) return Failed{FailureClass::Retryable, Error("t.later", "later"), {}};
        return Completed{ticket->receipt.value_or(Json()), {}};
      },
      Effect::Guarded);
  EXPECT_EQ(run(task(R"([{"id":"a","kind":"call","capability":"t.effect","retry":{"first_ms":1}}])")).task.state,
            TaskState::Completed);
  EXPECT_EQ(effects, 1);
  EXPECT_EQ(draws, 1);
  EXPECT_EQ(drawn.size(), 1U);
  EXPECT_EQ(output("a").as_string(), "receipt");
}

TEST_F(EngineTest, AnEffectWithoutReceiptWaitsForAPerson) {
  runner_.add(
      "t.effect",
      [&](const StepInvocation&, StepContext& context) -> StepOutcome {
        EXPECT_TRUE(context.begin_effect(0, Json()).ok());
        return Failed{FailureClass::Retryable, Error("t.cut", "connection lost"), {}};
      },
      Effect::Guarded);
  auto e = engine();
  e->start(runner_);
  const auto receipt = e->create(task(R"([{"id":"a","kind":"call","capability":"t.effect"}])"));
  receipt_ = *receipt;
  const TaskOutcome waiting = finish(*e, receipt->task_id);
  EXPECT_EQ(waiting.task.state, TaskState::Waiting);
  EXPECT_EQ(waiting.task.wait_reason, "uncertain");
  EXPECT_EQ(states().at("a"), StepState::Uncertain);
  EXPECT_EQ(runner_.calls, 1) << "never again by itself";
  ASSERT_TRUE(e->decide_step(receipt->task_id, 1, StepDecision::Skip).ok());
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Completed);
}

TEST_F(EngineTest, AnotherProcessGivesAStepItsOutput) {
  auto e = engine();
  e->start(runner_);
  auto other = engine("boot2");
  for (const std::size_t size : {std::size_t{1}, 2 * kInlineBytesMax}) {
    CreateTask what = task(R"([{"id":"a","kind":"call","capability":"t.fail"}])");
    what.on_exhausted = OnExhausted::Dead;
    receipt_ = e->create(std::move(what)).value();
    EXPECT_EQ(finish(*e, receipt_.task_id).task.wait_reason, "dead_letter");
    const Json given(std::string(size, 'x'));
    const auto resolved = other->resolve_step(receipt_.task_id, 1, given);
    ASSERT_TRUE(resolved.ok()) << describe(resolved.error());
    EXPECT_EQ(*resolved, Engine::OutputCheck::Nothing) << "nobody knows its schema";
    while (states().at("a") != StepState::Completed) std::this_thread::yield();
    EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
    EXPECT_EQ(output("a"), given);
  }
}

TEST_F(EngineTest, ListsTasksPageByPageAndFindsThemByTheEndOfTheirId) {
  auto e = engine();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])"))->task_id);
  TaskFilter filter{.status = "", .limit = 2, .cursor = ""};
  std::vector<std::string> seen;
  do {
    const auto page = store_->read([&](auto& tx) { return list_tasks(tx, filter); });
    ASSERT_TRUE(page.ok()) << describe(page.error());
    for (const auto& one : page->tasks) seen.push_back(one.task_id);
    filter.cursor = page->next_cursor;
  } while (!filter.cursor.empty());
  std::reverse(seen.begin(), seen.end());
  EXPECT_EQ(seen, ids);
  const auto find = [&](std::string_view id) { return store_->read([&](auto& tx) { return find_task(tx, id); }); };
  EXPECT_EQ(find(ids[3].substr(ids[3].size() - 8))->task_id, ids[3]);
  EXPECT_EQ(find("short").error().code, "workflow.task_not_found");
  EXPECT_EQ(find("ZZZZZZZZ").error().code, "workflow.task_not_found");
  filter.cursor = "x";
  EXPECT_EQ(store_->read([&](auto& tx) { return list_tasks(tx, filter); }).error().code, "workflow.invalid_cursor");
  const auto orphans = [&](bool live) {
    return store_->read([&](auto& tx) { return list_orphans(tx, [live](std::string_view) { return live; }); })->size();
  };
  EXPECT_EQ(orphans(true), 5U) << "they haven't begun: nobody's";
  std::vector<std::string> paged;
  OrphanPlace place;
  for (std::size_t found = 2; found == 2;) {
    const auto page =
        store_->read([&](auto& tx) { return list_orphans(tx, [](std::string_view) { return false; }, place, 2); });
    found = page->size();
    for (const Orphan& orphan : *page) {
      paged.push_back(orphan.task.task_id);
      place = {orphan.owner_boot, orphan.execution_no};
    }
  }
  EXPECT_EQ(paged, ids);
}

TEST_F(EngineTest, TakesOverTasksBehindManyThatStandStill) {
  if (store_->dialect() == storage::Dialect::Postgres) GTEST_SKIP() << "there workers take tasks by themselves";
  std::string last;
  {
    auto e = engine("creator");
    const auto waits = e->create(task(R"([{"id":"w","kind":"wait","on":"signal","name":"go"}])"));
    CreateTask blocked = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
    blocked.depends_on = {{waits->task_id}};
    for (auto& receipt : e->create_all(std::vector<CreateTask>(2 * kTaskPageMax, blocked))) ASSERT_TRUE(receipt.ok());
    last = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])"))->task_id;
  }
  auto e = engine("server");
  e->start(runner_);
  const auto adopted = e->adopt_orphans();
  ASSERT_TRUE(adopted.ok()) << describe(adopted.error());
  EXPECT_EQ(adopted->size(), 2U) << "the one that waits for a signal, and the last";
  EXPECT_EQ(finish(*e, last).task.state, TaskState::Completed);
}

TEST_F(EngineTest, RefusesTasksThatMakeNoSense) {
  auto e = engine();
  CreateTask what = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  const auto code = [&](CreateTask bad) { return e->create(std::move(bad)).error().code; };
  CreateTask bad = what;
  bad.title = "";
  EXPECT_EQ(code(bad), "workflow.invalid_task");
  bad.title = std::string(501, 'x');
  EXPECT_EQ(code(bad), "workflow.invalid_task");
  bad = what;
  bad.title = "\xff";
  EXPECT_EQ(code(bad), "workflow.invalid_task");
  bad = what;
  bad.priority = "urgent";
  EXPECT_EQ(code(bad), "workflow.invalid_task");
  bad = what;
  bad.inputs = Json::object({{"x", std::string(kInputsBytesMax, 'x')}});
  EXPECT_EQ(code(bad), "workflow.invalid_task");
  bad = what;
  bad.plan = nullptr;
  EXPECT_EQ(code(bad), "workflow.invalid_task");
}

TEST_F(EngineTest, AnAttachedRowThatCannotBeStoredFailsItsStepAndNothingElse) {
  runner_.add("t.bad_row", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.attach([](storage::WriteTx&) -> Result<void> { return Error("storage.constraint", "no such thing"); });
    return Completed{Json::object(), {}};
  });
  const TaskOutcome done = run(task(R"([{"id":"a","kind":"call","capability":"t.bad_row"},
     {"id":"b","kind":"call","capability":"t.echo"}])"));
  EXPECT_EQ(done.task.state, TaskState::Failed);
  EXPECT_EQ(done.execution.error.at("error").at("code").as_string(), "storage.constraint");
  EXPECT_EQ(states().at("b"), StepState::Completed);
}

TEST_F(EngineTest, AStepKnowsItsDeadline) {
  runner_.add("t.deadline", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    return Completed{Json(!context.deadline().never()), {}};
  });
  run(task(R"([{"id":"a","kind":"call","capability":"t.deadline"}])"));
  EXPECT_TRUE(output("a").as_boolean());
}

TEST_F(EngineTest, ManyTasksAtOnceAllEnd) {
  auto e = engine();
  e->start(runner_);
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i)
    ids.push_back(e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"},
      {"id":"b","kind":"call","capability":"t.echo"},{"id":"c","kind":"merge","needs":["a","b"]}])"))
                      ->task_id);
  for (const auto& id : ids) EXPECT_EQ(finish(*e, id).task.state, TaskState::Completed);
}

}  // namespace
}  // namespace wrench::workflow
