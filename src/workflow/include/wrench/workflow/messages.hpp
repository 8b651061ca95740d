#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/codec/json_schema.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kMessageContentBytesMax = 256 * 1024;
inline constexpr std::size_t kMessageTypeBytesMax = 64;
inline constexpr std::size_t kMessageKeyBytesMax = 200;
inline constexpr std::size_t kAddressBytesMax = 200;
inline constexpr std::int64_t kInboxMax = 10'000;  ///< Open messages of one receiver.
inline constexpr Micros kMessageTtl = 7 * kMicrosPerDay;
inline constexpr Micros kMessageTtlMax = 90 * kMicrosPerDay;
inline constexpr Micros kMessageKept = 30 * kMicrosPerDay;  ///< After it was closed: default of RetentionPolicy.
inline constexpr std::size_t kMessagePageMax = 200;
inline constexpr std::size_t kMessagePageBytesMax = 8 * 1024 * 1024;  ///< Of content; a page has one message at least.
inline constexpr int kDeliveryAttemptsMax = 5;  ///< A message that a handler refuses so often is dead.

/// Open: not yet acknowledged. Dead: too old, or refused by its handler; kept for people to see.
enum class MessageState : std::uint8_t { Open, Acknowledged, Dead };
std::string_view name(MessageState state);
std::optional<MessageState> parse_message_state(std::string_view word);

/// A kind of message that programs understand.
struct MessageType {
  std::string name;     ///< [a-z0-9_.]{1,64}, e.g. "finding.evidence_wanted"; none begins with "x.".
  std::string meaning;  ///< One line for people.
  codec::Json schema;   ///< JSON Schema 2020-12 of the content.
};

/// What may be sent: registered types with content that fits, and anything whose type begins with "x.". Immutable.
class MessageTypes {
 public:
  /// Errors: workflow.invalid_message (a name that is none, or is there twice), codec.*.
  static Result<MessageTypes> make(std::vector<MessageType> types);
  /// By name.
  const std::vector<MessageType>& all() const { return all_; }
  /// Errors: workflow.invalid_message.
  Result<void> check(std::string_view type, const codec::Json& content) const;

 private:
  std::vector<MessageType> all_;
  std::map<std::string, codec::JsonSchema, std::less<>> schemas_;
};

/// Who sends, as the runtime knows it: never taken from what is sent.
struct MessageSender {
  std::string address;            ///< "agent:inspector", "user:ada"
  std::int64_t execution_no = 0;  ///< Of the step that sends; 0: none does.
  std::string source_step;        ///< "exe_…/3"
};

struct MessageDraft {
  /// "agent:<name>", "task:<task id>", "step:<execution id>/<no>", "user:<name>", "project:<name>", "topic:<name>".
  std::string receiver;
  std::string type;
  codec::Json content;   ///< At most kMessageContentBytesMax as JSON.
  std::string reply_to;  ///< message_id of what this answers.
  /// From this sender to this receiver a key names one message: sent again with the same content, it is that one.
  std::string idem_key;
  Micros ttl = kMessageTtl;  ///< Not acknowledged until then it is dead.
};

struct SentMessage {
  std::string message_id;  ///< "msg_…"
  bool existed = false;    ///< Found by its key; nothing was sent.
};

struct Message {
  std::string message_id, sender, receiver;
  std::int64_t seq = 0;  ///< Rises with each message that the receiver gets.
  std::string type;
  codec::Json content;
  std::string reply_to, idem_key, source_step;
  MessageState state = MessageState::Open;
  Micros created_at = 0, expires_at = 0;
  std::optional<Micros> closed_at;
  std::string closed_by, reason;  ///< Reason: why it is dead.
};

struct MessageQuery {
  std::string receiver;               ///< Empty: of all, newest first. Else of this one, in the order of sending.
  std::optional<MessageState> state;  ///< Only with a receiver.
  std::string type;                   ///< Empty: all.
  std::optional<std::int64_t> execution_no;  ///< Sent by its steps; in the order of sending.
  std::string cursor;                        ///< MessagePage::next_cursor.
  std::size_t limit = 100;                   ///< At most kMessagePageMax.
};
struct MessagePage {
  std::vector<Message> messages;
  std::string next_cursor;  ///< Empty: that was the last page.
};

/// Somebody who handles what a receiver gets, in order, and whose place is kept under a name across restarts.
struct Subscription {
  std::string subscriber;  ///< [a-z0-9_.-]{1,64}
  std::string receiver;
  std::vector<std::string> types;                          ///< Others are passed over. Empty: all.
  std::function<bool(const Message& message)> wants = {};  ///< Of these, which; others are passed over. Empty: all.
  /// Gives what it wants to be written. That is written in the transaction that moves the place on, and acknowledges
  /// the message: it happens once, whatever is killed when. May run more than once for a message: everything else that
  /// it does happens at least once. An error: tried again later, before later messages; after kDeliveryAttemptsMax the
  /// message is dead, one to a topic or project passed over.
  std::function<Result<storage::WriteBody>(const Message& message)> handler;
};
struct Delivered {
  std::size_t count = 0;
  std::optional<Micros> again_at;  ///< A refused message is due then.
};

/// Typed, durable mail. What one sender sends to one receiver arrives in that order. Thread-safe.
/// Error codes: workflow.invalid_message, workflow.message_not_found, workflow.receiver_not_found, workflow.inbox_full,
/// workflow.idempotency_conflict, workflow.invalid_transition, workflow.invalid_cursor, storage.*.
class Messages {
 public:
  /// All must outlive this. `agent_exists` says which receivers "agent:…" there are.
  Messages(storage::Store& store, const MessageTypes& types, std::function<bool(std::string_view)> agent_exists,
           const Clock& clock, Random& random);

  /// Returns when it is durable. A message to a step that waits for a signal is that signal, its content the value; one
  /// that comes before the step waits is kept for it.
  Result<SentMessage> send(const MessageSender& sender, MessageDraft draft);
  /// The same as a write for somebody else's transaction: sent with it, or not at all.
  Result<storage::WriteBody> sending(const MessageSender& sender, MessageDraft draft) const;

  Result<MessagePage> list(const MessageQuery& query);
  /// By id, or by its last 6 or more characters.
  Result<Message> find(std::string_view id_or_suffix);
  /// Acknowledged again it stays so. A dead one: workflow.invalid_transition.
  Result<void> acknowledge(std::string_view message_id, std::string_view actor);
  /// The same as a write for somebody else's transaction; one that died meanwhile stays dead.
  storage::WriteBody acknowledging(std::string message_id, std::string actor) const;

  /// Hands over what is due, at most `limit` messages; passive: the caller says when. Several processes may deliver to
  /// one subscriber: each message's effects are written by one of them. New subscribers begin with the oldest open
  /// message. One to a topic or project is acknowledged when every subscriber that is known by then has handled it.
  Result<Delivered> deliver(const Subscription& to, std::size_t limit = kMessagePageMax);
  /// Delivers as it comes until asked to stop. Waits for events between, so it costs nothing when nothing comes.
  Result<void> serve(const Subscription& to, const StopToken& stop);
  /// Forgets a subscriber's place, so that topics no longer keep messages for it.
  Result<void> unsubscribe(std::string_view receiver, std::string_view subscriber);

 private:
  storage::Store& store_;
  const MessageTypes& types_;
  const std::function<bool(std::string_view)> agent_exists_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace wrench::workflow
