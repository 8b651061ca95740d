#include "wrench/workflow/recovering_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

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
  std::vector<std::string> ran;
};

class Step final : public StepContext {
 public:
  StopToken stop() const override { return stop_.token(); }
  Deadline deadline() const override { return {}; }
  void tick(const Progress&) override {}
  Result<void> checkpoint(const Json&) override { return {}; }
  Result<Json> journaled(std::string_view name, const std::function<Json()>& draw) override {
    if (fenced) return Error("workflow.fenced", "another has it");
    values.emplace_back(name);
    return draw();
  }
  Result<EffectTicket> begin_effect(int, const Json&) override { return EffectTicket{}; }
  Result<void> end_effect(const EffectTicket&, const Json&) override { return {}; }
  Result<BudgetTicket> ask(int call, const BudgetAmounts&) override { return BudgetTicket{call, {}}; }
  Result<void> use(const BudgetTicket&, const BudgetAmounts&, const Json&) override { return {}; }
  void attach(storage::WriteBody) override { ++attached; }
  Result<Json> keep(std::string_view) override { return Json(); }
  Result<std::string> kept(const Json&) override { return std::string(); }

  StopSource stop_;
  bool fenced = false;
  int attached = 0;
  std::vector<std::string> values;
};

class Recovering : public testing::Test {
 protected:
  StepOutcome run(const std::string& policies, const std::string& capability = "a.pure") {
    auto table = RecoveryPolicies::parse("policies: [" + policies + "]", "r.yaml");
    EXPECT_TRUE(table) << describe(table.error());
    StepInvocation invocation;
    invocation.capability = capability;
    invocation.attempt = 2;
    return RecoveringRunner(std::move(*table), others_).run(invocation, step_);
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
  EXPECT_EQ(again.retry_after_us, 5 * kMicrosPerSecond);
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
  EXPECT_THAT(step_.values, ElementsAre("recovery 2: fallback b.other, medium, r.yaml:1"));
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
  EXPECT_THAT(step_.values, ElementsAre("recovery 2: skip, medium, r.yaml:1"));
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

TEST_F(Recovering, NothingHappensThatIsNotJournaledOrAfterAStop) {
  fails("a.pure");
  step_.fenced = true;
  EXPECT_EQ(failed(run("{strategy: fallback, to: b.other}")).error.code, "workflow.fenced");
  step_.fenced = false;
  step_.stop_.request_stop();
  EXPECT_EQ(failed(run("{strategy: skip}")).error.code, "x.broke");
  EXPECT_THAT(others_.ran, ElementsAre("a.pure", "a.pure"));
}

}  // namespace
}  // namespace wrench::workflow
