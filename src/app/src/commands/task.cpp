#include <algorithm>

#include "../output.hpp"
#include "../signals.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_run.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::ExecutionView;
using workflow::StepView;
using workflow::TaskView;

constexpr std::size_t kTitleColumns = 44;

Json to_json(const TaskView& task) {
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

Json to_json(const StepView& step) {
  return Json::object({{"step_no", step.step_no},
                       {"node", step.node},
                       {"capability", step.capability},
                       {"state", workflow::name(step.state)},
                       {"attempt", step.attempt},
                       {"lost", step.lost}});
}

/// State as people read it: an open task whose process is gone was interrupted.
std::string shown_state(const TaskView& task, bool interrupted) {
  return interrupted ? "interrupted" : std::string(workflow::name(task.state));
}

std::vector<std::string> interrupted_tasks(Workspace& space) {
  std::vector<std::string> ids;
  auto open = space.store().read([](storage::ReadTx& tx) { return workflow::list_open_executions(tx); });
  if (!open) return ids;
  for (const auto& entry : *open) {
    // Ours holds none: every open execution belongs to another boot, live or dead, or to nobody.
    if (entry.owner_boot.empty() || !space.is_live(entry.owner_boot)) ids.push_back(entry.task.task_id);
  }
  return ids;
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Result<TaskView> find(Workspace& space, std::string_view id) {
  return space.store().read([&](storage::ReadTx& tx) { return workflow::find_task(tx, id); });
}

Result<ExecutionView> latest_execution(Workspace& space, const TaskView& task) {
  auto all =
      WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::list_executions(tx, task.task_no); }));
  if (all.empty()) return Error("workflow.task_not_found", "task " + task.task_id + " has no execution");
  return std::move(all.back());
}

ExitCode delivered(Session& session, std::string_view text) {
  auto done = deliver(session, text);
  return done ? ExitCode::Done : session.fail(done.error());
}

ExitCode delivered_json(Session& session, const Json& value) {
  return delivered(session, codec::write_json(value, {.pretty = true}) + "\n");
}

}  // namespace

ExitCode run_task_list(Session& session) {
  const auto limit = session.invocation.number("--limit", 20, 1, workflow::kTaskPageMax);
  if (!limit) return session.fail(limit.error());
  auto space = Workspace::open(session, Workspace::Steps::ReadOnly);
  if (!space) return session.fail(space.error());
  workflow::TaskFilter filter;
  filter.status = session.invocation.value("--status");
  filter.limit = static_cast<std::size_t>(*limit);
  filter.cursor = session.invocation.value("--cursor");
  auto page = (*space)->store().read([&](storage::ReadTx& tx) { return workflow::list_tasks(tx, filter); });
  if (!page) return session.fail(page.error());
  const auto interrupted = interrupted_tasks(**space);
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& task : page->tasks) {
      auto row = to_json(task);
      row.set("interrupted", contains(interrupted, task.task_id));
      data.push_back(std::move(row));
    }
    return delivered_json(
        session, Json::object({{"schema", "wrench.task_list/1"},
                               {"data", std::move(data)},
                               {"next_cursor", page->next_cursor.empty() ? Json() : Json(page->next_cursor)}}));
  }
  if (page->tasks.empty()) return delivered(session, "No tasks yet. Try: wrench review .\n");
  std::string text;
  for (const auto& task : page->tasks) {
    auto title = Console::safe(task.title);
    title.resize(std::min(title.size(), kTitleColumns));
    text += std::string(short_id(task.task_id)) + "  " + title +
            std::string(kTitleColumns - std::min(kTitleColumns, display_width(title)), ' ') + "  " +
            shown_state(task, contains(interrupted, task.task_id)) + "  " +
            format_rfc3339(task.created_at).substr(0, 19) + "Z\n";
  }
  if (!interrupted.empty()) text += "\nInterrupted tasks go on with: wrench task resume\n";
  if (!page->next_cursor.empty()) text += "\nMore: wrench task list --cursor " + page->next_cursor + "\n";
  return delivered(session, text);
}

