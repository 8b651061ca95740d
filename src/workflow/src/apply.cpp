#include <algorithm>
#include <cmath>

#include "guards.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

namespace {

Guard by_policy(OnExhausted policy, Guard fail, Guard dead) { return policy == OnExhausted::Dead ? dead : fail; }

Guard choose_guard(const StepRow& row, const StepEvent& event, const PlanNode& node, const ApplyContext& context) {
  const bool running = row.state == StepState::Running;
  const bool open_intent = running && context.open_intent && keeps(Keep::OpenIntentUncertain);
  const bool attempts_left = (row.attempt < node.retry.attempts || !keeps(Keep::AttemptsBound)) && !event.final;
  const Guard spent = by_policy(context.on_exhausted, Guard::AttemptsSpentFail, Guard::AttemptsSpentDead);
  const Guard stopped = by_policy(context.on_exhausted, Guard::Fail, Guard::Dead);
  switch (event.kind) {
    case StepEventKind::Complete:
    case StepEventKind::Wait:
      return Guard::EpochEqual;
    case StepEventKind::WhenFalse:
      return Guard::EpochEqual;
    case StepEventKind::FailRetryable:
      return open_intent ? Guard::OpenIntent : attempts_left ? Guard::AttemptsLeft : spent;
    case StepEventKind::FailPermanent:
      if (open_intent) return Guard::OpenIntent;
      return event.escalate && keeps(Keep::EscalationWaits) ? Guard::Escalated : stopped;
    case StepEventKind::Timeout:
      if (!running) return stopped;
      return open_intent ? Guard::OpenIntent : attempts_left ? Guard::AttemptsLeft : spent;
    case StepEventKind::LeaseLost:
      if (open_intent) return Guard::OpenIntent;
      if (row.lost + 1 >= context.losses_max && keeps(Keep::PoisonBound))
        return by_policy(context.on_exhausted, Guard::PoisonFail, Guard::PoisonDead);
      return Guard::Repeatable;
    case StepEventKind::Release:
      return open_intent ? Guard::OpenIntent : Guard::Repeatable;
    case StepEventKind::HoldBack:
      return open_intent ? Guard::OpenIntent : Guard::EpochEqual;
    case StepEventKind::Cancel:
      if (!running) return Guard::None;
      return open_intent ? Guard::OpenIntent : Guard::EpochEqual;
    case StepEventKind::CancelGraceOver:
      return open_intent ? Guard::OpenIntent : Guard::None;
    case StepEventKind::OutOfBudget:
      return open_intent                                                ? Guard::OpenIntent
             : event.final && context.on_exhausted == OnExhausted::Fail ? Guard::Fail
                                                                        : Guard::None;
    default:
      return Guard::None;
  }
}

}  // namespace

Micros retry_delay(const RetryPolicy& policy, int attempt, Random& random) {
  const double grown = static_cast<double>(policy.first_us) * std::pow(policy.factor, std::max(0, attempt - 1));
  const auto bound = static_cast<Micros>(std::min(grown, static_cast<double>(policy.cap_us)));
  return static_cast<Micros>(random.below(static_cast<std::uint64_t>(std::max<Micros>(bound, 0)) + 1));
}

Result<StepDelta> apply(const StepRow& row, const StepEvent& event, const PlanNode& node, const ApplyContext& context) {
  const bool other_attempt = event.epoch && *event.epoch != row.epoch && keeps(Keep::Fence);
  const bool not_running = event.epoch && row.state != StepState::Running && keeps(Keep::StatePredicate);
  if (other_attempt || not_running)
    return Error("workflow.fenced", "step " + std::to_string(row.step_no) + " went on without this attempt (epoch " +
                                        std::to_string(*event.epoch) + ", now " + std::to_string(row.epoch) + ")");
  const Guard guard = choose_guard(row, event, node, context);
  // The table, too, knows results of running steps only: leaving the predicate out means to ask it for those.
  const StepState from = event.epoch && !keeps(Keep::StatePredicate) ? StepState::Running : row.state;
  const Transition* transition =
      find_transition(Machine::Step, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(event.kind), guard);
  if (transition == nullptr)
    return Error("workflow.invalid_transition", "step " + std::to_string(row.step_no) + " is " +
                                                    std::string(name(row.state)) + ": '" +
                                                    std::string(name(event.kind)) + "' doesn't apply");
  StepDelta delta{.after = row, .transition = transition};
  StepRow& after = delta.after;
  after.state = static_cast<StepState>(transition->to);

  switch (event.kind) {
    case StepEventKind::Claim:
      if ((row.flags & kFlagCollecting) == 0 || row.attempt == 0) ++after.attempt;
      if (keeps(Keep::EpochOnClaim)) ++after.epoch;
      after.worker_boot = context.boot;
      after.claimed_at = context.now;
      after.flags =
          (row.flags & ~static_cast<std::uint32_t>(kFlagEffectMask)) | static_cast<std::uint32_t>(context.effect);
      break;
    case StepEventKind::LeaseLost:
      ++after.lost;
      [[fallthrough]];
    case StepEventKind::Release:
      if (keeps(Keep::EpochOnLoss)) ++after.epoch;
      after.attempt = std::max(0, row.attempt - 1);
      break;
    case StepEventKind::Timeout:
    case StepEventKind::CancelGraceOver:
    case StepEventKind::ReconciledNotDone:
      if (keeps(Keep::EpochOnLoss)) ++after.epoch;
      break;
    case StepEventKind::OutOfBudget:
      if (row.state != StepState::Running) break;
      if (keeps(Keep::EpochOnLoss)) ++after.epoch;
      if (after.state == StepState::Waiting) after.attempt = std::max(0, row.attempt - 1);
      break;
    case StepEventKind::Funded:
      after.scheduled_at = 0;  // It wasn't late: its times begin anew.
      break;
    case StepEventKind::HoldBack:
      if (keeps(Keep::HoldBackFree)) after.attempt = std::max(0, row.attempt - 1);
      break;
    case StepEventKind::PassOver:
    case StepEventKind::Escalate:
    case StepEventKind::Recover:
      if (row.state == StepState::Running && keeps(Keep::EpochOnLoss)) ++after.epoch;
      if (event.kind != StepEventKind::Recover) break;
      // What runs in its place is no attempt of its own, and its times begin anew.
      if (row.state == StepState::Running) after.attempt = std::max(0, row.attempt - 1);
      after.scheduled_at = 0;
      break;
    case StepEventKind::PersonRetry:
      ++after.epoch;
      after.attempt = 0;
      after.lost = 0;
      after.scheduled_at = 0;
      break;
    case StepEventKind::Wake:
      after.flags |= kFlagCollecting;
      break;
    default:
      break;
  }
  if (event.kind == StepEventKind::HoldBack) {
    delta.retry_delay_us = event.retry_after_us.value_or(0);
  } else if (after.state == StepState::RetryWait) {
    WRENCH_ASSERT(context.random != nullptr);
    delta.retry_delay_us =
        std::max(retry_delay(node.retry, row.attempt, *context.random), event.retry_after_us.value_or(0));
  }
  if (after.state != StepState::Running) {
    after.worker_boot.clear();
    if (row.state == StepState::Running) after.claimed_at = row.claimed_at;
  }
  return delta;
}

}  // namespace wrench::workflow
