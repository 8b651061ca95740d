#include "wrench/workflow/recovery_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

using testing::HasSubstr;

RecoveryPolicies policies(const std::string& yaml) {
  auto out = RecoveryPolicies::parse(yaml, "recovery.yaml");
  EXPECT_TRUE(out) << describe(out.error());
  return std::move(*out);
}

StepFailure failure(ErrorClass error_class, int attempt = 1) {
  return {.code = "scan.deadline",
          .capability = "code_analysis.analyze",
          .error_class = error_class,
          .attempt = attempt,
          .attempts_max = 3};
}

TEST(Recovery, WithoutPoliciesTheClassDecides) {
  const RecoveryPolicies none;
  struct Row {
    ErrorClass error_class;
    int attempt;
    RecoveryStrategy strategy;
    Severity severity;
  };
  constexpr Row kRows[] = {
      {ErrorClass::Retryable, 1, RecoveryStrategy::Retry, Severity::Low},
      {ErrorClass::Retryable, 3, RecoveryStrategy::Abort, Severity::High},
      {ErrorClass::RateLimited, 2, RecoveryStrategy::Retry, Severity::Medium},
      {ErrorClass::RateLimited, 3, RecoveryStrategy::Abort, Severity::High},
      {ErrorClass::Permanent, 1, RecoveryStrategy::Abort, Severity::High},
      {ErrorClass::Uncertain, 1, RecoveryStrategy::Escalate, Severity::Critical},
      {ErrorClass::Cancelled, 1, RecoveryStrategy::Abort, Severity::High},
      {ErrorClass::Budget, 1, RecoveryStrategy::Abort, Severity::High},
  };
  for (const Row& row : kRows) {
    const auto recovery = none.decide(failure(row.error_class, row.attempt));
    EXPECT_EQ(recovery.strategy, row.strategy) << name(row.error_class) << row.attempt;
    EXPECT_EQ(recovery.severity, row.severity) << name(row.error_class) << row.attempt;
    EXPECT_EQ(recovery.policy, "built in");
  }
  auto broken = failure(ErrorClass::Retryable);
  broken.code = "storage.corrupt";
  EXPECT_EQ(none.decide(broken).severity, Severity::Critical);
}

TEST(Recovery, TheFirstRowThatFitsDecides) {
  const auto table = policies(R"(policies:
  - {error: "history.*", strategy: skip}
  - {error: "scan.*", capability: "infosec.*", strategy: abort}
  - {error: "scan.dead????", capability: "*.analyze", strategy: fallback, to: infosec.scan_secrets}
  - {error: "*", strategy: retry, delay: 5s}
)");
  const auto recovery = table.decide(failure(ErrorClass::Permanent));
  EXPECT_EQ(recovery.strategy, RecoveryStrategy::Fallback);
  EXPECT_EQ(recovery.capability, "infosec.scan_secrets");
  EXPECT_EQ(recovery.severity, Severity::Medium);
  EXPECT_EQ(recovery.policy, "recovery.yaml:4");
  auto other = failure(ErrorClass::Permanent);
  other.capability = "journey.look";
  EXPECT_EQ(table.decide(other).strategy, RecoveryStrategy::Retry);
  EXPECT_EQ(table.decide(other).delay_us, 5 * kMicrosPerSecond);
  other.retry_after = 9 * kMicrosPerSecond;
  EXPECT_EQ(table.decide(other).delay_us, 9 * kMicrosPerSecond) << "what the other side asked for";
  EXPECT_EQ(
      codec::write_json(to_json(recovery, failure(ErrorClass::Permanent))),
      R"({"error":"scan.deadline","class":"permanent","severity":"medium","recovery_result":{"strategy":"fallback",)"
      R"("attempt":1,"policy":"recovery.yaml:4","capability":"infosec.scan_secrets"}})");
  auto told = to_json(table.decide(other), other);
  const auto entry = recovery_entry(told);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->code, "scan.deadline");
  EXPECT_EQ(entry->error_class, ErrorClass::Permanent);
  EXPECT_EQ(entry->recovery.strategy, RecoveryStrategy::Retry);
  EXPECT_EQ(entry->recovery.delay_us, 9 * kMicrosPerSecond);
  EXPECT_EQ(entry->recovery.policy, "recovery.yaml:5");
  EXPECT_FALSE(entry->held_back);
  told.set("class", "none");
  EXPECT_FALSE(recovery_entry(told));
  ASSERT_EQ(table.named().size(), 1U);
  EXPECT_EQ(table.named()[0].capability, "infosec.scan_secrets");
  EXPECT_EQ(table.named()[0].line, 4);
}

