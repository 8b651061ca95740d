#include "wrench/runtime/directory_watch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {
namespace {

class DirectoryWatchTest : public ::testing::Test {
 protected:
  bool changed(Micros within = 5 * kMicrosPerSecond) {
    auto answer = watch_.wait(clock_, Deadline::after(clock_, within), {});
    EXPECT_TRUE(answer.ok());
    return answer.ok() && *answer;
  }
  SystemClock clock_;
  TempDir dir_ = *TempDir::create();
  DirectoryWatch watch_ = *DirectoryWatch::open({dir_.path()});
};

TEST_F(DirectoryWatchTest, SeesAFileThatIsWritten) {
  EXPECT_FALSE(changed(1000));
  ASSERT_TRUE(write_file_atomically(dir_ / "a", "text").ok());
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed(1000)) << "told once";
}

TEST_F(DirectoryWatchTest, SeesTheDeathOfAProcessThatHasAFileOpen) {
  ASSERT_TRUE(write_file_atomically(dir_ / "lock", "text").ok());
  int ready[2], die[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(die), 0);
  const std::string path = dir_ / "lock";
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 'x';
    if (::open(path.c_str(), O_RDWR | O_CLOEXEC) < 0 || ::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::close(die[1]);
    while (::read(die[0], &byte, 1) > 0) continue;
    ::raise(SIGKILL);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  while (changed(100'000)) continue;
  ::close(die[1]);
  EXPECT_TRUE(changed());
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(DirectoryWatchTest, StopsWaiting) {
  StopSource stop;
  stop.request_stop();
  EXPECT_FALSE(*watch_.wait(clock_, Deadline(), stop.token()));
  EXPECT_FALSE(DirectoryWatch::open({dir_ / "missing"}).ok());
}

}  // namespace
}  // namespace wrench::runtime
