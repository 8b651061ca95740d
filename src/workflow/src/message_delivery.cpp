#include <algorithm>
#include <utility>

#include "message_address.hpp"
#include "message_rows.hpp"
#include "messages_sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/messages.hpp"

namespace wrench::workflow {

using message_rows::Stored;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr Micros kFirstDelay = kMicrosPerSecond;
/// serve() looks again at least so often: a message's time may have come without any event.
constexpr Micros kLookAgain = 60 * kMicrosPerSecond;
/// Somebody else moved the subscription on, or closed the message: look again.
constexpr std::string_view kOvertaken = "workflow.conflict";

struct Place {
  std::int64_t cursor = 0, attempts = 0;
  Micros retry_at = 0;
};

/// What comes next.
struct Batch {
  bool known = false;  ///< The subscription has a row.
  Place place;
  std::vector<Stored> messages;
};

/// `looked_to`: those up to there were passed over.
Result<Batch> next_batch(ReadTx& tx, const Subscription& to, std::size_t limit, std::int64_t looked_to = 0) {
  Batch out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kSubscription, {to.receiver, to.subscriber}));
  if (rows.empty()) return out;
  out.known = true;
  out.place = {rows.front().integer(0), rows.front().integer(1), rows.front().integer(2)};
  const std::int64_t after = std::max(out.place.cursor, looked_to);
  const Rows next = WRENCH_TRY(tx.query(sql::kOpenMessagesOf, {to.receiver, after, "", limit}));
  for (const auto row : next) out.messages.push_back(WRENCH_TRY(message_rows::from(row)));
  return out;
}

Result<void> move(WriteTx& tx, const Subscription& to, std::int64_t from, std::int64_t cursor) {
  if (WRENCH_TRY(tx.exec(sql::kMoveSubscription, {cursor, to.receiver, to.subscriber, from})) == 1) return {};
  return Error(kOvertaken, "another process delivers to " + to.subscriber);
}

/// One subscriber of a shared receiver has passed it: the last one acknowledges it.
Result<void> settle(WriteTx& tx, const Subscription& to, const Stored& message) {
  const Rows behind = WRENCH_TRY(tx.query(sql::kSubscriptionsBehind, {to.receiver, message.message.seq}));
  if (behind.empty()) WRENCH_TRY(message_rows::close(tx, message, MessageState::Acknowledged, to.subscriber));
  return {};
}

Result<void> handled(WriteTx& tx, const Subscription& to, bool shared, std::int64_t from, const Stored& message) {
  WRENCH_TRY(move(tx, to, from, message.message.seq));
  if (shared) return settle(tx, to, message);
  if (WRENCH_TRY(message_rows::close(tx, message, MessageState::Acknowledged, to.subscriber))) return {};
  return Error(kOvertaken, message.message.message_id + " was acknowledged meanwhile");
}

/// Its handler said no: later again, or never.
Result<std::optional<Micros>> refused(storage::Store& store, const Subscription& to, bool shared, const Place& place,
                                      const Stored& message, const Error& why) {
  std::optional<Micros> again_at;
  WRENCH_TRY(store.write([&](WriteTx& tx) -> Result<void> {
    again_at.reset();
    const std::int64_t attempts = place.attempts + 1;
    if (attempts < kDeliveryAttemptsMax) {
      again_at = tx.now() + (kFirstDelay << place.attempts);
      if (WRENCH_TRY(
              tx.exec(sql::kDelaySubscription, {attempts, *again_at, to.receiver, to.subscriber, place.cursor})) == 1)
        return {};
      return Error(kOvertaken, "another process delivers to " + to.subscriber);
    }
    WRENCH_TRY(move(tx, to, place.cursor, message.message.seq));
    if (shared) {
      WRENCH_TRY(message_rows::announce(tx, "message.passed_over", message.message, to.subscriber));
      return settle(tx, to, message);
    }
    WRENCH_TRY(message_rows::close(tx, message, MessageState::Dead, to.subscriber,
                                   why.code + ": " + repair_utf8(why.message).substr(0, 1000)));
    return {};
  }));
  return again_at;
}

