#include "wrench/storage/fsync_probe.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage {
namespace {

TEST(FsyncProbe, MeasuresFourPatternsAndLeavesNothing) {
  const auto dir = runtime::TempDir::create().value();
  const SystemClock clock;
  const FsyncReport report = probe_fsync(dir.path(), 4'000, clock).value();
  ASSERT_EQ(report.samples.size(), 4U);
  for (const FsyncSample& sample : report.samples) {
    EXPECT_GE(sample.operations, 1U);
    EXPECT_GT(sample.per_second, 0);
    EXPECT_LE(sample.p50_us, sample.p99_us);
  }
  EXPECT_FALSE(report.filesystem.empty());
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(FsyncProbe, SaysWhatIsWrongWithTheFolder) {
  const SystemClock clock;
  EXPECT_EQ(probe_fsync("/no/such/folder", 1000, clock).error().code, "storage.io");
}

TEST(FsyncProbe, FindsTheInnermostMount) {
  constexpr std::string_view kInfo =
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "30 22 0:25 / /data rw,noatime shared:2 master:1 - xfs /dev/sdb rw,nobarrier\n"
      "31 22 0:26 / /data\\040two rw - tmpfs tmpfs rw,size=1k\n"
      "garbage\n";
  EXPECT_EQ(find_mount(kInfo, "/home/x").filesystem, "ext4");
  EXPECT_EQ(find_mount(kInfo, "/data/x").filesystem, "xfs");
  EXPECT_EQ(find_mount(kInfo, "/data/x").options, "rw,noatime,rw,nobarrier");
  EXPECT_EQ(find_mount(kInfo, "/data two").filesystem, "tmpfs");
  EXPECT_EQ(find_mount(kInfo, "/database").filesystem, "ext4") << "a prefix of a name isn't its folder";
}

TEST(FsyncProbe, Judges) {
  std::string reason;
  EXPECT_EQ(judge_durability("ext4", "rw,relatime", 140, reason), Durability::Durable);
  EXPECT_EQ(reason, "");
  EXPECT_EQ(judge_durability("ext4", "rw", 9, reason), Durability::Suspicious);
  EXPECT_EQ(judge_durability("ext4", "rw,nobarrier", 140, reason), Durability::NotDurable);
  EXPECT_NE(reason.find("nobarrier"), std::string::npos);
  EXPECT_EQ(judge_durability("tmpfs", "rw", 140, reason), Durability::NotDurable);
  EXPECT_EQ(judge_durability("nfs4", "rw", 140, reason), Durability::NotDurable);
}

}  // namespace
}  // namespace wrench::storage
