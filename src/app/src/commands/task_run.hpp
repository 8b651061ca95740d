#pragma once

#include "../workspace.hpp"

namespace wrench::app {

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
