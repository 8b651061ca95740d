#include "wrench/workflow/metrics.hpp"

#include <algorithm>
#include <optional>

#include "row_store.hpp"
#include "shared_work.hpp"
#include "wrench/workflow/monitor.hpp"

namespace wrench::workflow {

namespace {

using telemetry::latency_buckets_s;

constexpr std::string_view kTaskOutcomeNames[] = {"completed", "failed", "cancelled", "timed_out"};
constexpr std::string_view kStepOutcomeNames[] = {"completed", "failed",    "skipped",  "cancelled", "retry",
                                                  "dead",      "uncertain", "released", "lost",      "held_back"};
enum StepOutcomeIndex : std::uint8_t {
  Done,
  Failing,
  Skipping,
  Cancelling,
  Retrying,
  Dying,
  Unsure,
  Released,
  Lost,
  Held
};

double seconds(Micros us) { return static_cast<double>(us) / static_cast<double>(kMicrosPerSecond); }

/// What became of a run; nothing if it goes on, or opened a body or a wait.
std::optional<StepOutcomeIndex> outcome_of(const StepRow& before, const StepRow& after) {
  if (after.lost > before.lost) return Lost;
  if (before.limits.empty() && !after.limits.empty()) return std::nullopt;  // Only found out what limits it.
  switch (after.state) {
    case StepState::Completed:
      return Done;
    case StepState::Failed:
      return Failing;
    case StepState::Skipped:
      return Skipping;
    case StepState::Cancelled:
      return Cancelling;
    case StepState::RetryWait:
      return after.attempt < before.attempt ? Held : Retrying;
    case StepState::Dead:
      return Dying;
    case StepState::Uncertain:
      return Unsure;
    case StepState::Waiting:
      return std::nullopt;
    default:
      return after.epoch == before.epoch ? std::nullopt : std::optional(Released);
  }
}

/// The series of `name`, made when it is seen first, as long as there is room.
template <class Series, class Make>
Series& series_of(std::map<std::string, Series, std::less<>>& all, std::string_view name, std::size_t max, Make make) {
  constexpr std::string_view kOther = "other", kNone = "none";
  if (name.empty()) name = kNone;
  auto found = all.find(name);
  if (found == all.end() && all.size() >= max) found = all.find(name = kOther);
  if (found == all.end()) found = all.emplace(name, make(std::string(name))).first;
  return found->second;
}

}  // namespace

EngineMetrics::EngineMetrics(telemetry::MetricsRegistry& registry)
    : stuck_steps(registry.gauge("wrench_stuck_steps", "Steps that run on though their result doesn't count any more")),
      event_lag(registry.gauge("wrench_event_lag_events", "Events that the engine was behind when it looked last")),
      payload_hits(registry.counter("wrench_payload_cache_hits_total", "Inputs and outputs found parsed")),
      payload_misses(registry.counter("wrench_payload_cache_misses_total", "Inputs and outputs read and parsed")),
      registry_(registry),
      retries_(registry.counter("wrench_step_retries_total", "Attempts that failed and will be made again")),
      dead_(registry.counter("wrench_steps_dead_total", "Steps that wait for a person after they failed")),
      uncertain_(
          registry.counter("wrench_steps_uncertain_total", "Steps of which nobody knows whether they took effect")),
      lease_losses_(registry.counter("wrench_lease_losses_total", "Steps whose process died or was cut off")),
      fenced_(registry.counter("wrench_fenced_writes_total", "Results dropped because others had taken the step")),
      pauses_(registry.counter("wrench_task_pauses_total", "Tasks that somebody held back")),
      requests_(registry.counter("wrench_requests_total", "What other processes asked for, and was done")),
      created_(registry.counter("wrench_tasks_created_total", "Tasks and reruns that were stored")),
      parked_(registry.counter("wrench_steps_parked_total", "Steps put aside because their key was used up")),
      row_hits_(registry.counter("wrench_row_cache_hits_total", "Executions and steps that needn't be read")),
      row_misses_(registry.counter("wrench_row_cache_misses_total", "Executions and steps that were read")),
      claim_delay_(registry.histogram("wrench_claim_delay_seconds", "From a step's being ready to its first claim",
                                      latency_buckets_s())),
      flush_commands_(registry.histogram("wrench_flush_commands", "Jobs of the engine in one durable commit",
                                         telemetry::count_buckets())),
      executions_(registry.gauge("wrench_executions_active", "Executions that go on in this process")) {
  for (std::size_t i = 0; i < kSlotClasses; ++i) {
    const telemetry::Labels slot = {{"slot", std::string(name(static_cast<SlotClass>(i)))}};
    slots_[i] = &registry.gauge("wrench_slots", "Steps that may run at once", slot);
    slots_used_[i] = &registry.gauge("wrench_slots_used", "Steps that run", slot);
    queue_depth_[i] = &registry.gauge("wrench_queue_depth", "Steps of this process that wait for a slot", slot);
  }
}

EngineMetrics::TaskSeries& EngineMetrics::of_kind(std::string_view kind) {
  return series_of(kinds_, kind, kKindsMeasuredMax, [this](const std::string& label) {
    TaskSeries out;
    for (std::size_t i = 0; i < kTaskOutcomes; ++i)
      out.processed[i] = &registry_.counter("wrench_tasks_processed_total", "Executions of tasks that ended",
                                            {{"kind", label}, {"outcome", std::string(kTaskOutcomeNames[i])}});
    out.seconds = &registry_.histogram("wrench_task_execution_time_seconds", "From an execution's start to its end",
                                       latency_buckets_s(), {{"kind", label}});
    return out;
  });
}

EngineMetrics::StepSeries& EngineMetrics::of_capability(std::string_view capability) {
  return series_of(capabilities_, capability, kCapabilitiesMeasuredMax, [this](const std::string& label) {
    StepSeries out;
    for (std::size_t i = 0; i < kStepOutcomes; ++i)
      out.processed[i] = &registry_.counter("wrench_steps_processed_total", "Runs of steps, by what became of them",
                                            {{"capability", label}, {"outcome", std::string(kStepOutcomeNames[i])}});
    const telemetry::Labels only = {{"capability", label}};
    out.seconds =
        &registry_.histogram("wrench_step_execution_time_seconds", "One run of a step", latency_buckets_s(), only);
    out.cpu_us =
        &registry_.counter("wrench_step_cpu_microseconds_total", "CPU time, with programs that were run", only);
    out.read_bytes = &registry_.counter("wrench_step_read_bytes_total", "Read from disks", only);
    out.written_bytes = &registry_.counter("wrench_step_written_bytes_total", "Written to disks", only);
    return out;
  });
}

void EngineMetrics::count(const StepRow& before, const StepRow& after, const PlanNode& node) {
  if (after.state == StepState::Dead && before.state != StepState::Dead) dead_.add();
  if (after.state == StepState::Uncertain && before.state != StepState::Uncertain) uncertain_.add();
  if (after.lost > before.lost) lease_losses_.add();
  if (before.state != StepState::Running) return;
  if (after.state == StepState::RetryWait && after.attempt == before.attempt) retries_.add();
  if (node.kind != NodeKind::Call) return;
  if (const auto outcome = outcome_of(before, after)) of_capability(node.capability).processed[*outcome]->add();
}

/// Few words for each label, and only seen ones become series.
void EngineMetrics::count(const RecoveryCount& recovery) {
  registry_
      .counter("wrench_recoveries_total", "What was done about failures of steps",
               {{"class", recovery.held_back ? "held_back" : std::string(name(recovery.error_class))},
                {"strategy", std::string(name(recovery.strategy))},
                {"severity", std::string(name(recovery.severity))}})
      .add();
}

void EngineMetrics::flushed(const Dispatcher::Batch& batch, const RowCache& cache) {
  flush_commands_.observe(static_cast<double>(batch.jobs.size()));
  row_hits_.raise_to(cache.hits);
  row_misses_.raise_to(cache.misses);
  const FlushPlan& plan = batch.plan;
  for (const Result<void>& verdict : plan.verdicts)
    if (!verdict.ok() && verdict.error().code == "workflow.fenced") fenced_.add();
  requests_.add(plan.requests_done.size());
  parked_.add(plan.parks.size());
  if (batch.shared && batch.shared->unserved > 0)
    registry_
        .counter("wrench_queues_unserved_total", "Queues that were told of because no worker offers what they require")
        .add(static_cast<std::uint64_t>(batch.shared->unserved));
  for (const std::string& dim : plan.budgets.refusals) {
    // Names of tools are whatever plans say.
    const std::string label = dim.starts_with("tool_calls.") ? "tool_calls" : dim;
    registry_.counter("wrench_budget_refusals_total", "What a budget had nothing left for", {{"dimension", label}})
        .add();
  }
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const auto& work = batch.jobs[i].work;
    const bool creates = std::holds_alternative<Creation>(work) || std::holds_alternative<Rerun>(work);
    if (creates && batch.receipts[i] && batch.receipts[i]->ok() && !(*batch.receipts[i])->existed) created_.add();
  }
  for (const auto& [before, after] : plan.steps)
    if (before) count(*before, after, batch.rows.plans.at(after.execution_no)->nodes()[after.node]);
  for (const RecoveryCount& recovery : plan.recoveries) count(recovery);
  for (const Launch& launch : plan.launches)
    if (launch.step.epoch == 1) claim_delay_.observe(seconds(launch.step.claimed_at - launch.step.scheduled_at));
  for (const auto& [before, after] : plan.executions) {
    if ((after.paused == Pause::Yes || after.paused == Pause::Now) && before && before->paused == Pause::No)
      pauses_.add();
    if (!is_terminal(after.status) || (before && is_terminal(before->status))) continue;
    TaskSeries& task = of_kind(batch.rows.tasks.at(after.task_no).kind);
    const auto outcome = static_cast<std::size_t>(after.status) - static_cast<std::size_t>(ExecutionStatus::Completed);
    task.processed[outcome]->add();
    if (after.started_at != 0) task.seconds->observe(seconds(after.completed_at - after.started_at));
  }
}

