#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "reader_pool.hpp"
#include "slow_log.hpp"
#include "statements.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "write_queue.hpp"

namespace wrench::storage {

/// What both databases share of a Store: the queue, who waits for it, the writer's thread, the readers, and the number
/// of the newest event. The last class calls close() in its destructor.
class QueuedStore : public Store {
 public:
  Result<void> submit(WriteJob job, Completion done) final;
  Result<void> write(WriteBody body, Deadline deadline, JobLane lane) final;
  std::size_t flush_once() final;
  void close() final;
  const std::string& store_id() const final { return store_id_; }
  const std::optional<Error>& write_refusal() const final { return write_refusal_; }
  Result<void> read_for(Micros age_max_us, const std::function<void(ReadTx&)>& body);
  const SlowLog& slow_log() const { return slow_log_; }

 protected:
  QueuedStore(StoreConfig config, const Clock& clock, Random& random);

  /// Commits one flush's worth and completes its callers; how many. On the writer's thread.
  virtual std::size_t flush() = 0;
  /// After nothing is queued any more. On the writer's thread.
  virtual void on_idle() {}
  /// Whether there is a writer; not with StoreAccess::Read.
  virtual bool has_writer() const = 0;
  /// Set once nothing can be written or read any more.
  virtual std::optional<Error> poison() const { return std::nullopt; }
  /// From close(), before the queued jobs are finished, and after all else has ended.
  virtual void on_closing() {}
  virtual void on_closed() {}

  void start_writer_thread();
  Result<void> read_erased(const std::function<void(ReadTx&)>& body, Deadline deadline, Reads reads) final;
  void events_committed(std::int64_t last_seq);

  StoreConfig config_;
  const Clock& clock_;
  Random& random_;
  StatementCatalogue catalogue_;  ///< With the statements of this module.
  std::string store_id_;
  std::optional<Error> write_refusal_;
  WriteQueue queue_;
  SlowLog slow_log_;
  std::unique_ptr<ReaderPool> readers_;
  std::atomic<std::uint64_t> reads_{0};

  std::mutex events_mutex_;
  std::condition_variable events_grew_;
  std::int64_t last_event_ = 0;

 private:
  Result<void> refusal() const;
  void write_loop();
  std::size_t measured_flush();

  std::thread thread_;
  std::mutex close_mutex_;
  telemetry::Histogram* flush_seconds_ = nullptr;  ///< Both or neither.
  telemetry::Histogram* flush_jobs_ = nullptr;
};

}  // namespace wrench::storage
