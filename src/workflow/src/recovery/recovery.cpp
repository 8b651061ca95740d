#include "wrench/workflow/recovery.hpp"

#include <algorithm>
#include <utility>

#include "../text_glob.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::workflow {

using codec::Json;
using codec::YamlNode;

namespace {

constexpr std::size_t kGlobBytesMax = 128;

bool may_be_repeated(const StepFailure& failure) {
  return failure.error_class == ErrorClass::Retryable || failure.error_class == ErrorClass::RateLimited;
}

bool attempts_left(const StepFailure& failure) {
  return failure.attempts_max == 0 || failure.attempt < failure.attempts_max;
}

/// Errors of the store itself: no step can be trusted to have happened.
bool is_of_the_store(std::string_view code) {
  constexpr std::string_view kCodes[] = {"storage.corrupt", "storage.outcome_unknown", "storage.io"};
  return std::ranges::find(kCodes, code) != std::end(kCodes);
}

RecoveryStrategy built_in(const StepFailure& failure) {
  if (failure.error_class == ErrorClass::Uncertain) return RecoveryStrategy::Escalate;
  return may_be_repeated(failure) && attempts_left(failure) ? RecoveryStrategy::Retry : RecoveryStrategy::Abort;
}

/// What may have happened is never done again or passed over, and what a person or a budget ended stays ended.
bool is_allowed(RecoveryStrategy strategy, const StepFailure& failure) {
  switch (failure.error_class) {
    case ErrorClass::Uncertain:
      return strategy == RecoveryStrategy::Escalate;
    case ErrorClass::Cancelled:
      return strategy == RecoveryStrategy::Abort;
    case ErrorClass::Budget:
      return strategy != RecoveryStrategy::Retry && strategy != RecoveryStrategy::Fallback;
    default:
      break;
  }
  if (strategy == RecoveryStrategy::Retry) return attempts_left(failure);
  if (strategy == RecoveryStrategy::Fallback) return !failure.is_fallback;
  return true;
}

}  // namespace

std::string_view name(ErrorClass error_class) {
  constexpr std::string_view kNames[] = {"retryable", "rate_limited", "permanent", "uncertain", "cancelled", "budget"};
  return kNames[static_cast<std::size_t>(error_class)];
}

