#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/result.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::runtime {

/// A TempDir whose owner others can see: it is locked (flock(2)) as long as this object, or this process, lives. What a
/// killed process left is removed by the next one that makes one of that prefix there.
class ScratchDir {
 public:
  /// In `folder`, which must exist. Errors: io.*.
  static Result<ScratchDir> create_in(const std::string& folder, std::string_view name_prefix);
  /// Removes those of the prefix whose process is gone, and that this user may remove; how many. What can't be removed
  /// stays, silently.
  static int remove_dead(const std::string& folder, std::string_view name_prefix);
  ScratchDir(ScratchDir&& other) noexcept = default;
  ScratchDir& operator=(ScratchDir&&) = delete;
  ~ScratchDir() = default;

  const std::string& path() const { return dir_.path(); }
  std::string operator/(std::string_view name) const { return dir_ / name; }

 private:
  class Lock {
   public:
    explicit Lock(int fd) : fd_(fd) {}
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    int fd_;
  };
  ScratchDir(Lock lock, TempDir dir) : lock_(std::move(lock)), dir_(std::move(dir)) {}
  Lock lock_;  ///< Goes after the folder.
  TempDir dir_;
};

}  // namespace wrench::runtime
