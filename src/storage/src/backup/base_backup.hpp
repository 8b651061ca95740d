#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// How a physical backup of PostgreSQL is made: what pg_basebackup writes of the whole server, its databases, roles and
/// log, with the server's own manifest of every file.
inline constexpr std::string_view kPhysicalMethod = "pg_basebackup";

/// Backs the server at `options.database_url` up into the new file `into`, while others use it. Errors: those of
/// create_backup(), backup.tablespaces (it has some outside of its data directory).
Result<BackupManifest> take_base_backup(const BackupOptions& options, const std::string& into, const Clock& clock);

/// Unpacks it to the data directory `data`, which doesn't exist yet, and has pg_verifybackup check each of its files.
/// What is wrong, one line each. Errors: backup.damaged, runtime.program_not_found, backup.tool_failed.
Result<std::vector<std::string>> unpack_base_backup(const std::string& archive, const std::string& data,
                                                    const BackupManifest& manifest, const StopToken& stop);

/// The same, and starts a server on it that nobody else sees: what differs from the manifest, and what the options'
/// check finds. `scratch` is an empty folder of ours.
Result<StoreFindings> inspect_base_backup(const std::string& archive, const std::string& scratch,
                                          const BackupManifest& manifest, const VerifyOptions& options,
                                          const Clock& clock, Random& random);

/// restore_backup() of a physical backup, into a folder that is empty or doesn't exist.
Result<RestoreReport> restore_base_backup(const BackupFile& backup, const RestoreOptions& options, const Clock& clock,
                                          Random& random);

}  // namespace wrench::storage
