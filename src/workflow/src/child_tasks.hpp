#pragma once

#include <vector>

#include "creation.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

/// Tasks that steps began and wait for: a child's end is the answer to its parent's wait, and a step that waits no more
/// asks its child to end. Both are rows, so they reach whichever process runs the other.
namespace wrench::workflow::child_tasks {

/// Stores the child of a step that begins to wait. It belongs to whom and to what the parent belongs.
Result<creation::Created> begin(storage::WriteTx& tx, Creation child, const TaskRow& parent, StepKey step,
                                creation::Numbers& numbers);

/// The task has ended: decides the wait of its parent's step. False: nobody waits for it.
Result<bool> ended(storage::WriteTx& tx, const TaskRow& task, std::int64_t execution_no, Ownership ownership);

/// What the end of the child means for the step.
struct Outcome {
  codec::Json output;
  codec::Json refusal;  ///< An error; null: the output counts.
};
/// `answer` is what ended() kept of it.
Result<Outcome> outcome_of(storage::ReadTx& tx, const codec::Json& answer);

/// The step waits no more: its child, if it hasn't ended, is asked to. What this process can do about it at once.
Result<std::vector<Command>> give_up(storage::WriteTx& tx, StepKey step, std::string_view boot, Ownership ownership);

}  // namespace wrench::workflow::child_tasks
