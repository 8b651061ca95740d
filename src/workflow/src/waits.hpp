#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/waits.hpp"

/// Rows of what waits outside, and what decisions about them mean for steps.
namespace wrench::workflow::waits {

/// The step of a completed Outcome::Wait. A signal, or a message to the step, that came too early answers it at once.
Result<void> open(storage::WriteTx& tx, StepKey step, const WaitDraft& draft);

/// Writes the decision down. Errors: workflow.wait_not_found, workflow.wait_decided, workflow.wait_expired,
/// workflow.four_eyes, workflow.delegated, workflow.answer_invalid, workflow.invalid_transition.
Result<StepKey> decide(storage::WriteTx& tx, const Answering& answering);
/// Decides the wait of that name, or keeps the signal for the next. Errors: workflow.invalid_transition (the execution
/// has ended), workflow.inbox_full.
Result<std::optional<StepKey>> signal(storage::WriteTx& tx, const Signalling& signalling);

/// Decides a wait whose decision needs no check. Errors: workflow.conflict (it is decided, or over).
Result<void> mark(storage::WriteTx& tx, std::int64_t execution_no, std::string_view wait_id, std::string_view decision,
                  const std::string& actor, const std::string& comment, const std::string& answer_json,
                  const std::string& edited_hash = {});

/// A message is the signal of the step that waits for one. False: it doesn't wait for one now.
Result<bool> signal_step(storage::WriteTx& tx, StepKey step, const std::string& value_json, const std::string& actor);

/// Names who alone is to decide. Errors: workflow.wait_not_found, workflow.wait_decided, workflow.four_eyes.
Result<void> delegate(storage::WriteTx& tx, std::string_view wait_id, std::string_view to, const std::string& actor,
                      Ownership ownership);

/// What is decided and the step hasn't heard of; nothing if there is nothing.
Result<std::optional<Command>> decision_of(storage::WriteTx& tx, StepKey step);
/// The same of whole executions.
Result<std::vector<Command>> decisions_of(storage::WriteTx& tx, std::span<const storage::Bind> execution_nos);

}  // namespace wrench::workflow::waits
