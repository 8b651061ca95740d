#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {
namespace {

class RootedWriteTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(dir_ / "root/sub"));
    ASSERT_TRUE(write_file_atomically(dir_ / "root/sub/a.txt", "old"));
    ASSERT_TRUE(write_file_atomically(dir_ / "outside.txt", "outside"));
    ASSERT_EQ(symlink("../outside.txt", (dir_ / "root/link").c_str()), 0);
    ASSERT_EQ(symlink("sub", (dir_ / "root/folder_link").c_str()), 0);
    ASSERT_EQ(symlink("..", (dir_ / "root/up").c_str()), 0);
  }
  std::string text(const std::string& path) const { return read_file(dir_ / path, 100).value(); }
  std::size_t files_in_sub() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(dir_ / "root/sub"), std::filesystem::directory_iterator()));
  }
  TempDir dir_ = *TempDir::create();
};

TEST_F(RootedWriteTest, PutsAFilesNextContentInItsPlace) {
  ASSERT_EQ(chmod((dir_ / "root/sub/a.txt").c_str(), 0751), 0);
  const auto root = RootedDir::open(dir_ / "root").value();
  auto staged = root.stage("sub/a.txt", "new");
  ASSERT_TRUE(staged.ok()) << describe(staged.error());
  EXPECT_EQ(text("root/sub/a.txt"), "old");
  EXPECT_EQ(files_in_sub(), 2U);
  ASSERT_TRUE(staged->commit());
  EXPECT_EQ(text("root/sub/a.txt"), "new");
  EXPECT_EQ(files_in_sub(), 1U);
  struct stat info{};
  ASSERT_EQ(stat((dir_ / "root/sub/a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0751U);
}

TEST_F(RootedWriteTest, LeavesNothingWithoutCommit) {
  const auto root = RootedDir::open(dir_ / "root").value();
  {
    const auto staged = root.stage("sub/a.txt", "new");
  }
  EXPECT_EQ(files_in_sub(), 1U);
  EXPECT_EQ(text("root/sub/a.txt"), "old");
}

TEST_F(RootedWriteTest, NoticesWhatChangedMeanwhile) {
  const auto root = RootedDir::open(dir_ / "root").value();
  auto staged = root.stage("sub/a.txt", "new").value();
  ASSERT_TRUE(write_file_atomically(dir_ / "root/sub/a.txt", "own"));
  EXPECT_EQ(staged.commit().error().code, "io.changed");
  EXPECT_EQ(text("root/sub/a.txt"), "own");
  auto linked = root.stage("sub/a.txt", "new").value();
  ASSERT_EQ(unlink((dir_ / "root/sub/a.txt").c_str()), 0);
  ASSERT_EQ(symlink("../../outside.txt", (dir_ / "root/sub/a.txt").c_str()), 0);
  EXPECT_EQ(linked.commit().error().code, "io.changed");
  EXPECT_EQ(text("outside.txt"), "outside");
}

TEST_F(RootedWriteTest, FollowsNoLinkAndNeverLeaves) {
  const auto root = RootedDir::open(dir_ / "root").value();
  for (const auto* path : {"link", "folder_link/a.txt", "up/outside.txt", "../outside.txt", "sub", "nothing"})
    EXPECT_FALSE(root.stage(path, "new").ok()) << path;
  for (const auto* path : {"folder_link/b.txt", "up/b.txt", "../b.txt"})
    EXPECT_FALSE(root.write(path, "new", 0600).ok()) << path;
  for (const auto* path : {"folder_link", "up/made", "../made"})
    EXPECT_FALSE(root.make_folder(path, 0700).ok()) << path;
  for (const auto* path : {"folder_link/a.txt", "up/outside.txt"}) EXPECT_FALSE(root.remove(path).ok()) << path;
  EXPECT_EQ(text("outside.txt"), "outside");
  EXPECT_EQ(text("root/sub/a.txt"), "old");
  // A link is replaced, not followed.
  ASSERT_TRUE(root.write("link", "own", 0640));
  EXPECT_EQ(text("outside.txt"), "outside");
  EXPECT_EQ(text("root/link"), "own");
}

TEST_F(RootedWriteTest, MakesFoldersAndFiles) {
  const auto root = RootedDir::open(dir_ / "root").value();
  ASSERT_TRUE(root.make_folder("sub/new", 0700));
  ASSERT_TRUE(root.make_folder("sub/new", 0700)) << "there already";
  ASSERT_TRUE(root.write("sub/new/x", "1", 0600));
  ASSERT_TRUE(root.write("sub/new/x", "2", 0600));
  EXPECT_EQ(text("root/sub/new/x"), "2");
  ASSERT_TRUE(root.remove("sub/new/x"));
  EXPECT_FALSE(root.stat("sub/new/x").ok());
  EXPECT_FALSE(root.make_folder("sub/a.txt", 0700).ok());
}

TEST_F(RootedWriteTest, TakesTheLongestNames) {
  const std::string name(255, 'n');
  ASSERT_TRUE(write_file_atomically(dir_ / ("root/" + name.substr(0, 240)), "old"));
  const auto root = RootedDir::open(dir_ / "root").value();
  auto staged = root.stage(name.substr(0, 240), "new");
  ASSERT_TRUE(staged.ok()) << describe(staged.error());
  ASSERT_TRUE(staged->commit());
  ASSERT_TRUE(root.write(name, "x", 0600));
}

TEST_F(RootedWriteTest, AppendsWholeLines) {
  const auto root = RootedDir::open(dir_ / "root").value();
  ASSERT_TRUE(root.append_line("sub/log", "", 0600));
  EXPECT_EQ(text("root/sub/log"), "");
  ASSERT_TRUE(root.append_line("sub/log", "one", 0600));
  ASSERT_TRUE(root.append_line("sub/log", "two", 0600));
  EXPECT_EQ(text("root/sub/log"), "one\ntwo\n");
  struct stat info{};
  ASSERT_EQ(stat((dir_ / "root/sub/log").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  ASSERT_TRUE(write_file_atomically(dir_ / "root/sub/log", "one\nhal"));
  ASSERT_TRUE(root.append_line("sub/log", "two", 0600));
  EXPECT_EQ(text("root/sub/log"), "one\nhal\ntwo\n") << "what was left half-written is a line of its own";
}

TEST_F(RootedWriteTest, AppendsByWhatIsThere) {
  const auto root = RootedDir::open(dir_ / "root").value();
  const auto once = [](std::string_view there) {
    return there.empty() ? std::optional<std::string>("first") : std::nullopt;
  };
  ASSERT_TRUE(root.append_line_after("log", 6, once, 0600));
  ASSERT_TRUE(root.append_line_after("log", 6, once, 0600));
  EXPECT_EQ(text("root/log"), "first\n");
  EXPECT_EQ(root.append_line_after("log", 5, once, 0600).error().code, "io.too_large");
}

TEST_F(RootedWriteTest, AppendsToNothingOutsideAndNothingSpecial) {
  const auto root = RootedDir::open(dir_ / "root").value();
  ASSERT_EQ(mkfifo((dir_ / "root/fifo").c_str(), 0600), 0);
  for (const auto* path : {"link", "folder_link/a.txt", "up/outside.txt", "../outside.txt", "sub/..", "sub", ""})
    EXPECT_FALSE(root.append_line(path, "x", 0600)) << path;
  EXPECT_EQ(root.append_line("fifo", "x", 0600).error().code, "io.not_regular");
  EXPECT_EQ(text("outside.txt"), "outside");
  EXPECT_EQ(text("root/sub/a.txt"), "old");
}

}  // namespace
}  // namespace wrench::runtime
