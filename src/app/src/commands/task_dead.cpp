#include "../given_text.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/dead_letters.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::app {

using codec::Json;

namespace {

Result<workflow::HeldSteps> held_steps(Session& session, Workspace& space) {
  workflow::HeldFilter filter;
  filter.code = session.invocation.value("--code");
  filter.capability = session.invocation.value("--capability");
  filter.step_no = session.invocation.number("--step", 0);
  return space.store().read([&](storage::ReadTx& tx) -> Result<workflow::HeldSteps> {
    if (session.invocation.arguments.empty()) return workflow::list_held_steps(tx, filter);
    workflow::HeldSteps out;
    for (const std::string& id : session.invocation.arguments) {
      filter.task_id = WRENCH_TRY(workflow::find_task(tx, id)).task_id;
      auto some = WRENCH_TRY(workflow::list_held_steps(tx, filter));
      out.more = out.more || some.more;
      for (auto& step : some.steps) out.steps.push_back(std::move(step));
    }
    return out;
  });
}

Json to_json(const workflow::HeldStep& step) {
  return Json::object({{"task", step.task_id},
                       {"title", step.task_title},
                       {"step", step.step_no},
                       {"node", step.node},
                       {"capability", step.capability.empty() ? Json() : Json(step.capability)},
                       {"state", name(step.state)},
                       {"attempts", step.attempt},
                       {"processes_lost", step.lost},
                       {"error", step.error},
                       {"since", step.at == 0 ? Json() : Json(format_rfc3339(step.at))}});
}

std::string why(const workflow::HeldStep& step) {
  const std::string_view code = step.error.at("code").as_string();
  const std::string_view message = step.error.at("message").as_string();
  if (step.state == workflow::StepState::Uncertain)
    return "its effect was begun, and whether it took place isn't known";
  if (code.empty()) return "no reason is kept";
  std::string text(message);
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "; ");
  return Console::safe(text) + " [" + Console::safe(code) + "]";
}

std::string line(const workflow::HeldStep& step) {
  return std::string(short_id(step.task_id)) + "  step " + std::to_string(step.step_no) + " " +
         Console::safe(step.node) + (step.capability.empty() ? "" : " (" + Console::safe(step.capability) + ")") +
         "  " + std::string(name(step.state)) + "\n        " + why(step) + "\n";
}

constexpr std::string_view kGoesOn = "\nTasks that no process runs go on with: wrench task resume, or wrench serve\n";

/// STEP of the task ID, which waits for a decision: by number, or by its node if only one of that waits.
Result<workflow::HeldStep> one_held_step(Session& session, Workspace& space) {
  const std::string& id = session.invocation.arguments.at(0);
  const std::string& name_of_it = session.invocation.arguments.at(1);
  const auto held = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) -> Result<workflow::HeldSteps> {
    return workflow::list_held_steps(tx, {.task_id = WRENCH_TRY(workflow::find_task(tx, id)).task_id});
  }));
  std::vector<const workflow::HeldStep*> fitting;
  for (const auto& step : held.steps) {
    if (std::to_string(step.step_no) == name_of_it) return step;
    if (step.node == name_of_it) fitting.push_back(&step);
  }
  if (fitting.size() == 1) return *fitting.front();
  const std::string said = "'" + escape_for_display(name_of_it) + "'";
  if (fitting.empty())
    return Error("workflow.step_not_found", "no step " + said + " of the task waits for a decision")
        .with_help("wrench task dead list " + id);
  return Error("cli.ambiguous", std::to_string(fitting.size()) + " steps of " + said + " wait: name one by its number")
      .with_help("wrench task dead list " + id);
}

ExitCode decide(Session& session, workflow::StepDecision decision, std::string_view word, std::string_view schema) {
  const bool chosen = !session.invocation.arguments.empty() || session.invocation.has("--code") ||
                      session.invocation.has("--capability");
  if (!chosen && !session.invocation.has("--all"))
    return session.fail(Error("cli.missing_argument", "say which steps: task ids, --code, --capability, or --all")
                            .with_help("wrench task dead list"));
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto held = held_steps(session, **space);
  if (!held) return session.fail(held.error());
  Json data = Json::array();
  std::string text;
  const bool dry = session.invocation.has("--dry-run");
  for (const auto& step : held->steps) {
    if (!dry) {
      // Somebody else may have decided meanwhile: the others count all the same.
      const auto decided = (*space)->engine().decide_step(step.task_id, step.step_no, decision);
      if (!decided && decided.error().code != "workflow.invalid_transition") return session.fail(decided.error());
      if (!decided) continue;
    }
    text += std::string(dry ? "would be " : "") + std::string(word) + "  " + line(step);
    data.push_back(to_json(step));
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", schema}, {"dry_run", dry}, {"data", std::move(data)}}));
  if (held->steps.empty()) return delivered(session, "No step waits for that.\n");
  if (held->more) text += "\nThere are more: say it again.\n";
  if (!dry) text += kGoesOn;
  return delivered(session, text);
}

}  // namespace

ExitCode run_task_dead_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto held = held_steps(session, **space);
  if (!held) return session.fail(held.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& step : held->steps) data.push_back(to_json(step));
    return delivered_json(
        session,
        Json::object({{"schema", "wrench.task_dead_list/1"}, {"more", held->more}, {"data", std::move(data)}}));
  }
  if (held->steps.empty()) return delivered(session, "No step waits for a decision.\n");
  std::string text;
  for (const auto& step : held->steps) text += line(step);
  if (held->more) text += "\nMore than " + std::to_string(workflow::kHeldStepsMax) + ": narrow it with --code.\n";
  return delivered(session,
                   text + "\nDecide: wrench task dead retry | skip | give-up ID, or resolve ID STEP --value JSON\n");
}

ExitCode run_task_dead_retry(Session& session) {
  return decide(session, workflow::StepDecision::Retry, "tried again", "wrench.task_dead_retry/1");
}

ExitCode run_task_dead_skip(Session& session) {
  return decide(session, workflow::StepDecision::Skip, "skipped", "wrench.task_dead_skip/1");
}

ExitCode run_task_dead_give_up(Session& session) {
  return decide(session, workflow::StepDecision::GiveUp, "given up", "wrench.task_dead_give_up/1");
}

ExitCode run_task_dead_resolve(Session& session) {
  if (!session.invocation.has("--value"))
    return session.fail(Error("cli.missing_argument", "say which output the step is to have")
                            .with_help("wrench task dead resolve ID STEP --value JSON"));
  const auto value = given_json(session.invocation.value("--value"), workflow::kGivenOutputBytesMax);
  if (!value) return session.fail(value.error());
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto step = one_held_step(session, **space);
  if (!step) return session.fail(step.error());
  const auto resolved = (*space)->engine().resolve_step(step->task_id, step->step_no, *value);
  if (!resolved) return session.fail(resolved.error());
  const bool checked = *resolved == workflow::Engine::OutputCheck::Schema;
  if (session.format() == "json") {
    Json data = to_json(*step);
    data.set("output_checked", checked);
    return delivered_json(session, Json::object({{"schema", "wrench.task_dead_resolve/1"}, {"data", std::move(data)}}));
  }
  std::string text = "resolved  " + line(*step);
  if (!checked) text += "\nThe output wasn't checked: no schema of it is known here.\n";
  return delivered(session, text + std::string(kGoesOn));
}

}  // namespace wrench::app
