#include <algorithm>
#include <optional>

#include "../goal_task.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_task.hpp"
#include "../playbooks.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "playbook_result.hpp"
#include "review_report.hpp"
#include "task_lookup.hpp"
#include "task_run.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::CreateTask;
using workflow::DependencyPolicy;

constexpr std::string_view kTree = "tree";
constexpr Micros kExpiryMax = 366 * kMicrosPerDay;
constexpr double kPercent = 100;
constexpr std::string_view kStages[] = {"intents", "facts", "selection", "shape", "estimate", "plan"};

/// The folder that a goal is about; goals have no other input.
Result<std::string> tree_of(const Session& session) {
  std::string out = ".";
  for (const auto& word : session.invocation.values("--input")) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || std::string_view(word).substr(0, equals) != kTree)
      return Error("cli.invalid_value", "a goal takes --input tree=PATH, not '" + escape_for_display(word) + "'")
          .with_help("wrench task create GOAL --playbook FILE --input NAME=VALUE");
    out = word.substr(equals + 1);
  }
  return out;
}

Result<PlannedTask> planned_goal(Session& session, const agents::Registry& registry) {
  GoalRequest request;
  request.goal = session.invocation.arguments.front();
  request.title = session.invocation.value("--title");
  request.tree = WRENCH_TRY(tree_of(session));
  request.kind = session.invocation.value("--kind");
  request.requirements = session.invocation.values("--requirement");
  return plan_goal_task(request, registry, session.stop);
}

/// The goal says why; the playbook what.
Result<PlannedTask> planned_playbook(Session& session, const agents::Registry& registry) {
  for (const char* flag : {"--kind", "--requirement"})
    if (session.invocation.has(flag))
      return Error("cli.invalid_value", std::string(flag) + " is for planning, and a playbook is a plan");
  const auto text = WRENCH_TRY(find_playbook(std::string(session.invocation.value("--playbook"))));
  const auto playbook = WRENCH_TRY(compile_or_tell(session, text, catalogue_of(registry)));
  auto given = WRENCH_TRY(given_inputs(session.invocation.values("--input"), playbook));
  Json inputs = WRENCH_TRY(bound_inputs(playbook, std::move(given)));
  PlannedTask out;
  out.task = WRENCH_TRY(playbook_task(playbook, text.name, std::move(inputs)));
  const std::string& goal = session.invocation.arguments.front();
  const auto title = session.invocation.value("--title");
  out.task.title = title.empty() ? goal_title(goal) : std::string(title);
  out.task.description = goal;
  return out;
}

/// A duration from now on, or a time.
Result<Micros> expiry(std::string_view text) {
  const Micros now = SystemClock().now_us();
  if (const auto duration = parse_duration(text); duration && *duration > 0) {
    if (*duration <= kExpiryMax) return now + *duration;
    return Error("cli.invalid_value", "--expires is at most " + format_duration(kExpiryMax) + " from now");
  }
  const auto time = parse_rfc3339(text);
  if (!time)
    return Error("cli.invalid_value", "--expires takes a duration (36h) or a time (2026-12-24T18:00:00Z), not '" +
                                          escape_for_display(text) + "'");
  if (*time <= now) return Error("cli.invalid_value", "--expires " + std::string(text) + " has passed");
  if (*time > now + kExpiryMax)
    return Error("cli.invalid_value", "--expires is at most " + format_duration(kExpiryMax) + " from now");
  return *time;
}

Result<void> add_flags(const Session& session, CreateTask& task) {
  const Invocation& given = session.invocation;
  if (given.value("--on-exhausted") == "dead_letter") task.on_exhausted = workflow::OnExhausted::Dead;
  if (given.has("--priority")) task.priority = given.value("--priority");
  if (given.has("--budget")) task.budget = WRENCH_TRY(workflow::parse_budget(given.values("--budget")));
  task.idempotency_key = given.value("--idempotency-key");
  task.draft = given.has("--draft");
  if (given.has("--expires")) task.expires_at = WRENCH_TRY(expiry(given.value("--expires")));
  if (!given.has("--deadline")) return {};
  task.deadline_at = WRENCH_TRY(parse_rfc3339(given.value("--deadline")));
  if (*task.deadline_at > SystemClock().now_us()) return {};
  return Error("cli.invalid_value", "--deadline " + std::string(given.value("--deadline")) + " has passed");
}

