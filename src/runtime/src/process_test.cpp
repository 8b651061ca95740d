#include "wrench/runtime/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>

namespace wrench::runtime {
namespace {

TEST(Process, FiguresOfThisOne) {
  const auto before = process_figures(::getpid());
  ASSERT_TRUE(before);
  EXPECT_GT(before->started_ticks, 0U);
  EXPECT_GT(before->rss_bytes, std::uint64_t{1} << 20);
  EXPECT_LT(before->rss_bytes, std::uint64_t{1} << 32);
  for (const std::clock_t until = std::clock() + CLOCKS_PER_SEC / 50; std::clock() < until;) {
  }
  const auto after = process_figures(::getpid());
  ASSERT_TRUE(after);
  EXPECT_EQ(after->started_ticks, before->started_ticks);
  EXPECT_GE(after->cpu_us - before->cpu_us, 15 * kMicrosPerMs);
}

TEST(Process, NoneOfOneThatIsNot) {
  EXPECT_FALSE(process_figures(0));
  EXPECT_FALSE(process_figures(-1));
  EXPECT_FALSE(process_figures(999'999'999));
}

}  // namespace
}  // namespace wrench::runtime
