#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/recovery.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kStepOutputBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kInlineBytesMax = 1024;  ///< Larger payloads are blobs.
inline constexpr std::size_t kCheckpointBytesMax = 64 * 1024;
inline constexpr std::size_t kErrorBytesMax = 8 * 1024;

/// What a capability declares about itself.
struct CapabilityTraits {
  Effect effect = Effect::Guarded;  ///< Undeclared means guarded.
  SlotClass slot = SlotClass::Cpu;
};

/// Position of a step's work, for people. Not durable.
struct Progress {
  double done = 0;
  double total = 0;  ///< 0: unknown.
  std::string message;
};

struct StepInvocation {
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  std::int64_t epoch = 0;
  int attempt = 1, attempts_max = 1;
  Effect effect = Effect::Guarded;  ///< As it was claimed.
  std::string task_id, execution_id;
  std::int64_t project_id = 0;
  std::string node;                  ///< Plan node id.
  std::optional<std::int64_t> item;  ///< Index of the innermost map's item.
  std::string iterations;            ///< Which of the bodies' repetitions this is; empty outside of bodies.
  std::string capability;
  codec::Json input;  ///< References resolved; of a step that calls nothing, and for which a policy calls something:
                      ///< what it is (docs/reference/recovery.md).
  std::optional<codec::Json> checkpoint;  ///< The latest one of an earlier attempt.
};

/// Permission to do one outside effect now. `receipt` set: it was done in an earlier attempt; don't do it again.
struct EffectTicket {
  std::string effect_key;  ///< Send it to the target, so that it can deduplicate.
  std::optional<codec::Json> receipt;
};

/// Permission to make one call. `response` set: an earlier attempt made it, and has paid; don't make it again.
struct BudgetTicket {
  int call = 0;
  std::optional<codec::Json> response;
};

struct Failed;

/// What a running step may ask of the engine. One thread: that of run().
class StepContext {
 public:
  virtual ~StepContext() = default;
  /// Stops on cancel, timeout, drain and loss of the lease: return soon, any outcome.
  virtual StopToken stop() const = 0;
  virtual Deadline deadline() const = 0;
  /// Feeds the heartbeat and the display. Never blocks.
  virtual void tick(const Progress& progress) = 0;
  /// Says something to whoever follows the step: text that is read while it runs (streams.hpp). Never blocks; what is
  /// more than kStreamBytesMax is left out. On any thread that works for the step.
  virtual void stream(std::string_view text) = 0;
  /// Keeps this for a later attempt; returns when durable. Errors: workflow.fenced, workflow.checkpoint_too_large.
  virtual Result<void> checkpoint(const codec::Json& state) = 0;
  /// `draw()` at the first attempt, the same value at every later one; returns when durable. Errors: workflow.fenced.
  virtual Result<codec::Json> journaled(std::string_view name, const std::function<codec::Json()>& draw) = 0;
  /// Guarded effects: the intent is durable before this returns. `index` counts the step's effects from 0.
  /// Errors: workflow.fenced, workflow.effect_uncertain: don't do it.
  virtual Result<EffectTicket> begin_effect(int index, const codec::Json& intent) = 0;
  /// Records that it happened. Errors: workflow.fenced.
  virtual Result<void> end_effect(const EffectTicket& ticket, const codec::Json& receipt) = 0;
  /// Reserves the most that the step's next call may use, of all its budgets; durable before this returns. `call`
  /// counts the step's calls from 1, the same at every attempt. Where nothing is limited it costs nothing. Errors:
  /// workflow.budget_exceeded: don't make the call; a step that fails with this error waits until there is more, or
  /// fails, as its task says. workflow.budget_invalid, workflow.fenced.
  virtual Result<BudgetTicket> ask(int call, const BudgetAmounts& most) = 0;
  /// What it used; what isn't named counts as reserved. `response`, unless null, is what a later attempt gets instead
  /// of the call. Errors: workflow.fenced, workflow.checkpoint_too_large.
  virtual Result<void> use(const BudgetTicket& ticket, const BudgetAmounts& used, const codec::Json& response) = 0;
  /// Journals what is about to be done about a failure (to_json(Recovery)); returns when durable. Errors:
  /// workflow.fenced.
  virtual Result<void> recovering(const codec::Json& entry) = 0;
  /// Rows to be written in the transaction that completes the step, and only then. Re-runnable.
  virtual void attach(storage::WriteBody local_effect) = 0;
  /// Stores bytes with the step's completion, however many they are; the reference that is returned goes into its
  /// output. Errors: workflow.output_too_large.
  virtual Result<codec::Json> keep(std::string_view bytes) = 0;
  /// How the step fails with that output, though its capability completed: it isn't what the plan asks for
  /// (PlanNode::ensure). Nothing: it is, or that is found out later.
  virtual std::optional<Failed> refusal(const codec::Json& output) = 0;
  /// The step's effects that took place, whichever run began them.
  virtual Result<std::vector<EffectTicket>> receipts() = 0;
  /// What a reference in the input stands for. Errors: workflow.bad_reference, storage.blob_missing, storage.corrupt.
  virtual Result<std::string> kept(const codec::Json& reference) = 0;
};