std::string_view name(Severity severity) {
  constexpr std::string_view kNames[] = {"low", "medium", "high", "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}

std::string_view name(RecoveryStrategy strategy) {
  constexpr std::string_view kNames[] = {"retry", "fallback", "skip", "escalate", "abort"};
  return kNames[static_cast<std::size_t>(strategy)];
}

Severity severity_of(const StepFailure& failure, RecoveryStrategy strategy) {
  if (failure.error_class == ErrorClass::Uncertain || is_of_the_store(failure.code)) return Severity::Critical;
  if (strategy == RecoveryStrategy::Abort || strategy == RecoveryStrategy::Escalate ||
      failure.error_class == ErrorClass::Budget)
    return Severity::High;
  return strategy == RecoveryStrategy::Retry && failure.error_class != ErrorClass::RateLimited ? Severity::Low
                                                                                               : Severity::Medium;
}

Json to_json(const Recovery& recovery, const StepFailure& failure) {
  Json result =
      Json::object({{"strategy", name(recovery.strategy)}, {"attempt", failure.attempt}, {"policy", recovery.policy}});
  if (recovery.strategy == RecoveryStrategy::Retry) result.set("delay_ms", recovery.delay_us / kMicrosPerMs);
  if (!recovery.fallback.empty()) result.set("capability", recovery.fallback);
  return Json::object({{"error", failure.code},
                       {"class", name(failure.error_class)},
                       {"severity", name(recovery.severity)},
                       {"recovery_result", std::move(result)}});
}

Recovery RecoveryPolicies::decide(const StepFailure& failure) const {
  Recovery out;
  out.strategy = built_in(failure);
  out.policy = "built in";
  for (const Policy& policy : policies_) {
    if (!glob_fits(policy.error, failure.code) || !glob_fits(policy.capability, failure.capability) ||
        !is_allowed(policy.strategy, failure) || (policy.attempts > 0 && failure.attempt >= policy.attempts))
      continue;
    out.strategy = policy.strategy;
    out.delay_us = policy.delay_us;
    out.fallback = policy.fallback;
    out.policy = file_ + ":" + std::to_string(policy.line);
    break;
  }
  if (out.strategy == RecoveryStrategy::Retry) out.delay_us = std::max(out.delay_us, failure.retry_after.value_or(0));
  out.severity = severity_of(failure, out.strategy);
  return out;
}

std::vector<std::pair<std::string, int>> RecoveryPolicies::fallbacks() const {
  std::vector<std::pair<std::string, int>> out;
  for (const Policy& policy : policies_)
    if (!policy.fallback.empty()) out.emplace_back(policy.fallback, policy.line);
  return out;
}

class RecoveryReader {
 public:
  using Policy = RecoveryPolicies::Policy;

  static Result<std::vector<Policy>> read(const YamlNode& root) {
    WRENCH_TRY(only(root, {"policies"}));
    const YamlNode* list = root.find("policies");
    if (list == nullptr || !list->is_sequence()) return invalid(list == nullptr ? root : *list, "'policies' is a list");
    if (list->items.size() > kRecoveryPoliciesMax)
      return invalid(*list, "at most " + std::to_string(kRecoveryPoliciesMax) + " policies are read");
    std::vector<Policy> out;
    for (const YamlNode& item : list->items) out.push_back(WRENCH_TRY(policy_of(item)));
    return out;
  }

 private:
  static Error invalid(const YamlNode& at, std::string message) {
    return Error("workflow.recovery_invalid", std::move(message))
        .at("", static_cast<int>(at.line), static_cast<int>(at.column));
  }

  static Result<void> only(const YamlNode& node, const std::vector<std::string_view>& known) {
    if (!node.is_mapping()) return invalid(node, "this is a mapping");
    for (const auto& member : node.members)
      if (std::ranges::find(known, member.key.text) == known.end()) {
        const auto guess = nearest(member.key.text, known);
        return invalid(member.key, "there is no member '" + escape_for_display(member.key.text) + "'" +
                                       (guess.empty() ? "" : "; did you mean '" + std::string(guess) + "'?"));
      }
    return {};
  }

  static Result<std::string> glob_of(const YamlNode& node) {
    if (!node.is_scalar() || node.is_null() || node.text.empty() || node.text.size() > kGlobBytesMax)
      return invalid(node, "a glob is a text of 1 to 128 bytes, e.g. scan.*");
    return node.text;
  }

  static Result<RecoveryStrategy> strategy_of(const YamlNode& node) {
    for (const auto strategy :
         {RecoveryStrategy::Retry, RecoveryStrategy::Fallback, RecoveryStrategy::Skip, RecoveryStrategy::Abort})
      if (node.is_scalar() && node.text == name(strategy)) return strategy;
    for (const std::string_view later : {"escalate", "retry_changed", "compensate"})
      if (node.is_scalar() && node.text == later) return invalid(node, node.text + " isn't there yet");
    return invalid(node, "a strategy is retry, fallback, skip or abort");
  }

  static Result<Policy> policy_of(const YamlNode& node) {
    WRENCH_TRY(only(node, {"error", "capability", "strategy", "attempts", "delay", "to"}));
    Policy out;
    out.line = static_cast<int>(node.line);
    if (const auto* error = node.find("error")) out.error = WRENCH_TRY(glob_of(*error));
    if (const auto* capability = node.find("capability")) out.capability = WRENCH_TRY(glob_of(*capability));
    const YamlNode* strategy = node.find("strategy");
    if (strategy == nullptr) return invalid(node, "a policy needs a strategy");
    out.strategy = WRENCH_TRY(strategy_of(*strategy));
    const YamlNode* delay = node.find("delay");
    const YamlNode* attempts = node.find("attempts");
    for (const YamlNode* of_retry : {delay, attempts})
      if (of_retry != nullptr && out.strategy != RecoveryStrategy::Retry)
        return invalid(*of_retry, "'delay' and 'attempts' are for retry");
    if (attempts != nullptr) {
      const auto count = attempts->is_scalar() ? attempts->as_integer() : std::nullopt;
      if (!count || *count < 2 || *count > kRecoveryAttemptsMax)
        return invalid(*attempts, "'attempts' is a whole number from 2 to " + std::to_string(kRecoveryAttemptsMax));
      out.attempts = static_cast<int>(*count);
    }
    if (delay != nullptr) {
      const auto time = parse_duration(delay->text);
      if (!delay->is_scalar() || !time || *time < 0 || *time > kRecoveryDelayMax)
        return invalid(*delay, "a delay is a duration up to 1d, e.g. 30s");
      out.delay_us = *time;
    }
    const YamlNode* to = node.find("to");
    if ((to != nullptr) != (out.strategy == RecoveryStrategy::Fallback))
      return invalid(to == nullptr ? node : *to, "'to' is the capability of a fallback");
    if (to != nullptr) {
      out.fallback = WRENCH_TRY(glob_of(*to));
      if (out.fallback.find_first_of("*?") != std::string::npos || out.fallback.find('.') == std::string::npos)
        return invalid(*to, "'to' names one capability: agent.operation");
    }
    return out;
  }
};

Result<RecoveryPolicies> RecoveryPolicies::parse(std::string_view yaml, std::string file) {
  const auto placed = [&](const Error& error) {
    return Error("workflow.recovery_invalid", error.message)
        .at(file, std::max(error.place.line, 1), std::max(error.place.column, 1));
  };
  codec::YamlLimits limits;
  limits.bytes_max = kRecoveryBytesMax;
  limits.depth_max = 8;
  limits.anchors = codec::YamlAnchors::Refused;
  const auto root = codec::parse_yaml(yaml, limits);
  if (!root) return placed(root.error());
  auto policies = RecoveryReader::read(*root);
  if (!policies) return placed(policies.error());
  RecoveryPolicies out;
  out.file_ = std::move(file);
  out.policies_ = std::move(*policies);
  return out;
}

}  // namespace wrench::workflow
