#include "wrench/runtime/thread.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <thread>

namespace wrench::runtime {
namespace {

TEST(Thread, ThatRunsSoonKeepsItsPolicyAndNiceness) {
  std::thread([] {
    const int policy = ::sched_getscheduler(0), nice = ::getpriority(PRIO_PROCESS, 0);
    run_soon_after_waking();
    EXPECT_EQ(::sched_getscheduler(0), policy);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), nice);
  }).join();
}

}  // namespace
}  // namespace wrench::runtime
