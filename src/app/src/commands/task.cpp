#include <algorithm>
#include <map>
#include <set>

#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "budget_text.hpp"
#include "commands.hpp"
#include "journal_text.hpp"
#include "playbook_result.hpp"
#include "review_report.hpp"
#include "task_fork.hpp"
#include "task_lookup.hpp"
#include "task_run.hpp"
#include "task_standing.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::ExecutionView;
using workflow::StepView;
using workflow::TaskView;

constexpr std::size_t kTitleMin = 10, kTitleMax = 60;
constexpr std::size_t kStatusColumns = 24;  // "in_progress, interrupted"
constexpr std::size_t kTimeColumns = 20;
constexpr std::size_t kIdSuffixMin = workflow::kIdSuffixMin;

/// Of a fork's steps: an earlier execution ran it.
bool is_kept(const StepView& step, const ExecutionView& execution) {
  return step.execution_no != execution.execution_no;
}

/// All of them before anything is done to the first, so that a wrong id does nothing.
Result<std::vector<TaskView>> find_all(Workspace& space, const std::vector<std::string>& ids) {
  std::vector<TaskView> tasks;
  for (const auto& id : ids) tasks.push_back(WRENCH_TRY(find_task(space, id)));
  return tasks;
}

Error wrong_state(const TaskView& task, std::string_view why) {
  return Error("workflow.invalid_transition", "the task " + std::string(short_id(task.task_id)) + " is " +
                                                  std::string(workflow::name(task.state)) + ": " + std::string(why));
}

}  // namespace

ExitCode run_task_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  workflow::TaskFilter filter;
  filter.status = session.invocation.value("--status");
  filter.limit = static_cast<std::size_t>(session.invocation.number("--limit", 20));
  filter.cursor = session.invocation.value("--cursor");
  auto page = (*space)->store().read([&](storage::ReadTx& tx) { return workflow::list_tasks(tx, filter); });
  if (!page) return session.fail(page.error());
  const auto interrupted = interrupted_tasks(**space);
  if (!interrupted) return session.fail(interrupted.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& task : page->tasks) {
      auto row = task_json(task);
      row.set("interrupted", contains(*interrupted, task.task_id));
      const auto others = in_the_way(**space, task);
      if (!others) return session.fail(others.error());
      row.set("blocked", !others->empty());
      data.push_back(std::move(row));
    }
    return delivered_json(
        session, Json::object({{"schema", "wrench.task_list/1"},
                               {"data", std::move(data)},
                               {"next_cursor", page->next_cursor.empty() ? Json() : Json(page->next_cursor)}}));
  }
  if (page->tasks.empty())
    return delivered(session, filter.status.empty() && filter.cursor.empty() ? "No tasks yet. Try: wrench review .\n"
                                                                             : "No such tasks.\n");
  const std::size_t others = kIdSuffixMin + kStatusColumns + kTimeColumns + 3 * 2;
  const auto title_columns =
      std::clamp(session.console.width() - std::min(session.console.width(), others), kTitleMin, kTitleMax);
  std::string text;
  for (const auto& task : page->tasks) {
    const auto in_its_way = in_the_way(**space, task);
    if (!in_its_way) return session.fail(in_its_way.error());
    text +=
        std::string(short_id(task.task_id)) + "  " +
        pad(clip(Console::safe(task.title), title_columns, session.console.unicode()), title_columns) + "  " +
        pad(in_its_way->empty() ? shown_status(task, contains(*interrupted, task.task_id)) : task.status + ", blocked",
            kStatusColumns) +
        "  " + format_rfc3339(task.created_at).substr(0, 19) + "Z\n";
  }
  if (!interrupted->empty()) text += "\nInterrupted tasks go on with: wrench task resume\n";
  if (!page->next_cursor.empty()) text += "\nMore: wrench task list --cursor " + page->next_cursor + "\n";
  return delivered(session, text);
}

