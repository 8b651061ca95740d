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

/// Some of what is too old dies, and some of what was closed long ago is deleted: each write does a little of it.
Result<void> tidy(storage::WriteTx& tx);

Result<void> announce(storage::WriteTx& tx, std::string_view type, const Message& message, std::string_view actor);

}  // namespace wrench::workflow::message_rows
