#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/budget_amounts.hpp"
#include "wrench/workflow/budget_rows.hpp"
#include "wrench/workflow/rows.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::workflow {

struct StepKey {
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  auto operator<=>(const StepKey&) const = default;
};

struct StepEvent {
  StepEventKind kind = StepEventKind::DepsDone;
  std::optional<std::int64_t> epoch;  ///< Of the sender; fenced if it isn't the row's.
  std::optional<Micros> retry_after_us;
  bool final = false;     ///< Timeout: no more attempts (schedule_to_close). OutOfBudget: waiting alone doesn't help.
  bool escalate = false;  ///< FailPermanent: a person decides, whatever the execution does otherwise.
};

struct ApplyContext {
  Micros now = 0;
  Random* random = nullptr;
  std::string_view boot;
  OnExhausted on_exhausted = OnExhausted::Fail;
  int losses_max = kLossesMax;
  bool open_intent = false;
  Effect effect = Effect::Guarded;  ///< For Claim.
};

struct StepDelta {
  StepRow after;
  const Transition* transition = nullptr;
  Micros retry_delay_us = 0;  ///< To RetryWait.
};

/// One step of the step machine. Pure. Errors: workflow.fenced, workflow.invalid_transition (names state and event).
Result<StepDelta> apply(const StepRow& row, const StepEvent& event, const PlanNode& node, const ApplyContext& context);

/// Exponential with full jitter: uniform from 0 to min(cap, first x factor^(attempt-1)).
Micros retry_delay(const RetryPolicy& policy, int attempt, Random& random);

/// A result or value on its way into the journal: inline, or the hash of a blob that the same flush stores.
struct Payload {
  std::string inline_json;
  std::string blob_hash;
};

/// Why an execution was given back: its process ends, and any other goes on with it; or a person stopped it, and a
/// person goes on with it.
inline constexpr std::string_view kDrained = "drain";
inline constexpr std::string_view kInterrupted = "interrupted";

/// Why a task is cancelled that was to run only after another completed.
inline constexpr std::string_view kDependencyFailed = "a task that it depends on didn't complete";

/// What the core can be asked. Each carries what it needs to be decided on its own.
namespace command {
struct Start {
  std::int64_t execution_no = 0;
};
struct Outcome {
  struct Complete {
    Payload output;
  };
  struct Fail {
    FailureClass failure = FailureClass::Permanent;
    std::string error_json;
    std::optional<Micros> retry_after_us;
    bool happened = false;  ///< The capability completed, its effects too; only its output won't do.
    bool judged = false;    ///< The runner had its say; without that policies are asked.
    std::shared_ptr<const RecoveryNote> recovery = {};  ///< What is done about it, if somebody decided.
  };
  /// It wasn't tried; no attempt is counted.
  struct HeldBack {
    std::string error_json;
    Micros delay_us = 0;
  };
  struct Yield {};
  struct WhenFalse {};
  /// Its `when` holds, and it requires labels that this worker hasn't.
  struct Elsewhere {};
  struct OpenMap {
    std::int64_t items = 0;
    Payload list;
  };
  /// A loop begins an iteration.
  struct Iterate {
    std::int64_t iteration = 1;
    Payload last;  ///< Output of the iteration before; empty for the first.
  };
  /// A wait node waits. What is shown to people is in the baggage of the job.
  struct Wait {
    WaitKind kind = WaitKind::Signal;
    std::string wait_id;
    Micros over_at = 0;  ///< 0: never.
  };
  /// What the step's limits come to: from now on it is claimed only within them.
  struct Limits {
    std::string limits;   ///< StepRow::limits
    bool refuse = false;  ///< It fails rather than waits while its key is used up.
  };
  /// A budget refused what it asked for; it goes on from its checkpoint when there is something left.
  struct OutOfBudget {
    BudgetAmounts want;
  };
  StepKey step;
  std::int64_t epoch = 0;
  std::variant<Complete, Fail, Yield, WhenFalse, OpenMap, Iterate, Wait, Limits, OutOfBudget, HeldBack, Elsewhere>
      result;
  std::string usage_json;  ///< What the run used, for the journal; empty: not worth an entry.
  Micros cpu_us = 0;       ///< It used so much, with its programs.
};
struct TimerDue {
  TimerRow timer;
  Micros last_tick_at = 0;  ///< Heartbeat.
  Micros cpu_us = 0;        ///< BudgetShare: used so far.
};
struct Cancel {
  std::int64_t execution_no = 0;
  std::string reason, actor;
  std::int64_t request = 0;  ///< seq of the row that another process asked with; 0: none.
};
/// Holds an execution back, or lets it go on.
struct SetPause {
  std::int64_t execution_no = 0;
  Pause pause = Pause::Yes;
  std::string actor;
  std::int64_t request = 0;  ///< As of Cancel.
};
struct Adopt {
  std::int64_t execution_no = 0;
  std::string from_boot;  ///< Known to be dead, or empty.
};
struct Decide {
  StepKey step;
  StepDecision decision = StepDecision::Retry;
  std::string actor;
  std::int64_t request = 0;  ///< As of Cancel.
  Payload output = {};       ///< Resolve
};
struct Reconcile {
  StepKey step;
  std::int64_t epoch = 0;
  ReconcileAnswer answer = ReconcileAnswer::Unknown;
  Payload receipt;
};
/// Something a running step wants kept.
struct Record {
  enum class Kind : std::uint8_t {
    Checkpoint,
    Value,
    Intent,
    Receipt,
    Reserve,   ///< Of its budgets, for a call to come.
    Settle,    ///< What the call used; a value, too, if there is `json`. Counts for attempts that are dead, too.
    Spend,     ///< Both at once.
    Recovery,  ///< What the step is about to do about a failure.
  };
  StepKey step;
  std::int64_t epoch = 0;
  Kind kind = Kind::Checkpoint;
  std::string name;  ///< Of the value, or the effect key.
  std::string json;
  std::int64_t call_no = 0;  ///< Of budgets, from 1.
  BudgetAmounts amounts;
};
struct Suspend {
  std::int64_t execution_no = 0;
  std::string reason = std::string(kDrained);
};
/// The worker that runs the step is dead, or has to believe that it is.
struct LoseLease {
  StepKey step;
  std::string boot;
};
/// Steps that are parked for the key's rate may have their turn.
struct Refill {
  std::string key;
};
/// A step that waits for a budget looks again.
struct Fund {
  StepKey step;
  std::int64_t request = 0;  ///< As of Cancel.
};
/// A person raises a budget.
struct Raise {
  std::int64_t execution_no = 0;
  std::string scope;
  BudgetAmounts by;
  std::string actor;
  std::string from_boot;     ///< As of Adopt; also of executions that ended.
  std::int64_t request = 0;  ///< As of Cancel.
};
/// A newer step of its key takes the step's place.
struct Supersede {
  StepKey step;
  std::int64_t request = 0;  ///< As of Cancel.
};
/// What a wait node waited for came, or was refused.
struct Answer {
  StepKey step;
  Payload output;
  std::string refusal;  ///< JSON of an error; empty: the output counts.
  std::string actor;
};
/// Something about a step that others did, and that its journal is to say.
struct Note {
  StepKey step;
  std::string kind;
  std::string data;  ///< JSON
  std::string actor;
  std::int64_t request = 0;  ///< As of Cancel.
};
}  // namespace command

