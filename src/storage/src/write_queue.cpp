#include "write_queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace wrench::storage {

Result<std::uint64_t> WriteQueue::push(WriteJob job, Completion done) {
  std::uint64_t ticket;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Error("storage.closed", "the store is closing and takes no more writes");
    if (jobs_ >= kQueueJobsMax || (jobs_ > 0 && bytes_ + job.bytes > kQueueBytesMax))
      return Error("storage.busy", "the write queue is full (" + std::to_string(jobs_) + " jobs, " +
                                       std::to_string(bytes_) + " bytes); try again in a moment");
    ticket = next_ticket_++;
    ++jobs_;
    bytes_ += job.bytes;
    lanes_[static_cast<std::size_t>(job.lane)].push_back(
        {.ticket = ticket, .lane = job.lane, .bytes = job.bytes, .body = std::move(job.body), .done = std::move(done)});
  }
  filled_.notify_one();
  return ticket;
}

bool WriteQueue::withdraw(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  for (auto& lane : lanes_) {
    const auto found =
        std::find_if(lane.begin(), lane.end(), [&](const QueuedJob& job) { return job.ticket == ticket; });
    if (found == lane.end()) continue;
    --jobs_;
    bytes_ -= found->bytes;
    lane.erase(found);
    return true;
  }
  return false;
}

std::vector<QueuedJob> WriteQueue::take(std::size_t jobs_max) {
  std::vector<QueuedJob> batch;
  std::size_t batch_bytes = 0;
  const std::lock_guard lock(mutex_);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const bool bulk = lane == static_cast<std::size_t>(JobLane::Bulk);
    std::size_t left = bulk ? kFlushBulkJobsMax : kFlushJobsMax;
    for (auto& jobs = lanes_[lane]; !jobs.empty() && left > 0; --left) {
      QueuedJob& next = jobs.front();
      if (batch.size() == jobs_max || (!batch.empty() && batch_bytes + next.bytes > kFlushBytesMax)) break;
      batch_bytes += next.bytes;
      --jobs_;
      bytes_ -= next.bytes;
      batch.push_back(std::move(next));
      jobs.pop_front();
    }
  }
  return batch;
}

void WriteQueue::put_back(std::vector<QueuedJob> jobs) {
  {
    const std::lock_guard lock(mutex_);
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
      ++jobs_;
      bytes_ += job->bytes;
      lanes_[static_cast<std::size_t>(job->lane)].push_front(std::move(*job));
    }
  }
  filled_.notify_one();
}

bool WriteQueue::wait() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [&] { return closed_ || jobs_ > 0; });
  return jobs_ > 0;
}

void WriteQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  filled_.notify_all();
}

std::size_t WriteQueue::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_;
}

}  // namespace wrench::storage
