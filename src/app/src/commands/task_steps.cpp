#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_graph.hpp"
#include "../value_text.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::StepState;
using workflow::StepView;

constexpr std::size_t kStateColumns = 11;

struct Steps {
  std::vector<StepView> steps;
  std::map<std::int64_t, Json> contents;  ///< By step: its output, or why it failed.
  std::string next_cursor;
};

/// The task that the command line names.
struct Asked {
  std::unique_ptr<Workspace> space;
  workflow::TaskView task;
  workflow::ExecutionView execution;
};

Result<Asked> find_asked(Session& session) {
  Asked out;
  out.space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Read));
  out.task = WRENCH_TRY(find_task(*out.space, session.invocation.arguments.front()));
  out.execution = WRENCH_TRY(latest_execution(*out.space, out.task));
  return out;
}

Result<std::int64_t> cursor_of(const Session& session) {
  const std::string text(session.invocation.value("--cursor", "0"));
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size() && out >= 0) return out;
  return Error("workflow.invalid_cursor", "'" + escape_for_display(text) + "' is no cursor of task steps");
}

Result<Steps> steps_of(Session& session, Workspace& space, const workflow::ExecutionView& execution) {
  const auto limit = static_cast<std::size_t>(session.invocation.number("--limit", 100));
  const auto state = session.invocation.value("--state");
  const auto node = session.invocation.value("--step");
  std::int64_t after = WRENCH_TRY(cursor_of(session));
  Steps out;
  for (;;) {
    const auto page = WRENCH_TRY(space.store().read(
        [&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution.execution_no, after); }));
    for (const auto& step : page) {
      if ((!state.empty() && workflow::name(step.state) != state) || (!node.empty() && step.node != node)) {
        after = step.step_no;
        continue;
      }
      if (out.steps.size() == limit) {
        out.next_cursor = std::to_string(after);
        return out;
      }
      after = step.step_no;
      out.steps.push_back(step);
    }
    if (page.size() < workflow::kStepPageMax) return out;
  }
}

Result<void> add_contents(Workspace& space, Steps& steps) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<void> {
    for (const auto& step : steps.steps)
      if (step.output_seq != 0)
        steps.contents[step.step_no] = WRENCH_TRY(workflow::read_content(tx, step.execution_no, step.output_seq));
    return {};
  });
}

std::string to_text(const Steps& steps, const Console& console) {
  std::size_t number_columns = 1, node_columns = 4;
  for (const auto& step : steps.steps) {
    number_columns = std::max(number_columns, std::to_string(step.step_no).size());
    node_columns = std::max(node_columns, display_width(step.node) + (step.item ? 6 : 0));
  }
  node_columns = std::min<std::size_t>(node_columns, 40);
  std::string text;
  for (const auto& step : steps.steps) {
    const std::string number = std::to_string(step.step_no);
    const std::string node = Console::safe(step.node) + (step.item ? "[" + std::to_string(*step.item) + "]" : "");
    text += std::string(number_columns - number.size(), ' ') + number + "  " + pad(node, node_columns) + "  " +
            pad(std::string(workflow::name(step.state)), kStateColumns);
    if (!step.capability.empty()) text += "  " + Console::safe(step.capability);
    if (step.attempt > 1) text += "  attempt " + std::to_string(step.attempt);
    if (step.lost > 0) text += "  lost " + std::to_string(step.lost) + (step.lost == 1 ? " time" : " times");
    if (!step.parked_for.empty()) text += "  waits for its turn: " + Console::safe(step.parked_for);
    if (!step.child_task.empty()) text += "  task " + std::string(short_id(step.child_task));
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
    const auto content = steps.contents.find(step.step_no);
    if (content == steps.contents.end()) continue;
    const std::string value = value_text(content->second, page_style(console));
    for (const auto line : split(value, '\n'))
      if (!line.empty()) text += std::string(number_columns + 4, ' ') + std::string(line) + "\n";
  }
  return text;
}

/// What a node does, in a few words.
std::string call_of(const workflow::Plan& plan, const workflow::PlanNode& node) {
  if (node.kind == workflow::NodeKind::Call) return node.capability;
  std::string out(workflow::name(node.kind));
  if (node.kind == workflow::NodeKind::Wait) out += " for " + std::string(workflow::name(node.wait->kind));
  if (node.over) out += " over " + node.over->text();
  if (!node.has_body()) return out;
  std::set<std::string> calls;
  for (std::uint32_t i = node.body_first; i < node.body_first + node.body_count; ++i) {
    const auto& inner = plan.nodes()[i];
    calls.insert(inner.kind == workflow::NodeKind::Call ? inner.capability : std::string(workflow::name(inner.kind)));
  }
  std::string text;
  for (const auto& call : calls) text += (text.empty() ? "" : ", ") + call;
  return out + ": " + text;
}

