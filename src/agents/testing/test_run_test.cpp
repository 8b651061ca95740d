#include "wrench/agents/test_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "../core/schemas.hpp"
#include "wrench/agents/test_report.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using testing::ElementsAre;
using testing::HasSubstr;

/// Does what the input tells it.
class Tester final : public Agent {
 public:
  explicit Tester(std::atomic<int>& calls) : calls_(calls) {
    spec_.name = "tester";
    spec_.charter = "Does as it is told.";
    Capability run;
    run.id = "tester.run";
    run.title = "Run";
    run.why = "for tests";
    run.input_schema = schema::object({{"what", schema::of("string")}, {"tree?", schema::tree()}});
    run.output_schema = schema::object({{"n", schema::of("integer")}, {"root?", schema::of("string")}});
    run.takes = {{"tree", "repo.tree"}};
    run.effect = Effect::Pure;
    spec_.capabilities = {std::move(run)};
  }
  const AgentSpec& spec() const override { return spec_; }
  Result<AgentOutput> execute(const Capability&, const Json& input, AgentContext& context) const override {
    const std::string_view what = input.at("what").as_string();
    const int call = ++calls_;
    const std::string root(input.at("tree").at("root").as_string());
    AgentOutput made;
    made.output.set("n", what == "count" ? call : 1);
    if (what == "fail") return Error("tester.failed", "no luck in " + root + "/a.py");
    if (what == "fail_once" && call == 1) return Error("tester.failed", "no luck");
    if (what == "throw") throw std::runtime_error("out of order");
    if (what == "write") std::ofstream(root + "/made") << "x";
    if (what == "show") made.output.set("root", root);
    if (what == "wait")
      while (!context.stop.stop_requested()) std::this_thread::yield();
    return made;
  }

 private:
  AgentSpec spec_;
  std::atomic<int>& calls_;
};

class TestRun : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(registry_.add(std::make_unique<Tester>(calls_))); }

  static std::string a_case(const std::string& name, const std::string& what,
                            const std::string& more = "expect: [{kind: schema}]") {
    return "- {name: " + name + ", capability: tester.run, input: {what: " + what + "}, " + more + "}\n";
  }
  std::vector<SuiteResult> run(const std::string& cases, const TestRunOptions& options = {}) {
    const auto suite = parse_test_suite("suite: tester\ncases:\n" + cases, "t.yaml", "", registry_);
    if (!suite) throw std::logic_error(describe(suite.error()));
    auto results = run_test_suites({&*suite, 1}, registry_, options, {});
    if (!results) throw std::logic_error(describe(results.error()));
    return std::move(*results);
  }
  CaseResult run_one(const std::string& text, const TestRunOptions& options = {}) {
    return run(text, options).at(0).cases.at(0);
  }

  std::atomic<int> calls_{0};
  Registry registry_;
};

TEST_F(TestRun, TotalsAddUpWhateverHappens) {
  const auto results = run(a_case("good", "ok") + a_case("bad", "fail") + a_case("crash", "throw") +
                           a_case("wrong", "ok", "expect: [{kind: json, pointer: /n, op: eq, value: 2}]") +
                           a_case("later", "ok", "llm: {live: fast}, expect: [{kind: schema}]"));
  const auto all = totals(results);
  EXPECT_EQ(all.total, 5U);
  EXPECT_EQ(all.passed, 1U);
  EXPECT_EQ(all.failed, 3U);
  EXPECT_EQ(all.skipped, 1U);
  const auto& cases = results.at(0).cases;
  EXPECT_EQ(cases[0].status, CaseStatus::Passed);
  EXPECT_EQ(cases[0].trace.as_array().at(0).at("state").as_string(), "completed");
  EXPECT_EQ(cases[1].error->code, "tester.failed");
  EXPECT_EQ(cases[1].error->message, "no luck in a.py") << "the case's folder isn't named";
  EXPECT_EQ(cases[2].status, CaseStatus::Failed);
  EXPECT_THAT(cases[2].error->message, HasSubstr("out of order"));
  EXPECT_FALSE(cases[3].error);
  EXPECT_THAT(cases[3].checks.at(0).detail, HasSubstr("/n eq 2 doesn't hold; there is 1"));
  EXPECT_THAT(cases[4].skipped_because, HasSubstr("needs a model (live: fast)"));
  EXPECT_EQ(cases[4].runs, 0);
}

TEST_F(TestRun, AnErrorCanBeWhatIsExpected) {
  EXPECT_EQ(run_one(a_case("a", "fail", "expect: [{kind: error, code: tester.failed}]")).status, CaseStatus::Passed);
  EXPECT_EQ(run_one(a_case("a", "fail", "expect: [{kind: error, code: tester.other}]")).status, CaseStatus::Failed);
  EXPECT_EQ(run_one(a_case("a", "ok", "expect: [{kind: error, code: tester.failed}]")).status, CaseStatus::Failed);
}

