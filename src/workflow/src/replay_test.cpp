#include "wrench/workflow/replay.hpp"

#include <chrono>
#include <thread>

#include "engine_test.hpp"
#include "wrench/workflow/recovering_runner.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

class ReplayTest : public EngineTest {
 protected:
  ReplayTest() {
    runner_.add("t.flaky", [](const StepInvocation& in, StepContext&) -> StepOutcome {
      if (in.attempt < 3) return Failed{FailureClass::Retryable, Error("t.flaky", "once more"), {}};
      return Completed{Json::object({{"attempt", in.attempt}}), {}};
    });
    runner_.add("t.add", [](const StepInvocation& in, StepContext&) {
      return Completed{Json::object({{"n", in.input.at("a").as_integer() + in.input.at("b").as_integer()}}), {}};
    });
    runner_.add("t.slow", [](const StepInvocation&, StepContext& context) -> StepOutcome {
      while (!context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
    });
    runner_.add(
        "t.publish",
        [](const StepInvocation&, StepContext& context) -> StepOutcome {
          auto drawn = context.journaled("draw", [] { return Json(5); });
          auto ticket = context.begin_effect(0, Json("publish"));
          EXPECT_TRUE(drawn.ok() && ticket.ok());
          EXPECT_TRUE(context.end_effect(*ticket, Json("done")).ok());
          return Completed{Json("published"), {}};
        },
        Effect::Guarded);
  }

  /// Through its text, as a file holds it.
  RecordedJournal recorded(std::int64_t execution_no = 0) {
    auto journal = store_->read([&](storage::ReadTx& tx) {
      return record_journal(tx, execution_no == 0 ? receipt_.execution_no : execution_no, on_postgres());
    });
    EXPECT_TRUE(journal.ok()) << describe(journal.error());
    auto json = codec::parse_json(codec::write_json(to_json(*journal), {.pretty = true}));
    auto again = recorded_journal(*json);
    EXPECT_TRUE(again.ok()) << describe(again.error());
    return *again;
  }
  static ReplayReport replayed(const RecordedJournal& journal) {
    auto report = replay(journal);
    EXPECT_TRUE(report.ok()) << describe(report.error());
    return report.ok() ? *report : ReplayReport{};
  }
  void expect_same(std::int64_t execution_no = 0) {
    const RecordedJournal journal = recorded(execution_no);
    const ReplayReport report = replayed(journal);
    EXPECT_FALSE(report.first) << "entry " << report.first->seq << " step " << report.first->node << "\n  expected "
                               << report.first->expected << "\n  found    " << report.first->found;
    EXPECT_EQ(report.entries, static_cast<std::int64_t>(journal.entries.size()));
    EXPECT_GE(report.entries, 3);
  }
  RecordedJournal::Entry& entry_of(RecordedJournal& journal, std::string_view kind) {
    for (auto& entry : journal.entries)
      if (entry.kind == kind) return entry;
    ADD_FAILURE() << "no entry " << kind;
    return journal.entries.front();
  }
};

TEST_F(ReplayTest, StepsMergesAndConditions) {
  CreateTask what = task(R"([
    {"id":"a","kind":"call","capability":"t.echo","input":{"n":{"$from":"inputs.n"}}},
    {"id":"no","kind":"call","capability":"t.echo","needs":["a"],"when":"steps.a.output.n > 5"},
    {"id":"broken","kind":"call","capability":"t.fail","needs":["a"],"on_failure":"continue"},
    {"id":"after","kind":"call","capability":"t.echo","needs":["broken","no"]},
    {"id":"m","kind":"merge","needs":["a","after"]},
    {"id":"flaky","kind":"call","capability":"t.flaky","needs":["a"],"retry":{"attempts":4,"first_ms":1}},
    {"id":"tired","kind":"call","capability":"t.flaky","needs":["a"],"on_failure":"continue","retry":{"attempts":2,"first_ms":1}},
    {"id":"ensured","kind":"call","capability":"t.echo","needs":["a"],"input":{"v":1},"ensure":"output.v == 2","on_failure":"continue"},
    {"id":"publish","kind":"call","capability":"t.publish","needs":["m"]},
    {"id":"last","kind":"call","capability":"t.echo","finally":true}])");
  what.inputs = Json::object({{"n", 3}});
  run(std::move(what));
  expect_same();
}

