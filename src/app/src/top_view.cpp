#include "top_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "layout.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::app {

using codec::Json;
using workflow::Count;

namespace {

constexpr std::size_t kLastColumnMin = 12;
constexpr std::size_t kSlowShown = 3;
constexpr double kPercent = 100;

struct Column {
  std::string title;
  bool to_the_right = false;
  int keep = 0;  ///< The lowest are left out first when the screen is narrow.
};
using Cells = std::vector<std::string>;

/// Rows under a title line. The last column takes what is left of the width.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(Cells cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::vector<std::string> lines(const TopStyle& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<Cells> rows_;
};

std::vector<std::string> Table::lines(const TopStyle& style) const {
  std::vector<std::size_t> shown, widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = display_width(columns_[c].title);
    for (const Cells& row : rows_) width = std::max(width, display_width(row[c]));
    shown.push_back(c);
    widths.push_back(width);
  }
  const auto fixed = [&] {
    std::size_t sum = 0;
    for (const std::size_t c : shown)
      if (c + 1 != columns_.size()) sum += widths[c] + 2;
    return sum;
  };
  while (shown.size() > 1 && fixed() + std::min(kLastColumnMin, widths.back()) > style.width) {
    const auto least = std::min_element(shown.begin(), shown.end() - 1, [&](std::size_t a, std::size_t b) {
      return columns_[a].keep < columns_[b].keep;
    });
    shown.erase(least);
  }
  const std::size_t rest = style.width - std::min(style.width, fixed());
  const auto line = [&](const Cells& cells) {
    std::string out;
    for (const std::size_t c : shown) {
      if (c + 1 == columns_.size())
        out += clip(cells[c], rest, style.unicode);
      else
        out += (columns_[c].to_the_right ? pad_left(cells[c], widths[c]) : pad(cells[c], widths[c])) + "  ";
    }
    out.resize(out.find_last_not_of(' ') + 1);
    return clip(out, style.width, style.unicode);
  };
  Cells titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::vector<std::string> out = {style.paint(Style::Dim, line(titles))};
  for (const Cells& row : rows_) out.push_back(line(row));
  return out;
}

std::string text_of(const Count& count) {
  return format_count(static_cast<std::uint64_t>(count.n)) + (count.more ? "+" : "");
}

std::string percent(double share) { return std::to_string(std::lround(share * kPercent)) + " %"; }

std::string decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f" : "%.0f", value);
  return text.data();
}

std::string seconds_text(double seconds) {
  return format_duration(static_cast<Micros>(std::llround(seconds * static_cast<double>(kMicrosPerSecond))));
}

std::string progress_text(const workflow::Progress& progress) {
  std::string out;
  if (progress.total > 0) out = percent(std::clamp(progress.done / progress.total, 0.0, 1.0));
  if (!progress.message.empty()) out += (out.empty() ? "" : "  ") + Console::safe(progress.message);
  return out;
}

/// Hits of a cache among its questions; nothing if nobody asked.
std::optional<double> hit_rate(const telemetry::MetricsSnapshot& metrics, const std::string& cache) {
  const auto hits = static_cast<double>(metrics.total("wrench_" + cache + "_cache_hits_total"));
  const auto misses = static_cast<double>(metrics.total("wrench_" + cache + "_cache_misses_total"));
  return hits + misses > 0 ? std::optional(hits / (hits + misses)) : std::nullopt;
}

std::int64_t state_count(const TopFrame& frame, const char* state) {
  const auto found = frame.activity.open_states.find(state);
  return found == frame.activity.open_states.end() ? 0 : found->second;
}

Count status_count(const TopFrame& frame, const char* status) {
  const auto found = frame.activity.tasks.find(status);
  return found == frame.activity.tasks.end() ? Count() : found->second;
}

