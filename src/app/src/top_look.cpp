#include "top_look.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "commands/task_lookup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/process.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::app {

using codec::Json;

namespace {

constexpr std::size_t kEndsShown = 5;
constexpr std::size_t kWaitsShown = 8;
constexpr std::size_t kQueuedLookedAt = 50;
constexpr std::size_t kRunningShown = 100;

/// The counters of a report, to tell how fast they grow.
struct Before {
  Micros at = 0;
  std::int64_t flushes = 0;
  std::map<std::string, std::pair<Micros, Micros>> cpu;  ///< By boot: when, and CPU time until then.
};

}  // namespace

class TopLook::Looker {
 public:
  Looker(Workspace& space, std::unique_ptr<Workspace> own, storage::StoreMonitor monitor)
      : own_(std::move(own)), space_(&space), monitor_(std::move(monitor)) {}

  Result<TopFrame> look() {
    TopFrame frame;
    frame.at = space_->clock().now_us();
    frame.place = space_->has_workers() ? "PostgreSQL" : space_->directory();
    const auto reports = live_reports(frame);
    WRENCH_TRY(read_rows(frame, reports));
    add_processes(frame, reports);
    WRENCH_TRY(add_running(frame, reports));
    WRENCH_TRY(add_waits(frame));
    WRENCH_TRY(add_blocked(frame));
    frame.interrupted = WRENCH_TRY(interrupted_tasks(*space_)).size();
    for (const auto& report : reports) add_slow(frame, report);
    for (const auto& report : reports)
      for (const auto& circuit : report.circuits) frame.circuits.push_back({circuit, report.pid});
    WRENCH_TRY(add_store(frame));
    add_rates(frame);
    return frame;
  }

 private:
  std::vector<workflow::ProcessReport> live_reports(TopFrame& frame) const {
    std::vector<workflow::ProcessReport> out;
    if (space_->has_workers()) return out;
    std::vector<Error> damaged;
    for (auto& report : workflow::read_reports(space_->reports_directory(), damaged))
      if (space_->is_live(report.boot)) out.push_back(std::move(report));
    for (const Error& error : damaged) frame.notes.push_back(error.message);
    for (const auto& report : out) frame.metrics.add(report.metrics);
    return out;
  }

  Result<void> read_rows(TopFrame& frame, const std::vector<workflow::ProcessReport>& reports) {
    std::vector<std::string> queues;
    if (space_->has_workers()) queues = workflow::queue_names({});
    for (const auto& report : reports)
      for (auto& queue : workflow::queue_names(report.boot)) queues.push_back(std::move(queue));
    frame.activity = WRENCH_TRY(space_->store().read(
        [&](storage::ReadTx& tx) { return workflow::read_activity(tx, queues, frame.at, kEndsShown); }));
    return {};
  }

  void add_processes(TopFrame& frame, const std::vector<workflow::ProcessReport>& reports) {
    for (const auto& worker : frame.activity.workers) {
      if (space_->has_workers() ? worker.lost : !space_->is_live(worker.boot)) continue;
      TopFrame::Process process;
      process.boot = worker.boot;
      process.host = worker.host;
      process.version = worker.version;
      process.pid = worker.pid;
      process.started_at = worker.started_at;
      process.labels = worker.labels;
      if (space_->has_workers()) process.role = "worker";
      const auto report = std::find_if(reports.begin(), reports.end(),
                                       [&](const workflow::ProcessReport& r) { return r.boot == worker.boot; });
      if (report != reports.end()) describe(process, *report);
      frame.processes.push_back(std::move(process));
    }
  }

  void describe(TopFrame::Process& process, const workflow::ProcessReport& report) {
    process.reports = true;
    process.role = report.role;
    process.slots.assign(report.work.slots.begin(), report.work.slots.end());
    process.used.assign(report.work.used.begin(), report.work.used.end());
    process.executions = report.work.executions;
    process.stuck = report.work.stuck;
    // The pid may mean another process here, e.g. if it runs in a container.
    const auto figures = runtime::process_figures(static_cast<pid_t>(process.pid));
    if (!figures || figures->started_ticks != report.started_ticks) return;
    process.rss_bytes = figures->rss_bytes;
    const Micros now = space_->clock().boot_us();
    const auto [before, first] = before_.cpu.try_emplace(process.boot, now, figures->cpu_us);
    if (!first && now > before->second.first)
      process.cpu_share = static_cast<double>(figures->cpu_us - before->second.second) /
                          static_cast<double>(now - before->second.first);
    before->second = {now, figures->cpu_us};
  }

  Result<void> add_running(TopFrame& frame, const std::vector<workflow::ProcessReport>& reports) {
    return space_->store().read([&](storage::ReadTx& tx) -> Result<void> {
      const auto add = [&](const workflow::RunningView& step, std::int64_t pid) -> Result<void> {
        if (frame.running.size() >= kRunningShown) return {};
        const auto task = WRENCH_TRY(workflow::find_task_by_no(tx, step.task_no));
        frame.running.push_back({task ? task->task_id : "", task ? task->title : "", step.node, step.capability, pid,
                                 step.attempt, step.since,
                                 space_->has_workers() ? std::nullopt : std::optional(step.cpu_us), step.progress});
        return {};
      };
      for (const auto& report : reports)
        for (const auto& step : report.work.running) WRENCH_TRY(add(step, report.pid));
      if (!space_->has_workers()) return {};
      for (const auto& process : frame.processes)
        for (const auto& step : WRENCH_TRY(workflow::list_running(tx, process.boot, kRunningShown)))
          WRENCH_TRY(add(step, process.pid));
      return {};
    });
  }

