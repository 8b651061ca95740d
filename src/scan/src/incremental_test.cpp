#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "wrench/base/random.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::scan {
namespace {

namespace fs = std::filesystem;

/// A tree that changes, and two looks at it: with what was kept of it before, and anew.
class ChangingTree {
 public:
  explicit ChangingTree(std::uint64_t seed) : random_(seed) {
    fs::create_directories(dir_ / "tree");
    std::ofstream(dir_ / "r.yaml")
        << "rules:\n  - {id: flow, message: m, severity: ERROR, languages: [python], mode: taint,\n"
           "     pattern-sources: [{pattern: source()}], pattern-sinks: [{pattern: sink(...)}]}\n";
    for (int i = 0; i < 16; ++i) write(new_name());
  }

  /// What happened, for messages.
  std::string change() {
    const std::string one = any();
    switch (random_.next() % 6) {
      case 0:
        return "wrote " + write(new_name());
      case 1:
        std::ofstream(path(one), std::ios::app) << "\n\n" << function();
        return "added to " + one;
      case 2: {
        const std::string to = new_name();
        fs::rename(path(one), path(to));
        files_.erase(one);
        files_[to] = true;
        return "renamed " + one + " to " + to;
      }
      case 3:
        if (files_.size() < 6) return "nothing";
        fs::remove(path(one));
        files_.erase(one);
        return "removed " + one;
      case 4:
        std::ofstream(path(one), std::ios::app)
            << "# wrench-ignore-next: flow -- known\nkey_" << random_.next() % 9 << " = 1\n";
        return "told in " + one;
      default:
        return "wrote " + write(one);
    }
  }

  std::string look(FactCache* cache) {
    ScanRequest request;
    request.paths = {dir_ / "tree"};
    request.rule_paths = {dir_ / "r.yaml"};
    request.use_builtin_rules = false;
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache, .rules = &rules_};
    auto report = run(request, context, {}).value();
    flows_ +=
        static_cast<std::size_t>(std::count_if(report.findings.begin(), report.findings.end(), [](const auto& one) {
          return one.rule == "flow" && one.trace.size() > 2;
        }));
    clones_ += report.clones.size();
    cached_ += report.summary.files_cached;
    report.run = {};
    report.summary.files_scanned += std::exchange(report.summary.files_cached, 0);
    return codec::write_json(findings::to_json(report), {.pretty = true});
  }
  std::string cache_folder() const { return dir_ / "cache"; }
  std::size_t flows() const { return flows_; }
  std::size_t clones() const { return clones_; }
  std::uint64_t cached() const { return cached_; }

 private:
  std::string path(const std::string& name) const { return dir_ / "tree/" + name + ".py"; }
  std::string new_name() { return "m" + std::to_string(random_.next() % 16); }
  std::string any() {
    return std::next(files_.begin(), static_cast<std::ptrdiff_t>(random_.next() % files_.size()))->first;
  }
  std::string write(const std::string& name) {
    std::string text;
    for (std::uint64_t i = 0; i < 1 + random_.next() % 4; ++i) text += function();
    std::ofstream(path(name)) << text;
    files_[name] = true;
    return name;
  }

  /// Calls into other modules, with values from outside, and copies.
  std::string function() {
    const std::string other = "m" + std::to_string(random_.next() % 16);
    const std::string name = "f" + std::to_string(random_.next() % 4 / 3),
                      called = "f" + std::to_string(random_.next() % 4 / 3);
    switch (random_.next() % 7) {
      case 0:
        return "import " + other + "\n\n\ndef " + name + "(x):\n    " + other + "." + called + "(source())\n\n\n";
      case 1:
        return "def " + name + "(x):\n    sink(x)\n    return x\n\n\n";
      case 2:
        return "import " + other + "\n\n\ndef " + name + "(x):\n    sink(" + other + "." + called +
               "(x))\n    return source()\n\n\n";
      case 3:
        return "import " + other + "\n\n\ndef " + name + "(x):\n    return " + other + "." + called + "(x)\n\n\n";
      default:
        break;
    }
    const std::string variable = random_.next() % 2 == 0 ? "total" : "sum_of";
    std::string out = "def " + name + "(rows):\n    " + variable + " = 0\n";
    for (int i = 0; i < 8; ++i) {
      const std::string n = std::to_string(i);
      out += "    if rows[" + n + "].kind == 'k" + n + "':\n        " + variable + " += rows[" + n + "].value * " + n +
             "\n";
      if (random_.next() % 20 == 0) out += "    note(rows)\n";
    }
    return out + "    return " + variable + "\n\n\n";
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 2}};
  ManualClock clock_;
  ResidentRules rules_;
  SeededRandom random_;
  std::map<std::string, bool> files_;
  std::size_t flows_ = 0, clones_ = 0;
  std::uint64_t cached_ = 0;
};

class IncrementalScan : public testing::TestWithParam<std::uint64_t> {};

TEST_P(IncrementalScan, GivesTheReportOfAScanFromTheBeginning) {
  ChangingTree tree(GetParam());
  std::string what = "the tree came";
  for (int round = 0; round < 25; ++round) {
    const std::string fresh = tree.look(nullptr);
    {
      const auto cache = FactCache::open(tree.cache_folder());
      ASSERT_EQ(tree.look(cache.get()), fresh) << "round " << round << ", " << what;
    }
    what = tree.change();
    if (round % 3 == 2) what += ", " + tree.change();
  }
  // Else there was nothing to get wrong.
  EXPECT_GT(tree.flows(), 2U);
  EXPECT_GT(tree.clones(), 20U);
  EXPECT_GT(tree.cached(), 100U);
}

TEST_P(IncrementalScan, AlsoInAProcessThatStays) {
  ChangingTree tree(GetParam() + 1000);
  const auto cache = FactCache::open({});
  cache->hold(kFactsHeldBytesMax);
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(tree.look(cache.get()), tree.look(nullptr)) << "round " << round;
    tree.change();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, IncrementalScan, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace wrench::scan