double per_minute(const TopFrame& frame) {
  constexpr double kMinute = 60e6;
  const Micros over = frame.activity.rates_over_us;
  return over == 0 ? 0 : static_cast<double>(frame.activity.tasks_ended) * kMinute / static_cast<double>(over);
}

double steps_per_s(const TopFrame& frame) {
  const Micros over = frame.activity.rates_over_us;
  return over == 0 ? 0
                   : static_cast<double>(frame.activity.steps_ended) * static_cast<double>(kMicrosPerSecond) /
                         static_cast<double>(over);
}

/// "label  a   b   c", broken between the parts where the width ends.
void add_facts(std::vector<std::string>& out, const TopStyle& style, std::string_view label,
               const std::vector<std::string>& facts) {
  constexpr std::size_t kLabel = 8;
  std::string line(label), plain(label);
  line = style.paint(Style::Dim, line) + std::string(kLabel - display_width(label), ' ');
  std::size_t used = kLabel;
  bool first = true;
  for (const std::string& fact : facts) {
    const std::size_t width = display_width(fact);
    if (!first && used + 3 + width > style.width) {
      out.push_back(line);
      line = std::string(kLabel, ' ');
      used = kLabel;
      first = true;
    }
    const std::string shown = clip(fact, style.width - std::min(style.width, used), style.unicode);
    line += (first ? "" : "   ") + shown;
    used += (first ? 0 : 3) + display_width(shown);
    first = false;
  }
  if (!facts.empty()) out.push_back(line);
}

void add_head(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  const std::string time = format_rfc3339(frame.at).substr(11, 8);
  const std::string left = "wrench top  " + time + "  ";
  out.push_back(
      style.paint(Style::Bold, clip(left, style.width, style.unicode)) +
      clip_front(Console::safe(frame.place), style.width - std::min(style.width, display_width(left)), style.unicode));
  std::vector<std::string> tasks = {std::to_string(state_count(frame, "running")) + " running",
                                    text_of(status_count(frame, "pending")) + " queued",
                                    std::to_string(state_count(frame, "waiting")) + " waiting",
                                    std::to_string(state_count(frame, "paused")) + " paused"};
  if (frame.interrupted > 0) tasks.push_back(std::to_string(frame.interrupted) + " interrupted");
  add_facts(out, style, "tasks", tasks);
  add_facts(out, style, "rates", {decimal(per_minute(frame)) + " tasks/min", decimal(steps_per_s(frame)) + " steps/s"});
  std::vector<std::string> flushes;
  if (frame.flushes_per_s) flushes.push_back(decimal(*frame.flushes_per_s) + "/s");
  if (const auto p50 = frame.metrics.quantile("wrench_flush_seconds", 0.5))
    flushes.push_back("half within " + seconds_text(*p50));
  if (const auto p99 = frame.metrics.quantile("wrench_flush_seconds", 0.99))
    flushes.push_back("99 % within " + seconds_text(*p99));
  add_facts(out, style, "flushes", flushes);
  std::vector<std::string> store;
  if (frame.database_bytes) store.push_back(format_bytes(*frame.database_bytes));
  if (frame.wal_bytes) store.push_back("log " + format_bytes(*frame.wal_bytes));
  for (const char* cache : {"row", "payload", "memory"})
    if (const auto rate = hit_rate(frame.metrics, cache))
      store.push_back(std::string(cache) + " cache " + percent(*rate));
  if (frame.server) {
    store.push_back(std::to_string(frame.server->connections) + " of " + std::to_string(frame.server->connections_max) +
                    " connections");
    if (frame.server->cache_hit_ratio) store.push_back("cache " + percent(*frame.server->cache_hit_ratio));
    if (frame.server->dead_rows > 0) store.push_back(std::to_string(frame.server->dead_rows) + " dead rows");
    if (frame.server->oldest_snapshot_us)
      store.push_back("oldest snapshot " + format_duration(*frame.server->oldest_snapshot_us));
  }
  add_facts(out, style, "store", store);
  std::vector<std::string> failures;
  for (const char* severity : {"low", "medium", "high", "critical"})
    if (const auto n = frame.metrics.total("wrench_recoveries_total", {{"severity", severity}}); n > 0)
      failures.push_back(std::to_string(n) + " " + severity);
  add_facts(out, style, "failures", failures);
}

