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
#include "wrench/storage/store.hpp"

namespace wrench::app {

/// How a backup is verified by those who wrote what is in it: the statements, the check of the engine's invariants.
storage::VerifyOptions backup_checks(const StopToken& stop);

/// Makes the backups that a store is owed for as long as this lives: one a day, verified once a week, old ones removed
/// (storage::backup_duty(), storage::KeepPolicy). On a thread of its own, which looks now and then. Of the processes
/// that work on one PostgreSQL database one at a time does (storage::StoreLease), in its own folder, and the others
/// know (storage::noted_backups()). What it did, and what it couldn't do, is an event of the store, too:
/// backup.created, backup.verified, backup.failed.
class BackupKeeper {
 public:
  /// `where`: the data directory, or the URL of the database. `store` must outlive this.
  BackupKeeper(storage::Store& store, std::string where, std::string folder);
  ~BackupKeeper();  ///< Stops a backup under way: nothing of it is left.
  BackupKeeper(const BackupKeeper&) = delete;
  BackupKeeper& operator=(const BackupKeeper&) = delete;

  /// What it had to tell since the last call. Thread-safe.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void run();
  /// True if something was done, so that something else may be owed.
  Result<bool> do_duty();
  Result<bool> do_duty_here();
  Result<bool> do_shared_duty();
  Result<void> create();
  Result<void> verify(const storage::BackupFile& newest);
  /// Those of this machine's folder whose file is gone.
  Result<void> forget_missing();
  void tell_failure(const Error& error);

  storage::Store& store_;
  const std::string where_, folder_;
  const bool shared_;
  const std::string host_;
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
