#pragma once

#include <string>
#include <utility>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::runtime {

/// An exclusive lock between processes on a file of its own (open file description lock, F_OFD_SETLK). The kernel
/// releases it when the holder dies, however it dies. The file holds the holder's pid as text.
/// Trap: such a lock lives on in a forked child; descriptors are O_CLOEXEC, so spawn with posix_spawn.
class FileLock {
 public:
  /// Creates the file if needed. Errors: runtime.locked (message names the holder's pid), io.*.
  static Result<FileLock> try_acquire(std::string path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();  ///< Releases. The file stays: removing it would let two processes lock two files of one name.
  const std::string& path() const { return path_; }

 private:
  FileLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

/// The same kind of lock, taken and released thousands of times a second, and fair: whoever waits is served before the
/// last holder gets it again. One thread at a time.
class TurnLock {
 public:
  static Result<TurnLock> open(std::string path);
  TurnLock(TurnLock&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), held_(std::exchange(other.held_, false)), path_(std::move(other.path_)) {}
  TurnLock& operator=(TurnLock&&) = delete;
  ~TurnLock();

  /// Errors: runtime.locked (message names the holder's pid) when the deadline passes, io.*.
  Result<void> lock(const Clock& clock, Deadline deadline);
  void unlock();

 private:
  TurnLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  bool held_ = false;
  std::string path_;
};

}  // namespace wrench::runtime