void add_section(std::vector<std::string>& out, const TopStyle& style, std::string_view title,
                 std::vector<std::string> lines) {
  out.emplace_back();
  out.push_back(style.paint(Style::Bold, clip(title, style.width, style.unicode)));
  for (std::string& line : lines) out.push_back(std::move(line));
}

std::string slots_text(const TopFrame::Process& process, std::size_t slot) {
  if (slot >= process.slots.size() || slot >= process.used.size()) return "-";
  return std::to_string(process.used[slot]) + "/" + std::to_string(process.slots[slot]);
}

void add_processes(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.processes.empty()) return add_section(out, style, "No process works here.", {});
  Table table({{"PID", true, 9},
               {"ROLE", false, 8},
               {"CPU", true, 7},
               {"MEMORY", true, 6},
               {"AGE", true, 3},
               {"CPU-SLOTS", true, 5},
               {"IO", true, 4},
               {"LLM", true, 2},
               {"TASKS", true, 1},
               {"PROCESS", false, 0}});
  for (const auto& process : frame.processes) {
    std::string name = Console::safe(process.boot);
    if (!process.host.empty()) name += " on " + Console::safe(process.host);
    if (!process.labels.empty()) name += "  " + workflow::to_string(process.labels);
    if (process.stuck > 0) name += "  " + std::to_string(process.stuck) + " stuck";
    table.add({std::to_string(process.pid), process.role.empty() ? "-" : Console::safe(process.role),
               process.cpu_share ? percent(*process.cpu_share) : "-",
               process.rss_bytes ? format_bytes(*process.rss_bytes) : "-",
               format_duration(std::max<Micros>(0, frame.at - process.started_at)), slots_text(process, 0),
               slots_text(process, 1), slots_text(process, 2),
               process.reports ? std::to_string(process.executions) : "-", name});
  }
  add_section(out, style, "Processes", table.lines(style));
}

void add_running(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.running.empty()) return;
  Table table({{"CAPABILITY", false, 9},
               {"TASK", false, 8},
               {"AGE", true, 7},
               {"CPU", true, 6},
               {"TRY", true, 1},
               {"PID", true, 2},
               {"PROGRESS", false, 0}});
  for (const auto& step : frame.running)
    table.add({Console::safe(step.capability.empty() ? step.node : step.capability),
               Console::safe(short_id(step.task_id)), format_duration(std::max<Micros>(0, frame.at - step.since)),
               step.cpu_us ? format_duration(*step.cpu_us) : "-", std::to_string(step.attempt),
               step.pid == 0 ? "-" : std::to_string(step.pid), progress_text(step.progress)});
  add_section(out, style, "Running", table.lines(style));
}

void add_queues(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.activity.queues.empty()) return;
  Table table({{"STEPS", true, 9}, {"NEXT SINCE", true, 8}, {"QUEUE", false, 0}});
  for (const auto& queue : frame.activity.queues)
    table.add({text_of(queue.depth), format_duration(queue.head_age_us),
               Console::safe(queue.queue) + (queue.unserved ? ", which no worker offers" : "")});
  add_section(out, style, "Queues", table.lines(style));
}

void add_waits(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.waits.empty()) return;
  Table table({{"FOR", false, 9}, {"ID", false, 8}, {"SINCE", true, 5}, {"TASK", false, 2}, {"WHAT", false, 0}});
  for (const auto& wait : frame.waits)
    table.add({Console::safe(wait.kind), Console::safe(short_id(wait.wait_id)),
               format_duration(std::max<Micros>(0, frame.at - wait.since)), Console::safe(short_id(wait.task_id)),
               Console::safe(wait.title)});
  add_section(out, style, frame.more_waits ? "Waiting (the oldest; all: wrench approval list)" : "Waiting",
              table.lines(style));
}

