#include "wrench/runtime/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace wrench::runtime {
namespace {

using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder)) out.push_back(entry.path().filename().string());
  return out;
}

TEST(ScratchDir, GoesWithItsOwner) {
  const TempDir in = *TempDir::create();
  {
    auto made = ScratchDir::create_in(in.path(), ".work");
    ASSERT_TRUE(made.ok()) << describe(made.error());
    const ScratchDir moved = std::move(*made);
    EXPECT_TRUE(fs::is_directory(moved.path()));
    std::ofstream(moved / "file") << "x";
  }
  EXPECT_TRUE(fs::is_empty(in.path()));
  EXPECT_EQ(ScratchDir::create_in(in / "nowhere", ".work").error().code, "io.not_found");
}

TEST(ScratchDir, WhatADeadProcessLeftIsRemovedAndNothingElse) {
  const TempDir in = *TempDir::create();
  const ScratchDir other = *ScratchDir::create_in(in.path(), ".work");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto half_done = ScratchDir::create_in(in.path(), ".work");
    if (!half_done.ok()) ::_exit(1);
    std::ofstream(*half_done / "half") << "x";
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(names_in(in.path()).size(), 2U) << "the dead one is still there";
  // Names that mkdtemp doesn't make, other prefixes, and what is no folder.
  for (const char* mine : {".work-notes", ".work-abc.12", ".work", ".works-abc123", "x.work-abc123"})
    fs::create_directory(in / mine);
  std::ofstream(in / ".work-file12") << "x";
  fs::create_directory(in / "target");
  fs::create_directory_symlink(in / "target", in / ".work-link12");
  EXPECT_EQ(ScratchDir::remove_dead(in.path(), ".work"), 1);
  EXPECT_THAT(names_in(in.path()),
              UnorderedElementsAre(fs::path(other.path()).filename().string(), ".work-notes", ".work-abc.12", ".work",
                                   ".works-abc123", "x.work-abc123", ".work-file12", "target", ".work-link12"));
  EXPECT_EQ(ScratchDir::remove_dead(in / "nowhere", ".work"), 0);
}

/// Whoever sweeps sees those of others in each state: just made, locked, being removed.
TEST(ScratchDir, NobodySweepsWhatIsInUse) {
  const TempDir in = *TempDir::create();
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto mine = ScratchDir::create_in(in.path(), ".work");
        if (!mine.ok()) {
          ++lost;
          continue;
        }
        std::ofstream(*mine / "file") << "x";
        ScratchDir::remove_dead(in.path(), ".work");
        if (!fs::exists(*mine / "file")) ++lost;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_TRUE(fs::is_empty(in.path()));
}

}  // namespace
}  // namespace wrench::runtime
