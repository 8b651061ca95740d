#include "playbook_result.hpp"

#include <algorithm>
#include <map>

#include "../goal_task.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../review_screen.hpp"
#include "../value_text.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

using codec::Json;

namespace {

bool is_report(const Json& value) { return value.at("artifact").is_object() && value.at("run").is_object(); }

/// Without the references to reports, which say nothing to people.
Json without_reports(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array())
      if (!is_report(item)) out.push_back(without_reports(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.as_object())
    if (!is_report(member)) out.set(name, without_reports(member));
  return out;
}

const Json* first_report(const Json& value) {
  if (is_report(value)) return &value;
  for (const auto& [name, member] : value.as_object())
    if (const Json* found = first_report(member)) return found;
  for (const Json& item : value.as_array())
    if (const Json* found = first_report(item)) return found;
  return nullptr;
}

Result<std::vector<workflow::StepView>> steps_of(Workspace& space, const workflow::ExecutionView& execution) {
  return space.store().read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution.execution_no); });
}

/// Steps that were passed over because the playbook says so, and how often.
using PassedOver = std::map<std::string, std::size_t>;

Result<PassedOver> passed_over_in(Workspace& space, const workflow::ExecutionView& execution) {
  PassedOver out;
  for (const auto& step : WRENCH_TRY(steps_of(space, execution)))
    if (step.state == workflow::StepState::Failed || step.superseded) ++out[step.node];
  return out;
}

/// A step says what its output lacks; of several results each is asked.
bool is_partial(const Json& output) {
  const auto lacks = [](const Json& value) { return !value.at("partial").as_array().empty(); };
  return lacks(output) ||
         std::ranges::any_of(output.as_object(), [&](const auto& member) { return lacks(member.second); });
}

/// What a playbook lets pass over, it can do without: a note tells.
ExitCode answer_of(const Json& output) {
  const Json& passed = output.at("passed");
  if (passed.is_boolean() && !passed.as_boolean()) return ExitCode::AnswerIsNo;
  return is_partial(output) ? ExitCode::Partial : ExitCode::Done;
}

std::string text_of(const PassedOver& passed_over) {
  std::vector<std::string> out;
  for (const auto& [node, times] : passed_over)
    out.push_back(times == 1 ? node : node + " (" + format_count(times) + " times)");
  return join(out, ", ");
}

std::string headline_of(const workflow::TaskOutcome& outcome, const Json& output, const Console& console) {
  std::string text = console.styled(Style::Bold, Console::safe(outcome.task.metadata.at("title").as_string()));
  if (const Json& passed = output.at("passed"); passed.is_boolean())
    text += passed.as_boolean() ? "  " + console.styled(Style::Good, "passed")
                                : "  " + console.styled(Style::High, "not passed");
  if (outcome.execution.started_at && outcome.execution.completed_at)
    text += "  " + format_duration(*outcome.execution.completed_at - *outcome.execution.started_at);
  return text + "\n\n";
}

}  // namespace

bool is_playbook(const workflow::TaskView& task) { return task.kind == kPlaybookKind || task.kind == kGoalKind; }

Json playbook_metadata(const workflow::Playbook& playbook, std::string_view name) {
  Json nodes = Json::array();
  for (const auto& node : playbook.result) nodes.push_back(node);
  return Json::object({{"playbook", name}, {"title", playbook.name}, {"result", std::move(nodes)}});
}

Result<Json> playbook_output(Workspace& space, const workflow::TaskView& task,
                             const workflow::ExecutionView& execution) {
  const auto& nodes = task.metadata.at("result").as_array();
  return space.store().read([&](storage::ReadTx& tx) -> Result<Json> {
    Json out = Json::object();
    for (const Json& node : nodes) {
      auto output = workflow::read_output(tx, execution.execution_no, node.as_string());
      // A step that was skipped has none.
      if (!output.ok() && output.error().code != "workflow.no_output") return std::move(output).error();
      if (nodes.size() == 1) return output.ok() ? std::move(*output) : Json();
      if (output.ok()) out.set(node.as_string(), std::move(*output));
    }
    return out;
  });
}

Result<findings::Report> report_of_playbook(Workspace& space, const workflow::TaskView& task,
                                            const workflow::ExecutionView& execution) {
  const Json output = WRENCH_TRY(playbook_output(space, task, execution));
  if (const Json* reference = first_report(output)) return space.take_report(*reference);
  return Error("workflow.no_output", "the result of task " + std::string(short_id(task.task_id)) +
                                         " has no report of findings; as text it has what it has");
}

ExitCode deliver_playbook(Session& session, Workspace& space, const workflow::TaskOutcome& outcome) {
  const auto output = playbook_output(space, outcome.task, outcome.execution);
  if (!output) return session.fail(output.error());
  const auto passed_over = passed_over_in(space, outcome.execution);
  if (!passed_over) return session.fail(passed_over.error());
  const std::string id(short_id(outcome.task.task_id));
  if (!passed_over->empty())
    session.console.note("failed and passed over: " + text_of(*passed_over) + " (wrench task journal " + id + ")");
  if (session.format() == "json") {
    Json nodes = Json::array();
    for (const auto& [node, times] : *passed_over) nodes.push_back(node);
    Json run = Json::object({{"task_id", outcome.task.task_id}, {"execution_id", outcome.execution.execution_id}});
    if (outcome.execution.started_at && outcome.execution.completed_at)
      run.set("elapsed_ms", (*outcome.execution.completed_at - *outcome.execution.started_at) / kMicrosPerMs);
    const auto written = delivered_json(session, Json::object({{"schema", "wrench.playbook_run/1"},
                                                               {"run", std::move(run)},
                                                               {"playbook", outcome.task.metadata.at("playbook")},
                                                               {"status", outcome.task.status},
                                                               {"output", *output},
                                                               {"passed_over", std::move(nodes)}}));
    return more_urgent(answer_of(*output), written);
  }
  std::string text = headline_of(outcome, *output, session.console);
  std::optional<findings::Report> report;
  if (const Json* reference = first_report(*output)) {
    auto taken = space.take_report(*reference);
    if (!taken) return session.fail(taken.error());
    report = std::move(*taken);
  }
  Json shown = without_reports(*output);
  if (shown.is_object()) shown.object_ref().erase("passed");  // The first line says it.
  if (!(shown.is_object() && shown.as_object().empty() && report.has_value()))
    text += value_text(shown, page_style(session.console));
  if (report) {
    ReviewScreen screen;
    screen.top = static_cast<std::size_t>(session.invocation.number("--top", 10));
    screen.all = session.invocation.has("--all");
    screen.explain_skipped = session.invocation.has("--explain-skipped");
    screen.command = "task report " + id;
    screen.tells_gate = false;
    text += "\n" + render_review(*report, screen, session.console);
  }
  return more_urgent(answer_of(*output), delivered(session, text));
}

}  // namespace wrench::app
