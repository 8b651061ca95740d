#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

/// What processes ask of the one that owns an execution. The command that obeys deletes the row (Cancel::request).
namespace wrench::workflow::requests {

/// Nothing happens if the execution has ended.
Result<void> add(storage::WriteTx& tx, const Request& request);
/// Request::reason of a StepResolve.
std::string resolve_reason(std::int64_t step_no, const Payload& output);
/// Oldest first.
Result<std::vector<Command>> of_execution(storage::ReadTx& tx, std::int64_t execution_no);
/// The same of several.
Result<std::vector<Command>> of_executions(storage::WriteTx& tx, std::span<const storage::Bind> execution_nos);
/// Of all executions that the boot owns, ended ones too.
Result<std::vector<Command>> of_boot(storage::ReadTx& tx, std::string_view boot);

/// Of these, what is only to be told.
Result<std::vector<Command>> notes_of(storage::ReadTx& tx, std::int64_t execution_no);

/// (execution, seq) of the request that the command obeys.
std::optional<std::pair<std::int64_t, std::int64_t>> request_of(const Command& command);
/// The requests that are still to be obeyed, of the executions that such commands are about.
Result<std::set<std::pair<std::int64_t, std::int64_t>>> open_of(storage::WriteTx& tx,
                                                                std::span<const Command> commands);

}  // namespace wrench::workflow::requests
