#pragma once

#include "wrench/agents/cache_shelf.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/agents/reports.hpp"
#include "wrench/findings/source_lookup.hpp"
#include "wrench/telemetry/log.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::agents {

inline constexpr double kEvidenceMissingMax = 0.10;  ///< Share of findings without evidence that fails the step.
inline constexpr std::size_t kMemoriesRecalled = 8;

/// What a runner works with. All may be missing, and must outlive it.
struct RunnerServices {
  storage::Store* store = nullptr;         ///< Without it agents don't know what people decided.
  workflow::Memory* memory = nullptr;      ///< Without it they remember nothing.
  workflow::Messages* messages = nullptr;  ///< Without it none hears of another.
  telemetry::Logger* logger = nullptr;     ///< Gets a line for each step that ends.
};

/// Carries out the workflow's steps by the registry's agents, always in this order: recall memory, resolve capability
/// and version, validate the input, apply constraints, execute, evidence gate, validate the output, hand everything
/// back as one value. There is no other way for an agent to write. Thread-safe.
///
/// Error codes: agent.no_such_capability, agent.input_invalid, agent.output_invalid, agent.evidence_missing, and the
/// agents' own.
class AgentRunner final : public workflow::StepRunner {
 public:
  /// All must outlive the runner.
  AgentRunner(const Registry& registry, runtime::WorkerPool& pool, const Clock& clock, RunnerServices services = {})
      : registry_(registry), pool_(pool), clock_(clock), services_(services) {}

  Result<workflow::CapabilityTraits> traits(std::string_view capability) const override;
  workflow::StepOutcome run(const workflow::StepInvocation& invocation, workflow::StepContext& context) override;
  /// Whether that can be an output of the capability. Errors: agent.no_such_capability, agent.output_invalid.
  Result<void> check_output(std::string_view capability, const codec::Json& output) const;

  /// Who answers messages that no step sent, for Messages::serve(): for each such agent one subscription. An answer is
  /// sent in the transaction that acknowledges the message. Needs RunnerServices::messages; `stop` ends an answer that
  /// is under way.
  std::vector<workflow::Subscription> mailboxes(const StopToken& stop) const;

  /// The report in a finished step's output. Errors: findings.record_invalid, workflow.bad_reference, storage.*.
  Result<findings::Report> take_report(storage::Store& store, const codec::Json& member) {
    return agents::take_report(reports_, store, member);
  }

  /// The same as run() without a workflow, for single questions: no memory, reports as JSON.
  Result<AgentOutput> call(std::string_view capability, const codec::Json& input, const StopToken& stop,
                           const Deadline& deadline = {}) const;

 private:
  workflow::StepOutcome run_step(const workflow::StepInvocation& invocation, workflow::StepContext& step);
  void log_end(const workflow::StepInvocation& invocation, const workflow::StepOutcome& outcome,
               Micros elapsed_us) const;
  Result<storage::WriteBody> answer(const Agent& agent, const workflow::Message& message, const StopToken& stop) const;
  Result<AgentOutput> carry_out(std::string_view capability, const codec::Json& input, AgentContext& context) const;

  const Registry& registry_;
  runtime::WorkerPool& pool_;
  const Clock& clock_;
  const RunnerServices services_;
  mutable CacheShelf caches_;
  ReportShelf reports_;
};

/// Drops findings whose file, content or range can't be found (any more); returns how many. Each is named in
/// report.partial.
std::size_t drop_without_evidence(findings::Report& report, const findings::SourceLookup& sources);

}  // namespace wrench::agents
