#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "workspace.hpp"
#include "wrench/workflow/schedules.hpp"

namespace wrench::app {

/// Schedules of a workspace, with a planner for what this program can do. All must outlive what is returned.
workflow::Schedules schedules_of(Workspace& space, const StopToken& stop);

/// Cancels what a schedule with cancel_other asked for. One that ended meanwhile is no trouble. Errors: workflow.*,
/// storage.*.
Result<void> cancel_for(Workspace& space, const workflow::ScheduleReport& report);

/// Fires schedules for as long as a process lives, and tells what it did: one line a schedule. Passive, of one thread.
class ScheduleKeeper {
 public:
  /// `note` gets each line.
  ScheduleKeeper(Workspace& space, const StopToken& stop, std::function<void(const std::string&)> note)
      : space_(space), note_(std::move(note)), schedules_(schedules_of(space, stop)) {}

  void turn();
  /// How long nothing is due; at most `longest`.
  Micros pause(Micros longest);

 private:
  void tell(const workflow::ScheduleReport& report);
  void trouble(std::string_view code, const std::string& message);

  Workspace& space_;
  const std::function<void(const std::string&)> note_;
  workflow::Schedules schedules_;
  std::optional<Micros> next_at_;
  std::string told_;  ///< Code of the trouble that was told last; empty: none.
};

}  // namespace wrench::app
