#include "wrench/runtime/worker_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/bounded_queue.hpp"
#include "wrench/runtime/usage.hpp"

namespace wrench::runtime {
namespace {

/// "max 100000" or "150000 100000": quota and period in microseconds (cgroup v2, cpu.max).
std::size_t cgroup_cores() {
  const Result<std::string> text = read_file("/sys/fs/cgroup/cpu.max", 256);
  if (!text.ok()) return kPoolThreadsMax;
  long quota = 0;
  long period = 0;
  if (std::sscanf(text->c_str(), "%ld %ld", &quota, &period) != 2 || quota <= 0 || period <= 0) return kPoolThreadsMax;
  return static_cast<std::size_t>(std::max(1L, quota / period));
}

}  // namespace

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cores = static_cast<std::size_t>(CPU_COUNT(&set));
  return std::clamp<std::size_t>(std::min(cores, cgroup_cores()), 1, kPoolThreadsMax);
}

struct WorkerPool::State {
  explicit State(std::size_t queue_max) : queue(queue_max) {}
  BoundedQueue<std::function<void()>> queue;
  std::vector<std::thread> threads;
};

WorkerPool::WorkerPool(WorkerPoolOptions options)
    : state_(std::make_unique<State>(std::max<std::size_t>(1, options.queue_max))) {
  const std::size_t threads = options.threads == 0 ? usable_cores() : std::min(options.threads, kPoolThreadsMax);
  options.name.resize(std::min<std::size_t>(options.name.size(), 15));
  for (std::size_t i = 0; i < threads; ++i) {
    auto& thread = state_->threads.emplace_back([state = state_.get()] {
      while (auto task = state->queue.pop()) (*task)();
    });
    ::pthread_setname_np(thread.native_handle(), options.name.c_str());
  }
}

WorkerPool::~WorkerPool() { join(); }

Result<void> WorkerPool::submit(std::function<void()> task) {
  switch (state_->queue.try_push(task)) {
    case BoundedQueue<std::function<void()>>::Push::Done:
      return {};
    case BoundedQueue<std::function<void()>>::Push::Full:
      return Error("runtime.queue_full", "the worker queue is full (" + std::to_string(state_->queue.capacity()) +
                                             " tasks); try again later");
    case BoundedQueue<std::function<void()>>::Push::Closed:
      break;
  }
  return Error("runtime.stopped", "the worker pool is stopping");
}

void WorkerPool::join() {
  state_->queue.close();
  for (std::thread& thread : state_->threads)
    if (thread.joinable()) thread.join();
}

std::size_t WorkerPool::threads() const { return state_->threads.size(); }

struct TaskGroup::State {
  std::mutex mutex;
  std::condition_variable ended;
  struct Waiting {
    std::size_t index = 0;
    std::function<Result<void>()> task;
    std::shared_ptr<UsageAccount> account;  ///< Of whoever put it here.
  };
  std::deque<Waiting> waiting;
  std::size_t next_index = 0;
  std::size_t unfinished = 0;
  std::optional<std::pair<std::size_t, Error>> first_error;

  /// Runs one task that nobody has begun; false if there is none.
  bool run_one() {
    Waiting task;
    {
      const std::lock_guard lock(mutex);
      if (waiting.empty()) return false;
      task = std::move(waiting.front());
      waiting.pop_front();
    }
    Result<void> result;
    try {
      const UsageScope scope(std::move(task.account));
      result = task.task();
    } catch (const std::exception& e) {
      result = Error("runtime.task_threw", std::string("a task ended with an exception: ") + e.what());
    } catch (...) {
      result = Error("runtime.task_threw", "a task ended with an exception of unknown type");
    }
    task.task = nullptr;  // what it captured goes before wait() returns
    const std::lock_guard lock(mutex);
    if (!result.ok() && (!first_error || task.index < first_error->first))
      first_error.emplace(task.index, std::move(result).error());
    if (--unfinished == 0) ended.notify_all();
    return true;
  }
};

TaskGroup::TaskGroup(WorkerPool& pool) : state_(std::make_shared<State>()), pool_(pool) {}

TaskGroup::~TaskGroup() { [[maybe_unused]] const Result<void> unread = wait(); }

void TaskGroup::run(std::function<Result<void>()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back({state_->next_index++, std::move(task), UsageAccount::current()});
    ++state_->unfinished;
  }
  // A ticket, not the task: whoever comes first, pool or wait(), takes the oldest task. Refused is fine: wait() works.
  [[maybe_unused]] const Result<void> offered = pool_.submit([state = state_] { state->run_one(); });
}

Result<void> TaskGroup::wait() {
  while (state_->run_one()) {
  }
  std::unique_lock lock(state_->mutex);
  state_->ended.wait(lock, [&] { return state_->unfinished == 0; });
  if (!state_->first_error) return {};
  Error error = std::move(state_->first_error->second);
  state_->first_error.reset();
  return error;
}

}  // namespace wrench::runtime
