#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../workspace.hpp"
#include "wrench/workflow/queries.hpp"

/// What the commands ask about tasks.
namespace wrench::app {

/// The word that --status takes; of an open task also what it waits for: nobody runs it, or a person must decide.
std::string shown_status(const workflow::TaskView& task, bool interrupted);
/// A task, a step, as JSON shows them.
codec::Json task_json(const workflow::TaskView& task);
codec::Json step_json(const workflow::StepView& step);
/// Of a task that nobody runs: nobody will go on with it unless a person asks, because it was interrupted on purpose,
/// or no process serves.
bool stays_interrupted(Workspace& space, const workflow::ExecutionView& execution);
/// Ids of the open tasks that nobody runs though somebody should.
Result<std::vector<std::string>> interrupted_tasks(Workspace& space);
bool contains(const std::vector<std::string>& ids, const std::string& id);
Result<workflow::TaskView> find_task(Workspace& space, std::string_view id);
Result<workflow::ExecutionView> latest_execution(Workspace& space, const workflow::TaskView& task);

}  // namespace wrench::app
