#include <functional>
#include <map>
#include <utility>

#include "../layout.hpp"
#include "../output.hpp"
#include "../store_statements.hpp"
#include "../workspace.hpp"
#include "care_commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/care.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/monitor_report.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kNameColumns = 28, kNumberColumns = 14, kTookColumns = 8;

Result<std::string> directory_of(const Session& session) {
  if (!database_url(session).empty())
    return Error("cli.database_unsupported",
                 "this works on a data directory so far; a PostgreSQL database is looked after with its own tools");
  std::string directory = data_directory(session);
  if (directory.empty())
    return Error("cli.no_data_directory", "there is no home folder: name the data directory with --data-dir");
  return directory;
}

Json list_of(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const auto& text : texts) out.push_back(text);
  return out;
}

/// Opens it as it is: looking at a store must not make one, nor change its schema.
Result<std::unique_ptr<Workspace>> look_at(Session& session) {
  const std::string directory = WRENCH_TRY(directory_of(session));
  const SystemClock clock;
  for (const auto& migration : WRENCH_TRY(storage::list_migrations(directory, clock)))
    if (!migration.applied)
      return Error("storage.schema_older", "there is no store in " + directory + ", or one of an older version")
          .with_help("wrench store migrate --plan");
  return Workspace::open(session, Workspace::Use::Read);
}

/// What live processes noted, newest first: when, and the entry of storage::to_json().
std::multimap<std::string, Json, std::greater<>> slow_statements_of_processes(Workspace& space) {
  std::multimap<std::string, Json, std::greater<>> out;
  std::vector<Error> damaged;
  for (const auto& report : workflow::read_reports(space.reports_directory(), damaged)) {
    if (!space.is_live(report.boot)) continue;
    for (const Json& slow : report.slow_statements.at("latest").as_array())
      out.emplace(slow.at("at").as_string(), slow);
  }
  return out;
}

Json json_of(const std::multimap<std::string, Json, std::greater<>>& slow) {
  Json out = Json::array();
  for (const auto& [at, one] : slow) out.push_back(one);
  return out;
}

}  // namespace

ExitCode run_store_check(Session& session) {
  auto space = look_at(session);
  if (!space) return session.fail(space.error());
  workflow::CheckOptions options;
  options.boot_is_live = [&](std::string_view boot) { return !boot.empty() && (*space)->is_live(boot); };
  options.contents = !session.invocation.has("--quick");
  options.stop = session.stop;
  const auto report = workflow::check_store((*space)->store(), options);
  if (!report) return session.fail(report.error());
  const ExitCode code = !report->problems.empty()  ? ExitCode::AnswerIsNo
                        : !report->skipped.empty() ? ExitCode::Partial
                                                   : ExitCode::Done;
  if (session.format() == "json")
    return more_urgent(code, delivered_json(session, Json::object({{"schema", "wrench.store_check/1"},
                                                                   {"passed", report->problems.empty()},
                                                                   {"problems", list_of(report->problems)},
                                                                   {"skipped", list_of(report->skipped)},
                                                                   {"executions", report->executions},
                                                                   {"steps", report->steps},
                                                                   {"journal_entries", report->journal_entries},
                                                                   {"events", report->events},
                                                                   {"contents", report->contents},
                                                                   {"interrupted_steps", report->interrupted}})));
  std::string text;
  for (const auto& problem : report->problems) text += Console::safe(problem) + "\n";
  for (const auto& skipped : report->skipped) text += skipped + " wasn't looked at: too large for one snapshot\n";
  text += report->problems.empty() ? "Everything holds: " : std::to_string(report->problems.size()) + " problems in ";
  text += std::to_string(report->executions) + " executions, " + std::to_string(report->steps) + " steps, " +
          std::to_string(report->journal_entries) + " journal entries, " + std::to_string(report->events) +
          " events, " + std::to_string(report->contents) + " contents\n";
  if (report->interrupted > 0)
    text += std::to_string(report->interrupted) + " steps were interrupted: wrench task resume\n";
  return more_urgent(code, delivered(session, text));
}