ExitCode run_task_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Steps::ReadOnly);
  if (!space) return session.fail(space.error());
  auto task = find(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  auto execution = latest_execution(**space, *task);
  if (!execution) return session.fail(execution.error());
  auto steps =
      (*space)->store().read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution->execution_no); });
  if (!steps) return session.fail(steps.error());
  const bool interrupted = contains(interrupted_tasks(**space), task->task_id);
  if (session.format() == "json") {
    Json rows = Json::array();
    for (const auto& step : *steps) rows.push_back(to_json(step));
    auto shown = to_json(*task);
    shown.set("interrupted", interrupted);
    return delivered_json(session,
                          Json::object({{"schema", "wrench.task/1"},
                                        {"task", std::move(shown)},
                                        {"execution", Json::object({{"execution_id", execution->execution_id},
                                                                    {"number", execution->number},
                                                                    {"status", workflow::name(execution->status)},
                                                                    {"plan_hash", wrench::to_hex(execution->plan_hash)},
                                                                    {"error", execution->error},
                                                                    {"steps_total", execution->steps_total},
                                                                    {"steps_done", execution->steps_done}})},
                                        {"steps", std::move(rows)}}));
  }
  std::string text = Console::safe(task->title) + "\n  id       " + task->task_id + "\n  state    " +
                     shown_state(*task, interrupted) + "\n  created  " + format_rfc3339(task->created_at) + " by " +
                     Console::safe(task->created_by) + "\n";
  if (execution->started_at && execution->completed_at)
    text += "  took     " + format_duration(*execution->completed_at - *execution->started_at) + "\n";
  if (execution->error.is_object())
    text += "  error    " + Console::safe(execution->error.at("error").at("message").as_string()) + " [" +
            Console::safe(execution->error.at("error").at("code").as_string()) + "]\n";
  text += "\n";
  for (const auto& step : *steps) {
    text += "  " + Console::safe(step.node) + std::string(step.node.size() < 6 ? 6 - step.node.size() : 1, ' ') +
            Console::safe(step.capability) +
            std::string(step.capability.size() < 32 ? 32 - step.capability.size() : 1, ' ') +
            std::string(workflow::name(step.state));
    if (step.attempt > 1) text += "  attempt " + std::to_string(step.attempt);
    if (step.lost > 0) text += "  lost " + std::to_string(step.lost) + " times";
    text += "\n";
  }
  if (interrupted) text += "\nInterrupted. Go on: wrench task resume " + std::string(short_id(task->task_id)) + "\n";
  return delivered(session, text);
}

ExitCode run_task_watch(Session& session) {
  auto space = Workspace::open(session, Workspace::Steps::ReadOnly);
  if (!space) return session.fail(space.error());
  constexpr Micros kPollEvery = 500 * kMicrosPerMs;
  std::string last;
  for (;;) {
    auto task = find(**space, session.invocation.arguments.front());
    if (!task) return session.fail(task.error());
    const bool interrupted = contains(interrupted_tasks(**space), task->task_id);
    auto execution = latest_execution(**space, *task);
    if (!execution) return session.fail(execution.error());
    const auto line = shown_state(*task, interrupted) + "  " + std::to_string(execution->steps_done) + "/" +
                      std::to_string(execution->steps_total) + " steps";
    if (line != last) {
      session.console.out(line + "\n");
      if (session.console.flush() != ExitCode::Done) return ExitCode::Done;
      last = line;
    }
    if (interrupted) {
      session.console.note("nobody runs it: wrench task resume " + std::string(short_id(task->task_id)));
      return ExitCode::NeedsPerson;
    }
    if (const auto code = task_exit_code(*task); code != ExitCode::NeedsPerson) return code;
    if (session.stop.stop_requested()) return signal_received();
    auto more = (*space)->store().wait_for_events(std::numeric_limits<std::int64_t>::max(),
                                                  Deadline::after((*space)->clock(), kPollEvery), session.stop);
    if (!more) return session.fail(more.error());
  }
}

