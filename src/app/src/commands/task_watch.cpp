#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "task_run.hpp"
#include "task_standing.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/monitor_report.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using storage::EventCursor;
using workflow::ExecutionView;
using workflow::TaskView;

constexpr Micros kPollEvery = 500 * kMicrosPerMs;
constexpr std::int64_t kStepsForEstimate = 3;  ///< Fewer that ended say nothing about the rest.

/// The task and its newest events, of one snapshot.
struct Seen {
  TaskView task;
  ExecutionView execution;
  storage::EventPage events;
};

Result<Seen> look(Workspace& space, const std::string& task_id, EventCursor after) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<Seen> {
    Seen out;
    out.task = WRENCH_TRY(workflow::find_task(tx, task_id));
    auto executions = WRENCH_TRY(workflow::list_executions(tx, out.task.task_no));
    if (executions.empty()) return Error("workflow.task_not_found", "task " + task_id + " has no execution");
    out.execution = std::move(executions.back());
    out.events = WRENCH_TRY(storage::event_log::read(tx, {.task_id = out.task.task_no}, after, storage::kEventPageMax));
    return out;
  });
}

bool is_interrupted(const Seen& seen, const Standing& standing) {
  return standing.kind == Standing::Kind::Nobody && seen.task.state != workflow::TaskState::Queued;
}

/// How long the rest takes if it goes on like this; nothing if nobody can know.
std::optional<Micros> estimate(const ExecutionView& execution, Micros now) {
  if (execution.steps_done < kStepsForEstimate || !execution.started_at) return std::nullopt;
  const std::int64_t left = execution.steps_total - execution.steps_done;
  return (now - *execution.started_at) * left / execution.steps_done;
}

std::string steps_text(const ExecutionView& execution) {
  return std::to_string(execution.steps_done) + "/" + std::to_string(execution.steps_total) + " steps";
}

/// Tells what happens to a task.
class Teller {
 public:
  virtual ~Teller() = default;
  virtual void begin(const Seen& seen, EventCursor from, bool interrupted) = 0;
  virtual void event(const storage::Event& event, EventCursor at) = 0;
  /// After a look, whether there were events or not.
  virtual void stands(const Seen&) {}
  virtual void end(const Seen& seen, ExitCode code, const Standing& standing) = 0;
};

/// One JSON object a line.
class JsonTeller final : public Teller {
 public:
  explicit JsonTeller(Session& session) : session_(session) {}

  void begin(const Seen& seen, EventCursor from, bool interrupted) override {
    Json payload = state_of(seen);
    payload.set("interrupted", interrupted);
    line(from, format_rfc3339(clock_.now_us()), "watch.begin", std::move(payload));
  }
  void event(const storage::Event& event, EventCursor at) override {
    auto payload = codec::parse_json(event.what.payload);
    line(at, format_rfc3339(event.at_us), event.what.type, payload.ok() ? std::move(*payload) : Json());
  }
  void end(const Seen& seen, ExitCode code, const Standing& standing) override {
    Json payload = state_of(seen);
    payload.set("interrupted", is_interrupted(seen, standing));
    payload.set("waits_because", standing.why.empty() ? Json() : Json(standing.why));
    payload.set("exit_code", static_cast<int>(code));
    line(seen.events.next, format_rfc3339(clock_.now_us()), "watch.end", std::move(payload));
  }

 private:
  static Json state_of(const Seen& seen) {
    return Json::object({{"task", seen.task.task_id},
                         {"state", workflow::name(seen.task.state)},
                         {"execution", workflow::name(seen.execution.status)},
                         {"steps_done", seen.execution.steps_done},
                         {"steps_total", seen.execution.steps_total}});
  }
  void line(EventCursor at, const std::string& time, std::string_view type, Json payload) {
    session_.console.out(codec::write_json(Json::object({{"schema", "wrench.task_event/1"},
                                                         {"cursor", at.str()},
                                                         {"at", time},
                                                         {"type", type},
                                                         {"payload", std::move(payload)}})) +
                         "\n");
  }

  Session& session_;
  const SystemClock clock_;
};

/// A line for each change of a step or the task, and on a terminal one below that is redrawn.
class TextTeller final : public Teller {
 public:
  TextTeller(Session& session, Workspace& space) : session_(session), space_(space) {}

