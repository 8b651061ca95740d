#include <functional>
#include <map>
#include <utility>

#include "../layout.hpp"
#include "../output.hpp"
#include "../retention_keeper.hpp"
#include "../store_statements.hpp"
#include "../workspace.hpp"
#include "care_commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/care.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/deletion.hpp"
#include "wrench/workflow/monitor_report.hpp"
#include "wrench/workflow/retention.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kNameColumns = 28, kNumberColumns = 14, kTookColumns = 8, kCostliestShown = 10;
constexpr std::int64_t kUnusedBytesShown = 1 << 20;

/// The URL of the database, or the data directory.
Result<std::string> place_of(const Session& session) {
  if (std::string url = database_url(session); !url.empty()) return url;
  std::string directory = data_directory(session);
  if (directory.empty())
    return Error("cli.no_data_directory", "there is no home folder: name the data directory with --data-dir");
  return directory;
}

/// Opens it as it is: looking at a store must not make one, nor change its schema.
Result<std::unique_ptr<Workspace>> look_at(Session& session) {
  const std::string place = WRENCH_TRY(place_of(session));
  const bool database = !database_url(session).empty();
  const SystemClock clock;
  for (const auto& migration : WRENCH_TRY(storage::list_migrations(place, clock)))
    if (!migration.applied)
      return Error("storage.schema_older",
                   "there is no store in " + (database ? "the database" : place) + ", or one of an older version")
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

Json json_of(const std::vector<workflow::RetentionRecord>& records) {
  Json out = Json::array();
  for (const auto& one : records)
    out.push_back(Json::object({{"kind", workflow::name(one.kind)},
                                {"at", format_rfc3339(one.at)},
                                {"removed", one.removed},
                                {"total", one.total}}));
  return out;
}

Json json_of(const std::multimap<std::string, Json, std::greater<>>& slow) {
  Json out = Json::array();
  for (const auto& [at, one] : slow) out.push_back(one);
  return out;
}

}  // namespace

namespace {

/// The file first: of a damaged one the rows aren't looked at.
Result<workflow::CheckReport> check_file_and_rows(const Session& session, storage::Store& store,
                                                  const workflow::CheckOptions& options) {
  if (database_url(session).empty()) {
    const auto search = options.contents ? storage::DamageSearch::Indexes : storage::DamageSearch::Rows;
    workflow::CheckReport damaged;
    damaged.problems = WRENCH_TRY(storage::find_damage(data_directory(session), search, options.stop));
    if (!damaged.problems.empty()) {
      damaged.problems.emplace_back("the file is damaged, so the tasks in it weren't looked at: restore a backup");
      return damaged;
    }
  }
  return workflow::check_store(store, options);
}

}  // namespace