TEST_F(TestRun, OutputsThatDifferAreFlaky) {
  const auto same = run_one(a_case("a", "show", "repeat: 3, expect: [{kind: json, pointer: /root, op: eq, value: .}]"));
  EXPECT_EQ(same.status, CaseStatus::Passed) << "only the folder is another";
  EXPECT_EQ(calls_, 3);
  const auto flaky = run_one(a_case("a", "count", "repeat: 2, expect: [{kind: schema}]"));
  EXPECT_EQ(flaky.status, CaseStatus::Failed);
  EXPECT_EQ(flaky.checks.back().word, "repeat");
}

TEST_F(TestRun, APlaceThatWasWrittenToIsNoticed) {
  const auto wrote = run_one(a_case("a", "write", "expect: [{kind: no_effects}]"));
  EXPECT_EQ(wrote.status, CaseStatus::Failed);
  EXPECT_EQ(wrote.checks.at(0).detail, "the fixture changed: made is new");
}

TEST_F(TestRun, ACaseThatDoesNotEndIsEnded) {
  const auto late = run_one(a_case("a", "wait", "timeout: 50ms, expect: [{kind: schema}]"));
  EXPECT_EQ(late.status, CaseStatus::Failed);
  EXPECT_EQ(late.error->code, "agent.test_timeout");
}

TEST_F(TestRun, AFixtureThatCannotBeMadeFailsTheCase) {
  const auto result =
      run_one(a_case("a", "ok", "fixture: {dir: x}, expect: [{kind: error, code: agent.test_invalid}]"));
  EXPECT_EQ(result.status, CaseStatus::Failed) << "an error of the case's surroundings is never the expected one";
  EXPECT_EQ(result.error->code, "agent.test_invalid");
}

TEST_F(TestRun, RunsAreCountedAndAllMustPass) {
  TestRunOptions options;
  options.runs = 3;
  const auto once = run_one(a_case("a", "fail_once"), options);
  EXPECT_EQ(once.status, CaseStatus::Failed);
  EXPECT_EQ(once.runs, 3);
  EXPECT_EQ(once.passes, 2);
  EXPECT_EQ(once.error->code, "tester.failed") << "of the run that failed";
  const auto good = run_one(a_case("a", "ok"), options);
  EXPECT_EQ(good.status, CaseStatus::Passed);
  EXPECT_EQ(good.passes, 3);
}

TEST_F(TestRun, OnlyChosenCasesRunAndEachIsTold) {
  std::vector<std::string> told;
  TestRunOptions options;
  options.jobs = 3;
  options.chosen = [](const TestCase& test) { return test.name != "b"; };
  options.ended = [&](const TestSuite& suite, const CaseResult& result) {
    told.push_back(suite.agent + " " + result.name);
  };
  const auto results = run(a_case("a", "ok") + a_case("b", "fail") + a_case("c", "ok"), options);
  EXPECT_EQ(totals(results).total, 2U);
  EXPECT_THAT(told, testing::UnorderedElementsAre("tester a", "tester c"));
  EXPECT_EQ(results.at(0).cases.at(1).name, "c") << "in the suite's order";
}

TEST_F(TestRun, StopsWhenAsked) {
  const auto suite = parse_test_suite("suite: tester\ncases:\n" + a_case("a", "ok"), "t.yaml", "", registry_);
  StopSource stop;
  stop.request_stop();
  const auto results = run_test_suites({&*suite, 1}, registry_, {}, stop.token());
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, "runtime.stopped");
}

TEST(TestReport, IntervalsAreWilsons) {
  const auto some = pass_interval(8, 10);
  EXPECT_NEAR(some.low, 0.4902, 1e-4);
  EXPECT_NEAR(some.high, 0.9433, 1e-4);
  EXPECT_NEAR(pass_interval(0, 1).high, 0.7935, 1e-4);
  EXPECT_EQ(pass_interval(5, 5).high, 1);
  EXPECT_EQ(pass_interval(0, 5).low, 0);
  EXPECT_EQ(pass_interval(0, 0).high, 1);
}

SuiteResult a_suite(std::vector<std::pair<std::string, CaseStatus>> cases) {
  SuiteResult out{"tester", "t<&>.yaml", {}};
  for (auto& [name, status] : cases) {
    CaseResult& one = out.cases.emplace_back();
    one.name = std::move(name);
    one.status = status;
    one.place = {3, 5};
    one.runs = status != CaseStatus::Skipped;
    one.passes = status == CaseStatus::Passed;
    if (status == CaseStatus::Skipped) one.skipped_because = "no model";
    if (status == CaseStatus::Failed)
      one.checks = {{"schema", true, "", {}}, {"json", false, "is \"<5>\" & \x1b[1m", {7, 9}}};
  }
  return out;
}