namespace {

/// All that `task show` tells.
struct TaskDetails {
  TaskView task;
  ExecutionView execution;
  std::vector<StepView> steps;
  std::map<std::string, std::string> why;  ///< By node of the plan.
  workflow::TaskMonitoring used;
  bool interrupted = false;
  std::string parent;       ///< Id of the task that began this one.
  std::string forked_from;  ///< Id of the execution that this one goes back to.
  std::vector<workflow::BudgetView> budgets;
  bool critical = false;                         ///< Something happened after which nothing new begins.
  std::map<std::int64_t, Json> recoveries = {};  ///< What was done last about failures, by step.
  std::vector<workflow::DependencyView> dependencies = {};
  Standing standing = {};
  std::set<std::int64_t> unserved = {};  ///< Steps that wait for a worker with labels that none offers.
};

/// Of those that wait for a worker.
Result<std::set<std::int64_t>> unserved_steps(Workspace& space, const std::vector<StepView>& steps) {
  std::set<std::int64_t> out;
  if (!space.has_workers()) return out;
  for (const auto& step : steps) {
    if (step.required.empty() || step.state != workflow::StepState::Ready || !step.parked_for.empty()) continue;
    const bool offered = WRENCH_TRY(space.store().read(
        [&](storage::ReadTx& tx) { return workflow::is_offered(tx, step.required, space.clock().now_us()); }));
    if (!offered) out.insert(step.step_no);
  }
  return out;
}

Result<TaskDetails> details_of(Workspace& space, std::string_view id) {
  TaskDetails out;
  out.task = WRENCH_TRY(find_task(space, id));
  out.execution = WRENCH_TRY(latest_execution(space, out.task));
  out.interrupted = contains(WRENCH_TRY(interrupted_tasks(space)), out.task.task_id);
  out.steps = WRENCH_TRY(
      space.store().read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, out.execution.execution_no); }));
  out.parent =
      WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::find_parent(tx, out.task.task_no); }));
  out.budgets =
      WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::list_budgets(tx, out.task.task_no); }));
  out.used = WRENCH_TRY(space.store().read(
      [&](storage::ReadTx& tx) { return workflow::monitor_task(tx, out.task.task_id, space.clock().now_us()); }));
  if (out.execution.forked_from != 0)
    for (const auto& execution : WRENCH_TRY(
             space.store().read([&](storage::ReadTx& tx) { return workflow::list_executions(tx, out.task.task_no); })))
      if (execution.execution_no == out.execution.forked_from) out.forked_from = execution.execution_id;
  out.recoveries = WRENCH_TRY(space.store().read(
      [&](storage::ReadTx& tx) { return workflow::last_recoveries(tx, out.execution.execution_no); }));
  out.unserved = WRENCH_TRY(unserved_steps(space, out.steps));
  out.dependencies = WRENCH_TRY(
      space.store().read([&](storage::ReadTx& tx) { return workflow::list_dependencies(tx, out.task.task_no); }));
  out.standing = WRENCH_TRY(standing_of(space, out.task));
  out.critical = out.execution.paused && out.task.state == workflow::TaskState::Waiting;
  const auto notes = WRENCH_TRY(
      space.store().read([&](storage::ReadTx& tx) { return workflow::read_plan_notes(tx, out.task.task_no); }));
  for (const auto& step : notes.at("steps").as_array())
    out.why.emplace(step.at("id").as_string(), step.at("why").as_string());
  return out;
}