  Result<void> add_waits(TopFrame& frame) {
    const auto page =
        WRENCH_TRY(space_->store().read([](storage::ReadTx& tx) { return workflow::list_waits(tx, {}, kWaitsShown); }));
    frame.more_waits = !page.next_cursor.empty();
    for (const auto& wait : page.waits)
      frame.waits.push_back({wait.wait_id, std::string(workflow::name(wait.kind)),
                             wait.title.empty() ? wait.task_title : wait.title, wait.task_id, wait.created_at});
    return {};
  }

  Result<void> add_blocked(TopFrame& frame) {
    return space_->store().read([&](storage::ReadTx& tx) -> Result<void> {
      const auto queued = WRENCH_TRY(workflow::list_tasks(tx, {.status = "pending", .limit = kQueuedLookedAt}));
      for (const auto& task : queued.tasks)
        for (const auto& other : WRENCH_TRY(workflow::list_dependencies(tx, task.task_no))) {
          if (!other.in_the_way || task.state != workflow::TaskState::Queued) continue;
          frame.blocked.push_back(
              {task.task_id, task.title, other.task_id, std::string(workflow::name(other.state)), task.created_at});
          if (frame.blocked.size() == kWaitsShown) return {};
          break;
        }
      return {};
    });
  }

  static void add_slow(TopFrame& frame, const workflow::ProcessReport& report) {
    frame.slow_count +=
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, report.slow_statements.at("count").as_integer()));
    for (const Json& slow : report.slow_statements.at("latest").as_array())
      frame.slow.push_back({std::string(slow.at("at").as_string()), std::string(slow.at("statement").as_string()),
                            std::string(slow.at("sql").as_string()), slow.at("took_us").as_integer()});
    std::sort(frame.slow.begin(), frame.slow.end(), [](const auto& a, const auto& b) { return a.at > b.at; });
  }

  Result<void> add_store(TopFrame& frame) {
    const Json metrics = WRENCH_TRY(monitor_.collect(storage::Detail::Cheap));
    const Json& cache = metrics.at("cache_stats");
    frame.database_bytes = static_cast<std::uint64_t>(cache.at("database_bytes").as_integer());
    if (space_->has_workers()) {
      add_server(frame, metrics);
      return {};
    }
    std::error_code failed;
    const auto log = std::filesystem::file_size(space_->directory() + "/store.db-wal", failed);
    if (!failed) frame.wal_bytes = log;
    return {};
  }

  /// Of PostgreSQL, what only the server knows.
  static void add_server(TopFrame& frame, const Json& metrics) {
    const Json& connections = metrics.at("connections");
    const Json& oldest = connections.at("oldest_xmin");
    std::int64_t dead = 0;
    for (const Json& table : metrics.at("table_stats").as_array()) dead += table.at("dead_rows").as_integer();
    const Json& ratio = metrics.at("cache_stats").at("cache_hit_ratio");
    frame.server = TopFrame::Server{
        .connections = connections.at("total").as_integer(),
        .connections_max = connections.at("max").as_integer(),
        .dead_rows = dead,
        .oldest_snapshot_us =
            oldest.at("for_us").is_integer() ? std::optional(oldest.at("for_us").as_integer()) : std::nullopt,
        .cache_hit_ratio = ratio.is_null() ? std::nullopt : std::optional(ratio.as_double())};
    for (const Json& warning : metrics.at("warnings").as_array()) frame.notes.emplace_back(warning.as_string());
  }

  void add_rates(TopFrame& frame) {
    const std::int64_t flushes = frame.metrics.total("wrench_flush_seconds");
    if (before_.at != 0 && frame.at > before_.at && flushes >= before_.flushes)
      frame.flushes_per_s = static_cast<double>(flushes - before_.flushes) * static_cast<double>(kMicrosPerSecond) /
                            static_cast<double>(frame.at - before_.at);
    before_.at = frame.at;
    before_.flushes = flushes;
  }

  std::unique_ptr<Workspace> own_;
  Workspace* space_;
  storage::StoreMonitor monitor_;
  Before before_;
};

Result<TopLook> TopLook::open(Session& session) {
  auto own = WRENCH_TRY(Workspace::open(session, Workspace::Use::Read));
  Workspace& space = *own;
  return of(space, space.has_workers() ? database_url(session) : space.directory(), std::move(own));
}

Result<TopLook> TopLook::at(Workspace& space) { return of(space, space.directory(), nullptr); }

Result<TopLook> TopLook::of(Workspace& space, const std::string& where, std::unique_ptr<Workspace> own) {
  auto monitor = WRENCH_TRY(storage::StoreMonitor::open(space.store(), where));
  return TopLook(std::make_unique<Looker>(space, std::move(own), std::move(monitor)));
}

TopLook::TopLook(std::unique_ptr<Looker> looker) : looker_(std::move(looker)) {}
TopLook::TopLook(TopLook&&) noexcept = default;
TopLook::~TopLook() = default;
Result<TopFrame> TopLook::operator()() { return looker_->look(); }

}  // namespace wrench::app
