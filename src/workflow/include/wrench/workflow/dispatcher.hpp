#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/findings_store.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {

namespace creation {
struct Numbers;
}
namespace turns {
class Starts;
}
class EngineMetrics;
struct ForkDraft;
class PlanCache;
struct RowCache;
class RefillQueue;
class SharedWork;
struct SharedTurn;
class TimerQueue;

/// A task on its way into the store, with everything that is costly already done.
struct Creation {
  CreateTask task;
  std::string task_id, execution_id;
  storage::PreparedBlob inputs;
  std::string inputs_json;  ///< Of small ones, which need no blob; else empty.
  std::string request_hash;
  std::int64_t repo_id = 0;  ///< Where CreateTask::repository is empty; 0: none.
  StepKey parent;            ///< The step that waits for its end; zeros: none.
  std::string budgets;       ///< What the parent's step draws from, and so do the child's; ExecutionRow::budgets.
};
/// A new execution of an ended task.
struct Rerun {
  std::int64_t task_no = 0;
  std::string execution_id;
  std::shared_ptr<const ForkDraft> fork;  ///< Null: everything runs again.
};
/// A draft is to be run.
struct Submit {
  std::int64_t task_no = 0;
  std::string actor;
};
/// What a process asks of the one that owns an execution; it obeys within a second, a later owner when it takes over.
struct Request {
  enum class Kind : std::uint8_t {
    Cancel,
    Pause,
    PauseNow,
    Unpause,
    StepRetry,
    StepSkip,
    StepGiveUp,
    StepResolve,
    Fund,
    BudgetRaise,
    Supersede,
    Delegated,
  };
  std::int64_t execution_no = 0;
  Kind kind = Kind::Cancel;
  /// Of a step the reason is its number, of StepResolve JSON {step, output} or {step, blob}, of a raise JSON {scope,
  /// by}, of a wait that was handed on JSON {step, to}.
  std::string reason, actor;
};

/// Somebody decides about a step that waits.
struct Answering {
  std::string wait_id;
  WaitDecision decision = WaitDecision::Approve;
  codec::Json value;  ///< The answer; of an approval its edits, or null.
  std::string comment, actor;
};
/// A signal for an execution, waited for or not.
struct Signalling {
  std::int64_t execution_no = 0;
  std::string name;
  codec::Json value;
  std::string actor;
};
/// Another process, or an earlier flush, decided about a step that waits here.
struct Decided {
  StepKey step;
};

/// What a wait shows to people.
struct WaitDraft {
  std::string wait_id;
  WaitKind kind = WaitKind::Signal;
  std::string name, title, role;
  std::string subject, schema;  ///< JSON, or empty.
  std::string subject_hash;     ///< 32 raw bytes.
  bool four_eyes = false;
  std::optional<Micros> expires_at;
};

/// What a step's completion, or a person's decision about it, brings along.
struct Baggage {
  std::optional<WaitDraft> wait;
  std::optional<Creation> child;  ///< The task that the step waits for.
  std::vector<storage::PreparedBlob> blobs;
  std::vector<findings_store::Row> findings;
  std::vector<storage::WriteBody> attached;
};

/// What a running step said.
struct StreamChunk {
  StepKey step;
  std::int64_t epoch = 0;
  int attempt = 1;
  std::int64_t offset = 0;  ///< Bytes of the run before it.
  std::string text;         ///< Valid UTF-8 without NUL, at most kStreamChunkBytesMax.
  std::int64_t left_out = 0;
  bool last = false;  ///< Of the run.
};

/// One piece of work for the next flush. `reply` is called once, after the flush.
struct Job {
  using Reply = std::function<void(Result<TaskReceipt>)>;
  std::variant<Command, Creation, Rerun, Submit, Request, Answering, Signalling, Decided, StreamChunk> work;
  std::shared_ptr<const Baggage> baggage;
  Reply reply;
  bool alone = false;  ///< Its batch failed: it must show whether it was the reason.
  int tries = 0;
};

struct DispatcherConfig {
  std::string boot;
  std::array<int, kSlotClasses> slots = {1, 4, 4};
  int losses_max = kLossesMax;
  Ownership ownership = Ownership::Exclusive;
  Micros worker_ttl_us = kWorkerTtl;
  EngineMetrics* metrics = nullptr;  ///< Null: nothing is measured.
  Labels labels;                     ///< What this process offers.
  Micros unserved_after_us = kUnservedAfter;
};

/// What the shell does for the dispatcher. All calls come from inside of on_flushed().
class DispatcherShell {
 public:
  virtual ~DispatcherShell() = default;
  virtual void launch(Launch launch) = 0;
  virtual void stop(StepKey step) = 0;
  /// The step runs no more as far as the store is concerned; its code may not know yet.
  virtual void released(StepKey step, std::int64_t epoch) = 0;
  virtual void reconcile(StepKey step) = 0;
  virtual void notice(const Notice& notice) = 0;
  virtual Micros last_tick_at(StepKey step) = 0;
  /// CPU time of a running step so far.
  virtual Micros cpu_us(StepKey step) {
    static_cast<void>(step);
    return 0;
  }
};

/// The engine without threads: queues jobs, makes one flush of what is queued, and carries out what became durable.
/// At most one of its flushes is under way, so what it remembers (slots, backlog) is always what the store says.
/// Passive: not thread-safe, never blocks. The engine drives it with threads, the simulator with a seed.
class Dispatcher {
 public:
  /// One flush: decided and written by run(), on the writer's thread; then handed to on_flushed().
  class Batch;

  Dispatcher(DispatcherConfig config, const Clock& clock, Random& random, DispatcherShell& shell);
  ~Dispatcher();

