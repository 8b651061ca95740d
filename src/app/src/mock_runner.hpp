#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "effect_log.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/playbook.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::app {

inline constexpr std::size_t kMockBytesMax = std::size_t{1} << 20;  ///< Of the file that --mock names.

/// What --mock FILE says: outputs of operations that there may be no agent for.
class MockScript {
 public:
  struct Operation {
    std::string agent, name;
    std::vector<codec::Json> outputs;  ///< One for each call, the last for all after it.
    Micros delay_us = 0;
    std::vector<std::string> says;  ///< Spread over the delay.
    workflow::Effect effect = workflow::Effect::Pure;
    std::string effect_log;   ///< Its effect is a line there; empty: nothing takes place.
    bool reconciles = false;  ///< By that file.
  };

  /// Errors: cli.mock_invalid with line and column.
  static Result<MockScript> parse(std::string_view yaml);
  /// Errors: those, with the file; io.*.
  static Result<MockScript> read(const std::string& file);

  /// Makes its operations known; one that an agent has, too, keeps the agent's schemas.
  void add_to(workflow::CapabilityCatalogue& catalogue) const;
  /// `capability` may end in a version.
  const Operation* find(std::string_view capability) const;
  /// Each once.
  std::vector<std::string> effect_logs() const;

 private:
  std::map<std::string, Operation, std::less<>> operations_;
};

/// Carries out what the script knows, and leaves the rest to another runner. A guarded operation asks for its effect,
/// has it, and keeps the receipt, as an agent's would; an idempotent one has it in each run, with the same key.
/// Thread-safe.
class MockRunner final : public workflow::StepRunner {
 public:
  /// `others` must outlive this. Effect logs are below `folder`, and are made if they aren't there. Errors: io.*.
  static Result<std::unique_ptr<MockRunner>> open(MockScript script, workflow::StepRunner& others,
                                                  const std::string& folder);

  Result<workflow::CapabilityTraits> traits(std::string_view capability) const override;
  workflow::StepOutcome run(const workflow::StepInvocation& invocation, workflow::StepContext& context) override;
  workflow::Reconciled reconcile(std::string_view capability, std::string_view effect_key,
                                 const codec::Json& intent) override;

 private:
  MockRunner(MockScript script, workflow::StepRunner& others, std::optional<EffectLog> log)
      : script_(std::move(script)), others_(others), log_(std::move(log)) {}
  /// The output of this call, or its failure.
  workflow::StepOutcome answer(const MockScript::Operation& operation, const workflow::StepInvocation& invocation);
  workflow::StepOutcome once(const MockScript::Operation& operation, const workflow::StepInvocation& invocation,
                             workflow::StepContext& context, workflow::Completed answer);

  MockScript script_;
  workflow::StepRunner& others_;
  std::optional<EffectLog> log_;  ///< Present if an operation has one.
  std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> calls_;
};

}  // namespace wrench::app
