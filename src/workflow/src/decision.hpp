#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "guards.hpp"
#include "recovery/recovery_mark.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {

/// Why an execution was cancelled when its deadline did it.
inline constexpr std::string_view kTimedOut = "timed_out";
/// And when it was queued or waiting for too long.
inline constexpr std::string_view kExpired = "expired";
/// TimerRow::epoch of timers that outlive attempts.
inline constexpr std::int64_t kAnyEpoch = -1;

/// Open: only waits for its children, which count themselves. Outside: waits for a person, a signal or a time.
enum class Standing : std::uint8_t { Blocked, Active, Open, Outside, Held, Done };

/// Rows are missing: the command can't be decided yet. Never leaves decide().
inline Error missing() { return Error("workflow.missing_rows", "rows to be loaded"); }

/// One call of Core::decide(): working copies of the rows, what commands do to them (decision_commands.cpp), what the
/// step machine does (decision_steps.cpp), and the plan that comes out (core.cpp).
class Decision {
 public:
  Decision(const LoadedRows& rows, const CoreContext& context, Micros now, Random& random)
      : rows_(rows), context_(context), now_(now), random_(random) {}

  FlushPlan run(std::span<const Command> commands);

 private:
  struct Execution {
    ExecutionRow row;
    const ExecutionRow* before = nullptr;
    TaskRow task;
    const TaskRow* task_before = nullptr;
    const Plan* plan = nullptr;
    std::shared_ptr<const Fork> fork;  ///< Null: it is none.
    std::int64_t journal_next = 1;
    std::vector<StepKey> changed;
    std::vector<StepKey> ended;
    std::size_t ends_told = 0;  ///< Of the first so many in `ended` others have heard.
    bool touched = false;
    std::string actor;  ///< Of its event.
  };
  /// What becomes of a step's timers; the last word counts.
  struct TimerEdits {
    bool all_derived_deleted = false;
    std::map<TimerKind, std::optional<TimerRow>> kinds;
  };
  struct Step {
    StepRow row;
    const StepRow* before = nullptr;  ///< Null: new.
    /// Of a step with children: what its cursor says, or is going to say. Each child that ends changes it.
    std::optional<BodyCursor> body;
    bool told = false;  ///< It stands in its execution's event.
  };

  // ---- rows ----

  Execution* execution(std::int64_t no);
  Step* step(StepKey key);

  /// Keys of the open steps of an execution; nothing if they aren't all loaded.
  std::optional<std::vector<StepKey>> open_steps(std::int64_t no);
  const PlanNode& node(const Execution& e, const StepRow& row) const;
  SlotClass slot_of(const Execution& e, const StepRow& row) const;
  /// Of the worker that may take it; null: any may. On one machine there is but one process, and whether it may is
  /// found out when it does. Whether a `when` holds any worker can tell.
  const Labels* labels_of(const Execution& e, const StepRow& row) const;
  std::string queue_of(const Execution& e, const StepRow& row, SlotClass slot, std::string_view boot) const;
  Effect effect_of(const Execution& e, const StepRow& row) const;
  static StepKey key_of(const StepRow& row);
  static BodyCursor& body_of(Step& s);
  /// Back into the row.
  static void store_body(Step& s);
  static int initial_deps(const PlanNode& node);
  /// Whoever has the command done is named in the entries that it leads to, not in those of what follows by itself.
  void act(Execution& e, const std::string& actor) { e.actor = by_ = actor; }
  std::int64_t journal(Execution& e, std::string kind, const StepRow* row, std::string data = {},
                       std::string blob_hash = {});

  // ---- the step machine ----

  Result<void> fire(Execution& e, Step& s, StepEvent event);
  void count(Execution& e, const StepRow& row, int by) const;

  /// What a state held is given back.
  void leave(Execution& e, const StepRow& old, StepKey key);
  void set_timer(const TimerRow& timer);
  void delete_timer(StepKey key, TimerKind kind);
  /// Whoever runs a step sees to its time, or others find out that its worker is lost. Others' timers are rows.
  bool is_kept_here(const TimerRow& timer) const;
  void dequeue(const Execution& e, Step& s, const std::string& boot);
  void enter_ready(Execution& e, Step& s);

  // ---- what the end of a step means for others ----

  /// Tells those that wait for the ends of steps. A worklist, because a skip can run through the whole plan.
  void propagate(Execution& e);
  void need_ended(Execution& e, const StepRow& need, std::uint32_t dependent, bool failed);
  void need_ended(Execution& e, Step& s, const Need& need, StepState state, bool failed);
  /// A step that needs some of several: whether it may run, or never will.
  void join_needs(Execution& e, Step& s);
  /// The step of a node that stands beside this step's; nothing if a row is missing.
  std::optional<StepKey> beside(const Execution& e, const StepRow& row, std::uint32_t node);
  void child_ended(Execution& e, const StepRow& child);
  void spawn_item(Execution& e, const StepRow& map, std::int64_t item);
  /// Rows for the nodes of a group's or loop's body.
  void spawn_body(Execution& e, Step& owner, BodyCursor cursor);
  Step& add_step(Execution& e, const StepRow& row);

