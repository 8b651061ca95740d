#include "task_lookup.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::app {

using codec::Json;
using workflow::ExecutionView;
using workflow::StepView;
using workflow::TaskView;

Json task_json(const TaskView& task) {
  return Json::object({{"task_id", task.task_id},
                       {"title", task.title},
                       {"kind", task.kind},
                       {"status", task.status},
                       {"state", workflow::name(task.state)},
                       {"wait_reason", task.wait_reason.empty() ? Json() : Json(task.wait_reason)},
                       {"priority", task.priority},
                       {"progress", task.progress},
                       {"created_by", task.created_by},
                       {"created_at", format_rfc3339(task.created_at)},
                       {"updated_at", format_rfc3339(task.updated_at)},
                       {"version", task.version}});
}

Json step_json(const StepView& step) {
  return Json::object({{"step_no", step.step_no},
                       {"node", step.node},
                       {"capability", step.capability},
                       {"state", workflow::name(step.state)},
                       {"attempt", step.attempt},
                       {"lost", step.lost},
                       {"requires", step.required.empty() ? Json() : Json(workflow::to_string(step.required))},
                       {"parked_for", step.parked_for.empty() ? Json() : Json(step.parked_for)},
                       {"child_task", step.child_task.empty() ? Json() : Json(step.child_task)}});
}

std::string shown_status(const TaskView& task, bool interrupted) {
  if (task.state == workflow::TaskState::Waiting) return task.status + ", waiting";
  if (task.state == workflow::TaskState::Paused) return task.status + ", paused";
  if (task.state == workflow::TaskState::Draft) return task.status + ", draft";
  if (task.state == workflow::TaskState::Expired) return task.status + ", expired";
  return interrupted ? task.status + ", interrupted" : task.status;
}

Result<std::vector<std::string>> interrupted_tasks(Workspace& space) {
  if (space.has_workers()) return std::vector<std::string>();  // Whoever works goes on with them.
  std::vector<std::string> ids;
  workflow::OrphanPlace place;
  for (bool more = true; more;) {
    const auto orphans = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) {
      return workflow::list_orphans(tx, [&](std::string_view boot) { return space.is_live(boot); }, place);
    }));
    for (const auto& orphan : orphans) {
      // One that was paused or left for another process is where somebody wants it to be.
      const bool wanted =
          orphan.task.state == workflow::TaskState::Paused || orphan.status == workflow::ExecutionStatus::Pending;
      if (!wanted) ids.push_back(orphan.task.task_id);
    }
    more = orphans.size() == workflow::kTaskPageMax;
    if (more) place = {orphans.back().owner_boot, orphans.back().execution_no};
  }
  return ids;
}

bool stays_interrupted(Workspace& space, const ExecutionView& execution) {
  return execution.suspend_reason == workflow::kInterrupted || execution.suspend_reason == workflow::kRestored ||
         !space.is_served();
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Result<TaskView> find_task(Workspace& space, std::string_view id) {
  return space.store().read([&](storage::ReadTx& tx) { return workflow::find_task(tx, id); });
}

Result<ExecutionView> latest_execution(Workspace& space, const TaskView& task) {
  auto all =
      WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::list_executions(tx, task.task_no); }));
  if (all.empty()) return Error("workflow.task_not_found", "task " + task.task_id + " has no execution");
  return std::move(all.back());
}

}  // namespace wrench::app
