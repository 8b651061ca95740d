#include "wrench/workflow/recovering_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "recovery_mark.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using testing::ElementsAre;
using testing::HasSubstr;

/// Capabilities that do what the test says; each attaches a row and says which ran.
class Others final : public StepRunner {
 public:
  Result<CapabilityTraits> traits(std::string_view capability) const override {
    const auto found = effects.find(std::string(capability.substr(0, capability.find('@'))));
    if (found == effects.end()) return Error("agent.no_such_capability", "no capability");
    return CapabilityTraits{found->second, SlotClass::Cpu};
  }
  StepOutcome run(const StepInvocation& invocation, StepContext& context) override {
    ran.push_back(invocation.capability);
    inputs.push_back(invocation.input);
    checkpoints.push_back(invocation.checkpoint);
    if (effects_begun.contains(invocation.capability)) {
      const auto ticket = context.begin_effect(0, Json());
      EXPECT_TRUE(ticket);
      if (!ticket->receipt && effects_begun.at(invocation.capability))
        EXPECT_TRUE(context.end_effect(*ticket, Json(1)));
    }
    if (asks) {
      EXPECT_TRUE(context.ask(1, {{"tokens", 1}}));
      EXPECT_TRUE(context.journaled("draw", [] { return Json(1); }));
      EXPECT_TRUE(context.checkpoint(Json(invocation.capability)));
    }
    context.attach([](storage::WriteTx&) { return Result<void>(); });
    const auto failing = failures.find(invocation.capability);
    if (failing != failures.end()) return failing->second;
    return Completed{Json::object({{"by", invocation.capability}}), {}};
  }
  std::map<std::string, Effect> effects = {{"a.pure", Effect::Pure},
                                           {"a.local", Effect::LocalTransactional},
                                           {"a.keyed", Effect::Idempotent},
                                           {"a.guarded", Effect::Guarded},
                                           {"b.other", Effect::Pure}};
  std::map<std::string, Failed> failures;
  std::map<std::string, bool> effects_begun;  ///< And whether they are ended.
  bool asks = false;
  std::vector<std::string> ran;
  std::vector<Json> inputs;
  std::vector<std::optional<Json>> checkpoints;
};

class Step final : public StepContext {
 public:
  StopToken stop() const override { return stop_.token(); }
  Deadline deadline() const override { return {}; }
  void tick(const Progress&) override {}
  void stream(std::string_view) override {}
  Result<void> checkpoint(const Json& state) override {
    if (fenced) return Error("workflow.fenced", "another has it");
    kept_state = state;
    return {};
  }
  Result<Json> journaled(std::string_view name, const std::function<Json()>& draw) override {
    if (fenced) return Error("workflow.fenced", "another has it");
    values.emplace_back(name);
    return draw();
  }
  Result<void> recovering(const Json& entry) override {
    if (fenced) return Error("workflow.fenced", "another has it");
    const Json& result = entry.at("recovery_result");
    values.push_back(
        std::string(result.at("strategy").as_string()) + " " + std::string(result.at("capability").as_string("-")) +
        " " + std::string(entry.at("severity").as_string()) + " " + std::string(result.at("policy").as_string()));
    return {};
  }
  Result<EffectTicket> begin_effect(int index, const Json&) override {
    EffectTicket out;
    out.effect_key = std::to_string(index);
    if (const auto known = known_receipts.find(out.effect_key); known != known_receipts.end())
      out.receipt = known->second;
    begun.push_back(index);
    return out;
  }
  Result<void> end_effect(const EffectTicket& ticket, const Json& receipt) override {
    known_receipts[ticket.effect_key] = receipt;
    return {};
  }
  Result<BudgetTicket> ask(int call, const BudgetAmounts&) override {
    asked.push_back(call);
    return BudgetTicket{call, {}};
  }
  Result<void> use(const BudgetTicket&, const BudgetAmounts&, const Json&) override { return {}; }
  std::optional<Failed> refusal(const Json& output) override {
    if (!(output == refused)) return std::nullopt;
    return Failed{.error = Error("workflow.condition_false", "it won't do"), .retry_after_us = {}, .happened = true};
  }
  Result<std::vector<EffectTicket>> receipts() override {
    std::vector<EffectTicket> out;
    for (const auto& [key, receipt] : known_receipts) out.push_back({key, receipt});
    return out;
  }
  void attach(storage::WriteBody) override { ++attached; }
  Result<Json> keep(std::string_view) override { return Json(); }
  Result<std::string> kept(const Json&) override { return std::string(); }

