#pragma once

#include "../workspace.hpp"
#include "wrench/workflow/fork.hpp"
#include "wrench/workflow/queries.hpp"

/// What `task fork` does before the task runs.
namespace wrench::app {

/// Errors: cli.missing_argument, cli.invalid_value.
Result<workflow::ForkRequest> fork_request(const Session& session);
ExitCode show_fork(Session& session, Workspace& space, const workflow::TaskView& task,
                   const workflow::ForkRequest& request);
/// Cancels the task first if it is open and the request says that it may.
Result<void> make_fork(Session& session, Workspace& space, const workflow::TaskView& task,
                       const workflow::ForkRequest& request);

}  // namespace wrench::app
