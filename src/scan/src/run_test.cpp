#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "file_worker.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/clones.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/project_config.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/scan/tree_sources.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::scan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ScanTest : public testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) {
    const std::string whole = tree() + "/" + path;
    // Not through runtime: hundreds of fsyncs take seconds.
    std::filesystem::create_directories(whole.substr(0, whole.rfind('/')));
    std::ofstream(whole, std::ios::binary) << text;
  }
  static std::string secret(std::uint64_t seed) {
    return "sk_live_" + secrets::expand_generators("{{alnum:24}}", seed).value();
  }
  std::string tree() const { return dir_ / "tree"; }
  ScanRequest request() const {
    ScanRequest out;
    out.paths = {tree()};
    return out;
  }
  Result<findings::Report> scan(const ScanRequest& request, FactCache* cache = nullptr, StopToken stop = {}) {
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache};
    return run(request, context, stop);
  }
  static std::vector<std::string> places(const findings::Report& report) {
    std::vector<std::string> out;
    for (const auto& finding : report.findings)
      out.push_back(finding.where.path.substr(finding.where.path.rfind('/') + 1) + ":" +
                    std::to_string(finding.where.start.line) + " " + finding.rule);
    return out;
  }
  // What must be equal for every number of jobs and with a warm cache.
  static std::string stable(findings::Report report) {
    report.run = {};
    report.summary.files_scanned += std::exchange(report.summary.files_cached, 0);
    return codec::write_json(findings::to_json(report), {.pretty = true});
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 4}};
  ManualClock clock_;
};

TEST_F(ScanTest, TaintRulesRunWithTheTaintAnalysis) {
  write("a.py", "run(source())\n");
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "r.yaml",
      "rules:\n  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
      "     pattern-sources: [{pattern: source()}], pattern-sinks: [{pattern: run(...)}]}\n"
      "  - {id: call, message: m, severity: ERROR, languages: [python], pattern: run(...)}\n"));
  auto asked = request();
  asked.rule_paths = {dir_ / "r.yaml"};
  asked.use_builtin_rules = false;
  const auto rules = [&](std::vector<Analysis> analyses) {
    asked.analyses = std::move(analyses);
    std::vector<std::string> out;
    const auto report = scan(asked).value();
    for (const auto& finding : report.findings) out.push_back(finding.rule);
    return out;
  };
  EXPECT_THAT(rules({Analysis::Rules, Analysis::Taint}), testing::UnorderedElementsAre("flow", "call"));
  EXPECT_THAT(rules({Analysis::Taint}), ElementsAre("flow"));
  EXPECT_THAT(rules({Analysis::Rules}), ElementsAre("call"));
}

TEST_F(ScanTest, MacrosOfHeadersMeanWhatTheySayInEveryFile) {
  const std::string use =
      "#include <memory.h>\nvoid f(void) {\n  char *p = TAKE(4);\n  if (!p) return;\n  p[4] = 'a';\n";
  write("src/a.c", use + "  free(p);\n}\n");
  write("src/b.c", "int b;\n");
  write("include/take.h", "#define TAKE(n) malloc(n)\n");
  auto asked = request();
  asked.analyses = {Analysis::Rules, Analysis::Taint};
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_THAT(places(scan(asked, cache.get()).value()), ElementsAre("a.c:5 c.buffer-overflow"));
  EXPECT_EQ(scan(asked, cache.get()).value().summary.files_cached, 3U);
  // Another meaning is one for the files that didn't change, too.
  write("include/take.h", "#define TAKE(n) malloc((n) + 1)\n");
  EXPECT_THAT(places(scan(asked, cache.get()).value()), ElementsAre());
  // What isn't a macro changes nothing for them.
  write("include/take.h", "#define TAKE(n) malloc((n) + 1)\nint take;\n");
  EXPECT_EQ(scan(asked, cache.get()).value().summary.files_cached, 2U);
  // Two meanings are none.
  write("include/more.h", "#define TAKE(n) malloc(n)\n");
  EXPECT_THAT(places(scan(asked, cache.get()).value()), ElementsAre());
  std::filesystem::remove(tree() + "/include/take.h");
  EXPECT_THAT(places(scan(asked, cache.get()).value()), ElementsAre("a.c:5 c.buffer-overflow"));
}

