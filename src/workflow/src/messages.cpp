#include "wrench/workflow/messages.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "message_address.hpp"
#include "message_rows.hpp"
#include "messages_sql.hpp"
#include "row_store.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "stored_text.hpp"
#include "waits.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using message_rows::Stored;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::size_t kIdBytesMax = 64;
constexpr std::int64_t kDefaultOrg = 1;

Error invalid(std::string message) { return {"workflow.invalid_message", std::move(message)}; }

Bind text_or_null(const std::string& text) { return text.empty() ? Bind(std::nullopt) : Bind(text); }

/// A message ready to be sent; what is costly is done outside of the transaction.
struct Prepared {
  MessageSender sender;
  MessageDraft draft;
  Address to;
  std::string message_id, content, hash;
};

std::string hash_of(const MessageDraft& draft) {
  const crypto::Sha256Digest digest = crypto::sha256(codec::canonical_json(
      Json::object({{"type", draft.type}, {"content", draft.content}, {"reply_to", draft.reply_to}})));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<Prepared> prepare(const MessageSender& sender, MessageDraft draft, const MessageTypes& types, const Clock& clock,
                         Random& random) {
  Prepared out;
  out.to = WRENCH_TRY(parse_address(draft.receiver));
  if (sender.address.empty() || !is_stored_text(sender.address, kAddressBytesMax))
    return invalid("who sends it is UTF-8 text of at most " + std::to_string(kAddressBytesMax) + " bytes");
  if (holds_nul(draft.content)) return invalid("the content holds U+0000");
  out.content = codec::write_json(draft.content);
  const std::size_t bytes_max = out.to.kind == AddressKind::Step ? kAnswerBytesMax : kMessageContentBytesMax;
  if (out.content.size() > bytes_max)
    return invalid("the content has " + format_bytes(out.content.size()) + "; at most " + format_bytes(bytes_max) +
                   " are sent");
  WRENCH_TRY(types.check(draft.type, draft.content));
  if (!is_stored_text(draft.idem_key, kMessageKeyBytesMax))
    return invalid("a key is UTF-8 text of at most " + std::to_string(kMessageKeyBytesMax) + " bytes");
  if (!is_stored_text(draft.reply_to, kIdBytesMax)) return invalid("what it replies to is no id of a message");
  if (draft.ttl <= 0 || draft.ttl > kMessageTtlMax)
    return invalid("a message lives for at most " + std::to_string(kMessageTtlMax / kMicrosPerDay) + " days");
  out.message_id = make_id("msg", clock, random);
  out.hash = hash_of(draft);
  out.sender = sender;
  out.draft = std::move(draft);
  return out;
}

Error no_such(const Prepared& message) {
  return {"workflow.receiver_not_found", "there is no " + escape_for_display(message.draft.receiver)};
}

/// Of a step its key; others only have to be there.
Result<std::optional<StepKey>> check_receiver(WriteTx& tx, const Prepared& message) {
  const Address& to = message.to;
  switch (to.kind) {
    case AddressKind::Task:
      if (WRENCH_TRY(tx.query(sql::kTaskById, {to.name})).empty()) return no_such(message);
      break;
    case AddressKind::Project:
      if (WRENCH_TRY(tx.query(sql::kProjectByName, {kDefaultOrg, to.name})).empty()) return no_such(message);
      break;
    case AddressKind::Step: {
      const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionByPublicId, {to.name}));
      if (execution.empty()) return no_such(message);
      const StepKey key{execution.front().integer(0), to.step_no};
      // On PostgreSQL the step could begin to wait meanwhile, and neither would see the other.
      const Bind locked(key.execution_no);
      WRENCH_TRY(tx.query_many(sql::kLockExecution, 1, {&locked, 1}, storage::RowLock::ForUpdate));
      const Rows step = WRENCH_TRY(tx.query(sql::kStepRow, {key.execution_no, key.step_no}));
      if (step.empty()) return no_such(message);
      if (is_terminal(row_store::step_from(step.front()).state))
        return Error("workflow.invalid_transition",
                     escape_for_display(message.draft.receiver) + " has ended: it reads no more");
      return std::optional(key);
    }
    case AddressKind::Agent:  // Checked before.
    case AddressKind::User:
    case AddressKind::Topic:
      break;
  }
  return std::optional<StepKey>();
}

Error inbox_full(const Prepared& message) {
  return Error("workflow.inbox_full", escape_for_display(message.draft.receiver) + " has " + std::to_string(kInboxMax) +
                                          " messages that nobody acknowledged")
      .with_help("wrench message list");
}

