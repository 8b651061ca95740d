#include "expectation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

class Expectations : public testing::Test {
 protected:
  /// Why it doesn't hold; empty: it does.
  std::string failing(const std::string& yaml_members) {
    const std::string text =
        "suite: super\ncases: [{name: a, goal: {kind: review, run: true}, expect: [{" + yaml_members + "}]}]\n";
    static const Registry registry = all_agents();
    const auto suite = parse_test_suite(text, "s.yaml", "", registry);
    if (!suite) {
      ADD_FAILURE() << describe(suite.error());
      return "unreadable";
    }
    const CaseCheck result = check(suite->cases[0].expectations[0], facts_);
    EXPECT_EQ(result.passed, result.detail.empty());
    return result.detail;
  }
  void expect(bool holds, const std::string& members) { EXPECT_EQ(failing(members).empty(), holds) << members; }

  CaseFacts facts_;
};

TEST_F(Expectations, OfFindings) {
  auto finding = some_finding("python.x", "a.py", 3, findings::Severity::High);
  finding.cwe = {"CWE-78"};
  finding.symbol = "f";
  auto marked = some_finding("python.y", "b.py", 1);
  marked.suppressed = findings::Suppressed{"inline", "", ""};
  facts_.findings = {finding, finding, marked};
  facts_.output = Json::object();
  for (const char* good :
       {"rule: python.x", "path: a.py, line: 3", "severity: high", "category: security", "cwe: CWE-78", "symbol: f",
        "says: python", "rule: python.x, count: 2", "rule: python.z, count: 0", "rule: python.y, suppressed: inline"})
    expect(true, std::string("kind: finding, ") + good);
  for (const char* bad : {"rule: python.z", "rule: python.x, line: 4", "rule: python.x, count: 1", "severity: low",
                          "rule: python.y", "rule: python.x, suppressed: inline", "cwe: CWE-79", "says: nothing"})
    expect(false, std::string("kind: finding, ") + bad);
  expect(true, "kind: no_finding, rule: python.y");
  expect(false, "kind: no_finding, path: a.py");
  expect(false, "kind: no_finding");
  EXPECT_EQ(failing("kind: no_finding, severity: high"), "found python.x at a.py:3, python.x at a.py:3");
}

TEST_F(Expectations, OfTheOutputsJson) {
  facts_.output = *codec::parse_json(R"({"a":{"b":[1,2.5,"xyz"]},"e":[],"s":"text","t/~":true,"n":null})");
  for (const char* good :
       {"pointer: /a/b/0, op: eq, value: 1", "pointer: /a/b/1, op: gt, value: 2", "pointer: /a/b/0, op: le, value: 1.0",
        "pointer: /a/b, op: size, value: 3", "pointer: /a/b, op: contains, value: 2.5",
        "pointer: /a/b, op: lacks, value: 9", "pointer: /a, op: contains, value: b",
        "pointer: /s, op: contains, value: ex", "pointer: /s, op: ne, value: x", "pointer: /a/b/*, op: eq, value: xyz",
        "pointer: /a/b/*, op: lt, value: 2", "pointer: /t~1~0, op: eq, value: true", "pointer: /e/*, op: absent",
        "pointer: /x, op: absent", "pointer: /n, op: exists", "pointer: /n, op: eq, value: null",
        "pointer: '', op: contains, value: a", "pointer: /s, op: size, value: 4", "pointer: /*/b, op: exists"})
    expect(true, std::string("kind: json, ") + good);
  for (const char* bad :
       {"pointer: /a/b/0, op: eq, value: '1'", "pointer: /a/b/9, op: eq, value: 1", "pointer: /a/b/x, op: exists",
        "pointer: /x, op: ne, value: 1", "pointer: /a/b/*, op: ne, value: 1", "pointer: /s, op: gt, value: 1",
        "pointer: /s, op: absent", "pointer: /e/*, op: lacks, value: 1", "pointer: /n, op: size, value: 0",
        "pointer: /a/b/-1, op: exists", "pointer: /a/b/99999999999999999999, op: exists"})
    expect(false, std::string("kind: json, ") + bad);
  expect(true, "kind: schema, pointer: /a/b, schema: {type: array, minItems: 3}");
  expect(false, "kind: schema, pointer: /a/b, schema: {type: array, maxItems: 2}");
  expect(false, "kind: schema, pointer: /nowhere, schema: {}");
  expect(true, "kind: text, contains: [xyz, text], lacks: nothing");
  expect(true, "kind: text, pointer: /s, contains: text, lacks: xyz");
  expect(false, "kind: text, contains: [xyz, nothing]");
  expect(false, "kind: text, lacks: xyz");
  expect(false, "kind: text, pointer: /nowhere, lacks: xyz");
}

TEST_F(Expectations, OfTheCapabilitysSchema) {
  const Registry registry = all_agents();
  facts_.capability = registry.capability("infosec.scan_code");
  facts_.output = *codec::parse_json(R"({"vulnerabilities":[],"assessment":{},"recommendations":[],"report":"x"})");
  expect(true, "kind: schema");
  facts_.output.set("more", 1);
  expect(false, "kind: schema");
}

TEST_F(Expectations, OfPlansErrorsAndBudgets) {
  facts_.planned = {"a.b", "c.d"};
  facts_.degraded = {"Read the history (no git)"};
  facts_.elapsed_us = 1500;
  facts_.steps = 2;
  for (const char* good : {"plan, steps: [a.b, c.d]", "plan, has: c.d, lacks: e.f", "plan, gates: 0, degraded: no git",
                           "budget, steps_max: 2, wall_ms_max: 1, tokens_max: 0", "no_effects"})
    expect(true, std::string("kind: ") + good);
  for (const char* bad :
       {"plan, steps: [c.d, a.b]", "plan, has: [a.b, e.f]", "plan, lacks: a.b", "plan, gates: 1",
        "plan, degraded: no network", "budget, steps_max: 1", "budget, wall_ms_max: 0", "error, code: x.y"})
    expect(false, std::string("kind: ") + bad);
  facts_.error.emplace("x.y", "it broke here");
  expect(true, "kind: error, code: x.y, says: [broke, here]");
  expect(false, "kind: error, code: x.z");
  expect(false, "kind: error, code: x.y, says: elsewhere");
  facts_.tree_change = "a.py is gone";
  EXPECT_EQ(failing("kind: no_effects"), "the fixture changed: a.py is gone");
  facts_.tree_change = "";
  facts_.effects = 1;
  expect(false, "kind: no_effects");
}

TEST_F(Expectations, WithoutAnOutputNothingHoldsOfIt) {
  for (const char* word : {"schema", "no_finding", "json, pointer: /a, op: absent", "text, lacks: x"})
    EXPECT_EQ(failing(std::string("kind: ") + word), "there is no output") << word;
}

}  // namespace
}  // namespace wrench::agents
