#pragma once

#include <string>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::runtime {

/// Tells that something changed in directories: a file was written, created, renamed, removed, or closed by a process
/// that could write it, which is also how the death of that process shows. Costs nothing while nothing changes
/// (inotify(7)). Changes may be reported late or more than once, never not at all. Of one thread.
class DirectoryWatch {
 public:
  /// Files in the directories themselves, not in those below. Errors: io.*.
  static Result<DirectoryWatch> open(const std::vector<std::string>& directories);
  DirectoryWatch(DirectoryWatch&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryWatch& operator=(DirectoryWatch&&) = delete;
  ~DirectoryWatch();

  /// Blocks until something changed since the last call, the deadline passed, or `stop`, which is looked at twice a
  /// second. True if something changed. Errors: io.*.
  Result<bool> wait(const Clock& clock, Deadline deadline, const StopToken& stop);

 private:
  explicit DirectoryWatch(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace wrench::runtime
