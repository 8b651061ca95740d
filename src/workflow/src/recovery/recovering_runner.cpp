#include "wrench/workflow/recovering_runner.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "breakers.hpp"
#include "recovery_mark.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/step_execution.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kCircuitOpen = "workflow.circuit_open";
constexpr int kNumbersMax = 1'000'000;  ///< Effects, and as many calls, of one capability in one round of a step.
constexpr Micros kHeldBackLeast = 1'000;

/// The receipt of an effect that was undone.
Json undone_receipt() { return Json::object({{"$undone", true}}); }
bool is_undone(const Json& receipt) { return receipt.is_object() && receipt.at("$undone").as_boolean(); }

/// What a capability does for a step.
enum class Role : std::uint8_t { Itself, Undoing, Instead, kCount };

/// A step as a capability sees it that may fail: its local effects count only if it completes, so that a run that
/// failed leaves none to the one that takes its place (what it kept is bytes that nobody refers to); and its
/// checkpoints, values, calls and effects are those of its role and round.
class Withheld final : public StepContext {
 public:
  Withheld(StepContext& context, RecoveryMark mark, Role role)
      : context_(context), mark_(std::move(mark)), role_(role) {}
  StopToken stop() const override { return context_.stop(); }
  Deadline deadline() const override { return context_.deadline(); }
  void tick(const Progress& progress) override { context_.tick(progress); }
  void stream(std::string_view text) override { context_.stream(text); }
  Result<void> checkpoint(const Json& state) override {
    if (role_ == Role::Instead) return {};  // A later attempt begins with the step itself.
    mark_.checkpoint = state;
    return context_.checkpoint(mark_.empty() ? state : mark_.json());
  }
  Result<Json> journaled(std::string_view name, const std::function<Json()>& draw) override {
    return context_.journaled(part() == 0 ? name : std::to_string(part()) + ": " + std::string(name), draw);
  }
  Result<EffectTicket> begin_effect(int index, const Json& intent) override {
    WRENCH_ASSERT(index >= 0 && index < kNumbersMax);
    auto ticket = WRENCH_TRY(context_.begin_effect(number(index), intent));
    // Another run of the same body took effect, and was undone: this one begins a round of its own. Whoever undoes it
    // must know which, also if this run never tells: the engine decides when it takes too long.
    while (role_ == Role::Itself && ticket.receipt && is_undone(*ticket.receipt) && mark_.round < kRecoveryRoundsMax) {
      ++mark_.round;
      WRENCH_TRY(context_.checkpoint(mark_.json()));
      ticket = WRENCH_TRY(context_.begin_effect(number(index), intent));
    }
    if (!ticket.receipt) {
      open_.push_back(ticket.effect_key);
      return ticket;
    }
    if (is_undone(*ticket.receipt)) return Error("workflow.effect_undone", "it was undone too often");
    took_place(ticket.effect_key);
    return ticket;
  }
  Result<void> end_effect(const EffectTicket& ticket, const Json& receipt) override {
    WRENCH_TRY(context_.end_effect(ticket, receipt));
    std::erase(open_, ticket.effect_key);
    took_place(ticket.effect_key);
    return {};
  }
  std::optional<Failed> refusal(const Json& output) override { return context_.refusal(output); }
  Result<std::vector<EffectTicket>> receipts() override { return context_.receipts(); }
  Result<BudgetTicket> ask(int call, const BudgetAmounts& most) override {
    if (call < 1 || call > kNumbersMax)
      return Error("workflow.budget_invalid", "there is no call " + std::to_string(call));
    return context_.ask(number(call), most);
  }
  Result<void> use(const BudgetTicket& ticket, const BudgetAmounts& used, const Json& response) override {
    return context_.use(ticket, used, response);
  }
  Result<void> recovering(const Json& entry) override { return context_.recovering(entry); }
  void attach(storage::WriteBody local_effect) override { withheld_.push_back(std::move(local_effect)); }
  Result<Json> keep(std::string_view bytes) override { return context_.keep(bytes); }
  Result<std::string> kept(const Json& reference) override { return context_.kept(reference); }

  void release() {
    for (storage::WriteBody& effect : withheld_) context_.attach(std::move(effect));
  }
  /// An effect was begun, and whether it took place isn't known.
  bool is_uncertain() const { return !open_.empty(); }
  /// Its capability completed: what it began took place.
  Result<void> close() {
    for (const std::string& key : std::vector(open_)) {
      EffectTicket ticket;
      ticket.effect_key = key;
      WRENCH_TRY(end_effect(ticket, Json()));
    }
    return {};
  }
  const RecoveryMark& mark() const { return mark_; }

