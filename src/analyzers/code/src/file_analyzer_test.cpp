#include "wrench/code/file_analyzer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::code {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RuleSet load(std::string_view yaml, LoadReport* report = nullptr) {
  const RuleSource source{"r.yaml", yaml};
  LoadReport own;
  return RuleSet::load({&source, 1}, report == nullptr ? own : *report);
}

source::SourceText python(std::string text) {
  source::SourceText out;
  out.path = "src/a.py";
  out.project_path = "src/a.py";
  out.language = source::Language::Python;
  out.text = std::move(text);
  out.lines = source::LineTable(out.text);
  return out;
}

std::vector<std::string> problems(std::string_view yaml) {
  LoadReport report;
  load(yaml, &report);
  std::vector<std::string> out;
  for (const Error& error : report.errors)
    out.push_back(error.place.file + ":" + std::to_string(error.place.line) + ":" + std::to_string(error.place.column) +
                  ": " + error.message);
  for (const RefusedRule& rule : report.refused)
    out.push_back(rule.file + ":" + std::to_string(rule.line) + ": " + rule.id + " refused: " + rule.reason);
  return out;
}

constexpr std::string_view kCallRule = R"(rules:
  - id: no.call
    languages: [python]
    severity: ERROR
    message: don't call $F with $X
    pattern: $F.call($X)
    fix: $F.safe($X)
    metadata: {title: Call, category: security, cwe: ["CWE-1: Something"], confidence: HIGH}
)";

TEST(FileAnalyzer, FillsAFinding) {
  const RuleSet rules = load(kCallRule);
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const FileResult result = analyzer.analyze(python("class A:\n  def f(self):\n    é = db.call(q)\n"), {}, {});
  ASSERT_EQ(result.findings.size(), 1u);
  const findings::Finding& finding = result.findings[0];
  EXPECT_EQ(finding.rule, "no.call");
  EXPECT_EQ(finding.rule_file, "r.yaml");
  EXPECT_EQ(finding.message, "don't call db with q");
  EXPECT_EQ(finding.severity, findings::Severity::High);
  EXPECT_EQ(finding.rule_severity, "ERROR");
  EXPECT_EQ(finding.confidence, findings::Confidence::High);
  EXPECT_THAT(finding.cwe, ElementsAre("CWE-1"));
  EXPECT_EQ(finding.where.start.line, 3u);
  EXPECT_EQ(finding.where.start.col, 9u);  // In code points.
  EXPECT_EQ(finding.where.end.col, 19u);
  EXPECT_EQ(finding.symbol, "A.f");
  EXPECT_EQ(finding.lines, "    é = db.call(q)");
  ASSERT_EQ(finding.metavars.size(), 2u);
  EXPECT_EQ(finding.metavars[1].name, "$X");
  EXPECT_EQ(finding.metavars[1].text, "q");
  ASSERT_TRUE(finding.fix.has_value());
  EXPECT_EQ(finding.fix->edits.at(0).text, "db.safe(q)");
  EXPECT_THAT(finding.fingerprint, HasSubstr("wf1-"));
}

TEST(FileAnalyzer, FingerprintsSurviveMovedLines) {
  const RuleSet rules = load(kCallRule);
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const auto before = analyzer.analyze(python("db.call(q)\n"), {}, {}).findings;
  const auto after = analyzer.analyze(python("# a comment\n\ndb.call( q )  # moved\n"), {}, {}).findings;
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(before[0].fingerprint, after[0].fingerprint);
}

TEST(FileAnalyzer, ObeysPathsOfRules) {
  std::string yaml(kCallRule);
  yaml += "    paths: {exclude: [src]}\n";
  const RuleSet rules = load(yaml);
  const SystemClock clock;
  EXPECT_TRUE(FileAnalyzer(rules, {}, clock).analyze(python("db.call(q)\n"), {}, {}).findings.empty());
}

