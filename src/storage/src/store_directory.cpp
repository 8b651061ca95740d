#include "store_directory.hpp"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sqlite_error.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kMarkerBytesMax = 256;

/// Size without opening: a descriptor of ours on the database would, when closed, drop SQLite's locks on it.
Result<std::int64_t> size_or_absent(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return static_cast<std::int64_t>(info.st_size);
  if (errno == ENOENT) return std::int64_t{-1};
  return file_error(errno_error(errno, path), "look at the data directory");
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Result<void> check_filesystem(const std::string& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) != 0)
    return file_error(errno_error(errno, path), "look at the file system of the data directory");
  if (is_network_filesystem(static_cast<long>(info.f_type)))
    return Error("storage.unsupported_filesystem",
                 path +
                     " is on a network file system, where locks between machines don't hold; choose a local folder "
                     "for the data directory");
  return {};
}

}  // namespace

bool is_network_filesystem(long statfs_type) {
  static constexpr std::array<unsigned long, 10> kMagic = {
      0x6969,      // NFS
      0xFF534D42,  // CIFS
      0xFE534D42,  // SMB2
      0x517B,      // SMB
      0x5346414F,  // AFS
      0x73757245,  // Coda
      0x564C,      // NCP
      0x00C36400,  // Ceph
      0x0BD00BD0,  // Lustre
      0x01021997,  // 9P
  };
  return std::find(kMagic.begin(), kMagic.end(), static_cast<unsigned long>(statfs_type) & 0xFFFFFFFFUL) !=
         kMagic.end();
}

Result<StoreDirectory> StoreDirectory::open(std::string path) {
  path = without_slashes(std::move(path));
  if (Result<void> made = runtime::make_directories(path); !made.ok())
    return file_error(std::move(made).error(), "open the data directory");
  WRENCH_TRY(check_filesystem(path));
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return file_error(errno_error(errno, path), "write to the data directory");
  return StoreDirectory(std::move(path));
}

Result<StoreDirectory> StoreDirectory::open_to_read(std::string path) {
  StoreDirectory directory(without_slashes(std::move(path)));
  if (WRENCH_TRY(size_or_absent(directory.restored_path())) >= 0)
    return Error("storage.restore_unfinished", "a restore of " + directory.path_ + " was interrupted at its last step");
  if (WRENCH_TRY(directory.inspect()) == Content::Nothing)
    return Error("storage.not_found", "there is no store in " + directory.path_ + " yet");
  WRENCH_TRY(check_filesystem(directory.path_));
  return directory;
}

Result<std::unique_ptr<runtime::TurnLock>> StoreDirectory::open_write_lock() const {
  Result<runtime::TurnLock> lock = runtime::TurnLock::open(path_ + "/store.wlock");
  if (!lock.ok()) return file_error(std::move(lock).error(), "open the data directory");
  return std::make_unique<runtime::TurnLock>(std::move(lock).value());
}

Result<StoreDirectory::Content> StoreDirectory::inspect() const {
  const std::int64_t size = WRENCH_TRY(size_or_absent(database_path()));
  if (size > 0) return Content::Database;
  const std::int64_t marker = WRENCH_TRY(size_or_absent(path_ + "/store.id"));
  const std::int64_t wal = WRENCH_TRY(size_or_absent(wal_path()));
  if (marker >= 0 || wal > 0)
    return Error("storage.corrupt", database_path() + (size < 0 ? " is missing" : " is empty") +
                                        ", but a store was created here; restore a backup, or choose another data "
                                        "directory. Nothing was changed");
  return Content::Nothing;
}

Result<std::string> StoreDirectory::finish_restore() const {
  if (WRENCH_TRY(size_or_absent(restored_path())) < 0) return std::string();
  const auto sync = [this]() -> Result<void> {
    if (Result<void> synced = runtime::sync_directory(path_); !synced.ok())
      return file_error(std::move(synced).error(), "finish the restore");
    return {};
  };
  WRENCH_TRY(sync());  // The new one has its name for good before the old one loses anything.
  const std::string database = database_path();
  std::string kept = database + ".before-restore";
  for (int n = 2; WRENCH_TRY(size_or_absent(kept)) >= 0; ++n) kept = database + ".before-restore-" + std::to_string(n);
  // The log first: with the database gone, it would be taken for that of the new one.
  bool moved = false;
  for (const std::string suffix : {"-wal", ""}) {
    if (WRENCH_TRY(size_or_absent(database + suffix)) < 0) continue;
    if (::rename((database + suffix).c_str(), (kept + suffix).c_str()) != 0)
      return file_error(errno_error(errno, database + suffix), "keep the store from before the restore");
    moved = true;
  }
  ::unlink((database + "-shm").c_str());
  ::unlink((path_ + "/store.id").c_str());
  WRENCH_TRY(sync());
  if (::rename(restored_path().c_str(), database.c_str()) != 0)
    return file_error(errno_error(errno, database), "finish the restore");
  WRENCH_TRY(sync());
  return moved ? kept : std::string();
}

std::string StoreDirectory::marked_store_id() const {
  const Result<std::string> had = runtime::read_file(path_ + "/store.id", kMarkerBytesMax);
  return had.ok() ? std::string(trim(*had)) : std::string();
}

Result<void> StoreDirectory::mark(const std::string& store_id) const {
  const std::string path = path_ + "/store.id";
  const Result<std::string> had = runtime::read_file(path, kMarkerBytesMax);
  if (had.ok()) {
    if (trim(*had) == store_id) return {};
    return Error("storage.corrupt", database_path() + " is another store (" + store_id +
                                        ") than the one created here (" + std::string(trim(*had)) +
                                        "); put the right file back, or remove " + path + " if this one is meant");
  }
  if (had.error().code != "io.not_found") return file_error(had.error(), "open the data directory");
  if (Result<void> written = runtime::write_file_atomically(path, store_id + "\n"); !written.ok())
    return file_error(std::move(written).error(), "create the store");
  return {};
}

}  // namespace wrench::storage
