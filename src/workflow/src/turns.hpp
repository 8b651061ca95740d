#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"

/// The order of turns on a shared store (PostgreSQL), where every process puts steps into the same queues. Ranks are
/// those of `Ranks`; where the turns of a flow stand is kept beside the queues, so that what a process adds comes after
/// what others have added, and what comes after a restart after what waited before.
///
/// Ranks are read without a lock: of flushes that end at the same time none waits for another, and what they add to one
/// flow is mixed.
namespace wrench::workflow::turns {

/// Where tasks wait for a worker that begins them; beside the queues of the slot classes.
inline constexpr std::string_view kStartQueue = "start";

/// Least ranks in the queues of the slot classes; 0: nothing waits.
Result<std::array<std::int64_t, kSlotClasses>> heads(storage::WriteTx& tx);

/// What is stored of flows that have something in a queue behind its head. `heads`: as above. Others have been idle,
/// and their rows are removed, unless `keeps_idle`.
Result<std::map<Ranks::Flow, std::int64_t>> tails(storage::WriteTx& tx,
                                                  const std::array<std::int64_t, kSlotClasses>& heads, bool keeps_idle);

/// After the queues themselves, last in a flush: other flushes wait for these rows.
Result<void> keep(storage::WriteTx& tx, const std::map<Ranks::Flow, std::int64_t>& tails);

/// Executions that a flush puts into the queue of those to be begun, by project and priority as steps are.
class Starts {
 public:
  /// Its flow is looked up.
  void add(std::int64_t execution_no) { executions_.push_back({execution_no, std::nullopt}); }
  void add(std::int64_t execution_no, std::int64_t project_id, Priority priority) {
    executions_.push_back({execution_no, Flow(project_id, priority)});
  }
  /// Last in a flush, like keep(); their rows are stored.
  Result<void> write(storage::WriteTx& tx) const;

 private:
  using Flow = std::pair<std::int64_t, Priority>;  ///< By project.
  struct Start {
    std::int64_t execution_no = 0;
    std::optional<Flow> flow;
  };
  std::vector<Start> executions_;
};

}  // namespace wrench::workflow::turns
