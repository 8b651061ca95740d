#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/payload_cache.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::workflow {

/// What the shell lends to one run of a step.
struct StepSession {
  storage::Store& store;
  PayloadCache& payloads;
  const Clock& clock;
  Random& random;
  StopToken stop;
  Deadline deadline;
  std::function<void(const Progress&)> tick;
  std::function<void(std::string_view)> stream;
  /// Makes one record durable; returns after its flush.
  std::function<Result<void>(command::Record)> record;
  const Labels* labels = nullptr;    ///< What this process offers; null: whatever a step requires.
  storage::ReadTx* reads = nullptr;  ///< Reads what the step begins with; null: the store.
};

/// Runs a claimed step, up to the job that reports its end: resolves inputs, evaluates `when`, opens or
/// collects a map, merges, or calls the runner. Blocks; one thread. Exceptions of the runner become failures.
Job execute_step(const Launch& launch, StepRunner& runner, StepSession session);

/// Has a capability run. That nobody knows it (workflow.missing_capability), and what it throws (workflow.step_threw),
/// are failures.
StepOutcome run_capability(StepRunner& runner, const StepInvocation& invocation, StepContext& context);

/// Whether a person may give that output to a step of the task's latest execution: it waits for one, and it is what its
/// plan asks for. Its capability; empty if it is of another kind. Errors: workflow.step_not_found,
/// workflow.invalid_transition (names its state), workflow.condition_false.
Result<std::string> check_resolution(storage::ReadTx& tx, PlanCache& plans, PayloadCache& payloads,
                                     std::int64_t task_no, std::int64_t step_no, const codec::Json& output);

/// Asks the runner's hook about the open effects of an uncertain step.
Result<Job> reconcile_step(StepKey step, StepRunner& runner, storage::Store& store, PlanCache& plans);

}  // namespace wrench::workflow
