#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::scan {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kRules =
    "rules:\n"
    "  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
    "     pattern-sources: [{pattern: source()}], pattern-sinks: [{pattern: run(...)}]}\n"
    "  - {id: eval, message: m, severity: ERROR, languages: [python], pattern: eval(...)}\n";

class NewSince : public testing::Test {
 protected:
  void SetUp() override {
    const auto program = runtime::find_program("git");
    ASSERT_TRUE(program.ok()) << describe(program.error());
    program_ = *program;
    fs::create_directories(tree());
    std::ofstream(dir_ / "r.yaml") << kRules;
    git({"init", "-q", "-b", "main"});
  }
  std::string tree() const { return dir_ / "tree"; }
  void write(const std::string& path, std::string_view text) const {
    fs::create_directories(fs::path(tree() + "/" + path).parent_path());
    std::ofstream(tree() + "/" + path, std::ios::binary) << text;
  }
  std::string git(std::vector<std::string> arguments) const {
    const runtime::SubprocessSpec spec{
        .program = program_,
        .arguments = std::move(arguments),
        .environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent",
                        "PATH=/usr/bin:/bin", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
                        "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org"},
        .working_directory = tree()};
    const auto output = runtime::capture_subprocess(spec).value();
    EXPECT_TRUE(output.result.succeeded()) << output.err;
    return std::string(trim(output.out));
  }
  std::string commit() const {
    git({"add", "-A"});
    git({"commit", "-q", "-m", "change"});
    return git({"rev-parse", "HEAD"});
  }
  ScanRequest request(const std::string& since = "HEAD") const {
    ScanRequest out;
    out.paths = {tree()};
    out.rule_paths = {dir_ / "r.yaml"};
    out.use_builtin_rules = false;
    out.analyses = {Analysis::Rules, Analysis::Taint, Analysis::Structure};
    out.new_since = since;
    return out;
  }
  Result<findings::Report> scan(const ScanRequest& request, FactCache* cache = nullptr) {
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache};
    context.progress = [&](const ScanProgress&) { ++told_; };
    return run(request, context, {});
  }
  // Path in the tree, line and rule of what is new.
  std::vector<std::string> news(const findings::Report& report) const {
    std::vector<std::string> out;
    for (const auto& finding : report.findings)
      if (finding.is_new)
        out.push_back(finding.where.path.substr(tree().size() + 1) + ":" + std::to_string(finding.where.start.line) +
                      " " + finding.rule);
    return out;
  }
  static std::string stable(findings::Report report) {
    report.run = {};
    report.summary.files_scanned += std::exchange(report.summary.files_cached, 0);
    return codec::write_json(findings::to_json(report), {.pretty = true});
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 4}};
  ManualClock clock_;
  std::string program_;
  int told_ = 0;
};

TEST_F(NewSince, AnUntouchedCallerIsNewWhenItsCalleeBecameDangerous) {
  write("web.py", "from lib import fetch\n\n\ndef page():\n    run(fetch())\n");
  write("lib.py", "def fetch():\n    return 'fixed'\n");
  write("old.py", "eval(a)\n");
  write("gone.py", "eval(b)\n");
  commit();
  EXPECT_THAT(news(scan(request()).value()), IsEmpty());

  write("lib.py", "def fetch():\n    return source()\n");
  fs::remove(tree() + "/gone.py");
  write("late.py", "x = 1\neval(c)\n");
  const auto report = scan(request()).value();
  EXPECT_THAT(news(report), ElementsAre("late.py:2 eval", "web.py:5 flow"));
  ASSERT_TRUE(report.summary.since.has_value());
  EXPECT_EQ(report.summary.since->revision, "HEAD");
  EXPECT_EQ(report.summary.since->commit, git({"rev-parse", "HEAD"}));
  EXPECT_EQ(report.summary.since->matched, 1U);
  EXPECT_EQ(report.summary.since->fixed, 1U);
  EXPECT_TRUE(report.run.complete);
}