/// "ID" or "ID:POLICY".
Result<workflow::TaskDependency> dependency(Workspace& space, const std::string& word) {
  constexpr std::pair<std::string_view, DependencyPolicy> kPolicies[] = {
      {"block", DependencyPolicy::Block}, {"skip", DependencyPolicy::Skip}, {"ignore", DependencyPolicy::Ignore}};
  const auto colon = word.find(':');
  workflow::TaskDependency out;
  out.task_id = WRENCH_TRY(find_task(space, word.substr(0, colon))).task_id;
  if (colon == std::string::npos) return out;
  const std::string_view policy = std::string_view(word).substr(colon + 1);
  for (const auto& [name, value] : kPolicies)
    if (name == policy) {
      out.policy = value;
      return out;
    }
  return Error("cli.invalid_value",
               "--depends-on takes ID, ID:block, ID:skip or ID:ignore, not '" + escape_for_display(word) + "'");
}

std::string readings_text(const std::vector<agents::Reading>& readings) {
  std::string out;
  for (const auto& reading : readings)
    out += "understood as  " + reading.title + "  (" + join(reading.matched, ", ") + ")\n";
  return out.empty() ? out : out + "\n";
}

std::string stage_title(std::size_t stage) {
  return std::to_string(stage + 1) + " " + std::string(kStages[stage]) + "\n";
}

/// What each stage of planning came to.
Json stages_json(const PlannedTask& planned) {
  Json intents = Json::array(), facts = Json::object(), selected = Json::array(), left_out = Json::array();
  Json shape = Json::array(), estimate = Json::object();
  for (const auto& reading : planned.readings)
    intents.push_back(Json::object({{"what", reading.what}, {"score", reading.score}, {"matched", Json::array()}}));
  for (std::size_t i = 0; i < planned.readings.size(); ++i)
    for (const auto& word : planned.readings[i].matched) intents.array_ref()[i]["matched"].push_back(word);
  for (const auto& [name, fact] : planned.facts)
    facts.set(name, Json::object({{"value", fact.value}, {"source", fact.source}}));
  std::int64_t total = 0;
  Json costs = Json::object();
  for (const auto& step : planned.planned.steps) {
    Json needs = Json::array();
    for (const auto& need : step.needs) needs.push_back(need);
    selected.push_back(Json::object({{"capability", step.capability->id}, {"why", step.why}}));
    shape.push_back(Json::object({{"step", step.id}, {"needs", std::move(needs)}, {"optional", step.optional}}));
    costs.set(step.id, step.cost_ms);
    total += step.cost_ms;
  }
  for (const auto& entry : planned.planned.left_out)
    left_out.push_back(Json::object({{"capability", entry.capability}, {"why_not", entry.why_not}}));
  Json degraded = Json::array();
  for (const auto& entry : planned.planned.degraded) degraded.push_back(entry);
  return Json::object({{"intents", std::move(intents)},
                       {"facts", std::move(facts)},
                       {"selection", Json::object({{"selected", std::move(selected)},
                                                   {"left_out", std::move(left_out)},
                                                   {"degraded", std::move(degraded)}})},
                       {"shape", std::move(shape)},
                       {"estimate", Json::object({{"steps_ms", std::move(costs)}, {"total_ms", total}})},
                       {"plan", Json::object({{"hash", to_hex(planned.task.plan->hash())},
                                              {"bytes", planned.task.plan->body().size()},
                                              {"nodes", planned.task.plan->nodes().size()}})}});
}

std::string stages_text(const PlannedTask& planned) {
  std::string out = stage_title(0);
  for (const auto& reading : planned.readings)
    out += "  " + std::to_string(static_cast<int>(kPercent * reading.score)) + " %  " + reading.what + "  (" +
           join(reading.matched, ", ") + ")\n";
  if (planned.readings.empty()) out += "  named: the words weren't read\n";
  out += stage_title(1);
  for (const auto& [name, fact] : planned.facts)
    out += "  " + name + " = " + codec::write_json(fact.value) +
           (fact.source.empty() ? "" : "  (" + Console::safe(fact.source) + ")") + "\n";
  out += stage_title(2);
  for (const auto& step : planned.planned.steps) out += "  " + step.capability->id + ": " + step.why + "\n";
  for (const auto& entry : planned.planned.left_out) out += "  not " + entry.capability + ": " + entry.why_not + "\n";
  for (const auto& entry : planned.planned.degraded) out += "  not possible here: " + entry + "\n";
  out += stage_title(3);
  std::int64_t total = 0;
  for (const auto& step : planned.planned.steps) {
    out += "  " + step.id + "  " + step.capability->id +
           (step.needs.empty() ? "" : "  after " + join(step.needs, ", ")) + (step.optional ? "  optional" : "") + "\n";
    total += step.cost_ms;
  }
  out += stage_title(4);
  for (const auto& step : planned.planned.steps)
    out += "  " + step.id + "  " + format_duration(step.cost_ms * kMicrosPerMs) + ", as it is declared\n";
  out += "  all, one after the other  " + format_duration(total * kMicrosPerMs) + "\n";
  out += stage_title(5);
  out += "  " + std::to_string(planned.task.plan->nodes().size()) + " steps, " +
         format_bytes(planned.task.plan->body().size()) + ", sha256 " + to_hex(planned.task.plan->hash()) + "\n";
  return out;
}