TEST(FileAnalyzer, SaysWhenARuleSpentItsBudget) {
  const RuleSet rules = load(kCallRule);
  const SystemClock clock;
  CodeOptions options;
  options.match_states_max = 30;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "db.call(q)\n";
  const FileResult result = FileAnalyzer(rules, options, clock).analyze(python(text), {}, {});
  ASSERT_EQ(result.partial.size(), 1u);
  EXPECT_EQ(result.partial[0].code, "match_states_max");
  EXPECT_EQ(result.partial[0].subject, "no.call");
  EXPECT_FALSE(result.findings.empty());
  options = {};
  options.findings_per_rule_max = 99;
  const FileResult cut = FileAnalyzer(rules, options, clock).analyze(python(text), {}, {});
  EXPECT_EQ(cut.findings.size(), 99u);
  ASSERT_EQ(cut.partial.size(), 1u);
  EXPECT_EQ(cut.partial[0].code, "findings_max");
}

std::vector<std::string> partial_codes(const FileResult& result) {
  std::vector<std::string> codes;
  for (const auto& partial : result.partial) codes.push_back(partial.code);
  return codes;
}

TEST(FileAnalyzer, SaysWhenAPatternMatchesMoreOftenThanIsKept) {
  const SystemClock clock;
  const std::string rule = "rules:\n  - id: r\n    languages: [python]\n    severity: LOW\n    message: m\n";
  // Every argument is another way to match the same call.
  const RuleSet ways = load(rule + "    pattern: f(..., $X, ...)\n");
  const RuleSet but = load(rule + "    patterns:\n      - pattern: f(...)\n      - pattern-not: f(..., $X, ...)\n");
  const auto call = [](int arguments) {
    std::string text = "f(0";
    for (int i = 1; i < arguments; ++i) text += ", " + std::to_string(i);
    return text + ")\n";
  };
  EXPECT_TRUE(FileAnalyzer(ways, {}, clock).analyze(python(call(256)), {}, {}).partial.empty());
  const auto more = FileAnalyzer(ways, {}, clock).analyze(python(call(257)), {}, {});
  EXPECT_EQ(partial_codes(more), std::vector<std::string>{"matches_max"});
  EXPECT_EQ(more.partial[0].subject, "r");
  const std::string beside = call(257) + "f()\n";
  EXPECT_TRUE(FileAnalyzer(but, {}, clock).analyze(python(beside), {}, {}).findings.empty())
      << "what was left out may speak against it";

  const RuleSet places = load(rule + "    pattern: f()\n");
  CodeOptions roomy;
  roomy.findings_per_rule_max = 30'000;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "f()\n";
  EXPECT_TRUE(FileAnalyzer(places, roomy, clock).analyze(python(text), {}, {}).partial.empty());
  const auto cut = FileAnalyzer(places, roomy, clock).analyze(python(text + "f()\n"), {}, {});
  EXPECT_EQ(partial_codes(cut), std::vector<std::string>{"matches_max"});
  EXPECT_EQ(cut.findings.size(), 20'000U);
}

TEST(FileAnalyzer, ReportsNothingThatANegativeCouldStillDrop) {
  const RuleSet rules = load(
      "rules:\n  - id: r\n    languages: [python]\n    severity: LOW\n    message: m\n    patterns:\n"
      "      - pattern: f($X)\n      - pattern-not: f(1)\n");
  const SystemClock clock;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "f(1)\n";
  for (std::uint32_t states = 1; states < 2'000; states += 7) {
    CodeOptions options;
    options.match_states_max = states;
    EXPECT_TRUE(FileAnalyzer(rules, options, clock).analyze(python(text), {}, {}).findings.empty()) << states;
  }
}

// Time goes by with every look at it.
class PassingClock final : public Clock {
 public:
  PassingClock(Micros step_us, Micros cpu_step_us) : step_us_(step_us), cpu_step_us_(cpu_step_us) {}
  Micros now_us() const override { return boot_us(); }
  Micros boot_us() const override {
    cpu_us_ += cpu_step_us_;
    return boot_us_ += step_us_;
  }
  Micros thread_cpu_us() const override { return cpu_us_; }

 private:
  Micros step_us_, cpu_step_us_;
  mutable Micros boot_us_ = 0, cpu_us_ = 0;
};

// Enough for many looks at the clock, while it is parsed and while it is searched.
std::string many_calls() {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "db.call(q)\n";
  return text;
}

constexpr std::string_view kTwoRules = R"(rules:
  - {id: slow.one, languages: [python], severity: LOW, message: m, pattern: $F.call($X)}
  - {id: slow.two, languages: [python], severity: LOW, message: m, pattern: $F.call(q)}
)";

