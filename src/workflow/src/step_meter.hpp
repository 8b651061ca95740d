#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "wrench/runtime/usage.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow {

/// Runs that used less leave no journal entry: millions of small steps shouldn't cost one more row each.
inline constexpr Micros kUsageJournaledCpu = kMicrosPerMs;
inline constexpr std::uint64_t kUsageJournaledBytes = 64 * 1024;  ///< Read or written.

/// Measures one run of a step, on the thread that runs it.
class StepMeter {
 public:
  explicit StepMeter(std::shared_ptr<runtime::UsageAccount> account);

  struct Measured {
    Micros took_us = 0;
    runtime::Usage used;
  };
  /// Once. What is worth keeping goes into the job that reports the run's end.
  Measured end(Job& job);

 private:
  std::shared_ptr<runtime::UsageAccount> account_;
  std::unique_ptr<runtime::UsageScope> scope_;
  std::chrono::steady_clock::time_point began_;
};

/// Data of a journal entry of the kind "usage"; the names are those of monitor_task().
std::string usage_json(const runtime::Usage& used);

}  // namespace wrench::workflow
