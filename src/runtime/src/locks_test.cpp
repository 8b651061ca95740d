#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <latch>
#include <thread>

#include <filesystem>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/runtime/file_lock.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {
namespace {

Deadline already_passed(const Clock& clock) { return Deadline::after(clock, 0); }

TEST(FileLock, ExcludesAnotherHolderAndNamesItsPid) {
  const TempDir dir = TempDir::create().value();
  {
    const Result<FileLock> first = FileLock::try_acquire(dir / "lock");
    ASSERT_TRUE(first.ok());
    const Result<FileLock> second = FileLock::try_acquire(dir / "lock");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, "runtime.locked");
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(FileLock::try_acquire(dir / "lock").ok());
}

TEST(TurnLock, ReportsTheHolderWhenTheDeadlinePasses) {
  const TempDir dir = TempDir::create().value();
  const ManualClock clock;
  Result<TurnLock> a = TurnLock::open(dir / "lock");
  Result<TurnLock> b = TurnLock::open(dir / "lock");
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_TRUE(a->lock(clock, already_passed(clock)).ok());
  const Result<void> refused = b->lock(clock, already_passed(clock));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "runtime.locked");
  a->unlock();
  EXPECT_TRUE(b->lock(clock, already_passed(clock)).ok());
  b->unlock();
}

TEST(TurnLock, ServesAWaiterBeforeTheLastHolderGetsItAgain) {
  const TempDir dir = TempDir::create().value();
  const ManualClock clock;
  Result<TurnLock> greedy = TurnLock::open(dir / "lock");
  Result<TurnLock> patient = TurnLock::open(dir / "lock");
  ASSERT_TRUE(greedy.ok() && patient.ok());
  ASSERT_TRUE(greedy->lock(clock, {}).ok());
  std::atomic<bool> served{false};
  std::thread waiter([&] {
    ASSERT_TRUE(patient->lock(clock, {}).ok());
    served = true;
    patient->unlock();
  });
  // Without turns this loop would starve the waiter for as long as it likes; with them it ends.
  while (!served) {
    greedy->unlock();
    ASSERT_TRUE(greedy->lock(clock, {}).ok());
  }
  greedy->unlock();
  waiter.join();
}

TEST(BootLock, IsLiveWhileHeldAndDeadAfterSigkill) {
  const TempDir dir = TempDir::create().value();
  const std::string boots = dir / "boots";
  EXPECT_TRUE(BootLock::list(boots)->empty());

  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<BootLock> lock = BootLock::acquire(boots, "bot_1");
    const char answer = lock.ok() ? 'y' : 'n';
    [[maybe_unused]] const ssize_t n = ::write(ready[1], &answer, 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 'n';
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  EXPECT_EQ(*BootLock::probe(boots, "bot_1"), BootLock::Liveness::Live);
  EXPECT_TRUE(BootLock::forget(boots, "bot_1").ok());
  EXPECT_EQ(BootLock::list(boots)->size(), 1U) << "a live boot isn't forgotten";
  EXPECT_EQ(BootLock::acquire(boots, "bot_1").error().code, "runtime.locked");

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(*BootLock::probe(boots, "bot_1"), BootLock::Liveness::Dead);
  ASSERT_EQ(BootLock::list(boots)->size(), 1U);
  ASSERT_TRUE(BootLock::forget(boots, "bot_1").ok());
  EXPECT_TRUE(BootLock::list(boots)->empty());
}

TEST(BootLock, RefusesIdsThatAreNotFileNames) {
  const TempDir dir = TempDir::create().value();
  for (const char* id : {"", "../x", "a/b", ".hidden", "a b"})
    EXPECT_EQ(BootLock::acquire(dir.path(), id).error().code, "runtime.invalid_boot_id") << id;
  EXPECT_EQ(BootLock::probe(dir.path(), std::string(65, 'a')).error().code, "runtime.invalid_boot_id");
}

TEST(AtomicFile, ReplacesWholeFilesAndLeavesNoTemporary) {
  const TempDir dir = TempDir::create().value();
  ASSERT_TRUE(write_file_atomically(dir / "f", "one", 0640).ok());
  ASSERT_TRUE(write_file_atomically(dir / "f", std::string(100'000, 'x')).ok());
  EXPECT_EQ(*read_file(dir / "f", 100'000), std::string(100'000, 'x'));
  EXPECT_EQ(read_file(dir / "f", 99'999).error().code, "io.too_large");
  struct stat info{};
  ASSERT_EQ(::stat((dir / "f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_EQ(write_file_atomically(dir / "no/f", "x").error().code, "io.not_found");
}

TEST(AtomicFile, LeavesTheOldFileUntilItIsCommitted) {
  const TempDir dir = TempDir::create().value();
  ASSERT_TRUE(write_file_atomically(dir / "f", "old").ok());
  {
    auto given_up = AtomicFile::create(dir / "f");
    ASSERT_TRUE(given_up.ok());
    ASSERT_TRUE(given_up->write("half").ok());
  }
  EXPECT_EQ(*read_file(dir / "f", 100), "old");
  auto file = AtomicFile::create(dir / "f");
  ASSERT_TRUE(file.ok() && file->write("ne").ok() && file->write("w").ok());
  EXPECT_EQ(*read_file(dir / "f", 100), "old");
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(*read_file(dir / "f", 100), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(AtomicFile, RefusesToReadWhatIsNotARegularFile) {
  const TempDir dir = TempDir::create().value();
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(dir / "fifo", 10).error().code, "io.not_a_file");
  EXPECT_EQ(read_file(dir.path(), 10).error().code, "io.not_a_file");
  EXPECT_EQ(read_file(dir / "absent", 10).error().code, "io.not_found");
}

TEST(MakeDirectories, CreatesThePathAndSaysWhatIsInTheWay) {
  const TempDir dir = TempDir::create().value();
  ASSERT_TRUE(make_directories(dir / "a/b/c").ok());
  ASSERT_TRUE(make_directories(dir / "a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
  ASSERT_TRUE(write_file_atomically(dir / "file", "").ok());
  EXPECT_EQ(make_directories(dir / "file/x").error().code, "io.not_directory");
}

}  // namespace
}  // namespace wrench::runtime
