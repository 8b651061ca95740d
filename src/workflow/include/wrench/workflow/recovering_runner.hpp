#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/steady_clock.hpp"
#include "wrench/workflow/recovery_policies.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::telemetry {
class MetricsRegistry;
}

namespace wrench::workflow {

class Breakers;
struct RecoveryMark;

/// Carries out steps by another runner, and does about those that fail what the policies say; what it does by itself
/// (another capability, passing over, undoing) is journaled before it is done, the rest is told to the engine with the
/// failure. Nothing that it does about a failure has a policy of its own. What a step has to remember of it is in its
/// checkpoint, under "$recovery". Keeps calls from what fails again and again: these steps are held back. Thread-safe.
class RecoveringRunner final : public StepRunner {
 public:
  /// `others`, `clock` and `metrics` (may be null) must outlive this.
  RecoveringRunner(RecoveryPolicies policies, StepRunner& others, const Clock& clock,
                   telemetry::MetricsRegistry* metrics = nullptr);
  ~RecoveringRunner() override;

  Result<CapabilityTraits> traits(std::string_view capability) const override { return others_.traits(capability); }
  StepOutcome run(const StepInvocation& invocation, StepContext& context) override;
  Recovery recovery_of(const StepFailure& failure) const override { return policies_.decide(failure); }
  Reconciled reconcile(std::string_view capability, std::string_view effect_key, const codec::Json& intent) override {
    return others_.reconcile(capability, effect_key, intent);
  }

  /// By capability and target.
  std::vector<CircuitView> open_circuits() const;

 private:
  bool has_outside_effects(std::string_view capability) const;
  StepOutcome attempt(const StepInvocation& invocation, StepContext& context, RecoveryMark mark);
  StepOutcome recover(const StepInvocation& invocation, StepContext& context, Failed failed, RecoveryMark mark);
  StepOutcome change_input(const StepInvocation& invocation, Failed failed, const Recovery& recovery,
                           RecoveryMark mark) const;
  StepOutcome fall_back(const StepInvocation& invocation, StepContext& context, const Recovery& recovery,
                        const StepFailure& facts, const RecoveryMark& mark);
  StepOutcome begin_undoing(const StepInvocation& invocation, StepContext& context, Failed failed,
                            const Recovery& recovery, const StepFailure& facts, RecoveryMark mark);
  StepOutcome undo(const StepInvocation& invocation, StepContext& context, RecoveryMark mark);
  /// The engine decided that another capability takes the step's place.
  StepOutcome replace(const StepInvocation& invocation, StepContext& context, const RecoveryMark& mark);
  StepOutcome run_instead(const StepInvocation& invocation, StepContext& context, const std::string& capability,
                          const RecoveryMark& mark);
  /// What a step whose circuit is open does instead: its fallback, or nothing for now.
  StepOutcome held_back(const StepInvocation& invocation, StepContext& context, HeldBack held,
                        const RecoveryMark& mark);
  /// Runs it unless its circuit is open.
  StepOutcome call(const StepInvocation& invocation, Effect effect, StepContext& context);

  const RecoveryPolicies policies_;
  StepRunner& others_;
  const SteadyClock clock_;  ///< A clock that was set back keeps no circuit open.
  const std::unique_ptr<Breakers> breakers_;
};

}  // namespace wrench::workflow
