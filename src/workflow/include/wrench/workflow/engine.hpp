#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/budget.hpp"
#include "wrench/workflow/fork.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/step_runner.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::telemetry {
class MetricsRegistry;
}

namespace wrench::workflow {

inline constexpr std::int64_t kDefaultProject = 1;
inline constexpr std::size_t kInputsBytesMax = 1024 * 1024;
inline constexpr Micros kCancelGrace = 10 * kMicrosPerSecond;
inline constexpr int kLossesMax = 3;
/// Of what a person gives a step as its output.
inline constexpr std::size_t kGivenOutputBytesMax = 4 * 1024 * 1024;
/// After so long without a sign of life a worker on PostgreSQL is lost: others run its steps.
inline constexpr Micros kWorkerTtl = 10 * kMicrosPerSecond;
/// After so long a queue of steps that no worker may run is told of (`queue.unserved`), and again after each
/// kUnservedAgain.
inline constexpr Micros kUnservedAfter = 60 * kMicrosPerSecond;
inline constexpr Micros kUnservedAgain = 3600 * kMicrosPerSecond;
/// wait() gives up when the store has refused every write for this long (storage.full, storage.busy).
inline constexpr Micros kStorePatience = 10 * kMicrosPerSecond;

/// How many steps of each class run at once in one process; by SlotClass.
using Slots = std::array<int, kSlotClasses>;

enum class OnExhausted : std::uint8_t {
  Fail,  ///< The step fails: for in-process runs, so that CI never hangs.
  Dead,  ///< The step waits for a person.
};
enum class DependencyPolicy : std::uint8_t {
  Block,   ///< Starts after the other completed.
  Skip,    ///< Cancelled if the other doesn't complete.
  Ignore,  ///< Starts after the other ended, however.
};
/// How long an idempotency key names its task.
enum class KeyScope : std::uint8_t { Forever, UntilTaskEnds };

struct TaskDependency {
  std::string task_id;
  DependencyPolicy policy = DependencyPolicy::Block;
};

struct CreateTask {
  std::int64_t project_id = kDefaultProject;
  std::string title;  ///< 1 to 500 characters.
  std::string description, kind;
  std::string repository;           ///< What findings are about (an absolute path or URL); empty: none.
  std::string priority = "medium";  ///< low, medium, high, critical
  std::string created_by = "user";
  std::shared_ptr<const Plan> plan;
  codec::Json plan_notes;  ///< Why each step is there; outside the plan's hash.
  codec::Json inputs = codec::Json::object();
  codec::Json metadata;
  std::string idempotency_key;  ///< Empty: none.
  KeyScope key_scope = KeyScope::Forever;
  std::vector<TaskDependency> depends_on;
  OnExhausted on_exhausted = OnExhausted::Fail;
  std::optional<Micros> deadline_at;  ///< The execution ends as timed_out then.
  std::optional<Micros> expires_at;   ///< Of the first execution: it ends as timed_out, and its task as expired, if it
                                      ///< is queued or waiting then or later.
  bool draft = false;                 ///< Stored only: submit() has it run.
  BudgetAmounts budget;               ///< Of all its executions and child tasks; goes before what the plan says.
};

struct TaskReceipt {
  std::string task_id, execution_id;
  std::int64_t task_no = 0, execution_no = 0;
  bool existed = false;  ///< Found by its idempotency key.
  TaskState state = TaskState::Queued;
};

struct TaskOutcome {
  TaskView task;
  ExecutionView execution;
};

/// Something happened; for live displays. Durable facts are in the event log.
struct Notice {
  enum class Kind : std::uint8_t { StepState, StepProgress, ExecutionState };
  Kind kind = Kind::StepState;
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  std::uint32_t node_index = 0;  ///< In the plan.
  StepState step_state = StepState::Blocked;
  int attempt = 0;
  Progress progress;
  ExecutionStatus execution_status = ExecutionStatus::Pending;
  std::int64_t steps_done = 0, steps_total = 0;
};

/// A step that runs in this process.
struct RunningView {
  std::int64_t task_no = 0, execution_no = 0, step_no = 0;
  std::string node, capability;
  int attempt = 0;
  Micros since = 0;
  Micros cpu_us = 0;  ///< So far, without programs that still run.
  Progress progress;
};
struct EngineView {
  Slots slots = {}, used = {};
  std::array<int, kSlotClasses> backlog = {};  ///< Waiting for a slot; not counted on PostgreSQL.
  std::size_t executions = 0;                  ///< Going on in this process.
  std::int64_t stuck = 0;                      ///< Runs whose result doesn't count any more.
  std::vector<RunningView> running;            ///< Oldest first.
};

enum class StepDecision : std::uint8_t {
  Retry,
  Skip,
  GiveUp,
  Resolve,  ///< It counts as completed with an output that somebody gives it: Engine::resolve_step().
};

struct EngineConfig {
  std::string boot_id;  ///< Holds the BootLock of this name for as long as the engine lives.
  Slots slots = {1, 4, 4};
  Labels labels;  ///< What this process offers to steps that require something of it.
  Micros unserved_after_us = kUnservedAfter;
  /// That run steps; 0: one for each slot. With fewer, steps are claimed ahead, which pays if they are tiny.
  std::size_t threads = 0;
  std::function<bool(std::string_view boot_id)> boot_is_live;  ///< Of other boots.
  int losses_max = kLossesMax;
  std::string actor = "system";
  Micros worker_ttl_us = kWorkerTtl;  ///< On PostgreSQL; the same in all processes.
  /// What is known of capabilities where steps don't run, i.e. without start(): in whose queue their steps wait.
  std::function<std::optional<CapabilityTraits>(std::string_view)> traits;
  /// Whether that can be an output of a capability that `traits` knows, for resolve_step(). Without it anything can.
  std::function<Result<void>(std::string_view capability, const codec::Json& output)> check_output;
  telemetry::MetricsRegistry* metrics = nullptr;  ///< Gets what docs/reference/monitoring.md lists; must outlive it.
  std::function<void()> on_activity;              ///< After each flush, on the writer's thread; must be quick.
  /// What drain() gives back waits for a person; else adopt_orphans() of any process takes it.
  bool drain_interrupts = false;
};

/// Runs the tasks of one process ("boot") on a store. A data directory may have several engines, in several
/// processes: an execution belongs to one boot, and those of dead boots can be taken over with resume(). On PostgreSQL
/// every engine that was started runs every task's steps (a worker), and takes over from lost workers by itself.
/// Thread-safe.
///
/// Error codes: workflow.task_not_found, workflow.invalid_transition, workflow.version_conflict, workflow.cycle,
/// workflow.idempotency_conflict, workflow.plan_invalid, workflow.owned_elsewhere, workflow.invalid_task,
/// workflow.draining, and those of storage.
class Engine {
 public:
  /// `store`, `clock`, `random` must outlive the engine; `random` must be thread-safe (SystemRandom).
  static Result<std::unique_ptr<Engine>> open(storage::Store& store, EngineConfig config, const Clock& clock,
                                              Random& random);
  ~Engine();  ///< drain() without patience, then joins.
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// From now on steps run. `runner` must outlive the engine. Without it the engine creates, cancels and lists only.
  void start(StepRunner& runner);

