#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_graph.hpp"
#include "../playbooks.hpp"
#include "../tree_argument.hpp"
#include "../value_text.hpp"
#include "commands.hpp"
#include "playbook_result.hpp"
#include "task_run.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::Playbook;

constexpr std::size_t kInputFileBytesMax = workflow::kInputsBytesMax;

Error input_error(std::string message) { return Error("workflow.playbook_input", std::move(message)); }

/// The text of `k=v` as the type of input it is for; `any` and undeclared ones are JSON if they can be.
Result<Json> value_of(const std::string& name, std::string text, std::string_view type) {
  if (text.starts_with('@')) text = WRENCH_TRY(runtime::read_file(text.substr(1), kInputFileBytesMax));
  if (type == "string" || type == "tree") return Json(std::move(text));
  auto json = codec::parse_json(text);
  if (json.ok()) return json;
  if (type == "any") return Json(std::move(text));
  if (type != "list")
    return input_error("--input " + name + ": '" + escape_for_display(text) + "' is no " + std::string(type));
  Json items = Json::array();
  for (const auto item : split(text, ','))
    if (!trim(item).empty()) items.push_back(trim(item));
  return items;
}

Result<Json> given_inputs(const Session& session, const Playbook& playbook) {
  Json out = Json::object();
  for (const auto& word : session.invocation.values("--input")) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return input_error("--input takes NAME=VALUE, not '" + escape_for_display(word) + "'");
    const std::string name = word.substr(0, equals);
    std::string_view type = "any";
    for (const auto& input : playbook.inputs)
      if (input.name == name) type = input.type;
    out.set(name, WRENCH_TRY(value_of(name, word.substr(equals + 1), type)));
  }
  return out;
}

/// With defaults, and folders as agents take them.
Result<Json> inputs_of(const Session& session, const Playbook& playbook) {
  Json inputs = WRENCH_TRY(given_inputs(session, playbook));
  inputs = WRENCH_TRY(bind_inputs(playbook, std::move(inputs)));
  for (const auto& input : playbook.inputs) {
    if (input.type != "tree" || !inputs.at(input.name).is_string()) continue;
    inputs.set(input.name, WRENCH_TRY(tree_argument(std::string(inputs.at(input.name).as_string()))));
  }
  return inputs;
}

struct Prepared {
  PlaybookText text;
  Playbook playbook;
  Json inputs;
  std::shared_ptr<const workflow::Plan> plan;
  std::optional<MockScript> mock;
  std::string mock_text;
};

Result<Prepared> prepare(Session& session) {
  Prepared out;
  auto catalogue = catalogue_of(WRENCH_TRY(builtin_agents()));
  if (session.invocation.has("--mock")) {
    const std::string file(session.invocation.value("--mock"));
    out.mock_text = WRENCH_TRY(runtime::read_file(file, kMockBytesMax));
    auto script = MockScript::parse(out.mock_text);
    if (!script) {
      Error error = script.error();
      error.place.file = file;
      return error;
    }
    out.mock = std::move(*script);
    out.mock->add_to(catalogue);
  }
  out.text = WRENCH_TRY(find_playbook(session.invocation.arguments.front()));
  out.playbook = WRENCH_TRY(compile_or_tell(session, out.text, catalogue));
  out.inputs = WRENCH_TRY(inputs_of(session, out.playbook));
  out.plan = WRENCH_TRY(workflow::Plan::parse(out.playbook.plan));
  return out;
}

workflow::CreateTask task_of(const Session& session, const Prepared& prepared) {
  constexpr std::size_t kTitleBytesMax = 400;
  workflow::CreateTask task;
  task.title = repair_utf8(Console::safe(prepared.playbook.name).substr(0, kTitleBytesMax));
  task.description = prepared.playbook.description;
  task.kind = kPlaybookKind;
  task.plan = prepared.plan;
  task.plan_notes = prepared.playbook.notes;
  task.inputs = prepared.inputs;
  task.metadata = playbook_metadata(prepared.playbook, prepared.text.name);
  for (const auto& input : prepared.playbook.inputs)
    if (input.type == "tree" && task.repository.empty()) {
      task.repository = prepared.inputs.at(input.name).at("root").as_string();
      if (auto project = scan::project_root(task.repository)) task.repository = std::move(*project);
    }
  if (session.invocation.value("--on-exhausted") == "dead_letter") task.on_exhausted = workflow::OnExhausted::Dead;
  return task;
}

ExitCode show_plan(Session& session, const Prepared& prepared) {
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.playbook_plan/1"},
                                                 {"playbook", prepared.text.name},
                                                 {"inputs", prepared.inputs},
                                                 {"plan", prepared.playbook.plan}}));
  const auto style = page_style(session.console);
  std::string text = draw_playbook(prepared.playbook, style) + "\nInputs:\n";
  const std::string inputs = value_text(prepared.inputs, style);
  for (const auto line : split(inputs, '\n'))
    if (!line.empty()) text += "  " + std::string(line) + "\n";
  return delivered(session, text + "\nNothing was run (--dry-run). The plan itself: --json\n");
}

}  // namespace

ExitCode run_playbook_run(Session& session) {
  const auto prepared = prepare(session);
  if (!prepared) return session.fail(prepared.error());
  if (session.invocation.has("--dry-run")) return show_plan(session, *prepared);
  if (session.invocation.has("--detach")) {
    if (prepared->mock)
      return session.fail(Error("cli.invalid_value",
                                "--mock holds for this process only, not for the one that a detached task runs in"));
    return leave_task(session, task_of(session, *prepared));
  }
  auto space = Workspace::open(session, Workspace::Use::Run, prepared->mock);
  if (!space) return session.fail(space.error());
  const auto started = start_or_go_on(session, **space, task_of(session, *prepared), prepared->mock_text);
  if (!started) return session.fail(started.error());
  const auto& task_id = started->receipt.task_id;
  auto outcome = run_to_end(session, **space, task_id);
  if (!outcome)
    return task_failure(session, **space, outcome.error(), task_id,
                        started->same_command_goes_on ? same_command(session) : "");
  if (outcome->task.state == workflow::TaskState::Failed) {
    // Whatever it was that failed: the answer is no.
    Error cause = task_error(*outcome);
    return session.fail(Error("workflow.task_failed", "the playbook failed: " + cause.message)
                            .with_help("wrench task journal " + std::string(short_id(task_id)))
                            .because(std::move(cause)));
  }
  if (task_exit_code(outcome->task) != ExitCode::Done) return session.fail(task_error(*outcome));
  return deliver_playbook(session, **space, *outcome);
}

}  // namespace wrench::app