  StopSource stop_;
  bool fenced = false;
  int attached = 0;
  std::optional<Json> kept_state;
  Json refused = Json("what the plan refuses");
  std::vector<int> begun, asked;
  std::map<std::string, Json> known_receipts;
  std::vector<std::string> values;
};

class Recovering : public testing::Test {
 protected:
  StepOutcome run(const std::string& policies, const std::string& capability = "a.pure") {
    auto table = RecoveryPolicies::parse("policies: [" + policies + "]", "r.yaml");
    EXPECT_TRUE(table) << describe(table.error());
    StepInvocation invocation;
    invocation.capability = capability;
    invocation.effect = others_.traits(capability)->effect;
    invocation.attempt = 2;
    invocation.attempts_max = 5;
    invocation.input = input_;
    invocation.checkpoint = checkpoint_;
    return RecoveringRunner(std::move(*table), others_, clock_).run(invocation, step_);
  }
  /// The attempt after one that failed.
  void go_on_from(const Failed& it) {
    ASSERT_TRUE(it.recovery && !it.recovery->checkpoint_json.empty());
    checkpoint_ = codec::parse_json(it.recovery->checkpoint_json).value();
  }
  void fails(const std::string& capability, FailureClass failure = FailureClass::Permanent,
             std::optional<Micros> retry_after = {}) {
    others_.failures.insert_or_assign(capability,
                                      Failed{failure, Error("x.broke", capability + " broke"), retry_after});
  }
  static Failed failed(const StepOutcome& outcome) {
    const auto* out = std::get_if<Failed>(&outcome);
    return out != nullptr ? *out : Failed{FailureClass::Permanent, Error("none", "it didn't fail"), {}};
  }
  static std::string output(const StepOutcome& outcome) {
    const auto* out = std::get_if<Completed>(&outcome);
    return out == nullptr ? "no output" : codec::write_json(out->output);
  }

  Others others_;
  Step step_;
  ManualClock clock_;
  Json input_;
  std::optional<Json> checkpoint_;
};

TEST_F(Recovering, WhatSucceedsIsLeftAlone) {
  EXPECT_EQ(output(run("{strategy: skip}")), R"({"by":"a.pure"})");
  EXPECT_EQ(step_.attached, 1);
  EXPECT_THAT(step_.values, testing::IsEmpty());
}

TEST_F(Recovering, RetriesAndAbortsAreWhatTheFailureSays) {
  fails("a.pure");
  auto again = failed(run("{error: 'x.*', strategy: retry, delay: 5s}"));
  EXPECT_EQ(again.failure, FailureClass::Retryable);
  EXPECT_EQ(again.recovery->delay_us, 5 * kMicrosPerSecond);
  EXPECT_FALSE(again.retry_after_us) << "the other side asked for nothing";
  EXPECT_EQ(again.error.code, "x.broke");
  fails("a.pure", FailureClass::Retryable, 9);
  EXPECT_EQ(failed(run("{strategy: abort}")).failure, FailureClass::Permanent);
  again = failed(run("{error: other, strategy: abort}"));
  EXPECT_EQ(again.failure, FailureClass::Retryable) << "no row fits";
  EXPECT_EQ(again.retry_after_us, 9);
  EXPECT_EQ(failed(run("{strategy: retry, attempts: 2}, {strategy: abort}")).failure, FailureClass::Permanent);
  EXPECT_THAT(step_.values, testing::IsEmpty()) << "the failure is journaled as it is";
}

