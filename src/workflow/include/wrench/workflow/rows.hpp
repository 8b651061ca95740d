#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "wrench/base/clock.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/transitions.hpp"

namespace wrench::workflow {

/// Rows of the hot tables as the core sees them. Plain data.
struct TaskRow {
  std::int64_t id = 0;
  std::string task_id;
  std::int64_t project_id = 0;
  std::int64_t repo_id = 0;
  Priority priority = Priority::Medium;
  TaskState state = TaskState::Queued;
  std::string wait_reason;
  std::int64_t progress_ppm = 0;
  Micros updated_at = 0;
  std::int64_t version = 0;
  std::int64_t parent_execution = 0, parent_step = 0;  ///< The step that waits for its end; 0: none.
  std::string kind;
  bool operator==(const TaskRow&) const = default;
};

enum class Pause : std::uint8_t {
  No = 0,
  Yes = 1,       ///< Nothing new begins.
  Now = 2,       ///< And what runs was asked to give back what it does.
  Critical = 3,  ///< Something went wrong that nobody should build on: the engine itself lets nothing new begin.
  /// Of a restored PostgreSQL store, where workers take whatever their rows let them take: nothing begins until a
  /// person has it resumed, whatever becomes due or is answered meanwhile.
  Restored = 4,
};

struct ExecutionRow {
  std::int64_t id = 0;
  std::string execution_id;
  std::int64_t task_no = 0;
  std::int64_t number = 1;
  ExecutionStatus status = ExecutionStatus::Pending;
  std::string suspend_reason;
  std::string error;  ///< JSON, or empty.
  std::string plan_hash;
  std::string owner_boot;
  OnExhausted on_exhausted = OnExhausted::Fail;
  Micros cancel_at = 0;  ///< 0: no.
  std::string cancel_reason;
  Pause paused = Pause::No;
  Micros deadline_at = 0;  ///< 0: none.
  Micros expires_at = 0;   ///< From then on it may not be queued or waiting; 0: it may for ever.
  Micros created_at = 0, started_at = 0, completed_at = 0;
  std::int64_t forked_from = 0;  ///< The execution that it goes back to; 0: none.
  std::int64_t next_step = 1;
  std::int64_t steps_total = 0, steps_done = 0, steps_failed = 0, steps_active = 0, steps_held = 0;
  std::array<std::int64_t, kWaitKinds> waiting = {};  ///< Steps that wait outside, by WaitKind.
  std::int64_t version = 0;
  std::string budgets;  ///< Scopes that all its steps draw from, separated by spaces; empty: none.
  bool operator==(const ExecutionRow&) const = default;
};

enum StepFlag : std::uint32_t {
  kFlagEffectMask = 3,         ///< Effect class at the last claim.
  kFlagCancelRequested = 4,    ///< Asked to stop; ends as cancelled.
  kFlagCollecting = 8,         ///< Its children are done: the next run makes its output, or another iteration.
  kFlagGateOpen = 16,          ///< A finally node that may run.
  kFlagAskedToYield = 32,      ///< A pause can't wait: ending for that reason is no failure.
  kFlagSkippedByFailure = 64,  ///< Its dependents are skipped, too, unless they continue.
  kFlagWaitsOutside = 128,     ///< Waiting for a person, a signal or a time, not for its children.
  kFlagWaitsBudget = 256,      ///< Waiting until a budget has something left for it.
  kFlagDraws = 512,            ///< It has open lines in the ledger.
  kFlagSuspended = 1024,       ///< Held, and its execution was suspended for it once: a person knows.
  kFlagNeedsLabels = 4096,     ///< Its `when` holds: from now on only workers with its labels take it.
  kFlagSuperseded = 2048,      ///< A newer step of its key took its place: its cancel counts as a failure.
};

struct StepRow {
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  std::uint32_t node = 0;
  std::int64_t parent_step = 0;  ///< 0: none.
  std::int64_t iteration = -1;   ///< Index of the map's item, or the loop's iteration from 1; -1: none.
  StepState state = StepState::Blocked;
  int attempt = 0;
  int lost = 0;
  std::int64_t epoch = 0;
  int deps_left = 0;
  std::string worker_boot;
  Micros claimed_at = 0;
  std::int64_t output_seq = 0;
  std::string cursor;
  std::uint32_t flags = 0;
  std::int64_t rank = 0;    ///< Of its ready row; 0: none.
  Micros scheduled_at = 0;  ///< When it was ready first: its schedule_to_close runs from then; 0: not yet.
  std::string limits;       ///< What its plan's limits came to (limits.hpp); empty: none, or not evaluated yet.
  bool operator==(const StepRow&) const = default;

