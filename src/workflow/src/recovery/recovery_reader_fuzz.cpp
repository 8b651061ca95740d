#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/base/assert.hpp"
#include "wrench/workflow/recovery_policies.hpp"

using namespace wrench;
using namespace wrench::workflow;

namespace {

void check_breaker(const BreakerRule& rule) {
  const BreakerSettings& its = rule.settings;
  WRENCH_ASSERT(its.failures_min >= 1 && its.failures_min <= its.calls);
  WRENCH_ASSERT(its.failure_share > 0 && its.failure_share <= 1);
  WRENCH_ASSERT(its.window_us > 0 && its.open_us > 0 && its.open_us <= its.open_us_max);
}

/// What is decided is always something that may be done about such a failure.
void check_decision(const RecoveryPolicies& policies, const StepFailure& failure) {
  const Recovery recovery = policies.decide(failure);
  WRENCH_ASSERT(recovery.delay_us >= 0 && !recovery.policy.empty());
  if (failure.error_class == ErrorClass::Uncertain)
    WRENCH_ASSERT(recovery.strategy != RecoveryStrategy::Fallback &&
                  recovery.strategy != RecoveryStrategy::RetryChanged);
  if (recovery.strategy == RecoveryStrategy::Fallback || recovery.strategy == RecoveryStrategy::Compensate)
    WRENCH_ASSERT(!recovery.capability.empty());
  const auto told = recovery_entry(to_json(recovery, failure));
  WRENCH_ASSERT(told && told->recovery.strategy == recovery.strategy && told->recovery.policy == recovery.policy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policies = RecoveryPolicies::parse(text, "recovery.yaml");
  if (!policies) {
    WRENCH_ASSERT(policies.error().code == "workflow.recovery_invalid" && policies.error().place.line >= 1 &&
                  policies.error().place.column >= 1 && !policies.error().message.empty());
    return 0;
  }
  for (const BreakerRule& rule : policies->breakers()) check_breaker(rule);
  for (const auto& named : policies->named()) WRENCH_ASSERT(!named.capability.empty() && named.line >= 1);
  for (const auto error_class : {ErrorClass::Retryable, ErrorClass::RateLimited, ErrorClass::Permanent,
                                 ErrorClass::Uncertain, ErrorClass::Cancelled, ErrorClass::Budget})
    for (const int attempt : {1, 2, 100})
      check_decision(*policies, {.code = "scan.failed",
                                 .message = text.substr(0, 300),
                                 .capability = "scan.run",
                                 .error_class = error_class,
                                 .attempt = attempt});
  return 0;
}
