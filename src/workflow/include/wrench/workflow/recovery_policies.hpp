#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/workflow/circuit_breaker.hpp"
#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/recovery.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kRecoveryBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kRecoveryPoliciesMax = 200;
inline constexpr int kRecoveryAttemptsMax = 100;
inline constexpr Micros kRecoveryDelayMax = kMicrosPerDay;
inline constexpr std::size_t kBreakerRulesMax = 100;

/// Which calls a circuit breaker watches, and how; the first that fits.
struct BreakerRule {
  std::string capability = "*";      ///< Glob.
  bool off = false;                  ///< Nothing watches these.
  std::optional<Expression> target;  ///< Over `input`: each value has a circuit of its own. Nothing: one for all.
  BreakerSettings settings;
};

/// An ordered table of (error code, capability) -> strategy; the first row that fits decides. Immutable once in use,
/// thread-safe.
class RecoveryPolicies {
 public:
  /// What holds without recovery.yaml, and after its rows: retryable and rate limited errors are retried while attempts
  /// are left, uncertain ones go to a person, all others abort.
  RecoveryPolicies() = default;
  /// recovery.yaml, docs/reference/recovery.md. `file`: its path, for errors; Recovery::policy has its name. Errors:
  /// workflow.recovery_invalid with file, line and column.
  static Result<RecoveryPolicies> parse(std::string_view yaml, std::string file);

  Recovery decide(const StepFailure& failure) const;

  /// A capability that a row names, for the composition root, which checks that it exists.
  struct Named {
    std::string capability;
    int line = 0;
    bool must_complete = false;  ///< Undoes something, after which its step fails.
  };
  std::vector<Named> named() const;
  const std::vector<BreakerRule>& breakers() const { return breakers_; }

 private:
  struct Policy {
    std::string error = "*", capability = "*";  ///< Globs: '*' any characters, '?' one.
    RecoveryStrategy strategy = RecoveryStrategy::Abort;
    int attempts = 0;  ///< Of retries: fits only while there were fewer; 0: always.
    Micros delay_us = 0;
    std::string other;  ///< The capability of a fallback or compensation.
    InputChange change;
    bool then_skips = false;
    int line = 0;
  };
  friend class RecoveryReader;
  std::string file_;
  std::vector<Policy> policies_;
  std::vector<BreakerRule> breakers_;
};

}  // namespace wrench::workflow
