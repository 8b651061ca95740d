#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

/// What is done about a step that failed. Pure: whoever runs steps asks, does it, and journals it.
namespace wrench::workflow {

inline constexpr std::size_t kRecoveryBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kRecoveryPoliciesMax = 200;
inline constexpr int kRecoveryAttemptsMax = 100;
inline constexpr Micros kRecoveryDelayMax = kMicrosPerDay;

enum class ErrorClass : std::uint8_t { Retryable, RateLimited, Permanent, Uncertain, Cancelled, Budget };
std::string_view name(ErrorClass error_class);

enum class Severity : std::uint8_t { Low, Medium, High, Critical };
std::string_view name(Severity severity);

enum class RecoveryStrategy : std::uint8_t {
  Retry,     ///< Again, after a delay.
  Fallback,  ///< Another capability with the same input. Never for what may have taken effect.
  Skip,      ///< The step counts as done without an output; the result is partial.
  Escalate,  ///< A person decides.
  Abort,     ///< The step fails for good.
};
std::string_view name(RecoveryStrategy strategy);

struct StepFailure {
  std::string_view code;        ///< Of the error.
  std::string_view capability;  ///< "agent.name", without version.
  ErrorClass error_class = ErrorClass::Permanent;
  int attempt = 1;                         ///< From 1.
  int attempts_max = 0;                    ///< Of the plan; 0: not known here, the plan bounds it anyway.
  bool is_fallback = false;                ///< It was a fallback that failed: there is none of a fallback.
  std::optional<Micros> retry_after = {};  ///< From outside.
};

struct Recovery {
  RecoveryStrategy strategy = RecoveryStrategy::Abort;
  Severity severity = Severity::High;
  Micros delay_us = 0;   ///< Retry: not before; the plan's own backoff may be longer.
  std::string fallback;  ///< Capability.
  std::string policy;    ///< Which decided: "recovery.yaml:3", "built in"; for the journal.
};
/// {"error", "severity", "recovery_result": {"strategy", …}}
codec::Json to_json(const Recovery& recovery, const StepFailure& failure);

/// Low: retryable, and attempts are left. Medium: a rate limit, or something else takes the step's place. High: the
/// step failed for good or its budget is spent. Critical: nobody knows whether it took effect, or the store is broken.
Severity severity_of(const StepFailure& failure, RecoveryStrategy strategy);

/// An ordered table of (error code, capability) -> strategy; the first row that fits decides. Immutable, thread-safe.
class RecoveryPolicies {
 public:
  /// What holds without recovery.yaml, and after its rows: retryable and rate limited errors are retried while attempts
  /// are left, uncertain ones go to a person, all others abort.
  RecoveryPolicies() = default;
  /// recovery.yaml: {policies: [{error: GLOB, capability: GLOB, strategy, attempts, delay, to}]}. Errors:
  /// workflow.recovery_invalid with file, line and column.
  static Result<RecoveryPolicies> parse(std::string_view yaml, std::string file);

  Recovery decide(const StepFailure& failure) const;
  /// Capabilities that rows name as fallback, with their lines: the composition root checks that they exist.
  std::vector<std::pair<std::string, int>> fallbacks() const;
  bool empty() const { return policies_.empty(); }

 private:
  struct Policy {
    std::string error = "*", capability = "*";  ///< Globs: '*' any characters, '?' one.
    RecoveryStrategy strategy = RecoveryStrategy::Abort;
    int attempts = 0;  ///< Of retry: fits only while there were fewer; 0: always.
    Micros delay_us = 0;
    std::string fallback;
    int line = 0;
  };
  friend class RecoveryReader;
  std::string file_;
  std::vector<Policy> policies_;
};

}  // namespace wrench::workflow