TEST_F(ReplayTest, MapsLoopsAndWhatIsLarge) {
  CreateTask what = task(R"([
    {"id":"l","kind":"loop","max_iterations":3,"body":{"nodes":[
      {"id":"l1","kind":"call","capability":"t.add","input":{"a":{"$from":"iteration"},"b":1}},
      {"id":"l2","kind":"loop","max_iterations":2,"needs":["l1"],"body":{"nodes":[
        {"id":"l3","kind":"call","capability":"t.add","input":{"a":{"$from":"iteration"},"b":{"$from":"steps.l1.output.n"}}}]}}]}},
    {"id":"k","kind":"loop","max_iterations":2,"body":{"nodes":[
      {"id":"k1","kind":"call","capability":"t.echo","input":{"i":{"$from":"iteration"}}}]}},
    {"id":"m","kind":"map","over":"inputs.list","as":"x","max_parallel":2,"collect":"append","body":{"nodes":[
      {"id":"ma","kind":"call","capability":"t.add","input":{"a":{"$from":"x"},"b":1}},
      {"id":"mb","kind":"map","over":"[1, 2]","as":"y","needs":["ma"],"collect":"append",
       "body":{"capability":"t.add","input":{"a":{"$from":"x"},"b":{"$from":"y"}}}}]}},
    {"id":"empty","kind":"map","over":"[]","body":{"capability":"t.echo"}},
    {"id":"large","kind":"call","capability":"t.echo","needs":["m","l"],"input":{"all":{"$from":"inputs.text"}}},
    {"id":"both","kind":"merge","needs":["large","k"]}])");
  what.inputs = Json::object({{"list", Json::array({10, 20, 30})}, {"text", std::string(5'000, 'x')}});
  run(std::move(what));
  expect_same();
}

TEST_F(ReplayTest, WaitsKeysAndChildren) {
  auto e = engine();
  e->start(runner_);
  auto receipt = e->create(task(R"([
    {"id":"s","kind":"wait","on":"signal","name":"go"},
    {"id":"i","kind":"wait","on":"input","prompt":"how?","needs":["s"]},
    {"id":"p","kind":"wait","on":"approval","title":"go on?","needs":["i"],"on_failure":"continue"},
    {"id":"u","kind":"wait","on":"until","after_ms":5},
    {"id":"x","kind":"wait","on":"signal","name":"never","expires_ms":5,"on_timeout":"continue"},
    {"id":"y","kind":"wait","on":"signal","name":"never2","expires_ms":5,"on_failure":"continue"},
    {"id":"c","kind":"child","title":"t","plan":{"v":1,"nodes":[{"id":"q","kind":"call","capability":"t.echo","input":{"v":4}}]}},
    {"id":"k1","kind":"call","capability":"t.echo","concurrency":{"key":"'k'","limit":1}},
    {"id":"k2","kind":"call","capability":"t.echo","concurrency":{"key":"'k'","limit":1}},
    {"id":"j","kind":"merge","needs":["u","never_mind"],"join":"any","cancel_rest":true},
    {"id":"never_mind","kind":"wait","on":"signal","name":"nobody"}])"));
  ASSERT_TRUE(receipt.ok()) << describe(receipt.error());
  receipt_ = *receipt;
  ASSERT_TRUE(e->signal(receipt->task_id, "go", Json(1)).ok());
  for (int answers = 0; answers < 2;) {
    const auto waits = store_->read([](storage::ReadTx& tx) { return list_waits(tx); });
    for (const WaitView& wait : waits->waits) {
      if (wait.kind != WaitKind::Input && wait.kind != WaitKind::Approval) continue;
      const bool input = wait.kind == WaitKind::Input;
      if (e->answer(wait.wait_id, input ? WaitDecision::Answer : WaitDecision::Reject, input ? Json("so") : Json(), "")
              .ok())
        ++answers;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  finish(*e, receipt->task_id);
  expect_same();
}

TEST_F(ReplayTest, CancelsPausesAndTimeouts) {
  auto e = engine();
  e->start(runner_);
  auto receipt = e->create(task(R"([
    {"id":"t","kind":"call","capability":"t.slow","timeouts":{"start_to_close_ms":20},"retry":{"attempts":2,"first_ms":1},"on_failure":"continue"},
    {"id":"w","kind":"wait","on":"signal","name":"go","needs":["t"]},
    {"id":"b","kind":"call","capability":"t.echo","needs":["t"]},
    {"id":"s","kind":"call","capability":"t.slow","needs":["b"]},
    {"id":"l","kind":"loop","max_iterations":2,"needs":["b"],"body":{"nodes":[{"id":"l1","kind":"wait","on":"signal","name":"never"}]}},
    {"id":"z","kind":"call","capability":"t.echo","needs":["w","s"]},
    {"id":"f","kind":"call","capability":"t.echo","finally":true}])"));
  ASSERT_TRUE(receipt.ok()) << describe(receipt.error());
  receipt_ = *receipt;
  const auto in_state = [&](const char* node, StepState state) {
    for (;;) {
      const auto all = states();
      if (const auto it = all.find(node); it != all.end() && it->second == state) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  in_state("s", StepState::Running);
  in_state("l", StepState::Waiting);
  ASSERT_TRUE(e->pause(receipt->task_id, false).ok());
  finish(*e, receipt->task_id);
  ASSERT_TRUE(e->pause(receipt->task_id, true).ok());
  in_state("s", StepState::Ready);
  ASSERT_TRUE(e->resume(receipt->task_id).ok());
  in_state("s", StepState::Running);
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  const TaskOutcome out = finish(*e, receipt->task_id);
  EXPECT_EQ(out.task.state, TaskState::Cancelled);
  expect_same();
}

TEST_F(ReplayTest, AnOpenOneAndOneThatAnotherProcessWentOnWith) {
  {
    auto e = engine("boot1");
    e->start(runner_);
    auto receipt = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"},
      {"id":"w","kind":"wait","on":"signal","name":"go","needs":["a"]},
      {"id":"z","kind":"call","capability":"t.echo","needs":["w"]}])"));
    receipt_ = *receipt;
    finish(*e, receipt->task_id);
    expect_same();
  }
  live_.clear();
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  ASSERT_TRUE(e->signal(receipt_.task_id, "go", Json(1)).ok());
  while (finish(*e, receipt_.task_id).task.state != TaskState::Completed) {
  }
  expect_same();
}

TEST_F(ReplayTest, WhatIsDoneAboutFailures) {
  runner_.add("t.picky", [](const StepInvocation& in, StepContext&) -> StepOutcome {
    if (in.input.at("files").as_array().size() > 1)
      return Failed{FailureClass::Permanent, Error("t.too_large", "too much"), {}};
    return Completed{in.input, {}};
  });
  runner_.add("t.limited", [](const StepInvocation& in, StepContext&) -> StepOutcome {
    if (in.attempt == 1) return Failed{FailureClass::Retryable, Error("t.slower", "not so fast"), 2 * kMicrosPerMs};
    return Completed{Json(in.attempt), {}};
  });
  runner_.add("t.corrupt", [](const StepInvocation&, StepContext&) -> StepOutcome {
    return Failed{FailureClass::Permanent, Error("storage.corrupt", "a page is damaged"), {}};
  });
  runner_.add(
      "t.half",
      [](const StepInvocation&, StepContext& context) -> StepOutcome {
        EXPECT_TRUE(context.begin_effect(0, Json("half")).ok());
        return Failed{FailureClass::Retryable, Error("t.cut", "cut off"), {}};
      },
      Effect::Guarded);
  runner_.add(
      "t.pay",
      [](const StepInvocation&, StepContext& context) -> StepOutcome {
        auto ticket = context.begin_effect(0, Json("pay"));
        EXPECT_TRUE(ticket.ok() && context.end_effect(*ticket, Json("paid")).ok());
        return Failed{FailureClass::Permanent, Error("t.undelivered", "paid, but not delivered"), {}};
      },
      Effect::Guarded);
  auto policies = RecoveryPolicies::parse(R"(
policies:
  - {error: t.too_large, strategy: retry_changed, smaller_input: [files]}
  - {error: t.undelivered, strategy: compensate, inverse: t.publish}
  - {capability: t.fail, error: t.broken, strategy: fallback, to: t.echo}
  - {error: t.flaky, strategy: skip}
  - {error: t.slower, strategy: retry, delay: 3ms}
)",
                                          "recovery.yaml");
  ASSERT_TRUE(policies.ok()) << describe(policies.error());
  std::atomic<int> calls{0};
  runner_.add("t.closed", [&](const StepInvocation&, StepContext&) -> StepOutcome {
    ++calls;
    if (calls == 1) return Failed{FailureClass::Retryable, Error("t.down", "it is down"), {}};
    if (calls == 2) return HeldBack{Error("t.down", "it is down"), 2 * kMicrosPerMs};
    return Completed{Json(1), {}};
  });
  RecoveringRunner recovering(std::move(*policies), runner_, clock_);
  auto e = engine();
  e->start(recovering);
  CreateTask what = task(R"([
    {"id":"picky","kind":"call","capability":"t.picky","input":{"files":[1,2,3]},"retry":{"attempts":5,"first_ms":1}},
    {"id":"limited","kind":"call","capability":"t.limited","retry":{"attempts":2,"first_ms":1},"needs":["picky"]},
    {"id":"closed","kind":"call","capability":"t.closed","retry":{"attempts":2,"first_ms":1},"needs":["limited"]},
    {"id":"fallback","kind":"call","capability":"t.fail","needs":["closed"]},
    {"id":"skip","kind":"call","capability":"t.flaky","needs":["fallback"]},
    {"id":"pay","kind":"call","capability":"t.pay","needs":["skip"]},
    {"id":"half","kind":"call","capability":"t.half","needs":["pay"]},
    {"id":"corrupt","kind":"call","capability":"t.corrupt","needs":["half"]},
    {"id":"last","kind":"call","capability":"t.echo","needs":["corrupt"]}])");
  what.on_exhausted = OnExhausted::Dead;
  receipt_ = e->create(std::move(what)).value();
  for (const char* held : {"pay", "half", "corrupt"}) {
    while (states().at(held) != StepState::Dead && states().at(held) != StepState::Uncertain)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    finish(*e, receipt_.task_id);
    expect_same();
    const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, receipt_.execution_no); });
    for (const auto& step : *steps)
      if (step.node == held && step.node != "half")
        ASSERT_TRUE(e->decide_step(receipt_.task_id, step.step_no, StepDecision::Skip).ok());
      else if (step.node == held)
        ASSERT_TRUE(e->resolve_step(receipt_.task_id, step.step_no, Json(std::string(2 * kInlineBytesMax, 'x'))).ok());
  }
  while (finish(*e, receipt_.task_id).task.state != TaskState::Completed) {
  }
  expect_same();
  RecordedJournal journal = recorded();
  std::set<std::string> strategies, severities;
  for (const auto& entry : journal.entries) {
    if (entry.kind != "recovery") continue;
    strategies.insert(entry.data.at("held_back").as_boolean()
                          ? "held back"
                          : std::string(entry.data.at("recovery_result").at("strategy").as_string()));
    severities.insert(std::string(entry.data.at("severity").as_string()));
  }
  EXPECT_THAT(strategies, ::testing::ElementsAre("compensate", "escalate", "fallback", "held back", "retry",
                                                 "retry_changed", "skip"));
  EXPECT_THAT(severities, ::testing::ElementsAre("critical", "high", "low", "medium"));
  EXPECT_GE(std::ranges::count(journal.entries, "suspended", &RecordedJournal::Entry::kind), 2);

  entry_of(journal, "recovery").data.set("severity", "high");
  const auto report = replayed(journal);
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->node, "picky");
  EXPECT_THAT(report.first->found, HasSubstr("medium"));
}