TEST_F(ScanTest, NamesFunctionsWithMoreWaysThanAreFollowed) {
  std::string ways;
  for (int i = 0; i < 1'000; ++i)
    ways += "  if (a) b = c; else c = b + " + std::to_string(i) + ";\n  while (b) { b--; a = c; }\n";
  write("a.c", "void many(int a, int b, int c) {\n" + ways + "}\nint few(int a) { return a; }\n");
  auto asked = request();
  asked.analyses = {Analysis::Taint};
  const auto cache = FactCache::open(dir_ / "cache");
  for (int i = 0; i < 2; ++i) {
    const auto report = scan(asked, cache.get()).value();
    EXPECT_THAT(report.notes, testing::Contains(testing::AllOf(HasSubstr("summary_budget: 1 function has more ways"),
                                                               HasSubstr("of it: many in "), HasSubstr("a.c"))));
    EXPECT_TRUE(report.partial.empty());
    write("b.c", "int b;\n");  // Not the whole tree of before.
  }
}

TEST_F(ScanTest, AFolderWithoutARuleFileIsAMistake) {
  write("a.py", "eval(x)\n");
  std::filesystem::create_directories(dir_ / "rules");
  auto asked = request();
  asked.rule_paths = {dir_ / "rules"};
  EXPECT_EQ(scan(asked).error().code, "scan.no_rules");
}

TEST_F(ScanTest, FindsSecretsAndSaysWhatItDid) {
  write("src/a.py", "key = '" + secret(1) + "'\n");
  write("src/b.txt", "nothing\n");
  write("logo.png", std::string("\x89PNG\0\0", 6));
  const auto report = scan(request()).value();
  EXPECT_THAT(places(report), ElementsAre("a.py:1 secrets.stripe-key"));
  EXPECT_EQ(report.summary.files_scanned, 2U);
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].reason, "binary");
  EXPECT_TRUE(report.run.complete);
  EXPECT_GT(report.findings[0].rank, 0);
  EXPECT_FALSE(report.rules_sha256.empty());
}

TEST_F(ScanTest, NoTextOfTheReportHoldsASecret) {
  write("a.py", "key = '" + secret(1) + "'\n");
  write(secret(1) + ".txt", "the same again: " + secret(1) + "\n");
  const auto report = scan(request()).value();
  EXPECT_EQ(report.findings.size(), 2U);
  EXPECT_THAT(codec::write_json(findings::to_json(report)), Not(HasSubstr(secret(1).substr(8))));
}

TEST_F(ScanTest, IsTheSameForEveryNumberOfJobs) {
  for (std::uint64_t i = 1; i <= 40; ++i)
    write("d" + std::to_string(i % 7) + "/f" + std::to_string(i) + ".py",
          std::string(i * 13, '#') + "\nk = '" + secret(i) + "'\n");
  auto one = request();
  one.jobs = 1;
  auto four = request();
  four.jobs = 4;
  const std::string expected = stable(scan(one).value());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(stable(scan(four).value()), expected);
}

TEST_F(ScanTest, AWarmCacheGivesTheSameReport) {
  for (std::uint64_t i = 1; i <= 10; ++i) write("f" + std::to_string(i) + ".txt", "k = '" + secret(i) + "'\n");
  const std::string folder = dir_ / "cache";
  const std::string cold = stable(scan(request()).value());
  {
    const auto cache = FactCache::open(folder);
    EXPECT_EQ(stable(scan(request(), cache.get()).value()), cold);
  }
  {
    const auto cache = FactCache::open(folder);
    const auto warm = scan(request(), cache.get()).value();
    EXPECT_EQ(stable(warm), cold);
    EXPECT_EQ(warm.summary.files_cached, 10U);
    EXPECT_EQ(warm.summary.files_scanned, 0U);
  }
  write("f3.txt", "k = 'nothing'\n");
  const auto cache = FactCache::open(folder);
  const auto changed = scan(request(), cache.get()).value();
  EXPECT_EQ(changed.findings.size(), 9U);
  EXPECT_EQ(changed.summary.files_cached, 9U);
  EXPECT_EQ(changed.summary.files_scanned, 1U);
  EXPECT_EQ(stable(changed), stable(scan(request()).value()));
}

TEST_F(ScanTest, TheCacheHoldsNoSecret) {
  write("a.py", "k = '" + secret(1) + "'\n");
  {
    scan(request(), FactCache::open(dir_ / "cache").get()).value();
  }
  EXPECT_THAT(runtime::read_file(dir_ / "cache/facts.pack", 1 << 20).value(), Not(HasSubstr(secret(1).substr(8))));
}

