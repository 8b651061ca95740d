#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wrench/agents/test_suite.hpp"
#include "wrench/base/error.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::agents {

inline constexpr int kTestRunsMax = 1'000;

enum class CaseStatus : std::uint8_t { Passed, Failed, Skipped };
std::string_view name(CaseStatus status);

struct CaseCheck {
  std::string word;  ///< The kind of expectation, or "repeat".
  bool passed = false;
  std::string detail;  ///< Why it didn't; empty when it passed.
  SuitePlace place;
};

struct CaseResult {
  std::string name;
  SuitePlace place;
  CaseStatus status = CaseStatus::Passed;
  std::vector<CaseCheck> checks;  ///< Of the first run that failed, else of the last.
  std::optional<Error> error;     ///< It came to no end of its own: an error nobody expected, or its time was over.
  std::string skipped_because;    ///< Of a skipped one.
  int runs = 0, passes = 0;       ///< How often it ran and passed: TestRunOptions::runs.
  Micros elapsed_us = 0;          ///< All runs.
  codec::Json usage, trace;       ///< Of the run that `checks` is of. Null when nothing ran.
};

struct TestTotals {
  std::size_t total = 0, passed = 0, failed = 0, skipped = 0;
  TestTotals& operator+=(const TestTotals& other);
};

struct SuiteResult {
  std::string agent, file;
  std::vector<CaseResult> cases;  ///< In the suite's order.
  TestTotals totals() const;
};
TestTotals totals(std::span<const SuiteResult> results);

struct TestRunOptions {
  std::size_t jobs = 0;                         ///< Cases at once; 0: one for each core this process may use.
  int runs = 1;                                 ///< Of each case; it passes when all do. 1 to kTestRunsMax.
  std::function<bool(const TestCase&)> chosen;  ///< Empty: all. The others aren't in the results.
  /// After each case, one at a time, on any thread.
  std::function<void(const TestSuite&, const CaseResult&)> ended;
};

/// Runs each case as an execution of its own in a temporary store, on a temporary tree, by the agents of `registry`.
/// Blocks. Errors: runtime.stopped; what goes wrong with a case is its result.
Result<std::vector<SuiteResult>> run_test_suites(std::span<const TestSuite> suites, const Registry& registry,
                                                 const TestRunOptions& options, const StopToken& stop);

}  // namespace wrench::agents
