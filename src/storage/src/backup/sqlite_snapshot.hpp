#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// How SQLite's content of a backup is made: a copy of the database file as one snapshot shows it.
inline constexpr std::string_view kSqliteMethod = "sqlite";

/// Copies the store in `options.data_directory` to the new file `into`, while others write to it. The manifest tells of
/// the copied snapshot. Errors: those of create_backup().
Result<BackupManifest> copy_sqlite(const BackupOptions& options, const std::string& into, const Clock& clock);

/// What is wrong with the database file `path` itself, and where it differs from the manifest; one line each.
Result<std::vector<std::string>> inspect_sqlite(const std::string& path, const BackupManifest& manifest);

}  // namespace wrench::storage
