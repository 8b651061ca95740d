#pragma once

#include <memory>
#include <string>

#include "wrench/base/result.hpp"
#include "wrench/runtime/file_lock.hpp"

namespace wrench::storage {

/// The files of one data directory beside what SQLite itself keeps:
///   store.db (-wal, -shm)  the database
///   store.wlock            who may write
///   store.id               proof that a store was created here; written after it was
///   store.db.restored      a restored database, whole and durable, that is about to take store.db's place
///   store.db.before-restore (-wal)  the database that it took the place of
class StoreDirectory {
 public:
  /// Creates the directory if missing. Errors: storage.read_only, storage.full, storage.io,
  /// storage.unsupported_filesystem.
  static Result<StoreDirectory> open(std::string path);
  /// Touches nothing. Errors: storage.not_found, storage.read_only, storage.io, storage.unsupported_filesystem,
  /// storage.restore_unfinished (it needs to be opened for writing once).
  static Result<StoreDirectory> open_to_read(std::string path);

  std::string database_path() const { return path_ + "/store.db"; }
  std::string restored_path() const { return database_path() + ".restored"; }
  std::string wal_path() const { return path_ + "/store.db-wal"; }
  Result<std::unique_ptr<runtime::TurnLock>> open_write_lock() const;

  enum class Content { Nothing, Database };
  /// Whether there is a database to open. Errors: storage.corrupt when there was one and it is gone or empty: a new
  /// store must never take its place. Call under the write lock.
  Result<Content> inspect() const;
  /// Puts a restored database that waits in the place of the present one, which is kept; does nothing if none waits.
  /// After a crash it goes on where it was. The path of what was kept, or nothing. Call under the write lock, before
  /// inspect().
  Result<std::string> finish_restore() const;
  /// What mark() wrote; empty if nothing did.
  std::string marked_store_id() const;
  /// Remembers that the store `store_id` lives here. Errors: storage.corrupt when it is another one.
  Result<void> mark(const std::string& store_id) const;

 private:
  explicit StoreDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// File systems on which SQLite's locks and shared memory don't hold between machines (statfs(2) magic numbers).
bool is_network_filesystem(long statfs_type);

}  // namespace wrench::storage
