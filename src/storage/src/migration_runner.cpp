#include "migration_runner.hpp"

#include <sqlite3.h>

#include <memory>
#include <string>
#include <utility>

#include "sqlite_error.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {

Result<MigrationRunner::Standing> MigrationRunner::check() {
  applied_ = 0;
  if (WRENCH_TRY(connection_.pragma(
          "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")) != "0") {
    const std::string last = WRENCH_TRY(connection_.pragma("SELECT coalesce(max(version), 0) FROM schema_migrations"));
    const std::int64_t newest = std::strtoll(last.c_str(), nullptr, 10);
    if (newest > static_cast<std::int64_t>(migrations_.size()))
      return Error("storage.schema_newer", "the data directory was last used by a newer version of wrench (schema " +
                                               last + ", this one knows " + std::to_string(migrations_.size()) +
                                               "); it can be read but not written: use the newer version");
    for (const Migration& migration : migrations_.first(static_cast<std::size_t>(newest))) {
      const std::string had = WRENCH_TRY(connection_.pragma("SELECT checksum FROM schema_migrations WHERE version = " +
                                                            std::to_string(migration.version)));
      if (had != crypto::sha256_hex(migration.sql))
        return Error("storage.migration_checksum",
                     "migration " + std::string(migration.name) +
                         " is not the one this data directory was built with; use the version of wrench that built it");
    }
    applied_ = static_cast<std::size_t>(newest);
  }
  return applied_ == migrations_.size() ? Standing::Current : Standing::Pending;
}

Result<void> MigrationRunner::run() {
  for (const Migration& migration : migrations_.subspan(applied_)) WRENCH_TRY(apply(migration));
  applied_ = migrations_.size();
  return {};
}

Result<void> MigrationRunner::apply(const Migration& migration) {
  const Micros began_us = clock_.boot_us();
  const auto body = [&]() -> Result<void> {
    if (const int rc = connection_.exec_raw(sqlite_dialect(migration.sql).c_str()); rc != SQLITE_OK)
      return sqlite_error(connection_.raw(), rc, "migration " + std::string(migration.name));
    if (!connection_.in_transaction())
      return Error("storage.migration", "migration " + std::string(migration.name) + " ends its own transaction");
    return connection_.exec(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_us) VALUES (" +
        std::to_string(migration.version) + ", '" + std::string(migration.name) + "', '" +
        crypto::sha256_hex(migration.sql) + "', " + std::to_string(clock_.now_us()) + ", " +
        std::to_string(clock_.boot_us() - began_us) + ")");
  };
  WRENCH_TRY(connection_.exec("BEGIN IMMEDIATE"));
  Result<void> done = body();
  if (done.ok()) done = connection_.exec("COMMIT");
  if (!done.ok() && connection_.in_transaction()) connection_.exec_raw("ROLLBACK");
  return done;
}

}  // namespace wrench::storage