TEST(FileAnalyzer, AnOverloadedMachineChangesNothing) {
  const RuleSet rules = load(kTwoRules);
  const auto run = [&](Micros step_us) {
    const PassingClock clock(step_us, 1);
    CodeOptions options;
    options.findings_per_rule_max = 10'000;
    return FileAnalyzer(rules, options, clock).analyze(python(many_calls()), CpuBudget(clock, kMicrosPerSecond), {});
  };
  const FileResult idle = run(1), overloaded = run(kMicrosPerDay);
  EXPECT_EQ(idle.findings.size(), 10'000u);
  EXPECT_EQ(overloaded.findings.size(), 10'000u);
  for (const auto& partial : overloaded.partial) ADD_FAILURE() << partial.code << ": " << partial.detail;
}

TEST(FileAnalyzer, ASpentRuleLeavesTheOthersTheirTime) {
  const RuleSet rules = load(kTwoRules);
  const PassingClock clock(kMicrosPerMs, kMicrosPerMs);
  CodeOptions options;
  options.findings_per_rule_max = 10'000;
  options.rule_us_max = 3 * kMicrosPerMs;
  const FileResult result = FileAnalyzer(rules, options, clock).analyze(python(many_calls()), {}, {});
  ASSERT_EQ(result.partial.size(), 2u);
  for (const auto& partial : result.partial) EXPECT_EQ(partial.code, "rule_timeout");
  EXPECT_EQ(result.partial[0].subject, "slow.one");
  EXPECT_EQ(result.partial[1].subject, "slow.two");
  EXPECT_FALSE(result.findings.empty());
}

TEST(FileAnalyzer, StopsWhenTheFilesBudgetIsSpent) {
  const RuleSet rules = load(kTwoRules);
  const ManualClock still;
  const FileResult unread = FileAnalyzer(rules, {}, still).analyze(python(many_calls()), CpuBudget(still, 0), {});
  ASSERT_EQ(unread.partial.size(), 1u);
  EXPECT_EQ(unread.partial[0].code, "file_timeout");
  EXPECT_EQ(unread.partial[0].subject, "");

  // In the middle of a rule.
  CodeOptions options;
  options.findings_per_rule_max = 10'000;
  std::size_t cut = 0;
  for (Micros looks = 1; cut == 0; ++looks) {
    const PassingClock clock(kMicrosPerMs, kMicrosPerMs);
    const FileResult result =
        FileAnalyzer(rules, options, clock).analyze(python(many_calls()), CpuBudget(clock, looks * kMicrosPerMs), {});
    ASSERT_EQ(result.partial.size(), 1u);
    EXPECT_EQ(result.partial[0].code, "file_timeout");
    if (result.partial[0].subject == "slow.two") cut = result.findings.size();
  }
  EXPECT_GE(cut, 5'000u);
  EXPECT_LT(cut, 10'000u);
}

TEST(FileAnalyzer, ManyEllipsesStayWithinTheBudget) {
  std::string pattern = "    pattern: |\n";
  for (int i = 0; i < 12; ++i) pattern += "      a($X" + std::to_string(i) + ")\n      ...\n";
  const RuleSet rules =
      load("rules:\n  - id: r\n    languages: [python]\n    severity: LOW\n    message: m\n" + pattern + "      b()\n");
  std::string text;
  for (int i = 0; i < 400; ++i) text += "a(" + std::to_string(i) + ")\n";
  const SystemClock clock;
  const FileResult result = FileAnalyzer(rules, {}, clock).analyze(python(text), {}, {});
  EXPECT_TRUE(result.findings.empty());
  for (const auto& partial : result.partial) EXPECT_EQ(partial.code, "match_states_max");
}

TEST(RuleSet, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(problems("rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n"),
              ElementsAre("r.yaml:2:5: rule 'a': no pattern, patterns, pattern-either, pattern-regex or match"));
  EXPECT_THAT(problems("rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    pattern: |\n"
                       "      x = 1\n      y = = 2\n"),
              ElementsAre("r.yaml:8:5: rule 'a': pattern doesn't parse as Python: x = 1 y = = 2"));
  EXPECT_THAT(
      problems("rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    pattern: $X\n"),
      ElementsAre("r.yaml:6:14: rule 'a': the rule would match everything"));
  EXPECT_THAT(
      problems("rules:\n  - id: a\n    languages: [python]\n    severity: BAD\n    message: m\n    pattern: f()\n"),
      ElementsAre("r.yaml:4:15: rule 'a': severity 'BAD' isn't one of CRITICAL HIGH MEDIUM LOW INFO ERROR WARNING"));
  EXPECT_THAT(problems("rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    patterns:\n"
                       "      - pattern-bad: f()\n"),
              ElementsAre("r.yaml:7:22: rule 'a': unknown operator 'pattern-bad'"));
  EXPECT_THAT(
      problems(
          "rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    pattern-regex: '('\n"),
      ElementsAre(HasSubstr("r.yaml:6:20: rule 'a': ")));
  EXPECT_THAT(problems("a: 1\na: 2\n"), ElementsAre("r.yaml:2:1: duplicate key 'a'"));
  EXPECT_THAT(problems("x: 1\n"), ElementsAre("r.yaml:1:1: no list 'rules' in this file"));
}

TEST(RuleSet, RefusesWhatItDoesNotSupportWithAReason) {
  EXPECT_THAT(
      problems("rules:\n  - id: a\n    languages: [ocaml]\n    severity: LOW\n    message: m\n    pattern: f()\n"),
      ElementsAre("r.yaml:2: a refused: language 'ocaml' isn't supported yet"));
  EXPECT_THAT(
      problems("rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    mode: join\n"),
      ElementsAre("r.yaml:2: a refused: mode 'join' isn't supported yet"));
}

TEST(RuleSet, SaysWhatATaintRuleLacks) {
  const std::string head =
      "rules:\n  - id: a\n    languages: [python]\n    severity: LOW\n    message: m\n    mode: taint\n";
  EXPECT_THAT(problems(head), ElementsAre("r.yaml:2:5: rule 'a': a taint rule needs 'pattern-sources'"));
  EXPECT_THAT(problems(head + "    pattern-sources: [{pattern: f()}]\n"),
              ElementsAre("r.yaml:2:5: rule 'a': a taint rule needs 'pattern-sinks'"));
  EXPECT_THAT(
      problems(head + "    pattern-sources: [{pattern: f()}]\n    pattern-sinks: [{pattern: g(), requires: A and}]\n"),
      ElementsAre("r.yaml:8:46: rule 'a': 'requires' isn't a combination of labels at ''"));
  EXPECT_THAT(problems(head + "    pattern-sources: [{label: A}]\n    pattern-sinks: [{pattern: g()}]\n"),
              ElementsAre("r.yaml:7:23: rule 'a': no pattern here"));
  const std::string shared = "x-wrench: {taint: {input: [{pattern: f()}]}}\n" + head;
  EXPECT_THAT(problems(shared + "    pattern-sources: [{use: input}]\n    pattern-sinks: [{pattern: g()}]\n"),
              ElementsAre());
  EXPECT_THAT(problems(shared + "    pattern-sources: [{use: output}]\n    pattern-sinks: [{pattern: g()}]\n"),
              ElementsAre("r.yaml:8:23: rule 'a': this file's x-wrench.taint has no list 'output'"));
  EXPECT_THAT(
      problems(shared + "    pattern-sources: [{use: input, exact: true}]\n    pattern-sinks: [{pattern: g()}]\n"),
      ElementsAre("r.yaml:8:36: rule 'a': beside 'use' only 'label' may stand, not 'exact'"));
  EXPECT_THAT(problems("x-wrench: {taint: {input: [{use: input}]}}\n" + head +
                       "    pattern-sources: [{use: input}]\n    pattern-sinks: [{pattern: g()}]\n"),
              ElementsAre("r.yaml:1:34: rule 'a': unknown operator 'use'"));
}

TEST(RuleSet, OneBadRuleLeavesTheOthersStanding) {
  LoadReport report;
  const RuleSet rules = load(std::string(kCallRule) + "  - id: bad\n", &report);
  EXPECT_EQ(rules.size(), 1u);
  EXPECT_EQ(report.errors.size(), 1u);
}

TEST(RuleSet, IsKnownByItsBytes) {
  EXPECT_EQ(load(kCallRule).sha256(), load(kCallRule).sha256());
  EXPECT_NE(load(kCallRule).sha256(), load(std::string(kCallRule) + "\n").sha256());
}

TEST(FileAnalyzer, ReplacesByRegexInTheFindingsText) {
  const RuleSet rules = load(R"(rules:
  - id: r
    languages: [python]
    severity: LOW
    message: use a constant
    pattern: old(...)
    fix-regex: {regex: 'old\((\w+)', replacement: 'new(\1, \g<1>', count: 1}
)");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const FileResult result = analyzer.analyze(python("x = old(a, old(b))\n"), {}, {});
  ASSERT_EQ(result.findings.size(), 2u);
  ASSERT_TRUE(result.findings[0].fix.has_value());
  ASSERT_EQ(result.findings[0].fix->edits.size(), 1u);
  EXPECT_EQ(result.findings[0].fix->edits[0].text, "new(a, a, old(b))");
}

TEST(FileAnalyzer, PutsWholeTextsIntoAFix) {
  const RuleSet rules = load(R"(rules:
  - {id: r, languages: [python], severity: LOW, message: "m $X", pattern: old($X), fix: get_value($X)}
)");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const std::string names = "'" + std::string(5'000, 'n') + "'";
  const FileResult result = analyzer.analyze(python("a = 1\nold(" + names + ")\nold(a)\n"), {}, {});
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_LT(result.findings[0].message.size(), 1'000u) << "for people it is cut";
  EXPECT_EQ(result.findings[0].fix->edits.at(0).text, "get_value(" + names + ")");
  EXPECT_EQ(result.findings[1].fix->edits.at(0).text, "get_value(a)") << "value() is for messages";
  const FileResult huge = analyzer.analyze(python("old('" + std::string(kFixBytesMax, 'n') + "')\n"), {}, {});
  ASSERT_EQ(huge.findings.size(), 1u);
  EXPECT_EQ(huge.findings[0].fix->state, findings::FixState::Rejected);
  EXPECT_TRUE(huge.findings[0].fix->edits.empty());
}

TEST(FileAnalyzer, PutsTheFurtherLinesOfAFixBelowItsFirst) {
  const RuleSet rules = load(R"yaml(rules:
  - {id: r, languages: [python], severity: LOW, message: m, pattern: old($X), fix: "if ready():\n\n    new($X)"}
)yaml");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const auto fix = [&](std::string text) {
    const FileResult result = analyzer.analyze(python(std::move(text)), {}, {});
    return result.findings.at(0).fix->edits.at(0).text;
  };
  EXPECT_EQ(fix("def f():\n    old(1)\n"), "if ready():\n\n        new(1)");
  EXPECT_EQ(fix("def f():\n\told(1)\n"), "if ready():\n\n\t    new(1)");
  EXPECT_EQ(fix("def f():\n    old(a(\n      1))\n"), "if ready():\n\n        new(a(\n      1))")
      << "what is there stays";
  EXPECT_EQ(fix("'\xC3\xA4'; old(1)\n"), "if ready():\n\n         new(1)");
}

TEST(FileAnalyzer, KeepsTheBlanksOfASequenceInPlainText) {
  const RuleSet rules = load(R"yaml(rules:
  - {id: r, languages: [generic], severity: LOW, message: m, pattern: '={{$...X}}', fix: '="{{$...X}}"'}
)yaml");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const auto text = source::make_source_text("a.txt", "a.txt", "x={{ a.b('1')}} y\n");
  const FileResult result = analyzer.analyze(text, {}, {});
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].fix->edits.at(0).text, "=\"{{ a.b('1')}}\"");
}

TEST(FileAnalyzer, HasOnlyWordsWhereTheFixRegexDoesNotFit) {
  const RuleSet rules = load(R"(rules:
  - {id: r, languages: [python], severity: LOW, message: m, pattern: old(...), x-wrench: {fix: use new},
     fix-regex: {regex: 'old\(a\)', replacement: new(a)}}
)");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const FileResult result = analyzer.analyze(python("old(a)\nold(b)\n"), {}, {});
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].fix->edits.size(), 1u);
  EXPECT_EQ(result.findings[1].fix->description, "use new");
  EXPECT_TRUE(result.findings[1].fix->edits.empty());
}

