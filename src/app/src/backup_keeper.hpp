#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "note_box.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::app {

/// How a backup is verified by those who wrote what is in it: the statements, the check of the engine's invariants.
storage::VerifyOptions backup_checks(const StopToken& stop);

/// Makes the backups that a store is owed for as long as this lives: one a day, verified once a week, old ones removed
/// (storage::backup_duty(), storage::KeepPolicy). On a thread of its own, which looks at the folder now and then.
class BackupKeeper {
 public:
  BackupKeeper(std::string data_directory, std::string folder);
  ~BackupKeeper();  ///< Stops a backup under way: nothing of it is left.
  BackupKeeper(const BackupKeeper&) = delete;
  BackupKeeper& operator=(const BackupKeeper&) = delete;

  /// What it had to tell since the last call. Thread-safe.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void run();
  /// True if something was done, so that something else may be owed.
  Result<bool> do_duty();
  Result<void> create();
  Result<void> verify(const storage::BackupFile& newest);

  const std::string data_directory_, folder_;
  SystemClock clock_;
  SystemRandom random_;
  NoteBox notes_;
  std::string told_;  ///< Code of the trouble that was told last.
  std::string bad_;   ///< Digest of a backup that doesn't restore.
  StopSource stop_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace wrench::app