  /// The first error that isn't tolerated explains why the execution failed.
  void keep_error(Execution& e, const StepRow& row, std::string_view error_json = {});

  // ---- commands ----

  bool is_ours(const ExecutionRow& row) const {
    return context_.ownership == Ownership::Shared || row.owner_boot == context_.boot;
  }
  /// The execution, if this boot may change it.
  Result<Execution*> owned(std::int64_t no);
  Result<void> on(const command::Start& c);
  /// Of one that hasn't begun: whether it may. Else it is told why, or cancelled.
  Result<bool> may_begin(Execution& e);
  /// Rows for the steps outside of bodies; those that need nothing are ready.
  void begin(Execution& e);

  // ---- forks (decision_fork.cpp) ----

  /// Rows for the steps that the fork has itself.
  void begin_fork(Execution& e);
  /// How a need of a fork's step ended that has no row here; nothing if it has one.
  static std::optional<Fork::Ended> ended_before(const Execution& e, std::uint32_t node);
  Result<void> on(const command::Outcome& c);
  Result<void> on_outcome(const command::Outcome& c);
  Result<void> open_map(Execution& e, Step& s, const command::Outcome& c);
  Result<void> iterate(Execution& e, Step& s, const command::Outcome& c);
  Result<void> on(const command::TimerDue& c);
  Result<void> expire(const TimerRow& timer);
  static bool timer_holds(const TimerRow& timer, const StepRow& row, Pause paused);
  Result<void> time_out(Execution& e, Step& s, TimerKind kind);
  bool has_expired(const Execution& e) const { return e.row.expires_at != 0 && now_ >= e.row.expires_at; }
  Result<void> cancel_children(Execution& e, std::int64_t parent);
  Result<void> cancel_step(Execution& e, Step& s);
  Result<void> cancel(Execution& e, std::string reason, const std::string& actor);
  Result<void> on(const command::Cancel& c);
  Result<void> on(const command::Adopt& c);
  Result<void> on(const command::LoseLease& c);
  Result<void> lose_lease(Execution& e, Step& s);
  Result<void> on(const command::Decide& c);
  /// A person has the step tried again: its children, too, unless they are done.
  static void begin_body_anew(Step& s);
  void void_intents(StepKey key, std::int64_t epoch);
  void close_intents(StepKey key, std::int64_t epoch);
  Result<void> on(const command::Reconcile& c);
  Result<void> on(const command::Record& c);
  Result<void> on(const command::Suspend& c);
  Result<void> on(const command::Answer& c);
  Result<void> on(const command::Refill& c);
  Result<void> on(const command::Supersede& c);
  Result<void> on(const command::Note& c);

  // ---- limits (decision_limits.cpp) ----

  LimitRow* limit(const std::string& key);
  bool take_limits(const Execution& e, Step& s, SlotClass slot);
  void park(const Execution& e, Step& s, SlotClass slot, const std::string& key);
  void give_limits_back(const StepRow& row);
  void leave_limits(const Execution& e, const StepRow& row, SlotClass slot, const std::string& boot);
  Result<void> on_limits(Execution& e, Step& s, const command::Outcome& c);
  void empty_rate(const StepRow& row, Micros retry_after_us);
  void finish_limits();

  // ---- budgets (budget/decision_budgets.cpp) ----

  struct BudgetScope {
    std::string name;
    const BudgetAmounts* planned = nullptr;  ///< Of a step: what its plan gives it.
    std::string period;                      ///< Of a project: the scope that says what each begins with.
  };
  using BudgetScopes = std::vector<BudgetScope>;
  /// What came of asking.
  struct Grant {
    enum class Answer : std::uint8_t { Yes, Busy, Spent, RowsMissing };
    Answer answer = Answer::Yes;
    std::string scope, dim;  ///< Which refused.
    std::int64_t want = 0;
    BudgetRow row;
  };
  bool draws(const Execution& e) const { return !e.row.budgets.empty() || e.plan->has_step_budgets(); }
  std::optional<BudgetScopes> scopes_of(const Execution& e, const StepRow& row);
  BudgetDims* dims_of(const BudgetScope& scope);
  std::vector<BudgetEntry>* entries_of(const StepRow& row);
  Grant ask(const BudgetScopes& scopes, const BudgetAmounts& want);
  void draw(const BudgetScopes& scopes, const BudgetAmounts& want, Step& s, std::int64_t call_no);
  void settle(BudgetEntry& entry, std::int64_t used, bool estimated);
  /// What is measured of the step's run, as far as a budget limits it; of each a share.
  std::optional<BudgetAmounts> shares(const BudgetScopes& scopes, std::int64_t most_ms);
  /// May the step begin? If not, it waits or has failed. `scopes`, `want`: what begin_draws() then takes.
  bool may_draw(Execution& e, Step& s, BudgetScopes& scopes, BudgetAmounts& want);
  void begin_draws(const Execution& e, Step& s, const BudgetScopes& scopes, const BudgetAmounts& want, Launch& launch);
  Result<void> refuse(Execution& e, Step& s, const Grant& grant, std::optional<std::int64_t> epoch);
  /// A step left its run, or ended.
  void end_draws(Execution& e, const StepRow& old, Step& s);
  Result<void> on_out_of_budget(Execution& e, Step& s, const command::Outcome& c);
  Result<void> share_used(Execution& e, Step& s, const command::TimerDue& c);
  void hold_over(Step& s);
  Result<void> record_budget(Execution& e, Step& s, const command::Record& c, bool current);
  Result<void> fund(Execution& e, Step& s);
  Result<void> on(const command::Fund& c);
  Result<void> on(const command::Raise& c);
  void settle_refused();
  void finish_budgets();

