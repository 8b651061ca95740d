#include "wrench/runtime/subprocess.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {
namespace {

using testing::HasSubstr;

SubprocessSpec shell(const std::string& script) {
  SubprocessSpec spec;
  spec.program = "/bin/sh";
  spec.arguments = {"-c", script};
  spec.environment = {"PATH=/usr/bin:/bin"};
  return spec;
}

/// Nothing of the process group is left; zombies that init didn't reap yet don't count.
bool is_gone(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(status)), std::istreambuf_iterator<char>());
  const auto close = text.rfind(')');
  return close == std::string::npos || text.substr(close + 2, 1) == "Z";
}

TEST(Subprocess, ReturnsOutputsAndExitCode) {
  auto run = capture_subprocess(shell("printf out; printf err >&2; exit 7"));
  ASSERT_TRUE(run.ok()) << describe(run.error());
  EXPECT_EQ(run->out, "out");
  EXPECT_EQ(run->err, "err");
  EXPECT_EQ(run->result.exit_code, 7);
  EXPECT_EQ(run->result.signal, 0);
  EXPECT_FALSE(run->result.succeeded());
  EXPECT_EQ(run->result.stdout_bytes, 3u);
  EXPECT_GT(run->result.memory_peak_bytes, 0u);
}

TEST(Subprocess, PassesArgumentsWithoutAShell) {
  SubprocessSpec spec;
  spec.program = "/bin/echo";
  spec.arguments = {"$(id)", "a b", ";true", "*"};
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, "$(id) a b ;true *\n");
}

TEST(Subprocess, GivesOnlyTheNamedEnvironment) {
  ::setenv("WRENCH_TEST_LEAK", "1", 1);
  SubprocessSpec spec;
  spec.program = "/usr/bin/env";
  spec.environment = {"A=b c"};
  auto run = capture_subprocess(spec);
  ::unsetenv("WRENCH_TEST_LEAK");
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, "A=b c\n");
}

TEST(Subprocess, RunsInTheNamedFolder) {
  const TempDir folder = TempDir::create().value();
  SubprocessSpec spec = shell("pwd");
  spec.working_directory = folder.path();
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, std::filesystem::canonical(folder.path()).string() + "\n");
  spec.working_directory = folder / "missing";
  auto missing = capture_subprocess(spec);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "runtime.spawn_failed");
  EXPECT_THAT(missing.error().message, HasSubstr("missing"));
}

TEST(Subprocess, FeedsInputLargerThanAPipe) {
  SubprocessSpec spec;
  spec.program = "/usr/bin/wc";
  spec.arguments = {"-c"};
  spec.input = std::string(5'000'000, 'x');
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(trim(run->out), "5000000");
}

TEST(Subprocess, SurvivesAProgramThatDoesNotReadItsInput) {
  SubprocessSpec spec;
  spec.program = "/bin/true";
  spec.input = std::string(5'000'000, 'x');
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_TRUE(run->result.succeeded());
}

TEST(Subprocess, EmptyInputIsEndOfFile) {
  auto run = capture_subprocess(shell("cat"));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, "");
  EXPECT_TRUE(run->result.succeeded());
}

TEST(Subprocess, ReportsTheSignalThatEndedIt) {
  auto run = capture_subprocess(shell("kill -SEGV $$"));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->result.signal, SIGSEGV);
  EXPECT_EQ(run->result.exit_code, -1);
  EXPECT_EQ(run->result.killed_by, KilledBy::Nobody);
}

TEST(Subprocess, CutsEndlessOutputAtItsLimit) {
  SubprocessSpec spec;
  spec.program = "/usr/bin/yes";
  spec.stdout_bytes_max = 1'000'000;
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->result.killed_by, KilledBy::OutputLimit);
  EXPECT_EQ(run->out.size(), 1'000'000u);
}

TEST(Subprocess, ExactlyTheLimitIsNotOverIt) {
  SubprocessSpec spec = shell("printf 12345");
  spec.stdout_bytes_max = 5;
  auto run = capture_subprocess(spec);
  ASSERT_TRUE(run.ok());
  EXPECT_TRUE(run->result.succeeded());
  EXPECT_EQ(run->out, "12345");
}

