#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/usage.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {

/// Of one execution's journal, so many entries are looked through for what its steps used.
inline constexpr std::int64_t kUsageEntriesMax = 200'000;
/// And so many of the newest for what was done about failures.
inline constexpr std::int64_t kRecoveriesLookedAt = 20'000;
inline constexpr std::int64_t kCountedMax = 10'000;  ///< Rows of a queue or state; further ones aren't counted.
inline constexpr std::size_t kTailEventsMax = 200;   ///< Newest events that tell what ended and how fast it goes.
inline constexpr std::size_t kProcessesShownMax = 200;
inline constexpr std::size_t kLabelledQueuesMax = 1'000;  ///< That workers look at, each for steps of other labels.

/// What a task used. Runs too small for an entry in the journal (docs/reference/monitoring.md) aren't in it.
struct TaskMonitoring {
  std::string task_id;
  Micros execution_time_us = 0;  ///< Of its latest execution; until now if that goes on.
  runtime::Usage resources;      ///< Of all runs of all steps.
  std::map<std::int64_t, runtime::Usage> steps;
  bool partial = false;  ///< The journal is longer than kUsageEntriesMax.
};
/// Errors: those of find_task().
Result<TaskMonitoring> monitor_task(storage::ReadTx& tx, std::string_view task_id, Micros now);
/// {"cpu_ms", "children_cpu_ms", "rss_bytes_max", "read_bytes", "written_bytes"}
codec::Json to_json(const runtime::Usage& used);
/// {"task_id", "execution_time" (seconds), "resources", "partial"}
codec::Json to_json(const TaskMonitoring& monitoring);
/// What an entry of the kind "usage" tells.
runtime::Usage usage_of(const codec::Json& journaled);

/// A number that may be larger: counting ended at kCountedMax.
struct Count {
  std::int64_t n = 0;
  bool more = false;
};

struct QueueView {
  std::string queue;
  Count depth;
  Micros head_age_us = 0;  ///< How long ago the step that is next was ready first.
  Labels required;         ///< PostgreSQL: only workers that offer these take its steps;
  bool unserved = false;   ///< and there is none.
};

Result<QueueView> look_at_queue(storage::ReadTx& tx, const std::string& queue, Micros now);

struct EndView {
  std::string task_id, title, state;
  Micros at = 0;
};

struct WorkerView {
  std::string boot, host, version;
  std::int64_t pid = 0;
  Micros started_at = 0;
  std::optional<Micros> seen_at;  ///< PostgreSQL: the last sign of life.
  bool lost = false;              ///< PostgreSQL: others took it for dead.
  Labels labels;                  ///< What it offers.
};

/// What goes on in a store, as far as its rows tell.
struct Activity {
  std::vector<WorkerView> workers;                  ///< Also of processes that died: see runtime::BootLock.
  std::map<std::string, Count> tasks;               ///< By status.
  std::map<std::string, std::int64_t> open_states;  ///< Of the tasks in progress that were looked at, by state.
  std::vector<QueueView> queues;                    ///< Those that aren't empty.
  std::vector<EndView> ends;                        ///< Newest first.
  Micros rates_over_us = 0;  ///< The time that the newest events tell of, at most a minute; 0: no events.
  std::int64_t tasks_ended = 0, steps_ended = 0;  ///< In that time.
};
/// `queues`: of these. Of the newest ends, `ends_max` get their titles.
Result<Activity> read_activity(storage::ReadTx& tx, const std::vector<std::string>& queues, Micros now,
                               std::size_t ends_max);
/// What was done last about failures of steps, by step: entries of the kind `recovery`, docs/reference/recovery.md. Of
/// the newest kRecoveriesLookedAt entries of the journal.
Result<std::map<std::int64_t, codec::Json>> last_recoveries(storage::ReadTx& tx, std::int64_t execution_no);
Result<std::optional<TaskView>> find_task_by_no(storage::ReadTx& tx, std::int64_t task_no);
/// PostgreSQL: the steps that a worker runs, as the store tells; on SQLite its process knows (EngineView).
Result<std::vector<RunningView>> list_running(storage::ReadTx& tx, std::string_view boot, std::size_t limit);
/// Of one process on SQLite, or of all on PostgreSQL (`boot` empty).
std::vector<std::string> queue_names(std::string_view boot);
/// PostgreSQL: whether some live worker offers what is required. `now`: within kWorkerTtl of the database's.
Result<bool> is_offered(storage::ReadTx& tx, const Labels& required, Micros now);

}  // namespace wrench::workflow
