#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/messages.hpp"

/// Rows of messages.
namespace wrench::workflow::message_rows {

struct Stored {
  std::int64_t no = 0;
  Message message;
  std::string content_hash;
};
Result<Stored> from(const storage::Rows::Row& row);

/// An open message is acknowledged, or dead for a reason. False: it wasn't open any more.
Result<bool> close(storage::WriteTx& tx, const Stored& message, MessageState state, std::string_view by,
                   std::string_view reason = {});

/// The first open message to a step, which becomes acknowledged.
Result<std::optional<Message>> take_for_step(storage::WriteTx& tx, std::int64_t execution_no, std::int64_t step_no);

/// Up to `most` open messages that expired by `until` die; how many.
Result<std::int64_t> expire(storage::WriteTx& tx, Micros until, std::size_t most);
/// A few of them: each write does a little of it, so that no inbox is full of what nobody will read.
Result<void> tidy(storage::WriteTx& tx);

Result<void> announce(storage::WriteTx& tx, std::string_view type, const Message& message, std::string_view actor);

}  // namespace wrench::workflow::message_rows
