#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/random.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/fixes.hpp"

namespace wrench::scan {

/// A tree with rules of its own, whose findings are fixed.
class FixTree : public testing::Test {
 protected:
  FixTree() { std::filesystem::create_directories(tree()); }

  std::string tree() const { return dir_ / "tree"; }
  void rules(std::string_view text) { std::ofstream(dir_ / "r.yaml", std::ios::binary) << text; }
  void write(const std::string& path, std::string_view text) {
    const std::filesystem::path whole = tree() + "/" + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << text;
  }
  std::string read(const std::string& path) const {
    std::ostringstream out;
    out << std::ifstream(tree() + "/" + path, std::ios::binary).rdbuf();
    return out.str();
  }

  ScanRequest request() const {
    ScanRequest out;
    out.paths = {tree()};
    out.rule_paths = {dir_ / "r.yaml"};
    out.use_builtin_rules = with_builtin_;
    out.analyses = {Analysis::Rules, Analysis::Taint, Analysis::Secrets};
    return out;
  }
  findings::Report scan() {
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache_.get()};
    auto report = run(request(), context, StopToken()).value();
    if (baseline_ != nullptr) findings::apply_baseline(report, *baseline_);
    return report;
  }
  FixOutcome& fix(const FixOptions& options = {}) {
    report_ = scan();
    return fix_again(options);
  }
  FixOutcome& fix_again(const FixOptions& options = {}) {
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache_.get()};
    outcome_ = apply_fixes(request(), report_, options, context, StopToken()).value();
    return outcome_;
  }
  WrittenFixes put() { return write_fixes(outcome_, clock_, random_).value(); }
  std::vector<std::string> rules_found() {
    std::vector<std::string> out;
    for (const auto& finding : scan().findings) out.push_back(finding.rule);
    return out;
  }
  void use_cache() { cache_ = FactCache::open(dir_ / "cache"); }

  enum class Tool { Git, Patch };
  void take_back(const std::string& undo, Tool tool, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments =
        tool == Tool::Git ? std::vector<std::string>{"apply", "--whitespace=nowarn"}
                          : std::vector<std::string>{"-p1", "--binary", "--no-backup-if-mismatch", "-i"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back(undo);
    const runtime::SubprocessSpec spec{
        .program = runtime::find_program(tool == Tool::Git ? "git" : "patch").value(),
        .arguments = std::move(arguments),
        .environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CEILING_DIRECTORIES=/",
                        "HOME=/nonexistent", "PATH=/usr/bin:/bin"},
        .working_directory = tree()};
    const auto output = runtime::capture_subprocess(spec).value();
    EXPECT_TRUE(output.result.succeeded()) << output.out << output.err;
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 2}};
  ManualClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<FactCache> cache_;
  const findings::Baseline* baseline_ = nullptr;
  bool with_builtin_ = false;
  findings::Report report_;
  FixOutcome outcome_;
};

}  // namespace wrench::scan