  void begin(const Seen& seen, EventCursor, bool interrupted) override {
    stands_as_ = standing_line(seen, interrupted);
    session_.console.out(stands_as_);
  }
  void event(const storage::Event& event, EventCursor) override {
    stands_as_.clear();
    const auto payload = codec::parse_json(event.what.payload);
    if (!payload.ok()) return;
    const std::string time = format_rfc3339(event.at_us).substr(11, 8) + "  ";
    for (const Json& step : payload->at("steps").as_array()) {
      const std::int64_t attempt = step.at("attempt").as_integer();
      session_.console.out(time + Console::safe(step.at("node").as_string()) + "  " +
                           Console::safe(step.at("state").as_string()) +
                           (attempt > 1 ? "  attempt " + std::to_string(attempt) : "") + "\n");
    }
    if (const std::int64_t omitted = payload->at("steps_omitted").as_integer(); omitted > 0)
      session_.console.out(time + "and changes of more steps\n");
    if (event.what.type == "execution.progress") return;
    session_.console.out(time + "the task is " + Console::safe(payload->at("state").as_string()) + ", " +
                         std::to_string(payload->at("steps_done").as_integer()) + "/" +
                         std::to_string(payload->at("steps_total").as_integer()) + " steps\n");
  }
  void stands(const Seen& seen) override {
    Console& console = session_.console;
    if (!console.stdout_is_terminal() || !console.stderr_is_terminal()) return;
    console.flush();
    std::string line = shown_status(seen.task, false) + "  " + steps_text(seen.execution);
    if (const auto left = estimate(seen.execution, space_.clock().now_us()))
      line += "  about " + format_duration(*left) + " left";
    for (const std::string& what : running(seen.execution.execution_no))
      line += (console.unicode() ? " · " : " - ") + Console::safe(what);
    console.progress_line(line);
  }
  void end(const Seen& seen, ExitCode, const Standing& standing) override {
    const std::string line = standing_line(seen, is_interrupted(seen, standing));
    if (line != stands_as_) session_.console.out(line);
    if (!standing.why.empty()) session_.console.note(standing_text(standing));
  }

 private:
  static std::string standing_line(const Seen& seen, bool interrupted) {
    return shown_status(seen.task, interrupted) + "  " + steps_text(seen.execution) + "\n";
  }
  /// What its steps say of themselves, in whichever process they run.
  std::vector<std::string> running(std::int64_t execution_no) const {
    std::vector<std::string> out;
    if (space_.has_workers()) return out;
    std::vector<Error> damaged;
    for (const auto& report : workflow::read_reports(space_.reports_directory(), damaged)) {
      if (!space_.is_live(report.boot)) continue;
      for (const auto& step : report.work.running)
        if (step.execution_no == execution_no)
          out.push_back(step.progress.message.empty() ? step.node : step.progress.message);
    }
    return out;
  }

  Session& session_;
  Workspace& space_;
  std::string stands_as_;  ///< What was said last, if nothing happened since.
};

/// Error codes workflow.wait_stopped, workflow.wait_deadline, those of the store.
Result<ExitCode> follow(Session& session, Workspace& space, const std::string& task_id, Teller& teller) {
  const Deadline end = deadline_of(session, space.clock());
  const auto asked = session.invocation.value("--cursor");
  EventCursor cursor =
      asked.empty() ? WRENCH_TRY(space.store().read([](storage::ReadTx& tx) { return storage::event_log::head(tx); }))
                    : WRENCH_TRY(EventCursor::parse(asked));
  std::string told;
  bool nobody = false;
  for (bool first = asked.empty();; first = false) {
    auto looked = look(space, task_id, cursor);
    if (!looked && looked.error().code == "storage.cursor_expired") {
      session.console.note("the events after " + cursor.str() +
                           " aren't kept any more: it goes on from how the task stands now");
      cursor = WRENCH_TRY(space.store().read([](storage::ReadTx& tx) { return storage::event_log::head(tx); }));
      first = true;
      looked = look(space, task_id, cursor);
    }
    const Seen seen = WRENCH_TRY(std::move(looked));
    const Standing standing = WRENCH_TRY(standing_of(space, seen.task));
    if (first) teller.begin(seen, cursor, is_interrupted(seen, standing));
    for (const auto& event : seen.events.events) teller.event(event, {seen.events.next.epoch, event.seq});
    cursor = seen.events.next;
    const ExitCode code = task_exit_code(seen.task);
    // Between the end of a task and the beginning of one that waits for it there is a moment; later there is none.
    const bool left = std::exchange(nobody, standing.kind == Standing::Kind::Nobody) && nobody;
    if (!seen.events.more && (left || code != ExitCode::NeedsPerson)) {
      teller.end(seen, code, standing);
      return code;
    }
    if (standing.kind == Standing::Kind::GoesOn && !standing.why.empty() &&
        standing.why != std::exchange(told, standing.why))
      session.console.note(standing_text(standing));
    teller.stands(seen);
    if (const auto written = session.console.flush(); written != ExitCode::Done) return written;
    if (session.stop.stop_requested()) return Error("workflow.wait_stopped", "stopped watching; the task goes on");
    if (end.passed(space.clock()))
      return Error("workflow.wait_deadline", "the time of --timeout is over; the task goes on");
    if (seen.events.more) continue;
    WRENCH_TRY(space.store().wait_for_events(std::numeric_limits<std::int64_t>::max(),
                                             Deadline::after(space.clock(), kPollEvery), session.stop));
  }
}

}  // namespace

ExitCode run_task_watch(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  std::unique_ptr<Teller> teller;
  if (session.format() == "json")
    teller = std::make_unique<JsonTeller>(session);
  else
    teller = std::make_unique<TextTeller>(session, **space);
  const auto code = follow(session, **space, task->task_id, *teller);
  return code ? *code : session.fail(code.error());
}

}  // namespace wrench::app