 private:
  void took_place(const std::string& key) {
    if (role_ == Role::Itself) mark_.effects.push_back(key);
  }
  int part() const { return static_cast<int>(Role::kCount) * mark_.round + static_cast<int>(role_); }
  int number(int its) const { return part() * kNumbersMax + its; }

  StepContext& context_;
  RecoveryMark mark_;
  const Role role_;
  std::vector<storage::WriteBody> withheld_;
  std::vector<std::string> open_;  ///< Keys of effects without receipts.
};

std::string_view without_version(std::string_view capability) { return capability.substr(0, capability.find('@')); }

StepFailure facts_of(const StepInvocation& invocation, const Failed& failed) {
  StepFailure out;
  out.code = failed.error.code;
  out.message = failed.error.message;
  out.capability = without_version(invocation.capability);
  out.error_class = error_class(out.code, failed.failure == FailureClass::Retryable, failed.retry_after_us.has_value());
  out.attempt = invocation.attempt;
  out.attempts_max = invocation.attempts_max;
  out.retry_after = failed.retry_after_us;
  return out;
}

std::string tried_instead(const std::string& capability, const std::string& message) {
  return " (and " + capability + ", tried instead: " + message + ")";
}

Failed journal_failed(Error error) { return {failure_class(error), std::move(error), {}}; }

RecoveryNote note_of(const Recovery& recovery) {
  return {.strategy = recovery.strategy,
          .policy = recovery.policy,
          .capability = recovery.capability,
          .delay_us = recovery.delay_us,
          .checkpoint_json = {}};
}

/// What a step gives whose task goes on without it.
Completed passed_over(std::string_view code, std::string_view message, std::string_view word, std::string_view what) {
  return {.output = partial_output(code, message, word, what), .findings = {}, .passed_over = true};
}

/// The engine had a smaller input tried, without knowing the one that there was.
Failed cannot_shrink(const RecoveryMark& mark) {
  RecoveryNote note{
      .strategy = RecoveryStrategy::Abort, .policy = mark.policy, .capability = {}, .checkpoint_json = {}};
  return {FailureClass::Permanent, Error(mark.code, mark.message + " (and its input can't be made smaller)"), {}, note};
}

/// A result that was made of less says so.
void tell_left_out(Completed& done, const RecoveryMark& mark, const std::map<std::string, std::size_t>& left_out) {
  if (left_out.empty() || !done.output.is_object()) return;
  Json counts = Json::object();
  for (const auto& [member, count] : left_out) counts.set(member, count);
  Json partial = done.output.at("partial").is_array() ? done.output.at("partial") : Json::array();
  partial.push_back(Json::object({{"code", mark.code}, {"message", mark.message}, {"left_out", std::move(counts)}}));
  done.output.set("partial", std::move(partial));
}

Breakers::Ended ended_how(const StepOutcome& outcome, const StepContext& context, const Clock& clock) {
  if (std::holds_alternative<Completed>(outcome)) return Breakers::Ended::Succeeded;
  if (context.stop().stop_requested())
    return context.deadline().passed(clock) ? Breakers::Ended::Failed : Breakers::Ended::Unknown;
  const auto* failed = std::get_if<Failed>(&outcome);
  // What fails for good says nothing about the other side, and a budget that has nothing left neither.
  const bool passing = failed != nullptr && failed->failure == FailureClass::Retryable &&
                       failed->error.code != "workflow.budget_exceeded";
  return passing ? Breakers::Ended::Failed : Breakers::Ended::Unknown;
}

}  // namespace

RecoveringRunner::RecoveringRunner(RecoveryPolicies policies, StepRunner& others, const Clock& clock,
                                   telemetry::MetricsRegistry* metrics)
    : policies_(std::move(policies)),
      others_(others),
      clock_(clock),
      breakers_(std::make_unique<Breakers>(policies_.breakers(), metrics)) {}

RecoveringRunner::~RecoveringRunner() = default;

std::vector<CircuitView> RecoveringRunner::open_circuits() const { return breakers_->open(); }

