#include "wrench/runtime/boot_lock.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "ofd_lock.hpp"
#include "unique_fd.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::runtime {
namespace {

constexpr std::size_t kBootIdMax = 64;
constexpr off_t kLockByte = 0;
/// Names under construction; never a valid boot id.
constexpr std::string_view kNewPrefix = ".new-";

bool is_boot_id(std::string_view id) {
  return !id.empty() && id.size() <= kBootIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<std::string> boot_path(const std::string& dir, std::string_view id) {
  if (!is_boot_id(id))
    return Error("runtime.invalid_boot_id", "a boot id has 1 to 64 characters of A-Z a-z 0-9 _ and -");
  return dir + "/" + std::string(id);
}

}  // namespace

Result<BootLock> BootLock::acquire(const std::string& dir, std::string_view boot_id) {
  const std::string path = WRENCH_TRY(boot_path(dir, boot_id));
  WRENCH_TRY(make_directories(dir));
  // Locked before it gets its name: nobody can see a live boot without its lock.
  const std::string fresh =
      dir + "/" + std::string(kNewPrefix) + std::string(boot_id) + "-" + std::to_string(::getpid());
  UniqueFd fd(WRENCH_TRY(open_lock_file(fresh)));
  if (try_lock_byte(fd.fd(), kLockByte) != OfdAnswer::Locked) {
    Error error =
        errno == EAGAIN || errno == EACCES ? locked_error(fd.fd(), fresh) : errno_error(errno, "lock " + fresh);
    return error;
  }
  write_holder(fd.fd());
  if (WRENCH_TRY(probe(dir, boot_id)) == Liveness::Live) {
    ::unlink(fresh.c_str());
    return Error("runtime.locked", path + " is locked by another process");
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int why = errno;
    ::unlink(fresh.c_str());
    return errno_error(why, "rename to " + path);
  }
  return BootLock(fd.release(), std::string(boot_id), path);
}

BootLock::~BootLock() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());
  UniqueFd closing(fd_);
}

Result<BootLock::Liveness> BootLock::probe(const std::string& dir, std::string_view boot_id) {
  const std::string path = WRENCH_TRY(boot_path(dir, boot_id));
  // To ask who holds a lock takes no right to write; O_NONBLOCK, because something else may lie there.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    if (errno == ENOENT) return Liveness::Dead;
    return errno_error(errno, "open " + path);
  }
  return WRENCH_TRY(byte_is_locked(fd.fd(), kLockByte, path)) ? Liveness::Live : Liveness::Dead;
}

Result<std::vector<std::pair<std::string, BootLock::Liveness>>> BootLock::list(const std::string& dir) {
  std::vector<std::pair<std::string, Liveness>> boots;
  struct CloseDir {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, CloseDir> folder(::opendir(dir.c_str()));
  if (!folder) {
    if (errno == ENOENT) return boots;
    return errno_error(errno, "open folder " + dir);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string id = entry->d_name;
    if (is_boot_id(id)) boots.emplace_back(id, WRENCH_TRY(probe(dir, id)));
    errno = 0;
  }
  if (errno != 0) return errno_error(errno, "read folder " + dir);
  std::sort(boots.begin(), boots.end());
  return boots;
}

Result<void> BootLock::forget(const std::string& dir, std::string_view boot_id) {
  const std::string path = WRENCH_TRY(boot_path(dir, boot_id));
  if (WRENCH_TRY(probe(dir, boot_id)) == Liveness::Live) return {};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "remove " + path);
  return {};
}

}  // namespace wrench::runtime
