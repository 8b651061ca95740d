#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "row_store.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/rows.hpp"

namespace wrench::workflow {

struct JournalLine {
  std::int64_t seq = 0;
  std::string kind;
  std::int64_t step_no = 0;
  Micros at = 0;
  std::string data;  ///< Of claims, completions and timeouts: JSON, or empty.
};

/// Every row of one execution, as one snapshot shows them. The product's checker and the simulator's look at it.
struct ExecutionImage {
  ExecutionRow row;
  TaskState task_state = TaskState::Draft;
  std::string task_status;
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<const Fork> fork;  ///< Null: it is none.
  std::string fork_problem;          ///< What is wrong with what it goes back to.
  std::map<std::int64_t, StepRow> steps;
  std::map<std::int64_t, std::vector<std::pair<std::string, std::int64_t>>>
      ready;                                                     ///< Queue and rank, by step; also parked.
  std::map<std::int64_t, std::map<TimerKind, TimerRow>> timers;  ///< By step.
  std::set<std::int64_t> waits;                                  ///< Steps of which some wait is open.
  std::set<std::int64_t> drawing;                                ///< Steps that have open lines in the ledger.
  std::set<std::int64_t> keyless;                                ///< Running steps that don't hold their keys.
  std::vector<JournalLine> journal;
  std::string last_event;            ///< Payload of the newest one that tells of this version; empty: none is kept.
  std::int64_t lost_contents = 0;    ///< Journal entries whose content isn't stored.
  std::int64_t early_findings = 0;   ///< Findings of steps that haven't completed.
  std::int64_t strange_effects = 0;  ///< Effects of steps that don't exist, or with a receipt and no time of it.
};

struct ExecutionCheck {
  std::function<bool(std::string_view boot_id)> boot_is_live;
  int losses_max = 0;
  Ownership ownership = Ownership::Exclusive;
  std::function<bool(std::string_view boot_id)> is_worker;  ///< Ownership::Shared: it has a row of `workers`.
};

/// Errors: storage.snapshot_expired, storage.result_too_large for one that is too large.
Result<ExecutionImage> load_image(storage::ReadTx& tx, PlanCache& plans, std::int64_t execution_no,
                                  Ownership ownership = Ownership::Exclusive, std::size_t rows_max = SIZE_MAX);

/// What doesn't hold of it, one line each. Rows may hold anything.
std::vector<std::string> check_execution(const ExecutionImage& image, const ExecutionCheck& check);

}  // namespace wrench::workflow
