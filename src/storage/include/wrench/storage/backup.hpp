#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/crypto/sealed_stream.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

/// A copy holds back the reuse of the write-ahead log: it gives up after this time, or when the log has grown this
/// large.
inline constexpr Micros kBackupCopyTimeMax = 1'800 * kMicrosPerSecond;
inline constexpr std::uint64_t kBackupWalBytesMax = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kBackupContentBytesMax = std::uint64_t{1} << 42;
inline constexpr std::size_t kBackupManifestBytesMax = 1 << 20;
inline constexpr std::size_t kBackupTablesMax = 1'000;
inline constexpr std::size_t kBackupsMax = 10'000;      ///< Listed of one folder.
inline constexpr std::size_t kBackupProblemsMax = 100;  ///< Named by one verification.
inline constexpr std::string_view kBackupExtension = ".wbk";

/// What a backup says about itself; docs/reference/backup.md has its file format.
struct BackupManifest {
  std::string method;  ///< How the content was made and is put back: "sqlite", "pg_dump", "pg_basebackup".
  std::string store_id;
  std::int64_t epoch = 0;  ///< Of the event log.
  std::int64_t schema_version = 0;
  std::int64_t event_seq = 0;  ///< Of the newest event.
  Micros created_at = 0;       ///< When the snapshot was taken.
  std::string program_version, database_version;
  std::uint64_t content_bytes = 0;
  std::string content_sha256;  ///< Hex.
  bool encrypted = false;
  std::vector<std::pair<std::string, std::int64_t>> rows;  ///< By table, sorted; of the same snapshot. Physical: none.
  std::string database, schema, role;                      ///< Physical: where the store is, and who may see it.
};

/// That a backup was restored to a scratch folder and found whole.
struct Verification {
  Micros at = 0;
  Micros duration_us = 0;  ///< From the file to a checked store: what a restore takes at least (RTO).
  Micros age_us = 0;       ///< From the snapshot to this verification: what would have been lost then (RPO).
};

struct BackupFile {
  std::string name, path;
  std::uint64_t bytes = 0;
  std::string digest;  ///< SHA-256 that the file ends with, hex.
  std::optional<BackupManifest> manifest;
  std::string problem;  ///< Why there is no manifest.
  std::optional<Verification> verified;
};

struct BackupOptions {
  std::string data_directory;
  std::string database_url;              ///< Of PostgreSQL: its store is backed up, and there is no data directory.
  bool physical = false;                 ///< Of PostgreSQL: the files of the whole server, by pg_basebackup.
  std::string to;                        ///< Folder for the backup; created if missing.
  const crypto::SealKey* key = nullptr;  ///< Null: not encrypted. Must live until the call returns.
  std::uint64_t bytes_per_second = 0;    ///< Of reading the store; 0: as fast as it goes.
  Micros copy_time_max_us = kBackupCopyTimeMax;
  std::uint64_t wal_bytes_max = kBackupWalBytesMax;
  StopToken stop;
};

/// Takes a backup while others use the store. It gets its name when it is whole and durable; what an earlier process
/// left half-done in `to` is removed. Blocks. Errors: storage.not_found, storage.busy (another one writes a backup to
/// that folder), backup.log_too_large, backup.too_slow, backup.stopped, storage.full and others of storage; of
/// PostgreSQL backup.tool_failed, runtime.program_not_found (pg_dump, pg_basebackup), backup.tablespaces, too.
Result<BackupFile> create_backup(const BackupOptions& options, const Clock& clock);

/// Backups of a folder, newest first; files that can't be read come last and say why. A missing folder has none.
/// Reads ends of files only: what is between them is for verify_backup(). Errors: storage.io, storage.read_only.
Result<std::vector<BackupFile>> list_backups(const std::string& folder);
/// One backup. Errors: backup.not_found, backup.damaged.
Result<BackupFile> look_at_backup(const std::string& path);

/// What a look at a restored store found, one line each.
struct StoreFindings {
  std::vector<std::string> problems;  ///< What isn't as it was, or doesn't hold.
  std::vector<std::string> skipped;   ///< What was too large to be looked at.
};

struct VerifyOptions {
  /// Existing folder with room for the content; empty: the backup's own, or, for a physical one as root, $TMPDIR: there
  /// the user postgres, as whom a server is started on it, can get in.
  std::string scratch;
  /// Server where a scratch database is made for a backup of PostgreSQL, and dropped again: its user may CREATEDB.
  std::string database_url;
  const crypto::SealKey* key = nullptr;
  StatementCatalogue statements;
  std::span<const Migration> migrations = embedded_migrations();  ///< Of SQLite.
  /// Looks at the restored copy with the eyes of those who wrote it.
  std::function<Result<StoreFindings>(Store&)> check;
  StopToken stop;
};

struct VerifyReport {
  BackupFile backup;
  StoreFindings found;  ///< No problems: it restores. At most kBackupProblemsMax of each.
  Micros duration_us = 0, age_us = 0;
};

/// Restores to a scratch folder, compares every byte, row count and index, and remembers the result beside the file.
/// Errors: backup.damaged (the file isn't what was written), backup.key_needed, backup.wrong_key, storage.schema_newer,
/// backup.stopped, and those of storage; of PostgreSQL backup.tool_failed, backup.database_needed (no `database_url`).
Result<VerifyReport> verify_backup(const std::string& path, const VerifyOptions& options, const Clock& clock,
                                   Random& random);

struct RestoreOptions {
  /// Data directory, or URL of a PostgreSQL database; of a physical backup an empty folder, or one that doesn't exist.
  std::string into;
  bool replace = false;        ///< It may have a store: that is kept beside, as store.db.before-restore.
  bool another_store = false;  ///< It may be another store than the one that the backup is of.
  VerifyOptions verify;        ///< The scratch folder is not used: it is done beside the target.
  /// Runs once in the restored store, before anybody else sees it: leases are void, what was open is held.
  WriteBody settle;
};

struct RestoreReport {
  VerifyReport verified;
  std::string kept;  ///< Path, or database, of the store that was there before; empty: none.
  std::int64_t epoch = 0;
};

/// Verifies beside the target, then swaps in one durable step: a crash at any moment leaves the old store or the new
/// one. Of PostgreSQL it makes a new database beside, and swaps by renaming two: a crash between leaves both under
/// other names, which the message of the next try says. Errors: those of verify_backup(), backup.invalid (verification
/// found problems), backup.in_use (a process has the store open), backup.target_not_empty, backup.other_store.
Result<RestoreReport> restore_backup(const std::string& path, const RestoreOptions& options, const Clock& clock,
                                     Random& random);

/// How many to keep of each kind: the newest of so many days, weeks and months that have one (UTC).
struct KeepPolicy {
  std::size_t days = 7, weeks = 4, months = 6;
};
struct PruneChoice {
  std::string name;
  bool keep = true;
  std::string reason;
};
/// What the policy says of each backup. Never lets the newest or the newest verified one go, nor what can't be read.
/// Pure.
std::vector<PruneChoice> plan_prune(std::span<const BackupFile> backups, const KeepPolicy& policy = {});
/// Removes what plan_prune() lets go. Errors: storage.busy, storage.io, storage.read_only.
Result<std::vector<PruneChoice>> prune_backups(const std::string& folder, const KeepPolicy& policy = {});

/// What a long-running process owes its store: a backup a day, a verification a week.
enum class BackupDuty { None, Create, Verify };
/// Pure: the caller creates (and prunes), or verifies the newest one, and asks again.
BackupDuty backup_duty(std::span<const BackupFile> backups, Micros now_us);

}  // namespace wrench::storage