/// The plan as something that can be drawn: each node after those that it needs.
workflow::Playbook drawable(const workflow::Plan& plan, const std::string& title, const Json& notes) {
  std::map<std::string, std::string, std::less<>> why;
  for (const auto& step : notes.at("steps").as_array())
    why.emplace(step.at("id").as_string(), step.at("why").as_string());
  workflow::Playbook out;
  out.name = title;
  std::vector<std::size_t> left(plan.top_count());
  std::set<std::uint32_t> ready;
  for (std::uint32_t i = 0; i < plan.top_count(); ++i) {
    left[i] = plan.nodes()[i].needs.size();
    if (left[i] == 0) ready.insert(i);
  }
  while (!ready.empty()) {
    const std::uint32_t i = *ready.begin();
    ready.erase(ready.begin());
    const auto& node = plan.nodes()[i];
    workflow::PlaybookStep step;
    step.id = node.id;
    step.type = "standard";
    step.calls.push_back(call_of(plan, node));
    if (node.when) step.when = node.when->text();
    if (const auto reason = why.find(node.id); reason != why.end()) step.description = reason->second;
    for (const auto& need : node.needs) step.after.push_back(plan.nodes()[need.node].id);
    out.steps.push_back(std::move(step));
    for (const std::uint32_t next : plan.dependents(i))
      if (next < left.size() && --left[next] == 0) ready.insert(next);
  }
  return out;
}

}  // namespace

ExitCode run_task_steps(Session& session) {
  const auto asked = find_asked(session);
  if (!asked) return session.fail(asked.error());
  const auto& [space, task, execution] = *asked;
  auto steps = steps_of(session, *space, execution);
  if (!steps) return session.fail(steps.error());
  const bool outputs = session.invocation.has("--outputs");
  if (outputs)
    if (auto read = add_contents(*space, *steps); !read) return session.fail(read.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& step : steps->steps) {
      auto row = step_json(step);
      row.set("parent_step", step.parent_step ? Json(*step.parent_step) : Json());
      row.set("item", step.item ? Json(*step.item) : Json());
      if (outputs) {
        const auto content = steps->contents.find(step.step_no);
        const bool done = step.state == StepState::Completed;
        const Json value = content == steps->contents.end() ? Json() : content->second;
        row.set("output", done ? value : Json());
        row.set("error", done ? Json() : value);
      }
      data.push_back(std::move(row));
    }
    return delivered_json(
        session, Json::object({{"schema", "wrench.task_steps/1"},
                               {"task_id", task.task_id},
                               {"execution_id", execution.execution_id},
                               {"data", std::move(data)},
                               {"next_cursor", steps->next_cursor.empty() ? Json() : Json(steps->next_cursor)}}));
  }
  if (steps->steps.empty()) return delivered(session, "No such steps.\n");
  std::string text = to_text(*steps, session.console);
  if (!steps->next_cursor.empty())
    text +=
        "\nMore: wrench task steps " + std::string(short_id(task.task_id)) + " --cursor " + steps->next_cursor + "\n";
  return delivered(session, text);
}

ExitCode run_task_plan(Session& session) {
  const auto asked = find_asked(session);
  if (!asked) return session.fail(asked.error());
  const auto& [space, task, execution] = *asked;
  const auto plan =
      space->store().read([&](storage::ReadTx& tx) { return workflow::read_plan(tx, execution.execution_no); });
  if (!plan) return session.fail(plan.error());
  const auto notes =
      space->store().read([&](storage::ReadTx& tx) { return workflow::read_plan_notes(tx, task.task_no); });
  if (!notes) return session.fail(notes.error());
  if (session.format() == "json") {
    auto body = codec::parse_json((*plan)->body());
    if (!body) return session.fail(body.error());
    return delivered_json(session, Json::object({{"schema", "wrench.task_plan/1"},
                                                 {"task_id", task.task_id},
                                                 {"plan_hash", to_hex((*plan)->hash())},
                                                 {"plan", std::move(*body)},
                                                 {"notes", *notes}}));
  }
  const auto drawing = drawable(**plan, task.title, *notes);
  return delivered(
      session, session.format() == "dot" ? playbook_dot(drawing) : draw_playbook(drawing, page_style(session.console)));
}

}  // namespace wrench::app
