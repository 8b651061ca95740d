#include "wrench/workflow/recovering_runner.hpp"

#include <utility>
#include <vector>

namespace wrench::workflow {

using codec::Json;

namespace {

/// A step whose local effects count only if it completes: a run that failed must leave none to the one that takes its
/// place. What it kept is bytes that nobody refers to.
class Withheld final : public StepContext {
 public:
  explicit Withheld(StepContext& context) : context_(context) {}
  StopToken stop() const override { return context_.stop(); }
  Deadline deadline() const override { return context_.deadline(); }
  void tick(const Progress& progress) override { context_.tick(progress); }
  Result<void> checkpoint(const Json& state) override { return context_.checkpoint(state); }
  Result<Json> journaled(std::string_view name, const std::function<Json()>& draw) override {
    return context_.journaled(name, draw);
  }
  Result<EffectTicket> begin_effect(int index, const Json& intent) override {
    return context_.begin_effect(index, intent);
  }
  Result<void> end_effect(const EffectTicket& ticket, const Json& receipt) override {
    return context_.end_effect(ticket, receipt);
  }
  Result<BudgetTicket> ask(int call, const BudgetAmounts& most) override { return context_.ask(call, most); }
  Result<void> use(const BudgetTicket& ticket, const BudgetAmounts& used, const Json& response) override {
    return context_.use(ticket, used, response);
  }
  void attach(storage::WriteBody local_effect) override { withheld_.push_back(std::move(local_effect)); }
  Result<Json> keep(std::string_view bytes) override { return context_.keep(bytes); }
  Result<std::string> kept(const Json& reference) override { return context_.kept(reference); }

  void release() {
    for (storage::WriteBody& effect : withheld_) context_.attach(std::move(effect));
  }

 private:
  StepContext& context_;
  std::vector<storage::WriteBody> withheld_;
};

std::string_view without_version(std::string_view capability) { return capability.substr(0, capability.find('@')); }

StepFailure facts_of(const StepInvocation& invocation, const Failed& failed) {
  StepFailure out;
  out.code = failed.error.code;
  out.capability = without_version(invocation.capability);
  out.error_class = failed.error.code == "workflow.budget_exceeded" ? ErrorClass::Budget
                    : failed.failure == FailureClass::Permanent     ? ErrorClass::Permanent
                    : failed.retry_after_us                         ? ErrorClass::RateLimited
                                                                    : ErrorClass::Retryable;
  out.attempt = invocation.attempt;
  out.retry_after = failed.retry_after_us;
  return out;
}

/// As `wrench task journal` shows it.
std::string journal_name(const Recovery& recovery, const StepFailure& failure) {
  return "recovery " + std::to_string(failure.attempt) + ": " + std::string(name(recovery.strategy)) +
         (recovery.fallback.empty() ? "" : " " + recovery.fallback) + ", " + std::string(name(recovery.severity)) +
         ", " + recovery.policy;
}

Failed journal_failed(Error error) { return {failure_class(error), std::move(error), {}}; }

}  // namespace

bool RecoveringRunner::has_outside_effects(std::string_view capability) const {
  const auto traits = others_.traits(capability);
  return !traits || (traits->effect != Effect::Pure && traits->effect != Effect::LocalTransactional);
}

StepOutcome RecoveringRunner::run(const StepInvocation& invocation, StepContext& context) {
  if (policies_.empty()) return others_.run(invocation, context);
  Withheld withheld(context);
  StepOutcome outcome = others_.run(invocation, withheld);
  if (auto* failed = std::get_if<Failed>(&outcome)) return recover(invocation, context, std::move(*failed));
  withheld.release();
  return outcome;
}

StepOutcome RecoveringRunner::recover(const StepInvocation& invocation, StepContext& context, Failed failed) {
  const StepFailure facts = facts_of(invocation, failed);
  const Recovery recovery = policies_.decide(facts);
  switch (recovery.strategy) {
    case RecoveryStrategy::Retry:
      failed.failure = FailureClass::Retryable;
      if (recovery.delay_us > 0) failed.retry_after_us = recovery.delay_us;
      return failed;
    case RecoveryStrategy::Abort:
      failed.failure = FailureClass::Permanent;
      return failed;
    case RecoveryStrategy::Escalate:
      return failed;
    case RecoveryStrategy::Fallback:
    case RecoveryStrategy::Skip:
      break;
  }
  if (context.stop().stop_requested() || has_outside_effects(invocation.capability)) return failed;
  if (auto journaled = context.journaled(journal_name(recovery, facts), [&] { return to_json(recovery, facts); });
      !journaled)
    return journal_failed(std::move(journaled).error());
  if (recovery.strategy == RecoveryStrategy::Fallback)
    return fall_back(invocation, context, std::move(failed), recovery);
  return Completed{Json::object({{"partial", Json::array({Json::object({{"code", failed.error.code},
                                                                        {"message", failed.error.message},
                                                                        {"skipped", facts.capability}})})}}),
                   {}};
}

StepOutcome RecoveringRunner::fall_back(const StepInvocation& invocation, StepContext& context, Failed failed,
                                        const Recovery& recovery) {
  if (has_outside_effects(recovery.fallback)) return failed;
  StepInvocation instead = invocation;
  instead.capability = recovery.fallback;
  Withheld withheld(context);
  StepOutcome outcome = others_.run(instead, withheld);
  if (auto* again = std::get_if<Failed>(&outcome)) {
    // The first failure says what is wrong; the fallback's is told as well.
    failed.error.message += " (and " + recovery.fallback + ", tried instead: " + again->error.message + ")";
    return failed;
  }
  withheld.release();
  return outcome;
}

}  // namespace wrench::workflow
