#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "write_queue.hpp"

namespace wrench::storage {

/// The transaction of one attempt of one flush, as the code that is the same for both databases sees it. Bodies use it
/// one after the other.
class FlushTx : public WriteTx {
 public:
  /// Before each body.
  virtual void start_job() = 0;
  /// After a body: the statement error that it got, if the database has given up on it since. Such a body has failed
  /// whatever it says. Waits for what it sent.
  virtual std::optional<Error> job_error() { return std::nullopt; }
  /// Whether a failed body's traces stay unless the transaction, or its savepoint, is undone.
  virtual bool must_undo_job() const = 0;
  /// False once nothing can be done in this transaction any more.
  virtual bool alive() const = 0;

  // One savepoint at a time. False: the transaction is beyond help.
  virtual bool begin_savepoint() = 0;
  virtual bool undo_savepoint() = 0;  ///< What was done since, and ends it.
  virtual bool keep_savepoint() = 0;
};

/// What append_event() refuses in both databases. A broken event must fail its own job, not the flush that writes it.
Result<void> check_event(const EventDraft& event);

enum class BodiesEnd : std::uint8_t {
  Ready,  ///< To commit.
  Undo,   ///< A body failed and left traces: roll back and run each in a savepoint of its own.
  Lost,   ///< The transaction isn't alive any more.
};

/// Runs the bodies; `outcomes` has one place for each.
BodiesEnd run_together(std::span<QueuedJob> jobs, FlushTx& tx, std::vector<Result<void>>& outcomes);
BodiesEnd run_in_savepoints(std::span<QueuedJob> jobs, FlushTx& tx, std::vector<Result<void>>& outcomes);
Result<void> run_body(QueuedJob& job, FlushTx& tx);

/// Tells the callers.
void complete(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes);
void set_all(std::vector<Result<void>>& outcomes, std::size_t jobs, const Error& error);

}  // namespace wrench::storage
