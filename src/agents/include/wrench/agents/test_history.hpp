#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "wrench/agents/test_run.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/store.hpp"

/// Runs of agent tests, kept in the store.
namespace wrench::agents {

inline constexpr std::size_t kTestRunsKept = 200;

/// The statements of this module, for StoreConfig::statements.
storage::StatementCatalogue::List statements();

struct PastCase {
  std::string agent, name, status;
  codec::Json result;  ///< As to_json() of test_report.hpp has it.
};
struct PastRun {
  std::string run_id;
  Micros at = 0, elapsed_us = 0;
  std::string version;  ///< Of the program.
  TestTotals totals;
  std::vector<PastCase> cases;
};

/// Keeps a run, and of all the newest kTestRunsKept; its id. Errors: storage.*.
Result<std::string> keep_test_run(storage::Store& store, std::span<const SuiteResult> results, Micros elapsed_us,
                                  const Clock& clock, Random& random);
/// Newest first. Errors: storage.*.
Result<std::vector<PastRun>> past_test_runs(storage::Store& store, std::size_t limit);

}  // namespace wrench::agents
