#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "../output.hpp"
#include "../progress.hpp"
#include "../review_screen.hpp"
#include "../signals.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_run.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/agents/planner.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::app {

namespace {

using codec::Json;

Result<std::string> canonical(const std::string& path) {
  if (path.empty()) return Error("io.not_found", "PATH is empty");
  char buffer[PATH_MAX];
  if (::realpath(path.c_str(), buffer) == nullptr) return errno_error(errno, path);
  return std::string(buffer);
}

struct Prepared {
  std::string path, root;
  agents::PlannedGoal planned;
  Json inputs;
};

Result<Prepared> prepare(const Session& session, const agents::Registry& registry) {
  Prepared out;
  out.path = session.invocation.arguments.empty() ? "." : session.invocation.arguments.front();
  out.root = WRENCH_TRY(canonical(out.path));
  if (!is_valid_utf8(out.root) || !is_valid_utf8(out.path))
    return Error("io.name_not_utf8", out.path + ": the folder's path isn't UTF-8, which a task can't hold")
        .with_help("wrench scan PATH");
  const auto survey = WRENCH_TRY(scan::survey(out.path, {}, session.stop));
  // Found out now, not by a task that fails.
  scan::ScanRequest request;
  request.rule_paths = session.invocation.values("--rules");
  request.use_project_config = !session.invocation.has("--no-project-config");
  WRENCH_TRY(scan::check_settings(std::move(request), survey.root, SystemClock(), session.stop));
  bool has_commits = false;
  if (survey.in_git) {
    const auto repo = history::GitRepo::open(out.root, session.stop);
    has_commits = repo.ok() && repo->head(session.stop).ok();
  }
  agents::Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  for (const auto name : split(session.invocation.value("--agents"), ','))
    if (!trim(name).empty()) goal.agents.emplace_back(trim(name));
  out.planned = WRENCH_TRY(agents::plan_goal(goal, agents::tree_facts(survey, has_commits), registry));

  Json tree = Json::object({{"path", out.path}, {"root", out.root}, {"working_directory", WRENCH_TRY(canonical("."))}});
  if (session.invocation.has("--no-builtin-rules")) tree.set("builtin_rules", false);
  if (session.invocation.has("--no-project-config")) tree.set("project_config", false);
  Json rules = Json::array();
  for (const auto& rule_path : session.invocation.values("--rules")) rules.push_back(WRENCH_TRY(canonical(rule_path)));
  if (!rules.as_array().empty()) tree.set("rules", std::move(rules));
  out.inputs = Json::object({{"tree", std::move(tree)}});
  return out;
}

Result<workflow::TaskReceipt> start(Session& session, Workspace& space, const Prepared& prepared) {
  workflow::CreateTask task;
  task.title = "Review " +
               Console::safe(prepared.path == "." ? prepared.root.substr(prepared.root.rfind('/') + 1) : prepared.path)
                   .substr(0, 400);
  task.kind = "review";
  task.repository = prepared.root;
  task.plan = WRENCH_TRY(workflow::Plan::parse(prepared.planned.plan));
  task.plan_notes = agents::explain(prepared.planned);
  task.inputs = prepared.inputs;
  // The same command finds its interrupted run again; another plan or other rules are another review.
  task.idempotency_key = "review:" + crypto::sha256_hex(task.plan->hash() + codec::canonical_json(prepared.inputs));
  task.key_scope = workflow::KeyScope::UntilTaskEnds;
  if (session.invocation.has("--fresh")) {
    auto earlier = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) {
      return workflow::find_task_by_key(tx, workflow::kDefaultProject, task.idempotency_key);
    }));
    if (earlier && !workflow::is_terminal(earlier->state))
      WRENCH_TRY(space.engine().cancel(earlier->task_id, "started afresh"));
  }
  auto receipt = WRENCH_TRY(space.engine().create(std::move(task)));
  if (!receipt.existed) return receipt;
  session.console.note("going on with the interrupted review " + std::string(short_id(receipt.task_id)) +
                       " (--fresh starts anew)");
  return space.engine().resume(receipt.task_id);
}

Result<findings::Report> final_report(Workspace& space, const agents::PlannedGoal& planned, std::int64_t execution_no) {
  for (auto step = planned.steps.rbegin(); step != planned.steps.rend(); ++step) {
    if (step->capability->id != "super.synthesise") continue;
    const auto output = WRENCH_TRY(
        space.store().read([&](storage::ReadTx& tx) { return workflow::read_output(tx, execution_no, step->id); }));
    return space.take_report(output.at("report"));
  }
  return Error("agent.no_plan", "the plan has no final step");
}

ExitCode finished(Session& session, findings::Report report, const Prepared& prepared) {
  if (auto applied = apply_baseline_flag(session, report); !applied) return session.fail(applied.error());
  const auto& mined = report.history.at("mined");
  if (report.repository.empty())
    report.repository = mined.is_object() ? std::string(mined.at("repository").as_string())
                                          : prepared.root.substr(prepared.root.rfind('/') + 1);
  if (report.revision.empty() && mined.is_object()) report.revision = std::string(mined.at("revision").as_string());
  for (const auto& note : prepared.planned.degraded) report.notes.push_back("not possible here: " + note);
  const auto gate = gate_of(session);
  if (!gate) return session.fail(gate.error());
  ReviewScreen screen;
  const auto top = session.invocation.number("--top", 10, 0, 100'000);
  if (!top) return session.fail(top.error());
  screen.top = static_cast<std::size_t>(*top);
  screen.all = session.invocation.has("--all");
  screen.explain_skipped = session.invocation.has("--explain-skipped");
  screen.command = "review " + Console::safe(prepared.path);
  screen.gate = *gate;
  const auto text = render_review(report, screen, session.console);
  if (auto delivered = deliver_report(session, report, scan::TreeSources(report), *gate, &text); !delivered)
    return session.fail(delivered.error());
  return verdict(session, report, *gate);
}

}  // namespace

ExitCode run_review(Session& session) {
  if (auto gate = gate_of(session); !gate) return session.fail(gate.error());
  if (auto output = check_output(session); !output) return session.fail(output.error());
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
    auto delivered = deliver(session, text);
    return delivered ? ExitCode::Done : session.fail(delivered.error());
  }
  auto space = Workspace::open(session, Workspace::Steps::Run);
  if (!space) return session.fail(space.error());
  auto receipt = start(session, **space, *prepared);
  if (!receipt) return session.fail(receipt.error());
  auto outcome = run_to_end(session, **space, receipt->task_id);
  if (!outcome) return task_failure(session, **space, outcome.error(), receipt->task_id);
  if (const auto code = task_exit_code(outcome->task); code != ExitCode::Done)
    return session.fail(task_error(*outcome));
  auto report = final_report(**space, prepared->planned, outcome->execution.execution_no);
  if (!report) return session.fail(report.error());
  const auto& execution = outcome->execution;
  if (execution.started_at && execution.completed_at)
    report->run.elapsed_ms = (*execution.completed_at - *execution.started_at) / kMicrosPerMs;
  return finished(session, std::move(*report), *prepared);
}

}  // namespace wrench::app