ExitCode run_store_check(Session& session) {
  auto space = look_at(session);
  if (!space) return session.fail(space.error());
  workflow::CheckOptions options;
  options.boot_is_live = [&](std::string_view boot) { return !boot.empty() && (*space)->is_live(boot); };
  options.contents = !session.invocation.has("--quick");
  options.stop = session.stop;
  auto report = check_file_and_rows(session, (*space)->store(), options);
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
  const auto place = place_of(session);
  if (!place) return session.fail(place.error());
  const SystemClock clock;
  if (!session.invocation.has("--plan")) {
    auto space = Workspace::open(session, Workspace::Use::Write);
    if (!space) return session.fail(space.error());
  }
  const auto migrations = storage::list_migrations(*place, clock);
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

namespace {

std::string bytes_text(const Json& value) {
  return value.is_null() ? std::string() : format_bytes(static_cast<std::uint64_t>(value.as_integer()));
}

std::string fact(std::string_view name, const std::string& value) {
  return value.empty() ? std::string() : pad(name, kNameColumns) + pad_left(value, kNumberColumns) + "\n";
}

/// What one sample, or the store now, says in a line.
std::string sample_line(const storage::MonitorSample& sample) {
  const Json& connections = sample.body.at("connections");
  return format_rfc3339(sample.at) + "  " +
         pad_left(bytes_text(sample.body.at("cache_stats").at("database_bytes")), kNumberColumns) + "  " +
         std::to_string(connections.at("flushes").as_integer()) + " flushes" +
         (connections.at("total").is_null()
              ? std::string()
              : ", " + std::to_string(connections.at("total").as_integer()) + " connections") +
         "\n";
}

ExitCode show_history(Session& session, Workspace& space) {
  const auto asked = session.invocation.duration("--history", kMicrosPerDay);
  const auto since = space.clock().now_us() - asked;
  const auto kind = asked > storage::kMinuteSamplesAgeMax ? storage::SampleKind::Hour : storage::SampleKind::Minute;
  const auto samples = space.store().read([&](storage::ReadTx& tx) { return storage::read_samples(tx, kind, since); });
  if (!samples) return session.fail(samples.error());
  Json data = Json::array();
  std::string text;
  for (const auto& sample : *samples) {
    text += sample_line(sample);
    data.push_back(Json::object({{"at", format_rfc3339(sample.at)}, {"metrics", sample.body}}));
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_history/1"}, {"data", std::move(data)}}));
  return delivered(session, text.empty() ? "No samples: a long-running process takes one a minute.\n" : text);
}

std::string percent_text(const Json& ratio) {
  constexpr double kPercent = 100, kTenths = 10;
  if (ratio.is_null()) return {};
  const auto tenths = static_cast<std::int64_t>(ratio.as_double() * kPercent * kTenths);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

/// The store on SQLite, or the server and the store on it.
std::string facts_text(const Json& metrics) {
  const Json& cache = metrics.at("cache_stats");
  const Json& connections = metrics.at("connections");
  std::string text = fact("database", bytes_text(cache.at("database_bytes")));
  if (connections.at("max").is_null())
    return text + fact("free pages in it", std::to_string(cache.at("freelist_pages").as_integer()));
  text += fact("found in its cache", percent_text(cache.at("cache_hit_ratio")));
  text += fact("connections of the server", std::to_string(connections.at("total").as_integer()) + " of " +
                                                std::to_string(connections.at("max").as_integer()));
  text += fact("  active", std::to_string(connections.at("active").as_integer()));
  text += fact("  waiting for locks", std::to_string(connections.at("waiting_for_locks").as_integer()));
  const Json& oldest = connections.at("oldest_xmin");
  if (!oldest.is_null())
    text += fact("oldest snapshot",
                 oldest.at("for_us").is_null() ? "" : format_duration(oldest.at("for_us").as_integer())) +
            "  held by " + Console::safe(oldest.at("held_by").as_string()) + "\n";
  return text;
}

std::string tables_text(const Json& metrics) {
  std::string text;
  for (const Json& table : metrics.at("table_stats").as_array()) {
    text += pad(table.at("table").as_string(), kNameColumns) +
            pad_left(format_count(static_cast<std::uint64_t>(table.at("rows").as_integer())), kNumberColumns) + " rows";
    if (!table.at("dead_rows").is_null())
      text += pad_left(format_count(static_cast<std::uint64_t>(table.at("dead_rows").as_integer())), kNumberColumns) +
              " dead";
    text += pad_left(bytes_text(table.at("bytes")), kNumberColumns) + "\n";
  }
  return text;
}

/// Indexes that take room and were never used since the server counts.
std::string unused_text(const Json& metrics) {
  std::string text;
  for (const Json& index : metrics.at("index_stats").as_array())
    if (index.at("scans").is_integer() && index.at("scans").as_integer() == 0 &&
        index.at("bytes").as_integer() > kUnusedBytesShown)
      text += pad(index.at("index").as_string(), kNameColumns) +
              pad_left(bytes_text(index.at("bytes")), kNumberColumns) + "\n";
  return text.empty() ? text : "\nIndexes that nothing has used since the server counts\n" + text;
}

/// Of PostgreSQL, if it counts.
std::string costliest_text(const Json& metrics) {
  std::string text;
  std::size_t shown = 0;
  if (metrics.at("connections").at("max").is_null()) return text;
  for (const Json& one : metrics.at("query_stats").as_array()) {
    if (shown++ == kCostliestShown) break;
    text += pad_left(format_duration(one.at("total_time_us").as_integer()), kTookColumns) + " in " +
            format_count(static_cast<std::uint64_t>(one.at("calls").as_integer())) + " calls, each " +
            format_duration(static_cast<Micros>(one.at("mean_time_us").as_double())) + "\n    " +
            Console::safe(one.at("statement").as_string()) + "\n";
  }
  return text.empty() ? text : "\nStatements that took the server longest\n" + text;
}

std::string retention_text(const std::vector<workflow::RetentionRecord>& records) {
  std::string text;
  for (const auto& one : records)
    text += pad(workflow::name(one.kind), kNameColumns) +
            pad_left(format_count(static_cast<std::uint64_t>(one.removed)), kNumberColumns) + " on " +
            format_rfc3339(one.at).substr(0, 19) + "Z, " + format_count(static_cast<std::uint64_t>(one.total)) +
            " in all\n";
  return text.empty() ? text : "\nRemoved last, because it was too old\n" + text;
}

std::string running_text(const Json& metrics) {
  std::string text;
  for (const Json& one : metrics.at("running_slow").as_array())
    text += pad_left(format_duration(one.at("for_us").as_integer()), kTookColumns) + "  process " +
            std::to_string(one.at("pid").as_integer()) + "\n    " + Console::safe(one.at("sql").as_string()) + "\n";
  return text.empty() ? text : "\nStatements that run for long right now\n" + text;
}

}  // namespace

ExitCode run_store_stats(Session& session) {
  auto space = look_at(session);
  if (!space) return session.fail(space.error());
  if (session.invocation.has("--history")) return show_history(session, **space);
  auto monitor = storage::StoreMonitor::open((*space)->store(), *place_of(session));
  if (!monitor) return session.fail(monitor.error());
  const auto metrics =
      monitor->collect(session.invocation.has("--sizes") ? storage::Detail::Sized : storage::Detail::Counted);
  if (!metrics) return session.fail(metrics.error());
  const auto slow = slow_statements_of_processes(**space);
  const auto retained = (*space)->store().read([](storage::ReadTx& tx) { return workflow::read_retention(tx); });
  if (!retained) return session.fail(retained.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_stats/1"},
                                                 {"metrics", *metrics},
                                                 {"slow_statements", json_of(slow)},
                                                 {"retention", json_of(*retained)}}));
  std::string text = facts_text(*metrics) + "\n" + tables_text(*metrics) + retention_text(*retained) +
                     unused_text(*metrics) + costliest_text(*metrics) + running_text(*metrics);
  for (const Json& warning : metrics->at("warnings").as_array())
    text += "\nwarning: " + Console::safe(warning.as_string()) + "\n";
  if (!slow.empty()) text += "\nSlow statements of processes that run, newest first\n";
  for (const auto& [at, one] : slow)
    text += Console::safe(at).substr(0, 19) + "Z  " +
            pad_left(format_duration(one.at("took_us").as_integer()), kTookColumns) + "  " +
            Console::safe(one.at("statement").as_string()) + "\n    " + Console::safe(one.at("sql").as_string()) + "\n";
  return delivered(session, text);
}

ExitCode run_store_retain(Session& session) {
  const bool dry = session.invocation.has("--dry-run");
  const auto policy = read_retention_policy(data_directory(session));
  if (!policy) return session.fail(policy.error());
  auto space = dry ? look_at(session) : Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  workflow::Retention retention((*space)->store(), (*space)->clock(), *policy, archive_folder(session));
  workflow::RetentionCounts counts{};
  bool complete = true;
  std::int64_t left_rows = 0;
  if (dry) {
    const auto preview = retention.preview();
    if (!preview) return session.fail(preview.error());
    counts = preview->due;
  } else {
    const auto turn = retention.turn(session.stop, workflow::Retention::Time::Now);
    if (!turn) return session.fail(turn.error());
    const auto purged = workflow::purge((*space)->store(), (*space)->clock(), session.stop);
    if (!purged) return session.fail(purged.error());
    counts = turn->removed;
    complete = turn->all && purged->all;
    left_rows = purged->rows;
  }
  if (session.format() == "json") {
    Json by_kind = Json::object();
    for (std::size_t i = 0; i < counts.size(); ++i)
      by_kind.set(workflow::name(static_cast<workflow::RetentionKind>(i)), counts[i]);
    return delivered_json(session, Json::object({{"schema", "wrench.store_retain/1"},
                                                 {"dry_run", dry},
                                                 {"removed", std::move(by_kind)},
                                                 {"rows_of_deleted_tasks", left_rows},
                                                 {"complete", complete}}));
  }
  std::string text = removed_text(counts);
  text = text.empty() ? "Nothing is older than it has to be kept.\n"
                      : (dry ? "would be removed: " : "removed: ") + text + "\n";
  if (!complete) text += "The rest goes with the next wrench store retain, serve or worker.\n";
  return delivered(session, text);
}

ExitCode run_store_explain(Session& session) {
  const auto place = place_of(session);
  if (!place) return session.fail(place.error());
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
  const auto analysis = storage::analyze_statement(*place, *found);
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
  if (!database_url(session).empty())
    return session.fail(
        Error("cli.database_unsupported",
              "PostgreSQL gives room back by itself (autovacuum) while others work; what keeps it from that is a "
              "warning of 'wrench store stats'")
            .with_help("after much was deleted: psql -c 'VACUUM (ANALYZE)'"));
  const auto place = place_of(session);
  if (!place) return session.fail(place.error());
  const SystemClock clock;
  const auto report = storage::vacuum_store(*place, clock);
  if (!report) return session.fail(report.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.store_vacuum/1"},
                                                 {"bytes_before", report->bytes_before},
                                                 {"bytes_after", report->bytes_after}}));
  return delivered(session,
                   "from " + format_bytes(report->bytes_before) + " to " + format_bytes(report->bytes_after) + "\n");
}

}  // namespace wrench::app
