#include "wrench/runtime/rooted_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {
namespace {

class RootedDirTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(dir_ / "root/sub"));
    ASSERT_TRUE(write_file_atomically(dir_ / "root/sub/a.txt", "inside"));
    ASSERT_TRUE(write_file_atomically(dir_ / "outside.txt", "outside"));
    ASSERT_EQ(symlink("../outside.txt", (dir_ / "root/link").c_str()), 0);
    ASSERT_EQ(symlink("sub", (dir_ / "root/folder_link").c_str()), 0);
    ASSERT_EQ(mkfifo((dir_ / "root/fifo").c_str(), 0600), 0);
  }
  TempDir dir_ = *TempDir::create();
};

TEST_F(RootedDirTest, ReadsWhatIsInside) {
  auto root = RootedDir::open(dir_ / "root");
  ASSERT_TRUE(root);
  EXPECT_EQ(*root->read("sub/a.txt", 100), "inside");
  EXPECT_EQ(root->read("sub/a.txt", 5).error().code, "io.too_large");
  EXPECT_EQ(root->read("sub", 100).error().code, "io.not_regular");
  EXPECT_EQ(root->read("nothing", 100).error().code, "io.not_found");

  ManualClock clock;
  const Patience patient{&clock, Deadline::after(clock, 1), {}};
  EXPECT_EQ(*root->read("sub/a.txt", 100, patient), "inside");
  clock.advance(1);
  EXPECT_EQ(root->read("sub/a.txt", 100, patient).error().code, "io.too_slow");
  StopSource stop;
  stop.request_stop();
  EXPECT_EQ(root->read("sub/a.txt", 100, {.stop = stop.token()}).error().code, "io.stopped");
}

TEST_F(RootedDirTest, FollowsNoLinksAndNeverLeaves) {
  auto root = RootedDir::open(dir_ / "root");
  ASSERT_TRUE(root);
  for (const auto* path : {"link", "folder_link/a.txt", "../outside.txt", "/etc/passwd", "sub/../../outside.txt"})
    EXPECT_FALSE(root->read(path, 100)) << path;
}

TEST_F(RootedDirTest, DoesNotOpenSpecialFiles) {
  auto root = RootedDir::open(dir_ / "root");
  ASSERT_TRUE(root);
  // Opening the FIFO would block for ever.
  EXPECT_EQ(root->read("fifo", 100).error().code, "io.not_regular");
  EXPECT_EQ(root->stat("fifo")->kind, FileKind::Special);
}

TEST_F(RootedDirTest, ListsSortedWithKinds) {
  auto root = RootedDir::open(dir_ / "root");
  ASSERT_TRUE(root);
  auto entries = root->list("");
  ASSERT_TRUE(entries);
  std::vector<std::pair<std::string, FileKind>> seen;
  for (const auto& entry : *entries) seen.emplace_back(entry.name, entry.kind);
  EXPECT_THAT(seen, testing::ElementsAre(
                        testing::Pair("fifo", FileKind::Special), testing::Pair("folder_link", FileKind::Symlink),
                        testing::Pair("link", FileKind::Symlink), testing::Pair("sub", FileKind::Folder)));
  EXPECT_FALSE(root->list("folder_link"));
}

TEST(RootedDirOpen, NamesWhatIsMissing) {
  auto root = RootedDir::open("/nonexistent/x");
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, "io.not_found");
  EXPECT_THAT(root.error().message, testing::HasSubstr("/nonexistent/x"));
}

}  // namespace
}  // namespace wrench::runtime