TEST(FileAnalyzer, RemovesWithAnEmptyFixAndEndsBlocksWithoutALine) {
  const RuleSet rules = load(R"(rules:
  - {id: gone, languages: [python], severity: LOW, message: m, pattern: gone(), fix: ''}
  - id: block
    languages: [python]
    severity: LOW
    message: m
    pattern: block()
    fix: |
      one()
)");
  const SystemClock clock;
  FileAnalyzer analyzer(rules, {}, clock);
  const FileResult result = analyzer.analyze(python("gone()\nblock()\n"), {}, {});
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].fix->edits.at(0).text, "");
  EXPECT_EQ(result.findings[0].fix->description, "remove it");
  EXPECT_EQ(result.findings[1].fix->edits.at(0).text, "one()");
}

TEST(RuleReader, SaysWhichFixesAreSafe) {
  const auto safety = [](std::string_view more) {
    const RuleSet rules =
        load("rules:\n  - {id: r, languages: [python], severity: LOW, message: m, pattern: f(), fix: g()" +
             std::string(more) + "}\n");
    return rules.info(0).fix_safety;
  };
  EXPECT_EQ(safety(""), findings::FixSafety::Safe) << "a rule that knows nothing of safety is semgrep's";
  EXPECT_EQ(safety(", x-wrench: {title: t}"), findings::FixSafety::Suggest);
  EXPECT_EQ(safety(", x-wrench: {fix_safety: safe}"), findings::FixSafety::Safe);
  EXPECT_EQ(safety(", x-wrench: {fix_safety: suggest}"), findings::FixSafety::Suggest);
  const auto refused = [](std::string_view more) {
    return problems("rules:\n  - {id: r, languages: [python], severity: LOW, message: m, pattern: f()" +
                    std::string(more) + "}\n");
  };
  EXPECT_THAT(refused(", fix: g(), x-wrench: {fix_safety: yes}"), testing::Not(testing::IsEmpty()));
  EXPECT_THAT(refused(", fix: [g()]"), testing::Not(testing::IsEmpty()));
  EXPECT_THAT(refused(", fix: "), testing::Not(testing::IsEmpty())) << "nobody means to remove code by that";
}

