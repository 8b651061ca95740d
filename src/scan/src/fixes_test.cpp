#include "wrench/scan/fixes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fix_tree_test.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::scan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr std::string_view kRules = R"yaml(rules:
  - {id: bad, message: m, severity: ERROR, languages: [python], pattern: bad($X), fix: good($X)}
  - {id: worse, message: m, severity: ERROR, languages: [python], pattern: worse($X), fix: known($X)}
  - {id: known, message: m, severity: WARNING, languages: [python], pattern: known(...)}
  - {id: told, message: m, severity: INFO, languages: [python], pattern: told($X), fix: noted($X)}
  - {id: noted, message: m, severity: INVENTORY, languages: [python], pattern: noted(...)}
  - {id: broken, message: m, severity: ERROR, languages: [python], pattern: broken($X), fix: 'good(($X'}
  - {id: again, message: m, severity: ERROR, languages: [python], pattern: again(...), fix: again(1)}
  - {id: maybe, message: m, severity: ERROR, languages: [python], pattern: maybe($X), fix: good($X),
     x-wrench: {fix_safety: suggest}}
  - {id: unchecked, message: m, severity: ERROR, languages: [python], pattern: 'call(..., verify=False, ...)',
     fix-regex: {regex: ', verify=False', replacement: ''}}
  - {id: called, message: m, severity: ERROR, languages: [python], pattern: call(...)}
  - {id: clean, message: m, severity: ERROR, languages: [python], pattern: clean(), fix: source()}
  - {id: gone, message: m, severity: ERROR, languages: [python], pattern: gone(), fix: ''}
  - {id: block, message: m, severity: ERROR, languages: [python], pattern: block($X), fix: "one($X)\ntwo($X)"}
  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,
     pattern-sources: [{pattern: source()}], pattern-sinks: [{pattern: run(...)}]}
)yaml";

class FixTest : public FixTree {
 protected:
  FixTest() { rules(kRules); }

  /// Rule and state of every fix with edits, with its reason.
  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const auto& finding : report_.findings) {
      if (!finding.fix || finding.fix->edits.empty()) continue;
      constexpr std::string_view kStates[] = {"suggested", "verified", "rejected"};
      out.push_back(finding.rule + " " + std::string(kStates[static_cast<std::size_t>(finding.fix->state)]) +
                    (finding.fix->reason.empty() ? "" : ": " + finding.fix->reason));
    }
    return out;
  }
};

TEST_F(FixTest, ReplacesWhatTheRuleSaysAndNothingElse) {
  write("a.py", "import os\nx  = bad( 1 ) # keep\nok = 1\ny = bad(x)\n");
  EXPECT_EQ(fix().verified, 2U);
  EXPECT_THAT(states(), ElementsAre("bad verified", "bad verified"));
  EXPECT_EQ(read("a.py"), "import os\nx  = bad( 1 ) # keep\nok = 1\ny = bad(x)\n") << "nothing is written yet";
  ASSERT_EQ(report_.changes.size(), 1U);
  EXPECT_EQ(
      report_.changes[0].diff,
      "--- a/a.py\n+++ b/a.py\n@@ -1,4 +1,4 @@\n import os\n-x  = bad( 1 ) # keep\n+x  = good(1) # keep\n ok = 1\n"
      "-y = bad(x)\n+y = good(x)\n");
  EXPECT_THAT(put().paths, ElementsAre(tree() + "/a.py"));
  EXPECT_EQ(read("a.py"), "import os\nx  = good(1) # keep\nok = 1\ny = good(x)\n");
  EXPECT_THAT(rules_found(), IsEmpty());
}

TEST_F(FixTest, TakesUpInTheNextRoundWhatOverlaps) {
  write("a.py", "bad(bad(bad(1)))\n");
  EXPECT_EQ(fix().verified, 3U);
  put();
  EXPECT_EQ(read("a.py"), "good(good(good(1)))\n");
}

