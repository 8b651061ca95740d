#include "task_fork.hpp"

#include <chrono>
#include <thread>

#include "../layout.hpp"
#include "../output.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

using codec::Json;
using workflow::ForkPreview;
using workflow::ForkRequest;
using workflow::TaskView;

namespace {

/// That is how long a cancelled task's steps and its last ones may take.
constexpr Micros kCancelPatience = 120 * kMicrosPerSecond;
constexpr std::chrono::milliseconds kPause{50};

Json to_json(const ForkPreview& preview, const TaskView& task) {
  Json repeats = Json::array();
  for (const auto& [node, count] : preview.repeats)
    repeats.push_back(Json::object({{"node", node}, {"effects", count}}));
  return Json::object({{"schema", "wrench.task_fork_plan/1"},
                       {"task_id", task.task_id},
                       {"base", preview.base},
                       {"base_open", preview.base_open},
                       {"runs", list_of(preview.runs)},
                       {"unasked", list_of(preview.unasked)},
                       {"keeps", list_of(preview.keeps)},
                       {"sets", list_of(preview.edits)},
                       {"repeats", std::move(repeats)}});
}

std::string paragraph(std::string_view title, const std::vector<std::string>& words, const Console& console) {
  if (words.empty()) return {};
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : ", ") + Console::safe(word);
  std::string out = std::string(title) + " (" + format_count(words.size()) + ")\n";
  for (const auto& line : wrap(all, console.width() - 2)) out += "  " + line + "\n";
  return out;
}

std::string to_text(const ForkPreview& preview, const Console& console) {
  std::string out = paragraph("runs again", preview.runs, console);
  out += paragraph("of these not after that step, but they didn't succeed", preview.unasked, console);
  out += paragraph("stays as it ended", preview.keeps, console);
  out += paragraph("gets another value", preview.edits, console);
  std::vector<std::string> effects;
  for (const auto& [node, count] : preview.repeats) effects.push_back(node + " " + format_count(count));
  out += paragraph("effects that took place and would again, with --yes only", effects, console);
  if (preview.base_open) out += "The task hasn't ended: with --yes it is cancelled first.\n";
  return out;
}

}  // namespace

Result<ForkRequest> fork_request(const Session& session) {
  ForkRequest out;
  out.from = session.invocation.value("--from");
  if (out.from.empty())
    return Error("cli.missing_argument", "--from STEP says where to begin").with_help("wrench task show");
  out.repeat_effects = session.invocation.has("--yes");
  for (const auto& word : session.invocation.values("--set")) {
    const auto equals = word.find('=');
    if (equals == std::string::npos)
      return Error("cli.invalid_value", "--set takes PATH=JSON, not '" + escape_for_display(word) + "'");
    auto value = codec::parse_json(std::string_view(word).substr(equals + 1));
    if (!value)
      return Error("cli.invalid_value", "--set " + escape_for_display(word.substr(0, equals)) + ": " +
                                            value.error().message + "; a text stands in quotes: '\"text\"'");
    out.edits.push_back({word.substr(0, equals), std::move(*value)});
  }
  return out;
}

ExitCode show_fork(Session& session, Workspace& space, const TaskView& task, const ForkRequest& request) {
  const auto preview =
      space.store().read([&](storage::ReadTx& tx) { return workflow::preview_fork(tx, task.task_no, request); });
  if (!preview) return session.fail(preview.error());
  return session.format() == "json" ? delivered_json(session, to_json(*preview, task))
                                    : delivered(session, to_text(*preview, session.console));
}

Result<void> make_fork(Session& session, Workspace& space, const TaskView& task, const ForkRequest& request) {
  const auto preview = WRENCH_TRY(
      space.store().read([&](storage::ReadTx& tx) { return workflow::preview_fork(tx, task.task_no, request); }));
  if (preview.base_open) {
    if (!request.repeat_effects)
      return Error("workflow.invalid_transition", "the task " + std::string(short_id(task.task_id)) + " is " +
                                                      std::string(workflow::name(task.state)) +
                                                      ": its fork takes its place")
          .with_help("--yes cancels it first");
    session.console.note("cancels task " + std::string(short_id(task.task_id)));
    WRENCH_TRY(space.engine().cancel(task.task_id, "a fork takes its place"));
    const Deadline deadline = Deadline::after(space.clock(), kCancelPatience);
    // A task that waits for a person stands still, too, until the process that runs it has heard of the cancel.
    while (!is_terminal(WRENCH_TRY(space.engine().wait(task.task_id, deadline, session.stop)).task.state)) {
      if (deadline.passed(space.clock())) return Error("workflow.wait_deadline", "the task didn't end in time");
      std::this_thread::sleep_for(kPause);
    }
  }
  WRENCH_TRY(space.engine().fork(task.task_id, request));
  return {};
}

}  // namespace wrench::app
