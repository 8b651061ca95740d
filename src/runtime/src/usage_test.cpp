#include "wrench/runtime/usage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::runtime {
namespace {

/// Computes until this thread has used so much CPU time.
void burn(Micros cpu_us) {
  const auto now = [] {
    timespec at{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return at.tv_sec * kMicrosPerSecond + at.tv_nsec / 1000;
  };
  for (const Micros until = now() + cpu_us; now() < until;) {
  }
}

constexpr Micros kBurn = 20 * kMicrosPerMs;

TEST(Usage, BooksWhatThisThreadUsedWhileItWorkedForIt) {
  const auto account = std::make_shared<UsageAccount>();
  burn(kBurn);
  EXPECT_EQ(UsageAccount::current(), nullptr);
  {
    const UsageScope scope(account);
    EXPECT_EQ(UsageAccount::current(), account);
    burn(kBurn);
    EXPECT_EQ(account->total().cpu_us, 0) << "booked at the end";
    EXPECT_GE(account->cpu_us_now(), kBurn);
    EXPECT_LT(account->cpu_us_now(), 2 * kBurn);
  }
  EXPECT_EQ(UsageAccount::current(), nullptr);
  burn(kBurn);
  EXPECT_GE(account->total().cpu_us, kBurn * 9 / 10);
  EXPECT_LT(account->total().cpu_us, 2 * kBurn);
  EXPECT_EQ(account->cpu_us_now(), account->total().cpu_us);
  EXPECT_GT(account->total().rss_bytes_max, std::uint64_t{1} << 20);
}

TEST(Usage, NestedScopesOfOneAccountCountOnce) {
  const auto account = std::make_shared<UsageAccount>();
  {
    const UsageScope outer(account);
    const UsageScope inner(account);
    const UsageScope nobody(nullptr);
    burn(kBurn);
  }
  EXPECT_LT(account->total().cpu_us, 2 * kBurn);
  EXPECT_GE(account->total().cpu_us, kBurn * 9 / 10);
}

TEST(Usage, AnInnerAccountTakesOver) {
  const auto outer = std::make_shared<UsageAccount>(), inner = std::make_shared<UsageAccount>();
  {
    const UsageScope one(outer);
    burn(kBurn);
    {
      const UsageScope two(inner);
      burn(3 * kBurn);
    }
    EXPECT_EQ(UsageAccount::current(), outer);
    burn(kBurn);
  }
  EXPECT_GE(inner->total().cpu_us, 3 * kBurn * 9 / 10);
  EXPECT_GE(outer->total().cpu_us, 2 * kBurn * 9 / 10);
  EXPECT_LT(outer->total().cpu_us, 3 * kBurn);
}

TEST(Usage, FollowsTheWorkToAPool) {
  WorkerPool pool({.threads = 2});
  const auto account = std::make_shared<UsageAccount>();
  {
    const UsageScope scope(account);
    TaskGroup group(pool);
    for (int i = 0; i < 6; ++i)
      group.run([]() -> Result<void> {
        burn(kBurn);
        return {};
      });
    ASSERT_TRUE(group.wait().ok());
  }
  EXPECT_GE(account->total().cpu_us, 6 * kBurn * 9 / 10);
  EXPECT_LT(account->total().cpu_us, 8 * kBurn) << "the same work counted twice";
  const auto others = std::make_shared<UsageAccount>();
  TaskGroup group(pool);  // Of nobody who asks.
  group.run([]() -> Result<void> {
    EXPECT_EQ(UsageAccount::current(), nullptr);
    return {};
  });
  ASSERT_TRUE(group.wait().ok());
}

TEST(Usage, CountsPrograms) {
  const auto account = std::make_shared<UsageAccount>();
  {
    const UsageScope scope(account);
    SubprocessSpec spec;
    spec.program = "/bin/sh";
    spec.arguments = {"-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"};
    ASSERT_TRUE(capture_subprocess(spec)->result.succeeded());
  }
  EXPECT_GT(account->total().children_cpu_us, 0);
  EXPECT_GE(account->cpu_us_now(), account->total().children_cpu_us);
}

}  // namespace
}  // namespace wrench::runtime
