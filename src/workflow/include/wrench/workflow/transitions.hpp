#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wrench::workflow {

/// The numbers of step states are stored (steps.state): add at the end, never renumber.
enum class StepState : std::uint8_t {
  Blocked = 0,
  Ready = 1,
  Claimed = 2,  ///< Handed to a remote worker that hasn't begun. Unused on one machine.
  Running = 3,
  RetryWait = 4,
  Waiting = 5,
  Completed = 6,
  Failed = 7,
  Skipped = 8,
  Cancelled = 9,
  Dead = 10,
  Uncertain = 11,
};
enum class ExecutionStatus : std::uint8_t { Pending, Running, Suspended, Completed, Failed, Cancelled, TimedOut };
enum class TaskState : std::uint8_t { Draft, Queued, Running, Waiting, Paused, Completed, Failed, Cancelled, Expired };

enum class StepEventKind : std::uint8_t {
  DepsDone,
  WhenFalse,
  NeedSkipped,
  NeedFailed,
  Claim,
  Complete,
  FailRetryable,
  FailPermanent,
  Timer,    ///< The retry delay is over.
  Timeout,  ///< One of the four timeouts.
  Wait,     ///< The step's children run; it holds no slot meanwhile.
  Wake,     ///< The children are done.
  ChildrenFailed,
  LeaseLost,  ///< The boot that ran it is dead.
  Release,    ///< Given back unfinished: drain or yield.
  ReconciledDone,
  ReconciledNotDone,
  PersonRetry,
  PersonSkip,
  PersonGiveUp,
  Cancel,
  CancelGraceOver,
  Answered,     ///< What a wait node waited for came.
  Refused,      ///< Somebody said no, or nobody said anything in time.
  OutOfBudget,  ///< A budget has nothing left for it.
  Funded,       ///< It may have again.
  HoldBack,     ///< It wasn't tried, because it would have failed.
  PersonResolve,
  PassOver,  ///< A policy has its task go on without it.
  Recover,   ///< A policy has another capability run in its place, or undo it.
  Escalate,  ///< A policy gives it to a person.
  Again,     ///< A policy has what it waited for begin anew.
};
enum class ExecutionEventKind : std::uint8_t { Start, Suspend, Resume, AllDone, AnyFailed, CancelDone, TimedOut };
enum class TaskEventKind : std::uint8_t {
  Submit,
  Started,
  Held,
  Continued,
  Completed,
  Failed,
  Cancelled,
  Rerun,
  Pause,
  Unpause,
  Expired,  ///< It was queued or waiting for too long.
  Requeue,
};

enum class Machine : std::uint8_t { Step, Execution, Task };

/// What must hold besides the state. Of the rows for one (state, event) exactly one guard holds.
enum class Guard : std::uint8_t {
  None,
  EpochEqual,         ///< The command's fencing epoch is the row's.
  AttemptsLeft,       ///< Epoch equal, and the retry policy allows another attempt.
  AttemptsSpentFail,  ///< Epoch equal, none left, on_exhausted = fail.
  AttemptsSpentDead,  ///< Epoch equal, none left, on_exhausted = dead.
  Fail,               ///< Epoch equal, on_exhausted = fail.
  Dead,               ///< Epoch equal, on_exhausted = dead.
  Repeatable,         ///< Lost, may run again: not guarded, or no open intent; fewer than the maximum of losses.
  OpenIntent,         ///< Lost between the intent and the receipt of a guarded effect.
  PoisonFail,         ///< Lost too often, on_exhausted = fail.
  PoisonDead,         ///< Lost too often, on_exhausted = dead.
  Escalated,          ///< Epoch equal, and a person is to decide.
};

struct Transition {
  Machine machine;
  std::uint8_t from;
  std::uint8_t event;
  std::uint8_t to;
  Guard guard;
  std::string_view actions;  ///< In words, for docs/reference/workflow.md.
};

/// The one table. Code, the predicates of the UPDATE statements, the documentation and the checker derive from it.
std::span<const Transition> transitions();

/// The row for this change, or nothing if it is illegal.
const Transition* find_transition(Machine machine, std::uint8_t from, std::uint8_t event, Guard guard);
/// Whether any event leads from `from` to `to`.
bool can_follow(Machine machine, std::uint8_t from, std::uint8_t to);

enum class Priority : std::uint8_t { Low, Medium, High, Critical };
std::string_view name(Priority priority);
std::optional<Priority> parse_priority(std::string_view text);

std::string_view name(StepState state);
std::string_view name(ExecutionStatus status);
std::string_view name(TaskState state);
std::string_view name(StepEventKind event);
std::string_view name(ExecutionEventKind event);
std::string_view name(TaskEventKind event);
std::string_view name(Guard guard);
/// tasks.status: pending, in_progress, completed, failed or cancelled.
std::string_view status_of(TaskState state);
std::optional<ExecutionStatus> parse_execution_status(std::string_view text);
std::optional<TaskState> parse_task_state(std::string_view text);

constexpr bool is_terminal(StepState s) {
  return s == StepState::Completed || s == StepState::Failed || s == StepState::Skipped || s == StepState::Cancelled;
}
constexpr bool is_terminal(ExecutionStatus s) { return s >= ExecutionStatus::Completed; }
constexpr bool is_terminal(TaskState s) { return s >= TaskState::Completed; }
/// Dead or uncertain: only a person moves it on.
constexpr bool is_held(StepState s) { return s == StepState::Dead || s == StepState::Uncertain; }
/// Neither over nor held nor blocked.
constexpr bool is_active(StepState s) { return !is_terminal(s) && !is_held(s) && s != StepState::Blocked; }

/// The table as Markdown, for docs/reference/workflow.md; a test compares.
std::string transitions_markdown();

}  // namespace wrench::workflow
