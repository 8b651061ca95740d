#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "database_url.hpp"
#include "postgres_connection.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

/// Tells other processes of new events, and hears of theirs: NOTIFY and LISTEN on one connection with a thread of its
/// own, both started when first needed. NOTIFY inside of the flush's transaction would take a lock of the whole
/// database at each commit. Who misses a notification finds the events by looking now and then.
class PostgresEvents {
 public:
  struct Options {
    PostgresTimes times;
    std::string channel;
    std::function<void(std::int64_t last_seq)> on_events;    ///< Of other processes. From the thread.
    std::function<Result<std::int64_t>()> look_by_a_reader;  ///< seq of the newest event, by another connection.
  };
  /// `url`, `catalogue`, `clock` and `random` must outlive it.
  PostgresEvents(const DatabaseUrl& url, const StatementCatalogue& catalogue, const Clock& clock, Random& random,
                 Options options);
  ~PostgresEvents();

  /// Others should hear that the log has grown to `last_seq`. Doesn't wait; at most kNotificationsPerSecondMax go out.
  void announce(std::int64_t last_seq);
  /// Somebody waits for events, until stop_waiting().
  void start_waiting();
  void stop_waiting() { waiting_.fetch_sub(1); }
  /// Sends what is still to be sent, if the server can be reached, and ends the thread. No other call may follow.
  void close();

  std::uint64_t notifications() const { return notifications_.load(); }
  /// Why others' events are found by polling at the moment.
  std::optional<Error> trouble() const;

 private:
  void start();
  void wake();
  void run();
  Result<void> connect();
  Result<void> turn();
  Result<void> send_announced();
  Result<void> look();
  void poll_without_connection();
  void sleep(Micros us);
  void set_trouble(std::optional<Error> error);

  const DatabaseUrl& url_;
  const StatementCatalogue& catalogue_;
  const Clock& clock_;
  Random& random_;
  const Options options_;

  int wake_fd_ = -1;
  std::atomic<std::int64_t> announced_{0};
  std::atomic<int> waiting_{0};
  std::atomic<bool> closing_{false};
  std::atomic<std::uint64_t> notifications_{0};
  mutable std::mutex mutex_;
  std::optional<Error> trouble_;
  std::thread thread_;

  // Of the thread.
  std::unique_ptr<PostgresConnection> connection_;
  std::int64_t sent_ = 0;
  Micros next_send_us_ = 0;
  Micros next_look_us_ = 0;
  Micros next_connect_us_ = 0;
  Micros back_off_us_ = 0;
  Micros poll_us_ = 0;
};

}  // namespace wrench::storage
