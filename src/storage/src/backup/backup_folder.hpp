#pragma once

#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/runtime/file_lock.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

inline constexpr std::string_view kBackupScratchPrefix = ".wrench-backup";

/// The folder that backups are in, locked against others who write to it:
///   wrench-20261128T140501123Z.wbk           a backup
///   wrench-20261128T140501123Z.wbk.verified  that it restored, and how long that took
///   .wrench-backup.lock                      who writes
///   .wrench-backup-XXXXXX, *.wbk.XXXXXX      half-done
class BackupFolder {
 public:
  /// Creates it if missing. Errors: storage.busy, storage.read_only, storage.full, storage.io.
  static Result<BackupFolder> open_to_write(const std::string& path);
  const std::string& path() const { return path_; }
  /// For a backup taken at that moment; no file has this name.
  std::string path_for(Micros created_at) const;
  /// Removes what a process left that was killed.
  void remove_leftovers() const;
  /// Removes a backup and what is known of it.
  Result<void> remove(const BackupFile& backup) const;

 private:
  BackupFolder(std::string path, runtime::FileLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  runtime::FileLock lock_;
};

/// Beside the backup, bound to its digest. Errors: storage.full, storage.io, storage.read_only.
Result<void> remember_verification(const BackupFile& backup, const Verification& verification);
void forget_verification(const BackupFile& backup);

}  // namespace wrench::storage