  // ---- what is done about failures (decision_recovery.cpp) ----

  /// Journals it, and does what its severity asks for. `note`: what the runner says of it, or null.
  Result<void> recovered(Execution& e, Step& s, ErrorClass error_class, std::string_view error_json,
                         const RecoveryNote* note = nullptr);
  Result<void> recovered(Execution& e, Step& s, const RecoveryCount& what, std::string entry);
  Result<void> recorded_recovery(Execution& e, Step& s, const std::string& entry);
  Result<void> failed(Execution& e, Step& s, std::int64_t epoch, const command::Outcome::Fail& fail);
  /// What a wait node waited for won't come.
  Result<void> wait_failed(Execution& e, Step& s, const std::string& error_json);
  /// Steps of a body failed that nobody tolerates.
  void body_failed(Execution& e, Step& s, const std::string& error_json);
  StepFailure facts_of(const Execution& e, const Step& s, std::string_view code, std::string_view message,
                       ErrorClass error_class) const;
  /// What a policy says about a failure that no run could do anything about; nothing: what holds without one.
  std::optional<Recovery> policy_for(const Execution& e, const Step& s, const StepFailure& facts) const;
  RecoveryMark mark_of(const Execution& e, const Step& s) const;
  /// Does it at once: the step is passed over, or another capability runs in its place or to undo it.
  void take_over(Execution& e, Step& s, const Recovery& recovery, const StepFailure& facts);
  /// For the rest, which shows in what becomes of the step.
  RecoveryNote note_of(const Execution& e, const Step& s, const Recovery& recovery, const StepFailure& facts) const;
  bool has_open_intent(StepKey key) const {
    return (rows_.open_intents.contains(key) || intents_opened_.contains(key)) && !intents_closed_.contains(key);
  }
  Result<void> hold_back(Execution& e, Step& s, const command::Outcome& c);
  /// Nothing new begins until a person says so, if the step waits for one.
  Result<void> suspend_for(Execution& e, Step& s);

  Result<void> on(const command::SetPause& c);
  /// It doesn't begin, or may again: somebody begins it then.
  Result<void> pause_unbegun(Execution& e, const command::SetPause& c);
  Result<void> set_pause(Execution& e, Pause pause);
  Result<void> wait_outside(Execution& e, Step& s, const command::Outcome& c);
  Result<void> wait_over(Execution& e, Step& s);

  // ---- executions and tasks ----

  void move(Execution& e, ExecutionEventKind event);
  void move(Execution& e, TaskEventKind event);
  void end(Execution& e, ExecutionEventKind event, TaskEventKind task_event);
  void settle(Execution& e);
  /// Why nothing can go on; empty if something can.
  std::string_view stuck_reason(const Execution& e);
  std::string_view held_reason(const Execution& e);
  void open_gate(Execution& e);

  // ---- slots ----

  /// When the step has its turn. The first call for a step decides.
  std::int64_t rank_of(const Execution& e, const StepRow& row, SlotClass slot);
  void claim();
  void start_step(Execution& e, Step& s, SlotClass slot);
  /// See Launch::map.
  std::shared_ptr<const StepRow> map_of(const Execution& e, const StepRow& item);
  void queue_rest();

  // ---- the result ----

  void finish();
  storage::EventDraft event_of(const Execution& e);

  const LoadedRows& rows_;
  const CoreContext& context_;
  const Micros now_;
  Random& random_;
  FlushPlan plan_;
  std::map<std::int64_t, Execution> executions_;
  std::map<StepKey, Step> steps_;
  std::map<StepKey, std::shared_ptr<const StepRow>> maps_;  ///< As given to launches.
  std::map<StepKey, TimerEdits> timers_;
  std::map<std::string, LimitRow> limits_;
  std::map<std::string, BudgetDims> budgets_;
  std::map<StepKey, std::vector<BudgetEntry>> entries_;
  std::string by_;                            ///< Who has the command done; empty: this process.
  const command::Outcome* ending_ = nullptr;  ///< The run that reports its end at the moment.
  std::set<std::int64_t> refused_;            ///< Executions with steps that may not begin.
  std::vector<StepKey> newly_ready_;
  std::map<StepKey, std::int64_t> ranks_;              ///< Of these.
  std::set<StepKey> intents_opened_, intents_closed_;  ///< In this flush.
  std::array<int, kSlotClasses> freed_ = {0, 0, 0};
};

}  // namespace wrench::workflow