Json to_json(const TaskDetails& details) {
  Json steps = Json::array();
  for (const auto& step : details.steps) {
    auto row = step_json(step);
    const auto why = details.why.find(step.node);
    row.set("why", why == details.why.end() ? Json() : Json(why->second));
    const bool kept = is_kept(step, details.execution);
    row.set("kept", kept);
    const auto used = kept ? details.used.steps.end() : details.used.steps.find(step.step_no);
    row.set("resources", used == details.used.steps.end() ? Json() : workflow::to_json(used->second));
    const auto recovery = details.recoveries.find(step.step_no);
    row.set("recovery", recovery == details.recoveries.end() ? Json() : recovery->second);
    row.set("unserved", details.unserved.contains(step.step_no));
    steps.push_back(std::move(row));
  }
  auto task = task_json(details.task);
  task.set("interrupted", details.interrupted);
  task.set("critical", details.critical);
  task.set("parent", details.parent.empty() ? Json() : Json(details.parent));
  task.set("waits_because", details.standing.why.empty() ? Json() : Json(details.standing.why));
  Json depends_on = Json::array();
  const bool unbegun = details.task.state == workflow::TaskState::Queued;
  for (const auto& other : details.dependencies)
    depends_on.push_back(Json::object({{"task_id", other.task_id},
                                       {"title", other.title},
                                       {"state", workflow::name(other.state)},
                                       {"policy", other.policy},
                                       {"blocks", unbegun && other.in_the_way}}));
  task.set("depends_on", std::move(depends_on));
  return Json::object(
      {{"schema", "wrench.task/1"},
       {"task", std::move(task)},
       {"execution", Json::object({{"execution_id", details.execution.execution_id},
                                   {"number", details.execution.number},
                                   {"status", workflow::name(details.execution.status)},
                                   {"plan_hash", details.execution.plan_hash},
                                   {"forked_from", details.forked_from.empty() ? Json() : Json(details.forked_from)},
                                   {"error", details.execution.error},
                                   {"steps_total", details.execution.steps_total},
                                   {"steps_done", details.execution.steps_done}})},
       {"steps", std::move(steps)},
       {"budgets", budgets_json(details.budgets)},
       {"monitoring", workflow::to_json(details.used)}});
}

std::string to_text(const TaskDetails& details, const Console& console) {
  constexpr std::size_t kNodeColumnsMin = 6, kNodeColumnsMax = 32, kCapabilityColumns = 34;
  const auto& [task, execution, steps, why, used, interrupted, parent, forked_from, budgets, critical, recoveries,
               dependencies, standing, unserved] = details;
  std::size_t node_columns = kNodeColumnsMin;
  for (const auto& step : steps) node_columns = std::max(node_columns, display_width(step.node) + 2);
  node_columns = std::min(node_columns, kNodeColumnsMax);
  std::string text = Console::safe(task.title) + "\n  id       " + task.task_id + "\n  status   " +
                     shown_status(task, interrupted) + "\n  created  " + format_rfc3339(task.created_at) + " by " +
                     Console::safe(task.created_by) + "\n";
  for (const auto& other : dependencies)
    text += "  after    " + std::string(short_id(other.task_id)) + "  " + std::string(workflow::name(other.state)) +
            (other.policy == "block" ? "" : " (" + other.policy + ")") + "  " + Console::safe(other.title) + "\n";
  if (!parent.empty()) text += "  part of  task " + std::string(short_id(parent)) + "\n";
  if (!forked_from.empty())
    text +=
        "  run      " + std::to_string(execution.number) + ", a fork of " + std::string(short_id(forked_from)) + "\n";
  if (execution.started_at && execution.completed_at)
    text += "  took     " + format_duration(*execution.completed_at - *execution.started_at) + "\n";
  if (used.resources.rss_bytes_max > 0)
    text += "  used     " + usage_text(used.resources) + (used.partial ? " and more" : "") + "\n";
  for (const auto& budget : budgets)
    if (budget.scope == "task") text += budgets_text({budget}, "  budget   ");
  if (execution.error.is_object())
    text += "  error    " + Console::safe(execution.error.at("error").at("message").as_string()) + " [" +
            Console::safe(execution.error.at("error").at("code").as_string()) + "]\n";
  text += "\n";
  for (const auto& step : steps) {
    text += "  " + pad(Console::safe(step.node), node_columns) +
            pad(Console::safe(step.capability), kCapabilityColumns) + "  " + std::string(workflow::name(step.state));
    if (!step.parked_for.empty()) text += ", waits for its turn: " + Console::safe(step.parked_for);
    if (unserved.contains(step.step_no))
      text += ", no worker offers " + workflow::to_string(step.required);
    else if (!step.required.empty() && step.state == workflow::StepState::Ready)
      text += ", requires " + workflow::to_string(step.required);
    if (!step.child_task.empty()) text += "  task " + std::string(short_id(step.child_task));
    if (step.attempt > 1) text += "  attempt " + std::to_string(step.attempt);
    if (step.lost > 0) text += "  lost " + std::to_string(step.lost) + (step.lost == 1 ? " time" : " times");
    if (is_kept(step, execution))
      text += "  kept";
    else if (const auto of_step = used.steps.find(step.step_no); of_step != used.steps.end())
      text += "  " + cpu_text(of_step->second);
    text += "\n";
    const std::string margin(2 + node_columns, ' ');
    if (const auto recovery = recoveries.find(step.step_no); recovery != recoveries.end())
      text += margin + recovery_text(recovery->second) + "\n";
    if (const auto reason = why.find(step.node); reason != why.end())
      for (const auto& line : wrap(Console::safe(reason->second), console.width() - margin.size()))
        text += margin + console.styled(Style::Dim, line) + "\n";
  }
  if (task.state == workflow::TaskState::Queued && !standing.why.empty())
    text += "\nHasn't begun: " + standing_text(standing) + "\n";
  const bool person = task.wait_reason == "approval" || task.wait_reason == "input";
  const bool held = task.wait_reason == "dead_letter" || task.wait_reason == "uncertain";
  if (task.state == workflow::TaskState::Waiting)
    text += "\nWaits: " + task.wait_reason +
            (person ? ". What for: wrench approval list"
             : held ? ". Decide: wrench task dead retry | skip | give-up " + std::string(short_id(task.task_id))
             : task.wait_reason == "budget"
                 ? ". More of it: wrench task budget raise " + std::string(short_id(task.task_id)) + " DIM=N"
                 : "") +
            "\n";
  if (critical)
    text += "Something critical happened: nothing new begins until wrench task resume " +
            std::string(short_id(task.task_id)) + (held ? ", or a decision" : "") + "\n";
  if (interrupted)
    text += std::string(task.state == workflow::TaskState::Waiting ? "Nobody runs it." : "\nInterrupted.") +
            " Go on: wrench task resume " + std::string(short_id(task.task_id)) + "\n";
  return text;
}

}  // namespace

