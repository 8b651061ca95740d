#include "ofd_lock.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace wrench::runtime {
namespace {

struct flock byte_range(short type, off_t byte) {
  struct flock range{};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return range;
}

std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  long pid = 0;
  if (n <= 0 || std::from_chars(text.data(), text.data() + n, pid).ec != std::errc{} || pid <= 0)
    return "another process";
  return "process " + std::to_string(pid);
}

}  // namespace

OfdAnswer try_lock_byte(int fd, off_t byte) {
  struct flock range = byte_range(F_WRLCK, byte);
  int answer;
  do {
    answer = ::fcntl(fd, F_OFD_SETLK, &range);
  } while (answer != 0 && errno == EINTR);
  if (answer == 0) return OfdAnswer::Locked;
  return errno == EAGAIN || errno == EACCES ? OfdAnswer::HeldByOther : OfdAnswer::Failed;
}

void unlock_byte(int fd, off_t byte) {
  struct flock range = byte_range(F_UNLCK, byte);
  ::fcntl(fd, F_OFD_SETLK, &range);
}

Result<bool> byte_is_locked(int fd, off_t byte, const std::string& path) {
  struct flock range = byte_range(F_WRLCK, byte);
  if (::fcntl(fd, F_OFD_GETLK, &range) != 0) return errno_error(errno, "query the lock on " + path);
  return range.l_type != F_UNLCK;
}

Result<int> open_lock_file(const std::string& path) {
  // O_CLOEXEC: an inherited descriptor would keep the lock of a dead owner alive.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_error(errno, "open " + path);
  return fd;
}

void write_holder(int fd) {
  std::array<char, 32> text{};
  std::memset(text.data(), ' ', text.size() - 1);
  std::to_chars(text.data(), text.data() + text.size() - 1, static_cast<long>(::getpid()));
  text.back() = '\n';
  // Only a help for messages: a full disk must not keep anyone from locking.
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
}

Error locked_error(int fd, const std::string& path) {
  return Error("runtime.locked", path + " is locked by " + holder(fd));
}

}  // namespace wrench::runtime