void EngineMetrics::ran(const PlanNode& node, Micros took_us, const runtime::Usage& used) {
  if (node.kind != NodeKind::Call) return;
  StepSeries& step = of_capability(node.capability);
  step.seconds->observe(seconds(took_us));
  step.cpu_us->add(static_cast<std::uint64_t>(used.cpu_us + used.children_cpu_us));
  step.read_bytes->add(used.read_bytes);
  step.written_bytes->add(used.written_bytes);
}

void EngineMetrics::stands(const std::array<int, kSlotClasses>& slots, const std::array<int, kSlotClasses>& used,
                           const std::array<int, kSlotClasses>& backlog, std::size_t executions) {
  for (std::size_t i = 0; i < kSlotClasses; ++i) {
    slots_[i]->set(slots[i]);
    slots_used_[i]->set(used[i]);
    queue_depth_[i]->set(backlog[i]);
  }
  executions_.set(static_cast<std::int64_t>(executions));
}

void export_queue_ages(telemetry::MetricsRegistry& registry, storage::Store& store, const EngineView& view,
                       std::string_view boot, Micros now) {
  for (std::size_t i = 0; i < kSlotClasses; ++i) {
    const auto slot = static_cast<SlotClass>(i);
    Micros age_us = 0;
    if (view.backlog[i] > 0) {
      const auto queue =
          store.read([&](storage::ReadTx& tx) { return look_at_queue(tx, queue_name(slot, boot), now); });
      if (queue.ok()) age_us = queue->head_age_us;
    }
    registry
        .gauge("wrench_oldest_ready_age_seconds", "How long the next step of a queue has been ready",
               {{"slot", std::string(name(slot))}})
        .set(age_us / kMicrosPerSecond);
  }
}