TEST_F(Recovering, AFallbackRunsOnceAndOnlyItsEffectsCount) {
  fails("a.pure@3");
  const auto outcome = run("{capability: a.pure, strategy: fallback, to: b.other}", "a.pure@3");
  EXPECT_EQ(output(outcome), R"({"by":"b.other"})");
  EXPECT_THAT(others_.ran, ElementsAre("a.pure@3", "b.other"));
  EXPECT_EQ(step_.attached, 1);
  EXPECT_THAT(step_.values, ElementsAre("fallback b.other medium r.yaml:1"));
}

TEST_F(Recovering, WhatRunsInsteadOrAnewKnowsNothingOfWhatFailed) {
  others_.asks = true;
  checkpoint_ = Json("half way");
  fails("a.pure");
  EXPECT_EQ(output(run("{strategy: fallback, to: b.other}")), R"({"by":"b.other"})");
  EXPECT_THAT(others_.checkpoints, ElementsAre(Json("half way"), std::nullopt));
  EXPECT_EQ(step_.kept_state, Json("a.pure")) << "a later attempt begins with that";
  EXPECT_THAT(step_.asked, ElementsAre(1, 2'000'001));
  EXPECT_THAT(step_.values, ElementsAre("draw", "fallback b.other medium r.yaml:1", "2: draw"));

  const std::string changed = "{strategy: retry_changed, input: {deep: false}}";
  input_ = Json::object();
  go_on_from(failed(run(changed)));
  static_cast<void>(run(changed));
  EXPECT_EQ(step_.asked.back(), 3'000'001);
  EXPECT_EQ(step_.values.back(), "3: draw");
}

TEST_F(Recovering, AFallbackThatFailsIsToldBesideTheFirstFailure) {
  fails("a.pure");
  fails("b.other", FailureClass::Retryable);
  const auto out = failed(run("{strategy: fallback, to: b.other}"));
  EXPECT_EQ(out.failure, FailureClass::Permanent);
  EXPECT_EQ(out.error.message, "a.pure broke (and b.other, tried instead: b.other broke)");
  EXPECT_THAT(others_.ran, ElementsAre("a.pure", "b.other"));
  EXPECT_EQ(step_.attached, 0);
}

TEST_F(Recovering, ASkippedStepSaysWhy) {
  fails("a.local");
  EXPECT_EQ(output(run("{strategy: skip}", "a.local")),
            R"({"partial":[{"code":"x.broke","message":"a.local broke","skipped":"a.local"}]})");
  EXPECT_EQ(step_.attached, 0);
  EXPECT_THAT(step_.values, ElementsAre("skip - medium r.yaml:1"));
}

TEST_F(Recovering, WhatMayHaveTakenEffectIsNeitherSkippedNorReplaced) {
  for (const char* capability : {"a.keyed", "a.guarded"})
    for (const char* policy : {"{strategy: skip}", "{strategy: fallback, to: b.other}"}) {
      fails(capability);
      EXPECT_EQ(failed(run(policy, capability)).error.message, std::string(capability) + " broke");
    }
  fails("a.pure");
  EXPECT_EQ(failed(run("{strategy: fallback, to: a.guarded}")).error.message, "a.pure broke");
  EXPECT_THAT(others_.ran, testing::Each(testing::AnyOf("a.keyed", "a.guarded", "a.pure")));
}

TEST_F(Recovering, WhatAPersonDecidesIsToldToTheEngine) {
  fails("a.guarded", FailureClass::Retryable, 9);
  const auto out = failed(run("{strategy: escalate}", "a.guarded"));
  EXPECT_EQ(out.failure, FailureClass::Permanent);
  ASSERT_TRUE(out.recovery);
  EXPECT_EQ(out.recovery->strategy, RecoveryStrategy::Escalate);
  EXPECT_EQ(out.recovery->policy, "r.yaml:1");
  EXPECT_FALSE(failed(run("{error: other, strategy: escalate}", "a.guarded")).recovery) << "the engine does that";
}