void add_blocked(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.blocked.empty()) return;
  Table table(
      {{"TASK", false, 9}, {"AFTER", false, 8}, {"WHICH IS", false, 7}, {"SINCE", true, 5}, {"TITLE", false, 0}});
  for (const auto& task : frame.blocked)
    table.add({Console::safe(short_id(task.task_id)), Console::safe(short_id(task.after)),
               Console::safe(task.after_state), format_duration(std::max<Micros>(0, frame.at - task.since)),
               Console::safe(task.title)});
  add_section(out, style, "Blocked (of the newest queued tasks)", table.lines(style));
}

void add_circuits(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.circuits.empty()) return;
  Table table({{"CAPABILITY", false, 9},
               {"TARGET", false, 8},
               {"STATE", false, 7},
               {"AGAIN IN", true, 5},
               {"PID", true, 2},
               {"BECAUSE OF", false, 0}});
  for (const auto& [circuit, pid] : frame.circuits)
    table.add({Console::safe(circuit.capability), circuit.target.empty() ? "-" : Console::safe(circuit.target),
               circuit.probing ? "probing" : "open", format_duration(std::max<Micros>(0, circuit.retry_at - frame.at)),
               std::to_string(pid), Console::safe(circuit.reason)});
  add_section(out, style, "Circuits that are open", table.lines(style));
}

void add_ends(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.activity.ends.empty()) return;
  Table table({{"TASK", false, 9}, {"STATE", false, 8}, {"AGO", true, 5}, {"TITLE", false, 0}});
  for (const auto& end : frame.activity.ends)
    table.add({Console::safe(short_id(end.task_id)), Console::safe(end.state),
               format_duration(std::max<Micros>(0, frame.at - end.at)), Console::safe(end.title)});
  add_section(out, style, "Ended", table.lines(style));
}

void add_slow(std::vector<std::string>& out, const TopFrame& frame, const TopStyle& style) {
  if (frame.slow.empty()) return;
  Table table({{"TOOK", true, 9}, {"AT", false, 5}, {"STATEMENT", false, 0}});
  for (const auto& slow : frame.slow) {
    if (table.lines(style).size() > kSlowShown) break;
    table.add({format_duration(slow.took_us), Console::safe(slow.at).substr(0, 19), Console::safe(slow.statement)});
  }
  add_section(out, style, "Slow statements, " + format_count(frame.slow_count) + " in all", table.lines(style));
}

}  // namespace

std::string top_text(const TopFrame& frame, const TopStyle& style) {
  std::vector<std::string> lines;
  add_head(lines, frame, style);
  add_processes(lines, frame, style);
  add_running(lines, frame, style);
  add_queues(lines, frame, style);
  add_waits(lines, frame, style);
  add_blocked(lines, frame, style);
  add_circuits(lines, frame, style);
  add_ends(lines, frame, style);
  add_slow(lines, frame, style);
  for (const auto& note : frame.notes)
    lines.push_back(clip("note: " + Console::safe(note), style.width, style.unicode));
  if (style.height > 1 && lines.size() > style.height) {
    lines.resize(style.height - 1);
    lines.push_back(style.paint(Style::Dim, clip("more than fits: wrench top --once", style.width, style.unicode)));
  }
  return join(lines, "\n") + "\n";
}