/// The same message, sent before.
Result<std::optional<SentMessage>> sent_before(WriteTx& tx, const Prepared& message) {
  if (message.draft.idem_key.empty()) return std::optional<SentMessage>();
  const Rows rows = WRENCH_TRY(
      tx.query(sql::kMessageByKey, {message.draft.receiver, message.sender.address, message.draft.idem_key}));
  if (rows.empty()) return std::optional<SentMessage>();
  const std::string id(rows.front().text(0));
  if (rows.front().bytes(1) != message.hash)
    return Error("workflow.idempotency_conflict", "another message was sent with that key: " + id);
  return std::optional(SentMessage{id, true});
}

Result<SentMessage> insert(WriteTx& tx, const Prepared& message, storage::Dialect dialect) {
  const MessageDraft& draft = message.draft;
  WRENCH_TRY(message_rows::tidy(tx));
  if (auto before = WRENCH_TRY(sent_before(tx, message))) return *before;
  const auto step = WRENCH_TRY(check_receiver(tx, message));
  const Rows mailbox = WRENCH_TRY(tx.query(sql::kMailbox, {draft.receiver}));
  if (!mailbox.empty() && mailbox.front().integer(0) >= kInboxMax) return inbox_full(message);
  const bool heard = step && WRENCH_TRY(waits::signal_step(tx, *step, message.content, message.sender.address));
  // Whichever worker comes first goes on with it; on SQLite its process looks for decisions.
  if (heard && dialect == storage::Dialect::Postgres) WRENCH_TRY(queue_look(tx, step->execution_no));
  const Rows counted = WRENCH_TRY(tx.query(sql::kCountMessage, {draft.receiver, heard ? 0 : 1}));
  if (counted.front().integer(1) > kInboxMax) return inbox_full(message);
  const auto state = heard ? MessageState::Acknowledged : MessageState::Open;
  const Micros now = tx.now();
  WRENCH_TRY(
      tx.exec(sql::kInsertMessage,
              {message.message_id, message.sender.address, draft.receiver, counted.front().integer(0), draft.type,
               message.content, text_or_null(draft.reply_to), text_or_null(draft.idem_key), Bind::bytes(message.hash),
               message.sender.execution_no == 0 ? Bind(std::nullopt) : Bind(message.sender.execution_no),
               text_or_null(message.sender.source_step), static_cast<int>(state), now, now + draft.ttl,
               heard ? Bind(now) : Bind(std::nullopt), heard ? Bind(draft.receiver) : Bind(std::nullopt)}));
  Message sent;
  sent.message_id = message.message_id;
  sent.receiver = draft.receiver;
  sent.type = draft.type;
  WRENCH_TRY(message_rows::announce(tx, "message.sent", sent, message.sender.address));
  return SentMessage{message.message_id, false};
}

Error not_found(std::string_view id) {
  return Error("workflow.message_not_found",
               "there is no message '" + escape_for_display(id.substr(0, kIdBytesMax)) + "'")
      .with_help("wrench message list");
}

/// Number after which, or before which, a list goes on.
Result<std::int64_t> place_of(const MessageQuery& query, std::int64_t beginning) {
  if (query.cursor.empty()) return beginning;
  std::int64_t out = 0;
  const char* const end = query.cursor.data() + query.cursor.size();
  const auto [at, ec] = std::from_chars(query.cursor.data(), end, out);
  if (ec == std::errc() && at == end && out >= 0) return out;
  return Error("workflow.invalid_cursor", "'" + escape_for_display(query.cursor) + "' is no cursor of this list");
}

/// Whether the list's order is that of a receiver's numbers, or that of all messages.
bool by_receiver(const MessageQuery& query) { return !query.receiver.empty() && !query.execution_no; }

Result<Rows> rows_of(ReadTx& tx, const MessageQuery& query, std::size_t limit) {
  const int state = query.state ? static_cast<int>(*query.state) : -1;
  if (query.execution_no)
    return tx.query(sql::kMessagesOfExecution,
                    {*query.execution_no, WRENCH_TRY(place_of(query, 0)), query.type, state, query.receiver, limit});
  if (query.receiver.empty()) {
    const auto before = WRENCH_TRY(place_of(query, std::numeric_limits<std::int64_t>::max()));
    return tx.query(sql::kNewestMessages, {before, query.type, limit});
  }
  const std::int64_t after = WRENCH_TRY(place_of(query, 0));
  if (query.state == MessageState::Open)
    return tx.query(sql::kOpenMessagesOf, {query.receiver, after, query.type, limit});
  if (query.state == MessageState::Dead)
    return tx.query(sql::kDeadMessagesOf, {query.receiver, after, query.type, limit});
  return tx.query(sql::kMessagesOf, {query.receiver, after, query.type, state, limit});
}

}  // namespace