TEST_F(ReplayTest, JournalsFromBeforeRecoveriesHadEntries) {
  run(task(R"([{"id":"a","kind":"call","capability":"t.flaky","retry":{"attempts":4,"first_ms":1}},
               {"id":"b","kind":"call","capability":"t.fail","needs":["a"]}])"));
  RecordedJournal journal = recorded();
  EXPECT_EQ(std::erase_if(journal.entries, [](const auto& entry) { return entry.kind == "recovery"; }), 3U);
  const auto report = replayed(journal);
  EXPECT_FALSE(report.first) << report.first->found;
}

TEST_F(ReplayTest, Forks) {
  CreateTask what = task(R"([
    {"id":"a","kind":"call","capability":"t.echo","input":{"n":{"$from":"inputs.n"}}},
    {"id":"no","kind":"call","capability":"t.echo","needs":["a"],"when":"false"},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"input":{"n":{"$from":"steps.a.output.n"}}},
    {"id":"d","kind":"merge","needs":["no","b"]},
    {"id":"any","kind":"merge","needs":["no","d"],"join":"any"},
    {"id":"z","kind":"call","capability":"t.echo","needs":["d"],"input":{"i":{"$from":"inputs.n"},"s":{"$from":"steps.no.state"}}}])");
  what.inputs = Json::object({{"n", 1}});
  run(std::move(what));
  auto e = engine("boot2");
  e->start(runner_);
  auto fork = e->fork(receipt_.task_id, {.from = "d", .edits = {{"steps.b.output.n", 7}, {"inputs.n", 9}}});
  ASSERT_TRUE(fork.ok()) << describe(fork.error());
  finish(*e, receipt_.task_id);
  expect_same(fork->execution_no);
  fork = e->fork(receipt_.task_id, {.from = "z"});
  finish(*e, receipt_.task_id);
  expect_same(fork->execution_no);
}

