#pragma once

#include <memory>
#include <string>

#include "../workspace.hpp"

namespace wrench::app {

struct StartedTask {
  workflow::TaskReceipt receipt;
  bool same_command_goes_on = true;  ///< After an interruption; else only `task resume` does.
};
/// Creates the task, or goes on with the one of the same kind, plan and inputs that an interrupted process left; with
/// --fresh that one is cancelled. `task` has no idempotency key: its kind, plan and inputs are one, and `besides`, what
/// else makes it another task.
Result<StartedTask> start_or_go_on(Session& session, Workspace& space, workflow::CreateTask task,
                                   std::string_view besides = {});

/// Stores the task for whichever process serves the data directory, and says which it is. The key is that of
/// start_or_go_on(): a task that is there already isn't created again.
ExitCode leave_task(Session& session, workflow::CreateTask task);

/// For tasks that are left to whoever runs them, unless --wait or --here ask for more.
struct OpenedToRun {
  std::unique_ptr<Workspace> space;
  bool runs_here = false;
  bool waits = false;  ///< For their ends.
};
Result<OpenedToRun> open_to_run(Session& session);

/// Says which task was left for others to run, and how to follow it.
ExitCode tell_created(Session& session, Workspace& space, const workflow::TaskReceipt& receipt,
                      const std::string& title);

/// The command as it was typed, for people to paste; without --fresh, which would throw the interrupted run away.
std::string same_command(const Session& session);

/// Waits for the task with progress on standard error. Obeys signals and --timeout.
Result<workflow::TaskOutcome> run_to_end(Session& session, Workspace& space, const std::string& task_id);

/// After run_to_end failed: gives the task back (or cancels it after --timeout), says how to go on, and returns the
/// exit code. `goes_on`: a command that also goes on with the task, better than `task resume`; empty: none.
ExitCode task_failure(Session& session, Workspace& space, const Error& error, const std::string& task_id,
                      const std::string& goes_on = {});

/// What an ended task's state means for the exit code.
ExitCode task_exit_code(const workflow::TaskView& task);
/// Why a task that didn't complete didn't.
Error task_error(const workflow::TaskOutcome& outcome);

}  // namespace wrench::app
