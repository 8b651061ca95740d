#include "wrench/runtime/rooted_dir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "file_stamp.hpp"
#include "unique_fd.hpp"
#include "wrench/base/text.hpp"

namespace wrench::runtime {

namespace {

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::Regular;
  if (S_ISDIR(mode)) return FileKind::Folder;
  if (S_ISLNK(mode)) return FileKind::Symlink;
  return FileKind::Special;
}

DirEntry entry_of(std::string name, const struct stat& status) {
  return {std::move(name), kind_of(status.st_mode), stamp_of(status)};
}

constexpr std::size_t kReadBytes = std::size_t{1} << 20;  // At a time: a slow disk must not delay a stop.

Error failed(int errno_value, const std::string& what) { return errno_error(errno_value, what.empty() ? "." : what); }

/// Kernels before 5.6 and some sandboxes lack openat2: the same by hand, one part at a time, none a link.
int walk(int root, const std::string& relative, int flags) {
  int current = ::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const auto parts = split(relative, '/');
  for (std::size_t i = 0; current >= 0 && i < parts.size(); ++i) {
    const std::string part(parts[i]);
    if (part.empty() || part == ".") continue;
    int next = -1;
    if (part == "..") {
      errno = EXDEV;
    } else {
      const bool last = i + 1 == parts.size();
      next = ::openat(current, part.c_str(), last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    const int saved = errno;
    ::close(current);
    errno = saved;
    current = next;
  }
  return current;
}

}  // namespace

Result<RootedDir> RootedDir::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(errno, path);
  return RootedDir(fd);
}

RootedDir::~RootedDir() {
  if (fd_ >= 0) ::close(fd_);
}

Result<int> RootedDir::open_at(const std::string& relative, int flags) const {
  if (relative.find('\0') != std::string::npos) return Error("io.not_found", "a path with a NUL byte");
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string path = relative.empty() ? "." : relative;
  int fd = static_cast<int>(::syscall(SYS_openat2, fd_, path.c_str(), &how, sizeof how));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) fd = walk(fd_, path, flags | O_CLOEXEC);
  if (fd < 0) return failed(errno, relative);
  return fd;
}

Result<DirEntry> RootedDir::stat(const std::string& relative) const {
  // O_PATH doesn't open what it finds: a FIFO doesn't block, a device doesn't notice.
  const UniqueFd found(WRENCH_TRY(open_at(relative, O_PATH)));
  struct stat status{};
  if (::fstat(found.fd(), &status) != 0) return failed(errno, relative);
  const auto slash = relative.rfind('/');
  return entry_of(slash == std::string::npos ? relative : relative.substr(slash + 1), status);
}

Result<std::vector<DirEntry>> RootedDir::list(const std::string& relative) const {
  const int fd = WRENCH_TRY(open_at(relative, O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), ::closedir);
  if (!folder) {
    const int saved = errno;
    ::close(fd);
    return failed(saved, relative);
  }
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(folder.get());
    if (found == nullptr) {
      if (errno != 0) return failed(errno, relative);
      break;
    }
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() >= kDirEntriesMax)
      return Error("io.too_many_entries", relative + ": more than 1,000,000 entries");
    struct stat status{};
    if (::fstatat(::dirfd(folder.get()), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;  // Vanished meanwhile.
    entries.push_back(entry_of(std::string(name), status));
  }
  std::sort(entries.begin(), entries.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Result<std::string> RootedDir::read(const std::string& relative, std::size_t bytes_max,
                                    const Patience& patience) const {
  const UniqueFd found(WRENCH_TRY(open_at(relative, O_PATH)));
  struct stat status{};
  if (::fstat(found.fd(), &status) != 0) return failed(errno, relative);
  if (!S_ISREG(status.st_mode)) return Error("io.not_regular", relative + ": not a regular file");
  if (static_cast<std::uint64_t>(status.st_size) > bytes_max)
    return Error("io.too_large", relative + ": larger than " + format_bytes(bytes_max));
  // The descriptor names the very file that was checked, whatever stands at its path by now.
  const std::string itself = "/proc/self/fd/" + std::to_string(found.fd());
  const UniqueFd file(::open(itself.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return failed(errno, relative);
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) {
      if (filled > bytes_max)
        return Error("io.too_large", relative + ": grew beyond " + format_bytes(bytes_max) + " while it was read");
      bytes.resize(std::min(bytes_max + 1, bytes.size() * 2));
    }
    if (patience.stop.stop_requested()) return Error("io.stopped", relative + ": reading was stopped");
    if (patience.clock != nullptr && patience.deadline.passed(*patience.clock))
      return Error("io.too_slow", relative + ": reading takes too long");
    const auto got = ::read(file.fd(), bytes.data() + filled, std::min(bytes.size() - filled, kReadBytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, relative);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace wrench::runtime