TEST_F(ScanTest, NorDoWhatCopiesDifferIn) {
  const auto copy = [](const std::string& key) {
    std::string out = "def copied(rows):\n    total = connect('" + key + "')\n";
    for (int i = 0; i < 12; ++i)
      out += "    if rows[" + std::to_string(i) + "].kind == 'k" + std::to_string(i) + "':\n        total += rows[" +
             std::to_string(i) + "].value * " + std::to_string(i + 2) + "\n";
    return out + "    return total\n";
  };
  write("a.py", copy("nothing"));
  write("b.py", copy(secret(1)));
  const auto cache = FactCache::open(dir_ / "cache");
  const auto report = scan(request(), cache.get()).value();
  ASSERT_EQ(report.clones.size(), 1U);
  write("c.py", "x = 1\n");
  EXPECT_EQ(scan(request(), cache.get()).value().clones, report.clones);
  cache->flush();
  EXPECT_THAT(runtime::read_file(dir_ / "cache/facts.pack", 1 << 20).value(), Not(HasSubstr(secret(1).substr(8))));
}

TEST_F(ScanTest, AFileWithSecretsIsFollowedIntoOthersAndNotKept) {
  write("a.py", "from b import work\n\nKEY = '" + secret(1) + "'\nwork(source(KEY))\n");
  write("b.py", "def work(x):\n    run(x)\n");
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "r.yaml",
      "rules:\n  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
      "     pattern-sources: [{pattern: source(...)}], pattern-sinks: [{pattern: run(...)}]}\n"));
  auto asked = request();
  asked.rule_paths = {dir_ / "r.yaml"};
  const auto cache = FactCache::open(dir_ / "cache");
  const auto first = scan(asked, cache.get()).value();
  EXPECT_THAT(places(first), ElementsAre("a.py:3 secrets.stripe-key", "b.py:2 flow"));
  // Another file makes the tree unknown: one file's facts are kept, the other is analysed again.
  write("c.py", "x = 1\n");
  const auto second = scan(asked, cache.get()).value();
  EXPECT_EQ(places(second), places(first));
  EXPECT_EQ(second.summary.files_cached, 1U);
  cache->flush();
  EXPECT_THAT(runtime::read_file(dir_ / "cache/facts.pack", 1 << 20).value(), Not(HasSubstr(secret(1).substr(8))));
}

TEST_F(ScanTest, WhatATestFeedsToTheProductIsNoFinding) {
  write("work.py", "def work(x):\n    run(x)\n");
  write("test_work.py", "from work import work\n\n\ndef test_it():\n    work(source())\n");
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "r.yaml",
      "rules:\n  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
      "     pattern-sources: [{pattern: source(...)}], pattern-sinks: [{pattern: run(...)}]}\n"));
  auto asked = request();
  asked.rule_paths = {dir_ / "r.yaml"};
  asked.use_builtin_rules = false;
  asked.analyses = {Analysis::Taint};
  EXPECT_THAT(places(scan(asked).value()), testing::IsEmpty());
  write("main.py", "from work import work\n\nwork(source())\n");
  EXPECT_THAT(places(scan(asked).value()), ElementsAre("work.py:2 flow"));
}

TEST_F(ScanTest, TellsWhatInputFromOutsideReaches) {
  write("web.py",
        "from work import step\n\n\ndef index():\n    step(source())\n    far()\n\n\ndef idle():\n    mark(1)\n");
  write("work.py",
        "def step(x):\n    mark(2)\n    return inner(x)\n\n\ndef inner(x):\n    mark(3)\n\n\n"
        "def tested(x):\n    mark(4)\n");
  write("test_work.py", "from work import tested\n\n\ndef test_it():\n    tested(mark(source()))\n");
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "r.yaml",
      "rules:\n  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
      "     pattern-sources: [{pattern: source(...)}], pattern-sinks: [{pattern: sink(...)}]}\n"
      "  - {id: mark, message: m, severity: ERROR, languages: [python], pattern: mark(...)}\n"));
  auto asked = request();
  asked.rule_paths = {dir_ / "r.yaml"};
  asked.use_builtin_rules = false;
  asked.analyses = {Analysis::Rules, Analysis::Taint};
  const auto reach = [&](FactCache* cache) {
    std::vector<std::string> out;
    const auto report = scan(asked, cache).value();
    for (const auto& finding : report.findings) {
      constexpr std::string_view kWords[] = {"unknown", "entry", "test"};
      out.push_back(finding.where.path.substr(finding.where.path.rfind('/') + 1) + ":" +
                    std::to_string(finding.where.start.line) + " " +
                    std::string(kWords[static_cast<std::size_t>(finding.reach)]) + " " + finding.reached_from);
    }
    return out;
  };
  const auto cache = FactCache::open(dir_ / "cache");
  const auto cold = reach(cache.get());
  EXPECT_THAT(cold, ElementsAre("test_work.py:5 test ", "web.py:10 unknown ", "work.py:2 entry index() in web.py",
                                "work.py:7 entry index() in web.py", "work.py:11 unknown "));
  write("other.py", "x = 1\n");
  EXPECT_EQ(reach(cache.get()), cold) << "from facts that were kept";
}

