#include "wrench/agents/test_run.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "case_run.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

Json usage_of(const CaseFacts& facts) {
  return Json::object({{"wall_ms", facts.elapsed_us / kMicrosPerMs},
                       {"steps", facts.steps},
                       {"findings", facts.findings.size()},
                       {"output_bytes", facts.output_bytes},
                       {"tokens", 0}});
}

/// One run of a case, its repetitions included.
class CaseJudge {
 public:
  CaseJudge(const TestCase& test, const std::string& folder, const CaseWorld& world, const StopToken& stop)
      : test_(test), folder_(folder), world_(world), stop_(stop) {}

  /// Whether it passed; what is told of it goes into `out`.
  bool run(CaseResult& out) const {
    std::string normal;
    out.checks.clear();
    out.error.reset();
    for (int i = 0; i < test_.repeat; ++i) {
      auto end = run_case(test_, folder_, world_, stop_);
      if (!end) {
        out.error = std::move(end).error();
        return false;
      }
      if (!judge(*end, out)) return false;
      if (i > 0 && end->normal != normal) {
        out.checks.push_back({"repeat", false,
                              "the output of repetition " + std::to_string(i + 1) +
                                  " is another: " + first_difference(normal, end->normal),
                              test_.place});
        return false;
      }
      normal = std::move(end->normal);
    }
    return true;
  }

 private:
  bool judge(CaseEnd& end, CaseResult& out) const {
    out.checks.clear();
    out.usage = usage_of(end.facts);
    out.trace = std::move(end.trace);
    bool passed = true, error_expected = false;
    for (const Expectation& expectation : test_.expectations) {
      out.checks.push_back(check(expectation, end.facts));
      passed &= out.checks.back().passed;
      error_expected |= expectation.word == "error";
    }
    if (!end.facts.error || error_expected) return passed;
    out.error = std::move(end.facts.error);
    return false;
  }

  static std::string first_difference(const std::string& a, const std::string& b) {
    constexpr std::size_t kBefore = 40, kShown = 120;
    const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    const auto from = at > kBefore ? at - kBefore : 0;
    return "…" + a.substr(from, kShown) + "… and …" + b.substr(from, kShown) + "…";
  }

  const TestCase& test_;
  const std::string& folder_;
  const CaseWorld& world_;
  const StopToken& stop_;
};

CaseResult result_of(const TestCase& test, const std::string& folder, const CaseWorld& world, int runs,
                     const StopToken& stop) {
  CaseResult out;
  out.name = test.name;
  out.place = test.place;
  if (!test.needs_missing.empty()) {
    out.status = CaseStatus::Skipped;
    out.skipped_because = test.needs_missing;
    return out;
  }
  const Micros begun = world.clock.boot_us();
  const CaseJudge judge(test, folder, world, stop);
  for (; out.runs < runs && !stop.stop_requested(); ++out.runs) {
    CaseResult told = out;
    if (judge.run(told)) {
      ++out.passes;
      if (out.status == CaseStatus::Failed) continue;
    } else if (out.status == CaseStatus::Failed) {
      continue;
    } else {
      told.status = CaseStatus::Failed;
    }
    told.passes = out.passes;
    out = std::move(told);
  }
  out.elapsed_us = world.clock.boot_us() - begun;
  return out;
}

struct Job {
  const TestSuite* suite = nullptr;
  const TestCase* test = nullptr;
  std::optional<CaseResult> result;
};

}  // namespace

std::string_view name(CaseStatus status) {
  constexpr std::string_view kNames[] = {"passed", "failed", "skipped"};
  return kNames[static_cast<std::size_t>(status)];
}

TestTotals& TestTotals::operator+=(const TestTotals& other) {
  total += other.total;
  passed += other.passed;
  failed += other.failed;
  skipped += other.skipped;
  return *this;
}

TestTotals SuiteResult::totals() const {
  TestTotals out;
  out.total = cases.size();
  for (const CaseResult& one : cases) {
    out.passed += one.status == CaseStatus::Passed;
    out.failed += one.status == CaseStatus::Failed;
    out.skipped += one.status == CaseStatus::Skipped;
  }
  return out;
}

TestTotals totals(std::span<const SuiteResult> results) {
  TestTotals out;
  for (const SuiteResult& one : results) out += one.totals();
  return out;
}

Result<std::vector<SuiteResult>> run_test_suites(std::span<const TestSuite> suites, const Registry& registry,
                                                 const TestRunOptions& options, const StopToken& stop) {
  std::vector<Job> jobs;
  for (const TestSuite& suite : suites)
    for (const TestCase& test : suite.cases)
      if (!options.chosen || options.chosen(test)) jobs.push_back({&suite, &test, {}});

  const std::size_t cores = options.jobs == 0 ? runtime::usable_cores() : options.jobs;
  const SystemClock clock;
  runtime::WorkerPool analysis({.threads = cores, .name = "analysis"});
  runtime::WorkerPool cases({.threads = cores, .name = "agent-test"});
  const CaseWorld world{registry, analysis, clock};
  std::atomic<std::size_t> next{0};
  std::mutex telling;
  runtime::TaskGroup group(cases);
  for (std::size_t i = 0; i < std::min(cores, jobs.size()); ++i)
    group.run([&]() -> Result<void> {
      for (std::size_t at = next++; at < jobs.size(); at = next++) {
        if (stop.stop_requested()) return Error("runtime.stopped", "stopped");
        Job& job = jobs[at];
        job.result = result_of(*job.test, job.suite->folder, world, options.runs, stop);
        if (stop.stop_requested()) return Error("runtime.stopped", "stopped");
        const std::lock_guard lock(telling);
        if (options.ended) options.ended(*job.suite, *job.result);
      }
      return {};
    });
  WRENCH_TRY(group.wait());

  std::vector<SuiteResult> out;
  for (Job& job : jobs) {
    if (out.empty() || out.back().file != job.suite->file) out.push_back({job.suite->agent, job.suite->file, {}});
    out.back().cases.push_back(std::move(*job.result));
  }
  return out;
}

}  // namespace wrench::agents