using Command =
    std::variant<command::Start, command::Outcome, command::TimerDue, command::Cancel, command::Adopt, command::Decide,
                 command::Reconcile, command::Record, command::Suspend, command::Answer, command::LoseLease,
                 command::SetPause, command::Refill, command::Fund, command::Raise, command::Supersede, command::Note>;

struct ReadyRow {
  std::int64_t rank = 0;
  StepKey step;
};

/// A fork runs some steps of its plan again; of the others it has no rows, and how they ended is what it goes back to.
/// Whatever needs a step that runs runs, too. All about nodes outside of bodies.
struct Fork {
  struct Ended {
    StepState state = StepState::Completed;
    bool by_failure = false;  ///< Skipped because a need failed.
  };
  std::vector<bool> own;                        ///< By node: it has a row here.
  std::map<std::uint32_t, std::int64_t> given;  ///< Of these, those that don't run: journal entry with the output.
  std::map<std::uint32_t, Ended> unusual;       ///< Of the others that steps here need, those that didn't complete.
  std::int64_t inputs_of = 0, inputs_seq = 0;   ///< Execution and journal entry; 0: the task's.

  Ended ended(std::uint32_t node) const {
    const auto it = unusual.find(node);
    return it == unusual.end() ? Ended{} : it->second;
  }
};

/// A task that another one depends on, and that keeps it from beginning.
struct Obstacle {
  std::string task_id;
  TaskState state = TaskState::Queued;
  bool must_complete = true;  ///< Else it has to end, somehow.
  bool for_good = false;      ///< It ended in a way that leaves the other no sense: that one is cancelled.
};

