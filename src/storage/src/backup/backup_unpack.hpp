#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// Of the folders that a restore works in, beside what it is to become (runtime::ScratchDir).
inline constexpr std::string_view kRestorePrefix = ".wrench-restore";
/// What a backup of PostgreSQL is unpacked to: pg_dump's archive.
inline constexpr std::string_view kUnpackedName = "archive";

/// Whether this program can put it back. Errors: backup.method_unknown, backup.damaged.
Result<void> check_method(const BackupFile& backup);

/// Makes a data directory of an empty folder, from the backup; of one of PostgreSQL the file kUnpackedName. Errors:
/// those of verify_backup().
Result<void> unpack_backup(const BackupFile& backup, const std::string& folder, const VerifyOptions& options);

/// What is wrong with the data directory made of the backup; ends with it at the newest schema.
Result<StoreFindings> inspect_unpacked(const BackupFile& backup, const std::string& folder,
                                       const VerifyOptions& options, const Clock& clock, Random& random);

/// What the options' check finds, as much of it as a report has.
Result<StoreFindings> check_restored(Store& store, const VerifyOptions& options);

/// The store of the folder, to be written to, without a reserve for its log.
Result<std::unique_ptr<Store>> open_unpacked(const std::string& folder, const VerifyOptions& options,
                                             const Clock& clock, Random& random);

/// Nobody saw what came after the snapshot: cursors of before expire, and whoever held something holds it no more. The
/// new epoch.
Result<std::int64_t> settle_restored(Store& store, const RestoreOptions& options, const BackupManifest& manifest,
                                     const Clock& clock);
/// Why a backup whose verification found problems isn't restored: backup.invalid.
Error not_whole(const VerifyReport& report);

}  // namespace wrench::storage