ExitCode run_task_journal(Session& session) {
  const auto limit = session.invocation.number("--limit", 1000, 1, 10'000);
  if (!limit) return session.fail(limit.error());
  auto space = Workspace::open(session, Workspace::Steps::ReadOnly);
  if (!space) return session.fail(space.error());
  auto task = find(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  auto execution = latest_execution(**space, *task);
  if (!execution) return session.fail(execution.error());
  std::vector<workflow::JournalEntry> entries;
  while (entries.size() < static_cast<std::size_t>(*limit)) {
    const auto after = entries.empty() ? 0 : entries.back().seq;
    const auto want = std::min(workflow::kJournalPageMax, static_cast<std::size_t>(*limit) - entries.size());
    auto page = (*space)->store().read(
        [&](storage::ReadTx& tx) { return workflow::read_journal(tx, execution->execution_no, after, want); });
    if (!page) return session.fail(page.error());
    if (page->empty()) break;
    for (auto& entry : *page) entries.push_back(std::move(entry));
  }
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& entry : entries)
      data.push_back(Json::object({{"seq", entry.seq},
                                   {"at", format_rfc3339(entry.at)},
                                   {"kind", entry.kind},
                                   {"step_no", entry.step_no ? Json(*entry.step_no) : Json()},
                                   {"attempt", entry.attempt},
                                   {"actor", entry.actor},
                                   {"data", entry.data}}));
    return delivered_json(session, Json::object({{"schema", "wrench.task_journal/1"},
                                                 {"task_id", task->task_id},
                                                 {"data", std::move(data)},
                                                 {"next_cursor", nullptr}}));
  }
  std::string text;
  for (const auto& entry : entries) {
    auto data = codec::write_json(entry.data);
    if (data.size() > 120) data = data.substr(0, 117) + "...";
    text += std::to_string(entry.seq) + "  " + format_rfc3339(entry.at) + "  " + entry.kind +
            (entry.step_no ? "  step " + std::to_string(*entry.step_no) : "") +
            (entry.data.is_null() ? "" : "  " + Console::safe(data)) + "\n";
  }
  return delivered(session, text);
}

ExitCode run_task_cancel(Session& session) {
  auto space = Workspace::open(session, Workspace::Steps::ReadOnly);
  if (!space) return session.fail(space.error());
  std::string text;
  Json done = Json::array();
  for (const auto& id : session.invocation.arguments) {
    auto task = find(**space, id);
    if (!task) return session.fail(task.error());
    if (auto cancelled = (*space)->engine().cancel(
            task->task_id, session.invocation.value("--reason", "asked for on the command line"));
        !cancelled)
      return session.fail(cancelled.error());
    text += "cancelled " + std::string(short_id(task->task_id)) + "  " + Console::safe(task->title) + "\n";
    done.push_back(task->task_id);
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_cancel/1"}, {"data", std::move(done)}}));
  return delivered(session, text);
}

namespace {

/// Runs each task to its end, one after the other; the most urgent exit code wins.
ExitCode run_all(Session& session, Workspace& space, const std::vector<std::string>& ids, std::string_view schema) {
  ExitCode code = ExitCode::Done;
  Json data = Json::array();
  std::string text;
  for (const auto& id : ids) {
    auto outcome = run_to_end(session, space, id);
    if (!outcome) return task_failure(session, space, outcome.error(), id);
    code = more_urgent(code, task_exit_code(outcome->task));
    data.push_back(to_json(outcome->task));
    text += std::string(short_id(id)) + "  " + Console::safe(outcome->task.title) + "  " +
            std::string(workflow::name(outcome->task.state)) + "\n";
  }
  const auto written = session.format() == "json"
                           ? delivered_json(session, Json::object({{"schema", schema}, {"data", std::move(data)}}))
                           : delivered(session, text);
  return more_urgent(code, written);
}

}  // namespace

ExitCode run_task_resume(Session& session) {
  auto space = Workspace::open(session, Workspace::Steps::Run);
  if (!space) return session.fail(space.error());
  std::vector<std::string> ids;
  if (session.invocation.arguments.empty()) {
    ids = interrupted_tasks(**space);
  } else {
    for (const auto& id : session.invocation.arguments) {
      auto task = find(**space, id);
      if (!task) return session.fail(task.error());
      ids.push_back(task->task_id);
    }
  }
  if (ids.empty()) {
    session.console.note("nothing was interrupted");
    return session.format() == "json" ? run_all(session, **space, ids, "wrench.task_resume/1") : ExitCode::Done;
  }
  for (const auto& id : ids)
    if (auto resumed = (*space)->engine().resume(id); !resumed) return session.fail(resumed.error());
  return run_all(session, **space, ids, "wrench.task_resume/1");
}

ExitCode run_task_retry(Session& session) {
  auto space = Workspace::open(session, Workspace::Steps::Run);
  if (!space) return session.fail(space.error());
  auto task = find(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  if (auto again = (*space)->engine().retry(task->task_id); !again) return session.fail(again.error());
  return run_all(session, **space, {task->task_id}, "wrench.task_retry/1");
}

}  // namespace wrench::app
