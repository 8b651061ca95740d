#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wrench::workflow {

/// The checks that keep the engine's promises. The simulator's build (WRENCH_WORKFLOW_MUTATIONS) can switch one off, to
/// prove that its checker notices; in the product every guard is a compile-time `true`.
enum class Keep : std::uint8_t {
  Fence,                ///< A result with an old epoch is dropped.
  EpochOnClaim,         ///< Each claim gets an epoch of its own.
  CommitBeforeAck,      ///< Callers hear of success after the flush, not before.
  KeyUnique,            ///< An idempotency key finds its task.
  TimerEpoch,           ///< A timer of an earlier attempt does nothing.
  SlotRelease,          ///< A step that ends gives its slot back.
  IntentFirst,          ///< The intent is durable before the effect.
  OpenIntentUncertain,  ///< A lost step with an open intent doesn't run again.
  DepsLeft,             ///< A finished need counts down its dependents.
  RequeueOnAdopt,       ///< Running steps of a dead boot become ready again.
  LoadTimers,           ///< Timers of an adopted execution are armed again.
  kCount,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Keep::kCount)> kKeepNames = {
    "fence",        "epoch_on_claim",        "commit_before_ack", "key_unique",       "timer_epoch", "slot_release",
    "intent_first", "open_intent_uncertain", "deps_left",         "requeue_on_adopt", "load_timers"};

#ifdef WRENCH_WORKFLOW_MUTATIONS
inline Keep g_removed_guard = Keep::kCount;
inline bool keeps(Keep guard) { return guard != g_removed_guard; }
#else
constexpr bool keeps(Keep) { return true; }
#endif

}  // namespace wrench::workflow
