#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_graph.hpp"
#include "../playbook_task.hpp"
#include "../playbooks.hpp"
#include "../value_text.hpp"
#include "commands.hpp"
#include "playbook_result.hpp"
#include "task_run.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::Playbook;

struct Prepared {
  PlaybookText text;
  Playbook playbook;
  Json inputs;
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
  auto given = WRENCH_TRY(given_inputs(session.invocation.values("--input"), out.playbook));
  out.inputs = WRENCH_TRY(bound_inputs(out.playbook, std::move(given)));
  return out;
}

Result<workflow::CreateTask> task_of(const Session& session, const Prepared& prepared) {
  auto task = WRENCH_TRY(playbook_task(prepared.playbook, prepared.text.name, prepared.inputs));
  if (session.invocation.value("--on-exhausted") == "dead_letter") task.on_exhausted = workflow::OnExhausted::Dead;
  if (session.invocation.has("--priority")) task.priority = session.invocation.value("--priority");
  if (session.invocation.has("--budget"))
    task.budget = WRENCH_TRY(workflow::parse_budget(session.invocation.values("--budget")));
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
  const auto task = task_of(session, *prepared);
  if (!task) return session.fail(task.error());
  if (session.invocation.has("--detach")) {
    if (prepared->mock)
      session.console.note("--mock only names operations here: the process that runs the task must be given it, too");
    return leave_task(session, *task);
  }
  auto space = Workspace::open(session, Workspace::Use::Run, prepared->mock);
  if (!space) return session.fail(space.error());
  const auto started = start_or_go_on(session, **space, *task, prepared->mock_text);
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
