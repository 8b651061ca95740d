#include "wrench/runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>

#include "wrench/runtime/bounded_queue.hpp"

namespace wrench::runtime {
namespace {

TEST(BoundedQueue, RefusesWhatDoesNotFitAndKeepsOrder) {
  BoundedQueue<int> queue(2);
  int one = 1;
  int two = 2;
  int three = 3;
  EXPECT_EQ(queue.try_push(one), BoundedQueue<int>::Push::Done);
  EXPECT_EQ(queue.try_push(two), BoundedQueue<int>::Push::Done);
  EXPECT_EQ(queue.try_push(three), BoundedQueue<int>::Push::Full);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.try_push(three), BoundedQueue<int>::Push::Done);
  queue.close();
  EXPECT_EQ(queue.try_push(one), BoundedQueue<int>::Push::Closed);
  EXPECT_FALSE(queue.push(4));
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.try_pop(), 3);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(WorkerPool, RunsEverythingQueuedBeforeJoin) {
  std::atomic<int> ran{0};
  WorkerPool pool({.threads = 2});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.submit([&] { ++ran; }).ok());
  pool.join();
  EXPECT_EQ(ran, 100);
  const Result<void> late = pool.submit([] {});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "runtime.stopped");
}

TEST(WorkerPool, RefusesWhenTheQueueIsFull) {
  std::latch started(1);
  std::latch go(1);
  WorkerPool pool({.threads = 1, .queue_max = 1});
  ASSERT_TRUE(pool.submit([&] {
                    started.count_down();
                    go.wait();
                  })
                  .ok());
  started.wait();
  ASSERT_TRUE(pool.submit([] {}).ok());
  const Result<void> third = pool.submit([] {});
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, "runtime.queue_full");
  go.count_down();
}

TEST(TaskGroup, WaitsForAllAndReportsTheFirstErrorInOrder) {
  WorkerPool pool({.threads = 3});
  TaskGroup group(pool);
  std::atomic<int> ran{0};
  for (int i = 0; i < 50; ++i)
    group.run([&ran, i]() -> Result<void> {
      ++ran;
      if (i % 10 == 7) return Error("test.failed", std::to_string(i));
      return {};
    });
  const Result<void> all = group.wait();
  EXPECT_EQ(ran, 50);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().message, "7");
  EXPECT_TRUE(group.wait().ok()) << "an error is reported once";
}

TEST(TaskGroup, TurnsAnExceptionIntoAnError) {
  WorkerPool pool({.threads = 1});
  TaskGroup group(pool);
  group.run([]() -> Result<void> { throw std::runtime_error("third-party failure"); });
  const Result<void> result = group.wait();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "runtime.task_threw");
  EXPECT_NE(result.error().message.find("third-party failure"), std::string::npos);
}

TEST(TaskGroup, NestsWithoutDeadlockOnOneThread) {
  WorkerPool pool({.threads = 1, .queue_max = 1});
  std::atomic<int> leaves{0};
  TaskGroup outer(pool);
  for (int i = 0; i < 8; ++i)
    outer.run([&]() -> Result<void> {
      TaskGroup inner(pool);
      for (int j = 0; j < 8; ++j)
        inner.run([&]() -> Result<void> {
          ++leaves;
          return {};
        });
      return inner.wait();
    });
  ASSERT_TRUE(outer.wait().ok());
  EXPECT_EQ(leaves, 64);
}

TEST(UsableCores, IsAtLeastOne) {
  EXPECT_GE(usable_cores(), 1U);
  EXPECT_LE(usable_cores(), kPoolThreadsMax);
}

}  // namespace
}  // namespace wrench::runtime