  Effect effect() const { return static_cast<Effect>(flags & kFlagEffectMask); }
  /// Its place went to another step of its key.
  bool superseded() const { return state == StepState::Cancelled && (flags & kFlagSuperseded) != 0; }
  /// It ended without having done what it was there for.
  bool failed() const { return state == StepState::Failed || superseded(); }
  bool waits_for_children() const {
    return state == StepState::Waiting && (flags & (kFlagWaitsOutside | kFlagWaitsBudget)) == 0;
  }
};

/// The use of one key.
struct LimitRow {
  std::string key;
  std::int64_t in_use = 0, cap = 0;  ///< Steps that run, and how many may.
  Micros period_us = 0;              ///< Between two beginnings; 0: the key limits no rate.
  std::int64_t burst = 1;
  Micros arrival_at = 0;      ///< When all that began is paid for.
  Micros refill_at = 0;       ///< When to look after what is parked; 0: nothing is.
  std::int64_t arrivals = 0;  ///< Steps that ever wanted the key: the number of the newest.
  std::int64_t newest = 0;    ///< The newest of them that is to wait alone (keep_newest_queued); 0: there was none.
  std::int64_t turn = 0;      ///< Of the last sub-key that had its turn.
  std::int64_t waiting = 0;   ///< Steps that are parked.
  bool stored = false;        ///< There is a row.
  bool operator==(const LimitRow&) const = default;
};

enum class TimerKind : std::uint8_t {
  Retry = 0,
  ScheduleToStart = 1,
  StartToClose = 2,
  ScheduleToClose = 3,
  Heartbeat = 4,
  CancelGrace = 5,
  Deadline = 6,  ///< Of the execution.
  WaitOver = 7,  ///< The time that a wait node waits for, or the longest that it waits; the end of a budget's period.
  BudgetShare = 8,  ///< What a running step has reserved of the time is used up.
  BudgetHold = 9,   ///< What dead attempts have reserved counts as used.
  Expiry = 10,      ///< Of the execution: it may not be queued or waiting any more.
};

inline constexpr int kTimerKinds = 11;

/// Follows from rows of steps, so none of its own is written: what runs when its process dies is begun anew, and
/// scheduled_at says when everything has to be over.
constexpr bool is_derived(TimerKind kind) {
  return kind == TimerKind::StartToClose || kind == TimerKind::ScheduleToClose || kind == TimerKind::Heartbeat ||
         kind == TimerKind::CancelGrace || kind == TimerKind::BudgetShare;
}
/// Only the process that runs the step knows what the timer has to know.
constexpr bool is_fired_where_it_runs(TimerKind kind) {
  return kind == TimerKind::Heartbeat || kind == TimerKind::BudgetShare;
}

struct TimerRow {
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  TimerKind kind = TimerKind::Retry;
  Micros due_at = 0;
  std::int64_t epoch = 0;  ///< The step's when it was set; another epoch makes it void. Schedule timers: -1 (any).
  bool operator==(const TimerRow&) const = default;
};

/// Progress of a step with children, kept in StepRow::cursor.
struct BodyCursor {
  std::int64_t items = 0;      ///< Children: the items of a map; the body's nodes of a group or of a loop's iteration.
  std::int64_t next = 0;       ///< First child without a step.
  std::int64_t done = 0;       ///< Children that ended.
  std::int64_t failed = 0;     ///< Of these, and nobody tolerates it.
  std::int64_t items_seq = 0;  ///< map: journal entry with the list.
  std::int64_t base = 0;       ///< Step number of the first child; of a group or loop, of its body's first node.
  std::int64_t iteration = 0;  ///< loop: from 1.
  std::int64_t last_seq = 0;   ///< loop: journal entry with the output of the iteration before; 0: none.
  std::string str() const;
  /// Of a row: programmer error if it isn't one.
  static BodyCursor parse(const std::string& text);
};

}  // namespace wrench::workflow