TEST_F(Recovering, EachChangedAttemptGetsLessAndItsResultSaysSo) {
  constexpr const char* kPolicy =
      "{strategy: retry_changed, smaller_input: [files, other], input: {deep: false}, delay: 2s}";
  input_ = codec::parse_json(R"({"files":[1,2,3],"deep":true,"other":"text"})").value();
  checkpoint_ = Json("old");
  fails("a.pure");
  const auto first = failed(run(kPolicy));
  EXPECT_EQ(first.failure, FailureClass::Retryable);
  EXPECT_EQ(first.recovery->delay_us, 2 * kMicrosPerSecond);
  EXPECT_EQ(first.recovery->strategy, RecoveryStrategy::RetryChanged);
  go_on_from(first);
  const auto second = failed(run(kPolicy));
  EXPECT_EQ(codec::write_json(others_.inputs.back()), R"({"files":[1,2],"deep":false,"other":"text"})");
  EXPECT_FALSE(others_.checkpoints.back()) << "it was about another input";
  go_on_from(second);
  others_.failures.clear();
  EXPECT_EQ(output(run(kPolicy)),
            R"({"by":"a.pure","partial":[{"code":"x.broke","message":"a.pure broke","left_out":{"files":2}}]})");
  EXPECT_EQ(codec::write_json(others_.inputs.back()), R"({"files":[1],"deep":false,"other":"text"})");
}

TEST_F(Recovering, WhatCannotBeMadeSmallerHasFailed) {
  input_ = codec::parse_json(R"({"files":[1]})").value();
  fails("a.pure", FailureClass::Retryable);
  const auto out = failed(run("{strategy: retry_changed, smaller_input: [files]}"));
  EXPECT_EQ(out.failure, FailureClass::Permanent);
  EXPECT_THAT(out.error.message, HasSubstr("can't be made smaller"));
  fails("a.keyed", FailureClass::Retryable);
  input_ = codec::parse_json(R"({"files":[1,2]})").value();
  EXPECT_FALSE(failed(run("{strategy: retry_changed, smaller_input: [files]}", "a.keyed")).recovery)
      << "the other side knows it by its key";
}

constexpr const char* kUndo = "{capability: a.guarded, strategy: compensate, inverse: a.undo}";

TEST_F(Recovering, WhatFailedIsUndoneOnceAndThenHasFailed) {
  others_.effects["a.undo"] = Effect::Guarded;
  others_.effects_begun = {{"a.guarded", true}, {"a.undo", true}};
  fails("a.guarded");
  checkpoint_ = Json("half way");
  const auto out = failed(run(kUndo, "a.guarded"));
  EXPECT_EQ(out.failure, FailureClass::Permanent);
  EXPECT_EQ(out.error.code, "x.broke");
  EXPECT_EQ(out.error.message, "a.guarded broke (undone by a.undo)");
  EXPECT_EQ(out.recovery->strategy, RecoveryStrategy::Compensate);
  EXPECT_THAT(others_.ran, ElementsAre("a.guarded", "a.undo"));
  EXPECT_EQ(others_.checkpoints.back(), Json("half way")) << "what undoes it may need to know";
  EXPECT_THAT(step_.values, ElementsAre("compensate a.undo high r.yaml:1"));
  EXPECT_THAT(step_.begun, ElementsAre(0, 1'000'000)) << "an effect of its own";

  // Its process died before the failure was stored: the step itself never runs again in that round.
  others_.ran.clear();
  checkpoint_ = step_.kept_state;
  const auto again = failed(run(kUndo, "a.guarded"));
  EXPECT_EQ(again.error.message, out.error.message);
  EXPECT_THAT(others_.ran, ElementsAre("a.undo"));
  EXPECT_EQ(step_.known_receipts.size(), 2U) << "nothing was done twice";

  // A person has it tried again: with effects of its own.
  go_on_from(again);
  others_.failures.clear();
  EXPECT_EQ(output(run(kUndo, "a.guarded")), R"({"by":"a.guarded"})");
  EXPECT_EQ(step_.begun.back(), 3'000'000);

  // So does another run of the body that it is in, which knows nothing of this one.
  checkpoint_.reset();
  step_.known_receipts.erase("3000000");
  EXPECT_EQ(output(run(kUndo, "a.guarded")), R"({"by":"a.guarded"})");
  EXPECT_THAT(step_.begun, testing::IsSupersetOf({0, 3'000'000}));
  EXPECT_EQ(step_.begun.back(), 3'000'000);

  // The engine gave that run up, and has it undone: that is an effect of the same round.
  RecoveryMark given_up = RecoveryMark::of(step_.kept_state);
  given_up.undoing = given_up.gathers = true;
  given_up.inverse = "a.undo";
  checkpoint_ = given_up.json();
  static_cast<void>(failed(run(kUndo, "a.guarded")));
  EXPECT_EQ(step_.begun.back(), 4'000'000);
  EXPECT_EQ(step_.known_receipts.at("3000000").at("$undone"), Json(true));
}

