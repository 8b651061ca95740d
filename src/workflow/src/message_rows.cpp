#include "message_rows.hpp"

#include <limits>

#include "message_address.hpp"
#include "messages_sql.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow::message_rows {

using codec::Json;
using storage::Bind;
using storage::Rows;
using storage::WriteTx;

namespace {
constexpr std::size_t kTidiedAtOnce = 16;
}  // namespace

Result<Stored> from(const Rows::Row& row) {
  Stored out;
  out.no = row.integer(0);
  Message& m = out.message;
  m.message_id = row.text(1);
  m.sender = row.text(2);
  m.receiver = row.text(3);
  m.seq = row.integer(4);
  m.type = row.text(5);
  m.content = WRENCH_TRY(codec::parse_json(row.text(6)));
  m.reply_to = row.text_or_empty(7);
  m.idem_key = row.text_or_empty(8);
  m.source_step = row.text_or_empty(9);
  m.state = static_cast<MessageState>(row.integer(10));
  m.created_at = row.integer(11);
  m.expires_at = row.integer(12);
  m.closed_at = row.optional_integer(13);
  m.closed_by = row.text_or_empty(14);
  m.reason = row.text_or_empty(15);
  out.content_hash = row.bytes(16);
  return out;
}

Result<void> announce(WriteTx& tx, std::string_view type, const Message& message, std::string_view actor) {
  storage::EventDraft event;
  event.type = type;
  event.project_id = kDefaultProject;
  event.subject_kind = "message";
  event.subject_id = message.message_id;
  event.actor = actor;
  event.payload = codec::write_json(Json::object({{"receiver", message.receiver}, {"message_type", message.type}}));
  return tx.append_event(event);
}

Result<bool> close(WriteTx& tx, const Stored& message, MessageState state, std::string_view by,
                   std::string_view reason) {
  const auto changed =
      WRENCH_TRY(tx.exec(sql::kCloseMessage, {static_cast<int>(state), tx.now(), by,
                                              reason.empty() ? Bind(std::nullopt) : Bind(reason), message.no}));
  if (changed == 0) return false;
  WRENCH_TRY(tx.exec(sql::kUncountMessage, {message.message.receiver}));
  WRENCH_TRY(announce(tx, state == MessageState::Dead ? "message.dead" : "message.acknowledged", message.message, by));
  return true;
}

Result<std::optional<Message>> take_for_step(WriteTx& tx, std::int64_t execution_no, std::int64_t step_no) {
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (execution.empty()) return std::optional<Message>();
  const std::string address = step_address(row_store::execution_from(execution.front()).execution_id, step_no);
  const Rows rows = WRENCH_TRY(tx.query(sql::kOpenMessagesOf, {address, 0, "", 1}));
  if (rows.empty()) return std::optional<Message>();
  Stored first = WRENCH_TRY(from(rows.front()));
  if (first.message.expires_at <= tx.now()) return std::optional<Message>();
  WRENCH_TRY(close(tx, first, MessageState::Acknowledged, address));
  return std::optional(std::move(first.message));
}

Result<std::int64_t> expire(WriteTx& tx, Micros until, std::size_t most) {
  const Rows old = WRENCH_TRY(tx.query(sql::kMessagesExpired, {until, most}));
  std::int64_t expired = 0;
  for (const auto row : old) {
    const Stored message = WRENCH_TRY(from(row));
    if (WRENCH_TRY(close(tx, message, MessageState::Dead, "system", "nobody acknowledged it in time"))) ++expired;
  }
  return expired;
}

Result<void> tidy(WriteTx& tx) {
  WRENCH_TRY(expire(tx, tx.now(), kTidiedAtOnce));
  return {};
}

}  // namespace wrench::workflow::message_rows
