#include "wrench/runtime/scratch_dir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "unique_fd.hpp"

namespace wrench::runtime {
namespace {

constexpr std::size_t kRandomLetters = 6;  ///< Of mkdtemp(3).
/// Each time it was taken for a dead one's before it was locked.
constexpr int kTries = 100;

bool is_scratch_name(std::string_view name, std::string_view prefix) {
  if (name.size() != prefix.size() + 1 + kRandomLetters || !name.starts_with(prefix) || name[prefix.size()] != '-')
    return false;
  for (const char c : name.substr(prefix.size() + 1))
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) return false;
  return true;
}

/// The folder's descriptor with its lock; an invalid one if another process has it, or there is none.
UniqueFd lock_folder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() || ::flock(fd.fd(), LOCK_EX | LOCK_NB) != 0) return UniqueFd();
  return fd;
}

bool is_still_there(const UniqueFd& fd, const std::string& path) {
  struct stat held{}, there{};
  return ::fstat(fd.fd(), &held) == 0 && ::lstat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

bool is_ours(const UniqueFd& fd) {
  struct stat info{};
  return ::fstat(fd.fd(), &info) == 0 && (info.st_uid == ::geteuid() || ::geteuid() == 0);
}

std::vector<std::string> names_in(const std::string& folder) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Close> dir(::opendir(folder.c_str()));
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) names.emplace_back(entry->d_name);
  return names;
}

}  // namespace

ScratchDir::Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ScratchDir> ScratchDir::create_in(const std::string& folder, std::string_view name_prefix) {
  remove_dead(folder, name_prefix);
  for (int i = 0; i < kTries; ++i) {
    TempDir dir = WRENCH_TRY(TempDir::create_in(folder, name_prefix));
    // Between the two another process may take it for a dead one's: who locks it, and finds it there, has it.
    UniqueFd fd = lock_folder(dir.path());
    if (fd.valid() && is_still_there(fd, dir.path())) return ScratchDir(Lock(fd.release()), std::move(dir));
  }
  return Error("io.failed", "lock a temporary folder in " + folder + ": its file system takes no locks");
}

int ScratchDir::remove_dead(const std::string& folder, std::string_view name_prefix) {
  int removed = 0;
  for (const std::string& name : names_in(folder)) {
    if (!is_scratch_name(name, name_prefix)) continue;
    const std::string path = folder + "/" + name;
    const UniqueFd fd = lock_folder(path);
    if (!fd.valid() || !is_ours(fd) || !is_still_there(fd, path)) continue;
    std::error_code failed;
    std::filesystem::remove_all(path, failed);
    if (!failed) ++removed;
  }
  return removed;
}

}  // namespace wrench::runtime