TEST_F(ScanTest, OtherOptionsDontGetAnothersResult) {
  write("a.py", "k = '" + secret(1) + "'\n");
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_EQ(scan(request(), cache.get())->findings.size(), 1U);
  write(".wrench.yaml", "rules:\n  disable: [stripe-key]\n");
  EXPECT_EQ(scan(request(), cache.get())->findings.size(), 0U);
}

TEST_F(ScanTest, ASuppressionEndsWithItsDayEvenWithACache) {
  write("a.py", "k = '" + secret(1) + "'  # wrench-ignore: stripe-key until 2023-11-14 -- rotated\n");
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_TRUE(scan(request(), cache.get())->findings.at(0).suppressed);
  clock_.advance(2 * kMicrosPerDay);
  const auto later = scan(request(), cache.get()).value();
  EXPECT_TRUE(std::any_of(later.findings.begin(), later.findings.end(), [](const auto& finding) {
    return finding.rule == "secrets.stripe-key" && !finding.suppressed;
  }));
}

TEST_F(ScanTest, ABaselineMakesOldFindingsOld) {
  write("a.py", "k = '" + secret(1) + "'\n");
  const auto first = scan(request()).value();
  write("b.py", "k = '" + secret(2) + "'\n");
  auto second = request();
  second.baseline = findings::Baseline::read(codec::write_json(findings::to_json(first))).value();
  const auto report = scan(second).value();
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_FALSE(report.findings[0].is_new);
  EXPECT_TRUE(report.findings[1].is_new);
  EXPECT_EQ(report.summary.baseline_matched, 1U);
}

TEST_F(ScanTest, WhatCantBeReadIsPartialAndTheRestIsScanned) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write("a.py", "k = '" + secret(1) + "'\n");
  write("locked.py", "x\n");
  ASSERT_EQ(::chmod((tree() + "/locked.py").c_str(), 0), 0);
  const auto report = scan(request()).value();
  EXPECT_EQ(report.findings.size(), 1U);
  ASSERT_EQ(report.partial.size(), 1U);
  EXPECT_EQ(report.partial[0].code, "file_unreadable");
  EXPECT_FALSE(report.run.complete);
}

TEST_F(ScanTest, AFileThatVanishesIsUnreadable) {
  write("a.py", "x\n");
  FoundFile file;
  file.path = "tree/gone.py";
  file.relative = "gone.py";
  file.base = disk_tree(tree()).value();
  const auto bytes = read_bytes(file, {}, clock_, {});
  ASSERT_TRUE(bytes.partial);
  EXPECT_EQ(bytes.partial->code, "file_unreadable");
  EXPECT_EQ(bytes.partial->path, "tree/gone.py");
}

TEST_F(ScanTest, LargeMinifiedAndGeneratedFilesAreSkippedButSecretsAreFound) {
  write("big.txt", std::string(2 << 20, '\n') + secret(1));
  write("app.min.js", "k='" + secret(2) + "'");
  write("api.pb.go", "k = \"" + secret(3) + "\"\n");
  const auto report = scan(request()).value();
  EXPECT_EQ(report.findings.size(), 3U);
  EXPECT_EQ(report.skipped.size(), 3U);
  EXPECT_EQ(report.summary.files_scanned, 0U);
}

TEST_F(ScanTest, AFileBeyondTheLimitIsNotRead) {
  write("a.txt", "x");
  ASSERT_EQ(::truncate((tree() + "/a.txt").c_str(), 100 << 20), 0);
  const auto report = scan(request()).value();
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].reason, "too_large");
}

TEST_F(ScanTest, StopsWhenAsked) {
  write("a.py", "x\n");
  StopSource source;
  source.request_stop();
  const auto report = scan(request(), nullptr, source.token());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, "scan.stopped");
}