Messages::Messages(storage::Store& store, const MessageTypes& types, std::function<bool(std::string_view)> agent_exists,
                   const Clock& clock, Random& random)
    : store_(store), types_(types), agent_exists_(std::move(agent_exists)), clock_(clock), random_(random) {}

Result<SentMessage> Messages::send(const MessageSender& sender, MessageDraft draft) {
  const Prepared message = WRENCH_TRY(prepare(sender, std::move(draft), types_, clock_, random_));
  if (message.to.kind == AddressKind::Agent && !agent_exists_(message.to.name)) return no_such(message);
  SentMessage out;
  WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
    out = WRENCH_TRY(insert(tx, message, store_.dialect()));
    return {};
  }));
  return out;
}

Result<storage::WriteBody> Messages::sending(const MessageSender& sender, MessageDraft draft) const {
  auto message =
      std::make_shared<const Prepared>(WRENCH_TRY(prepare(sender, std::move(draft), types_, clock_, random_)));
  if (message->to.kind == AddressKind::Agent && !agent_exists_(message->to.name)) return no_such(*message);
  return storage::WriteBody([message = std::move(message), dialect = store_.dialect()](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(insert(tx, *message, dialect));
    return {};
  });
}

Result<MessagePage> Messages::list(const MessageQuery& query) {
  if (!query.receiver.empty()) WRENCH_TRY(parse_address(query.receiver));
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kMessagePageMax);
  return store_.read([&](ReadTx& tx) -> Result<MessagePage> {
    const Rows rows = WRENCH_TRY(rows_of(tx, query, limit + 1));
    MessagePage out;
    std::size_t bytes = 0;
    std::int64_t last = 0;
    for (const auto row : rows) {
      bytes += row.text(6).size();
      if (out.messages.size() == limit || (!out.messages.empty() && bytes > kMessagePageBytesMax)) {
        out.next_cursor = std::to_string(last);
        break;
      }
      Stored stored = WRENCH_TRY(message_rows::from(row));
      last = by_receiver(query) ? stored.message.seq : stored.no;
      // The next write will say so.
      if (stored.message.state == MessageState::Open && stored.message.expires_at <= clock_.now_us()) {
        if (query.state == MessageState::Open) continue;
        stored.message.state = MessageState::Dead;
      }
      out.messages.push_back(std::move(stored.message));
    }
    return out;
  });
}

Result<Message> Messages::find(std::string_view id) {
  if (id.size() < kIdSuffixMin || id.size() > kIdBytesMax) return not_found(id);
  std::string wanted(id);
  for (char& c : wanted)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (wanted.starts_with("MSG_")) wanted.replace(0, 4, "msg_");
  return store_.read([&](ReadTx& tx) -> Result<Message> {
    const Rows rows =
        WRENCH_TRY(tx.query(sql::kMessagesByShortId, {std::string_view(wanted).substr(wanted.size() - kIdSuffixMin)}));
    std::vector<Message> found;
    for (const auto row : rows)
      if (row.text(1).ends_with(wanted)) found.push_back(WRENCH_TRY(message_rows::from(row)).message);
    if (found.empty()) return not_found(id);
    if (found.size() == 1) return std::move(found.front());
    Error error("workflow.message_ambiguous", "several messages end in '" + escape_for_display(id) + "'");
    for (const Message& message : found) error = std::move(error).with_help(message.message_id);
    return error;
  });
}

Result<void> Messages::acknowledge(std::string_view message_id, std::string_view actor) {
  return store_.write([&](WriteTx& tx) -> Result<void> {
    const Rows rows = WRENCH_TRY(tx.query(sql::kMessageById, {message_id}));
    if (rows.empty()) return not_found(message_id);
    const Stored message = WRENCH_TRY(message_rows::from(rows.front()));
    if (message.message.state == MessageState::Dead)
      return Error("workflow.invalid_transition",
                   "the message " + message.message.message_id + " is dead: " + message.message.reason);
    WRENCH_TRY(message_rows::close(tx, message, MessageState::Acknowledged, actor));
    return {};
  });
}

storage::WriteBody Messages::acknowledging(std::string message_id, std::string actor) const {
  return [message_id = std::move(message_id), actor = std::move(actor)](WriteTx& tx) -> Result<void> {
    const Rows rows = WRENCH_TRY(tx.query(sql::kMessageById, {message_id}));
    if (rows.empty()) return not_found(message_id);
    const Stored message = WRENCH_TRY(message_rows::from(rows.front()));
    WRENCH_TRY(message_rows::close(tx, message, MessageState::Acknowledged, actor));
    return {};
  };
}

}  // namespace wrench::workflow
