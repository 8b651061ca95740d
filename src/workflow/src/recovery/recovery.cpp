#include "wrench/workflow/recovery.hpp"

#include <algorithm>
#include <utility>

#include "../text_glob.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/recovery_policies.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kByEngine = "engine";
/// An entry may come from a file that somebody else made.
constexpr std::int64_t kLongestToldDelayMs = (std::int64_t{1} << 60) / kMicrosPerMs;

bool attempts_left(const StepFailure& failure) {
  return !failure.last && (failure.attempts_max == 0 || failure.attempt < failure.attempts_max);
}

/// The store, or the program itself, is broken: nothing should be built on what comes next.
bool is_critical(std::string_view code) {
  constexpr std::string_view kCodes[] = {"storage.corrupt", "storage.outcome_unknown", "storage.io",
                                         "workflow.poison", "workflow.step_threw",     "workflow.effect_uncertain"};
  return std::ranges::find(kCodes, code) != std::end(kCodes);
}

RecoveryStrategy built_in(const StepFailure& failure) {
  if (failure.error_class == ErrorClass::Uncertain) return RecoveryStrategy::Escalate;
  return may_pass(failure.error_class) && attempts_left(failure) ? RecoveryStrategy::Retry : RecoveryStrategy::Abort;
}

/// What may have happened is never done again or passed over, and what a person or a budget ended stays ended.
bool is_allowed(RecoveryStrategy strategy, const StepFailure& failure) {
  if (failure.error_class == ErrorClass::Uncertain) return strategy == RecoveryStrategy::Escalate;
  if (failure.error_class == ErrorClass::Cancelled || failure.error_class == ErrorClass::Budget) return false;
  return (strategy != RecoveryStrategy::Retry && strategy != RecoveryStrategy::RetryChanged) || attempts_left(failure);
}

template <class Enum>
std::optional<Enum> named(const Json& text, Enum last) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (text.as_string() == name(static_cast<Enum>(i))) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

ErrorClass error_class(std::string_view code, bool retryable, bool retry_after) {
  if (code == "workflow.budget_exceeded") return ErrorClass::Budget;
  if (code == "workflow.effect_uncertain") return ErrorClass::Uncertain;
  if (!retryable) return ErrorClass::Permanent;
  return retry_after ? ErrorClass::RateLimited : ErrorClass::Retryable;
}

std::string_view name(ErrorClass error_class) {
  constexpr std::string_view kNames[] = {"retryable", "rate_limited", "permanent", "uncertain", "cancelled", "budget"};
  return kNames[static_cast<std::size_t>(error_class)];
}

std::string_view name(Severity severity) {
  constexpr std::string_view kNames[] = {"low", "medium", "high", "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}

std::string_view name(RecoveryStrategy strategy) {
  constexpr std::string_view kNames[] = {"retry",      "retry_changed", "fallback", "skip",
                                         "compensate", "escalate",      "abort"};
  return kNames[static_cast<std::size_t>(strategy)];
}

Severity severity_of(const StepFailure& failure, RecoveryStrategy strategy) {
  if (failure.error_class == ErrorClass::Uncertain || is_critical(failure.code)) return Severity::Critical;
  if (strategy == RecoveryStrategy::Abort || strategy == RecoveryStrategy::Escalate ||
      strategy == RecoveryStrategy::Compensate || failure.error_class == ErrorClass::Budget)
    return Severity::High;
  return strategy == RecoveryStrategy::Retry && failure.error_class != ErrorClass::RateLimited ? Severity::Low
                                                                                               : Severity::Medium;
}

Json to_json(const Recovery& recovery, const StepFailure& failure) {
  Json result =
      Json::object({{"strategy", name(recovery.strategy)}, {"attempt", failure.attempt}, {"policy", recovery.policy}});
  if (recovery.strategy == RecoveryStrategy::Retry || recovery.strategy == RecoveryStrategy::RetryChanged)
    result.set("delay_ms", recovery.delay_us / kMicrosPerMs);
  if (!recovery.capability.empty()) result.set("capability", recovery.capability);
  if (recovery.by_engine) result.set("by", kByEngine);
  std::string error(failure.code);
  if (!failure.message.empty()) error += ": " + repair_utf8(failure.message.substr(0, kRecoveryMessageBytesMax));
  return Json::object({{"error", std::move(error)},
                       {"class", name(failure.error_class)},
                       {"severity", name(recovery.severity)},
                       {"recovery_result", std::move(result)}});
}

std::optional<RecoveryEntry> recovery_entry(const Json& entry) {
  const Json& result = entry.at("recovery_result");
  const auto error_class = named<ErrorClass>(entry.at("class"), ErrorClass::Budget);
  const auto severity = named<Severity>(entry.at("severity"), Severity::Critical);
  const auto strategy = named<RecoveryStrategy>(result.at("strategy"), RecoveryStrategy::Abort);
  if (!error_class || !severity || !strategy) return std::nullopt;
  RecoveryEntry out;
  const std::string_view error = entry.at("error").as_string();
  const std::size_t colon = error.find(": ");
  out.code = error.substr(0, colon);
  if (colon != std::string_view::npos) out.message = error.substr(colon + 2);
  out.error_class = *error_class;
  out.recovery.severity = *severity;
  out.recovery.strategy = *strategy;
  out.recovery.policy = result.at("policy").as_string();
  out.recovery.capability = result.at("capability").as_string();
  out.recovery.delay_us =
      std::clamp<std::int64_t>(result.at("delay_ms").as_integer(), 0, kLongestToldDelayMs) * kMicrosPerMs;
  out.recovery.by_engine = result.at("by").as_string() == kByEngine;
  out.held_back = entry.at("held_back").as_boolean();
  return out;
}

Recovery RecoveryPolicies::decide(const StepFailure& failure) const {
  Recovery out;
  out.strategy = built_in(failure);
  out.policy = kBuiltIn;
  for (const Policy& policy : policies_) {
    if (!glob_fits(policy.error, failure.code) || !glob_fits(policy.capability, failure.capability) ||
        !is_allowed(policy.strategy, failure) || (policy.attempts > 0 && failure.attempt >= policy.attempts))
      continue;
    out.strategy = policy.strategy;
    out.delay_us = policy.delay_us;
    out.capability = policy.other;
    out.change = policy.change;
    out.then_skips = policy.then_skips;
    out.policy = file_ + ":" + std::to_string(policy.line);
    break;
  }
  if (out.strategy == RecoveryStrategy::Retry || out.strategy == RecoveryStrategy::RetryChanged)
    out.delay_us = std::max(out.delay_us, failure.retry_after.value_or(0));
  out.severity = severity_of(failure, out.strategy);
  return out;
}

std::vector<RecoveryPolicies::Named> RecoveryPolicies::named() const {
  std::vector<Named> out;
  for (const Policy& policy : policies_)
    if (!policy.other.empty())
      out.push_back({policy.other, policy.line, policy.strategy == RecoveryStrategy::Compensate && !policy.then_skips});
  return out;
}

}  // namespace wrench::workflow
