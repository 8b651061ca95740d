#include "task_run.hpp"

#include "../output.hpp"
#include "../progress.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

namespace {
constexpr Micros kRedrawEvery = 100 * kMicrosPerMs;
}

Result<workflow::TaskOutcome> run_to_end(Session& session, Workspace& space, const std::string& task_id) {
  const Deadline end = deadline_of(session, space.clock());
  TaskProgress progress(session);
  space.engine().subscribe([&](const workflow::Notice& notice) { progress.notice(notice); });
  for (;;) {
    const auto slice = Deadline::after(space.clock(), kRedrawEvery);
    auto outcome = space.engine().wait(task_id, slice, session.stop);
    const bool only_the_slice =
        !outcome && outcome.error().code == "workflow.wait_deadline" && !end.passed(space.clock());
    if (!only_the_slice) {
      space.engine().subscribe({});
      progress.finish();
      return outcome;
    }
    progress.tick();
  }
}

ExitCode task_failure(Session& session, Workspace& space, const Error& error, const std::string& task_id,
                      const std::string& goes_on) {
  const std::string id(short_id(task_id));
  if (error.code == "workflow.wait_stopped") {
    space.drain();
    if (!space.keeps_data())
      return session.fail(Error(error.code, "interrupted; what was done so far was in a temporary folder and is gone"));
    Error interrupted(error.code, "interrupted; nothing is lost");
    if (!goes_on.empty()) interrupted = std::move(interrupted).with_help(goes_on);
    return session.fail(std::move(interrupted).with_help("wrench task resume " + id));
  }
  if (error.code == "workflow.wait_deadline") {
    if (auto cancelled = space.engine().cancel(task_id, "--timeout"); !cancelled)
      return session.fail(cancelled.error());
    space.drain();
    return session.fail(Error("cli.timeout", "the time of --timeout is over; task " + id + " was cancelled")
                            .with_help("wrench task retry " + id));
  }
  return session.fail(error);
}

ExitCode task_exit_code(const workflow::TaskView& task) {
  switch (task.state) {
    case workflow::TaskState::Completed:
      return ExitCode::Done;
    case workflow::TaskState::Failed:
      return ExitCode::AnswerIsNo;
    case workflow::TaskState::Cancelled:
      return ExitCode::Stopped;
    default:
      return ExitCode::NeedsPerson;
  }
}

Error task_error(const workflow::TaskOutcome& outcome) {
  const auto id = std::string(short_id(outcome.task.task_id));
  const auto& failure = outcome.execution.error.at("error");
  if (outcome.task.state == workflow::TaskState::Cancelled)
    return Error("workflow.cancelled", "task " + id + " was cancelled");
  if (!failure.is_object())
    return Error("workflow.task_failed", "task " + id + " is " + outcome.task.status)
        .with_help("wrench task show " + id);
  return Error(failure.at("code").as_string("workflow.task_failed"), std::string(failure.at("message").as_string()))
      .with_help("wrench task journal " + id);
}

}  // namespace wrench::app
