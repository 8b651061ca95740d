#include "mock_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::app {
namespace {

using codec::Json;
using testing::HasSubstr;
using workflow::ReconcileAnswer;

/// A step of which only the effects count: what of them was asked for, and in which order.
class EffectStep final : public workflow::StepContext {
 public:
  StopToken stop() const override { return stop_.token(); }
  Deadline deadline() const override { return {}; }
  void tick(const workflow::Progress&) override {}
  void stream(std::string_view) override {}
  Result<void> checkpoint(const Json&) override { return {}; }
  Result<Json> journaled(std::string_view, const std::function<Json()>& draw) override { return draw(); }
  Result<workflow::EffectTicket> begin_effect(int index, const Json& intent) override {
    EXPECT_EQ(index, 0);
    if (uncertain_) return Error("workflow.effect_uncertain", "nobody knows");
    intent_ = intent;
    if (on_begin_) on_begin_();
    return workflow::EffectTicket{"key1", receipt_};
  }
  Result<void> end_effect(const workflow::EffectTicket& ticket, const Json&) override {
    EXPECT_EQ(ticket.effect_key, "key1");
    if (on_end_) on_end_();
    ++ended_;
    return {};
  }
  Result<workflow::BudgetTicket> ask(int call, const workflow::BudgetAmounts&) override {
    return workflow::BudgetTicket{call, {}};
  }
  Result<void> use(const workflow::BudgetTicket&, const workflow::BudgetAmounts&, const Json&) override { return {}; }
  Result<void> recovering(const Json&) override { return {}; }
  std::optional<workflow::Failed> refusal(const Json&) override { return std::nullopt; }
  Result<std::vector<workflow::EffectTicket>> receipts() override { return std::vector<workflow::EffectTicket>(); }
  void attach(storage::WriteBody) override {}
  Result<Json> keep(std::string_view) override { return Json(); }
  Result<std::string> kept(const Json&) override { return std::string(); }

  StopSource stop_;
  bool uncertain_ = false;
  std::optional<Json> receipt_, intent_;
  std::function<void()> on_begin_, on_end_;
  int ended_ = 0;
};

class Nobody final : public workflow::StepRunner {
 public:
  Result<workflow::CapabilityTraits> traits(std::string_view) const override { return Error("t.none", "nobody"); }
  workflow::StepOutcome run(const workflow::StepInvocation&, workflow::StepContext&) override {
    return workflow::Failed{workflow::FailureClass::Permanent, Error("t.none", "nobody"), {}};
  }
};

class MockRunnerTest : public testing::Test {
 protected:
  void open(std::string_view yaml) {
    auto script = MockScript::parse(yaml);
    ASSERT_TRUE(script.ok()) << describe(script.error());
    auto mock = MockRunner::open(std::move(*script), nobody_, dir_.path());
    ASSERT_TRUE(mock.ok()) << describe(mock.error());
    mock_ = std::move(*mock);
  }
  workflow::StepOutcome run(std::string_view capability) {
    workflow::StepInvocation in;
    in.capability = capability;
    in.task_id = "tsk_1";
    in.execution_id = "exe_1";
    in.step_no = 3;
    in.node = "pay";
    in.epoch = epoch_;
    in.effect = mock_->traits(capability)->effect;
    return mock_->run(in, step_);
  }
  std::vector<Json> lines() const {
    std::vector<Json> out;
    const auto text = runtime::read_file(dir_ / "log", 10'000).value();
    for (const auto line : split(text, '\n'))
      if (!line.empty()) out.push_back(codec::parse_json(line).value());
    return out;
  }
  runtime::TempDir dir_ = *runtime::TempDir::create();
  Nobody nobody_;
  EffectStep step_;
  std::unique_ptr<MockRunner> mock_;
  std::int64_t epoch_ = 1;
};

TEST_F(MockRunnerTest, AGuardedOperationTakesEffectBetweenIntentAndReceipt) {
  open("shop.pay: {outputs: {paid: true}, effect: guarded, effect_log: log}");
  step_.on_begin_ = [this] { EXPECT_EQ(lines().size(), 0U); };
  step_.on_end_ = [this] { EXPECT_EQ(lines().size(), 1U); };
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  ASSERT_TRUE(step_.intent_);
  EXPECT_EQ(step_.ended_, 1);
  const Json line = lines().at(0);
  EXPECT_EQ(line.at("key"), Json("key1"));
  EXPECT_EQ(line.at("effect"), Json("guarded"));
  EXPECT_EQ(line.at("task"), Json("tsk_1"));
  EXPECT_EQ(line.at("execution"), Json("exe_1"));
  EXPECT_EQ(line.at("step"), Json(3));
  EXPECT_EQ(line.at("node"), Json("pay"));
  EXPECT_EQ(line.at("epoch"), Json(1));
  EXPECT_EQ(line.at("pid"), Json(::getpid()));
}

TEST_F(MockRunnerTest, WhatTookEffectDoesNotAgain) {
  open("shop.pay: {outputs: {paid: true}, effect: guarded, effect_log: log}");
  step_.receipt_ = Json("receipt");
  const auto outcome = run("shop.pay");
  EXPECT_EQ(std::get<workflow::Completed>(outcome).output.at("paid"), Json(true));
  step_.uncertain_ = true;
  EXPECT_EQ(std::get<workflow::Failed>(run("shop.pay")).error.code, "workflow.effect_uncertain");
  EXPECT_EQ(lines().size(), 0U);
}

TEST_F(MockRunnerTest, WhatFailsTakesNoEffect) {
  open("shop.pay: {outputs: [{$fail: no}], effect: guarded, effect_log: log}");
  EXPECT_TRUE(std::holds_alternative<workflow::Failed>(run("shop.pay")));
  EXPECT_FALSE(step_.intent_);
  EXPECT_EQ(lines().size(), 0U);
}

TEST_F(MockRunnerTest, AStopBeforeTheIntentGivesBackAndLaterOneOnlyCutsShort) {
  open("shop.pay: {outputs: 1, effect: guarded, effect_log: log, delay: 1h}");
  step_.stop_.request_stop();
  EXPECT_TRUE(std::holds_alternative<workflow::Yielded>(run("shop.pay")));
  EXPECT_FALSE(step_.intent_);
  open("shop.pay: {outputs: 1, effect: guarded, effect_log: log, delay: 3ms}");
  step_.stop_ = {};
  step_.on_begin_ = [this] { step_.stop_.request_stop(); };
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(step_.ended_, 1);
}

TEST_F(MockRunnerTest, AnIdempotentOperationSendsTheSameKeyEachTime) {
  open("shop.send: {outputs: 1, effect: idempotent, effect_log: log}");
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.send")));
  epoch_ = 2;
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.send")));
  EXPECT_FALSE(step_.intent_) << "an intent would make it guarded";
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(lines()[0].at("key"), lines()[1].at("key"));
  EXPECT_NE(lines()[0].at("epoch"), lines()[1].at("epoch"));
}

TEST_F(MockRunnerTest, TheLogKnowsWhetherItTookEffect) {
  open("shop.pay: {outputs: {paid: true}, effect: guarded, effect_log: log, reconcile: log}");
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  const auto said = mock_->reconcile("shop.pay", "key1", *step_.intent_);
  EXPECT_EQ(said.answer, ReconcileAnswer::Done);
  EXPECT_EQ(said.receipt, Json::object({{"paid", true}})) << "the output that the step would have had";
}

TEST_F(MockRunnerTest, WhoeverWasAskedAfterComesTooLate) {
  open("shop.pay: {outputs: {paid: true}, effect: guarded, effect_log: log, reconcile: log}");
  // Half a line, as a process leaves it that is killed while it writes.
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "log", "{\"key\":\"key1\",\"eff"));
  step_.on_begin_ = [this] {
    EXPECT_EQ(mock_->reconcile("shop.pay", "key1", *step_.intent_).answer, ReconcileAnswer::NotDone);
  };
  EXPECT_EQ(std::get<workflow::Failed>(run("shop.pay")).error.code, "mock.effect_refused");
  EXPECT_EQ(step_.ended_, 0);
  step_.on_begin_ = {};
  epoch_ = 2;
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  EXPECT_EQ(mock_->reconcile("shop.pay", "key1", *step_.intent_).answer, ReconcileAnswer::Done);
}

