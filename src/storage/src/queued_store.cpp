#include "queued_store.hpp"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "wrench/base/assert.hpp"
#include "wrench/runtime/thread.hpp"
#include "wrench/storage/long_read.hpp"

namespace wrench::storage {
namespace {

/// The clock may be simulated, so waiting is done in slices of real time.
constexpr std::chrono::milliseconds kWaitSlice{20};

}  // namespace

QueuedStore::QueuedStore(StoreConfig config, const Clock& clock, Random& random)
    : config_(std::move(config)), clock_(clock), random_(random), slow_log_(clock, config_.slow_statement_us) {
  catalogue_.add(own_statements());
  catalogue_.add(config_.statements.all());
  if (config_.metrics == nullptr) return;
  flush_seconds_ = &config_.metrics->histogram("wrench_flush_seconds", "From taking jobs to their durable commit",
                                               telemetry::latency_buckets_s());
  flush_jobs_ =
      &config_.metrics->histogram("wrench_flush_jobs", "Jobs of one durable commit", telemetry::count_buckets());
}

Result<void> QueuedStore::refusal() const {
  if (write_refusal_) return *write_refusal_;
  if (std::optional<Error> error = poison()) return std::move(*error);
  return {};
}

Result<void> QueuedStore::submit(WriteJob job, Completion done) {
  WRENCH_TRY(refusal());
  WRENCH_TRY(queue_.push(std::move(job), std::move(done)));
  return {};
}

Result<void> QueuedStore::write(WriteBody body, Deadline deadline, JobLane lane) {
  WRENCH_ASSERT(std::this_thread::get_id() != thread_.get_id());  // would wait for itself
  WRENCH_TRY(refusal());
  struct Waiting {
    std::mutex mutex;
    std::condition_variable ended;
    std::optional<Result<void>> outcome;
  };
  const auto waiting = std::make_shared<Waiting>();
  const std::uint64_t ticket = WRENCH_TRY(queue_.push({lane, 0, std::move(body)}, [waiting](Result<void> outcome) {
    const std::lock_guard lock(waiting->mutex);
    waiting->outcome.emplace(std::move(outcome));
    waiting->ended.notify_all();
  }));
  if (config_.mode == WriterMode::Passive)
    while (!waiting->outcome && flush_once() > 0) {
    }
  std::unique_lock lock(waiting->mutex);
  while (!waiting->outcome) {
    if (deadline.never()) {
      waiting->ended.wait(lock);
      continue;
    }
    if (deadline.passed(clock_)) {
      lock.unlock();
      if (queue_.withdraw(ticket))
        return Error("storage.deadline", "the deadline passed before the write began; nothing was written");
      lock.lock();
      waiting->ended.wait(lock, [&] { return waiting->outcome.has_value(); });
      break;
    }
    waiting->ended.wait_for(lock, kWaitSlice);
  }
  return std::move(*waiting->outcome);
}

std::size_t QueuedStore::flush_once() {
  WRENCH_ASSERT(config_.mode == WriterMode::Passive);
  if (!has_writer()) return 0;
  const std::size_t ended = measured_flush();
  if (ended == 0) on_idle();
  return ended;
}

void QueuedStore::start_writer_thread() {
  thread_ = std::thread([this] { write_loop(); });
  ::pthread_setname_np(thread_.native_handle(), "store-writer");
}

void QueuedStore::write_loop() {
  runtime::run_soon_after_waking();
  while (queue_.wait()) {
    while (measured_flush() > 0) {
    }
    on_idle();
  }
}

std::size_t QueuedStore::measured_flush() {
  if (flush_seconds_ == nullptr) return flush();
  const auto began = std::chrono::steady_clock::now();
  const std::size_t jobs = flush();
  if (jobs == 0) return 0;
  flush_seconds_->observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  flush_jobs_->observe(static_cast<double>(jobs));
  return jobs;
}

Result<void> QueuedStore::read_erased(const std::function<void(ReadTx&)>& body, Deadline deadline, Reads reads) {
  if (std::optional<Error> error = poison()) return std::move(*error);
  reads_.fetch_add(1);
  return readers_->run(body, deadline, reads, kSnapshotAgeMax);
}

Result<void> QueuedStore::read_for(Micros age_max_us, const std::function<void(ReadTx&)>& body) {
  if (std::optional<Error> error = poison()) return std::move(*error);
  reads_.fetch_add(1);
  return readers_->run(body, {}, Reads::Several, age_max_us);
}

Result<void> read_long(Store& store, const std::function<Result<void>(ReadTx&)>& body) {
  auto* queued = dynamic_cast<QueuedStore*>(&store);
  WRENCH_ASSERT(queued != nullptr);  // There is no other.
  Result<void> out;
  WRENCH_TRY(queued->read_for(kLongSnapshotAgeMax, [&](ReadTx& tx) { out = body(tx); }));
  return out;
}

void QueuedStore::events_committed(std::int64_t last_seq) {
  const std::lock_guard lock(events_mutex_);
  if (last_seq <= last_event_) return;
  last_event_ = last_seq;
  events_grew_.notify_all();
}

void QueuedStore::close() {
  const std::lock_guard lock(close_mutex_);
  queue_.close();
  on_closing();
  if (thread_.joinable()) thread_.join();
  if (has_writer() && config_.mode == WriterMode::Passive)
    while (flush() > 0) {
    }
  if (readers_) readers_->close();
  on_closed();
}

}  // namespace wrench::storage