TEST_F(ScanTest, ARunPastItsDeadlineGivesNoPartOfAResult) {
  write("a.py", "x\n");
  ScanContext context{.pool = pool_, .clock = clock_};
  const auto report = run(request(), context, {}, Deadline::after(clock_, 0));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, "scan.deadline");
}

TEST_F(ScanTest, AFileBeyondItsBudgetIsPartial) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "call(a, [1, 2])\n";
  write("a.py", text);
  auto hasty = request();
  hasty.limits.file_us_max = 0;
  const auto report = scan(hasty).value();
  ASSERT_FALSE(report.partial.empty());
  EXPECT_EQ(report.partial[0].code, "file_timeout");
  EXPECT_THAT(report.partial[0].path, HasSubstr("a.py"));
}

// Ten seconds go by between any two looks at the clock, and none of them is this program's.
class OverloadedClock final : public Clock {
 public:
  Micros now_us() const override { return ManualClock().now_us(); }
  Micros boot_us() const override { return boot_us_.fetch_add(10 * kMicrosPerSecond); }
  Micros thread_cpu_us() const override { return 0; }

 private:
  mutable std::atomic<Micros> boot_us_{0};
};

TEST_F(ScanTest, AnOverloadedMachineChangesNothing) {
  std::string text;
  for (int i = 0; i < 2'000; ++i) text += "if a == None: eval(a)\n";
  write("a.py", text);
  const auto idle = scan(request()).value();
  const OverloadedClock clock;
  ScanContext context{.pool = pool_, .clock = clock};
  const auto overloaded = run(request(), context, {}).value();
  EXPECT_FALSE(idle.findings.empty());
  EXPECT_EQ(stable(overloaded), stable(idle));
}

TEST_F(ScanTest, AMissingPathIsAnErrorBeforeAnyWork) {
  auto bad = request();
  bad.paths = {tree() + "/nowhere"};
  const auto report = scan(bad);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().message, HasSubstr("nowhere"));
}

TEST_F(ScanTest, AnEmptyFolderIsAnEmptyReport) {
  ASSERT_TRUE(runtime::make_directories(tree()));
  const auto report = scan(request()).value();
  EXPECT_TRUE(report.findings.empty());
  EXPECT_TRUE(report.run.complete);
}

TEST_F(ScanTest, ABadRuleIsPartialAndTheOthersRun) {
  write("a.py", "mine_12345678\n");
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "rules.yaml",
                                             "rules:\n"
                                             "  - {id: good, mode: secret, title: t, regex: 'mine_[0-9]{8}'}\n"
                                             "  - {id: bad, mode: secret, title: t, regex: '('}\n"));
  auto with = request();
  with.rule_paths = {dir_ / "rules.yaml"};
  with.use_builtin_rules = false;
  with.analyses = {Analysis::Secrets};
  const auto report = scan(with).value();
  EXPECT_THAT(places(report), ElementsAre("a.py:1 good"));
  ASSERT_EQ(report.partial.size(), 1U);
  EXPECT_EQ(report.partial[0].code, "rule_invalid");
  EXPECT_THAT(report.partial[0].detail, HasSubstr(":3:"));
}

TEST_F(ScanTest, RunsCodeRulesWithTheirSuppressionsAndAWarmCache) {
  write("a.py", "def f(x):\n    eval(x)\n    eval(x)  # wrench-ignore: no-eval -- read from our own file\n");
  write("b.txt", "eval(x)\n");
  ASSERT_TRUE(runtime::make_directories(dir_ / "rules"));
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "rules/eval.yaml",
      "rules:\n  - {id: no-eval, message: 'eval of $X', severity: ERROR, languages: [python], pattern: eval($X)}\n"));
  auto with = request();
  with.rule_paths = {dir_ / "rules"};
  with.use_builtin_rules = false;
  const auto report = scan(with).value();
  EXPECT_THAT(places(report), ElementsAre("a.py:2 no-eval", "a.py:3 no-eval"));
  EXPECT_EQ(report.findings[0].message, "eval of x");
  EXPECT_FALSE(report.findings[0].suppressed);
  ASSERT_TRUE(report.findings[1].suppressed);
  EXPECT_EQ(report.findings[1].suppressed->reason, "read from our own file");
  EXPECT_EQ(report.summary.suppressed, 1U);
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_EQ(stable(scan(with, cache.get()).value()), stable(report));
  EXPECT_EQ(stable(scan(with, cache.get()).value()), stable(report));
}