bool RecoveringRunner::has_outside_effects(std::string_view capability) const {
  const auto traits = others_.traits(capability);
  return !traits || (traits->effect != Effect::Pure && traits->effect != Effect::LocalTransactional);
}

StepOutcome RecoveringRunner::run(const StepInvocation& invocation, StepContext& context) {
  RecoveryMark mark = RecoveryMark::of(invocation.checkpoint);
  if (mark.undoing) return undo(invocation, context, std::move(mark));
  if (!mark.instead.empty()) return replace(invocation, context, mark);
  return attempt(invocation, context, std::move(mark));
}

StepOutcome RecoveringRunner::call(const StepInvocation& invocation, Effect effect, StepContext& context) {
  const auto watched = breakers_->watch(without_version(invocation.capability), effect, invocation.input);
  if (watched) {
    const auto admission = breakers_->admit(*watched, clock_.now_us());
    if (!admission.admitted)
      return HeldBack{Error(std::string(kCircuitOpen), watched->capability +
                                                           (watched->target.empty() ? "" : " of " + watched->target) +
                                                           " fails again and again (" + admission.error_code + ")"),
                      std::max(admission.retry_at - clock_.now_us(), kHeldBackLeast), admission.error_code};
  }
  StepOutcome outcome = run_capability(others_, invocation, context);
  if (watched) {
    const auto* failed = std::get_if<Failed>(&outcome);
    breakers_->ended(*watched, ended_how(outcome, context, clock_),
                     failed == nullptr ? std::string_view() : failed->error.code, clock_.now_us());
  }
  return outcome;
}

StepOutcome RecoveringRunner::attempt(const StepInvocation& invocation, StepContext& context, RecoveryMark mark) {
  std::optional<StepInvocation> other;
  std::map<std::string, std::size_t> left_out;
  if (!mark.empty()) {
    other = invocation;
    other->checkpoint = mark.checkpoint;
    other->input = mark.changed(std::move(other->input), left_out);
  }
  const StepInvocation& now = other ? *other : invocation;
  if (mark.must_shrink && !mark.shrinks(invocation.input)) return cannot_shrink(mark);
  mark.must_shrink = false;
  Withheld withheld(context, mark, Role::Itself);
  StepOutcome outcome = call(now, now.effect, withheld);
  if (auto* held = std::get_if<HeldBack>(&outcome)) return held_back(now, context, std::move(*held), mark);
  if (auto* failed = std::get_if<Failed>(&outcome)) {
    if (withheld.is_uncertain()) return std::move(*failed);
    return recover(now, context, std::move(*failed), withheld.mark());
  }
  if (auto* done = std::get_if<Completed>(&outcome)) {
    tell_left_out(*done, mark, left_out);
    if (auto refused = context.refusal(done->output)) {
      if (auto closed = withheld.close(); !closed) return journal_failed(std::move(closed).error());
      return recover(now, context, std::move(*refused), withheld.mark());
    }
  }
  withheld.release();
  return outcome;
}

StepOutcome RecoveringRunner::held_back(const StepInvocation& invocation, StepContext& context, HeldBack held,
                                        const RecoveryMark& mark) {
  // What ran before may have taken effect.
  if (has_outside_effects(invocation.capability) && invocation.epoch > 1) return held;
  StepFailure facts;
  facts.code = held.reason.code;
  facts.message = held.reason.message;
  facts.capability = without_version(invocation.capability);
  facts.error_class = context.stop().stop_requested() ? ErrorClass::Cancelled : ErrorClass::RateLimited;
  facts.attempt = invocation.attempt;
  Recovery recovery = policies_.decide(facts);
  if (recovery.strategy != RecoveryStrategy::Fallback) {
    facts.code = held.failed_with;
    recovery = policies_.decide(facts);
    facts.code = held.reason.code;
  }
  if (recovery.strategy != RecoveryStrategy::Fallback) return held;
  StepOutcome outcome = fall_back(invocation, context, recovery, facts, mark);
  const bool made = std::holds_alternative<Completed>(outcome) || std::holds_alternative<Yielded>(outcome);
  return made ? std::move(outcome) : StepOutcome(std::move(held));
}

