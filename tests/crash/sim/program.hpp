#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "wrench/base/random.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/recovery_policies.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::sim {

/// Which troubles a run has; each run draws its own mix.
struct Troubles {
  int fail_percent = 0;       ///< Attempts that fail.
  int timeout_percent = 0;    ///< Waits that are longer than any timeout.
  int crash_percent = 0;      ///< Flushes, checkpoints and starts that end the process.
  int power_cut_percent = 0;  ///< Of these: the power goes, in the middle of it.
  int kill_percent = 0;       ///< Of the others: the process is killed in the middle of it.
  int cancel_percent = 0;     ///< User turns that cancel, retry or fork a task.
  int doubled_percent = 0;    ///< Results that arrive twice.
  int yield_percent = 0;      ///< Attempts that give back what they do.
  int pause_percent = 0;      ///< User turns that pause a task or let it go on.
  int slow_percent = 0;       ///< Attempts that get going only after their step may have gone on without them.
  int held_percent = 0;       ///< Attempts that are held back.
  int person_percent = 0;     ///< Failures for good that are a person's to decide, or critical.
  int undone_percent = 0;     ///< Attempts of guarded steps that fail after their effect, which is to be undone.
  bool breakers = false;      ///< Circuit breakers watch.
  bool policies = false;      ///< Failures that no run meets have policies, too.
  bool calm = false;          ///< Crashes only: the outcome must equal that of an undisturbed run.
};

/// What a run does, drawn from its seed.
struct Program {
  explicit Program(std::uint64_t seed);
  /// What one task of the run is to wait for: another, by its idempotency key.
  struct After {
    std::string key;
    workflow::DependencyPolicy policy = workflow::DependencyPolicy::Block;
  };
  /// One fewer; nothing waits for it any more.
  void remove_task(std::size_t index);
  std::vector<workflow::CreateTask> tasks;
  std::map<std::string, std::vector<After>> after;  ///< By idempotency key; each names a task of `tasks`.
  Troubles troubles;
};

/// The outside world: remembers every effect, whatever becomes of the store.
struct EffectSink {
  std::map<std::string, int> done;
  /// What calls cost that were told to the store, by execution, step and epoch.
  std::map<std::array<std::int64_t, 3>, std::int64_t> paid;
  std::map<std::string, int> open;  ///< Effects of a step that aren't undone.
  std::string wrong;                ///< What must not have happened.
};

/// What a capability says: depends on the step and its input only.
std::int64_t value_of(const std::string& node, const std::string& iterations, const codec::Json& input);

/// Code of the failures that a person is to decide about.
inline constexpr std::string_view kForAPerson = "sim.for_a_person";
/// What is done about failures in a run: recovery.yaml.
workflow::RecoveryPolicies recovery_policies(const Troubles& troubles);

/// Does what the seed says; its outputs depend on the inputs only.
class Runner final : public workflow::StepRunner {
 public:
  Runner(std::uint64_t seed, const Troubles& troubles, EffectSink& sink)
      : seed_(seed), troubles_(troubles), sink_(sink) {}
  Result<workflow::CapabilityTraits> traits(std::string_view capability) const override;
  workflow::StepOutcome run(const workflow::StepInvocation& invocation, workflow::StepContext& context) override;
  workflow::Reconciled reconcile(std::string_view capability, std::string_view effect_key,
                                 const codec::Json& intent) override;

 private:
  /// A guarded effect of the step, or what undoes it; the failure if it isn't to be.
  std::optional<workflow::Failed> take_effect(const workflow::StepInvocation& invocation,
                                              workflow::StepContext& context);
  std::optional<workflow::Failed> draw_failure(const workflow::StepInvocation& invocation, Random& dice) const;

  std::uint64_t seed_;
  const Troubles& troubles_;
  EffectSink& sink_;
};

}  // namespace wrench::sim
