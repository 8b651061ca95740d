#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/runtime/usage.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/transitions.hpp"

namespace wrench::workflow {

/// Kinds of tasks, and capabilities, that are told apart; the others are counted together as "other".
inline constexpr std::size_t kKindsMeasuredMax = 32;
inline constexpr std::size_t kCapabilitiesMeasuredMax = 128;

/// What the engine of one process counts; docs/reference/monitoring.md has the list. Everything that a flush does is
/// read from its plan once it is durable. Not thread-safe but for the metrics themselves: the engine calls it under its
/// lock.
class EngineMetrics {
 public:
  /// `registry` must outlive it.
  explicit EngineMetrics(telemetry::MetricsRegistry& registry);
  EngineMetrics(const EngineMetrics&) = delete;
  EngineMetrics& operator=(const EngineMetrics&) = delete;

  /// A flush became durable; before its batch gives its rows away.
  void flushed(const Dispatcher::Batch& batch, const RowCache& cache);
  /// One run of a step ended, whatever became of its result.
  void ran(const PlanNode& node, Micros took_us, const runtime::Usage& used);
  /// What stands at this moment.
  void stands(const std::array<int, kSlotClasses>& slots, const std::array<int, kSlotClasses>& used,
              const std::array<int, kSlotClasses>& backlog, std::size_t executions);

  telemetry::Gauge& stuck_steps;     ///< Run on though their result doesn't count any more.
  telemetry::Gauge& event_lag;       ///< Events that the engine hadn't heard of when it looked last.
  telemetry::Counter& payload_hits;  ///< Of PayloadCache.
  telemetry::Counter& payload_misses;

 private:
  static constexpr std::size_t kTaskOutcomes = 4, kStepOutcomes = 10;
  struct TaskSeries {
    std::array<telemetry::Counter*, kTaskOutcomes> processed = {};
    telemetry::Histogram* seconds = nullptr;
  };
  struct StepSeries {
    std::array<telemetry::Counter*, kStepOutcomes> processed = {};
    telemetry::Histogram* seconds = nullptr;
    telemetry::Counter *cpu_us = nullptr, *read_bytes = nullptr, *written_bytes = nullptr;
  };
  TaskSeries& of_kind(std::string_view kind);
  StepSeries& of_capability(std::string_view capability);
  void count(const RecoveryCount& recovery);
  void count(const StepRow& before, const StepRow& after, const PlanNode& node);

  telemetry::MetricsRegistry& registry_;
  std::map<std::string, TaskSeries, std::less<>> kinds_;
  std::map<std::string, StepSeries, std::less<>> capabilities_;
  telemetry::Counter &retries_, &dead_, &uncertain_, &lease_losses_, &fenced_, &pauses_, &requests_, &created_,
      &parked_;
  telemetry::Counter &row_hits_, &row_misses_;
  telemetry::Histogram &claim_delay_, &flush_commands_;
  std::array<telemetry::Gauge*, kSlotClasses> slots_ = {}, slots_used_ = {}, queue_depth_ = {};
  telemetry::Gauge& executions_;
};

/// How long the step that is next in each queue of a process has been ready; asks the store only about queues that
/// hold something.
void export_queue_ages(telemetry::MetricsRegistry& registry, storage::Store& store, const EngineView& view,
                       std::string_view boot, Micros now);
/// Takes over what a store counts by itself.
void export_store_stats(telemetry::MetricsRegistry& registry, const storage::StoreStats& stats);

}  // namespace wrench::workflow
