#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/workflow/replay.hpp"

namespace wrench::app {

using codec::Json;
using workflow::RecordedJournal;
using workflow::ReplayReport;

namespace {

constexpr unsigned kReadableByAll = 0644;

struct Replayed {
  std::string name;  ///< File, or id of the execution.
  std::string engine_version;
  ReplayReport report;
};

Json to_json(const Replayed& one) {
  Json difference;
  if (const auto& first = one.report.first)
    difference = Json::object({{"seq", first->seq},
                               {"step_no", first->step_no == 0 ? Json() : Json(first->step_no)},
                               {"node", first->node.empty() ? Json() : Json(first->node)},
                               {"expected", first->expected},
                               {"found", first->found}});
  return Json::object({{"journal", one.name},
                       {"engine_version", one.engine_version},
                       {"entries", one.report.entries},
                       {"same", !one.report.first.has_value()},
                       {"difference", std::move(difference)}});
}

std::string to_text(const Replayed& one) {
  std::string out = Console::safe(one.name) + ": ";
  if (!one.report.first)
    return out + "the same, " + format_count(static_cast<std::uint64_t>(one.report.entries)) +
           " entries of the journal\n";
  const auto& first = *one.report.first;
  out += "differs at entry " + std::to_string(first.seq);
  if (!first.node.empty()) out += ", step '" + Console::safe(first.node) + "'";
  return out + "\n  recorded by " + Console::safe(one.engine_version) + ": " + Console::safe(first.expected) +
         "\n  today: " + Console::safe(first.found) + "\n";
}

Result<RecordedJournal> of_task(Session& session) {
  const auto space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Read));
  const auto task = WRENCH_TRY(find_task(*space, session.invocation.arguments.front()));
  const auto execution = WRENCH_TRY(latest_execution(*space, task));
  auto journal = WRENCH_TRY(space->store().read(
      [&](storage::ReadTx& tx) { return workflow::record_journal(tx, execution.execution_no, space->has_workers()); }));
  const std::string file(session.invocation.value("--record"));
  if (!file.empty())
    WRENCH_TRY(runtime::write_file_atomically(
        file, codec::write_json(workflow::to_json(journal), {.pretty = true}) + "\n", kReadableByAll));
  return journal;
}

Result<RecordedJournal> of_file(const std::string& file) {
  const auto text = WRENCH_TRY(runtime::read_file(file, workflow::kRecordedJournalBytesMax));
  auto json = codec::parse_json(text, {.bytes_max = workflow::kRecordedJournalBytesMax});
  if (!json) return Error("workflow.journal_invalid", escape_for_display(file) + ": " + json.error().message);
  auto journal = workflow::recorded_journal(*json);
  if (!journal) return Error(journal.error().code, escape_for_display(file) + ": " + journal.error().message);
  return journal;
}

Result<std::vector<Replayed>> replay_all(Session& session) {
  const auto files = session.invocation.values("--journal");
  if (files.empty() == session.invocation.arguments.empty())
    return Error("cli.missing_argument", "name a task, or files with --journal, not both");
  std::vector<Replayed> out;
  const auto add = [&](std::string name, Result<RecordedJournal> journal) -> Result<void> {
    if (!journal) return journal.error();
    auto report = WRENCH_TRY(workflow::replay(*journal));
    out.push_back({std::move(name), journal->engine_version, std::move(report)});
    return {};
  };
  if (files.empty()) {
    auto journal = of_task(session);
    std::string id = journal ? journal->execution_id : std::string();
    WRENCH_TRY(add(std::move(id), std::move(journal)));
  }
  for (const auto& file : files) WRENCH_TRY(add(std::string(file), of_file(std::string(file))));
  return out;
}

}  // namespace

ExitCode run_task_replay(Session& session) {
  const auto replayed = replay_all(session);
  if (!replayed) return session.fail(replayed.error());
  ExitCode code = ExitCode::Done;
  Json data = Json::array();
  std::string text;
  for (const auto& one : *replayed) {
    if (one.report.first) code = ExitCode::AnswerIsNo;
    data.push_back(to_json(one));
    text += to_text(one);
  }
  const auto written =
      session.format() == "json"
          ? delivered_json(session, Json::object({{"schema", "wrench.task_replay/1"}, {"data", std::move(data)}}))
          : delivered(session, text);
  return more_urgent(code, written);
}

}  // namespace wrench::app