TEST_F(ReplayTest, ToldIsTheFirstDecisionThatDiffers) {
  CreateTask what = task(R"([
    {"id":"a","kind":"call","capability":"t.echo","input":{"n":{"$from":"inputs.n"}}},
    {"id":"no","kind":"call","capability":"t.echo","needs":["a"],"when":"steps.a.output.n > 5"},
    {"id":"m","kind":"merge","needs":["a","no"]},
    {"id":"z","kind":"call","capability":"t.echo","needs":["m"]}])");
  what.inputs = Json::object({{"n", 3}});
  run(std::move(what));
  const RecordedJournal good = recorded();

  RecordedJournal other = good;
  other.inputs = Json::object({{"n", 9}});
  EXPECT_FALSE(replayed(other).first) << "what the capability said is what counts, not what it would say";

  // Today the condition holds.
  std::string text = codec::write_json(to_json(good));
  text.replace(text.find("> 5"), 3, "> 1");
  auto changed = recorded_journal(*codec::parse_json(text));
  ASSERT_TRUE(changed.ok());
  auto first = replayed(*changed).first;
  ASSERT_TRUE(first);
  EXPECT_EQ(first->node, "no");
  EXPECT_THAT(first->expected, HasSubstr("skipped"));
  EXPECT_THAT(first->found, HasSubstr("calls t.echo"));
  EXPECT_EQ(good.entries.at(static_cast<std::size_t>(first->seq - 1)).kind, "skipped");

  // The merge made something else then.
  other = good;
  for (auto& entry : other.entries)
    if (entry.kind == "completed" && entry.step_no == 3) entry.data.set("n", 4);
  first = replayed(other).first;
  ASSERT_TRUE(first);
  EXPECT_EQ(first->node, "m");
  EXPECT_THAT(first->expected, HasSubstr(R"({"n":4})"));
  EXPECT_THAT(first->found, HasSubstr(R"({"n":3})"));

  // A step was claimed that isn't ready.
  other = good;
  std::swap(other.entries[1], other.entries.back());
  other.entries[1].kind = "claim";
  other.entries[1].step_no = 4;
  first = replayed(other).first;
  ASSERT_TRUE(first);
  EXPECT_EQ(first->seq, other.entries[1].seq);
  EXPECT_THAT(first->found, HasSubstr("blocked"));

  // It ended later then.
  other = good;
  entry_of(other, "ended").kind = "suspended";
  first = replayed(other).first;
  ASSERT_TRUE(first);
  EXPECT_THAT(first->found, HasSubstr("ended"));

  other = good;
  other.entries.push_back(other.entries[1]);
  other.entries.back().seq = static_cast<std::int64_t>(other.entries.size());
  EXPECT_TRUE(replayed(other).first) << "something after its end";

  other = good;
  other.entries[1].kind = "nobody_knows";
  const auto unknown = replay(other);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, "workflow.replay_unsupported");
}

