#include "wrench/runtime/file_lock.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "ofd_lock.hpp"
#include "unique_fd.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::runtime {
namespace {

constexpr off_t kHolderByte = 0;
constexpr off_t kTurnByte = 1;
constexpr std::chrono::microseconds kPollFirst{20};
constexpr std::chrono::microseconds kPollMax{1000};

/// Polls, because F_OFD_SETLKW has no time-out and a signal to end it could hit any thread.
Result<void> lock_byte_until(int fd, off_t byte, const std::string& path, const Clock& clock, Deadline deadline) {
  auto pause = kPollFirst;
  while (true) {
    switch (try_lock_byte(fd, byte)) {
      case OfdAnswer::Locked:
        return {};
      case OfdAnswer::Failed:
        return errno_error(errno, "lock " + path);
      case OfdAnswer::HeldByOther:
        break;
    }
    if (deadline.passed(clock)) return locked_error(fd, path);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kPollMax);
  }
}

}  // namespace

Result<FileLock> FileLock::try_acquire(std::string path) {
  UniqueFd fd(WRENCH_TRY(open_lock_file(path)));
  switch (try_lock_byte(fd.fd(), kHolderByte)) {
    case OfdAnswer::Locked:
      break;
    case OfdAnswer::HeldByOther:
      return locked_error(fd.fd(), path);
    case OfdAnswer::Failed:
      return errno_error(errno, "lock " + path);
  }
  write_holder(fd.fd());
  return FileLock(fd.release(), std::move(path));
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    UniqueFd old(std::exchange(fd_, std::exchange(other.fd_, -1)));
    path_ = std::move(other.path_);
  }
  return *this;
}

FileLock::~FileLock() { UniqueFd closing(fd_); }

Result<TurnLock> TurnLock::open(std::string path) {
  const int fd = WRENCH_TRY(open_lock_file(path));
  return TurnLock(fd, std::move(path));
}

TurnLock::~TurnLock() { UniqueFd closing(fd_); }

Result<void> TurnLock::lock(const Clock& clock, Deadline deadline) {
  WRENCH_ASSERT(!held_);
  // Two bytes make it fair: whoever waits for the holder byte has the turn byte, and nobody may try for the holder
  // byte without it. So the last holder has to queue behind the one who waits.
  WRENCH_TRY(lock_byte_until(fd_, kTurnByte, path_, clock, deadline));
  Result<void> locked = lock_byte_until(fd_, kHolderByte, path_, clock, deadline);
  unlock_byte(fd_, kTurnByte);
  WRENCH_TRY(std::move(locked));
  write_holder(fd_);
  held_ = true;
  return {};
}

void TurnLock::unlock() {
  WRENCH_ASSERT(held_);
  unlock_byte(fd_, kHolderByte);
  held_ = false;
}

}  // namespace wrench::runtime