ExitCode run_task_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto details = details_of(**space, session.invocation.arguments.front());
  if (!details) return session.fail(details.error());
  return session.format() == "json" ? delivered_json(session, to_json(*details))
                                    : delivered(session, to_text(*details, session.console));
}

ExitCode run_task_journal(Session& session) {
  const auto limit = static_cast<std::size_t>(session.invocation.number("--limit", 1000));
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  auto execution = latest_execution(**space, *task);
  if (!execution) return session.fail(execution.error());
  std::vector<workflow::JournalEntry> entries;
  while (entries.size() < limit) {
    const auto after = entries.empty() ? 0 : entries.back().seq;
    const auto want = std::min(workflow::kJournalPageMax, limit - entries.size());
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
  const auto steps =
      (*space)->store().read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution->execution_no); });
  if (!steps) return session.fail(steps.error());
  return delivered(session, journal_text(entries, *steps));
}

ExitCode run_task_report(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  if (!is_review(*task) && !is_playbook(*task))
    return session.fail(wrong_state(*task, "it is no review and no playbook, and has no report"));
  if (task->state != workflow::TaskState::Completed) return session.fail(wrong_state(*task, "it has no report yet"));
  const auto execution = latest_execution(**space, *task);
  if (!execution) return session.fail(execution.error());
  if (is_playbook(*task) && session.format() == "text") return deliver_playbook(session, **space, {*task, *execution});
  auto report =
      is_review(*task) ? report_of_review(**space, *task, *execution) : report_of_playbook(**space, *task, *execution);
  if (!report) return session.fail(report.error());
  return deliver_review(session, std::move(*report), *task);
}

namespace {

/// Does the same to each of the tasks and says so.
ExitCode for_each_task(Session& session, std::string_view done_word, std::string_view schema,
                       const std::function<Result<void>(workflow::Engine&, const std::string& task_id)>& action) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto tasks = find_all(**space, session.invocation.arguments);
  if (!tasks) return session.fail(tasks.error());
  std::string text;
  Json done = Json::array();
  for (const auto& task : *tasks) {
    if (auto result = action((*space)->engine(), task.task_id); !result) return session.fail(result.error());
    text +=
        std::string(done_word) + " " + std::string(short_id(task.task_id)) + "  " + Console::safe(task.title) + "\n";
    done.push_back(task.task_id);
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", schema}, {"data", std::move(done)}}));
  return delivered(session, text);
}

}  // namespace