TEST_F(ReplayTest, Budgets) {
  runner_.add("t.pay", [](const StepInvocation& in, StepContext& context) -> StepOutcome {
    const std::int64_t price = in.input.at("price").as_integer();
    for (int call = 1; call <= 2; ++call) {
      const auto ticket = context.ask(call, {{"tokens", price}});
      if (!ticket.ok()) return Failed{FailureClass::Retryable, ticket.error(), {}};
      if (ticket->response) continue;
      EXPECT_TRUE(context.use(*ticket, {{"tokens", price - 1}}, Json("answer")).ok());
    }
    return Completed{Json(price), {}};
  });
  runner_.add("t.long", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return Yielded{};
  });
  auto e = engine();
  ASSERT_TRUE(e->set_project_budget(kDefaultProject, BudgetPeriod::Day, {{"tokens", 1'000'000}}).ok());
  e->start(runner_);
  CreateTask what = task(R"([
    {"id":"a","kind":"call","capability":"t.pay","input":{"price":10}},
    {"id":"b","kind":"call","capability":"t.pay","input":{"price":20},"needs":["a"],"budget":{"tokens":25}},
    {"id":"c","kind":"call","capability":"t.pay","input":{"price":30},"needs":["b"]},
    {"id":"m","kind":"map","over":"inputs.list","as":"x","needs":["c"],"budget":{"tool_calls":2},
     "body":{"capability":"t.echo"},"on_failure":"continue"},
    {"id":"d","kind":"call","capability":"t.long","needs":["m"]}])");
  what.inputs = Json::object({{"list", Json::array({1, 2, 3})}});
  what.budget = {{"tokens", 100}, {"wall_ms", on_postgres() ? 3'000 : 600}};
  what.on_exhausted = OnExhausted::Dead;
  receipt_ = e->create(std::move(what)).value();
  const auto raise = [&](const BudgetAmounts& by, std::int64_t step_no) {
    const auto raised = e->raise_budget(receipt_.task_id, step_no, by);
    EXPECT_TRUE(raised.ok()) << describe(raised.error());
  };
  const auto await_wait = [&](const char* node) {
    const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
    while (states()[node] != StepState::Waiting && !until.passed(clock_)) std::this_thread::yield();
    expect_same();
  };
  await_wait("b");
  raise({{"tokens", 50}}, 2);
  await_wait("c");
  raise({{"tokens", 100}}, 0);
  const auto until = Deadline::after(clock_, 30 * kMicrosPerSecond);
  while (states()["d"] != StepState::Waiting && !until.passed(clock_)) {
    if (states()["m"] == StepState::Waiting && finish(*e, receipt_.task_id).task.wait_reason == "budget" &&
        states()["d"] == StepState::Blocked) {
      expect_same();
      raise({{"tool_calls", 5}}, 4);
    }
    std::this_thread::yield();
  }
  ASSERT_TRUE(e->cancel(receipt_.task_id, "enough").ok());
  finish(*e, receipt_.task_id);
  expect_same();
  RecordedJournal journal = recorded();
  std::set<std::string> kinds;
  for (const auto& entry : journal.entries) kinds.insert(entry.kind);
  for (const char* kind : {"budget_reserved", "budget_used", "budget_wait", "budget_raised", "funded"})
    EXPECT_TRUE(kinds.contains(kind)) << kind;

  // Decisions that another engine might take.
  RecordedJournal other = journal;
  entry_of(other, "budget_wait").data.set("want", 1);
  auto report = replayed(other);
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->node, "b");
  other = journal;
  entry_of(other, "budget_wait").data.set("limit", 1'000);  // There was something left for it.
  ASSERT_TRUE(replayed(other).first);
  other = journal;
  other.budgets.at("t" + std::to_string(receipt_.task_no)).at("tokens").cap = 15;
  report = replayed(other);
  ASSERT_TRUE(report.first);
  EXPECT_THAT(report.first->found, HasSubstr("tokens"));
}

TEST_F(ReplayTest, RefusesFilesThatAreNoJournals) {
  run(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])"));
  const Json good = to_json(recorded());
  for (const char* member : {"schema", "execution_id", "plan", "inputs"}) {
    Json bad = good;
    bad.set(member, Json());
    EXPECT_FALSE(recorded_journal(bad).ok()) << member;
  }
  const auto with = [&](std::string_view member, std::string_view value) {
    Json bad = good;
    bad.set(member, *codec::parse_json(value));
    const auto read = recorded_journal(bad);
    return read.ok() ? std::string() : read.error().code;
  };
  EXPECT_EQ(with("effects", R"({"t.echo":"sometimes"})"), "workflow.journal_invalid");
  EXPECT_EQ(with("budgets", R"({"q1":{}})"), "workflow.journal_invalid");
  EXPECT_EQ(with("budgets", R"({"t1":{"tokens":{"cap":"all","spent":0}}})"), "workflow.journal_invalid");
  EXPECT_EQ(with("body_steps", R"([{"step":1,"index":0,"in":1}])"), "workflow.journal_invalid");
  EXPECT_EQ(with("body_steps", R"([{"step":9,"index":1,"in":1}])"), "workflow.journal_invalid");
  EXPECT_EQ(with("kept", R"({"x":{"state":"completed"}})"), "workflow.journal_invalid");
  EXPECT_EQ(with("kept", R"({"a":{"state":"running"}})"), "workflow.journal_invalid");
  EXPECT_EQ(with("entries", R"([{"seq":2,"kind":"started","step":0,"attempt":0,"at":1}])"), "workflow.journal_invalid");
  EXPECT_EQ(with("entries", R"([{"seq":1,"kind":7,"step":0,"attempt":0,"at":1}])"), "workflow.journal_invalid");
  EXPECT_EQ(with("entries", R"([{"seq":1,"kind":"claim","step":-1,"attempt":0,"at":1}])"), "workflow.journal_invalid");
  EXPECT_EQ(with("entries", R"([{"seq":1,"kind":"claim","step":1,"attempt":0,"at":-5}])"), "workflow.journal_invalid");
  Json empty = good;
  empty.set("entries", Json::array());
  EXPECT_EQ(replayed(*recorded_journal(empty)).entries, 0);
  empty.set("kept", Json::object());
  const auto fork = replay(*recorded_journal(empty));
  ASSERT_FALSE(fork.ok());
  EXPECT_EQ(fork.error().code, "workflow.journal_invalid");
}

}  // namespace
}  // namespace wrench::workflow
