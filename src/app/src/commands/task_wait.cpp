#include <limits>
#include <utility>

#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "task_run.hpp"
#include "task_standing.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::TaskView;

constexpr Micros kPollEvery = 500 * kMicrosPerMs;

struct Stood {
  TaskView task;
  Standing standing;
};

/// Until it has ended, or goes on only if somebody does something. Error codes workflow.wait_stopped,
/// workflow.wait_deadline, those of the store.
Result<Stood> wait_for(Session& session, Workspace& space, const std::string& task_id, Deadline end) {
  std::string told;
  bool nobody = false;
  for (;;) {
    Stood now{WRENCH_TRY(find_task(space, task_id)), {}};
    now.standing = WRENCH_TRY(standing_of(space, now.task));
    // Between the end of a task and the beginning of one that waits for it there is a moment; later there is none.
    const bool still = now.standing.kind != Standing::Kind::GoesOn;
    if (still && (nobody || now.standing.kind != Standing::Kind::Nobody)) return now;
    nobody = still;
    if (!still && !now.standing.why.empty() && now.standing.why != std::exchange(told, now.standing.why))
      session.console.note(std::string(short_id(task_id)) + ": " + standing_text(now.standing));
    if (session.stop.stop_requested()) return Error("workflow.wait_stopped", "stopped waiting; the task goes on");
    if (end.passed(space.clock()))
      return Error("workflow.wait_deadline", "the time of --timeout is over; task " + std::string(short_id(task_id)) +
                                                 " is " + std::string(workflow::name(now.task.state)) + " and goes on")
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
    const auto stood = wait_for(session, **space, id, end);
    if (!stood) return session.fail(stood.error());
    const auto& [task, standing] = *stood;
    const bool alone = standing.kind == Standing::Kind::Nobody && task.state != workflow::TaskState::Queued;
    code = more_urgent(code, task_exit_code(task));
    text += std::string(short_id(id)) + "  " + shown_status(task, alone) + "  " + Console::safe(task.title) + "\n";
    if (!standing.why.empty()) session.console.note(standing_text(standing));
    auto row = task_json(task);
    row.set("interrupted", alone);
    row.set("waits_because", standing.why.empty() ? Json() : Json(standing.why));
    data.push_back(std::move(row));
  }
  const auto written =
      session.format() == "json"
          ? delivered_json(session, Json::object({{"schema", "wrench.task_wait/1"}, {"data", std::move(data)}}))
          : delivered(session, text);
  return more_urgent(code, written);
}

}  // namespace wrench::app
