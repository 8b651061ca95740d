// What is done about a failed step: the entry in its journal, and what the severity asks for. Steps that don't fail
// never come here.

#include <algorithm>
#include <utility>

#include "decision.hpp"
#include "wrench/base/text.hpp"

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

/// A person's no.
constexpr std::string_view kRejected = "workflow.rejected";

bool has_outside_effects(Effect effect) { return effect != Effect::Pure && effect != Effect::LocalTransactional; }

/// What was done shows in what became of the step, but for what the runner did by itself.
RecoveryStrategy strategy_of(StepState state, const RecoveryNote* note) {
  using R = RecoveryStrategy;
  const R said = note == nullptr ? R::Abort : note->strategy;
  if (state == StepState::RetryWait) return said == R::RetryChanged ? said : R::Retry;
  if (said == R::Compensate && state != StepState::Uncertain) return said;
  return state == StepState::Failed ? R::Abort : R::Escalate;
}

}  // namespace

StepFailure Decision::facts_of(const Execution& e, const Step& s, std::string_view code, std::string_view message,
                               ErrorClass error_class) const {
  const PlanNode& n = node(e, s.row);
  const std::string_view capability = n.kind == NodeKind::Call ? std::string_view(n.capability) : name(n.kind);
  return {.code = code,
          .message = message,
          .capability = capability.substr(0, capability.find('@')),
          .error_class = error_class,
          .attempt = s.row.attempt,
          .attempts_max = n.retry.attempts};
}

RecoveryMark Decision::mark_of(const Execution& e, const Step& s) const {
  const bool own = node(e, s.row).kind == NodeKind::Call;
  if (s.body || s.row.cursor.empty() || (!own && !RecoveryMark::is_in(s.row.cursor))) return {};
  const auto checkpoint = codec::parse_json(s.row.cursor);
  WRENCH_ASSERT(checkpoint.ok());
  return RecoveryMark::of(*checkpoint);
}

std::optional<Recovery> Decision::policy_for(const Execution& e, const Step& s, const StepFailure& facts) const {
  const PlanNode& n = node(e, s.row);
  const bool stopped = (e.row.cancel_at != 0 && !n.finally) ||
                       (s.row.flags & (kFlagCancelRequested | kFlagSuperseded)) != 0 || facts.code == kRejected;
  if (!context_.recovery || stopped || has_open_intent(key_of(s.row)) || !keeps(Keep::EnginePolicies))
    return std::nullopt;
  const RecoveryMark mark = mark_of(e, s);
  Recovery out;
  out.by_engine = true;
  out.policy = mark.policy;
  out.capability = mark.acting();
  // What is done about a failure has no policy of its own. What was to undo it and can't be tried again is a person's.
  if (!mark.instead.empty()) return out;
  if (mark.undoing) {
    out.strategy = RecoveryStrategy::Escalate;
    const bool again = may_pass(facts.error_class) && !facts.last && facts.attempt < facts.attempts_max;
    return again ? std::nullopt : std::optional(std::move(out));
  }
  out = context_.recovery(key_of(s.row), facts);
  out.by_engine = true;
  if (out.policy == kBuiltIn) return std::nullopt;
  const Effect effect = effect_of(e, s.row);
  const bool ran = s.row.epoch > 0;
  const bool may_be_replaced = !has_outside_effects(effect) || !ran;
  switch (out.strategy) {
    case RecoveryStrategy::Retry:
    case RecoveryStrategy::Escalate:
    case RecoveryStrategy::Abort:
      return out;
    case RecoveryStrategy::RetryChanged:
      if (n.kind != NodeKind::Call || !may_be_replaced) return std::nullopt;
      if (note_of(e, s, out, facts).checkpoint_json.size() > kCheckpointBytesMax) return std::nullopt;
      return out;
    case RecoveryStrategy::Fallback: {
      const auto traits = context_.traits ? context_.traits(out.capability) : std::nullopt;
      const bool fits = may_be_replaced && traits && !has_outside_effects(traits->effect);
      return fits ? std::optional(std::move(out)) : std::nullopt;
    }
    case RecoveryStrategy::Skip:
      return may_be_replaced ? std::optional(std::move(out)) : std::nullopt;
    case RecoveryStrategy::Compensate:
      if (!ran) return std::nullopt;  // There is nothing to undo.
      if (mark.round >= kRecoveryRoundsMax) out.strategy = RecoveryStrategy::Escalate;
      return out;
  }
  return std::nullopt;
}

