#include "wrench/scan/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    fs::create_directories(tree());
    rule("eval(...)");
  }
  std::string tree() const { return dir_ / "tree"; }
  void write(const std::string& path, std::string_view text) const {
    fs::create_directories(fs::path(tree() + "/" + path).parent_path());
    std::ofstream(tree() + "/" + path, std::ios::binary) << text;
  }
  void rule(const std::string& pattern) const {
    fs::create_directories(dir_ / "rules");
    std::ofstream(dir_ / "rules/r.yaml")
        << "rules:\n  - {id: found, message: m, severity: ERROR, languages: [python], pattern: '" << pattern << "'}\n";
  }
  // Each step is done when the run that the one before caused was told; the last one ends it.
  Result<void> follow(const std::vector<std::function<void()>>& steps) {
    ScanRequest request;
    request.paths = {tree()};
    request.rule_paths = {dir_ / "rules"};
    request.use_builtin_rules = false;
    request.analyses = {Analysis::Rules};
    const auto cache = FactCache::open({});
    cache->hold(kFactsHeldBytesMax);
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache.get()};
    std::size_t at = 0;
    WatchOptions options;
    options.on_run = [&](const WatchedRun& run) -> Result<void> {
      appeared_.clear();
      vanished_.clear();
      for (const auto* finding : run.appeared) appeared_.push_back(place(*finding));
      for (const auto& finding : run.vanished) vanished_.push_back(place(finding));
      cached_ = run.report.summary.files_cached;
      if (at == steps.size()) return Error("test.end", "");
      steps[at++]();
      return {};
    };
    options.on_fault = [&](const Error& error) {
      faults_.push_back(error.code);
      if (on_fault_) on_fault_();
    };
    return watch(request, context, options, stop_.token());
  }
  std::string place(const findings::Finding& finding) const {
    return finding.where.path.substr(tree().size() + 1) + ":" + std::to_string(finding.where.start.line);
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 2}};
  const SystemClock clock_;
  StopSource stop_;
  std::vector<std::string> appeared_, vanished_, faults_;
  std::function<void()> on_fault_;
  std::uint64_t cached_ = 0;
};

TEST_F(WatchTest, TellsWhatChangesMakeNewAndFixed) {
  write("a.py", "eval(x)\n");
  write("b.py", "f(x)\n");
  const auto done = follow({
      [&] {
        EXPECT_THAT(appeared_, IsEmpty());
        write("b.py", "f(x)\neval(y)\n");  // Before anything is watched.
      },
      [&] {
        EXPECT_THAT(appeared_, ElementsAre("b.py:2"));
        EXPECT_EQ(cached_, 1U);  // Only what changed is analysed.
        write("new/deep/c.py", "eval(z)\n");
      },
      [&] {
        EXPECT_THAT(appeared_, ElementsAre("new/deep/c.py:1"));
        write("new/deep/c.py", "eval(z)\neval(zz)\n");  // In a folder that wasn't there at first.
      },
      [&] {
        EXPECT_THAT(appeared_, ElementsAre("new/deep/c.py:2"));
        write("b.py", "\n\nf(x)\neval(y)\n");  // Moved only: nothing to tell.
        fs::remove(tree() + "/a.py");
      },
      [&] {
        EXPECT_THAT(appeared_, IsEmpty());
        EXPECT_THAT(vanished_, ElementsAre("a.py:1"));
        rule("f(...)");
      },
  });
  EXPECT_EQ(done.error().code, "test.end");
  EXPECT_THAT(appeared_, ElementsAre("b.py:3"));
  EXPECT_THAT(vanished_, ElementsAre("b.py:4", "new/deep/c.py:1", "new/deep/c.py:2"));
}

TEST_F(WatchTest, GoesOnBehindAFault) {
  write("a.py", "f(x)\n");
  on_fault_ = [&] { write(".wrench.yaml", "fail_on: high\n"), write("a.py", "eval(x)\n"); };
  const auto done = follow({[&] { write(".wrench.yaml", "no_such_key: 1\n"); }});
  EXPECT_EQ(done.error().code, "test.end");
  EXPECT_THAT(faults_, testing::Contains("scan.invalid_config"));
  EXPECT_THAT(appeared_, ElementsAre("a.py:1"));
}

TEST_F(WatchTest, EndsWhenStopped) {
  write("a.py", "f(x)\n");
  EXPECT_EQ(follow({[&] { stop_.request_stop(); }}).error().code, "scan.stopped");
}

TEST_F(WatchTest, TheFirstRunMustSucceed) {
  write(".wrench.yaml", "no_such_key: 1\n");
  EXPECT_EQ(follow({}).error().code, "scan.invalid_config");
}

}  // namespace
}  // namespace wrench::scan