TEST_F(FixTest, StopsAfterTenRounds) {
  std::string nested = "1";
  for (int i = 0; i < kFixRoundsMax + 1; ++i) nested = "bad(" + nested + ")";
  write("a.py", nested + "\n");
  const auto outcome = fix();
  EXPECT_EQ(outcome.verified, static_cast<std::size_t>(kFixRoundsMax));
  EXPECT_EQ(outcome.rejected, 1U);
  EXPECT_THAT(states(), testing::Contains(HasSubstr("wasn't reached in 10 rounds")));
}

TEST_F(FixTest, LeavesWhatSomebodyHasToLookAt) {
  write("a.py", "maybe(1)\n");
  EXPECT_THAT(fix().files, IsEmpty());
  EXPECT_THAT(states(), ElementsAre("maybe suggested"));
  FixOptions all;
  all.which = FixOptions::Which::All;
  EXPECT_EQ(fix(all).verified, 1U);
}

TEST_F(FixTest, RejectsWhatBreaksTheSyntax) {
  write("a.py", "broken(1)\nbad(2)\n");
  EXPECT_EQ(fix().verified, 1U);
  EXPECT_THAT(states(),
              UnorderedElementsAre("broken rejected: the file would have a syntax error that it doesn't have now",
                                   "bad verified"));
  put();
  EXPECT_EQ(read("a.py"), "broken(1)\ngood(2)\n");
}

TEST_F(FixTest, FixesAFileThatHasAnErrorAlready) {
  write("a.py", "bad(1)\nx = = 2\n");
  EXPECT_EQ(fix().verified, 1U);
}

TEST_F(FixTest, RejectsWhatLeavesTheFinding) {
  write("a.py", "again(7)\n");
  fix();
  EXPECT_THAT(states(), ElementsAre("again rejected: the finding is still there after it"));
}

TEST_F(FixTest, RejectsWhatBringsAFinding) {
  write("a.py", "bad(1)\nworse(1)\nbad(2)\n");
  EXPECT_EQ(fix().verified, 2U);
  EXPECT_THAT(states(), UnorderedElementsAre("bad verified", "bad verified",
                                             "worse rejected: it brings a finding: [known] at " + tree() + "/a.py:2"));
}

TEST_F(FixTest, AFindingBelowLowIsNoReason) {
  write("a.py", "told(1)\n");
  EXPECT_EQ(fix().verified, 1U);
}

TEST_F(FixTest, RejectsWhatMakesAnotherFileDangerous) {
  write("a.py", "def get():\n    return clean()\n");
  write("b.py", "import a\nrun(a.get())\n");
  write("c.py", "bad(1)\n");
  EXPECT_EQ(fix().verified, 1U);
  EXPECT_THAT(states(), UnorderedElementsAre("bad verified",
                                             "clean rejected: it brings a finding: [flow] at " + tree() + "/b.py:2"));
}

TEST_F(FixTest, KnowsTheOtherFindingsOfTheSameCode) {
  write("a.py", "call(1, verify=False)\ncall(1, verify=False)\n");
  EXPECT_EQ(fix().verified, 2U) << "the other rule's findings have other fingerprints now, at the same places";
  put();
  EXPECT_EQ(read("a.py"), "call(1)\ncall(1)\n");
}

TEST_F(FixTest, FixesTheFindingsThatAreNamed) {
  write("a.py", "bad(1)\nbad(1)\nbad(1)\n");
  FixOptions options;
  options.fingerprints = {scan().findings.at(1).fingerprint};
  EXPECT_EQ(fix(options).verified, 1U);
  put();
  EXPECT_EQ(read("a.py"), "bad(1)\ngood(1)\nbad(1)\n");
}

TEST_F(FixTest, LeavesWhatIsSuppressedOrOld) {
  write("a.py", "bad(1)  # nosemgrep: bad\nbad(2)\n");
  const auto baseline = findings::Baseline::read(codec::write_json(findings::to_json(scan())));
  write("a.py", "bad(1)  # nosemgrep: bad\nbad(2)\nbad(3)\n");
  baseline_ = &*baseline;
  EXPECT_EQ(fix().verified, 1U);
  put();
  EXPECT_EQ(read("a.py"), "bad(1)  # nosemgrep: bad\nbad(2)\ngood(3)\n");
}

