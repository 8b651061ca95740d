#include "wrench/workflow/monitor_report.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kSchema = "wrench.process/1";
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kReportDepthMax = 16;
constexpr std::size_t kReportFilesMax = 1'000;

Json json_of(const RunningView& step) {
  return Json::object({{"task_no", step.task_no},
                       {"execution_no", step.execution_no},
                       {"step_no", step.step_no},
                       {"node", step.node},
                       {"capability", step.capability},
                       {"attempt", step.attempt},
                       {"since_us", step.since},
                       {"cpu_us", step.cpu_us},
                       {"done", step.progress.done},
                       {"total", step.progress.total},
                       {"message", step.progress.message}});
}

RunningView running_of(const Json& json) {
  RunningView out;
  out.task_no = json.at("task_no").as_integer();
  out.execution_no = json.at("execution_no").as_integer();
  out.step_no = json.at("step_no").as_integer();
  out.node = json.at("node").as_string();
  out.capability = json.at("capability").as_string();
  out.attempt = static_cast<int>(json.at("attempt").as_integer());
  out.since = json.at("since_us").as_integer();
  out.cpu_us = json.at("cpu_us").as_integer();
  out.progress = {json.at("done").as_double(), json.at("total").as_double(),
                  std::string(json.at("message").as_string())};
  return out;
}

Json json_of(const CircuitView& circuit) {
  return Json::object({{"capability", circuit.capability},
                       {"target", circuit.target},
                       {"reason", circuit.reason},
                       {"probing", circuit.probing},
                       {"retry_at_us", circuit.retry_at}});
}

CircuitView circuit_of(const Json& json) {
  return {std::string(json.at("capability").as_string()), std::string(json.at("target").as_string()),
          std::string(json.at("reason").as_string()), json.at("probing").as_boolean(),
          json.at("retry_at_us").as_integer()};
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    if (out.size() < kReportFilesMax) out.push_back(at->path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<ProcessReport> read_report(const std::string& path) {
  const std::string text = WRENCH_TRY(runtime::read_file(path, kReportBytesMax));
  return ProcessReport::parse(WRENCH_TRY(codec::parse_json(text, {.depth_max = kReportDepthMax})));
}

}  // namespace

Json ProcessReport::json() const {
  Json slots = Json::object();
  for (std::size_t i = 0; i < kSlotClasses; ++i)
    slots.set(name(static_cast<SlotClass>(i)),
              Json::object({{"slots", work.slots[i]}, {"used", work.used[i]}, {"waiting", work.backlog[i]}}));
  Json running = Json::array();
  for (const RunningView& step : work.running) {
    if (running.as_array().size() == kReportStepsMax) break;
    running.push_back(json_of(step));
  }
  Json open = Json::array();
  for (const CircuitView& circuit : circuits)
    if (open.as_array().size() < kReportCircuitsMax) open.push_back(json_of(circuit));
  return Json::object({{"schema", kSchema},
                       {"boot", boot},
                       {"role", role},
                       {"pid", pid},
                       {"started_ticks", started_ticks},
                       {"started_at_us", started_at},
                       {"at_us", at},
                       {"slots", std::move(slots)},
                       {"executions", work.executions},
                       {"stuck", work.stuck},
                       {"running", std::move(running)},
                       {"circuits", std::move(open)},
                       {"slow_statements", slow_statements},
                       {"metrics", metrics.json()}});
}

Result<ProcessReport> ProcessReport::parse(const Json& json) {
  if (json.at("schema").as_string() != kSchema || json.at("boot").as_string().empty())
    return Error("workflow.invalid_report", "this is no report of a process, or one of another version");
  ProcessReport out;
  out.boot = json.at("boot").as_string();
  out.role = json.at("role").as_string();
  out.pid = json.at("pid").as_integer();
  out.started_ticks = static_cast<std::uint64_t>(json.at("started_ticks").as_integer());
  out.started_at = json.at("started_at_us").as_integer();
  out.at = json.at("at_us").as_integer();
  for (std::size_t i = 0; i < kSlotClasses; ++i) {
    const Json& slot = json.at("slots").at(name(static_cast<SlotClass>(i)));
    out.work.slots[i] = static_cast<int>(slot.at("slots").as_integer());
    out.work.used[i] = static_cast<int>(slot.at("used").as_integer());
    out.work.backlog[i] = static_cast<int>(slot.at("waiting").as_integer());
  }
  out.work.executions = static_cast<std::size_t>(std::max<std::int64_t>(0, json.at("executions").as_integer()));
  out.work.stuck = json.at("stuck").as_integer();
  for (const Json& step : json.at("running").as_array()) out.work.running.push_back(running_of(step));
  for (const Json& circuit : json.at("circuits").as_array()) out.circuits.push_back(circuit_of(circuit));
  out.slow_statements = json.at("slow_statements");
  out.metrics = WRENCH_TRY(telemetry::MetricsSnapshot::parse(json.at("metrics")));
  return out;
}

ReportPublisher::ReportPublisher(std::string directory, std::string boot, std::function<Looked()> look, Micros every_us)
    : directory_(std::move(directory)),
      path_(directory_ + "/" + boot + std::string(kSuffix)),
      look_(std::move(look)),
      every_us_(every_us),
      thread_([this] { work(); }) {
  ::pthread_setname_np(thread_.native_handle(), "reports");
}

ReportPublisher::~ReportPublisher() { stop(); }

void ReportPublisher::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
  std::error_code ignored;  // What stays is known to be of a dead process.
  std::filesystem::remove(path_, ignored);
}

void ReportPublisher::stir() {
  if (stirred_.exchange(true)) return;
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

Result<void> ReportPublisher::last_outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_;
}

void ReportPublisher::work() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    wake_.wait(lock, [&] { return ends_ || stirred_.load(); });
    wake_.wait_for(lock, std::chrono::microseconds(every_us_), [&] { return ends_; });
    if (ends_) return;
    lock.unlock();
    stirred_.store(false);  // What changes from now on is for the next report.
    const Looked looked = look_();
    Result<void> outcome = publish(looked.report);
    if (looked.goes_on) stirred_.store(true);
    lock.lock();
    outcome_ = std::move(outcome);
  }
}

Result<void> ReportPublisher::publish(const ProcessReport& report) const {
  WRENCH_TRY(runtime::make_directories(directory_));
  auto file = WRENCH_TRY(runtime::AtomicFile::create(path_));
  WRENCH_TRY(file.write(codec::write_json(report.json()) + "\n"));
  return file.commit_without_flush();
}

std::vector<ProcessReport> read_reports(const std::string& directory, std::vector<Error>& damaged) {
  std::vector<ProcessReport> out;
  for (const std::string& file : files_in(directory)) {
    if (!file.ends_with(kSuffix)) continue;
    auto report = read_report(directory + "/" + file);
    if (report.ok()) {
      out.push_back(std::move(*report));
    } else if (report.error().code != "io.not_found") {  // Its process has just ended.
      damaged.push_back(std::move(report).error());
    }
  }
  return out;
}

void forget_reports(const std::string& directory, const std::function<bool(std::string_view boot)>& is_live) {
  // Also what a process that was killed had begun to write.
  for (const std::string& file : files_in(directory)) {
    if (is_live(std::string_view(file).substr(0, file.find('.')))) continue;
    std::error_code ignored;
    std::filesystem::remove(directory + "/" + file, ignored);
  }
}

}  // namespace wrench::workflow
