#include "wrench/agents/test_suite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"

namespace wrench::agents {
namespace {

using testing::HasSubstr;

const Registry& registry() {
  static const Registry all = all_agents();
  return all;
}

Result<TestSuite> parse(const std::string& yaml) { return parse_test_suite(yaml, "s.yaml", "", registry()); }

/// "line:column message" of the error.
std::string problem(const std::string& yaml) {
  const auto suite = parse(yaml);
  if (suite) return "no problem";
  EXPECT_EQ(suite.error().code, "agent.test_invalid");
  EXPECT_EQ(suite.error().place.file, "s.yaml");
  return std::to_string(suite.error().place.line) + ":" + std::to_string(suite.error().place.column) + " " +
         suite.error().message;
}

/// A suite with one case that has these members beside its name.
std::string with(const std::string& members) { return "suite: inspector\ncases:\n- name: a\n" + members; }
const std::string kExpect = "  expect: [{kind: schema}]\n";
const std::string kCapability = "  capability: inspector.inspect\n";
std::string with_fixture(const std::string& fixture) { return with(kCapability + kExpect + "  fixture: " + fixture); }
std::string with_expectation(const std::string& text) { return with(kCapability + "  expect: [" + text + "]\n"); }

TEST(TestSuite, HoldsWhatItReads) {
  const auto suite = parse(R"(suite: inspector
cases:
  - name: everything
    capability: inspector.inspect
    with: report.secrets
    before: [{id: code, capability: code_analysis.analyze, input: {tree: {$from: inputs.tree}}}]
    input: {code: {$from: steps.code.output.report}}
    llm: none
    repeat: 3
    timeout: 1m30s
    fixture:
      commits: [{author: Grace H <g@x.org>, date: 2024-05-01, message: Begin, files: {a.py: x}, remove: [b.py]}, {}]
      files: {big.txt: {text: ab, times: 3}, raw.bin: {hex: "00 fF", times: 2}, up: {link: ../../..}}
    expect: [{kind: finding, rule: r, line: 2}, {kind: json, pointer: /a, op: eq, value: {b: [1, x]}}]
  - {name: later, capability: inspector.judge, llm: {script: answers.yaml}, expect: [{kind: schema}]}
  - {name: tools, capability: inspector.judge, expect: [{kind: tools, only: ["fs.*"], max: 50}]}
)");
  ASSERT_TRUE(suite) << describe(suite.error());
  ASSERT_EQ(suite->cases.size(), 3U);
  const TestCase& one = suite->cases[0];
  EXPECT_EQ(one.place.line, 3U);
  EXPECT_EQ(one.repeat, 3);
  EXPECT_EQ(one.time_max, 90 * kMicrosPerSecond);
  EXPECT_EQ(one.before.at(0).id, "code");
  EXPECT_EQ(one.fixture.commits.at(0).author_name, "Grace H");
  EXPECT_EQ(one.fixture.commits.at(0).author_email, "g@x.org");
  EXPECT_EQ(format_rfc3339(one.fixture.commits.at(0).at), "2024-05-01T00:00:00.000Z");
  EXPECT_EQ(one.fixture.files.at(0).content, "ababab");
  EXPECT_EQ(one.fixture.files.at(1).content, std::string("\0\xff\0\xff", 4));
  EXPECT_EQ(one.fixture.files.at(2).kind, FixtureFile::Kind::Symlink);
  EXPECT_EQ(one.expectations.at(0).members.at("line").as_integer(), 2);
  EXPECT_EQ(codec::write_json(one.expectations.at(1).members.at("value")), R"({"b":[1,"x"]})");
  EXPECT_THAT(suite->cases[1].needs_missing, HasSubstr("needs a model (script: answers.yaml)"));
  EXPECT_THAT(suite->cases[2].needs_missing, HasSubstr("agents call no tools yet"));
}

TEST(TestSuite, ProblemsAreNamedWithTheirPlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "1:1 a suite is a mapping"},
      {"cases: []", "1:1 'suite' is missing"},
      {"suite: inspektor\ncases: []", "1:8 there is no agent 'inspektor'; did you mean 'inspector'?"},
      {"suite: inspector", "1:1 'cases' is missing"},
      {"suite: inspector\ncases: []", "2:8 a suite without cases"},
      {"suite: inspector\ncases: {}", "2:8 'cases' is a list"},
      {"suite: inspector\ncase: []", "2:1 a suite has no member 'case'; did you mean 'cases'?"},
      {"suite: inspector\nsuite: super", "2:1 "},
      {"suite: [\n", "2:1 "},
      {"suite: inspector\ncases: [5]", "2:9 a case is a mapping"},
      {with(kCapability), "3:3 'expect' is missing"},
      {with(kCapability + "  expect: []\n"), "5:11 without expectations"},
      {with(kExpect), "3:3 a case tests either"},
      {with(kExpect + kCapability + "  goal: review\n"), "3:3 a case tests either"},
      {with(kExpect + "  goal: review\n"), "5:9 goals are planned by super"},
      {with(kExpect + "  capability: inspector.inspekt\n"), "5:15 there is no capability 'inspector.inspekt'; did you"},
      {with(kExpect + "  capability: journey.track\n"), "5:15 journey.track isn't an operation of inspector"},
      {with(kExpect + "  capability: [x]\n"), "5:15 'capability' is a text"},
      {with(kExpect + kCapability + "  input: [1]\n"), "6:10 'input' is a mapping"},
      {with(kExpect + kCapability + "  with: [report.nothing]\n"), "6:9 nothing is known of 'report.nothing'"},
      {with(kExpect + kCapability + "  llm: gpt\n"), "6:8 'llm' is none, or"},
      {with(kExpect + kCapability + "  llm: {script: a, live: b}\n"), "6:8 'llm' is one of"},
      {with(kExpect + kCapability + "  repeat: 0\n"), "6:11 'repeat' is a whole number from 1 to 100"},
      {with(kExpect + kCapability + "  repeat: 1.5\n"), "6:11 'repeat' is a whole number"},
      {with(kExpect + kCapability + "  timeout: 11m\n"), "6:12 'timeout' is a duration up to"},
      {with(kExpect + kCapability + "  timeout: soon\n"), "6:12 'timeout' is a duration"},
      {with(kExpect + kCapability + "  before: [{id: x}]\n"), "6:12 a step needs an id and a capability"},
      {with(kExpect + kCapability + "  before: [{id: s1, capability: super.synthesise}]\n"), "6:17 an id is"},
      {with(kExpect + kCapability + "  before: [{id: case, capability: super.synthesise}]\n"), "6:17 an id is"},
      {with(kExpect + kCapability + "  expekt: 1\n"), "6:3 a case has no member 'expekt'; did you mean 'expect'?"},
      {with(kCapability + kExpect) + "- name: a\n" + kCapability + kExpect,
       "6:3 the case 'a' stands twice, first in line 3"},
      {"suite: inspector\ncases:\n- name: ' '\n" + kCapability + kExpect, "3:9 a name has 1 to 200 bytes"},
      {"suite: super\ncases:\n- name: a\n  goal: {run: true}\n" + kExpect, "4:9 a goal has a 'kind' or 'wants'"},
      {"suite: super\ncases:\n- name: a\n  goal: review\n" + kExpect, "5:12 'schema' is about a run"},
      {"suite: super\ncases:\n- name: a\n  goal: review\n  input: {}\n" + kExpect, "5:10 'input' is for a capability"},
  };
  for (const auto& [yaml, expected] : cases) EXPECT_THAT(problem(yaml), HasSubstr(expected)) << yaml;
}

