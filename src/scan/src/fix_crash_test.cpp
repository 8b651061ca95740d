#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "fix_tree_test.hpp"

namespace wrench::scan {
namespace {

using FixCrashTest = FixTree;

/// Runs `work` in a child that is killed when it enters its `calls`-th system call from now on. False when it ended
/// before.
template <class Work>
bool killed_at(int calls, Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  EXPECT_GT(child, 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSTOPPED(status)) << "this system allows no ptrace(2) of a child";
  for (int stops = 0; WIFSTOPPED(status); ++stops) {
    if (stops == 2 * calls) {  // Each call stops twice: before and after.
      ::kill(child, SIGKILL);
      EXPECT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFSIGNALED(status));
      return true;
    }
    EXPECT_EQ(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    EXPECT_EQ(::waitpid(child, &status, 0), child);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return false;
}

std::string only_undo(const std::string& tree) {
  std::string found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(tree + "/.wrench/undo", none)) {
    if (entry.path().extension() != ".diff") continue;
    EXPECT_EQ(found, "");
    found = entry.path();
  }
  return found;
}

// `kill -9` at every system call that writing makes.
TEST_F(FixCrashTest, EachFileIsOldOrNewAndTheUndoIsThere) {
  rules("rules:\n  - {id: bad, message: m, severity: ERROR, languages: [python], pattern: bad($X), fix: good($X)}\n");
  const std::string names[] = {"a.py", "sub/b.py", "sub/c.py"};
  const std::string before = "x = 1\nbad(1)\n", after = "x = 1\ngood(1)\n";
  const auto restore = [&] {
    std::filesystem::remove_all(tree());
    for (const auto& name : names) write(name, before);
  };
  restore();
  ASSERT_EQ(fix().verified, std::size(names));
  const FixOutcome outcome = outcome_;

  int mixed = 0, all_new = 0;
  for (int calls = 1;; ++calls) {
    ASSERT_LT(calls, 2'000);
    restore();
    const bool killed = killed_at(calls, [&] { (void)write_fixes(outcome, clock_, random_); });
    std::vector<std::string> changed;
    for (const auto& name : names) {
      const std::string now = read(name);
      ASSERT_TRUE(now == before || now == after) << name << " after call " << calls << ": " << now;
      if (now == after) changed.push_back(name);
    }
    if (!changed.empty()) {
      const std::string undo = only_undo(tree());
      ASSERT_NE(undo, "") << "after call " << calls;
      std::vector<std::string> include;
      for (const auto& name : changed) include.push_back("--include=" + name);
      take_back(undo, Tool::Git, include);
      for (const auto& name : names) ASSERT_EQ(read(name), before) << name << " after call " << calls;
    }
    ++(changed.size() == std::size(names) ? all_new : mixed);
    if (!killed) break;
  }
  EXPECT_GT(mixed, 10) << "it was killed while it wrote";
  EXPECT_GE(all_new, 1);
}

}  // namespace
}  // namespace wrench::scan
