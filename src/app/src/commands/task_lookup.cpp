#include "task_lookup.hpp"

#include <algorithm>

namespace wrench::app {

using workflow::ExecutionView;
using workflow::TaskView;

std::string shown_status(const TaskView& task, bool interrupted) {
  if (task.state == workflow::TaskState::Waiting) return task.status + ", waiting";
  if (task.state == workflow::TaskState::Paused) return task.status + ", paused";
  return interrupted ? task.status + ", interrupted" : task.status;
}

Result<std::vector<std::string>> interrupted_tasks(Workspace& space) {
  if (space.has_workers()) return std::vector<std::string>();  // Whoever works goes on with them.
  const auto orphans = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) {
    return workflow::list_orphans(tx, [&](std::string_view boot) { return space.is_live(boot); });
  }));
  std::vector<std::string> ids;
  for (const auto& orphan : orphans) {
    // One that was paused or left for another process is where somebody wants it to be.
    const bool wanted =
        orphan.task.state == workflow::TaskState::Paused || orphan.status == workflow::ExecutionStatus::Pending;
    if (!wanted) ids.push_back(orphan.task.task_id);
  }
  return ids;
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
