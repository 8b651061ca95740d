#include <limits>

#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "task_run.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::TaskView;

constexpr Micros kPollEvery = 500 * kMicrosPerMs;

/// It has ended, or goes on only if somebody does something.
Result<bool> stands(Workspace& space, const TaskView& task) {
  if (workflow::is_terminal(task.state)) return true;
  if (WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::stands_still(tx, task); })))
    return true;
  if (!contains(WRENCH_TRY(interrupted_tasks(space)), task.task_id)) return false;
  return stays_interrupted(space, WRENCH_TRY(latest_execution(space, task)));
}

/// Error codes workflow.wait_stopped, workflow.wait_deadline, those of the store.
Result<TaskView> wait_for(Session& session, Workspace& space, const std::string& task_id, Deadline end) {
  for (;;) {
    TaskView task = WRENCH_TRY(find_task(space, task_id));
    if (WRENCH_TRY(stands(space, task))) return task;
    if (session.stop.stop_requested()) return Error("workflow.wait_stopped", "stopped waiting; the task goes on");
    if (end.passed(space.clock()))
      return Error("workflow.wait_deadline", "the time of --timeout is over; task " + std::string(short_id(task_id)) +
                                                 " is " + std::string(workflow::name(task.state)) + " and goes on")
          .with_help("wrench task watch " + std::string(short_id(task_id)));
    const Deadline soon = Deadline::after(space.clock(), kPollEvery);
    WRENCH_TRY(space.store().wait_for_events(std::numeric_limits<std::int64_t>::max(),
                                             soon.at_us() < end.at_us() ? soon : end, session.stop));
  }
}

}  // namespace

ExitCode run_task_wait(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const Deadline end = deadline_of(session, (*space)->clock());
  std::vector<std::string> ids;
  for (const auto& id : session.invocation.arguments) {
    const auto task = find_task(**space, id);
    if (!task) return session.fail(task.error());
    ids.push_back(task->task_id);
  }
  ExitCode code = ExitCode::Done;
  std::string text;
  Json data = Json::array();
  for (const auto& id : ids) {
    const auto task = wait_for(session, **space, id, end);
    if (!task) return session.fail(task.error());
    const auto interrupted = interrupted_tasks(**space);
    if (!interrupted) return session.fail(interrupted.error());
    const bool alone = contains(*interrupted, id);
    code = more_urgent(code, task_exit_code(*task));
    const std::string shown(short_id(id));
    text += shown + "  " + shown_status(*task, alone) + "  " + Console::safe(task->title) + "\n";
    if (alone)
      session.console.note("nobody runs it: wrench task resume " + shown);
    else if (!workflow::is_terminal(task->state))
      session.console.note("it goes on when somebody does something: wrench task show " + shown);
    auto row = task_json(*task);
    row.set("interrupted", alone);
    data.push_back(std::move(row));
  }
  const auto written =
      session.format() == "json"
          ? delivered_json(session, Json::object({{"schema", "wrench.task_wait/1"}, {"data", std::move(data)}}))
          : delivered(session, text);
  return more_urgent(code, written);
}

}  // namespace wrench::app