ExitCode run_task_cancel(Session& session) {
  const auto reason = session.invocation.value("--reason", "asked for on the command line");
  return for_each_task(session, "cancelled", "wrench.task_cancel/1",
                       [&](workflow::Engine& engine, const std::string& id) { return engine.cancel(id, reason); });
}

ExitCode run_task_pause(Session& session) {
  const bool now = session.invocation.has("--now");
  return for_each_task(session, "paused", "wrench.task_pause/1",
                       [&](workflow::Engine& engine, const std::string& id) { return engine.pause(id, now); });
}

namespace {

/// Runs each task to its end, one after the other; the most urgent exit code wins.
ExitCode run_all(Session& session, Workspace& space, const std::vector<std::string>& ids, std::string_view schema) {
  const auto gate = gate_of(session);
  if (!gate) return session.fail(gate.error());
  ExitCode code = ExitCode::Done;
  Json data = Json::array();
  std::string text;
  for (const auto& id : ids) {
    auto outcome = run_to_end(session, space, id);
    if (!outcome) return task_failure(session, space, outcome.error(), id);
    code = more_urgent(code, task_exit_code(outcome->task));
    if (is_review(outcome->task) && outcome->task.state == workflow::TaskState::Completed) {
      auto report = report_of_review(space, outcome->task, outcome->execution);
      if (!report) return session.fail(report.error());
      // One review ends as the command that began it would have; of several each is a line.
      if (ids.size() == 1 && session.format() == "text")
        return more_urgent(code, deliver_review(session, std::move(*report), outcome->task));
      code = more_urgent(code, verdict(session, *report, *gate));
      session.console.note("its report: wrench task report " + std::string(short_id(id)));
    }
    if (is_playbook(outcome->task) && outcome->task.state == workflow::TaskState::Completed) {
      if (ids.size() == 1 && session.format() == "text")
        return more_urgent(code, deliver_playbook(session, space, *outcome));
      session.console.note("its result: wrench task report " + std::string(short_id(id)));
    }
    data.push_back(task_json(outcome->task));
    text += std::string(short_id(id)) + "  " + Console::safe(outcome->task.title) + "  " +
            std::string(workflow::name(outcome->task.state)) + "\n";
  }
  const auto written = session.format() == "json"
                           ? delivered_json(session, Json::object({{"schema", schema}, {"data", std::move(data)}}))
                           : delivered(session, text);
  return more_urgent(code, written);
}

}  // namespace

namespace {

/// What could be meant instead by somebody who goes on with what was interrupted.
std::string told_of(const std::vector<std::string>& queued, bool served) {
  constexpr std::size_t kNamed = 5;
  if (queued.empty() || served) return {};
  const std::string n = queued.size() >= workflow::kTaskPageMax ? std::to_string(workflow::kTaskPageMax) + " or more"
                                                                : std::to_string(queued.size());
  std::string out = "; " + n + (queued.size() == 1 ? " task is" : " tasks are") +
                    " queued, and no server runs here: wrench serve, or wrench task resume";
  for (std::size_t i = 0; i < std::min(queued.size(), kNamed); ++i) out += " " + std::string(short_id(queued[i]));
  return out + (queued.size() > kNamed ? " …" : "");
}

}  // namespace