TEST_F(Recovering, WhatWasUndoneMayBePassedOver) {
  others_.effects["a.undo"] = Effect::LocalTransactional;
  fails("a.keyed");
  EXPECT_EQ(output(run("{strategy: compensate, inverse: a.undo, then: skip}", "a.keyed")),
            R"({"partial":[{"code":"x.broke","message":"a.keyed broke","undone_by":"a.undo"}]})");
  EXPECT_EQ(step_.attached, 1) << "the rows of what undid it";
}

TEST_F(Recovering, WhatCannotBeUndoneIsForAPerson) {
  others_.effects["a.undo"] = Effect::Idempotent;
  fails("a.keyed");
  fails("a.undo", FailureClass::Retryable);
  const std::string policy = "{strategy: compensate, inverse: a.undo}";
  auto out = failed(run(policy, "a.keyed"));
  EXPECT_EQ(out.failure, FailureClass::Retryable) << "there are attempts left to undo it";
  EXPECT_EQ(out.recovery->strategy, RecoveryStrategy::Compensate);
  checkpoint_ = step_.kept_state;
  fails("a.undo");
  out = failed(run(policy, "a.keyed"));
  EXPECT_EQ(out.failure, FailureClass::Permanent);
  EXPECT_EQ(out.recovery->strategy, RecoveryStrategy::Escalate);
  EXPECT_EQ(out.error.message, "a.keyed broke [x.broke] (and a.undo, which was to undo it: a.undo broke)");
  EXPECT_THAT(others_.ran, ElementsAre("a.keyed", "a.undo", "a.undo"));
}

TEST_F(Recovering, AnEffectOfWhichNobodyKnowsIsNeitherUndoneNorGivenUp) {
  others_.effects["a.undo"] = Effect::Guarded;
  others_.effects_begun = {{"a.guarded", false}};
  fails("a.guarded");
  for (const char* policy : {kUndo, "{strategy: retry}", "{strategy: escalate}"}) {
    EXPECT_FALSE(failed(run(policy, "a.guarded")).recovery);
    EXPECT_EQ(others_.ran.back(), "a.guarded");
  }
  EXPECT_FALSE(step_.kept_state);
}

