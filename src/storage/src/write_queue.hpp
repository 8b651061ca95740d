#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

struct QueuedJob {
  std::uint64_t ticket = 0;
  JobLane lane = JobLane::Interactive;
  int losses = 0;  ///< Flushes of it that ended because the database went away.
  std::size_t bytes = 0;
  WriteBody body;
  Completion done;
};

/// What waits for the writer: bounded, in lanes. Thread-safe.
class WriteQueue {
 public:
  /// The job's ticket. Errors: storage.busy, storage.closed.
  Result<std::uint64_t> push(WriteJob job, Completion done);
  /// Takes back a job that no flush has begun; false if it is too late.
  bool withdraw(std::uint64_t ticket);
  /// One flush's worth: completions before interactive before bulk, at most kFlushJobsMax, kFlushBytesMax, of bulk
  /// kFlushBulkJobsMax. Never blocks.
  std::vector<QueuedJob> take(std::size_t jobs_max = kFlushJobsMax);
  /// Returns what take() gave and nobody has committed, in front of the rest of its lanes.
  void put_back(std::vector<QueuedJob> jobs);
  /// Blocks while empty; false when closed and empty.
  bool wait();
  void close();
  std::size_t size() const;

 private:
  static constexpr std::size_t kLanes = 3;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::array<std::deque<QueuedJob>, kLanes> lanes_;
  std::size_t jobs_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t next_ticket_ = 1;
  bool closed_ = false;
};

}  // namespace wrench::storage