ExitCode run_task_resume(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto tasks = find_all(**space, session.invocation.arguments);
  if (!tasks) return session.fail(tasks.error());
  std::vector<std::string> ids;
  for (const auto& task : *tasks) {
    if (workflow::is_terminal(task.state)) return session.fail(wrong_state(task, "there is nothing to go on with"));
    ids.push_back(task.task_id);
  }
  if (session.invocation.arguments.empty()) {
    auto interrupted = interrupted_tasks(**space);
    if (!interrupted) return session.fail(interrupted.error());
    ids = std::move(*interrupted);
    if (ids.empty()) {
      const auto queued = queued_tasks(**space);
      if (!queued) return session.fail(queued.error());
      session.console.note("nothing was interrupted" + told_of(*queued, (*space)->is_served()));
    }
  }
  std::vector<std::string> here;
  for (const auto& id : ids) {
    const auto before = find_task(**space, id);
    if (!before) return session.fail(before.error());
    if (session.invocation.arguments.empty() && workflow::is_held_by_restore(*before)) {
      session.console.note("task " + std::string(short_id(id)) +
                           " was restored from a backup and may have gone on after it: wrench task resume " +
                           std::string(short_id(id)));
      continue;
    }
    if (auto resumed = (*space)->engine().resume(id); !resumed) return session.fail(resumed.error());
    const auto task = find_task(**space, id);
    if (!task) return session.fail(task.error());
    const auto execution = latest_execution(**space, *task);
    if (!execution) return session.fail(execution.error());
    if (is_terminal(execution->status) || (*space)->has_workers() || execution->owner_boot == (*space)->boot_id()) {
      here.push_back(id);
    } else if (task->state == workflow::TaskState::Queued) {
      const auto standing = standing_of(**space, *task);
      if (!standing) return session.fail(standing.error());
      session.console.note("it is queued again" + (standing->why.empty() ? "" : "; " + standing_text(*standing)));
    } else {
      session.console.note("it goes on in the process that runs it: wrench task watch " + std::string(short_id(id)));
    }
  }
  return run_all(session, **space, here, "wrench.task_resume/1");
}

ExitCode run_task_run(Session& session) {
  auto opened = open_to_run(session);
  if (!opened) return session.fail(opened.error());
  Workspace& space = *opened->space;
  const auto tasks = find_all(space, session.invocation.arguments);
  if (!tasks) return session.fail(tasks.error());
  for (const auto& task : *tasks)  // Before any of them begins.
    if (task.state != workflow::TaskState::Draft) return session.fail(wrong_state(task, "only a draft is to be run"));
  std::vector<std::string> ids;
  Json data = Json::array();
  std::string text;
  for (const auto& task : *tasks) {
    if (const auto begun = space.engine().submit(task.task_id); !begun) return session.fail(begun.error());
    const std::string id(short_id(task.task_id));
    ids.push_back(task.task_id);
    data.push_back(task.task_id);
    text += "task " + id + "  " + Console::safe(task.title) + "\nFollow it: wrench task watch " + id + "\n";
  }
  if (opened->waits) return run_all(session, space, ids, "wrench.task_run/1");
  if (!space.has_workers() && !space.is_served())
    session.console.note("nobody serves this data directory yet: wrench serve, or wrench task resume");
  if (session.format() != "json") return delivered(session, text);
  return delivered_json(session, Json::object({{"schema", "wrench.task_run/1"}, {"data", std::move(data)}}));
}

ExitCode run_task_rerun(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto tasks = find_all(**space, session.invocation.arguments);
  if (!tasks) return session.fail(tasks.error());
  std::vector<std::string> ids;
  for (const auto& task : *tasks)
    if (!workflow::is_terminal(task.state)) return session.fail(wrong_state(task, "only an ended task is run again"));
  for (const auto& task : *tasks) {
    if (auto again = (*space)->engine().retry(task.task_id); !again) return session.fail(again.error());
    ids.push_back(task.task_id);
  }
  return run_all(session, **space, ids, "wrench.task_rerun/1");
}

ExitCode run_task_retry(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  if (task->state == workflow::TaskState::Completed) return session.fail(wrong_state(*task, "no step of it failed"));
  if (auto again = (*space)->engine().retry(task->task_id); !again) return session.fail(again.error());
  return run_all(session, **space, {task->task_id}, "wrench.task_retry/1");
}

ExitCode run_task_fork(Session& session) {
  const auto request = fork_request(session);
  if (!request) return session.fail(request.error());
  const bool only_look = session.invocation.has("--dry-run");
  auto space = Workspace::open(session, only_look ? Workspace::Use::Read : Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto task = find_task(**space, session.invocation.arguments.front());
  if (!task) return session.fail(task.error());
  if (only_look) return show_fork(session, **space, *task, *request);
  if (const auto made = make_fork(session, **space, *task, *request); !made) return session.fail(made.error());
  return run_all(session, **space, {task->task_id}, "wrench.task_fork/1");
}

}  // namespace wrench::app
