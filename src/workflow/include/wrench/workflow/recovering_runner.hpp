#pragma once

#include <string_view>
#include <utility>

#include "wrench/workflow/recovery.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::workflow {

/// Carries out steps by another runner, and does about those that fail what the policies say. A fallback and a skip are
/// journaled as a value "recovery <attempt>: …" before they are done, and never follow each other; retries and aborts
/// are what the failure itself says. Neither is done for capabilities with effects outside of the store. Thread-safe.
class RecoveringRunner final : public StepRunner {
 public:
  /// `others` must outlive this.
  RecoveringRunner(RecoveryPolicies policies, StepRunner& others) : policies_(std::move(policies)), others_(others) {}

  Result<CapabilityTraits> traits(std::string_view capability) const override { return others_.traits(capability); }
  StepOutcome run(const StepInvocation& invocation, StepContext& context) override;
  Reconciled reconcile(std::string_view capability, std::string_view effect_key, const codec::Json& intent) override {
    return others_.reconcile(capability, effect_key, intent);
  }

 private:
  bool has_outside_effects(std::string_view capability) const;
  StepOutcome recover(const StepInvocation& invocation, StepContext& context, Failed failed);
  StepOutcome fall_back(const StepInvocation& invocation, StepContext& context, Failed failed,
                        const Recovery& recovery);

  const RecoveryPolicies policies_;
  StepRunner& others_;
};

}  // namespace wrench::workflow