RecoveryNote Decision::note_of(const Execution& e, const Step& s, const Recovery& recovery,
                               const StepFailure& facts) const {
  RecoveryNote note{.strategy = recovery.strategy,
                    .policy = recovery.policy,
                    .capability = recovery.capability,
                    .delay_us = recovery.delay_us,
                    .checkpoint_json = {},
                    .by_engine = true};
  RecoveryMark mark = mark_of(e, s);
  if (!mark.instead.empty()) {  // Whoever has it tried again means the step itself.
    mark.instead.clear();
    mark.may_pass = false;
    note.checkpoint_json = codec::write_json(mark.json());
    return note;
  }
  if (recovery.strategy != RecoveryStrategy::RetryChanged) return note;
  mark.must_shrink = recovery.change.set.empty();
  mark.set = recovery.change.set;
  for (const std::string& member : recovery.change.halve) ++mark.halved[member];
  mark.code = facts.code;
  mark.message = repair_utf8(facts.message.substr(0, kRecoveryMessageBytesMax));
  ++mark.round;
  mark.checkpoint.reset();  // It is about another input.
  note.checkpoint_json = codec::write_json(mark.json());
  return note;
}

void Decision::take_over(Execution& e, Step& s, const Recovery& recovery, const StepFailure& facts) {
  Recovery done = recovery;
  done.severity = severity_of(facts, done.strategy);
  WRENCH_ASSERT(
      recovered(e, s, {facts.error_class, done.severity, done.strategy, false}, codec::write_json(to_json(done, facts)))
          .ok());
  const std::string message = repair_utf8(facts.message.substr(0, kRecoveryMessageBytesMax));
  if (done.strategy == RecoveryStrategy::Skip) {
    WRENCH_ASSERT(fire(e, s, {StepEventKind::PassOver}).ok());
    s.body.reset();
    s.row.cursor.clear();
    s.row.output_seq = journal(e, "completed", &s.row,
                               codec::write_json(partial_output(facts.code, message, "skipped", facts.capability)));
    return;
  }
  RecoveryMark mark = mark_of(e, s);
  mark.policy = done.policy;
  mark.code = facts.code;
  mark.message = message;
  if (done.strategy == RecoveryStrategy::Fallback) {
    mark.instead = done.capability;
    mark.may_pass = may_pass(facts.error_class) && !facts.last;
  } else {
    mark.undoing = mark.gathers = true;
    mark.inverse = done.capability;
    mark.then_skips = done.then_skips;
  }
  WRENCH_ASSERT(fire(e, s, {StepEventKind::Recover}).ok());
  if (node(e, s.row).timeouts.schedule_to_start_us > 0) delete_timer(key_of(s.row), TimerKind::ScheduleToStart);
  s.row.flags &= ~static_cast<std::uint32_t>(kFlagCollecting);
  s.body.reset();
  s.row.cursor = codec::write_json(mark.json());
}

