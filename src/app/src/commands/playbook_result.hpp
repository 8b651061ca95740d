#pragma once

#include "../workspace.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::app {

inline constexpr std::string_view kPlaybookKind = "playbook";
/// A playbook, or a goal: its metadata says which steps give its result.
bool is_playbook(const workflow::TaskView& task);

/// What a task has to keep of its playbook to show the result, for CreateTask::metadata.
codec::Json playbook_metadata(const workflow::Playbook& playbook, std::string_view name);

/// What a completed playbook gave: its only result, or those of its last steps by name. Errors: storage.*.
Result<codec::Json> playbook_output(Workspace& space, const workflow::TaskView& task,
                                    const workflow::ExecutionView& execution);
/// The first report in that. Errors: workflow.no_output when there is none, storage.*.
Result<findings::Report> report_of_playbook(Workspace& space, const workflow::TaskView& task,
                                            const workflow::ExecutionView& execution);

/// Prints the result. Exit code 1 when its member `passed` is false.
ExitCode deliver_playbook(Session& session, Workspace& space, const workflow::TaskOutcome& outcome);

}  // namespace wrench::app