/// The rows that decide() may look at. What isn't here and turns out to be needed is reported as missing.
struct LoadedRows {
  std::map<std::int64_t, ExecutionRow> executions;
  std::map<std::int64_t, TaskRow> tasks;
  std::map<std::int64_t, std::shared_ptr<const Plan>> plans;  ///< By execution.
  std::map<std::int64_t, std::shared_ptr<const Fork>> forks;  ///< By execution, of those that are forks.
  std::map<std::int64_t, std::int64_t> journal_next;          ///< By execution.
  std::map<StepKey, StepRow> steps;
  /// Executions that this flush creates, and who asked: neither they nor their tasks have rows.
  std::map<std::int64_t, std::string> unwritten;
  std::set<std::int64_t> all_open_steps;                     ///< Executions whose open steps are all here.
  std::set<StepKey> open_intents;                            ///< Of the guarded steps above.
  std::array<std::vector<ReadyRow>, kSlotClasses> backlog;   ///< Heads of the queues.
  std::map<std::int64_t, Obstacle> obstacles;                ///< By execution, of those that may be about to begin.
  std::map<std::string, LimitRow> limits;                    ///< By key; those without a row, too.
  std::map<std::string, BudgetDims> budgets;                 ///< By scope; those without rows, too.
  std::map<StepKey, std::vector<BudgetEntry>> open_entries;  ///< Of the steps that have any.
};

struct JournalDraft {
  std::int64_t execution_no = 0, seq = 0;
  std::string kind;
  std::int64_t step_no = 0;  ///< 0: the execution's.
  int attempt = 0;
  std::string actor;
  std::string data;  ///< JSON, or empty.
  std::string blob_hash;
};

template <class Row>
struct Change {
  const Row* before = nullptr;  ///< Of LoadedRows; null: insert.
  Row after;
};

struct QueueChange {
  std::string queue;
  std::int64_t rank = 0;
  StepKey step;
};

/// A ready step goes out of the queue until its key is free.
struct Park {
  QueueChange at;  ///< Its place.
  std::string key;
  bool queued = false;  ///< It has a row in the queue.
  KeyStrategy strategy = KeyStrategy::Queue;
  std::string by;            ///< RoundRobin: its sub-key.
  std::int64_t arrived = 0;  ///< Its number among all that wanted the key; 0: of a rate.
  std::int64_t cap = 0;      ///< Fewer than so many must run when it begins.
  bool had_turn = false;     ///< And found the key used up again.
};

/// A step begins to use a key, or uses it no more.
struct KeyUse {
  std::string key;
  std::int64_t arrived = 0;
  StepKey step;
  bool took_place = false;  ///< KeyStrategy::CancelRunning.
};

struct TimerDelete {
  StepKey step;
  std::optional<TimerKind> kind;  ///< Absent: all that are derived; those with rows are named one by one.
};

struct EffectWrite {
  enum class Kind : std::uint8_t { Intent, Receipt, CloseAll, VoidAll };
  Kind kind = Kind::Intent;
  StepKey step;
  std::string effect_key;
  std::int64_t epoch = 0;
  std::string json;
};

struct ValueWrite {
  StepKey step;
  std::string name, json;
};

/// Order of the steps that wait for a slot: weighted fair queueing, so each project and priority has its share however
/// much of another waits (start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996). A rank is a virtual time.
struct Ranks {
  struct Flow {
    SlotClass slot = SlotClass::Cpu;
    std::int64_t project_id = 0;
    Priority priority = Priority::Medium;
    auto operator<=>(const Flow&) const = default;
  };
  std::array<std::int64_t, kSlotClasses> now = {0, 0, 0};  ///< That of the step that was claimed last.
  std::map<Flow, std::int64_t> tails;                      ///< Rank of the flow's newest step; none: it has been idle.
};

/// By what a step of that priority moves the tail of its flow.
std::int64_t rank_step(Priority priority);

/// What was done about a failure, for the metrics.
struct RecoveryCount {
  ErrorClass error_class = ErrorClass::Permanent;
  Severity severity = Severity::High;
  RecoveryStrategy strategy = RecoveryStrategy::Abort;
  bool held_back = false;
};

/// A claimed step, and what it takes to run it.
struct Launch {
  StepRow step;
  SlotClass slot = SlotClass::Cpu;
  std::shared_ptr<const Plan> plan;
  std::int64_t task_no = 0, project_id = 0;
  std::string task_id, execution_id;
  OnExhausted on_exhausted = OnExhausted::Fail;
  std::shared_ptr<const Fork> fork;  ///< Null: it is none.
  bool draws = false;                ///< From budgets.
  bool counts_tools = false;         ///< One of which limits tool calls.
  std::string budgets;               ///< What a child of the step draws from.
  /// The map whose item the step is, if the flush had its row at hand: an open one's place among the items, and where
  /// they are, don't change.
  std::shared_ptr<const StepRow> map;
};

/// Everything one flush does: rows to write, and what to do once they are durable.
struct FlushPlan {
  std::vector<StepKey> missing_steps;
  std::set<std::int64_t> missing_executions;  ///< All their open steps are needed.
  std::set<std::string> missing_limits, missing_budgets;
  std::set<StepKey> missing_entries;
  bool complete() const {
    return missing_steps.empty() && missing_executions.empty() && missing_limits.empty() && missing_budgets.empty() &&
           missing_entries.empty();
  }