Result<void> Decision::failed(Execution& e, Step& s, std::int64_t epoch, const command::Outcome::Fail& fail) {
  const bool current = s.row.epoch == epoch && s.row.state == StepState::Running;
  if (fail.happened && current) close_intents(key_of(s.row), epoch);
  if (fail.retry_after_us && current) empty_rate(s.row, *fail.retry_after_us);
  const Told told = told_by(fail.error_json);
  FailureClass failure = fail.failure;
  const auto class_now = [&] {
    return workflow::error_class(told.code, failure == FailureClass::Retryable, fail.retry_after_us.has_value());
  };
  const RecoveryNote* note = fail.recovery.get();
  std::optional<RecoveryNote> own;
  if (note == nullptr && !fail.judged && current) {
    StepFailure facts = facts_of(e, s, told.code, told.message, class_now());
    facts.retry_after = fail.retry_after_us;
    if (const auto policy = policy_for(e, s, facts)) {
      if (is_done_at_once(policy->strategy)) {
        take_over(e, s, *policy, facts);
        return {};
      }
      note = &own.emplace(note_of(e, s, *policy, facts));
      const bool again =
          policy->strategy == RecoveryStrategy::Retry || policy->strategy == RecoveryStrategy::RetryChanged;
      failure = again ? FailureClass::Retryable : FailureClass::Permanent;
    }
  }
  const ErrorClass error_class = class_now();
  StepEvent event{may_pass(error_class) ? StepEventKind::FailRetryable : StepEventKind::FailPermanent, epoch,
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

Result<void> Decision::wait_failed(Execution& e, Step& s, const std::string& error_json) {
  const Told told = told_by(error_json);
  const StepFailure facts = facts_of(e, s, told.code, told.message, ErrorClass::Permanent);
  const auto policy = policy_for(e, s, facts);
  if (policy && is_done_at_once(policy->strategy)) {
    take_over(e, s, *policy, facts);
    return {};
  }
  std::optional<RecoveryNote> note;
  if (policy) note = note_of(e, s, *policy, facts);
  StepEvent event{StepEventKind::Refused};
  if (note && note->strategy == RecoveryStrategy::Escalate) event.kind = StepEventKind::Escalate;
  if (note && note->strategy == RecoveryStrategy::Retry) event = {StepEventKind::Again, std::nullopt, note->delay_us};
  WRENCH_TRY(fire(e, s, event));
  s.row.output_seq =
      journal(e, s.row.state == StepState::RetryWait ? "retry" : std::string(name(s.row.state)), &s.row, error_json);
  if (s.row.state == StepState::Failed) keep_error(e, s.row, error_json);
  if (facts.code == kRejected) return {};  // What a person says is no failure.
  return recovered(e, s, ErrorClass::Permanent, error_json, note ? &*note : nullptr);
}

void Decision::body_failed(Execution& e, Step& s, const std::string& error_json) {
  const Told told = told_by(error_json);
  const StepFailure facts = facts_of(e, s, told.code, told.message, ErrorClass::Permanent);
  const auto policy = policy_for(e, s, facts);
  if (policy && is_done_at_once(policy->strategy)) return take_over(e, s, *policy, facts);
  StepEvent event{StepEventKind::ChildrenFailed};
  if (policy && policy->strategy == RecoveryStrategy::Escalate) event.kind = StepEventKind::Escalate;
  if (policy && policy->strategy == RecoveryStrategy::Retry)
    event = {StepEventKind::Again, std::nullopt, policy->delay_us};
  if (event.kind == StepEventKind::ChildrenFailed) keep_error(e, s.row, error_json);
  WRENCH_ASSERT(fire(e, s, event).ok());
  journal(e, s.row.state == StepState::RetryWait ? "retry" : std::string(name(s.row.state)), &s.row, error_json);
  // Its steps have said what was done about them: without a policy there is nothing to add.
  if (!policy) return;
  const RecoveryNote note = note_of(e, s, *policy, facts);
  WRENCH_ASSERT(recovered(e, s, ErrorClass::Permanent, error_json, &note).ok());
  if (s.row.state == StepState::RetryWait) {
    begin_body_anew(s);
    s.row.output_seq = 0;
  }
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
  const StepFailure facts = facts_of(e, s, told.code, told.message, uncertain ? ErrorClass::Uncertain : error_class);
  Recovery done;
  done.strategy = strategy_of(s.row.state, note);
  done.severity = severity_of(facts, done.strategy);
  done.policy = note == nullptr ? std::string(kBuiltIn) : note->policy;
  done.by_engine = note != nullptr && note->by_engine;
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
