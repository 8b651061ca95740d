// What is done about a failed step: the entry in its journal, and what the severity asks for. Steps that don't fail
// never come here.

#include <algorithm>
#include <utility>

#include "decision.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

struct Told {
  std::string code, message;
};

Told told_by(std::string_view error_json) {
  const auto error = codec::parse_json(error_json);
  if (!error.ok() || !error->is_object()) return {};
  return {std::string(error->at("code").as_string()), std::string(error->at("message").as_string())};
}

/// What was done shows in what became of the step, but for what the runner did by itself.
RecoveryStrategy strategy_of(StepState state, const RecoveryNote* note) {
  using R = RecoveryStrategy;
  const R said = note == nullptr ? R::Abort : note->strategy;
  if (state == StepState::RetryWait) return said == R::RetryChanged ? said : R::Retry;
  if (said == R::Compensate && state != StepState::Uncertain) return said;
  return state == StepState::Failed ? R::Abort : R::Escalate;
}

}  // namespace

Result<void> Decision::failed(Execution& e, Step& s, const command::Outcome& c) {
  const auto& fail = std::get<command::Outcome::Fail>(c.result);
  const bool current = s.row.epoch == c.epoch;
  if (fail.happened && current) close_intents(c.step, c.epoch);
  if (fail.retry_after_us && current) empty_rate(s.row, *fail.retry_after_us);
  const RecoveryNote* note = fail.recovery.get();
  const ErrorClass error_class = workflow::error_class(
      told_by(fail.error_json).code, fail.failure == FailureClass::Retryable, fail.retry_after_us.has_value());
  StepEvent event{may_pass(error_class) ? StepEventKind::FailRetryable : StepEventKind::FailPermanent, c.epoch,
                  fail.retry_after_us};
  if (note != nullptr && note->delay_us > 0)
    event.retry_after_us = std::max(note->delay_us, fail.retry_after_us.value_or(0));
  event.escalate = note != nullptr && note->strategy == RecoveryStrategy::Escalate;
  WRENCH_TRY(fire(e, s, event));
  s.row.output_seq = journal(e, s.row.state == StepState::RetryWait ? "retry" : std::string(name(s.row.state)), &s.row,
                             fail.error_json);
  if (note != nullptr && !note->checkpoint_json.empty()) s.row.cursor = note->checkpoint_json;
  if (s.row.state == StepState::Failed) keep_error(e, s.row, fail.error_json);
  return recovered(e, s, error_class, fail.error_json, note);
}

Result<void> Decision::hold_back(Execution& e, Step& s, const command::Outcome& c) {
  const auto& held = std::get<command::Outcome::HeldBack>(c.result);
  WRENCH_TRY(fire(e, s, {StepEventKind::HoldBack, c.epoch, held.delay_us}));
  if (s.row.state == StepState::Uncertain) {
    journal(e, "uncertain", &s.row, held.error_json);
    return recovered(e, s, ErrorClass::Uncertain, held.error_json);
  }
  const Told told = told_by(held.error_json);
  const StepFailure facts{.code = told.code,
                          .message = told.message,
                          .capability = {},
                          .error_class = ErrorClass::RateLimited,
                          .attempt = s.row.attempt};
  const RecoveryCount what{ErrorClass::RateLimited, Severity::Medium, RecoveryStrategy::Retry, true};
  Json entry =
      to_json(Recovery{.strategy = what.strategy, .severity = what.severity, .delay_us = held.delay_us}, facts);
  entry.set("held_back", true);
  return recovered(e, s, what, codec::write_json(entry));
}

Result<void> Decision::recovered(Execution& e, Step& s, ErrorClass error_class, std::string_view error_json,
                                 const RecoveryNote* note) {
  const bool uncertain = s.row.state == StepState::Uncertain;
  Told told = told_by(error_json);
  if (told.code.empty() && uncertain)
    told = {"workflow.effect_uncertain", "its effect was begun, and whether it took place isn't known"};
  const PlanNode& n = node(e, s.row);
  const StepFailure facts{.code = told.code,
                          .message = told.message,
                          .capability = n.capability,
                          .error_class = uncertain ? ErrorClass::Uncertain : error_class,
                          .attempt = s.row.attempt,
                          .attempts_max = n.retry.attempts};
  Recovery done;
  done.strategy = strategy_of(s.row.state, note);
  done.severity = severity_of(facts, done.strategy);
  done.policy = note == nullptr ? std::string(kBuiltIn) : note->policy;
  if (note != nullptr) done.capability = note->capability;
  if (s.row.state == StepState::RetryWait)
    done.delay_us = timers_.at(key_of(s.row)).kinds.at(TimerKind::Retry)->due_at - now_;
  return recovered(e, s, {facts.error_class, done.severity, done.strategy, false},
                   codec::write_json(to_json(done, facts)));
}

Result<void> Decision::recovered(Execution& e, Step& s, const RecoveryCount& what, std::string entry) {
  plan_.recoveries.push_back(what);
  if (what.severity >= Severity::High) {
    storage::EventDraft event;
    event.type = "step.recovery";
    event.project_id = e.task.project_id;
    event.task_id = e.task.id;
    event.subject_kind = "step";
    event.subject_id = e.row.execution_id + "/" + std::to_string(s.row.step_no);
    event.actor = e.actor.empty() ? "system" : e.actor;
    Json payload = codec::parse_json(entry).value();
    payload.set("task", e.task.task_id);
    payload.set("node", node(e, s.row).id);
    event.payload = codec::write_json(payload);
    plan_.events.push_back(std::move(event));
  }
  journal(e, "recovery", &s.row, std::move(entry));
  // Whether an uncertain effect took place its reconcile hook may know.
  if (what.severity == Severity::Critical && s.row.state == StepState::Dead) return suspend_for(e, s);
  return {};
}

/// What a run is about to do by itself.
Result<void> Decision::recorded_recovery(Execution& e, Step& s, const std::string& entry) {
  const auto told = recovery_entry(WRENCH_TRY(codec::parse_json(entry)));
  if (!told) return Error("workflow.recovery_invalid", "what a step told isn't what is done about a failure");
  return recovered(e, s, {told->error_class, told->recovery.severity, told->recovery.strategy, false}, entry);
}

Result<void> Decision::suspend_for(Execution& e, Step& s) {
  const bool known = (s.row.flags & kFlagSuspended) != 0;
  if (known || e.row.cancel_at != 0 || !is_held(s.row.state) || !keeps(Keep::CriticalSuspends)) return {};
  s.row.flags |= kFlagSuspended;
  e.touched = true;
  return e.row.paused == Pause::No ? set_pause(e, Pause::Critical) : Result<void>();
}

}  // namespace wrench::workflow