TEST(TestReport, JunitHoldsEveryCaseAndNothingActs) {
  auto suite =
      a_suite({{"good", CaseStatus::Passed}, {"b<a>d\x1b", CaseStatus::Failed}, {"later", CaseStatus::Skipped}});
  suite.cases.push_back(suite.cases[1]);
  suite.cases.back().error.emplace("x.y", "broke & ended");
  suite.cases[0].elapsed_us = 1'007'000;
  EXPECT_EQ(junit_of({&suite, 1}), R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="wrench agent test" tests="4" failures="1" errors="1" skipped="1">
  <testsuite name="tester" tests="4" failures="1" errors="1" skipped="1" time="1.007">
    <testcase name="good" classname="tester" file="t&lt;&amp;&gt;.yaml" line="3" time="1.007"/>
    <testcase name="b&lt;a&gt;d\x1b" classname="tester" file="t&lt;&amp;&gt;.yaml" line="3" time="0.000">
      <failure type="json" message="t&lt;&amp;&gt;.yaml:7:9: json: is &quot;&lt;5&gt;&quot; &amp; \x1b[1m">t&lt;&amp;&gt;.yaml:7:9: json: is &quot;&lt;5&gt;&quot; &amp; \x1b[1m&#10;</failure>
    </testcase>
    <testcase name="later" classname="tester" file="t&lt;&amp;&gt;.yaml" line="3" time="0.000">
      <skipped message="no model"/>
    </testcase>
    <testcase name="b&lt;a&gt;d\x1b" classname="tester" file="t&lt;&amp;&gt;.yaml" line="3" time="0.000">
      <error type="x.y" message="broke &amp; ended"/>
    </testcase>
  </testsuite>
</testsuites>
)");
}

std::vector<std::string> worse(const SuiteResult& then, const SuiteResult& now, bool all_ran = true) {
  const auto compared = compare(to_json(std::span(&then, 1)), {&now, 1}, all_ran);
  if (!compared) return {compared.error().code};
  std::vector<std::string> out;
  for (const auto& one : *compared) out.push_back(one.name + ": " + one.why);
  return out;
}

TEST(TestReport, OnlyWhatIsWorseThanTheBaselineCounts) {
  const auto kPassed = CaseStatus::Passed, kFailed = CaseStatus::Failed, kSkipped = CaseStatus::Skipped;
  EXPECT_THAT(worse(a_suite({{"a", kPassed}, {"b", kFailed}, {"c", kSkipped}}),
                    a_suite({{"a", kPassed}, {"b", kFailed}, {"c", kSkipped}, {"new", kPassed}})),
              ElementsAre());
  EXPECT_THAT(worse(a_suite({{"a", kPassed}}), a_suite({{"a", kFailed}})),
              ElementsAre("a: passed 0 of 1 runs, 100 % then"));
  EXPECT_THAT(worse(a_suite({{"a", kPassed}}), a_suite({{"a", kSkipped}})),
              ElementsAre("a: was run, and is skipped now: no model"));
  EXPECT_THAT(worse(a_suite({}), a_suite({{"a", kFailed}})), ElementsAre("a: new, and fails"));
  EXPECT_THAT(worse(a_suite({{"a", kPassed}}), a_suite({})), ElementsAre("a: was run, and isn't there any more"));
  EXPECT_THAT(worse(a_suite({{"a", kPassed}}), a_suite({}), false), ElementsAre());
  const SuiteResult none = a_suite({});
  EXPECT_EQ(compare(Json::object({{"schema", "wrench.scan/1"}}), {&none, 1}, true).error().code, "agent.test_baseline");
  EXPECT_EQ(
      compare(*codec::parse_json(R"({"schema":"wrench.agent_test/1","suites":[{"results":[{}]}]})"), {&none, 1}, true)
          .error()
          .code,
      "agent.test_baseline");
}

TEST(TestReport, JsonHasTheTotalsOfEachAgent) {
  const auto suite = a_suite({{"a", CaseStatus::Passed}, {"b", CaseStatus::Failed}});
  const Json json = to_json(suite);
  EXPECT_EQ(json.at("agent_name").as_string(), "tester");
  EXPECT_EQ(json.at("total_tests").as_integer(), 2);
  EXPECT_EQ(json.at("passed").as_integer(), 1);
  EXPECT_EQ(json.at("failed").as_integer(), 1);
  EXPECT_EQ(json.at("results").as_array().at(1).at("checks").as_array().at(1).at("detail").as_string(),
            "is \"<5>\" & \x1b[1m");
  EXPECT_EQ(json.at("results").as_array().at(0).at("pass_rate").as_double(), 1);
}

}  // namespace
}  // namespace wrench::agents
