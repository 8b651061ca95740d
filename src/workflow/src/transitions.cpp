#include "wrench/workflow/transitions.hpp"

#include <cstddef>
#include <string>

namespace wrench::workflow {

namespace {

constexpr std::string_view kStepStates[] = {"blocked",   "ready",  "claimed", "running",   "retry_wait", "waiting",
                                            "completed", "failed", "skipped", "cancelled", "dead",       "uncertain"};
constexpr std::string_view kExecutionStates[] = {"pending", "running",   "suspended", "completed",
                                                 "failed",  "cancelled", "timed_out"};
constexpr std::string_view kPriorities[] = {"low", "medium", "high", "critical"};
constexpr std::string_view kTaskStates[] = {"draft",     "queued", "running",   "waiting", "paused",
                                            "completed", "failed", "cancelled", "expired"};
constexpr std::string_view kTaskStatuses[] = {"pending",   "pending", "in_progress", "in_progress", "in_progress",
                                              "completed", "failed",  "cancelled",   "failed"};
constexpr std::string_view kStepEvents[] = {"deps_done",
                                            "when_false",
                                            "need_skipped",
                                            "need_failed",
                                            "claim",
                                            "complete",
                                            "fail_retryable",
                                            "fail_permanent",
                                            "timer",
                                            "timeout",
                                            "wait",
                                            "wake",
                                            "children_failed",
                                            "lease_lost",
                                            "release",
                                            "reconciled_done",
                                            "reconciled_not_done",
                                            "retry",
                                            "skip",
                                            "give_up",
                                            "cancel",
                                            "cancel_grace_over",
                                            "answered",
                                            "refused",
                                            "out_of_budget",
                                            "funded",
                                            "hold_back",
                                            "resolve",
                                            "pass_over",
                                            "recover",
                                            "escalate",
                                            "again"};
constexpr std::string_view kExecutionEvents[] = {"start",      "suspend",     "resume",   "all_done",
                                                 "any_failed", "cancel_done", "timed_out"};
constexpr std::string_view kTaskEvents[] = {"submit",    "started", "held",  "continued", "completed", "failed",
                                            "cancelled", "rerun",   "pause", "unpause",   "expired",   "requeue"};
constexpr std::string_view kGuards[] = {"",
                                        "epoch equal",
                                        "epoch equal, attempts left",
                                        "epoch equal, attempts spent, on_exhausted fail",
                                        "epoch equal, attempts spent, on_exhausted dead",
                                        "epoch equal, on_exhausted fail",
                                        "epoch equal, on_exhausted dead",
                                        "no open intent, losses left",
                                        "open intent of a guarded effect",
                                        "lost too often, on_exhausted fail",
                                        "lost too often, on_exhausted dead",
                                        "epoch equal, escalated"};

using S = StepState;
using SE = StepEventKind;
using X = ExecutionStatus;
using XE = ExecutionEventKind;
using T = TaskState;
using TE = TaskEventKind;

constexpr Transition row(S from, SE event, S to, Guard guard, std::string_view actions) {
  return {Machine::Step,
          static_cast<std::uint8_t>(from),
          static_cast<std::uint8_t>(event),
          static_cast<std::uint8_t>(to),
          guard,
          actions};
}
constexpr Transition row(X from, XE event, X to, std::string_view actions) {
  return {Machine::Execution,
          static_cast<std::uint8_t>(from),
          static_cast<std::uint8_t>(event),
          static_cast<std::uint8_t>(to),
          Guard::None,
          actions};
}
constexpr Transition row(T from, TE event, T to, std::string_view actions) {
  return {Machine::Task,
          static_cast<std::uint8_t>(from),
          static_cast<std::uint8_t>(event),
          static_cast<std::uint8_t>(to),
          Guard::None,
          actions};
}

constexpr Transition kTransitions[] = {
    row(S::Blocked, SE::DepsDone, S::Ready, Guard::None, "ready row, schedule timers"),
    row(S::Blocked, SE::NeedSkipped, S::Skipped, Guard::None, "output null; counts down its dependents"),
    row(S::Blocked, SE::NeedFailed, S::Skipped, Guard::None, "output null; counts down its dependents"),
    row(S::Blocked, SE::Cancel, S::Cancelled, Guard::None, ""),

    row(S::Ready, SE::Claim, S::Running, Guard::None,
        "attempt+1, epoch+1, owner boot, slot; ready row deleted; timers"),
    row(S::Ready, SE::Timeout, S::Failed, Guard::Fail, "schedule_to_start or schedule_to_close"),
    row(S::Ready, SE::Timeout, S::Dead, Guard::Dead, "schedule_to_start or schedule_to_close"),
    row(S::Ready, SE::Cancel, S::Cancelled, Guard::None, "ready row deleted"),
    row(S::Ready, SE::OutOfBudget, S::Waiting, Guard::None, "ready row deleted; wait reason budget"),
    row(S::Ready, SE::OutOfBudget, S::Failed, Guard::Fail, "spent: workflow.budget_exceeded"),

    row(S::Running, SE::Complete, S::Completed, Guard::EpochEqual,
        "output, findings, attached rows; counts down dependents; next claim"),
    row(S::Running, SE::WhenFalse, S::Skipped, Guard::EpochEqual, "output null; counts down its dependents"),
    row(S::Running, SE::FailRetryable, S::RetryWait, Guard::AttemptsLeft, "timer after the backoff"),
    row(S::Running, SE::FailRetryable, S::Failed, Guard::AttemptsSpentFail, "error kept"),
    row(S::Running, SE::FailRetryable, S::Dead, Guard::AttemptsSpentDead, "error kept"),
    row(S::Running, SE::FailPermanent, S::Failed, Guard::Fail, "error kept"),
    row(S::Running, SE::FailPermanent, S::Dead, Guard::Dead, "error kept"),
    row(S::Running, SE::FailPermanent, S::Dead, Guard::Escalated, "error kept"),
    row(S::Running, SE::Timeout, S::RetryWait, Guard::AttemptsLeft, "epoch+1, stop requested, timer"),
    row(S::Running, SE::Timeout, S::Failed, Guard::AttemptsSpentFail, "epoch+1, stop requested"),
    row(S::Running, SE::Timeout, S::Dead, Guard::AttemptsSpentDead, "epoch+1, stop requested"),
    row(S::Running, SE::Timeout, S::Uncertain, Guard::OpenIntent, "epoch+1, stop requested"),
    row(S::Running, SE::HoldBack, S::RetryWait, Guard::EpochEqual, "attempt-1, slot released; timer at the time given"),
    row(S::Running, SE::HoldBack, S::Uncertain, Guard::OpenIntent, ""),
    row(S::Running, SE::Wait, S::Waiting, Guard::EpochEqual, "slot released; children, or what it waits for"),
    row(S::Running, SE::LeaseLost, S::Ready, Guard::Repeatable, "epoch+1, lost+1, attempt-1"),
    row(S::Running, SE::LeaseLost, S::Uncertain, Guard::OpenIntent, "epoch+1, lost+1"),
    row(S::Running, SE::LeaseLost, S::Failed, Guard::PoisonFail, "workflow.poison"),
    row(S::Running, SE::LeaseLost, S::Dead, Guard::PoisonDead, "workflow.poison"),
    row(S::Running, SE::Release, S::Ready, Guard::Repeatable, "epoch+1, attempt-1, checkpoint kept"),
    row(S::Running, SE::Release, S::Uncertain, Guard::OpenIntent, "epoch+1"),
    row(S::Running, SE::FailRetryable, S::Uncertain, Guard::OpenIntent, "error kept"),
    row(S::Running, SE::FailPermanent, S::Uncertain, Guard::OpenIntent, "error kept"),
    row(S::Running, SE::Cancel, S::Cancelled, Guard::EpochEqual, "the step acknowledged the request to stop"),
    row(S::Running, SE::CancelGraceOver, S::Cancelled, Guard::None, "epoch+1; its thread counts as stuck"),
    row(S::Running, SE::Cancel, S::Uncertain, Guard::OpenIntent, ""),
    row(S::Running, SE::CancelGraceOver, S::Uncertain, Guard::OpenIntent, "epoch+1"),
    row(S::Running, SE::OutOfBudget, S::Waiting, Guard::None, "epoch+1, attempt-1, slot released; wait reason budget"),
    row(S::Running, SE::OutOfBudget, S::Failed, Guard::Fail, "spent: workflow.budget_exceeded; epoch+1"),
    row(S::Running, SE::OutOfBudget, S::Uncertain, Guard::OpenIntent, "epoch+1, stop requested"),

    row(S::Running, SE::PassOver, S::Completed, Guard::None, "epoch+1; partial output"),
    row(S::Running, SE::Recover, S::Ready, Guard::None, "epoch+1, attempt-1; the checkpoint says what runs"),
    row(S::Running, SE::Escalate, S::Dead, Guard::None, "its time was over: epoch+1, stop requested"),
    row(S::Ready, SE::PassOver, S::Completed, Guard::None, "partial output"),
    row(S::Ready, SE::Recover, S::Ready, Guard::None, "the checkpoint says what runs"),
    row(S::Ready, SE::Escalate, S::Dead, Guard::None, ""),
    row(S::RetryWait, SE::PassOver, S::Completed, Guard::None, "partial output"),
    row(S::RetryWait, SE::Recover, S::Ready, Guard::None, "the checkpoint says what runs"),
    row(S::RetryWait, SE::Escalate, S::Dead, Guard::None, ""),
    row(S::Waiting, SE::PassOver, S::Completed, Guard::None, "partial output; children cancelled"),
    row(S::Waiting, SE::Recover, S::Ready, Guard::None, "the checkpoint says what runs; children cancelled"),
    row(S::Waiting, SE::Escalate, S::Dead, Guard::None, "children cancelled"),
    row(S::Waiting, SE::Again, S::RetryWait, Guard::None,
        "timer after the backoff; the body, or the wait, begins anew"),

    row(S::RetryWait, SE::Timer, S::Ready, Guard::None, "ready row"),
    row(S::RetryWait, SE::Timeout, S::Failed, Guard::Fail, "schedule_to_close"),
    row(S::RetryWait, SE::Timeout, S::Dead, Guard::Dead, "schedule_to_close"),
    row(S::RetryWait, SE::Cancel, S::Cancelled, Guard::None, "timers deleted"),

    row(S::Waiting, SE::Wake, S::Ready, Guard::None, "same attempt: collects the children's outputs"),
    row(S::Waiting, SE::ChildrenFailed, S::Failed, Guard::None, "first error kept"),
    row(S::Waiting, SE::Answered, S::Completed, Guard::None, "the answer is the output"),
    row(S::Waiting, SE::Refused, S::Failed, Guard::None, "workflow.rejected or workflow.wait_expired"),
    row(S::Waiting, SE::Timeout, S::Failed, Guard::Fail, "children cancelled"),
    row(S::Waiting, SE::Timeout, S::Dead, Guard::Dead, "children cancelled"),
    row(S::Waiting, SE::Cancel, S::Cancelled, Guard::None, "children are cancelled too"),
    row(S::Waiting, SE::Funded, S::Ready, Guard::None,
        "the budget was raised, got something back, or its period is over"),

    row(S::Uncertain, SE::ReconciledDone, S::Completed, Guard::None, "receipt is the output"),
    row(S::Uncertain, SE::ReconciledNotDone, S::Ready, Guard::None, "the intent is void"),
    row(S::Uncertain, SE::PersonRetry, S::Ready, Guard::None, "decision journaled; the intent is void"),
    row(S::Uncertain, SE::PersonSkip, S::Skipped, Guard::None, "decision journaled; the intent stays open"),
    row(S::Uncertain, SE::PersonGiveUp, S::Failed, Guard::None, "decision journaled; the intent stays open"),
    row(S::Uncertain, SE::PersonResolve, S::Completed, Guard::None,
        "decision and output journaled; the intent is done"),
    row(S::Uncertain, SE::Cancel, S::Cancelled, Guard::None, "keeps its open intent"),

    row(S::Dead, SE::PersonRetry, S::Ready, Guard::None, "attempt 0, lost 0; decision journaled"),
    row(S::Dead, SE::PersonSkip, S::Skipped, Guard::None, "decision journaled"),
    row(S::Dead, SE::PersonGiveUp, S::Failed, Guard::None, "decision journaled"),
    row(S::Dead, SE::PersonResolve, S::Completed, Guard::None, "decision and output journaled"),
    row(S::Dead, SE::Cancel, S::Cancelled, Guard::None, ""),

    row(X::Pending, XE::Start, X::Running, "step rows, owner boot"),
    row(X::Pending, XE::CancelDone, X::Cancelled, ""),
    row(X::Pending, XE::TimedOut, X::TimedOut, "it waited for too long to begin"),
    row(X::Running, XE::Suspend, X::Suspended,
        "reason: drain, interrupted, paused, critical, uncertain, dead_letter, approval, input, budget, event, child "
        "or timer"),
    row(X::Suspended, XE::Resume, X::Running, "owner boot"),
    row(X::Running, XE::AllDone, X::Completed, ""),
    row(X::Running, XE::AnyFailed, X::Failed, "error of the first step that failed"),
    row(X::Running, XE::CancelDone, X::Cancelled, ""),
    row(X::Running, XE::TimedOut, X::TimedOut, ""),
    row(X::Suspended, XE::AllDone, X::Completed, ""),
    row(X::Suspended, XE::AnyFailed, X::Failed, ""),
    row(X::Suspended, XE::CancelDone, X::Cancelled, ""),
    row(X::Suspended, XE::TimedOut, X::TimedOut, ""),

    row(T::Draft, TE::Submit, T::Queued, "task run"),
    row(T::Draft, TE::Cancelled, T::Cancelled, ""),
    row(T::Queued, TE::Started, T::Running, "first claim of the execution"),
    row(T::Queued, TE::Cancelled, T::Cancelled, ""),
    row(T::Queued, TE::Expired, T::Expired, ""),
    row(T::Running, TE::Held, T::Waiting,
        "wait_reason uncertain, dead_letter, critical, approval, input, budget, event, child or timer"),
    row(T::Waiting, TE::Continued, T::Running, ""),
    row(T::Running, TE::Completed, T::Completed, ""),
    row(T::Running, TE::Failed, T::Failed, ""),
    row(T::Running, TE::Cancelled, T::Cancelled, ""),
    row(T::Waiting, TE::Completed, T::Completed, ""),
    row(T::Waiting, TE::Failed, T::Failed, ""),
    row(T::Waiting, TE::Cancelled, T::Cancelled, ""),
    row(T::Running, TE::Expired, T::Expired, "what it waited for was cancelled; its finally steps ran"),
    row(T::Waiting, TE::Expired, T::Expired, ""),
    row(T::Paused, TE::Expired, T::Expired, ""),
    row(T::Queued, TE::Pause, T::Paused, "it doesn't begin"),
    row(T::Paused, TE::Requeue, T::Queued, "it hasn't begun"),
    row(T::Running, TE::Pause, T::Paused, "ready steps leave their queues"),
    row(T::Waiting, TE::Pause, T::Paused, ""),
    row(T::Paused, TE::Unpause, T::Running, "ready steps are queued; waiting again if only waiting steps are left"),
    row(T::Paused, TE::Completed, T::Completed, "the last step had begun before"),
    row(T::Paused, TE::Failed, T::Failed, ""),
    row(T::Paused, TE::Cancelled, T::Cancelled, ""),
    row(T::Completed, TE::Rerun, T::Queued, "new execution"),
    row(T::Failed, TE::Rerun, T::Queued, "new execution"),
    row(T::Cancelled, TE::Rerun, T::Queued, "new execution"),
    row(T::Expired, TE::Rerun, T::Queued, "new execution"),
};

// Terminal states of steps and executions never change; a task's only by `rerun`.
constexpr bool terminal_states_are_final() {
  for (const auto& t : kTransitions) {
    if (t.machine == Machine::Step && is_terminal(static_cast<StepState>(t.from))) return false;
    if (t.machine == Machine::Execution && is_terminal(static_cast<ExecutionStatus>(t.from))) return false;
    if (t.machine == Machine::Task && is_terminal(static_cast<TaskState>(t.from)) &&
        t.event != static_cast<std::uint8_t>(TE::Rerun))
      return false;
  }
  return true;
}
constexpr bool rows_are_unique() {
  for (const auto& a : kTransitions)
    for (const auto& b : kTransitions)
      if (&a != &b && a.machine == b.machine && a.from == b.from && a.event == b.event && a.guard == b.guard)
        return false;
  return true;
}
static_assert(terminal_states_are_final());
static_assert(rows_are_unique());

template <std::size_t N>
std::string_view at(const std::string_view (&names)[N], std::size_t index) {
  return index < N ? names[index] : std::string_view("?");
}

std::string_view state_name(Machine machine, std::uint8_t state) {
  switch (machine) {
    case Machine::Step:
      return at(kStepStates, state);
    case Machine::Execution:
      return at(kExecutionStates, state);
    case Machine::Task:
      return at(kTaskStates, state);
  }
  return "?";
}

std::string_view event_name(Machine machine, std::uint8_t event) {
  switch (machine) {
    case Machine::Step:
      return at(kStepEvents, event);
    case Machine::Execution:
      return at(kExecutionEvents, event);
    case Machine::Task:
      return at(kTaskEvents, event);
  }
  return "?";
}

}  // namespace

std::span<const Transition> transitions() { return kTransitions; }

const Transition* find_transition(Machine machine, std::uint8_t from, std::uint8_t event, Guard guard) {
  for (const auto& t : kTransitions)
    if (t.machine == machine && t.from == from && t.event == event && t.guard == guard) return &t;
  return nullptr;
}

bool can_follow(Machine machine, std::uint8_t from, std::uint8_t to) {
  for (const auto& t : kTransitions)
    if (t.machine == machine && t.from == from && t.to == to) return true;
  return false;
}

std::string_view name(StepState state) { return at(kStepStates, static_cast<std::size_t>(state)); }
std::string_view name(ExecutionStatus status) { return at(kExecutionStates, static_cast<std::size_t>(status)); }
std::string_view name(Priority priority) { return kPriorities[static_cast<std::size_t>(priority)]; }
std::optional<Priority> parse_priority(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kPriorities); ++i)
    if (kPriorities[i] == text) return static_cast<Priority>(i);
  return std::nullopt;
}
std::string_view name(TaskState state) { return at(kTaskStates, static_cast<std::size_t>(state)); }
std::string_view name(StepEventKind event) { return at(kStepEvents, static_cast<std::size_t>(event)); }
std::string_view name(ExecutionEventKind event) { return at(kExecutionEvents, static_cast<std::size_t>(event)); }
std::string_view name(TaskEventKind event) { return at(kTaskEvents, static_cast<std::size_t>(event)); }
std::string_view name(Guard guard) { return at(kGuards, static_cast<std::size_t>(guard)); }
std::string_view status_of(TaskState state) { return at(kTaskStatuses, static_cast<std::size_t>(state)); }

std::optional<ExecutionStatus> parse_execution_status(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kExecutionStates); ++i)
    if (kExecutionStates[i] == text) return static_cast<ExecutionStatus>(i);
  return std::nullopt;
}

std::optional<TaskState> parse_task_state(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kTaskStates); ++i)
    if (kTaskStates[i] == text) return static_cast<TaskState>(i);
  return std::nullopt;
}

std::string transitions_markdown() {
  std::string out;
  constexpr std::string_view kTitles[] = {"Step", "Execution", "Task"};
  for (const Machine machine : {Machine::Task, Machine::Execution, Machine::Step}) {
    out += "### " + std::string(kTitles[static_cast<std::size_t>(machine)]) +
           "\n\n| from | event | to | if | writes |\n|---|---|---|---|---|\n";
    for (const auto& t : kTransitions) {
      if (t.machine != machine) continue;
      out += "| " + std::string(state_name(machine, t.from)) + " | " + std::string(event_name(machine, t.event)) +
             " | " + std::string(state_name(machine, t.to)) + " | " + std::string(name(t.guard)) + " | " +
             std::string(t.actions) + " |\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace wrench::workflow
