#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

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
  };

  /// Errors: cli.mock_invalid with line and column.
  static Result<MockScript> parse(std::string_view yaml);

  /// Makes its operations known; one that an agent has, too, keeps the agent's schemas.
  void add_to(workflow::CapabilityCatalogue& catalogue) const;
  /// `capability` may end in a version.
  const Operation* find(std::string_view capability) const;

 private:
  std::map<std::string, Operation, std::less<>> operations_;
};

/// Carries out what the script knows, and leaves the rest to another runner. Thread-safe.
class MockRunner final : public workflow::StepRunner {
 public:
  /// `others` must outlive this.
  MockRunner(MockScript script, workflow::StepRunner& others) : script_(std::move(script)), others_(others) {}

  Result<workflow::CapabilityTraits> traits(std::string_view capability) const override;
  workflow::StepOutcome run(const workflow::StepInvocation& invocation, workflow::StepContext& context) override;
  workflow::Reconciled reconcile(std::string_view capability, std::string_view effect_key,
                                 const codec::Json& intent) override {
    return others_.reconcile(capability, effect_key, intent);
  }

 private:
  MockScript script_;
  workflow::StepRunner& others_;
  std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> calls_;
};

}  // namespace wrench::app