TEST(TestSuite, ExpectationsAreChecked) {
  const std::pair<std::string, std::string> cases[] = {
      {"{kind: findings}", "5:19 nothing is known of the expectation 'findings'; did you mean 'finding'?"},
      {"{kind: 5}", "5:19 nothing is known of the expectation '5'"},
      {"schema", "5:12 an expectation is a mapping with a 'kind'"},
      {"{rule: x}", "5:12 an expectation is a mapping with a 'kind'"},
      {"{kind: finding}", "5:12 which finding?"},
      {"{kind: finding, rul: x}", "5:28 the expectation finding has no member 'rul'; did you mean 'rule'?"},
      {"{kind: finding, line: -1}", "5:34 'line' is a whole number"},
      {"{kind: finding, rule: [x]}", "5:34 'rule' is a text"},
      {"{kind: finding, severity: ERROR}", "severity is info, low"},
      {"{kind: finding, category: evil}", "there is no category 'evil'"},
      {"{kind: no_finding, count: 1}", "has no member 'count'"},
      {"{kind: json, pointer: /a}", "5:12 the expectation json needs 'op'"},
      {"{kind: json, pointer: a, op: exists}", "a pointer begins with '/'"},
      {"{kind: json, pointer: /a, op: is, value: 1}", "op is eq, ne"},
      {"{kind: json, pointer: /a, op: eq}", "eq needs a value"},
      {"{kind: json, pointer: /a, op: absent, value: 1}", "absent takes no value"},
      {"{kind: text, pointer: /a}", "which text?"},
      {"{kind: text, contains: {a: b}}", "'contains' is a list of texts"},
      {"{kind: budget}", "which?"},
      {"{kind: plan}", "what of the plan?"},
      {"{kind: error}", "needs 'code'"},
      {"{kind: schema, schema: {typ: text}}", "typ"},
      {"{kind: no_effects, why: x}", "has no member 'why'"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(problem(with_expectation(text)), HasSubstr(expected)) << text;
}

TEST(TestSuite, AFixtureStaysInItsFolder) {
  for (const std::string path : {"../a", "/etc/passwd", "a/../b", "a//b", "./a", ".git/hooks/pre-commit",
                                 "a/.GIT/config", "a/", "'..'", "\"a\\0b\""})
    EXPECT_THAT(problem(with_fixture("{files: {" + path + ": x}}\n")), HasSubstr("6:21 ")) << path;
  EXPECT_THAT(problem(with_fixture("{dir: ../x}\n")), HasSubstr("6:18 "));
  EXPECT_THAT(problem(with_fixture("{commits: [{remove: ../x}]}\n")), HasSubstr("leads straight"));
  EXPECT_THAT(problem(with_fixture("{files: {a: x, a/b: y}}\n")), HasSubstr("is a file and the folder of"));
}

TEST(TestSuite, AFixtureIsChecked) {
  const std::pair<std::string, std::string> cases[] = {
      {"{filse: {}}", "a fixture has no member 'filse'; did you mean 'files'?"},
      {"{files: [a]}", "'files' is a mapping"},
      {"{files: {a: [x]}}", "a file's content is a mapping"},
      {"{files: {a: {}}}", "one of 'text', 'hex' and 'link'"},
      {"{files: {a: {text: x, hex: 00}}}", "one of 'text', 'hex' and 'link'"},
      {"{files: {a: {hex: 0}}}", "even number of hex digits"},
      {"{files: {a: {hex: zz}}}", "even number of hex digits"},
      {"{files: {a: {link: ''}}}", "a link needs a target"},
      {"{files: {a: {link: b, times: 2}}}", "'times' is for 'text' and 'hex'"},
      {"{files: {a: {text: x, times: 16777217}}}", "'times' is a whole number"},
      {"{files: {a: {text: xx, times: 16777216}}}", "a fixture has at most 16"},
      {"{files: {a: {text: x, times: 16777216}, b: x}}", "a fixture has at most 16"},
      {"{commits: {}}", "'commits' is a list"},
      {"{commits: [{author: Ada}]}", "an author is 'Name <mail@example.org>'"},
      {"{commits: [{author: \"A\\n <x>\"}]}", "an author is"},
      {"{commits: [{date: yesterday}]}", "a date is"},
      {"{commits: [{date: 1960-01-01}]}", "after 1970"},
      {"{commits: [{message: ' '}]}", "a commit needs a message"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_THAT(problem(with_fixture(text + "\n")), HasSubstr(expected)) << text;
}

TEST(TestSuite, HasLimits) {
  EXPECT_THAT(problem(std::string(kSuiteBytesMax + 1, '#')), HasSubstr("1048576"));
  std::string many = "suite: inspector\ncases:\n";
  for (std::size_t i = 0; i <= kSuiteCasesMax; ++i) many += "- 5\n";
  EXPECT_THAT(problem(many), HasSubstr("at most 500"));
  std::string deep = with("  expect: ");
  for (int i = 0; i < 100; ++i) deep += "[";
  EXPECT_NE(problem(deep), "no problem");
  std::string files;
  for (std::size_t i = 0; i <= kFixtureFilesMax; ++i) files += "f" + std::to_string(i) + ": x, ";
  EXPECT_THAT(problem(with_fixture("{files: {" + files + "}}\n")), HasSubstr("at most 1000 files"));
  EXPECT_THAT(problem("a: &x [1, 2]\nb: *x\n"), HasSubstr("2:"));
  EXPECT_NE(problem("suite: \xff\xfe\n"), "no problem");
}

}  // namespace
}  // namespace wrench::agents