TEST_F(Recovering, CallsOfWhatFailsAgainAndAgainAreHeldBack) {
  auto table = RecoveryPolicies::parse(
      "breakers: [{capability: b.*, target: input.host}, {capability: a.guarded, off: true}]", "r.yaml");
  ASSERT_TRUE(table);
  telemetry::MetricsRegistry metrics;
  RecoveringRunner runner(std::move(*table), others_, clock_, &metrics);
  const auto call = [&](const std::string& capability, const std::string& host) {
    StepInvocation invocation;
    invocation.capability = capability;
    invocation.effect = others_.traits(capability)->effect;
    invocation.input = Json::object({{"host", host}, {"target", host}});
    return runner.run(invocation, step_);
  };
  const auto held = [&](const StepOutcome& outcome) {
    const auto* it = std::get_if<HeldBack>(&outcome);
    return it == nullptr ? Micros{-1} : it->delay_us;
  };
  for (const char* capability : {"b.other", "a.keyed", "a.pure", "a.guarded"})
    fails(capability, FailureClass::Retryable);
  for (int i = 0; i < 5; ++i)
    for (const char* capability : {"b.other", "a.keyed", "a.pure", "a.guarded"})
      EXPECT_EQ(held(call(capability, "x")), -1) << capability << i;
  others_.ran.clear();
  EXPECT_EQ(held(call("b.other", "x")), 30 * kMicrosPerSecond) << "as its row says";
  EXPECT_EQ(held(call("a.keyed", "x")), 30 * kMicrosPerSecond) << "it has effects outside";
  EXPECT_THAT(others_.ran, testing::IsEmpty());
  EXPECT_EQ(held(call("a.pure", "x")), -1) << "nobody watches that";
  EXPECT_EQ(held(call("a.guarded", "x")), -1) << "nor that";
  EXPECT_EQ(held(call("b.other", "y")), -1) << "another target";
  const auto open = runner.open_circuits();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[1].capability, "b.other");
  EXPECT_EQ(open[1].target, "x");
  EXPECT_EQ(open[1].reason, "x.broke");
  const telemetry::Labels of_b = {{"capability", "b.other"}};
  EXPECT_EQ(metrics.snapshot().total("wrench_circuits_open", of_b), 1);
  EXPECT_EQ(metrics.snapshot().total("wrench_circuit_held_back_total", of_b), 1);

  clock_.advance(30 * kMicrosPerSecond);
  fails("b.other");
  EXPECT_EQ(held(call("b.other", "x")), -1) << "the probe";
  EXPECT_EQ(held(call("b.other", "x")), -1) << "a failure for good told nothing: another";
  others_.failures.clear();
  EXPECT_EQ(held(call("b.other", "x")), -1);
  EXPECT_EQ(runner.open_circuits().size(), 1U);
  EXPECT_EQ(metrics.snapshot().total("wrench_circuits_open", of_b), 0);
}

/// The clock of a machine, which somebody sets; the time since boot goes on.
class SetClock final : public Clock {
 public:
  Micros now_us() const override { return machine.now_us() + ahead_us; }
  Micros boot_us() const override { return machine.boot_us(); }
  Micros thread_cpu_us() const override { return machine.thread_cpu_us(); }
  ManualClock machine;
  Micros ahead_us = 0;
};

/// A budget that has nothing left says nothing about the other side, nor does what fails for good: neither opens a
/// circuit, and neither counts for one that other failures open.
TEST_F(Recovering, OnlyWhatMayPassCountsForACircuit) {
  constexpr std::size_t kFailures = BreakerSettings().failures_min;
  RecoveringRunner runner(RecoveryPolicies(), others_, clock_);
  StepInvocation invocation;
  invocation.capability = "a.keyed";
  invocation.effect = Effect::Idempotent;
  const auto is_held = [&] { return std::holds_alternative<HeldBack>(runner.run(invocation, step_)); };
  const auto failing = [&](const char* code, FailureClass failure) {
    others_.failures.insert_or_assign("a.keyed", Failed{failure, Error(code, "no"), {}});
  };
  for (const auto& [code, failure] : {std::pair{"workflow.budget_exceeded", FailureClass::Retryable},
                                      {"workflow.budget_exceeded", FailureClass::Permanent},
                                      {"t.wrong_input", FailureClass::Permanent}}) {
    failing(code, failure);
    for (std::size_t i = 0; i < 4 * kFailures; ++i) EXPECT_FALSE(is_held()) << code << i;
    EXPECT_THAT(runner.open_circuits(), testing::IsEmpty()) << code;
  }
  failing("t.unreachable", FailureClass::Retryable);
  for (std::size_t i = 0; i + 1 < kFailures; ++i) EXPECT_FALSE(is_held()) << i;
  failing("workflow.budget_exceeded", FailureClass::Retryable);
  for (std::size_t i = 0; i < kFailures; ++i) EXPECT_FALSE(is_held()) << "one too few of the other kind, " << i;
  failing("t.unreachable", FailureClass::Retryable);
  EXPECT_FALSE(is_held());
  EXPECT_TRUE(is_held()) << "that was the last one";
  ASSERT_EQ(runner.open_circuits().size(), 1U);
  EXPECT_EQ(runner.open_circuits().front().reason, "t.unreachable");
  // The call that is let through to see whether it works again runs out of budget: nobody knows more than before.
  clock_.advance(BreakerSettings().open_us);
  failing("workflow.budget_exceeded", FailureClass::Retryable);
  EXPECT_FALSE(is_held()) << "it is tried";
  others_.failures.clear();
  EXPECT_FALSE(is_held()) << "and tried again";
  EXPECT_FALSE(is_held());
  EXPECT_THAT(runner.open_circuits(), testing::IsEmpty());
}