  void set_traits(std::function<std::optional<CapabilityTraits>(std::string_view)> traits);
  void set_recovery(std::function<Recovery(StepKey, const StepFailure&)> recovery);
  /// Claims begin or end (start(), drain()).
  void allow_claims(bool allowed);
  void enqueue(Job job);
  /// The next flush, if there is work, none is under way and it isn't too early after a failure. The caller submits
  /// it to the store and passes the outcome to on_flushed().
  std::shared_ptr<Batch> next_batch();
  Result<void> run(Batch& batch, storage::WriteTx& tx) const;
  void on_flushed(Batch& batch, Result<void> outcome);

  /// Enqueues what is due.
  void on_time();
  /// When on_time() has something to do next; never = max.
  Micros next_due() const;
  /// What other processes asked of this boot.
  void obey(std::vector<Command> requests);
  /// Steps of this boot are parked: other processes may put them back into its queues.
  bool any_parked() const { return parked_ > 0; }
  /// What is in this boot's queues, counted after that flush; ignored if there has been another.
  void see_queues(const std::array<int, kSlotClasses>& queued, std::uint64_t after_flush);
  std::uint64_t flushes() const { return flushes_; }
  /// Steps that wait here, and something was decided about them.
  void hear(const std::vector<StepKey>& decided);
  /// Ownership::Shared: there are events up to that one, perhaps of other processes.
  void wake(std::int64_t last_event);
  /// Ownership::Shared: gives no more signs of life.
  void leave();
  /// Ownership::Shared: nothing runs here, and at the last flush there was nothing to take.
  bool found_nothing() const;

  /// Why nothing has been stored for a while (disk full, another process writing), and since when; or what made results
  /// impossible to store. Work goes on by itself once the store takes writes again.
  struct Trouble {
    Error error;
    Micros since = 0;
    bool final = false;  ///< A result was lost: what it belongs to can only be resumed by another boot.
  };
  const std::optional<Trouble>& trouble() const { return trouble_; }

  bool idle() const { return jobs_.empty() && !flushing_; }
  const std::set<std::int64_t>& active() const { return active_; }
  /// Slots in use; equals the steps that this boot runs.
  const std::array<int, kSlotClasses>& used() const { return used_; }
  /// Steps that wait for a slot here; of shared executions they wait everywhere, and aren't counted.
  const std::array<int, kSlotClasses>& backlog() const { return backlog_; }
  std::size_t running() const { return running_.size(); }
  PlanCache& plans() const { return *plans_; }

 private:
  struct Running {
    std::int64_t epoch = 0;
    SlotClass slot = SlotClass::Cpu;
  };
  /// Something is queued for a free slot.
  bool can_claim() const;
  std::array<int, kSlotClasses> free_slots() const;
  void release(StepKey step, std::int64_t epoch);
  /// Others took this worker for dead.
  void worker_lost(Batch& batch, const Error& error);
  /// By the database's clock, if it has one.
  Micros now() const;
  /// The task that a step waits for.
  Result<void> begin_child(storage::WriteTx& tx, StepKey step, const Creation& child, creation::Numbers& numbers,
                           turns::Starts& starts, Batch& batch) const;
  /// What ended tasks mean for the steps that began them, and steps that wait no more for the tasks that they began.
  Result<void> carry_between_tasks(storage::WriteTx& tx, Batch& batch) const;
  /// A decision that this process's step hears of at once.
  Result<void> carry(storage::WriteTx& tx, StepKey step, std::vector<Command>& commands) const;
  void failed(Batch& batch, const Error& error);
  void carry_out(Batch& batch);
  /// Keeps what the flush left in the rows of the executions that go on here.
  void remember(Batch& batch);
  void notices(const Batch& batch);

  DispatcherConfig config_;
  const Clock& clock_;
  Random& random_;
  DispatcherShell& shell_;
  std::unique_ptr<PlanCache> plans_;
  std::unique_ptr<SharedWork> shared_;  ///< Null: executions belong to boots.
  std::function<std::optional<CapabilityTraits>(std::string_view)> traits_;
  std::function<Recovery(StepKey, const StepFailure&)> recovery_;
  bool begun_ = false;
  bool claims_allowed_ = false;
  bool claim_pass_wanted_ = false;
  bool flushing_ = false;
  Micros not_before_ = 0;
  std::optional<Trouble> trouble_;
  std::deque<Job> jobs_;
  std::map<StepKey, Running> running_;
  std::array<int, kSlotClasses> used_ = {0, 0, 0};
  std::array<int, kSlotClasses> backlog_ = {0, 0, 0};
  int parked_ = 0;
  std::unique_ptr<RefillQueue> refills_;
  std::uint64_t flushes_ = 0;
  std::set<std::int64_t> active_;
  std::unique_ptr<TimerQueue> timers_;
  std::unique_ptr<RowCache> cache_;
  std::unique_ptr<Ranks> ranks_;
};

class Dispatcher::Batch {
 public:
  std::vector<Job> jobs;
  CoreContext context;
  std::array<int, kSlotClasses> backlog_wanted = {0, 0, 0};
  std::shared_ptr<SharedTurn> shared;  ///< Ownership::Shared.
  std::uint64_t seed = 0;

  // Results of run(); reset by each run.
  std::vector<std::optional<Result<TaskReceipt>>> receipts;  ///< By job, when it isn't the core's to decide.
  std::vector<int> job_of_command;                           ///< Negative: no job's, found in the flush.
  LoadedRows rows;
  FlushPlan plan;
  std::vector<TimerRow> timers_loaded;
  std::vector<Command> follow_ups;
  QueueMoves moved;
};

}  // namespace wrench::workflow
