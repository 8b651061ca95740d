#pragma once

#include <span>
#include <string>
#include <vector>

#include "wrench/agents/test_run.hpp"

/// Results of agent tests for programs.
namespace wrench::agents {

inline constexpr std::string_view kTestSchema = "wrench.agent_test/1";
inline constexpr std::size_t kTestBaselineBytesMax = std::size_t{64} << 20;

/// Where the share of passes lies, with 95 % confidence (Wilson 1927, "Probable inference").
struct PassInterval {
  double low = 0, high = 1;
};
PassInterval pass_interval(int passes, int runs);

codec::Json to_json(const SuiteResult& result);
/// {schema, total_tests, passed, failed, skipped, suites}
codec::Json to_json(std::span<const SuiteResult> results);
/// JUnit's XML, one suite for each agent.
std::string junit_of(std::span<const SuiteResult> results);

/// A case that does worse than it once did.
struct WorseCase {
  std::string agent, name, why;
};
/// Compares with what to_json() gave of an earlier run: a case is worse when its interval lies below its share of then,
/// when it was run then and is skipped now, or when it is new and failed. `all_ran`: cases of then that are missing
/// count as worse, too. Errors: agent.test_baseline.
Result<std::vector<WorseCase>> compare(const codec::Json& baseline, std::span<const SuiteResult> results, bool all_ran);

}  // namespace wrench::agents