TEST(Recovery, NoPolicyRepeatsWhatMayHaveHappenedOrWasEnded) {
  for (const char* strategy : {"retry", "skip", "abort", "fallback, to: a.b"}) {
    const auto table = policies(std::string("policies: [{strategy: ") + strategy + "}]");
    EXPECT_EQ(table.decide(failure(ErrorClass::Uncertain)).strategy, RecoveryStrategy::Escalate) << strategy;
    for (const auto ended : {ErrorClass::Cancelled, ErrorClass::Budget})
      EXPECT_EQ(table.decide(failure(ended)).policy, kBuiltIn) << strategy;
  }
  EXPECT_EQ(policies("policies: [{strategy: retry}]").decide(failure(ErrorClass::Permanent, 3)).strategy,
            RecoveryStrategy::Abort)
      << "the plan says how often";
}

TEST(Recovery, ProblemsOfTheFileAreNamedWithTheirPlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "1:1 this is a mapping"},
      {"policies: {}", "1:11 'policies' is a list"},
      {"polices: []", "1:1 there is no member 'polices'; did you mean 'policies'?"},
      {"policies: [{}]", "1:12 a policy needs a strategy"},
      {"policies:\n- {strategy: pray}", "2:14 a strategy is"},
      {"policies:\n- {strategy: compensate}", "2:3 'inverse' is the capability of a compensate"},
      {"policies:\n- {strategy: compensate, inverse: a.b, then: pray}", "2:46 'then' is fail or skip"},
      {"policies:\n- {strategy: compensate, inverse: nothing}", "2:35 this names one capability"},
      {"policies:\n- {strategy: skip, inverse: a.b}", "2:29 'inverse' is the capability that undoes"},
      {"policies:\n- {strategy: abort, then: skip}", "2:27 'then' is for compensate"},
      {"policies:\n- {strategy: escalate, to: a.b}", "2:28 'to' is the capability of a fallback"},
      {"policies:\n- {strategy: retry_changed}", "2:3 retry_changed needs 'input' or 'smaller_input'"},
      {"policies:\n- {strategy: retry_changed, model: small}", "2:36 'model' isn't implemented"},
      {"policies:\n- {strategy: retry_changed, input: {}}", "2:36 'input' is a mapping"},
      {"policies:\n- {strategy: retry_changed, smaller_input: files}", "2:44 'smaller_input' is a list"},
      {"policies:\n- {strategy: retry, smaller_input: [files]}", "2:36 'input' and 'smaller_input' are for"},
      {"policies:\n- {strategy: retry, attempts: 1}", "2:31 this is a whole number from 2 to 100"},
      {"policies:\n- {strategy: skip, attempts: 2}", "2:30 'delay' and 'attempts' are for retries"},
      {"policies:\n- {strategy: skip, delay: 1s}", "2:27 'delay' and 'attempts' are for retries"},
      {"breakers: {}", "1:11 'breakers' is a list"},
      {"breakers: [{target: '1 +'}]", "1:21 a target is an expression"},
      {"breakers: [{share: 0}]", "1:20 a share is"},
      {"breakers: [{share: 101%}]", "1:20 a share is"},
      {"breakers: [{failures: 0}]", "1:23 this is a whole number from 1 to 1000"},
      {"breakers: [{failures: 21}]", "1:12 more failures than calls"},
      {"breakers: [{open: 2h}]", "1:19 this is a duration up to 1h"},
      {"breakers: [{off: maybe}]", "1:18 'off' is true or false"},
      {"breakers: [{models: a}]", "1:13 there is no member 'models'"},
      {"policies:\n- {strategy: retry, delay: soon}", "2:28 a delay is"},
      {"policies:\n- {strategy: retry, delay: 2d}", "2:28 a delay is"},
      {"policies:\n- {strategy: fallback}", "2:3 'to' is the capability"},
      {"policies:\n- {strategy: skip, to: a.b}", "2:24 'to' is the capability"},
      {"policies:\n- {strategy: fallback, to: 'a.*'}", "2:28 this names one capability"},
      {"policies:\n- {strategy: skip, error: []}", "2:27 a glob is"},
      {"policies:\n- {strategy: skip, error: &x a.b}", "2:"},
      {"a: &a [*a]", "1:"},
      {"\xff", "1:1 "},
      {std::string(kRecoveryBytesMax + 1, '#'), "1:1 "},
  };
  for (const auto& [yaml, expected] : cases) {
    const auto read = RecoveryPolicies::parse(yaml, "recovery.yaml");
    ASSERT_FALSE(read) << yaml;
    EXPECT_EQ(read.error().code, "workflow.recovery_invalid");
    EXPECT_EQ(read.error().place.file, "recovery.yaml");
    EXPECT_THAT(std::to_string(read.error().place.line) + ":" + std::to_string(read.error().place.column) + " " +
                    read.error().message,
                HasSubstr(expected))
        << yaml.substr(0, 100);
  }
}