TEST_F(NewSince, SaysWhichModulesUseOthersAnew) {
  write("a.py", "import b\n\nb.f()\n");
  write("b.py", "def f(): pass\n");
  write("c.py", "def g(): pass\n");
  const auto first = commit();
  write("a.py", "import c\n\nc.g()\n");
  commit();
  const auto report = scan(request(first)).value();
  ASSERT_EQ(report.edges_added.size(), 1U);
  EXPECT_EQ(report.edges_added[0].from + " " + report.edges_added[0].to, "a.py c.py");
  ASSERT_EQ(report.edges_removed.size(), 1U);
  EXPECT_EQ(report.edges_removed[0].from + " " + report.edges_removed[0].to, "a.py b.py");
  auto alone = request("");
  EXPECT_THAT(scan(alone).value().edges_added, IsEmpty());
}

TEST_F(NewSince, IsTheSameWithAColdAWarmAndNoCache) {
  for (int i = 0; i < 20; ++i) write("d/f" + std::to_string(i) + ".py", "eval(a)\n# " + std::to_string(i) + "\n");
  write("s.py", "eval(a)  # wrench-ignore: eval -- known\n");
  write("empty.py", "");
  const auto first = commit();
  for (int i = 0; i < 7; ++i) write("d/f" + std::to_string(i) + ".py", "x()\neval(b)\neval(a)\n");
  write("s.py", "eval(a)\n");
  const std::string expected = stable(scan(request(first)).value());
  EXPECT_THAT(expected, HasSubstr("\"matched\": 20"));
  for (const int jobs : {1, 4}) {
    auto asked = request(first);
    asked.jobs = jobs;
    EXPECT_EQ(stable(scan(asked).value()), expected);
  }
  for (int round = 0; round < 3; ++round) {
    const auto cache = FactCache::open(dir_ / "cache");
    EXPECT_EQ(stable(scan(request(first), cache.get()).value()), expected) << round;
  }
  // What one revision taught of blobs serves another one.
  write("d/f1.py", "eval(z)\n");
  const auto second = commit();
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_THAT(news(scan(request(second), cache.get()).value()), IsEmpty());
}

TEST_F(NewSince, RenamedAndMovedFindingsStayOld) {
  write("a.py", "def f():\n    eval(x)\n");
  const auto first = commit();
  fs::rename(tree() + "/a.py", tree() + "/b.py");
  write("b.py", "import os\n\n\ndef f():\n    os.getpid()\n    eval(x)\n");
  const auto report = scan(request(first)).value();
  EXPECT_THAT(news(report), IsEmpty());
  EXPECT_EQ(report.summary.since->fixed, 0U);
}

TEST_F(NewSince, TheSamePoliciesHoldForBothTrees) {
  write("node_modules/x/i.py", "eval(a)\n");
  write("left_out/a.py", "eval(a)\n");
  write("long.py", "eval(a)\n" + std::string(100, '#') + "\n");
  write("a.py", "eval(a)\n");
  fs::create_symlink("a.py", tree() + "/link.py");
  write(".wrench.yaml", "exclude: [left_out/]\nscan:\n  limits: {file_bytes_max: 60}\n");
  const auto first = commit();
  EXPECT_EQ(scan(request(first)).value().summary.since->matched, 1U);
  for (const char* path : {"node_modules", "left_out", "long.py", "link.py"}) fs::remove_all(tree() + "/" + path);
  const auto report = scan(request(first)).value();
  EXPECT_EQ(report.summary.since->fixed, 0U);
  EXPECT_EQ(report.summary.since->matched, 1U);
  EXPECT_TRUE(report.partial.empty());
}

TEST_F(NewSince, TakesThePathsThatWereNamed) {
  write("in/a.py", "eval(a)\n");
  write("in/deep/b.py", "eval(a)\n");
  write("out.py", "eval(a)\n");
  const auto first = commit();
  write("in/a.py", "eval(a)\neval(b)\n");
  write("later/c.py", "eval(c)\n");
  write("out.py", "eval(other)\n");
  auto asked = request(first);
  asked.paths = {tree() + "/in", tree() + "/later"};
  auto report = scan(asked).value();
  EXPECT_THAT(news(report), ElementsAre("in/a.py:2 eval", "later/c.py:1 eval"));
  EXPECT_EQ(report.summary.since->matched, 2U);
  EXPECT_EQ(report.summary.since->fixed, 0U);
  asked.paths = {tree() + "/in/a.py", tree() + "/later/c.py"};
  report = scan(asked).value();
  EXPECT_THAT(news(report), ElementsAre("in/a.py:2 eval", "later/c.py:1 eval"));
  EXPECT_EQ(report.summary.since->matched, 1U);
}

