#include "backup_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "../sqlite_error.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {

Result<FileSource> FileSource::open(const std::string& path) {
  // O_NONBLOCK: opening a FIFO without a writer would wait for ever.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return Error("backup.not_found", "there is no backup " + path).with_help("wrench backup list");
    return file_error(errno_error(errno, path), "open the backup");
  }
  struct stat info{};
  FileSource source(fd, 0, path);
  if (::fstat(fd, &info) != 0) return file_error(errno_error(errno, path), "look at the backup");
  if (!S_ISREG(info.st_mode)) return Error("backup.not_found", path + " is no file").with_help("wrench backup list");
  source.size_ = static_cast<std::uint64_t>(info.st_size);
  return source;
}

FileSource::FileSource(FileSource&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_), path_(std::move(other.path_)) {}

FileSource::~FileSource() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> FileSource::read(std::uint64_t at, std::span<char> into) const {
  while (!into.empty()) {
    const ssize_t n = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(errno_error(errno, path_), "read the backup");
    if (n == 0) return Error("storage.io", "read the backup: " + path_ + " became shorter meanwhile");
    into = into.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> MemorySource::read(std::uint64_t at, std::span<char> into) const {
  WRENCH_ASSERT(at <= bytes_.size() && into.size() <= bytes_.size() - at);
  if (!into.empty()) std::memcpy(into.data(), bytes_.data() + at, into.size());
  return {};
}

}  // namespace wrench::storage