ExitCode run_store_migrate(Session& session) {
  const auto directory = directory_of(session);
  if (!directory) return session.fail(directory.error());
  const SystemClock clock;
  if (!session.invocation.has("--plan")) {
    auto space = Workspace::open(session, Workspace::Use::Write);
    if (!space) return session.fail(space.error());
  }
  const auto migrations = storage::list_migrations(*directory, clock);
  if (!migrations) return session.fail(migrations.error());
  Json data = Json::array();
  std::string text;
  for (const auto& migration : *migrations) {
    data.push_back(
        Json::object({{"version", migration.version},
                      {"name", migration.name},
                      {"state", migration.applied ? "applied" : "pending"},
                      {"applied_at", migration.applied ? Json(format_rfc3339(migration.applied_at)) : Json()},
                      {"duration_us", migration.applied ? Json(migration.duration_us) : Json()}}));
    text += pad(migration.name, kNameColumns) + "  " +
            (migration.applied ? format_rfc3339(migration.applied_at) + "  " + format_duration(migration.duration_us)
                               : std::string("pending")) +
            "\n";
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_migrations/1"}, {"data", std::move(data)}}));
  return delivered(session, text);
}

ExitCode run_store_stats(Session& session) {
  auto space = look_at(session);
  if (!space) return session.fail(space.error());
  const auto directory = directory_of(session);
  const SystemClock clock;
  if (session.invocation.has("--history")) {
    const auto since = clock.now_us() - session.invocation.duration("--history", kMicrosPerDay);
    const auto kind = session.invocation.duration("--history", 0) > storage::kMinuteSamplesAgeMax
                          ? storage::SampleKind::Hour
                          : storage::SampleKind::Minute;
    const auto samples =
        (*space)->store().read([&](storage::ReadTx& tx) { return storage::read_samples(tx, kind, since); });
    if (!samples) return session.fail(samples.error());
    Json data = Json::array();
    std::string text;
    for (const auto& sample : *samples) {
      const Json& cache = sample.body.at("cache_stats");
      text +=
          format_rfc3339(sample.at) + "  " +
          pad_left(format_bytes(static_cast<std::uint64_t>(cache.at("database_bytes").as_integer())), kNumberColumns) +
          "  " + std::to_string(sample.body.at("connections").at("flushes").as_integer()) + " flushes\n";
      data.push_back(Json::object({{"at", format_rfc3339(sample.at)}, {"metrics", sample.body}}));
    }
    if (session.format() == "json")
      return delivered_json(session, Json::object({{"schema", "wrench.store_history/1"}, {"data", std::move(data)}}));
    return delivered(session, text.empty() ? "No samples: a long-running process takes one a minute.\n" : text);
  }
  auto monitor = storage::StoreMonitor::open((*space)->store(), *directory, clock);
  if (!monitor) return session.fail(monitor.error());
  const auto metrics =
      monitor->collect(session.invocation.has("--sizes") ? storage::Detail::Sized : storage::Detail::Counted);
  if (!metrics) return session.fail(metrics.error());
  const auto slow = slow_statements_of_processes(**space);
  if (session.format() == "json")
    return delivered_json(
        session,
        Json::object({{"schema", "wrench.store_stats/1"}, {"metrics", *metrics}, {"slow_statements", json_of(slow)}}));
  const Json& cache = metrics->at("cache_stats");
  const auto bytes = [](const Json& value) {
    return value.is_null() ? std::string() : format_bytes(static_cast<std::uint64_t>(value.as_integer()));
  };
  std::string text = pad("database", kNameColumns) + pad_left(bytes(cache.at("database_bytes")), kNumberColumns) +
                     "\n" + pad("free pages in it", kNameColumns) +
                     pad_left(std::to_string(cache.at("freelist_pages").as_integer()), kNumberColumns) + "\n\n";
  for (const Json& table : metrics->at("table_stats").as_array())
    text += pad(table.at("table").as_string(), kNameColumns) +
            pad_left(format_count(static_cast<std::uint64_t>(table.at("rows").as_integer())), kNumberColumns) +
            " rows" + pad_left(bytes(table.at("bytes")), kNumberColumns) + "\n";
  if (!slow.empty()) text += "\nSlow statements of processes that run, newest first\n";
  for (const auto& [at, one] : slow)
    text += Console::safe(at).substr(0, 19) + "Z  " +
            pad_left(format_duration(one.at("took_us").as_integer()), kTookColumns) + "  " +
            Console::safe(one.at("statement").as_string()) + "\n    " + Console::safe(one.at("sql").as_string()) + "\n";
  return delivered(session, text);
}

ExitCode run_store_explain(Session& session) {
  const auto directory = directory_of(session);
  if (!directory) return session.fail(directory.error());
  const std::string& id = session.invocation.arguments.front();
  const storage::Statement* found = nullptr;
  std::vector<std::string_view> ids;
  const auto catalogue = store_statements();
  for (const auto* statement : catalogue.all()) {
    ids.push_back(statement->id);
    if (statement->id == id) found = statement;
  }
  if (found == nullptr) {
    Error error("cli.invalid_value", "there is no statement '" + id + "'");
    if (const auto near = nearest(id, ids); !near.empty())
      error = std::move(error).with_help("wrench store explain " + std::string(near));
    return session.fail(error);
  }
  const auto analysis = storage::analyze_statement(*directory, *found);
  if (!analysis) return session.fail(analysis.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_explain/1"},
                                                 {"statement", analysis->id},
                                                 {"sql", analysis->sql},
                                                 {"plan", list_of(analysis->plan)},
                                                 {"scan_types", list_of(analysis->scan_types)},
                                                 {"index_usage", list_of(analysis->index_usage)},
                                                 {"sequential_scans", list_of(analysis->sequential_scans)},
                                                 {"times", Json::object({{"prepare_us", analysis->prepare_us}})},
                                                 {"recommendations", list_of(analysis->recommendations)}}));
  std::string text = analysis->sql + "\n\n";
  for (const auto& step : analysis->plan) text += "  " + step + "\n";
  for (const auto& advice : analysis->recommendations) text += "\n" + advice + "\n";
  if (analysis->recommendations.empty()) text += "\nNothing to do.\n";
  return delivered(session, text);
}

ExitCode run_store_vacuum(Session& session) {
  const auto directory = directory_of(session);
  if (!directory) return session.fail(directory.error());
  const SystemClock clock;
  const auto report = storage::vacuum_store(*directory, clock);
  if (!report) return session.fail(report.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_vacuum/1"},
                                                 {"bytes_before", report->bytes_before},
                                                 {"bytes_after", report->bytes_after}}));
  return delivered(session,
                   "from " + format_bytes(report->bytes_before) + " to " + format_bytes(report->bytes_after) + "\n");
}

}  // namespace wrench::app