TEST_F(NewSince, ABaselineTakesAwayMore) {
  write("a.py", "eval(a)\n");
  const auto first = commit();
  write("a.py", "eval(a)\neval(b)\neval(c)\n");
  const auto known = [&] {
    auto all = scan(request("")).value().findings;
    std::erase_if(all, [](const auto& finding) { return finding.where.start.line != 2; });
    return all;
  }();
  ASSERT_EQ(known.size(), 1U);
  auto asked = request(first);
  asked.baseline = findings::Baseline::of(known);
  EXPECT_THAT(news(scan(asked).value()), ElementsAre("a.py:3 eval"));
}

TEST_F(NewSince, RefusesARevisionBeforeAnyWork) {
  write("a.py", "eval(a)\n");
  commit();
  git({"tag", "twice"});
  git({"branch", "twice"});
  for (const std::string name : {"nowhere", "--upload-pack=touch x", "--all", "HEAD:a.py", "-h"})
    EXPECT_EQ(scan(request(name)).error().code, "history.unknown_revision") << name;
  const auto twice = scan(request("twice")).error();
  EXPECT_EQ(twice.code, "history.ambiguous_revision");
  EXPECT_THAT(twice.message, HasSubstr("'twice'"));
  auto elsewhere = request("HEAD");
  elsewhere.paths = {tree(), dir_ / "r.yaml"};
  EXPECT_EQ(scan(elsewhere).error().code, "scan.outside_project");
  elsewhere.paths = {dir_ / "r.yaml"};
  EXPECT_EQ(scan(elsewhere).error().code, "history.not_a_repository");
  elsewhere.paths = {dir_ / "no", dir_ / "neither"};
  EXPECT_THAT(scan(elsewhere).error().message, testing::AllOf(HasSubstr("no:"), HasSubstr("neither:")));
  EXPECT_EQ(told_, 0);
}

TEST_F(NewSince, RunsNoFilterAndReadsWhatIsStored) {
  write(".gitattributes", "*.py filter=trap diff=trap\n");
  write("a.py", "eval(a)\n");
  const auto first = commit();
  const std::string marker = dir_ / "marker";
  for (const std::string key : {"filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "diff.trap.textconv",
                                "diff.trap.command", "diff.external", "core.fsmonitor"})
    git({"config", key, "touch " + marker});
  fs::remove(marker);  // git itself may have run one.
  write("a.py", "eval(a)\neval(b)\n");
  EXPECT_THAT(news(scan(request(first)).value()), ElementsAre("a.py:2 eval"));
  EXPECT_FALSE(fs::exists(marker));
}

TEST_F(NewSince, AMissingObjectMakesTheResultPartial) {
  write("a.py", "eval(a)\n");
  write("b.py", "eval(b)\n");
  const auto first = commit();
  const auto lose = [&](const std::string& path) {
    const auto id = git({"rev-parse", "HEAD:" + path});
    fs::remove(tree() + "/.git/objects/" + id.substr(0, 2) + "/" + id.substr(2));
  };
  lose("a.py");
  lose("b.py");
  write("a.py", "x()\neval(a)\n");  // The other one is on disk as it was.
  const auto report = scan(request(first)).value();
  ASSERT_EQ(report.partial.size(), 1U);
  EXPECT_EQ(report.partial[0].code, "git_object_missing");
  EXPECT_THAT(report.partial[0].path, HasSubstr("a.py"));
  EXPECT_THAT(report.partial[0].detail, HasSubstr("in " + first));
  EXPECT_FALSE(report.run.complete);
  EXPECT_EQ(report.summary.since->matched, 1U);
}

TEST_F(NewSince, SubmodulesAreNamedAndNotCompared) {
  write("a.py", "eval(a)\n");
  const auto first = commit();
  git({"update-index", "--add", "--cacheinfo", "160000," + first + ",sub"});
  git({"commit", "-q", "-m", "submodule"});
  write("sub/b.py", "eval(b)\n");
  const auto report = scan(request("HEAD")).value();
  EXPECT_THAT(news(report), IsEmpty());
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("1 file of submodules aren't compared: 1 finding")));
}

}  // namespace
}  // namespace wrench::scan
