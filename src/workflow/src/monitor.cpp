#include "wrench/workflow/monitor.hpp"

#include <algorithm>
#include <utility>

#include "monitor_sql.hpp"
#include "row_store.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "step_meter.hpp"
#include "turns.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::string_view kStatuses[] = {"pending", "in_progress"};
constexpr Micros kRatesOver = 60 * kMicrosPerSecond;

std::uint64_t unsigned_of(const Json& value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.as_integer()));
}

Count count_of(const Rows& rows) {
  const std::int64_t n = rows.empty() ? 0 : rows.front().integer(0);
  return {std::min(n, kCountedMax), n > kCountedMax};
}

bool is_end(std::string_view step_state) {
  return step_state == name(StepState::Completed) || step_state == name(StepState::Failed) ||
         step_state == name(StepState::Skipped) || step_state == name(StepState::Cancelled);
}

/// What the newest events tell.
Result<void> read_tail(ReadTx& tx, Micros now, std::size_t ends_max, Activity& out) {
  storage::EventCursor from = WRENCH_TRY(storage::event_log::head(tx));
  from.seq = std::max<std::int64_t>(0, from.seq - static_cast<std::int64_t>(kTailEventsMax));
  auto page = storage::event_log::read(tx, {}, from, kTailEventsMax);
  if (!page.ok() && page.error().code == "storage.cursor_expired") return {};  // The older ones were pruned.
  if (!page.ok()) return std::move(page).error();
  const std::vector<storage::Event>& events = page->events;
  if (events.empty()) return {};
  const bool all = from.seq == 0;
  out.rates_over_us = all ? kRatesOver : std::clamp<Micros>(now - events.front().at_us, 1, kRatesOver);
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->what.subject_kind != "execution") continue;
    const Json payload = WRENCH_TRY(codec::parse_json(event->what.payload));
    const bool counts = now - event->at_us <= out.rates_over_us;
    if (counts)
      for (const Json& step : payload.at("steps").as_array())
        if (is_end(step.at("state").as_string())) ++out.steps_ended;
    const auto state = parse_task_state(payload.at("state").as_string());
    if (event->what.type == "execution.progress" || !state || !is_terminal(*state)) continue;
    if (counts) ++out.tasks_ended;
    if (out.ends.size() >= ends_max) continue;
    EndView end{std::string(payload.at("task").as_string()), {}, std::string(name(*state)), event->at_us};
    if (const auto task = find_task(tx, end.task_id); task.ok()) end.title = task->title;
    out.ends.push_back(std::move(end));
  }
  return {};
}

}  // namespace

runtime::Usage usage_of(const Json& journaled) {
  return {.cpu_us = journaled.at("cpu_ms").as_integer() * kMicrosPerMs,
          .children_cpu_us = journaled.at("children_cpu_ms").as_integer() * kMicrosPerMs,
          .rss_bytes_max = unsigned_of(journaled.at("rss_bytes_max")),
          .read_bytes = unsigned_of(journaled.at("read_bytes")),
          .written_bytes = unsigned_of(journaled.at("written_bytes"))};
}

Json to_json(const runtime::Usage& used) {
  return Json::object({{"cpu_ms", used.cpu_us / kMicrosPerMs},
                       {"children_cpu_ms", used.children_cpu_us / kMicrosPerMs},
                       {"rss_bytes_max", used.rss_bytes_max},
                       {"read_bytes", used.read_bytes},
                       {"written_bytes", used.written_bytes}});
}

Json to_json(const TaskMonitoring& monitoring) {
  return Json::object(
      {{"task_id", monitoring.task_id},
       {"execution_time", static_cast<double>(monitoring.execution_time_us) / static_cast<double>(kMicrosPerSecond)},
       {"resources", to_json(monitoring.resources)},
       {"partial", monitoring.partial}});
}

Result<TaskMonitoring> monitor_task(ReadTx& tx, std::string_view task_id, Micros now) {
  constexpr std::int64_t kPage = 20'000;
  const TaskView task = WRENCH_TRY(find_task(tx, task_id));
  const auto executions = WRENCH_TRY(list_executions(tx, task.task_no));
  TaskMonitoring out;
  out.task_id = task.task_id;
  if (executions.empty()) return out;
  const ExecutionView& last = executions.back();
  if (last.started_at) out.execution_time_us = last.completed_at.value_or(now) - *last.started_at;
  const Rows tail = WRENCH_TRY(tx.query(sql::kJournalTail, {last.execution_no}));
  const std::int64_t entries = tail.empty() ? 0 : tail.front().integer(0);
  out.partial = entries > kUsageEntriesMax;
  for (std::int64_t after = 0; after < std::min(entries, kUsageEntriesMax); after += kPage) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kUsageEntries, {last.execution_no, after, after + kPage}));
    for (const auto row : rows) {
      const runtime::Usage used = usage_of(WRENCH_TRY(codec::parse_json(row.text_or_empty(2))));
      out.resources.add(used);
      out.steps[row.integer(1)].add(used);
    }
  }
  return out;
}

Result<std::map<std::int64_t, Json>> last_recoveries(ReadTx& tx, std::int64_t execution_no) {
  const Rows tail = WRENCH_TRY(tx.query(sql::kJournalTail, {execution_no}));
  const std::int64_t entries = tail.empty() ? 0 : tail.front().integer(0);
  const Rows rows =
      WRENCH_TRY(tx.query(sql::kRecoveryEntries, {execution_no, entries - kRecoveriesLookedAt, kRecoveriesLookedAt}));
  std::map<std::int64_t, Json> out;
  for (const auto row : rows)
    if (!out.contains(row.integer(0))) out[row.integer(0)] = WRENCH_TRY(codec::parse_json(row.text_or_empty(1)));
  return out;
}

