#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "../sqlite_connection.hpp"
#include "../sqlite_error.hpp"
#include "../store_directory.hpp"
#include "backup_file.hpp"
#include "backup_unpack.hpp"
#include "base_backup.hpp"
#include "postgres_dump.hpp"
#include "sqlite_query.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/runtime/scratch_dir.hpp"

namespace wrench::storage {
namespace {

Result<void> check_unused(const std::string& into) {
  for (const auto& [boot, liveness] : WRENCH_TRY(runtime::BootLock::list(into + "/boots")))
    if (liveness == runtime::BootLock::Liveness::Live)
      return Error("backup.in_use", "a process works with the store in " + into + " (" + boot + "); end it first");
  return {};
}

/// Whether there is, or was, a store: one that is damaged is what a restore is for.
bool is_occupied(const StoreDirectory& target) {
  const auto content = target.inspect();
  return !content.ok() || *content == StoreDirectory::Content::Database;
}

Result<void> check_target(const StoreDirectory& target, const BackupFile& backup, const RestoreOptions& options) {
  if (!is_occupied(target)) return {};
  if (!options.replace)
    return Error("backup.target_not_empty", options.into + " holds a store already; --replace takes its place")
        .with_help("wrench backup restore " + backup.name + " --replace");
  const std::string there = target.marked_store_id();
  if (there.empty() || there == backup.manifest->store_id || options.another_store) return {};
  return unless_damaged(backup, Error("backup.other_store",
                                      backup.path + " is of another store (" + backup.manifest->store_id + ") than " +
                                          options.into + " (" + there + "); --force-store replaces it all the same"));
}

/// The log goes into the database file, so that this alone is the store, and is durable.
Result<void> flatten(const std::string& database) {
  {
    const StatementCatalogue none;
    const auto connection = WRENCH_TRY(SqliteConnection::open(database, SqliteConnection::Role::Writer, {}, none));
    if (WRENCH_TRY(sqlite_number(connection->raw(), "PRAGMA wal_checkpoint(TRUNCATE)")) != 0)
      return Error("storage.busy", "the restored store is in use before it is there");
  }
  // No connection is open any more, so nobody's locks are lost with this descriptor.
  const int fd = ::open(database.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error(errno_error(errno, database), "flush the restored store");
  const int flushed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (flushed != 0) return file_error(errno_error(flushed, database), "flush the restored store");
  return {};
}

}  // namespace

Result<RestoreReport> restore_backup(const std::string& path, const RestoreOptions& options, const Clock& clock,
                                     Random& random) {
  RestoreReport report;
  report.verified.backup = WRENCH_TRY(look_at_backup(path));
  const BackupFile& backup = report.verified.backup;
  WRENCH_TRY(check_method(backup));
  if (backup.manifest->method == kPhysicalMethod) {
    if (options.into.find("://") == std::string::npos) return restore_base_backup(backup, options, clock, random);
    return Error("backup.other_kind", backup.path +
                                          " is of a whole PostgreSQL server: --into takes a folder, which becomes the "
                                          "data directory of another one");
  }
  const bool to_database = options.into.find("://") != std::string::npos;
  if (to_database != (backup.manifest->method == kPostgresMethod))
    return Error("backup.other_kind", backup.path + (to_database ? " is of a data directory: it can't become a database"
                                                                 : " is of a PostgreSQL database: --into takes a URL"));
  if (to_database) return restore_postgres(backup, options, clock, random);
  const StoreDirectory target = WRENCH_TRY(StoreDirectory::open(options.into));
  // Held to the end: who wants to write to the old store waits, and then finds the new one.
  const auto lock = WRENCH_TRY(target.open_write_lock());
  if (auto locked = lock->lock(clock, Deadline::after(clock, kLockWaitMax)); !locked.ok())
    return file_error(std::move(locked).error(), "restore");
  WRENCH_TRY(check_unused(options.into));
  WRENCH_TRY(target.finish_restore());
  WRENCH_TRY(check_target(target, backup, options));
  auto beside = runtime::ScratchDir::create_in(options.into, kRestorePrefix);
  if (!beside.ok()) return file_error(std::move(beside).error(), "restore");

  const Micros began_us = clock.boot_us();
  WRENCH_TRY(unpack_backup(backup, beside->path(), options.verify));
  report.verified.found = WRENCH_TRY(inspect_unpacked(backup, beside->path(), options.verify, clock, random));
  report.verified.duration_us = clock.boot_us() - began_us;
  report.verified.age_us = clock.now_us() - backup.manifest->created_at;
  if (!report.verified.found.problems.empty()) return not_whole(report.verified);
  {
    const auto store = WRENCH_TRY(open_unpacked(beside->path(), options.verify, clock, random));
    report.epoch = WRENCH_TRY(settle_restored(*store, options, *backup.manifest, clock));
    store->close();
  }
  const std::string database = *beside / "store.db";
  WRENCH_TRY(flatten(database));
  if (options.verify.stop.stop_requested())
    return Error("backup.stopped", "restoring was stopped; nothing was changed");
  if (::rename(database.c_str(), target.restored_path().c_str()) != 0)
    return file_error(errno_error(errno, target.restored_path()), "restore");
  report.kept = WRENCH_TRY(target.finish_restore());
  return report;
}

}  // namespace wrench::storage
