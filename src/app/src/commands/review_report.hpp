#pragma once

#include "../workspace.hpp"
#include "wrench/app/command.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

/// Whether the task is one that `wrench review` started.
bool is_review(const workflow::TaskView& task);

/// A review's report, as the command that started it gives it: from the store, whoever ran the steps. Errors:
/// workflow.no_output while the task hasn't completed, storage.*.
Result<findings::Report> report_of_review(Workspace& space, const workflow::TaskView& task,
                                          const workflow::ExecutionView& execution);

/// Obeys --baseline, --format, --output, --top, --all, --explain-skipped, --show-dismissed, --fail-on and
/// --allow-partial; the exit code is the gate's.
ExitCode deliver_review(Session& session, findings::Report report, const workflow::TaskView& task);

}  // namespace wrench::app