TEST_F(ScanTest, MeasuresLinksAndKeepsThatInTheCache) {
  std::string deep = "def tangled(a, b):\n";
  for (int i = 0; i < 7; ++i)
    deep += std::string(static_cast<std::size_t>(4 + 4 * i), ' ') + "if a > " + std::to_string(i) + ":\n";
  deep += std::string(32, ' ') + "return b\n";
  std::string copied = "def copied(rows):\n    total = 0\n";
  for (int i = 0; i < 12; ++i)
    copied += "    if rows[" + std::to_string(i) + "].kind == 'k" + std::to_string(i) + "':\n        total += rows[" +
              std::to_string(i) + "].value * " + std::to_string(i + 2) + "\n";
  copied += "    return total\n";
  write("a.py",
        "import os\nimport json\n\n\n" + deep + "\n\n" + copied + "\n\nprint(os.sep, tangled(1, 2), copied([]))\n");
  write("b.py", copied + "\n\nprint(copied([]))\n");
  write("c.py", "import sys  # wrench-ignore: unused-import -- for its side effects\n");
  const auto report = scan(request()).value();
  const auto has = [&](std::string_view rule, std::string_view file) {
    return std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& finding) {
      return finding.rule == rule && finding.where.path.ends_with(file) && !finding.suppressed;
    });
  };
  EXPECT_TRUE(has("code.cognitive-complexity", "a.py"));
  EXPECT_TRUE(has("structure.unused-import", "a.py"));
  EXPECT_FALSE(has("structure.unused-import", "c.py"));
  EXPECT_EQ(report.clones.size(), 1U);
  EXPECT_EQ(report.files.size(), 3U);
  ASSERT_GE(report.functions.size(), 3U);
  EXPECT_FALSE(report.functions[0].path.empty());
  EXPECT_FALSE(report.functions[0].increments.empty());
  // The whole tree, then only its files: a new file makes the tree unknown.
  const std::string folder = dir_ / "cache";
  {
    EXPECT_EQ(stable(scan(request(), FactCache::open(folder).get()).value()), stable(report));
  }
  {
    EXPECT_EQ(stable(scan(request(), FactCache::open(folder).get()).value()), stable(report));
  }
  write("d.py", "print('new')\n");
  const auto cache = FactCache::open(folder);
  const auto warm = scan(request(), cache.get()).value();
  EXPECT_EQ(warm.summary.files_cached, 3U);
  EXPECT_EQ(stable(warm), stable(scan(request()).value()));
}

TEST_F(ScanTest, SaysWhenNotAllCopiesAreListed) {
  std::string copied = "def copied(rows):\n    total = 0\n";
  for (int i = 0; i < 12; ++i)
    copied += "    if rows[" + std::to_string(i) + "].kind == 'k" + std::to_string(i) + "':\n        total += rows[" +
              std::to_string(i) + "].value * " + std::to_string(i + 2) + "\n";
  copied += "    return total\n";
  for (std::size_t i = 0; i < code::kCloneMembersMax; ++i) write("copy" + std::to_string(i) + ".py", copied);
  const auto all = scan(request()).value();
  ASSERT_EQ(all.clones.size(), 1U);
  EXPECT_EQ(all.clones[0].members.size(), code::kCloneMembersMax);
  EXPECT_THAT(all.notes, testing::Not(testing::Contains(HasSubstr("copies"))));
  write("one_more.py", copied);
  const auto cut = scan(request()).value();
  EXPECT_EQ(cut.clones[0].members.size(), code::kCloneMembersMax);
  EXPECT_THAT(cut.notes, testing::Contains("1 clone has over 100 copies, of which so many are listed"));
}

TEST_F(ScanTest, ExportsAreUnusedOnlyWhenTheWholeProjectIsSeen) {
  write(".git/HEAD", "");
  write("go.mod", "module example.com/m\n");
  write("internal/a/a.go",
        "package a\n\nfunc Used() {}\n\nfunc Dead() {}\n\nfunc Plugin() {}\n\nfunc InAssembly() {}\n");
  write("internal/a/a.s", "\tCALL \xC2\xB7InAssembly(SB)\n");
  write("main.go", "package main\n\nimport \"example.com/m/internal/a\"\n\nfunc main() { a.Used() }\n");
  const auto found = [&](const ScanRequest& request, FactCache* cache = nullptr) {
    return places(scan(request, cache).value());
  };
  const std::string dead = "a.go:5 structure.unused-export", plugin = "a.go:7 structure.unused-export";
  EXPECT_THAT(found(request()), ElementsAre(dead, plugin));
  // Manifests and other texts come back from the cache like code: a new file makes the tree unknown.
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_THAT(found(request(), cache.get()), ElementsAre(dead, plugin));
  write("new.go", "package main\n");
  EXPECT_THAT(found(request(), cache.get()), ElementsAre(dead, plugin));

  ScanRequest part = request();
  part.paths = {tree() + "/internal"};
  EXPECT_THAT(found(part), testing::IsEmpty());
  write(".wrench.yaml", "exclude: [new.go]\n");
  EXPECT_THAT(found(request()), testing::IsEmpty());
  write(".wrench.yaml", "scan: {entry_points: [Plugin]}\n");
  EXPECT_THAT(found(request()), ElementsAre(dead));
  write(".wrench.yaml", "scan: {entry_points: [internal/a]}\n");
  EXPECT_THAT(found(request()), testing::IsEmpty());
}

