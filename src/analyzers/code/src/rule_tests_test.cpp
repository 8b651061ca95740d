#include "wrench/code/rule_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

std::vector<RuleTestFile> read_rules_folder(const std::filesystem::path& root) {
  std::vector<RuleTestFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().lexically_relative(root.parent_path()).generic_string();
    if (path.starts_with("rules/secrets/")) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    files.push_back({path, text.str()});
  }
  return files;
}

std::string lines(const std::vector<std::uint32_t>& numbers) {
  std::string out;
  for (const std::uint32_t number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
  return out;
}

void expect_exact(const std::filesystem::path& folder) {
  const auto cases = group_rule_tests(read_rules_folder(folder));
  const RuleTestReport report = test_rules(cases, SystemClock());
  for (const Error& error : report.load.errors)
    ADD_FAILURE() << error.place.file << ":" << error.place.line << ": " << describe(error);
  for (const Error& error : report.load.warnings)
    ADD_FAILURE() << error.place.file << ":" << error.place.line << ": " << describe(error);
  for (const RefusedRule& rule : report.load.refused)
    ADD_FAILURE() << rule.file << ":" << rule.line << ": " << rule.id << ": " << rule.reason;
  for (const std::string& rule : report.untested) ADD_FAILURE() << rule << ": no target marks it";
  for (const RuleTestFailure& failure : report.failures)
    ADD_FAILURE() << failure.target << ": " << failure.rule << ": missed lines [" << lines(failure.missed)
                  << "], unexpected lines [" << lines(failure.unexpected) << "]";
  for (const FixTestFailure& failure : report.fix_failures)
    ADD_FAILURE() << failure.fixed << ":" << failure.line << ": expected\n"
                  << failure.expected << "\nmade\n"
                  << failure.made;
  EXPECT_EQ(report.rules, report.exact);
  EXPECT_GT(report.rules, 0u);
}

TEST(OwnRules, ReportExactlyTheMarkedLines) { expect_exact(std::filesystem::path(WRENCH_SOURCE_DIR) / "rules"); }

/// One pair of files for each point of the search semantics, named after its number in the specification.
TEST(SearchSemantics, HoldInEachPoint) {
  expect_exact(std::filesystem::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/search");
}

/// The same for what values carry from sources to sinks.
TEST(TaintSemantics, HoldInEachPoint) {
  expect_exact(std::filesystem::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/taint");
}

TEST(OwnRules, SayWhetherTheirFixesAreSafeAndShowThem) {
  const auto cases = group_rule_tests(read_rules_folder(std::filesystem::path(WRENCH_SOURCE_DIR) / "rules"));
  const RuleTestReport report = test_rules(cases, SystemClock());
  EXPECT_EQ(report.fixed_equal, report.fixed);
  std::vector<RuleSource> sources = builtin_rules();
  LoadReport load;
  const RuleSet set = RuleSet::load(sources, load);
  std::size_t fixes = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const RuleInfo& rule = set.info(i);
    if (!rule.has_fix) continue;
    ++fixes;
    EXPECT_TRUE(rule.says_fix_safety) << rule.id << ": x-wrench.fix_safety says safe or suggest";
    EXPECT_TRUE(report.fixed_by.contains(rule.id)) << rule.id << ": no .fixed file shows its fix";
  }
  EXPECT_GT(fixes, 40u);
}

RuleTestReport report_of(std::string_view rules, std::string_view target, std::string_view fixed) {
  std::vector<RuleTestFile> files = {
      {"x.yaml", std::string(rules)}, {"x.py", std::string(target)}, {"x.fixed.py", std::string(fixed)}};
  const auto cases = group_rule_tests(std::move(files));
  EXPECT_EQ(cases.size(), 1u);
  return test_rules(cases, SystemClock());
}

constexpr std::string_view kFixRule =
    "rules:\n  - {id: r, message: m, severity: ERROR, languages: [python], pattern: bad($X), fix: good($X)}\n";

TEST(FixedFiles, AreWhatAllFixesTogetherMake) {
  const auto report = report_of(kFixRule, "# ruleid: r\nbad(bad(1))\nx = 2\n", "# ruleid: r\ngood(good(1))\nx = 2\n");
  EXPECT_EQ(report.fixed, 1u);
  EXPECT_EQ(report.fixed_equal, 1u);
  EXPECT_EQ(report.exact, 1u) << "the file with the result isn't a target";
  EXPECT_TRUE(report.fixed_by.contains("r"));
}

TEST(FixedFiles, ThatDifferAreToldWithTheirFirstLine) {
  const auto report = report_of(kFixRule, "# ruleid: r\nbad(1)\n", "# ruleid: r\nfine(1)\n");
  EXPECT_EQ(report.fixed_equal, 0u);
  ASSERT_EQ(report.fix_failures.size(), 1u);
  const FixTestFailure& failure = report.fix_failures[0];
  EXPECT_EQ(failure.fixed, "x.fixed.py");
  EXPECT_EQ(failure.line, 2u);
  EXPECT_EQ(failure.expected, "fine(1)");
  EXPECT_EQ(failure.made, "good(1)");
}

TEST(FixedFiles, DifferByTheirEndToo) {
  const auto report = report_of(kFixRule, "# ruleid: r\nbad(1)\n", "# ruleid: r\ngood(1)");
  EXPECT_EQ(report.fixed_equal, 0u);
  EXPECT_EQ(report.fix_failures.size(), 1u);
}

TEST(FixedFiles, OfARuleThatFindsItsOwnFixAreFixedOnce) {
  const auto report =
      report_of("rules:\n  - {id: r, message: m, severity: ERROR, languages: [python], pattern: f(...), fix: f(f)}\n",
                "# ruleid: r\nf(1)\n", "# ruleid: r\nf(f)\n");
  EXPECT_EQ(report.fixed_equal, 1u);
}

TEST(OwnRules, SayWhatTheyAreAndWhatToDo) {
  std::vector<RuleSource> sources = builtin_rules();
  LoadReport report;
  const RuleSet set = RuleSet::load(sources, report);
  for (const Error& error : report.errors) ADD_FAILURE() << error.place.file << ": " << describe(error);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const RuleInfo& rule = set.info(i);
    ids.push_back(rule.id);
    EXPECT_FALSE(rule.title.empty()) << rule.id;
    EXPECT_GE(rule.message.size(), 60u) << rule.id << ": say why and what to do";
    EXPECT_FALSE(rule.fix_description.empty()) << rule.id;
    EXPECT_TRUE(rule.metadata.at("category").is_string()) << rule.id;
    if (rule.category == findings::Category::Security) {
      EXPECT_FALSE(rule.cwe.empty()) << rule.id;
    }
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end()) << "two rules share an id";
}

}  // namespace
}  // namespace wrench::code