  std::vector<Result<void>> verdicts;  ///< One for each command.
  std::vector<Change<StepRow>> steps;
  std::vector<Change<ExecutionRow>> executions;
  std::vector<Change<TaskRow>> tasks;
  std::vector<QueueChange> ready_insert, ready_delete;
  std::vector<TimerRow> timers_set;   ///< Rows.
  std::vector<TimerRow> timers_kept;  ///< Only this process remembers them: derived from rows that are its own.
  std::vector<TimerDelete> timers_delete;
  std::vector<JournalDraft> journal;
  std::vector<storage::EventDraft> events;
  std::vector<EffectWrite> effects;
  std::vector<ValueWrite> values;
  std::vector<RecoveryCount> recoveries;
  std::vector<StepKey> waits_over;                                   ///< These steps wait outside no more.
  std::vector<StepKey> children_over;                                ///< Nor for their child tasks: none has to go on.
  std::vector<std::pair<std::int64_t, std::int64_t>> requests_done;  ///< (execution, seq)
  std::vector<LimitRow> limits;
  std::vector<Park> parks;
  std::vector<QueueChange> limited_dequeues;  ///< Of steps with limits, which are queued or parked.
  std::set<std::string> unparks;              ///< Keys that may be free again.
  std::vector<KeyUse> keys_taken, keys_given;
  std::set<std::string> contests;  ///< Keys of which some steps may have lost their places to newer ones.
  BudgetMoves budgets;

  std::map<std::int64_t, std::int64_t> journal_next;  ///< Of the executions that were looked at.

  // After the flush.
  Ranks ranks;  ///< `now`, and the tails that changed.
  std::vector<Launch> launches;
  std::vector<StepKey> stops;                              ///< Ask these running steps to stop.
  std::vector<std::pair<StepKey, std::int64_t>> released;  ///< Steps (with their epoch) that hold no slot any more.
  std::array<int, kSlotClasses> backlog_delta = {0, 0, 0};
  std::vector<std::int64_t> ended;    ///< Executions.
  std::vector<std::int64_t> adopted;  ///< Executions whose timers must be armed.
  std::vector<StepKey> uncertain;     ///< Ask the reconcile hook.
};

/// What limits did to this boot's queues, beyond what the plan says of them.
struct QueueMoves {
  std::array<int, kSlotClasses> backlog_delta = {0, 0, 0};
  int parked_delta = 0;
  std::map<std::string, Micros> refills;  ///< By key; 0: no more.
  std::vector<Command> told;              ///< To steps that lost their places and that this process may decide about.
};

/// Who may change an execution.
enum class Ownership : std::uint8_t {
  Exclusive,  ///< The process that it belongs to (SQLite).
  Shared,  ///< Every process, under a lock of its row; each step is leased to the worker that claimed it (PostgreSQL).
};

struct CoreContext {
  std::string boot;
  Ownership ownership = Ownership::Exclusive;
  int losses_max = kLossesMax;
  std::array<int, kSlotClasses> free = {0, 0, 0};               ///< Slots.
  const Ranks* ranks = nullptr;                                 ///< Null: a new beginning.
  const std::map<Ranks::Flow, std::int64_t>* tails = nullptr;   ///< Shared: those of the store, if just read.
  std::array<std::vector<std::string>, kSlotClasses> labelled;  ///< Shared: queues of steps that require some of these.
  std::array<std::int64_t, kSlotClasses> heads = {0, 0, 0};     ///< Shared: least ranks in the queues; 0: none.
  bool claims_allowed = true;                                   ///< False while draining, or before start().
  Labels labels;                                                ///< What this process offers.
  std::function<std::optional<CapabilityTraits>(std::string_view)> traits;
  /// StepRunner::recovery_of(). Pure. Without it nothing is done that isn't built in.
  std::function<Recovery(StepKey, const StepFailure&)> recovery;
};

/// Decides what a batch of commands does to the rows. Pure: the same arguments give the same plan; single-threaded.
class Core {
 public:
  static FlushPlan decide(std::span<const Command> commands, const LoadedRows& rows, const CoreContext& context,
                          Micros now, Random& random);
};

/// Of the executions of that boot; of shared ones, which have none, if it is empty. Of these, steps that require labels
/// have queues of their own.
std::string queue_name(SlotClass slot, std::string_view boot, const Labels* required = nullptr);
/// What the name of such a queue says; nothing if it is of another kind.
struct LabelledQueue {
  std::string name;
  SlotClass slot = SlotClass::Cpu;
  Labels required;
};
std::optional<LabelledQueue> labelled_queue(std::string_view name);
/// Key of a step's effect: the same at every attempt, new for every execution. `iterations`: those of the step and of
/// all that it is in, from the outermost, joined by "/".
std::string effect_key(std::string_view execution_id, std::string_view node, std::string_view iterations, int index);

}  // namespace wrench::workflow