TEST(Recovery, RowsSayHowToUndoChangeAndWatch) {
  const auto table = policies(R"(policies:
  - {error: "scan.deadline", strategy: retry_changed, attempts: 2, delay: 1s, smaller_input: [files], input: {deep: false}}
  - {error: "pay.*", strategy: compensate, inverse: shop.refund}
  - {error: "ask.*", strategy: compensate, inverse: shop.refund, then: skip}
  - {strategy: escalate}
breakers:
  - {capability: "a.*", target: input.host, failures: 2, share: 20%, calls: 4, window: 10s, open: 1m, open_max: 1s}
  - {off: true, capability: "b.*"}
)");
  const auto changed = table.decide(failure(ErrorClass::Retryable));
  EXPECT_EQ(changed.strategy, RecoveryStrategy::RetryChanged);
  EXPECT_EQ(changed.severity, Severity::Medium);
  EXPECT_THAT(changed.change.halve, testing::ElementsAre("files"));
  EXPECT_EQ(changed.change.set.at("deep"), codec::Json(false));
  EXPECT_EQ(table.decide(failure(ErrorClass::Retryable, 2)).strategy, RecoveryStrategy::Escalate);
  auto of_payment = failure(ErrorClass::Permanent);
  of_payment.code = "pay.refused";
  of_payment.message = "no money";
  const auto undone = table.decide(of_payment);
  EXPECT_EQ(undone.strategy, RecoveryStrategy::Compensate);
  EXPECT_FALSE(undone.then_skips);
  EXPECT_THAT(codec::write_json(to_json(undone, of_payment)), HasSubstr(R"("error":"pay.refused: no money")"));
  ASSERT_EQ(table.named().size(), 2U);
  EXPECT_TRUE(table.named()[0].must_complete);
  EXPECT_FALSE(table.named()[1].must_complete);
  ASSERT_EQ(table.breakers().size(), 2U);
  const BreakerSettings& its = table.breakers()[0].settings;
  EXPECT_EQ(its.failures_min, 2U);
  EXPECT_EQ(its.calls, 4U);
  EXPECT_DOUBLE_EQ(its.failure_share, 0.2);
  EXPECT_EQ(its.window_us, 10 * kMicrosPerSecond);
  EXPECT_EQ(its.open_us, 60 * kMicrosPerSecond);
  EXPECT_EQ(its.open_us_max, 60 * kMicrosPerSecond) << "no less than the first";
  EXPECT_FALSE(table.breakers()[1].target);
}

TEST(Recovery, ALastAttemptIsNotTriedAgain) {
  const auto table = policies("policies: [{strategy: retry}, {strategy: skip}]");
  auto last = failure(ErrorClass::Retryable, 1);
  EXPECT_EQ(table.decide(last).strategy, RecoveryStrategy::Retry);
  last.last = true;
  EXPECT_EQ(table.decide(last).strategy, RecoveryStrategy::Skip);
  EXPECT_EQ(RecoveryPolicies().decide(last).strategy, RecoveryStrategy::Abort);
}

TEST(Recovery, APolicyMayGiveUpBeforeThePlanDoes) {
  const auto table = policies("policies: [{strategy: retry, attempts: 2}, {strategy: skip}]");
  EXPECT_EQ(table.decide(failure(ErrorClass::Permanent, 1)).strategy, RecoveryStrategy::Retry);
  EXPECT_EQ(table.decide(failure(ErrorClass::Permanent, 2)).strategy, RecoveryStrategy::Skip);
  auto unknown = failure(ErrorClass::Retryable, 50);
  unknown.attempts_max = 0;
  EXPECT_EQ(RecoveryPolicies().decide(unknown).strategy, RecoveryStrategy::Retry) << "the plan bounds it";
}

TEST(Recovery, HostileGlobsEnd) {
  const auto table = policies("policies: [{error: 'a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b', strategy: skip}]");
  auto long_code = failure(ErrorClass::Permanent);
  const std::string code(20'000, 'a');
  long_code.code = code;
  EXPECT_EQ(table.decide(long_code).strategy, RecoveryStrategy::Abort);
}

}  // namespace
}  // namespace wrench::workflow