namespace {

Json to_json(const Count& count) { return Json::object({{"n", count.n}, {"more", count.more}}); }

Json list_of(const std::vector<std::int64_t>& numbers) {
  Json out = Json::array();
  for (const std::int64_t n : numbers) out.push_back(n);
  return out;
}

template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json processes_json(const TopFrame& frame) {
  Json out = Json::array();
  for (const auto& process : frame.processes)
    out.push_back(Json::object({{"boot", process.boot},
                                {"role", process.role.empty() ? Json() : Json(process.role)},
                                {"host", process.host.empty() ? Json() : Json(process.host)},
                                {"version", process.version},
                                {"labels", workflow::to_string(process.labels)},
                                {"pid", process.pid},
                                {"started_at", format_rfc3339(process.started_at)},
                                {"cpu_share", json_or_null(process.cpu_share)},
                                {"rss_bytes", json_or_null(process.rss_bytes)},
                                {"slots", process.reports ? list_of(process.slots) : Json()},
                                {"slots_used", process.reports ? list_of(process.used) : Json()},
                                {"executions", process.reports ? Json(process.executions) : Json()},
                                {"stuck", process.reports ? Json(process.stuck) : Json()}}));
  return out;
}

Json running_json(const TopFrame& frame) {
  Json out = Json::array();
  for (const auto& step : frame.running)
    out.push_back(Json::object({{"task_id", step.task_id},
                                {"title", step.title},
                                {"node", step.node},
                                {"capability", step.capability},
                                {"attempt", step.attempt},
                                {"pid", step.pid},
                                {"since", format_rfc3339(step.since)},
                                {"cpu_ms", step.cpu_us ? Json(*step.cpu_us / kMicrosPerMs) : Json()},
                                {"done", step.progress.done},
                                {"total", step.progress.total},
                                {"message", step.progress.message}}));
  return out;
}

Json lists_json(const TopFrame& frame, Json out) {
  Json queues = Json::array(), waits = Json::array(), ends = Json::array(), slow = Json::array(), notes = Json::array();
  for (const auto& queue : frame.activity.queues)
    queues.push_back(
        Json::object({{"queue", queue.queue},
                      {"steps", to_json(queue.depth)},
                      {"next_since_ms", queue.head_age_us / kMicrosPerMs},
                      {"requires", queue.required.empty() ? Json() : Json(workflow::to_string(queue.required))},
                      {"unserved", queue.unserved}}));
  for (const auto& wait : frame.waits)
    waits.push_back(Json::object({{"wait_id", wait.wait_id},
                                  {"kind", wait.kind},
                                  {"title", wait.title},
                                  {"task_id", wait.task_id},
                                  {"since", format_rfc3339(wait.since)}}));
  for (const auto& end : frame.activity.ends)
    ends.push_back(Json::object(
        {{"task_id", end.task_id}, {"title", end.title}, {"state", end.state}, {"at", format_rfc3339(end.at)}}));
  for (const auto& one : frame.slow)
    slow.push_back(
        Json::object({{"at", one.at}, {"statement", one.statement}, {"sql", one.sql}, {"took_us", one.took_us}}));
  for (const auto& note : frame.notes) notes.push_back(note);
  Json circuits = Json::array();
  for (const auto& [circuit, pid] : frame.circuits)
    circuits.push_back(Json::object({{"capability", circuit.capability},
                                     {"target", circuit.target},
                                     {"state", circuit.probing ? "probing" : "open"},
                                     {"reason", circuit.reason},
                                     {"retry_at", format_rfc3339(circuit.retry_at)},
                                     {"pid", pid}}));
  Json blocked = Json::array();
  for (const auto& task : frame.blocked)
    blocked.push_back(Json::object({{"task_id", task.task_id},
                                    {"title", task.title},
                                    {"after", task.after},
                                    {"after_state", task.after_state},
                                    {"since", format_rfc3339(task.since)}}));
  out.set("blocked", std::move(blocked));
  out.set("circuits", std::move(circuits));
  out.set("queues", std::move(queues));
  out.set("waits", std::move(waits));
  out.set("ended", std::move(ends));
  out.set("slow_statements", Json::object({{"count", frame.slow_count}, {"latest", std::move(slow)}}));
  out.set("notes", std::move(notes));
  return out;
}

Json server_json(const std::optional<TopFrame::Server>& server) {
  if (!server) return {};
  return Json::object({{"connections", server->connections},
                       {"connections_max", server->connections_max},
                       {"cache_hit_ratio", json_or_null(server->cache_hit_ratio)},
                       {"dead_rows", server->dead_rows},
                       {"oldest_snapshot_us", json_or_null(server->oldest_snapshot_us)}});
}

}  // namespace

