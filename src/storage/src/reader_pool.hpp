#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

/// One connection for reading. One thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;
  /// Begins a snapshot, which ends `age_max_us` from now (on SQLite kSnapshotAgeMax, whatever is asked for) or at the
  /// deadline. storage.unreachable: this connection
  /// was cut while nobody used it.
  virtual Result<void> begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us) = 0;
  virtual ReadTx& tx() = 0;
  virtual void end() = 0;
  /// Whether the next reader should have it; else it is closed.
  virtual bool usable() const { return true; }
};

/// Readers, opened when first needed. Thread-safe.
class ReaderPool {
 public:
  using Opener = std::function<Result<std::unique_ptr<Reader>>()>;
  ReaderPool(Opener open, const Clock& clock, std::size_t size_max);

  /// Runs `body` on one snapshot. Errors: storage.deadline when no connection gets free in time, storage.closed.
  Result<void> run(const std::function<void(ReadTx&)>& body, Deadline deadline, Reads reads, Micros age_max_us);
  /// Waits for the running bodies and closes the connections.
  void close();

 private:
  Result<std::unique_ptr<Reader>> borrow(Deadline deadline);
  void give_back(std::unique_ptr<Reader> reader);

  const Opener open_;
  const Clock& clock_;
  const std::size_t size_max_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace wrench::storage