StepOutcome RecoveringRunner::recover(const StepInvocation& invocation, StepContext& context, Failed failed,
                                      RecoveryMark mark) {
  StepFailure facts = facts_of(invocation, failed);
  if (context.stop().stop_requested()) facts.error_class = ErrorClass::Cancelled;
  const Recovery recovery = policies_.decide(facts);
  if (recovery.policy == kBuiltIn) return failed;
  const bool may_be_replaced = !has_outside_effects(invocation.capability);
  failed.recovery = note_of(recovery);
  switch (recovery.strategy) {
    case RecoveryStrategy::Retry:
      failed.failure = FailureClass::Retryable;
      return failed;
    case RecoveryStrategy::Abort:
    case RecoveryStrategy::Escalate:
      failed.failure = FailureClass::Permanent;
      return failed;
    case RecoveryStrategy::RetryChanged:
      if (may_be_replaced) return change_input(invocation, std::move(failed), recovery, std::move(mark));
      break;
    case RecoveryStrategy::Fallback: {
      if (!may_be_replaced || has_outside_effects(recovery.capability)) break;
      StepOutcome outcome = fall_back(invocation, context, recovery, facts, mark);
      const auto* again = std::get_if<Failed>(&outcome);
      if (again != nullptr && again->error.code == "workflow.fenced") return outcome;
      const auto* held = std::get_if<HeldBack>(&outcome);
      if (again == nullptr && held == nullptr) return outcome;
      // The first failure says what is wrong; the fallback's is told as well.
      failed.error.message +=
          tried_instead(recovery.capability, again != nullptr ? again->error.message : held->reason.message);
      return failed;
    }
    case RecoveryStrategy::Skip:
      if (!may_be_replaced) break;
      if (auto told = context.recovering(to_json(recovery, facts)); !told)
        return journal_failed(std::move(told).error());
      return passed_over(failed.error.code, failed.error.message, "skipped", facts.capability);
    case RecoveryStrategy::Compensate:
      return begin_undoing(invocation, context, std::move(failed), recovery, facts, std::move(mark));
  }
  failed.recovery.reset();
  return failed;
}

StepOutcome RecoveringRunner::change_input(const StepInvocation& invocation, Failed failed, const Recovery& recovery,
                                           RecoveryMark mark) const {
  bool smaller = false;
  for (const std::string& member : recovery.change.halve) {
    const Json& list = invocation.input.is_object() ? invocation.input.at(member) : Json();
    if (!list.is_array() || list.as_array().size() < 2) continue;
    smaller = true;
    ++mark.halved[member];
  }
  if ((!smaller && recovery.change.set.empty()) || mark.round >= kRecoveryRoundsMax) {
    failed.error.message += " (and its input can't be made smaller)";
    failed.failure = FailureClass::Permanent;
    failed.recovery->strategy = RecoveryStrategy::Abort;
    return failed;
  }
  mark.set = recovery.change.set;
  mark.code = failed.error.code;
  mark.message = failed.error.message.substr(0, kRecoveryMessageBytesMax);
  ++mark.round;
  mark.checkpoint.reset();  // It is about another input.
  std::string json = codec::write_json(mark.json());
  if (json.size() > kCheckpointBytesMax) {
    failed.recovery.reset();
    return failed;
  }
  failed.recovery->checkpoint_json = std::move(json);
  failed.failure = FailureClass::Retryable;
  return failed;
}

StepOutcome RecoveringRunner::fall_back(const StepInvocation& invocation, StepContext& context,
                                        const Recovery& recovery, const StepFailure& facts, const RecoveryMark& mark) {
  if (const auto traits = others_.traits(recovery.capability); !traits) return journal_failed(traits.error());
  if (auto told = context.recovering(to_json(recovery, facts)); !told) return journal_failed(std::move(told).error());
  return run_instead(invocation, context, recovery.capability, mark);
}

StepOutcome RecoveringRunner::run_instead(const StepInvocation& invocation, StepContext& context,
                                          const std::string& capability, const RecoveryMark& mark) {
  const auto traits = others_.traits(capability);
  if (!traits) return journal_failed(traits.error());
  StepInvocation instead = invocation;
  instead.capability = capability;
  instead.checkpoint.reset();
  Withheld withheld(context, mark, Role::Instead);
  StepOutcome outcome = call(instead, traits->effect, withheld);
  if (std::holds_alternative<Completed>(outcome) || std::holds_alternative<Yielded>(outcome)) withheld.release();
  return outcome;
}