TEST_F(FixTest, KeepsTheBytesAroundTheHunk) {
  const std::string cases[] = {
      "\xEF\xBB\xBF"
      "bad(1)\r\nx = 1\r\n",
      "x = '\xC3\xA4'; bad(1)", "a = 1\r\nblock(2)\r\nb = 1", "\tx\n\n\n  \nbad(1)", "x = 1\rbad(1)\r"};
  const std::string wanted[] = {
      "\xEF\xBB\xBF"
      "good(1)\r\nx = 1\r\n",
      "x = '\xC3\xA4'; good(1)", "a = 1\r\none(2)\r\ntwo(2)\r\nb = 1", "\tx\n\n\n  \ngood(1)", "x = 1\rgood(1)\r"};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    write("a.py", cases[i]);
    ASSERT_EQ(chmod((tree() + "/a.py").c_str(), 0754), 0);
    fix();
    const auto undo = put().undo;
    EXPECT_EQ(read("a.py"), wanted[i]) << i;
    struct stat info{};
    ASSERT_EQ(stat((tree() + "/a.py").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0754U);
    take_back(undo, i % 2 == 0 ? Tool::Git : Tool::Patch);
    EXPECT_EQ(read("a.py"), cases[i]) << i;
  }
}

TEST_F(FixTest, TakesBackFilesOfAllNames) {
  const std::string names[] = {"a b.py", "\xC3\xA4/\"q\\.py", "tab\there.py", "-x.py", "deep/er/a.py"};
  for (const auto& name : names) write(name, "first = 1\nbad(1)\n");
  for (const auto tool : {Tool::Git, Tool::Patch}) {
    EXPECT_EQ(fix().verified, std::size(names));
    const auto written = put();
    EXPECT_EQ(written.paths.size(), std::size(names));
    for (const auto& name : names) EXPECT_EQ(read(name), "first = 1\ngood(1)\n") << name;
    take_back(written.undo, tool);
    for (const auto& name : names) EXPECT_EQ(read(name), "first = 1\nbad(1)\n") << name;
  }
}

TEST_F(FixTest, HidesTheUndoFromGit) {
  write("a.py", "bad(1)\n");
  fix();
  const auto written = put();
  EXPECT_EQ(read(".wrench/.gitignore"), "*\n");
  EXPECT_TRUE(written.undo.starts_with(std::filesystem::canonical(tree()).string() + "/.wrench/undo/")) << written.undo;
  struct stat info{};
  ASSERT_EQ(stat(written.undo.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U) << "it may hold a secret of the file";
}

TEST_F(FixTest, RejectsFilesThatItCouldNotWriteAsTheyAre) {
  std::string utf16 = "\xFF\xFE";
  for (const char c : std::string_view("bad(1)\n")) utf16 += {c, '\0'};
  write("a.py", utf16);
  write("b.py", "bad(1) # \xFF\n");
  fix();
  EXPECT_THAT(states(), UnorderedElementsAre("bad rejected: the file is utf-16le: only UTF-8 is written",
                                             "bad rejected: the file isn't valid UTF-8"));
}

TEST_F(FixTest, RejectsAReportOfAnotherText) {
  write("a.py", "bad(1)\n");
  report_ = scan();
  write("a.py", "x\nbad(1)\n");
  EXPECT_EQ(fix_again().verified, 0U);
  EXPECT_THAT(states(), ElementsAre("bad rejected: the file has changed since it was analysed"));
}

TEST_F(FixTest, LeavesAFileThatChangedMeanwhile) {
  write("a.py", "bad(1)\n");
  write("b.py", "bad(1)\n");
  write("c.py", "bad(1)\n");
  fix();
  write("a.py", "bad(2)\n");
  std::filesystem::rename(tree() + "/b.py", dir_ / "elsewhere.py");
  std::filesystem::create_symlink(dir_ / "elsewhere.py", tree() + "/b.py");
  const auto written = put();
  EXPECT_THAT(written.paths, ElementsAre(tree() + "/c.py"));
  ASSERT_EQ(written.failed.size(), 2U);
  EXPECT_EQ(written.failed[0].code, "write_failed");
  EXPECT_THAT(written.failed[0].detail, HasSubstr("changed since it was analysed"));
  EXPECT_EQ(read("a.py"), "bad(2)\n");
  EXPECT_EQ(read("../elsewhere.py"), "bad(1)\n");
  EXPECT_TRUE(std::filesystem::is_symlink(tree() + "/b.py"));
  take_back(written.undo, Tool::Git);
  EXPECT_EQ(read("c.py"), "bad(1)\n") << "the patch names what was written only";
}

TEST_F(FixTest, WritesNothingThroughALinkInTheWay) {
  write("a.py", "bad(1)\n");
  fix();
  std::filesystem::create_directories(dir_ / "outside");
  std::filesystem::create_symlink(dir_ / "outside", tree() + "/.wrench");
  EXPECT_FALSE(write_fixes(outcome_, clock_, random_).ok());
  EXPECT_EQ(read("a.py"), "bad(1)\n");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "outside"));
  for (const auto& entry : std::filesystem::directory_iterator(tree()))
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("wrench-tmp")));
}

