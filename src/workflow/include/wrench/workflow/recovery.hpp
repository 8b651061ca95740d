#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

/// What is done about a step that failed. Pure: whoever runs steps asks, does it, and journals it.
namespace wrench::workflow {

/// How often a step begins anew, undone or with another input.
inline constexpr int kRecoveryRoundsMax = 100;
/// Of an error's message, in the entry that says what is done about it.
inline constexpr std::size_t kRecoveryMessageBytesMax = 200;

enum class ErrorClass : std::uint8_t { Retryable, RateLimited, Permanent, Uncertain, Cancelled, Budget };
std::string_view name(ErrorClass error_class);

enum class Severity : std::uint8_t { Low, Medium, High, Critical };
std::string_view name(Severity severity);

enum class RecoveryStrategy : std::uint8_t {
  Retry,         ///< Again, after a delay.
  RetryChanged,  ///< Again, with another input. Never for what may have taken effect.
  Fallback,      ///< Another capability with the same input. Never for what may have taken effect.
  Skip,          ///< The step counts as done without an output; the result is partial.
  Compensate,    ///< Another capability undoes what it did; then it has failed, or its task goes on without it.
  Escalate,      ///< A person decides.
  Abort,         ///< The step fails for good.
};
std::string_view name(RecoveryStrategy strategy);

/// Whether it is done before anything becomes of the step.
constexpr bool is_done_at_once(RecoveryStrategy strategy) {
  return strategy == RecoveryStrategy::Fallback || strategy == RecoveryStrategy::Skip ||
         strategy == RecoveryStrategy::Compensate;
}

/// What a runner says about a failure that it decided on; the engine does it, and journals what came of it.
struct RecoveryNote {
  RecoveryStrategy strategy = RecoveryStrategy::Abort;
  std::string policy;           ///< Recovery::policy.
  std::string capability;       ///< That has to do with it: a fallback that failed, too, or an inverse; or empty.
  Micros delay_us = 0;          ///< Of a retry: not before; the plan's own backoff may be longer.
  std::string checkpoint_json;  ///< What the step goes on from instead of its own checkpoint; empty: leave that.
  bool by_engine = false;       ///< Recovery::by_engine.
};

struct StepFailure {
  std::string_view code;  ///< Of the error.
  std::string_view message;
  std::string_view capability;  ///< "agent.name", without version; of a step that calls none its kind: "wait", "map".
  ErrorClass error_class = ErrorClass::Permanent;
  int attempt = 1;                         ///< From 1.
  int attempts_max = 0;                    ///< Of the plan; 0: not known here, the plan bounds it anyway.
  std::optional<Micros> retry_after = {};  ///< From outside.
  bool last = false;                       ///< There is no other attempt, however many are left.
};

/// How the next attempt differs.
struct InputChange {
  std::map<std::string, codec::Json> set;  ///< Members of the input that are replaced.
  std::vector<std::string> halve;          ///< Members that are lists: each changed attempt gets the first half.
  bool operator==(const InputChange&) const = default;
};

struct Recovery {
  RecoveryStrategy strategy = RecoveryStrategy::Abort;
  Severity severity = Severity::High;
  Micros delay_us = 0;      ///< Of a retry: not before; the plan's own backoff may be longer.
  std::string capability;   ///< Of a fallback, or that undoes.
  InputChange change;       ///< RetryChanged.
  bool then_skips = false;  ///< Compensate: the task goes on without the step.
  std::string policy;       ///< Which decided: "recovery.yaml:3", "built in"; for the journal.
  bool by_engine = false;   ///< No run met the failure, or none that could do something about it: the engine decided.
};
/// The shape that is journaled: {"error": "code: message", "class", "severity", "recovery_result": {"strategy",
/// "attempt", …}}. Long messages are cut.
codec::Json to_json(const Recovery& recovery, const StepFailure& failure);

/// What such an entry of a journal says.
struct RecoveryEntry {
  std::string code, message;
  ErrorClass error_class = ErrorClass::Permanent;
  Recovery recovery;       ///< But for what isn't journaled: `change` and `then_skips`.
  bool held_back = false;  ///< The step wasn't tried.
};
/// Nothing: it is no such entry.
std::optional<RecoveryEntry> recovery_entry(const codec::Json& entry);

/// Recovery::policy of what no policy decided.
inline constexpr std::string_view kBuiltIn = "built in";

/// The class of an error as far as it shows in its code and in what its step says of it.
ErrorClass error_class(std::string_view code, bool retryable, bool retry_after);
/// Whether what failed may be tried again.
constexpr bool may_pass(ErrorClass error_class) {
  return error_class == ErrorClass::Retryable || error_class == ErrorClass::RateLimited;
}

/// Low: retryable, and attempts are left. Medium: a rate limit, or something else takes the step's place. High: the
/// step failed for good or its budget is spent. Critical: nobody knows whether it took effect, the store is broken, or
/// the program is (it threw, its process died again and again).
Severity severity_of(const StepFailure& failure, RecoveryStrategy strategy);

}  // namespace wrench::workflow
