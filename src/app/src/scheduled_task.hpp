#pragma once

#include <optional>
#include <string>

#include "playbooks.hpp"
#include "review_task.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

/// A run of a playbook, as it is kept: one that comes with the program by its name, a file with its text.
struct PlaybookRequest {
  PlaybookText playbook;
  bool builtin = false;
  codec::Json texts = codec::Json::object();  ///< Of playbooks of one's own that its steps run, by name.
  codec::Json inputs;                         ///< By name; folders as absolute paths.
  std::optional<workflow::OnMissing> on_missing;
  workflow::OnExhausted on_exhausted = workflow::OnExhausted::Fail;
};

/// What a schedule does, for ScheduleDraft::task_template. Paths become absolute. Errors: io.*, io.name_not_utf8.
Result<codec::Json> template_of(const ReviewRequest& request);
codec::Json template_of(const PlaybookRequest& request);
/// The task that it is today: the tree, the rules and the agents as they are now. Errors: those of plan_review(),
/// workflow.playbook_*, workflow.invalid_schedule (a template of a newer program).
Result<workflow::CreateTask> scheduled_task(const codec::Json& task_template, const agents::Registry& registry,
                                            const StopToken& stop);
/// "review /src/shop", "playbook nightly_health tree=/src/shop"; not yet safe to print.
std::string what_it_does(const codec::Json& task_template);

}  // namespace wrench::app
