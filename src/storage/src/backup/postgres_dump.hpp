#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../database_url.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// How PostgreSQL's content of a backup is made: an archive of pg_dump (its custom format, not compressed) of the
/// schema that the store is in.
inline constexpr std::string_view kPostgresMethod = "pg_dump";

/// Dumps the store at `options.database_url` into the new file `into`, while others use it. The manifest tells of the
/// same snapshot. Errors: those of create_backup().
Result<BackupManifest> dump_postgres(const BackupOptions& options, const std::string& into, const Clock& clock);

/// A database that a backup is restored to. Dropped with this object, unless it was kept.
class RestoredDatabase {
 public:
  /// Makes it beside the one of `server`, and fills it from pg_dump's archive. Errors: storage.*, backup.tool_failed.
  static Result<RestoredDatabase> make(const DatabaseUrl& server, const std::string& archive,
                                       const VerifyOptions& options, Random& random);
  RestoredDatabase(RestoredDatabase&& other) noexcept;
  RestoredDatabase& operator=(RestoredDatabase&&) = delete;
  ~RestoredDatabase();

  const DatabaseUrl& url() const { return url_; }
  /// What differs from the manifest, and what the options' check finds.
  Result<StoreFindings> inspect(const BackupManifest& manifest, const VerifyOptions& options, const Clock& clock,
                                Random& random) const;
  Result<std::unique_ptr<Store>> open(const VerifyOptions& options, const Clock& clock, Random& random) const;
  void keep() { kept_ = true; }

 private:
  RestoredDatabase(DatabaseUrl server, DatabaseUrl url, std::string name)
      : server_(std::move(server)), url_(std::move(url)), name_(std::move(name)) {}
  DatabaseUrl server_, url_;
  std::string name_;
  bool kept_ = false;
};

/// restore_backup() of a backup of PostgreSQL.
Result<RestoreReport> restore_postgres(const BackupFile& backup, const RestoreOptions& options, const Clock& clock,
                                       Random& random);

}  // namespace wrench::storage