void export_store_stats(telemetry::MetricsRegistry& registry, const storage::StoreStats& stats) {
  const auto total = [&](std::string_view name, std::string_view help, std::uint64_t count) {
    registry.counter(name, help).raise_to(count);
  };
  total("wrench_store_flushes_total", "Durable commits", stats.flushes);
  total("wrench_store_jobs_total", "Jobs that were committed", stats.jobs);
  total("wrench_store_jobs_failed_total", "Jobs that were refused or failed", stats.jobs_failed);
  total("wrench_store_reruns_total", "Commits repeated one job at a time", stats.reruns);
  total("wrench_store_statements_total", "Statements of the writer", stats.statements);
  total("wrench_store_reads_total", "Snapshots that were read", stats.reads);
  total("wrench_store_checkpoints_total", "Copies of the log into the database file", stats.checkpoints);
  total("wrench_store_conflicts_total", "Commits repeated after a deadlock", stats.conflicts);
  total("wrench_store_reconnects_total", "Connections to the database that had to be made anew", stats.reconnects);
  total("wrench_store_lost_answers_total", "Commits whose answer got lost and was looked up", stats.lost_answers);
  registry.gauge("wrench_store_wal_pages", "Pages in the write-ahead log")
      .set(static_cast<std::int64_t>(stats.wal_pages));
  registry.gauge("wrench_store_queued_jobs", "Jobs that wait for a commit")
      .set(static_cast<std::int64_t>(stats.queued_jobs));
}

}  // namespace wrench::workflow
