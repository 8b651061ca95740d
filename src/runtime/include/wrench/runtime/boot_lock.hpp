#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// Proof of life of one process ("boot") on a data directory: an open file description lock on `<dir>/<boot_id>`, held
/// until the process ends. Liveness is exact and instant: there is no lease to time out.
class BootLock {
 public:
  enum class Liveness { Live, Dead };

  /// Creates `dir` and the file, already locked when it gets its name. `boot_id`: [A-Za-z0-9_-]{1,64}.
  /// Errors: runtime.invalid_boot_id, runtime.locked (another live process has that id), io.*.
  static Result<BootLock> acquire(const std::string& dir, std::string_view boot_id);
  /// Dead if the file doesn't exist or nobody holds its lock. Errors: runtime.invalid_boot_id, io.*.
  static Result<Liveness> probe(const std::string& dir, std::string_view boot_id);
  /// Every boot with a file, sorted by id; a missing `dir` is an empty list.
  static Result<std::vector<std::pair<std::string, Liveness>>> list(const std::string& dir);
  /// Removes the file of a dead boot after its work was taken over. Does nothing to a live one.
  static Result<void> forget(const std::string& dir, std::string_view boot_id);

  BootLock(BootLock&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), id_(std::move(other.id_)), path_(std::move(other.path_)) {}
  BootLock& operator=(BootLock&&) = delete;
  ~BootLock();  ///< Releases, and removes the file.
  const std::string& id() const { return id_; }

 private:
  BootLock(int fd, std::string id, std::string path) : fd_(fd), id_(std::move(id)), path_(std::move(path)) {}
  int fd_ = -1;
  std::string id_;
  std::string path_;
};

}  // namespace wrench::runtime