  /// Stores the task and begins it, if start() was called; returns when durable.
  Result<TaskReceipt> create(CreateTask task);
  /// Many at once: one answer for each, in their order, after the flushes that made them durable. Each is accepted or
  /// refused on its own.
  std::vector<Result<TaskReceipt>> create_all(std::vector<CreateTask> tasks);
  /// Takes the task's open execution over if its process is gone, and continues it; a paused one that another process
  /// owns goes on there. Nothing to do: ok.
  Result<TaskReceipt> resume(std::string_view task_id);
  /// Takes over what no live process owns: tasks that could begin, were given back or whose process is gone. Not those
  /// that a person interrupted. Which. Looks at so many at once that the next call may find more. One caller at a time.
  Result<std::vector<TaskReceipt>> adopt_orphans();
  /// A draft is run from now on, once the tasks that it depends on let it. Errors: workflow.invalid_transition: it is
  /// none.
  Result<TaskReceipt> submit(std::string_view task_id);
  /// A new execution of an ended task, same plan and inputs.
  Result<TaskReceipt> retry(std::string_view task_id);
  /// A new execution of an ended task that takes what it can from the latest one (fork.hpp). Who is engine's actor.
  /// Errors: those of preview_fork(), workflow.fork_repeats_effects, workflow.invalid_transition: it hasn't ended.
  Result<TaskReceipt> fork(std::string_view task_id, ForkRequest request);
  /// Of a task that another live process runs, the request is stored and that process obeys within a second.
  Result<void> cancel(std::string_view task_id, std::string_view reason);
  /// Holds the task back: nothing new begins, what runs ends first, or with `now` gives back what it does. resume()
  /// lets it go on. The tasks that it began and waits for are held back with it, and go on with it. Of a task that
  /// another live process runs, that one obeys within a second.
  Result<void> pause(std::string_view task_id, bool now);
  /// Decides about a step that waits for a person; the process that runs the task hears of it within a second, a task
  /// that nobody runs when it is resumed. `value`: the answer, or what an approval changes. Who is engine's actor.
  /// Errors: workflow.wait_not_found, workflow.wait_decided, workflow.wait_expired, workflow.four_eyes,
  /// workflow.answer_invalid, workflow.invalid_transition.
  Result<void> answer(std::string_view wait_id, WaitDecision decision, codec::Json value, std::string_view comment);
  /// Hands the wait to another person; who may still decide is not checked here.
  Result<void> delegate(std::string_view wait_id, std::string_view to);
  /// Sends a signal to the task's open execution. Nothing waits for it yet: it is kept.
  Result<void> signal(std::string_view task_id, std::string_view signal, codec::Json value);
  /// Raises limits of the task's budget (`step_no` 0), or of that step of its latest execution, by so much; who waits
  /// for it goes on. If another live process runs the task, that one obeys within a second. Errors:
  /// workflow.budget_invalid: there is none to raise.
  Result<void> raise_budget(std::string_view task_id, std::int64_t step_no, const BudgetAmounts& by);
  /// What each day or month of a project may use, from now on; of the present one never less than is used already. For
  /// executions that begin later. Errors: workflow.budget_invalid.
  Result<void> set_project_budget(std::int64_t project_id, BudgetPeriod period, const BudgetAmounts& budget);
  /// Moves a dead or uncertain step on; not for Resolve. If another live process runs the task, that one obeys within a
  /// second.
  Result<void> decide_step(std::string_view task_id, std::int64_t step_no, StepDecision decision);
  /// What was compared with the output of resolve_step(), besides the plan's `ensure`.
  enum class OutputCheck : std::uint8_t { Schema, Nothing };
  /// Gives a dead or uncertain step its output: it counts as completed. Else as decide_step(). Errors also:
  /// workflow.step_not_found, workflow.output_too_large (kGivenOutputBytesMax), workflow.condition_false (`ensure`),
  /// workflow.output_invalid (EngineConfig::check_output).
  Result<OutputCheck> resolve_step(std::string_view task_id, std::int64_t step_no, const codec::Json& output);

  /// Blocks until the task ended, is paused, or waits for something other than a time. Errors: workflow.wait_deadline,
  /// workflow.wait_stopped, workflow.draining (this engine gave it back), and the store's error if it takes no writes
  /// for kStorePatience: the task can be resumed later.
  Result<TaskOutcome> wait(std::string_view task_id, Deadline deadline, const StopToken& stop);

  struct Working {
    bool found_nothing = false;  ///< PostgreSQL: nothing runs here, and at the last look there was nothing to take.
    std::optional<Error> lost;   ///< workflow.worker_lost: this engine does nothing any more.
  };
  Working working() const;

  /// What goes on here at this moment, for displays; the gauges of the metrics are set along with it.
  EngineView look() const;

  /// Called for each notice, on an engine thread; must be quick. One subscriber; empty function: none.
  void subscribe(std::function<void(const Notice&)> subscriber);

  /// Starts no more steps, asks running ones to stop, waits for them, and leaves what is open suspended, ready to be
  /// resumed by anyone. Steps that don't return until the deadline stay ours and will count as lost.
  Result<void> drain(Deadline deadline);

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::workflow
