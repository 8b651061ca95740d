#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

inline constexpr std::size_t kPoolThreadsMax = 256;
inline constexpr std::size_t kPoolQueueDefault = 4096;

struct WorkerPoolOptions {
  std::size_t threads = 0;  ///< 0: one for each core this process may use.
  std::size_t queue_max = kPoolQueueDefault;
  std::string name = "worker";  ///< Shown by top and gdb; the first 15 bytes count.
};

/// The one place where computing and blocking work runs. Bounded; every thread is joined by join() or the destructor.
/// Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(WorkerPoolOptions options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues `task`; it must not throw. Errors: runtime.queue_full, runtime.stopped.
  Result<void> submit(std::function<void()> task);
  /// Refuses new tasks, finishes the queued ones, ends the threads. Not from one of the pool's own threads.
  void join();
  std::size_t threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Cores this process may run on (sched affinity and cgroup quota); at least 1.
std::size_t usable_cores();

/// Work that belongs together and ends together. run() and wait() are for the thread that owns the group; groups may
/// nest, because a waiting group works on its own queued tasks instead of blocking a pool thread.
class TaskGroup {
 public:
  explicit TaskGroup(WorkerPool& pool);
  ~TaskGroup();  ///< Waits.
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Never refuses and never blocks for long: with a full pool the task stays in the group until wait().
  /// An exception leaving `task` becomes the error runtime.task_threw.
  void run(std::function<Result<void>()> task);
  /// Returns after every task ended: the first error in order of run(), or success. The group can be used again.
  Result<void> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
  WorkerPool& pool_;
};

}  // namespace wrench::runtime