Json top_json(const TopFrame& frame) {
  Json tasks = Json::object();
  for (const auto& [status, count] : frame.activity.tasks) tasks.set(status, to_json(count));
  Json states = Json::object();
  for (const auto& [state, n] : frame.activity.open_states) states.set(state, n);
  Json out = Json::object(
      {{"schema", "wrench.top/1"},
       {"at", format_rfc3339(frame.at)},
       {"place", frame.place},
       {"tasks", std::move(tasks)},
       {"open_states", std::move(states)},
       {"interrupted", frame.interrupted},
       {"rates", Json::object({{"over_ms", frame.activity.rates_over_us / kMicrosPerMs},
                               {"tasks_per_minute", per_minute(frame)},
                               {"steps_per_second", steps_per_s(frame)},
                               {"flushes_per_second", json_or_null(frame.flushes_per_s)}})},
       {"flush", Json::object({{"p50_s", json_or_null(frame.metrics.quantile("wrench_flush_seconds", 0.5))},
                               {"p99_s", json_or_null(frame.metrics.quantile("wrench_flush_seconds", 0.99))}})},
       {"store", Json::object({{"database_bytes", json_or_null(frame.database_bytes)},
                               {"wal_bytes", json_or_null(frame.wal_bytes)},
                               {"server", server_json(frame.server)}})},
       {"processes", processes_json(frame)},
       {"running", running_json(frame)}});
  out = lists_json(frame, std::move(out));
  out.set("metrics", frame.metrics.json());
  return out;
}

std::string top_prometheus(const TopFrame& frame) {
  telemetry::MetricsRegistry store;
  const auto gauge = [&](const char* name, const char* help, std::int64_t value, const telemetry::Labels& labels = {}) {
    store.gauge(name, help, labels).set(value);
  };
  gauge("wrench_processes", "Processes that run steps", static_cast<std::int64_t>(frame.processes.size()));
  for (const auto& [status, count] : frame.activity.tasks)
    gauge("wrench_tasks", "Tasks, counted to 10,000", count.n, {{"status", status}});
  for (const auto& [state, n] : frame.activity.open_states)
    gauge("wrench_tasks_open", "Tasks in progress, of the first 10,000", n, {{"state", state}});
  gauge("wrench_tasks_interrupted", "Tasks that nobody runs any more", static_cast<std::int64_t>(frame.interrupted));
  if (frame.database_bytes)
    gauge("wrench_database_bytes", "Size of the database", static_cast<std::int64_t>(*frame.database_bytes));
  if (frame.wal_bytes) gauge("wrench_wal_bytes", "Size of the log's file", static_cast<std::int64_t>(*frame.wal_bytes));
  if (frame.server) {
    gauge("wrench_server_connections", "Connections to the PostgreSQL server", frame.server->connections);
    gauge("wrench_server_connections_max", "Connections that the PostgreSQL server takes",
          frame.server->connections_max);
    gauge("wrench_server_dead_rows", "Rows that PostgreSQL has yet to clean up", frame.server->dead_rows);
    gauge("wrench_server_oldest_snapshot_seconds", "Age of the oldest snapshot that keeps it from that",
          frame.server->oldest_snapshot_us.value_or(0) / kMicrosPerSecond);
  }
  gauge("wrench_slow_statements", "Statements that took long, of processes that live",
        static_cast<std::int64_t>(frame.slow_count));
  telemetry::MetricsSnapshot all = frame.metrics;
  all.add(store.snapshot());
  return all.prometheus_text();
}

}  // namespace wrench::app