ExitCode show_plan(Session& session, const PlannedTask& planned) {
  const bool explained = !planned.planned.steps.empty();
  if (session.format() == "json") {
    auto plan = codec::parse_json(planned.task.plan->body());
    if (!plan) return session.fail(plan.error());
    Json preview = Json::object({{"schema", "wrench.task_preview/1"},
                                 {"title", planned.task.title},
                                 {"kind", planned.task.kind},
                                 {"inputs", planned.task.inputs},
                                 {"why", planned.task.plan_notes},
                                 {"plan", std::move(*plan)}});
    if (session.invocation.has("--explain")) preview.set("stages", stages_json(planned));
    return delivered_json(session, preview);
  }
  if (session.invocation.has("--explain"))
    return delivered(session, stages_text(planned) + "\nNothing was created (--dry-run).\n");
  std::string text = readings_text(planned.readings);
  text += explained ? agents::explain_text(planned.planned)
                    : "a playbook: wrench playbook run " + std::string(session.invocation.value("--playbook")) +
                          " --dry-run shows it\n";
  return delivered(session, text + "\nNothing was created (--dry-run).\n");
}

/// Its result, as the command that runs such a task gives it.
ExitCode deliver(Session& session, Workspace& space, const workflow::TaskOutcome& outcome) {
  if (task_exit_code(outcome.task) != ExitCode::Done) return session.fail(task_error(outcome));
  if (!is_review(outcome.task)) return deliver_playbook(session, space, outcome);
  auto report = report_of_review(space, outcome.task, outcome.execution);
  if (!report) return session.fail(report.error());
  return deliver_review(session, std::move(*report), outcome.task);
}

ExitCode wait_for(Session& session, Workspace& space, const std::string& task_id, bool runs_here) {
  auto outcome = run_to_end(session, space, task_id);
  if (outcome) return deliver(session, space, *outcome);
  // What others run goes on.
  if (!runs_here && outcome.error().code == "workflow.wait_deadline")
    return session.fail(
        Error("cli.timeout", "the time of --timeout is over; task " + std::string(short_id(task_id)) + " goes on")
            .with_help("wrench task wait " + std::string(short_id(task_id))));
  return task_failure(session, space, outcome.error(), task_id);
}

}  // namespace

ExitCode run_task_create(Session& session) {
  const Invocation& given = session.invocation;
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  auto planned = given.has("--playbook") ? planned_playbook(session, *registry) : planned_goal(session, *registry);
  if (!planned) return session.fail(planned.error());
  CreateTask& task = planned->task;
  if (auto added = add_flags(session, task); !added) return session.fail(added.error());
  if (given.has("--explain") && (!given.has("--dry-run") || given.has("--playbook")))
    return session.fail(Error("cli.invalid_value", given.has("--playbook")
                                                       ? "--explain is about planning, and a playbook is a plan"
                                                       : "--explain shows what a plan came from: with --dry-run"));
  if (task.draft && (given.has("--wait") || given.has("--here")))
    return session.fail(Error("cli.invalid_value", "--draft creates a task that isn't run: there is no end to wait for")
                            .with_help("wrench task run ID --wait"));
  if (given.has("--dry-run")) return show_plan(session, *planned);

  auto opened = open_to_run(session);
  if (!opened) return session.fail(opened.error());
  Workspace& space = *opened->space;
  for (const auto& word : given.values("--depends-on")) {
    auto on = dependency(space, word);
    if (!on) return session.fail(on.error());
    task.depends_on.push_back(std::move(*on));
  }
  const auto receipt = space.engine().create(task);
  if (!receipt) return session.fail(receipt.error());
  if (!opened->waits) return tell_created(session, space, *receipt, task.title);
  if (receipt->existed) session.console.note("it is there already: task " + std::string(short_id(receipt->task_id)));
  if (receipt->existed && opened->runs_here)
    if (const auto resumed = space.engine().resume(receipt->task_id);
        !resumed && resumed.error().code != "workflow.owned_elsewhere")
      return session.fail(resumed.error());
  return wait_for(session, space, receipt->task_id, opened->runs_here);
}

}  // namespace wrench::app
