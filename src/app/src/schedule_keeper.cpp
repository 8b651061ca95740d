#include "schedule_keeper.hpp"

#include <algorithm>

#include "scheduled_task.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

workflow::Schedules schedules_of(Workspace& space, const StopToken& stop) {
  return {space.store(), space.clock(), space.random(), [&space, stop](const workflow::Schedule& schedule) {
            return scheduled_task(schedule.what.task_template, space.registry(), stop);
          }};
}

Result<void> cancel_for(Workspace& space, const workflow::ScheduleReport& report) {
  for (const auto& task_id : report.cancel) {
    const auto done = space.engine().cancel(task_id, "the schedule " + report.name + " has come to its next time");
    if (!done && done.error().code != "workflow.invalid_transition") return done.error();
  }
  return {};
}

void ScheduleKeeper::trouble(std::string_view code, const std::string& message) {
  if (code != told_ && !message.empty()) note_(message);
  told_ = code;
}

void ScheduleKeeper::tell(const workflow::ScheduleReport& report) {
  std::string line;
  const auto add = [&](const std::string& what) { line += (line.empty() ? "" : ", ") + what; };
  for (const auto& receipt : report.begun) add("task " + std::string(short_id(receipt.task_id)));
  if (report.waiting > 0) add(std::to_string(report.waiting) + " waiting");
  if (report.skipped > 0) add(std::to_string(report.skipped) + " skipped, its task still runs");
  if (report.missed > 0) add(std::to_string(report.missed) + " missed, noticed too late");
  if (report.not_planned) add("no task: " + Console::safe(report.not_planned->message));
  if (!report.paused.empty()) add("paused: " + Console::safe(report.paused));
  if (!line.empty()) note_("schedule " + Console::safe(report.name) + ": " + line);
}

void ScheduleKeeper::turn() {
  const auto turn = schedules_.turn();
  if (!turn) return trouble(turn.error().code, "can't look at schedules right now: " + turn.error().message);
  trouble("", "");
  next_at_ = turn->next_at;
  if (turn->clock_jump)
    note_("the clock of this machine jumped by " + format_duration(*turn->clock_jump) +
          ": schedules make up for what their catch-up windows cover");
  for (const auto& report : turn->reports) {
    tell(report);
    if (auto done = cancel_for(space_, report); !done)
      note_("schedule " + Console::safe(report.name) + ": can't cancel its task: " + done.error().message);
  }
}

Micros ScheduleKeeper::pause(Micros longest) {
  if (!next_at_) return longest;
  const auto now = schedules_.now_us();
  return now ? std::clamp(*next_at_ - *now, Micros{0}, longest) : longest;
}

}  // namespace wrench::app
