#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/telemetry/metrics_snapshot.hpp"
#include "wrench/workflow/circuit_breaker.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {

inline constexpr Micros kReportEvery = kMicrosPerSecond;  ///< At most so often.
inline constexpr std::size_t kReportBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kReportCircuitsMax = 100;
inline constexpr std::size_t kReportStepsMax = 100;  ///< Running steps that a report names.

/// What a process tells others of the same data directory about itself: docs/adr/0012-processes-tell-by-file.md.
struct ProcessReport {
  std::string boot, role;  ///< role: "serve", "run", …
  std::int64_t pid = 0;
  std::uint64_t started_ticks = 0;  ///< Of runtime::ProcessFigures: whether the pid still is that process.
  Micros started_at = 0, at = 0;
  EngineView work;
  std::vector<CircuitView> circuits;  ///< That aren't closed, at most kReportCircuitsMax.
  codec::Json slow_statements;        ///< As storage::to_json() gives it.
  telemetry::MetricsSnapshot metrics;

  codec::Json json() const;
  /// Errors: workflow.invalid_report, telemetry.invalid_snapshot.
  static Result<ProcessReport> parse(const codec::Json& json);
};

/// Writes a process's report while it works: at most once a second, into `<directory>/<boot>.json`, without flushing
/// it. What lives for less than a second writes none, and an idle process neither writes nor wakes up. Thread-safe.
class ReportPublisher {
 public:
  struct Looked {
    ProcessReport report;
    bool goes_on = false;  ///< Something will change although nothing stirs: look again in a second.
  };
  /// `look` is called on the publisher's own thread.
  ReportPublisher(std::string directory, std::string boot, std::function<Looked()> look,
                  Micros every_us = kReportEvery);
  ~ReportPublisher();  ///< Like stop().
  ReportPublisher(const ReportPublisher&) = delete;
  ReportPublisher& operator=(const ReportPublisher&) = delete;

  /// Looks no more; the file goes. Afterwards stir() does nothing.
  void stop();
  /// Something changed. Cheap: wakes a thread once a second at most.
  void stir();
  /// Why the last report couldn't be written: nobody can see this process then, but it works on.
  Result<void> last_outcome() const;

 private:
  void work();
  Result<void> publish(const ProcessReport& report) const;

  const std::string directory_, path_;
  const std::function<Looked()> look_;
  const Micros every_us_;
  std::atomic<bool> stirred_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Result<void> outcome_;
  bool ends_ = false;
  std::thread thread_;
};

/// The reports in a directory, by boot; a missing one has none. Of those that can't be read `damaged` gets the errors.
std::vector<ProcessReport> read_reports(const std::string& directory, std::vector<Error>& damaged);
/// Removes reports of processes that died without doing so. `is_live`: of a boot.
void forget_reports(const std::string& directory, const std::function<bool(std::string_view boot)>& is_live);

}  // namespace wrench::workflow
