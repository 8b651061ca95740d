#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/workflow/schedules.hpp"

/// What the times of a schedule lead to. Pure: rows in, changes out.
namespace wrench::workflow::schedule {

/// A row of schedule_runs that waits or is open.
struct RunRow {
  Micros fire_at = 0;
  RunState state = RunState::Waiting;
  std::string origin;
  bool cancels = false;  ///< Waits for the end of tasks that are to be cancelled for it.
  std::string task_id;
  std::optional<TaskState> task_state;  ///< Of an open one; none: its task was deleted.
};

inline constexpr std::string_view kSchedule = "schedule", kTrigger = "trigger", kBackfill = "backfill";

/// Times that somebody asks for, besides those that are due.
struct Asked {
  std::string_view origin;
  std::vector<Micros> times;
  Overlap overlap = Overlap::Skip;
};

struct Ended {
  Micros fire_at = 0;
  TaskState state = TaskState::Completed;
};
struct Fire {
  Micros fire_at = 0;
  std::string origin;
  bool waited = false;   ///< It has a row.
  bool cancels = false;  ///< As of RunRow.
};

struct Decision {
  Schedule after;  ///< Of the row; its version isn't raised yet.
  std::vector<Ended> ended;
  std::vector<Fire> begin, wait;
  std::vector<Micros> dropped;      ///< Waited and never will begin.
  std::vector<std::string> cancel;  ///< Tasks.
  bool changed = false;
  bool empty() const { return !changed; }
};

/// When the time comes with its jitter: the same whoever asks.
Micros due_at(const Schedule& schedule, Micros fire_at);
/// Moves on to the first time after `after`.
void move_on(Schedule& schedule, const ScheduleSpec& spec, const TimeZone& zone, Micros after);

/// Pauses it if that many tasks in a row failed.
void pause_after_failures(Decision& decision);

/// `runs`: all that wait or are open, by time. `taken(t)`: that time has a row. Nothing changes but the counts of ended
/// ones while the schedule is paused, unless somebody asks.
Decision decide(const Schedule& schedule, std::span<const RunRow> runs, const Asked* asked,
                const std::function<bool(Micros)>& taken, Micros now);

}  // namespace wrench::workflow::schedule