TEST_F(ScanTest, LayersOfTheProjectHold) {
  write("core/a.py", "from web.pages import page\n\nprint(page)\n");
  write("web/pages.py", "from core import a\n\npage = a\n");
  const auto with = [&](const std::string& layers) {
    write(".wrench.yaml", "scan: {layers: [" + layers + "]}\n");
    auto only = request();
    only.analyses = {Analysis::Structure};
    return scan(only).value();
  };
  const std::string core = "{name: core, paths: [/core/]}, ",
                    core_up = "{name: core, paths: [/core/], may_use: [web]}, ";
  const std::string cycle = "a.py:1 structure.import-cycle";
  const auto broken = with(core + "{name: web, paths: [/web/], may_use: [core]}");
  EXPECT_THAT(places(broken), ElementsAre(cycle, "a.py:1 structure.layer-violation"));
  // Known files, other layers.
  EXPECT_THAT(places(with(core_up + "{name: web, paths: [/web/], may_use: [core]}")), ElementsAre(cycle));
  const auto wrong = with(core + "{name: web, paths: [/pages/]}");
  EXPECT_THAT(places(wrong), ElementsAre(cycle));
  EXPECT_THAT(wrong.notes, testing::Contains(".wrench.yaml: no file is in the layer 'web'"));
}

TEST_F(ScanTest, NamedFilesAreReadInTheRulesLanguage) {
  write("target.conf", "eval(x)\n");
  ASSERT_TRUE(runtime::write_file_atomically(
      dir_ / "eval.yaml",
      "rules:\n  - {id: no-eval, message: m, severity: ERROR, languages: [python], pattern: eval($X)}\n"));
  auto with = request();
  with.paths = {tree() + "/target.conf"};
  with.rule_paths = {dir_ / "eval.yaml"};
  with.use_builtin_rules = false;
  with.analyses = {Analysis::Rules, Analysis::Taint};
  EXPECT_EQ(scan(with)->findings.size(), 1U);
}

TEST_F(ScanTest, ANamedFileWithoutRulesIsAnError) {
  write("a.py", "x\n");
  for (const char* text : {"just: yaml\n", "rules: [", "rules: []\n"}) {
    ASSERT_TRUE(runtime::write_file_atomically(dir_ / "r.yaml", text));
    auto with = request();
    with.rule_paths = {dir_ / "r.yaml"};
    with.use_builtin_rules = false;
    const auto report = scan(with);
    ASSERT_FALSE(report.ok()) << text;
    EXPECT_EQ(report.error().code, "scan.no_rules");
  }
}

TEST_F(ScanTest, TheProjectsConfigExcludesAndRaises) {
  write("gen/a.py", "k = '" + secret(1) + "'\n");
  write("gen/keep/b.py", "k = '" + secret(2) + "'\n");
  write(".wrench.yaml", "exclude: [gen/]\ninclude: [gen/keep/]\nseverity: {'secrets.*': low}\nllm: {key: x}\n");
  const auto report = scan(request()).value();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].severity, findings::Severity::Low);
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("excludes 1 file")));
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("config.not_allowed_here")));
}