/// Nothing that the message is to blame for.
bool of_the_store(const Error& error) {
  return error.code == kOvertaken ||
         (error.code.starts_with("storage.") && !error.code.starts_with("storage.constraint"));
}

}  // namespace

Result<Delivered> Messages::deliver(const Subscription& to, std::size_t limit) {
  const Address receiver = WRENCH_TRY(parse_address(to.receiver));
  if (!is_message_word(to.subscriber, '-'))
    return Error("workflow.invalid_message", "'" + escape_for_display(to.subscriber) + "' is no name of a subscriber");
  const bool shared = receiver.is_shared();
  Delivered out;
  Batch batch = WRENCH_TRY(store_.read([&](ReadTx& tx) { return next_batch(tx, to, limit); }));
  if (!batch.known) {
    WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(message_rows::tidy(tx));
      WRENCH_TRY(tx.exec(sql::kInsertSubscription, {to.receiver, to.subscriber}));
      return {};
    }));
    batch = WRENCH_TRY(store_.read([&](ReadTx& tx) { return next_batch(tx, to, limit); }));
  }
  Place place = batch.place;
  for (std::size_t at = 0; at < batch.messages.size() || out.count == 0; ++at) {
    if (at == batch.messages.size()) {
      // Nothing of a full page was for this subscriber: behind it there may be something.
      if (batch.messages.size() < limit) break;
      const std::int64_t looked_to = batch.messages.back().message.seq;
      batch = WRENCH_TRY(store_.read([&](ReadTx& tx) { return next_batch(tx, to, limit, looked_to); }));
      place = batch.place;
      at = 0;
      if (batch.messages.empty()) break;
    }
    const Stored& message = batch.messages[at];
    const Micros now = clock_.now_us();
    const bool of_type = to.types.empty() || std::ranges::find(to.types, message.message.type) != to.types.end();
    const bool wanted = of_type && (!to.wants || to.wants(message.message));
    if (message.message.expires_at <= now || (!wanted && !shared)) continue;
    if (place.retry_at > now) {
      out.again_at = place.retry_at;
      break;
    }
    Result<void> done;
    if (wanted) {
      auto effects = to.handler(message.message);
      done = effects.ok() ? store_.write([&](WriteTx& tx) -> Result<void> {
        WRENCH_TRY((*effects)(tx));
        return handled(tx, to, shared, place.cursor, message);
      })
                          : Result<void>(std::move(effects).error());
    } else {
      done = store_.write([&](WriteTx& tx) { return handled(tx, to, shared, place.cursor, message); });
    }
    if (!done.ok() && done.error().code == kOvertaken) break;
    if (!done.ok()) {
      if (of_the_store(done.error())) return std::move(done).error();
      out.again_at = WRENCH_TRY(refused(store_, to, shared, place, message, done.error()));
      if (out.again_at) break;
    } else {
      ++out.count;
    }
    place = {message.message.seq, 0, 0};
  }
  return out;
}

Result<void> Messages::serve(const Subscription& to, const StopToken& stop) {
  while (!stop.stop_requested()) {
    const auto seen = WRENCH_TRY(store_.read([](ReadTx& tx) { return storage::event_log::head(tx); }));
    const Delivered done = WRENCH_TRY(deliver(to));
    if (done.count > 0) continue;
    const Micros wait = done.again_at ? std::max<Micros>(*done.again_at - clock_.now_us(), 1) : kLookAgain;
    WRENCH_TRY(store_.wait_for_events(seen.seq, Deadline::after(clock_, std::min(wait, kLookAgain)), stop));
  }
  return {};
}

Result<void> Messages::unsubscribe(std::string_view receiver, std::string_view subscriber) {
  return store_.write([&](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(sql::kDeleteSubscription, {receiver, subscriber}));
    return {};
  });
}

}  // namespace wrench::workflow
