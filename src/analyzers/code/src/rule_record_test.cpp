#include "rule_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/code/file_analyzer.hpp"

namespace wrench::code {
namespace {

constexpr std::string_view kRules = R"(rules:
  - id: everything
    languages: [python, javascript]
    severity: ERROR
    message: $X of $F
    options: {symbolic_propagation: true}
    paths: {exclude: [old]}
    metadata: {title: All, confidence: HIGH, more: {deep: [1, 2]}}
    fix-regex: {regex: 'a', replacement: 'b'}
    patterns:
      - pattern-either:
          - pattern: $F(<... $X ...>, k="=~/v+/")
          - patterns:
              - pattern-inside: "def $F(...): ..."
              - pattern-regex: (?P<X>secret)
      - pattern-not: $F(0, ...)
      - metavariable-regex: {metavariable: $F, regex: '^(call|f)'}
      - metavariable-pattern: {metavariable: $X, pattern-not: none}
      - metavariable-comparison: {metavariable: $X, comparison: 'str($X) != "5" or len([1]) == 2'}
      - focus-metavariable: $X
  - id: text
    languages: [regex]
    severity: INFO
    message: text
    pattern-regex: TODO(?!:)
  - id: words
    languages: [generic]
    severity: INFO
    message: $W
    options: {generic_ellipsis_max_span: 0}
    pattern: def $W(...)
  - id: flow
    languages: [python]
    severity: INFO
    message: $A
    mode: taint
    options: {taint_assume_safe_numbers: true}
    pattern-sources: [{pattern: call(...), label: A}]
    pattern-sinks: [{pattern: 'other($A, ...)', requires: A}]
  - id: refused
    languages: [cobol]
    severity: INFO
    message: m
    pattern: f()
  - id: broken
    languages: [python]
    severity: INFO
    message: m
    pattern: "f(("
)";

constexpr std::string_view kCode = R"(
call(a + b, k="vv")
call(0, k="vv")
call(5, k="vv")
other(a, k="vv")
other(call(1))
def f():
    secret = 1  # TODO
)";

struct Outcome {
  std::vector<std::string> findings;
  std::vector<std::string> said;

  bool operator==(const Outcome&) const = default;
};

Outcome outcome(const RuleSet& rules, const LoadReport& report) {
  Outcome out;
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  source::SourceText text;
  text.path = text.project_path = "a.py";
  text.language = source::Language::Python;
  text.text = kCode;
  text.lines = source::LineTable(text.text);
  for (const findings::Finding& finding : analyzer.analyze(text, {}, {}).findings)
    out.findings.push_back(finding.rule + ":" + std::to_string(finding.where.start.line) + ":" + finding.message + ":" +
                           codec::write_json(finding.metadata));
  for (const Error& error : report.errors)
    out.said.push_back(describe(error) + " " + error.place.file + ":" + std::to_string(error.place.line));
  for (const RefusedRule& rule : report.refused) out.said.push_back(rule.id + rule.reason);
  out.said.push_back(std::to_string(report.files) + " " + std::to_string(report.rules));
  return out;
}

const RuleSource kSource{"r.yaml", kRules};
constexpr auto kPassOver = RuleSet::PassOver::No;
const std::string kKey(64, 'a');

Outcome load_with(CompiledRules& compiled) {
  LoadReport report;
  const RuleSet rules = RuleSet::load({&kSource, 1}, report, kPassOver, compiled);
  return outcome(rules, report);
}

TEST(RuleRecord, GivesTheSameRulesAndTheSameReport) {
  LoadReport report;
  const RuleSet plain = RuleSet::load({&kSource, 1}, report, kPassOver);
  const Outcome expected = outcome(plain, report);
  ASSERT_EQ(expected.findings.size(), 7u);
  ASSERT_GE(expected.said.size(), 3u);

  CompiledRules compiled{.key = kKey};
  EXPECT_EQ(load_with(compiled), expected);
  EXPECT_TRUE(compiled.is_new);
  compiled.is_new = false;
  EXPECT_EQ(load_with(compiled), expected);
  EXPECT_FALSE(compiled.is_new);
  // What was read and not run yet is written again as it was.
  LoadReport again;
  const RuleSet read = RuleSet::load({&kSource, 1}, again, kPassOver, compiled);
  EXPECT_EQ(rules_to_record(read.state(), again, kKey), compiled.bytes);
}

TEST(RuleRecord, OfOtherSourcesIsReplaced) {
  CompiledRules compiled{.key = kKey};
  const Outcome expected = load_with(compiled);
  compiled.key = std::string(64, 'b');
  compiled.is_new = false;
  EXPECT_EQ(load_with(compiled), expected);
  EXPECT_TRUE(compiled.is_new);
}

TEST(RuleRecord, DamagedIsCompiledAgain) {
  CompiledRules compiled{.key = kKey};
  const Outcome expected = load_with(compiled);
  const std::string whole = compiled.bytes;
  for (std::size_t at = 0; at < whole.size(); at += 211) {
    compiled = {.key = kKey, .bytes = whole};
    compiled.bytes[at] = static_cast<char>(compiled.bytes[at] ^ 1);
    EXPECT_EQ(load_with(compiled), expected) << at;
    EXPECT_TRUE(compiled.is_new) << at;
    compiled = {.key = kKey, .bytes = whole.substr(0, at)};
    EXPECT_EQ(load_with(compiled), expected) << at;
    EXPECT_TRUE(compiled.is_new) << at;
  }
}

/// Bytes that were planted with a right checksum harm nothing either.
TEST(RuleRecord, PlantedFormulasAreCheckedBeforeUse) {
  LoadReport report;
  const RuleSet plain = RuleSet::load({&kSource, 1}, report, kPassOver);
  const CompiledRule& rule = *plain.state().rules.front();
  Formula formula = rule.formulas.front().second;
  const auto fits = [&](const Formula& candidate) {
    CompiledRule planted;
    planted.leaves = rule.leaves;
    planted.atoms_end = plain.state().atoms.end_id();
    planted.record = formulas_to_record(std::nullopt, {{source::Language::Python, candidate}}, {});
    return planted.formula(source::Language::Python) != nullptr;
  };
  EXPECT_TRUE(fits(formula));
  Formula* inner = &formula;
  while (inner->what != Formula::What::Pattern) inner = &inner->parts.front();
  Formula broken = formula;
  broken.leaf = 1'000'000;
  EXPECT_FALSE(fits(broken));
  inner->pattern->nodes.front().children.push_back(0);
  EXPECT_FALSE(fits(formula)) << "a circle";
  inner->pattern->nodes.front().children.back() = 1'000'000;
  EXPECT_FALSE(fits(formula)) << "beyond the nodes";
  inner->pattern->nodes.front().children.pop_back();
  inner->pattern->nodes.front().atom = 4'000'000'000;
  EXPECT_FALSE(fits(formula)) << "an unknown name";
  inner->pattern->nodes.front().atom = kNoAtom;
  inner->pattern.reset();
  EXPECT_FALSE(fits(formula)) << "no pattern";
}

}  // namespace
}  // namespace wrench::code