TEST_F(MockRunnerTest, WithoutALogOrWithTooMuchToSayNobodyKnows) {
  open("shop.pay: {outputs: 1, effect: guarded, effect_log: log}");
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  EXPECT_EQ(mock_->reconcile("shop.pay", "key1", *step_.intent_).answer, ReconcileAnswer::Unknown);
  EXPECT_EQ(mock_->reconcile("shop.other", "key1", Json()).answer, ReconcileAnswer::Unknown);
  open("shop.pay: {outputs: {text: " + std::string(workflow::kInlineBytesMax, 'x') +
       "}, effect: guarded, effect_log: log, reconcile: log}");
  EXPECT_TRUE(std::holds_alternative<workflow::Completed>(run("shop.pay")));
  EXPECT_EQ(mock_->reconcile("shop.pay", "key1", *step_.intent_).answer, ReconcileAnswer::Unknown);
}

TEST_F(MockRunnerTest, SaysAtOnceThatALogCannotBeWritten) {
  auto script = MockScript::parse("shop.pay: {outputs: 1, effect: guarded, effect_log: no/log}");
  EXPECT_EQ(MockRunner::open(*script, nobody_, dir_.path()).error().code, "io.not_found");
  ASSERT_EQ(::symlink("/tmp", (dir_ / "no").c_str()), 0);
  EXPECT_FALSE(MockRunner::open(*script, nobody_, dir_.path()).ok()) << "nor through a link";
}

struct Bad {
  const char* yaml;
  int column;
  const char* says;
};
class MockScriptErrors : public testing::TestWithParam<Bad> {};
TEST_P(MockScriptErrors, NameTheirPlace) {
  const auto script = MockScript::parse(GetParam().yaml);
  ASSERT_FALSE(script.ok());
  EXPECT_EQ(script.error().code, "cli.mock_invalid");
  EXPECT_EQ(script.error().place.line, 1);
  EXPECT_EQ(script.error().place.column, GetParam().column);
  EXPECT_THAT(script.error().message, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    All, MockScriptErrors,
    testing::Values(Bad{"a.b: {outputs: 1, effect: terrible}", 27, "effect is pure"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: /tmp/log}", 48, "working directory"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: x/../../log}", 48, "working directory"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: x/}", 48, "is a file"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: ''}", 48, "is a file"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: [x]}", 48, "is a file"},
                    Bad{"a.b: {outputs: 1, effect_log: x}", 31, "idempotent or guarded"},
                    Bad{"a.b: {outputs: 1, effect: guarded, reconcile: log}", 47, "effect_log"},
                    Bad{"a.b: {outputs: 1, effect: idempotent, effect_log: x, reconcile: log}", 65, "guarded"},
                    Bad{"a.b: {outputs: 1, effect: guarded, effect_log: x, reconcile: maybe}", 62, "'log'"},
                    Bad{"a.b: {outputs: 1, effects: guarded}", 19, "'effect_log'"}));

}  // namespace
}  // namespace wrench::app