TEST(ProjectConfig, TellsWhereItIsWrong) {
  const auto error = [](std::string_view text) { return describe(parse_project_config(text).error()); };
  EXPECT_THAT(error("exclud: [x]"), HasSubstr("did you mean 'exclude'"));
  EXPECT_THAT(error("a: 1\nb"), HasSubstr(".wrench.yaml:"));
  EXPECT_THAT(error("rules:\n  paths: [../../x]"), HasSubstr(":2:"));
  EXPECT_THAT(error("rules: {paths: [/etc]}"), HasSubstr("leads out of the project"));
  EXPECT_THAT(error("languages: [klingon]"), HasSubstr("klingon"));
  EXPECT_THAT(error("scan: {limits: {findings_max: many}}"), HasSubstr("number"));
  EXPECT_THAT(error("scan:\n  layers:\n    - {name: a}"), HasSubstr(":3:7: a layer needs a name and paths"));
  EXPECT_THAT(error("scan: {layers: [{name: core, paths: [x], may_use: [cor]}]}"), HasSubstr("did you mean 'core'"));
  EXPECT_THAT(error("scan: {layers: [{name: a, paths: [x]}, {name: a, paths: [y]}]}"), HasSubstr("two layers"));
  EXPECT_TRUE(parse_project_config("").ok());
}

TEST(ProjectConfig, LowersLimitsAndNeverRaisesThem) {
  const auto config =
      parse_project_config("scan: {limits: {file_bytes_max: 1k, secret_file_bytes_max: 99999999999}}").value();
  const auto limits = lowered({}, config);
  EXPECT_EQ(limits.file_bytes_max, 1000U);
  EXPECT_EQ(limits.secret_file_bytes_max, ScanLimits{}.secret_file_bytes_max);
}

TEST_F(ScanTest, StopsInTheMiddleOfALargeTreeSoon) {
  for (int i = 0; i < 200; ++i) write("d/f" + std::to_string(i) + ".py", std::string(20'000, 'x') + " = 1\n");
  StopSource source;
  ScanContext context{.pool = pool_, .clock = clock_};
  context.progress = [&](const ScanProgress& at) {
    if (at.phase == ScanProgress::Phase::Discover) source.request_stop();
  };
  const auto report = run(request(), context, source.token());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, "scan.stopped");
}

TEST_F(ScanTest, WithoutMemoryFilesAreRefusedAndTold) {
  for (std::uint64_t i = 1; i <= 5; ++i) write("f" + std::to_string(i) + ".py", "x\n");
  auto tight = request();
  tight.limits.memory_soft_max = 1;
  const auto report = scan(tight).value();
  ASSERT_FALSE(report.partial.empty());
  for (const auto& partial : report.partial) EXPECT_EQ(partial.code, "memory_budget");
  EXPECT_EQ(report.partial.size() + report.summary.files_scanned, 5U);
}

TEST_F(ScanTest, HostileFilesAreReadOrSkippedByRule) {
  write("brackets.js", std::string(100'000, '('));
  write("nested.py", [] {
    std::string text = "x = ";
    for (int i = 0; i < 100'000; ++i) text += "[";
    return text;
  }());
  write("one-line.c", std::string(1'000'000, 'a'));
  write("invalid.py", "x = '\xff\xfe\xfd'  # caf\xe9\n" + ("k = '" + secret(3) + "'\n"));
  write("bom.py", "\xEF\xBB\xBFk = '" + secret(4) + "'\n");
  write("cr.py", "a = 1\rk = '" + secret(5) + "'\r");
  ASSERT_EQ(::symlink("../tree", (tree() + "/loop").c_str()), 0);
  ASSERT_EQ(::mkfifo((tree() + "/pipe.py").c_str(), 0600), 0);
  const auto report = scan(request()).value();
  EXPECT_THAT(places(report), testing::IsSupersetOf({"invalid.py:2 secrets.stripe-key", "bom.py:1 secrets.stripe-key",
                                                     "cr.py:2 secrets.stripe-key"}));
  EXPECT_TRUE(is_valid_utf8(codec::write_json(findings::to_json(report))));
  EXPECT_TRUE(codec::parse_json(codec::write_json(findings::to_json(report))).ok());
  std::vector<std::string> reasons;
  for (const auto& skipped : report.skipped) reasons.push_back(skipped.reason);
  EXPECT_THAT(reasons, testing::IsSupersetOf({"symlink", "special_file"}));
}

TEST_F(ScanTest, SourcesForWritersAreTheAnalysedOnesOrNone) {
  write("a.py", "k = '" + secret(1) + "'\n");
  const auto report = scan(request()).value();
  const TreeSources sources(report);
  const std::string path = report.findings.at(0).where.path;
  ASSERT_NE(sources.text(path), nullptr);
  EXPECT_EQ(sources.text("/etc/passwd"), nullptr);
  write("a.py", "changed\n");
  EXPECT_EQ(TreeSources(report).text(path), nullptr);
}

}  // namespace
}  // namespace wrench::scan