TEST(Subprocess, DeadlineEndsTheWholeGroup) {
  const SystemClock clock;
  const auto started = clock.boot_us();
  // The grandchild must go, too: only the group's signal reaches it.
  auto run = capture_subprocess(shell("sleep 600 & echo $!; wait"), {}, Deadline::after(clock, 100 * kMicrosPerMs));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->result.killed_by, KilledBy::Deadline);
  EXPECT_LT(clock.boot_us() - started, 30 * kMicrosPerSecond);
  const int grandchild = std::stoi(run->out);
  for (int i = 0; i < 10'000 && !is_gone(grandchild); ++i) std::this_thread::yield();
  EXPECT_TRUE(is_gone(grandchild));
}

TEST(Subprocess, KillsWhatIgnoresTerm) {
  const SystemClock clock;
  SubprocessSpec spec = shell("trap '' TERM; echo ready; while :; do :; done");
  spec.kill_grace_us = 50 * kMicrosPerMs;
  StopSource stop;
  auto run = run_subprocess(
      spec,
      [&](std::string_view) -> Result<void> {
        stop.request_stop();
        return {};
      },
      {}, stop.token());
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->killed_by, KilledBy::Stop);
  EXPECT_EQ(run->signal, SIGKILL);
}

TEST(Subprocess, ASinksErrorEndsTheProgramAndIsReturned) {
  SubprocessSpec spec;
  spec.program = "/usr/bin/yes";
  auto run = run_subprocess(spec, [](std::string_view) -> Result<void> { return Error("test.enough", "enough"); }, {});
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.error().code, "test.enough");
}

TEST(Subprocess, DoesNotWaitForAnOrphanThatHoldsThePipe) {
  const SystemClock clock;
  const auto started = clock.boot_us();
  auto run = capture_subprocess(shell("sleep 600 & echo done"));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, "done\n");
  EXPECT_EQ(run->result.exit_code, 0);
  EXPECT_LT(clock.boot_us() - started, 60 * kMicrosPerSecond);
}

TEST(Subprocess, InheritsNoDescriptors) {
  const TempDir folder = TempDir::create().value();
  std::ofstream(folder / "open") << "x";
  const int open_fd = ::open((folder / "open").c_str(), O_RDONLY);
  ASSERT_GE(open_fd, 0);
  // ls opens the folder itself as descriptor 3.
  SubprocessSpec spec;
  spec.program = "/bin/ls";
  spec.arguments = {"/proc/self/fd"};
  auto run = capture_subprocess(spec);
  ::close(open_fd);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->out, "0\n1\n2\n3\n");
}

TEST(Subprocess, RefusesRelativeProgramsAndNulBytes) {
  SubprocessSpec spec;
  spec.program = "sh";
  EXPECT_FALSE(capture_subprocess(spec).ok());
  spec.program = "/bin/echo";
  spec.arguments = {std::string("a\0b", 3)};
  EXPECT_FALSE(capture_subprocess(spec).ok());
}

TEST(Subprocess, SaysWhichProgramIsMissing) {
  SubprocessSpec spec;
  spec.program = "/nowhere/program";
  auto run = capture_subprocess(spec);
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.error().code, "runtime.spawn_failed");
  EXPECT_THAT(run.error().message, HasSubstr("/nowhere/program"));
}

TEST(FindProgram, SkipsRelativeFoldersAndNonExecutables) {
  const TempDir folder = TempDir::create().value();
  std::filesystem::create_directory(folder / "bin");
  std::ofstream(folder / "bin/tool") << "#!/bin/sh\n";
  const std::string bin = folder / "bin";
  EXPECT_EQ(find_program("tool", bin).ok(), false);
  ::chmod((folder / "bin/tool").c_str(), 0700);
  auto found = find_program("tool", ".:bin::" + bin);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, folder / "bin/tool");
  EXPECT_EQ(find_program("tool", "bin:.").ok(), false);
  EXPECT_EQ(find_program("../tool", bin).error().code, "runtime.program_not_found");
}

}  // namespace
}  // namespace wrench::runtime
