#include "review_report.hpp"

#include "../output.hpp"
#include "../review_screen.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::app {

using codec::Json;

namespace {

constexpr std::string_view kFinalCapability = "super.synthesise@";

Result<Json> final_output(Workspace& space, const workflow::TaskView& task, const workflow::ExecutionView& execution) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<Json> {
    for (const auto& step : WRENCH_TRY(workflow::list_steps(tx, execution.execution_no)))
      if (step.capability.starts_with(kFinalCapability))
        return workflow::read_output(tx, execution.execution_no, step.node);
    return Error("workflow.no_output", "task " + std::string(short_id(task.task_id)) + " puts no report together");
  });
}

/// The plan goes on without some steps; what they were there for is missing from the result.
Result<void> add_lost_steps(Workspace& space, const workflow::ExecutionView& execution, findings::Report& report) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<void> {
    for (const auto& step : WRENCH_TRY(workflow::list_steps(tx, execution.execution_no))) {
      if (step.state != workflow::StepState::Failed) continue;
      const Json error =
          step.output_seq == 0 ? Json() : WRENCH_TRY(workflow::read_content(tx, step.execution_no, step.output_seq));
      const std::string capability = step.capability.substr(0, step.capability.find('@'));
      report.partial.push_back(
          {"step_failed", "", capability,
           std::string(error.at("code").as_string()) + ": " + std::string(error.at("message").as_string())});
    }
    report.run.complete = report.partial.empty();
    return {};
  });
}

}  // namespace

bool is_review(const workflow::TaskView& task) { return task.kind == "review"; }

Result<findings::Report> report_of_review(Workspace& space, const workflow::TaskView& task,
                                          const workflow::ExecutionView& execution) {
  const Json output = WRENCH_TRY(final_output(space, task, execution));
  auto report = WRENCH_TRY(space.take_report(output.at("report")));
  if (execution.started_at && execution.completed_at)
    report.run.elapsed_ms = (*execution.completed_at - *execution.started_at) / kMicrosPerMs;
  const auto [inputs, notes] = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) -> Result<std::pair<Json, Json>> {
    return std::pair(WRENCH_TRY(workflow::read_inputs(tx, task.task_no)),
                     WRENCH_TRY(workflow::read_plan_notes(tx, task.task_no)));
  }));
  const auto& mined = report.history.at("mined");
  const auto root = inputs.at("tree").at("root").as_string();
  if (report.repository.empty())
    report.repository = mined.is_object() ? mined.at("repository").as_string() : root.substr(root.rfind('/') + 1);
  if (report.revision.empty() && mined.is_object()) report.revision = mined.at("revision").as_string();
  WRENCH_TRY(add_lost_steps(space, execution, report));
  for (const auto& note : notes.at("degraded").as_array())
    report.notes.push_back("not possible here: " + std::string(note.as_string()));
  return report;
}

ExitCode deliver_review(Session& session, findings::Report report, const workflow::TaskView& task) {
  if (auto applied = apply_baseline_flag(session, report); !applied) return session.fail(applied.error());
  const auto gate = gate_of(session);
  if (!gate) return session.fail(gate.error());
  ReviewScreen screen;
  screen.top = static_cast<std::size_t>(session.invocation.number("--top", 10));
  screen.all = session.invocation.has("--all");
  screen.show_dismissed = session.invocation.has("--show-dismissed");
  screen.explain_skipped = session.invocation.has("--explain-skipped");
  screen.command = "task report " + std::string(short_id(task.task_id));
  screen.gate = *gate;
  const auto text = render_review(report, screen, session.console);
  if (auto written = deliver_report(session, report, scan::TreeSources(report), *gate, &text); !written)
    return session.fail(written.error());
  return verdict(session, report, *gate);
}

}  // namespace wrench::app
