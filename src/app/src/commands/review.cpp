#include "../layout.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../review_screen.hpp"
#include "../signals.hpp"
#include "../tree_argument.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "review_report.hpp"
#include "task_run.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/agents/planner.hpp"
#include "wrench/base/text.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kTitleColumnsMax = 400;

struct Prepared {
  std::string path, root, project_root;
  agents::PlannedGoal planned;
  Json inputs;
};

Result<Prepared> prepare(const Session& session, const agents::Registry& registry) {
  Prepared out;
  out.path = session.invocation.arguments.empty() ? "." : session.invocation.arguments.front();
  Json tree = WRENCH_TRY(tree_argument(out.path));
  out.root = tree.at("root").as_string();
  const auto survey = WRENCH_TRY(scan::survey(out.path, {}, session.stop));
  out.project_root = survey.root;
  // Found out now, not by a task that fails.
  scan::ScanRequest request;
  request.rule_paths = session.invocation.values("--rules");
  request.use_project_config = !session.invocation.has("--no-project-config");
  WRENCH_TRY(scan::check_settings(std::move(request), survey.root, SystemClock(), session.stop));
  agents::Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  for (const auto name : split(session.invocation.value("--agents"), ','))
    if (!trim(name).empty()) goal.agents.emplace_back(trim(name));
  const auto facts = agents::tree_facts(survey, survey.in_git ? agents::why_no_history(out.root, session.stop) : "");
  out.planned = WRENCH_TRY(agents::plan_goal(goal, facts, registry));

  if (session.invocation.has("--no-builtin-rules")) tree.set("builtin_rules", false);
  if (session.invocation.has("--no-project-config")) tree.set("project_config", false);
  Json rules = Json::array();
  for (const auto& rule_path : session.invocation.values("--rules"))
    rules.push_back(WRENCH_TRY(canonical_path(rule_path)));
  if (!rules.as_array().empty()) tree.set("rules", std::move(rules));
  out.inputs = Json::object({{"tree", std::move(tree)}});
  return out;
}

workflow::CreateTask task_of(const Prepared& prepared, std::shared_ptr<const workflow::Plan> plan) {
  workflow::CreateTask task;
  const auto shown = prepared.path == "." ? prepared.root.substr(prepared.root.rfind('/') + 1) : prepared.path;
  task.title = "Review " + clip_front(Console::safe(shown), kTitleColumnsMax, true);
  task.kind = "review";
  // Fingerprints are relative to it: what was decided about a finding holds whichever part of the project is reviewed.
  task.repository = prepared.project_root;
  task.plan = std::move(plan);
  task.plan_notes = agents::explain(prepared.planned);
  task.inputs = prepared.inputs;
  return task;
}

}  // namespace

ExitCode run_review(Session& session) {
  if (auto gate = gate_of(session); !gate) return session.fail(gate.error());
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  auto prepared = prepare(session, *registry);
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
  auto plan = workflow::Plan::parse(prepared->planned.plan);
  if (!plan) return session.fail(plan.error());
  if (session.invocation.has("--detach")) return leave_task(session, task_of(*prepared, std::move(*plan)));
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto started = start_or_go_on(session, **space, task_of(*prepared, std::move(*plan)));
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
