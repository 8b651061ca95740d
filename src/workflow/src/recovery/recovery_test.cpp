#include "wrench/workflow/recovery.hpp"

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
  EXPECT_EQ(recovery.fallback, "infosec.scan_secrets");
  EXPECT_EQ(recovery.severity, Severity::Medium);
  EXPECT_EQ(recovery.policy, "recovery.yaml:4");
  auto of_fallback = failure(ErrorClass::Permanent);
  of_fallback.is_fallback = true;
  EXPECT_EQ(table.decide(of_fallback).strategy, RecoveryStrategy::Retry) << "a fallback has none";
  EXPECT_EQ(table.decide(of_fallback).delay_us, 5 * kMicrosPerSecond);
  of_fallback.retry_after = 9 * kMicrosPerSecond;
  EXPECT_EQ(table.decide(of_fallback).delay_us, 9 * kMicrosPerSecond) << "what the other side asked for";
  EXPECT_EQ(
      codec::write_json(to_json(recovery, failure(ErrorClass::Permanent))),
      R"({"error":"scan.deadline","class":"permanent","severity":"medium","recovery_result":{"strategy":"fallback",)"
      R"("attempt":1,"policy":"recovery.yaml:4","capability":"infosec.scan_secrets"}})");
  EXPECT_THAT(table.fallbacks(), testing::ElementsAre(testing::Pair("infosec.scan_secrets", 4)));
}

TEST(Recovery, NoPolicyRepeatsWhatMayHaveHappenedOrWasEnded) {
  for (const char* strategy : {"retry", "skip", "abort", "fallback, to: a.b"}) {
    const auto table = policies(std::string("policies: [{strategy: ") + strategy + "}]");
    EXPECT_EQ(table.decide(failure(ErrorClass::Uncertain)).strategy, RecoveryStrategy::Escalate) << strategy;
    EXPECT_EQ(table.decide(failure(ErrorClass::Cancelled)).strategy, RecoveryStrategy::Abort) << strategy;
  }
  EXPECT_EQ(policies("policies: [{strategy: retry}]").decide(failure(ErrorClass::Permanent, 3)).strategy,
            RecoveryStrategy::Abort)
      << "the plan says how often";
  EXPECT_EQ(policies("policies: [{strategy: retry}]").decide(failure(ErrorClass::Budget)).strategy,
            RecoveryStrategy::Abort);
  EXPECT_EQ(policies("policies: [{strategy: skip}]").decide(failure(ErrorClass::Budget)).strategy,
            RecoveryStrategy::Skip);
}

TEST(Recovery, ProblemsOfTheFileAreNamedWithTheirPlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "1:1 this is a mapping"},
      {"policies: {}", "1:11 'policies' is a list"},
      {"polices: []", "1:1 there is no member 'polices'; did you mean 'policies'?"},
      {"policies: [{}]", "1:12 a policy needs a strategy"},
      {"policies:\n- {strategy: pray}", "2:14 a strategy is"},
      {"policies:\n- {strategy: compensate}", "2:14 compensate isn't there yet"},
      {"policies:\n- {strategy: escalate}", "2:14 escalate isn't there yet"},
      {"policies:\n- {strategy: retry, attempts: 1}", "2:31 'attempts' is a whole number from 2 to 100"},
      {"policies:\n- {strategy: skip, attempts: 2}", "2:30 'delay' and 'attempts' are for retry"},
      {"policies:\n- {strategy: skip, delay: 1s}", "2:27 'delay' and 'attempts' are for retry"},
      {"policies:\n- {strategy: retry, delay: soon}", "2:28 a delay is"},
      {"policies:\n- {strategy: retry, delay: 2d}", "2:28 a delay is"},
      {"policies:\n- {strategy: fallback}", "2:3 'to' is the capability"},
      {"policies:\n- {strategy: skip, to: a.b}", "2:24 'to' is the capability"},
      {"policies:\n- {strategy: fallback, to: 'a.*'}", "2:28 'to' names one capability"},
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
