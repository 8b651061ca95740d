#include "wrench/runtime/directory_watch.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "unique_fd.hpp"

namespace wrench::runtime {

namespace {

constexpr int kStopPollMs = 500;
constexpr std::size_t kEventBytes = 16 * 1024;
constexpr std::uint32_t kChanges = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE;

}  // namespace

Result<DirectoryWatch> DirectoryWatch::open(const std::vector<std::string>& directories) {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.valid()) return errno_error(errno, "watch directories");
  for (const std::string& directory : directories)
    if (::inotify_add_watch(fd.fd(), directory.c_str(), kChanges | IN_ONLYDIR) < 0)
      return errno_error(errno, "watch " + directory);
  return DirectoryWatch(fd.release());
}

DirectoryWatch::~DirectoryWatch() { UniqueFd closing(fd_); }

Result<bool> DirectoryWatch::wait(const Clock& clock, Deadline deadline, const StopToken& stop) {
  while (!stop.stop_requested()) {
    const Micros left_ms = deadline.left_us(clock) / kMicrosPerMs + 1;
    const int pause = static_cast<int>(std::clamp<Micros>(left_ms, 0, kStopPollMs));
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, pause);
    if (ready < 0 && errno != EINTR) return errno_error(errno, "wait for changes of files");
    if (ready > 0) {
      // What changed doesn't matter, and an overflow of the kernel's queue is a change as well.
      std::array<char, kEventBytes> events{};
      while (::read(fd_, events.data(), events.size()) > 0) continue;
      return true;
    }
    if (deadline.passed(clock)) return false;
  }
  return false;
}

}  // namespace wrench::runtime