TEST_F(Recovering, AClockThatIsSetBackKeepsNoCircuitOpen) {
  SetClock clock;
  RecoveringRunner runner(RecoveryPolicies(), others_, clock);
  fails("a.keyed", FailureClass::Retryable);
  StepInvocation invocation;
  invocation.capability = "a.keyed";
  invocation.effect = Effect::Idempotent;
  const auto is_held = [&] { return std::holds_alternative<HeldBack>(runner.run(invocation, step_)); };
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(is_held());
  EXPECT_TRUE(is_held());
  clock.ahead_us = -kMicrosPerDay;
  EXPECT_TRUE(is_held());
  clock.machine.advance(30 * kMicrosPerSecond);
  EXPECT_FALSE(is_held()) << "the probe";
}

TEST_F(Recovering, WhileACircuitIsOpenItsFallbackRuns) {
  auto table = RecoveryPolicies::parse(
      "policies: [{error: x.broke, capability: a.keyed, strategy: fallback, to: b.other}]", "r.yaml");
  ASSERT_TRUE(table);
  RecoveringRunner runner(std::move(*table), others_, clock_);
  fails("a.keyed", FailureClass::Retryable);
  StepInvocation invocation;
  invocation.capability = "a.keyed";
  invocation.effect = Effect::Idempotent;
  invocation.epoch = 1;
  for (int i = 0; i < 5; ++i) static_cast<void>(runner.run(invocation, step_));
  others_.ran.clear();
  EXPECT_EQ(output(runner.run(invocation, step_)), R"({"by":"b.other"})");
  EXPECT_THAT(others_.ran, ElementsAre("b.other"));
  fails("b.other");
  EXPECT_TRUE(std::holds_alternative<HeldBack>(runner.run(invocation, step_)));
  invocation.epoch = 2;  // It may have taken effect before.
  others_.ran.clear();
  EXPECT_TRUE(std::holds_alternative<HeldBack>(runner.run(invocation, step_)));
  EXPECT_THAT(others_.ran, testing::IsEmpty());
}

TEST_F(Recovering, NothingHappensThatIsNotJournaledOrAfterAStop) {
  fails("a.pure");
  step_.fenced = true;
  EXPECT_EQ(failed(run("{strategy: fallback, to: b.other}")).error.code, "workflow.fenced");
  step_.fenced = false;
  step_.stop_.request_stop();
  for (const char* policy : {"{strategy: skip}", "{strategy: retry}", "{strategy: compensate, inverse: b.other}"}) {
    const auto out = failed(run(policy));
    EXPECT_EQ(out.failure, FailureClass::Permanent) << policy;
    EXPECT_FALSE(out.recovery) << policy;
  }
  EXPECT_THAT(others_.ran, testing::Each("a.pure"));
}

}  // namespace
}  // namespace wrench::workflow