TEST_F(FixTest, ShowsNoSecretAndWritesThemAsTheyAre) {
  with_builtin_ = true;
  const std::string secret = "sk_live_" + secrets::expand_generators("{{alnum:24}}", 3).value();
  write("a.py", "key = '" + secret + "'; bad(1)\nbad('" + secret + "')\n");
  fix();
  EXPECT_THAT(states(),
              UnorderedElementsAre("bad verified",
                                   "bad rejected: a secret stands in the code that it replaces: change it by hand"));
  ASSERT_EQ(report_.changes.size(), 1U);
  EXPECT_TRUE(report_.changes[0].masked);
  EXPECT_THAT(codec::write_json(findings::to_json(report_)), Not(HasSubstr(secret)));
  EXPECT_THAT(report_.changes[0].diff, HasSubstr("+key = 'sk_l****"));
  take_back(put().undo, Tool::Git);
  EXPECT_EQ(read("a.py"), "key = '" + secret + "'; bad(1)\nbad('" + secret + "')\n");
}

TEST_F(FixTest, TakesAway) {
  write("a.py", "x = 1\nif x:\n    gone()\n    y = 2\n");
  EXPECT_EQ(fix().verified, 1U);
  put();
  EXPECT_EQ(read("a.py"), "x = 1\nif x:\n    \n    y = 2\n");
}

TEST_F(FixTest, IsTheSameWithTheCache) {
  write("a.py", "def get():\n    return clean()\nbad(bad(1))\nbroken(1)\n");
  write("b.py", "import a\nrun(a.get())\nworse(1)\nagain(2)\n");
  fix();
  const auto without = states();
  const auto text = report_.changes.at(0).diff;
  use_cache();
  clock_.set(SystemClock().now_us() + kMicrosPerSecond * 60);  // Files this old are known by their stamps.
  for (int run = 0; run < 2; ++run) {
    fix();
    EXPECT_EQ(states(), without);
    EXPECT_EQ(report_.changes.at(0).diff, text);
  }
  EXPECT_THAT(rules_found(), testing::Contains("bad")) << "what stood in for the file isn't what the file is known by";
}

TEST_F(FixTest, EndsWhenItIsStopped) {
  write("a.py", "bad(1)\n");
  report_ = scan();
  StopSource stop;
  stop.request_stop();
  ScanContext context{.pool = pool_, .clock = clock_};
  EXPECT_EQ(apply_fixes(request(), report_, {}, context, stop.token()).error().code, "scan.stopped");
}

}  // namespace
}  // namespace wrench::scan