StepOutcome RecoveringRunner::replace(const StepInvocation& invocation, StepContext& context,
                                      const RecoveryMark& mark) {
  StepOutcome outcome = run_instead(invocation, context, mark.instead, mark);
  auto* again = std::get_if<Failed>(&outcome);
  if (again == nullptr || again->error.code == "workflow.fenced") return outcome;
  RecoveryMark without = mark;
  without.instead.clear();
  without.may_pass = false;
  const RecoveryNote note{.strategy = RecoveryStrategy::Fallback,
                          .policy = mark.policy,
                          .capability = mark.instead,
                          .delay_us = 0,
                          .checkpoint_json = codec::write_json(without.json())};
  return Failed{mark.may_pass ? FailureClass::Retryable : FailureClass::Permanent,
                Error(mark.code, mark.message + tried_instead(mark.instead, again->error.message)),
                {},
                note};
}

StepOutcome RecoveringRunner::begin_undoing(const StepInvocation& invocation, StepContext& context, Failed failed,
                                            const Recovery& recovery, const StepFailure& facts, RecoveryMark mark) {
  if (mark.round >= kRecoveryRoundsMax) {
    failed.failure = FailureClass::Permanent;
    failed.recovery->strategy = RecoveryStrategy::Escalate;
    return failed;
  }
  mark.undoing = true;
  mark.inverse = recovery.capability;
  mark.policy = recovery.policy;
  mark.then_skips = recovery.then_skips;
  mark.code = failed.error.code;
  mark.message = repair_utf8(failed.error.message.substr(0, kRecoveryMessageBytesMax));
  // From here on the step itself never runs again in this round, whatever happens to this process.
  if (auto kept = context.checkpoint(mark.json()); !kept) return journal_failed(std::move(kept).error());
  if (auto told = context.recovering(to_json(recovery, facts)); !told) return journal_failed(std::move(told).error());
  return undo(invocation, context, mark);
}

StepOutcome RecoveringRunner::undo(const StepInvocation& invocation, StepContext& context, RecoveryMark mark) {
  if (mark.gathers) {
    auto done = context.receipts();
    if (!done) return journal_failed(std::move(done).error());
    for (const EffectTicket& ticket : *done)
      if (ticket.receipt && !is_undone(*ticket.receipt)) mark.effects.push_back(ticket.effect_key);
    mark.gathers = false;
    if (auto kept = context.checkpoint(mark.json()); !kept) return journal_failed(std::move(kept).error());
  }
  StepInvocation inverse = invocation;
  inverse.capability = mark.inverse;
  inverse.checkpoint = mark.checkpoint;
  std::map<std::string, std::size_t> left_out;
  inverse.input = mark.changed(std::move(inverse.input), left_out);
  const auto traits = others_.traits(mark.inverse);
  Withheld withheld(context, mark, Role::Undoing);
  StepOutcome outcome = traits ? call(inverse, traits->effect, withheld)
                               : StepOutcome(Failed{FailureClass::Permanent, traits.error(), {}});
  const RecoveryNote note{.strategy = RecoveryStrategy::Compensate,
                          .policy = mark.policy,
                          .capability = mark.inverse,
                          .delay_us = 0,
                          .checkpoint_json = {}};
  if (auto* again = std::get_if<Failed>(&outcome)) {
    again->error.message = mark.message + " [" + mark.code + "] (and " + mark.inverse +
                           ", which was to undo it: " + again->error.message + ")";
    const bool more = again->failure == FailureClass::Retryable && invocation.attempt < invocation.attempts_max;
    again->recovery = note;
    if (!more && !withheld.is_uncertain()) {
      again->failure = FailureClass::Permanent;
      again->recovery->strategy = RecoveryStrategy::Escalate;
    }
    return outcome;
  }
  if (!std::holds_alternative<Completed>(outcome)) return outcome;
  for (const std::string& key : mark.effects) {
    EffectTicket ticket;
    ticket.effect_key = key;
    if (auto kept = context.end_effect(ticket, undone_receipt()); !kept) return journal_failed(std::move(kept).error());
  }
  if (mark.then_skips) {
    withheld.release();
    return passed_over(mark.code, mark.message, "undone_by", mark.inverse);
  }
  Failed failed{
      FailureClass::Permanent, Error(mark.code, mark.message + " (undone by " + mark.inverse + ")"), {}, note};
  // Who has it tried again has it done anew.
  RecoveryMark next;
  next.round = mark.round + 1;
  failed.recovery->checkpoint_json = codec::write_json(next.json());
  return failed;
}

}  // namespace wrench::workflow