Result<std::optional<TaskView>> find_task_by_no(ReadTx& tx, std::int64_t task_no) {
  const Rows row = WRENCH_TRY(tx.query(sql::kTaskRow, {task_no}));
  if (row.empty()) return std::optional<TaskView>();
  return std::optional(WRENCH_TRY(find_task(tx, row.front().text(1))));
}

Result<std::vector<RunningView>> list_running(ReadTx& tx, std::string_view boot, std::size_t limit) {
  std::vector<RunningView> out;
  PlanCache plans;
  const Rows keys = WRENCH_TRY(tx.query(sql::kStepsOfWorker, {boot, limit}));
  for (const auto key : keys) {
    const Rows found = WRENCH_TRY(tx.query(sql::kStepRow, {key.integer(0), key.integer(1)}));
    const Rows owner = WRENCH_TRY(tx.query(sql::kExecutionRow, {key.integer(0)}));
    if (found.empty() || owner.empty()) continue;
    const StepRow step = row_store::step_from(found.front());
    const ExecutionRow execution = row_store::execution_from(owner.front());
    const auto plan = WRENCH_TRY(plans.get(tx, execution.plan_hash));
    const PlanNode& node = plan->nodes()[step.node];
    out.push_back({.task_no = execution.task_no,
                   .execution_no = step.execution_no,
                   .step_no = step.step_no,
                   .node = node.id,
                   .capability = node.capability,
                   .attempt = step.attempt,
                   .since = step.claimed_at});
  }
  return out;
}

std::vector<std::string> queue_names(std::string_view boot) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kSlotClasses; ++i) out.push_back(queue_name(static_cast<SlotClass>(i), boot));
  if (boot.empty()) out.emplace_back(turns::kStartQueue);
  return out;
}

Result<QueueView> look_at_queue(ReadTx& tx, const std::string& queue, Micros now) {
  QueueView out;
  out.queue = queue;
  const Rows depth = WRENCH_TRY(tx.query(sql::kQueueDepth, {queue, kCountedMax + 1}));
  out.depth = count_of(depth);
  const Rows head = WRENCH_TRY(tx.query(sql::kBacklog, {queue, 1}));
  if (head.empty()) return out;
  const Rows step = WRENCH_TRY(tx.query(sql::kStepRow, {head.front().integer(1), head.front().integer(2)}));
  Micros since = 0;
  if (!step.empty()) {
    since = row_store::step_from(step.front()).scheduled_at;
  } else {
    // A task that nobody began has no steps yet: it waits since it was made.
    const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {head.front().integer(1)}));
    since = execution.empty() ? now : row_store::execution_from(execution.front()).created_at;
  }
  out.head_age_us = std::max<Micros>(0, now - since);
  return out;
}

Result<bool> is_offered(ReadTx& tx, const Labels& required, Micros now) {
  const Rows live = WRENCH_TRY(tx.query(sql::kOfferedLabels, {now - kWorkerTtl}));
  for (const auto row : live)
    if (const auto its = parse_labels(row.text(0)); its.ok() && satisfies(*its, required)) return true;
  return false;
}

namespace {

Result<void> add_labelled_queues(ReadTx& tx, Micros now, Activity& out) {
  const Rows queues = WRENCH_TRY(tx.query(sql::kLabelledQueues, {kProcessesShownMax}));
  for (const auto row : queues) {
    auto queue = labelled_queue(row.text(0));
    if (!queue) continue;
    QueueView view = WRENCH_TRY(look_at_queue(tx, queue->name, now));
    view.required = std::move(queue->required);
    view.unserved = !WRENCH_TRY(is_offered(tx, view.required, now));
    out.queues.push_back(std::move(view));
  }
  return {};
}

}  // namespace

Result<Activity> read_activity(ReadTx& tx, const std::vector<std::string>& queues, Micros now, std::size_t ends_max) {
  Activity out;
  const Rows workers = WRENCH_TRY(tx.query(sql::kWorkerRows, {kProcessesShownMax}));
  for (const auto row : workers)
    out.workers.push_back({.boot = std::string(row.text(0)),
                           .host = std::string(row.text_or_empty(2)),
                           .version = std::string(row.text(3)),
                           .pid = row.integer(1),
                           .started_at = row.integer(4),
                           .seen_at = row.optional_integer(5),
                           .lost = !row.is_null(6),
                           .labels = parse_labels(row.text(7)).value_or({})});
  for (const std::string_view status : kStatuses) {
    const Rows counted = WRENCH_TRY(tx.query(sql::kTasksWithStatus, {status, kCountedMax + 1}));
    out.tasks[std::string(status)] = count_of(counted);
  }
  const Rows states = WRENCH_TRY(tx.query(sql::kOpenStates, {kCountedMax}));
  for (const auto row : states) out.open_states[std::string(row.text(0))] = row.integer(1);
  for (const std::string& queue : queues) {
    QueueView view = WRENCH_TRY(look_at_queue(tx, queue, now));
    if (view.depth.n > 0) out.queues.push_back(std::move(view));
  }
  WRENCH_TRY(add_labelled_queues(tx, now, out));
  WRENCH_TRY(read_tail(tx, now, ends_max, out));
  return out;
}

}  // namespace wrench::workflow
