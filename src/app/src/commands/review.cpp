#include "../layout.hpp"
#include "../output.hpp"
#include "../review_task.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "review_report.hpp"
#include "task_run.hpp"
#include "wrench/agents/planner.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

ReviewRequest request_of(const Session& session) {
  ReviewRequest out;
  if (!session.invocation.arguments.empty()) out.path = session.invocation.arguments.front();
  for (const auto name : split(session.invocation.value("--agents"), ','))
    if (!trim(name).empty()) out.agents.emplace_back(trim(name));
  out.rules = session.invocation.values("--rules");
  out.builtin_rules = !session.invocation.has("--no-builtin-rules");
  out.project_config = !session.invocation.has("--no-project-config");
  out.new_since = session.invocation.value("--new-since");
  out.history_secrets = session.invocation.has("--history");
  return out;
}

}  // namespace

ExitCode run_review(Session& session) {
  if (auto gate = gate_of(session); !gate) return session.fail(gate.error());
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  auto prepared = plan_review(request_of(session), *registry, session.stop);
  if (!prepared) return session.fail(prepared.error());
  if (session.invocation.has("--baseline")) {
    findings::Report nothing;  // Found out now, not after minutes of work.
    if (auto readable = apply_baseline_flag(session, nothing); !readable) return session.fail(readable.error());
  }
  if (session.invocation.has("--explain-plan")) {
    const auto text = session.format() == "json"
                          ? codec::write_json(agents::explain(prepared->planned), {.pretty = true}) + "\n"
                          : agents::explain_text(prepared->planned);
    return delivered(session, text);
  }
  if (session.invocation.has("--budget")) {
    auto budget = workflow::parse_budget(session.invocation.values("--budget"));
    if (!budget) return session.fail(budget.error());
    prepared->task.budget = std::move(*budget);
  }
  if (session.invocation.has("--priority")) prepared->task.priority = session.invocation.value("--priority");
  if (session.invocation.has("--detach")) return leave_task(session, std::move(prepared->task));
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto started = start_or_go_on(session, **space, std::move(prepared->task));
  if (!started) return session.fail(started.error());
  const auto& task_id = started->receipt.task_id;
  auto outcome = run_to_end(session, **space, task_id);
  if (!outcome)
    return task_failure(session, **space, outcome.error(), task_id,
                        started->same_command_goes_on ? same_command(session) : "");
  if (const auto code = task_exit_code(outcome->task); code != ExitCode::Done)
    return session.fail(task_error(*outcome));
  auto report = report_of_review(**space, outcome->task, outcome->execution);
  if (!report) return session.fail(report.error());
  return deliver_review(session, std::move(*report), outcome->task);
}

}  // namespace wrench::app
