#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "../layout.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../review_screen.hpp"
#include "../signals.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "review_report.hpp"
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

constexpr std::size_t kTitleColumnsMax = 400;

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

/// Empty when git has history to read, else why not.
std::string why_no_history(const std::string& root, const StopToken& stop) {
  const auto repo = history::GitRepo::open(root, stop);
  if (!repo) return repo.error().message;
  const auto head = repo->head(stop);
  return head ? "" : head.error().message;
}

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
  agents::Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  for (const auto name : split(session.invocation.value("--agents"), ','))
    if (!trim(name).empty()) goal.agents.emplace_back(trim(name));
  const auto facts = agents::tree_facts(survey, survey.in_git ? why_no_history(out.root, session.stop) : "");
  out.planned = WRENCH_TRY(agents::plan_goal(goal, facts, registry));

  Json tree = Json::object({{"path", out.path}, {"root", out.root}, {"working_directory", WRENCH_TRY(canonical("."))}});
  if (session.invocation.has("--no-builtin-rules")) tree.set("builtin_rules", false);
  if (session.invocation.has("--no-project-config")) tree.set("project_config", false);
  Json rules = Json::array();
  for (const auto& rule_path : session.invocation.values("--rules")) rules.push_back(WRENCH_TRY(canonical(rule_path)));
  if (!rules.as_array().empty()) tree.set("rules", std::move(rules));
  out.inputs = Json::object({{"tree", std::move(tree)}});
  return out;
}

struct OpenReview {
  std::string task_id;
  bool runs_elsewhere = false;
};

Result<std::optional<OpenReview>> find_open(Workspace& space, const std::string& key) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<std::optional<OpenReview>> {
    const auto task = WRENCH_TRY(workflow::find_task_by_key(tx, workflow::kDefaultProject, key));
    if (!task || workflow::is_terminal(task->state)) return std::optional<OpenReview>();
    const auto owner = WRENCH_TRY(workflow::list_executions(tx, task->task_no)).back().owner_boot;
    return std::optional(OpenReview{task->task_id, !owner.empty() && space.is_live(owner)});
  });
}

struct Started {
  workflow::TaskReceipt receipt;
  bool same_command_goes_on = true;  ///< After an interruption; else only `task resume` does.
};

Result<Started> start(Session& session, Workspace& space, const Prepared& prepared) {
  workflow::CreateTask task;
  const auto shown = prepared.path == "." ? prepared.root.substr(prepared.root.rfind('/') + 1) : prepared.path;
  task.title = "Review " + clip_front(Console::safe(shown), kTitleColumnsMax, true);
  task.kind = "review";
  task.repository = prepared.root;
  task.plan = WRENCH_TRY(workflow::Plan::parse(prepared.planned.plan));
  task.plan_notes = agents::explain(prepared.planned);
  task.inputs = prepared.inputs;
  // The same command finds its interrupted run again; another plan or other rules are another review.
  task.idempotency_key = "review:" + crypto::sha256_hex(task.plan->hash() + codec::canonical_json(prepared.inputs));
  task.key_scope = workflow::KeyScope::UntilTaskEnds;
  Started started;
  // Again when another process was quicker between our looking and our writing.
  for (;;) {
    const auto open = WRENCH_TRY(find_open(space, task.idempotency_key));
    if (open && open->runs_elsewhere) {
      session.console.note("another process does this review right now (task " + std::string(short_id(open->task_id)) +
                           "); this one runs beside it");
      task.idempotency_key += ":" + space.boot_id();
      started.same_command_goes_on = false;
    } else if (open && session.invocation.has("--fresh")) {
      WRENCH_TRY(space.engine().cancel(open->task_id, "started afresh"));
    }
    started.receipt = WRENCH_TRY(space.engine().create(task));
    if (!started.receipt.existed) return started;
    if (!open || open->task_id != started.receipt.task_id) continue;
    auto resumed = space.engine().resume(open->task_id);
    if (!resumed && resumed.error().code == "workflow.owned_elsewhere") continue;
    started.receipt = WRENCH_TRY(std::move(resumed));
    session.console.note("going on with the interrupted review " + std::string(short_id(open->task_id)) +
                         " (--fresh starts anew)");
    return started;
  }
}

/// For people to paste: what was typed, without --fresh, which would throw the interrupted run away.
std::string same_command(const Session& session) {
  std::string line = "wrench";
  for (const auto& word : session.words)
    if (word != "--fresh") line += " " + quoted_for_shell(word);
  return line;
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
  auto space = Workspace::open(session, Workspace::Use::Run);
  if (!space) return session.fail(space.error());
  const auto started = start(session, **space, *prepared);
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
