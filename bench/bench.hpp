#pragma once

// What the benchmarks of the workflow engine share.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::bench {

using SteadyClock = std::chrono::steady_clock;

/// Ends the program with the error.
template <class T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

inline double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Of all threads of this process.
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Whether the environment's ONLY names that part, or none.
inline bool wanted(std::string_view part) {
  const char* const only = std::getenv("ONLY");
  return only == nullptr || std::string_view(only).find(part) != std::string_view::npos;
}

/// Not empty; sorts it.
inline double percentile(std::vector<double>& values, double percent) {
  std::ranges::sort(values);
  const auto at = static_cast<std::size_t>(percent / 100 * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

/// Steps that do nothing.
class Noop : public workflow::StepRunner {
 public:
  Result<workflow::CapabilityTraits> traits(std::string_view) const override {
    return workflow::CapabilityTraits{workflow::Effect::Pure, workflow::SlotClass::Io};
  }
  workflow::StepOutcome run(const workflow::StepInvocation&, workflow::StepContext&) override {
    return workflow::Completed{codec::Json(), {}};
  }
};

}  // namespace wrench::bench