enum class FailureClass : std::uint8_t { Retryable, Permanent };
/// Most errors come from the input or the program and stay the same however often it is tried; a store that is busy or
/// full and a machine at its limits are passing.
FailureClass failure_class(const Error& error);

struct Completed {
  codec::Json output;
  std::vector<findings::Finding> findings;  ///< Stored with the completion, see findings_store.hpp.
  bool passed_over = false;  ///< The task goes on without the step: its plan asks nothing of that output.
};
struct Failed {
  FailureClass failure = FailureClass::Permanent;
  Error error;
  std::optional<Micros> retry_after_us;       ///< Rate limited: not before this long.
  std::optional<RecoveryNote> recovery = {};  ///< Somebody decided already what is done about it.
  bool happened = false;                      ///< The capability completed; only its output won't do.
};
/// It wasn't tried, because it would have failed: again after a while. No attempt, and no slot is held meanwhile.
struct HeldBack {
  Error reason;
  Micros delay_us = 0;
  std::string failed_with = {};  ///< Code of the error that others met before.
};
/// Given back unfinished because the stop token asked for it; runs again from its checkpoint, same attempt.
struct Yielded {};
using StepOutcome = std::variant<Completed, Failed, Yielded, HeldBack>;

enum class ReconcileAnswer : std::uint8_t { Done, NotDone, Unknown };
struct Reconciled {
  ReconcileAnswer answer = ReconcileAnswer::Unknown;
  codec::Json receipt;  ///< Of Done; becomes the step's output.
};

/// Carries out steps. `agents` implements it, `app` binds it. Thread-safe: steps run in parallel.
class StepRunner {
 public:
  virtual ~StepRunner() = default;
  /// Error if it can't be run here (there is none of that name, or another version): its steps fail with it.
  virtual Result<CapabilityTraits> traits(std::string_view capability) const = 0;
  virtual StepOutcome run(const StepInvocation& invocation, StepContext& context) = 0;
  /// What is done about a failure that run() never saw: of a step whose time was over, or that calls nothing. Pure.
  virtual Recovery recovery_of(const StepFailure& failure) const {
    static_cast<void>(failure);
    Recovery out;
    out.policy = kBuiltIn;
    return out;
  }
  /// Whether a guarded effect whose receipt is missing took place. Unknown leaves the step to a person.
  virtual Reconciled reconcile(std::string_view capability, std::string_view effect_key, const codec::Json& intent) {
    static_cast<void>(capability), static_cast<void>(effect_key), static_cast<void>(intent);
    return {};
  }
};

}  // namespace wrench::workflow
