#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "database_url.hpp"
#include "flush.hpp"
#include "postgres_connection.hpp"
#include "postgres_tx.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"
#include "write_queue.hpp"

namespace wrench::storage {

/// The only thing of this process that writes. Connects again when the server was away; nothing is lost meanwhile, and
/// nothing is done twice: when the answer to a COMMIT got lost, the writer's row tells whether it counts.
class PostgresWriter {
 public:
  /// Which store this is; after connecting again it must still be that one.
  struct Identity {
    std::string store_id;
    std::int64_t epoch = 0;
  };
  enum class Patience {
    WaitForServer,  ///< Jobs stay queued while it is away.
    None,           ///< They fail with storage.unreachable, so that flush_once() ends.
  };
  struct Options {
    PostgresTimes times;
    Patience patience = Patience::WaitForServer;
    std::function<void(std::int64_t last_seq)> on_events;  ///< After a commit that appended some.
    SlowLog* slow_log = nullptr;
  };

  /// `connection` is open and pipelines. The rest must outlive the writer.
  PostgresWriter(const DatabaseUrl& url, const StatementCatalogue& catalogue,
                 std::unique_ptr<PostgresConnection> connection, Identity identity, WriteQueue& queue,
                 const Clock& clock, Random& random, Options options);

  /// Takes what is queued (one flush's worth), commits it as one, completes the callers. The number of jobs ended.
  std::size_t flush_once();
  /// From any thread: from PostgresTimes::close_us on, a server that is away isn't waited for any more.
  void begin_closing();
  /// After the last flush.
  void close();

  StoreStats stats() const;
  std::optional<Error> trouble() const;
  /// Set when the database has become another one; nothing is done any more.
  std::optional<Error> poison() const;

 private:
  enum class End : std::uint8_t {
    Done,      ///< The outcomes are set.
    Undo,      ///< Again, each job in a savepoint.
    Conflict,  ///< Again.
    Lost,      ///< The server went away before COMMIT: nothing was written.
    InDoubt,   ///< It went away after COMMIT was sent.
  };
  /// A flush whose COMMIT has no answer.
  struct Doubt {
    std::int64_t flush_no = 0;
    std::vector<QueuedJob> jobs;
    std::vector<Result<void>> outcomes;
  };
  using RunBodies = BodiesEnd(std::span<QueuedJob>, FlushTx&, std::vector<Result<void>>&);

  bool connected();
  Result<void> connect();
  Result<void> check_in();
  std::size_t settle_doubt();
  std::size_t flush_some();
  End flush(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
  End attempt(RunBodies& run_bodies, std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
  End give_up(PostgresWriteTx& tx, const Error& error, std::size_t jobs, std::vector<Result<void>>& outcomes);
  std::size_t finish(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
  /// Back into the queue, but for those that have seen too many servers go.
  std::size_t put_back(std::vector<QueuedJob> jobs);
  bool gave_up() const;
  std::size_t fail_everything();
  bool usable() const;
  void drop_connection();
  void set_trouble(std::optional<Error> error);
  void pause(Micros us);

  const DatabaseUrl& url_;
  const StatementCatalogue& catalogue_;
  std::unique_ptr<PostgresConnection> connection_;
  const Identity identity_;
  WriteQueue& queue_;
  const Clock& clock_;
  Random& random_;
  const Options options_;

  std::string writer_;  ///< Key of our row in store_writers.
  bool checked_in_ = false;
  bool swept_ = false;
  std::int64_t committed_flush_ = 0;  ///< As the row said when we connected.
  std::int64_t flush_no_ = 0;
  std::optional<Doubt> doubt_;
  std::size_t careful_left_ = 0;  ///< So many jobs are flushed one at a time.
  Micros back_off_us_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable closing_began_;
  bool closing_ = false;
  Micros close_deadline_us_ = 0;
  std::optional<Error> trouble_;
  std::optional<Error> poison_;
  Error last_failure_{"storage.unreachable", "the database was never reached"};

  std::atomic<std::uint64_t> flushes_{0};
  std::atomic<std::uint64_t> jobs_{0};
  std::atomic<std::uint64_t> jobs_failed_{0};
  std::atomic<std::uint64_t> reruns_{0};
  std::atomic<std::uint64_t> statements_{0};
  std::atomic<std::uint64_t> conflicts_{0};
  std::atomic<std::uint64_t> reconnects_{0};
  std::atomic<std::uint64_t> lost_answers_{0};
};

}  // namespace wrench::storage
