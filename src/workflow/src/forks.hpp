#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/fork.hpp"

namespace wrench::workflow {

class PlanCache;

/// A fork on its way into the store: everything that needs only what never changes again is done.
struct ForkDraft {
  /// A value that takes another's place. An entry in the journal of the fork.
  struct Given {
    std::int64_t step_no = 0;  ///< 0: the inputs.
    std::string json;
    std::optional<storage::PreparedBlob> blob;  ///< Of large ones.
  };
  ForkPreview preview;      ///< Without its lists of steps.
  std::int64_t base = 0;    ///< Execution.
  std::int64_t latest = 0;  ///< The task's latest execution when this was prepared.
  std::int64_t seq = 0;
  std::string from, set, actor;
  std::vector<Given> given;
};

namespace forks {

/// Errors: those of preview_fork(); workflow.fork_repeats_effects, unless the request says that they may.
Result<ForkDraft> prepare(storage::ReadTx& tx, PlanCache& plans, std::int64_t task_no, const ForkRequest& request);
/// Makes a fork of an execution that was just inserted.
Result<void> insert(storage::WriteTx& tx, const ForkDraft& draft, std::int64_t execution_no);
/// What the core has to know of a fork. It never changes.
Result<std::shared_ptr<const Fork>> load(storage::ReadTx& tx, const Plan& plan, std::int64_t execution_no);

/// Where the step with this number, outside of bodies, is: in this execution or in one that it goes back to.
struct Place {
  std::int64_t execution_no = 0;
  StepState state = StepState::Blocked;
  std::int64_t output_seq = 0;
};
Result<std::optional<Place>> find_step(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t step_no);
/// The execution that it goes back to; 0: it is no fork.
Result<std::int64_t> base_of(storage::ReadTx& tx, std::int64_t execution_no);
/// The oldest execution that it goes back to; itself if it is no fork.
Result<std::int64_t> first_of(storage::ReadTx& tx, std::int64_t execution_no);
/// Of the execution: its task's, unless a fork set others.
Result<codec::Json> inputs(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t task_no);

}  // namespace forks
}  // namespace wrench::workflow