TEST(RuleReader, LeavesOutRulesForOtherVersions) {
  const auto with = [](std::string_view bound) {
    return problems(
        "rules:\n  - id: r\n    languages: [python]\n    severity: LOW\n    message: m\n    pattern: f()\n    " +
        std::string(bound) + "\n");
  };
  EXPECT_THAT(with("min-version: 1.100.0"), testing::IsEmpty());
  EXPECT_THAT(with("max-version: 1.100.0"), testing::IsEmpty());
  EXPECT_THAT(with("min-version: 1.100.1"), ElementsAre(HasSubstr("written for semgrep 1.100.1 or later")));
  EXPECT_THAT(with("max-version: 1.99"), ElementsAre(HasSubstr("written for semgrep 1.99 or earlier")));
  EXPECT_THAT(with("min-version: soon"), ElementsAre(HasSubstr("isn't a version")));
}

TEST(RuleReader, SaysWhereTheNewSyntaxIsWrong) {
  const auto with = [](std::string_view match) {
    return problems("rules:\n  - id: r\n    languages: [python]\n    severity: LOW\n    message: m\n    match:\n" +
                    std::string(match));
  };
  EXPECT_THAT(with("      all: [f(...), {not: g()}]\n"), testing::IsEmpty());
  EXPECT_THAT(with("      every: [f(...)]\n"),
              ElementsAre(HasSubstr("r.yaml:7:7: rule 'r': unknown operator 'every'")));
  EXPECT_THAT(with("      all: f(...)\n"), ElementsAre(HasSubstr("are lists")));
  EXPECT_THAT(with("      pattern: f($X)\n      where: [{regex: x}]\n"), ElementsAre(HasSubstr("r.yaml:8:15")));
}

}  // namespace
}  // namespace wrench::code
