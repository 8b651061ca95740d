#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wrench::workflow {

/// The checks that keep the engine's promises. The build of the crash tests (WRENCH_WORKFLOW_MUTATIONS) can switch one
/// off, to prove that their checks notice; in the product every guard is a compile-time `true`.
enum class Keep : std::uint8_t {
  Fence,                ///< A result with an old epoch is dropped.
  RecordFence,          ///< So is what a step records on its way.
  StatePredicate,       ///< A result counts only for a running step.
  EpochOnClaim,         ///< Each claim gets an epoch of its own.
  EpochOnLoss,          ///< What takes a step from its attempt ends the attempt's epoch.
  CommitBeforeAck,      ///< Callers hear of success after the flush, not before.
  KeyUnique,            ///< An idempotency key finds its task.
  TimerEpoch,           ///< A timer of an earlier attempt does nothing.
  SlotRelease,          ///< A step that ends gives its slot back.
  ClaimAgain,           ///< A slot is filled although its flush cancelled the heads of the queue.
  IntentFirst,          ///< The intent is durable before the effect.
  OpenIntentUncertain,  ///< A lost step with an open intent doesn't run again.
  ReceiptKnown,         ///< An effect with a receipt isn't begun again.
  AttemptsBound,        ///< A step that fails as often as its plan allows has failed.
  PoisonBound,          ///< A step whose process dies each time isn't tried for ever.
  DepsLeft,             ///< A finished need counts down its dependents.
  FinallyGate,          ///< A finally node waits for everything else.
  RequeueOnAdopt,       ///< Running steps of a dead boot become ready again.
  CancelOnAdopt,        ///< Unless they were asked to stop: they end.
  LoadTimers,           ///< Timers of an adopted execution are armed again.
  KeyLimit,             ///< A step doesn't begin while its key is used up.
  KeyRelease,           ///< A step that runs no more gives its key back.
  Unpark,               ///< What is parked has its turn when its key is free.
  NewestWaits,          ///< What is to wait alone takes the place of those that waited before it.
  SupersededTold,       ///< Who lost its place hears of it, whatever becomes of the process that decided it.
  ChildEndKept,         ///< What the end of a task means for the step that began it is durable with that end.
  ChildGivenUp,         ///< A step that waits no more asks its child to end.
  ForkNeeds,            ///< What a fork took over counts for the steps that need it.
  ForkInputs,           ///< A fork goes on with the inputs that it was given.
  Reserve,              ///< Nothing begins that a budget has nothing left for.
  SettleDraws,          ///< What a run has reserved is settled with its end.
  HoldBackFree,         ///< What wasn't tried counts as no attempt.
  EscalationWaits,      ///< What is a person's to decide waits for a person.
  EnginePolicies,       ///< What policies say holds for failures, too, that no run meets.
  CriticalSuspends,     ///< After a critical failure nothing begins until a person says so.
  StreamFence,          ///< What a lost run says isn't added to what its step says.
  BaggageOfAccepted,    ///< Findings are stored with the result that made them, or not at all.
  DependencyHolds,      ///< A task doesn't begin before those that it depends on.
  // Of several processes on one database, which the simulator doesn't have: left out by wrench_kill_workers_mutable.
  LoseSilent,   ///< A worker that gives no sign of life loses its steps to others.
  SilentIsOut,  ///< And writes nothing more itself.
  kCount,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Keep::kCount)> kKeepNames = {
    "fence",
    "record_fence",
    "state_predicate",
    "epoch_on_claim",
    "epoch_on_loss",
    "commit_before_ack",
    "key_unique",
    "timer_epoch",
    "slot_release",
    "claim_again",
    "intent_first",
    "open_intent_uncertain",
    "receipt_known",
    "attempts_bound",
    "poison_bound",
    "deps_left",
    "finally_gate",
    "requeue_on_adopt",
    "cancel_on_adopt",
    "load_timers",
    "key_limit",
    "key_release",
    "unpark",
    "newest_waits",
    "superseded_told",
    "child_end_kept",
    "child_given_up",
    "fork_needs",
    "fork_inputs",
    "reserve",
    "settle_draws",
    "hold_back_free",
    "escalation_waits",
    "engine_policies",
    "critical_suspends",
    "stream_fence",
    "baggage_of_accepted",
    "dependency_holds",
    "lose_silent",
    "silent_is_out"};
/// So many come first that the simulator leaves out.
inline constexpr auto kKeepsSimulated = static_cast<std::size_t>(Keep::LoseSilent);

#ifdef WRENCH_WORKFLOW_MUTATIONS
inline Keep g_removed_guard = Keep::kCount;
inline bool keeps(Keep guard) { return guard != g_removed_guard; }
#else
constexpr bool keeps(Keep) { return true; }
#endif

}  // namespace wrench::workflow
