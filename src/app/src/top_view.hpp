#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/app/console.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/telemetry/metrics_snapshot.hpp"
#include "wrench/workflow/circuit_breaker.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::app {

/// One look at what goes on. Texts are as they are stored: hostile.
struct TopFrame {
  struct Process {
    std::string boot, role, host, version;
    std::int64_t pid = 0;
    Micros started_at = 0;
    workflow::Labels labels;          ///< That it offers.
    std::optional<double> cpu_share;  ///< Of one core; nothing if it can't be seen.
    std::optional<std::uint64_t> rss_bytes;
    bool reports = false;  ///< What follows is known.
    std::vector<std::int64_t> slots, used;
    std::size_t executions = 0;
    std::int64_t stuck = 0;
  };
  struct Step {
    std::string task_id, title, node, capability;
    std::int64_t pid = 0;
    int attempt = 1;
    Micros since = 0;
    std::optional<Micros> cpu_us;
    workflow::Progress progress;
  };
  struct Wait {
    std::string wait_id, kind, title, task_id;
    Micros since = 0;
  };
  /// A task that begins only after another one.
  struct Blocked {
    std::string task_id, title, after, after_state;
    Micros since = 0;
  };
  struct Circuit {
    workflow::CircuitView circuit;
    std::int64_t pid = 0;
  };
  /// PostgreSQL's.
  struct Server {
    std::int64_t connections = 0, connections_max = 0;
    std::int64_t dead_rows = 0;  ///< Of tables of 1 MiB and more.
    std::optional<Micros> oldest_snapshot_us;
    std::optional<double> cache_hit_ratio;
  };
  struct Slow {
    std::string at, statement, sql;  ///< at: RFC 3339.
    Micros took_us = 0;
  };

  Micros at = 0;
  std::string place;  ///< The data directory, or "PostgreSQL".
  std::vector<Process> processes;
  std::vector<Step> running;
  std::vector<Wait> waits;
  std::vector<Circuit> circuits;  ///< That let nothing through, of all processes.
  bool more_waits = false;
  std::vector<Blocked> blocked;
  std::size_t interrupted = 0;  ///< Tasks that nobody runs any more.
  workflow::Activity activity;
  telemetry::MetricsSnapshot metrics;  ///< Of all processes that report.
  std::optional<double> flushes_per_s;
  std::optional<std::uint64_t> database_bytes, wal_bytes;
  std::optional<Server> server;  ///< Of PostgreSQL.
  std::uint64_t slow_count = 0;
  std::vector<Slow> slow;
  std::vector<std::string> notes;  ///< What couldn't be looked at.
};

struct TopStyle {
  std::size_t width = 80;
  std::size_t height = 0;  ///< 0: as many lines as it takes.
  bool unicode = true;
  std::function<std::string(Style, std::string_view)> paint;
};

/// For people; safe to print, no line wider than the style's width.
std::string top_text(const TopFrame& frame, const TopStyle& style);
codec::Json top_json(const TopFrame& frame);
/// The metrics of all processes, and what is known of tasks, waits and the store.
std::string top_prometheus(const TopFrame& frame);

}  // namespace wrench::app
