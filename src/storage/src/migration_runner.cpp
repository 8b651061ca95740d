#include "migration_runner.hpp"

#include <cstdlib>

#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {

Result<MigrationRunner::Standing> MigrationRunner::check() {
  applied_ = 0;
  if (WRENCH_TRY(target_.has_migrations_table())) {
    const std::string last = WRENCH_TRY(target_.value("SELECT coalesce(max(version), 0) FROM schema_migrations"));
    const std::int64_t newest = std::strtoll(last.c_str(), nullptr, 10);
    const std::int64_t known = migrations_.empty() ? 0 : migrations_.back().version;
    if (newest > known)
      return Error("storage.schema_newer", "the store was last used by a newer version of wrench (schema " + last +
                                               ", this one knows " + std::to_string(known) +
                                               "); it can be read but not written: use the newer version");
    for (const Migration& migration : migrations_) {
      if (migration.version > newest) break;
      const std::string had = WRENCH_TRY(
          target_.value("SELECT checksum FROM schema_migrations WHERE version = " + std::to_string(migration.version)));
      if (had != crypto::sha256_hex(migration.sql))
        return Error("storage.migration_checksum",
                     "migration " + std::string(migration.name) +
                         " is not the one this store was built with; use the version of wrench that built it");
      ++applied_;
    }
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
  return target_.in_transaction([&]() -> Result<void> {
    if (Result<void> ran = target_.exec(target_.dialect(migration.sql)); !ran.ok()) {
      Error error = std::move(ran).error();
      error.message = "migration " + std::string(migration.name) + ": " + error.message;
      return error;
    }
    return target_.exec("INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_us) VALUES (" +
                        std::to_string(migration.version) + ", '" + std::string(migration.name) + "', '" +
                        crypto::sha256_hex(migration.sql) + "', " + std::to_string(clock_.now_us()) + ", " +
                        std::to_string(clock_.boot_us() - began_us) + ")");
  });
}

}  // namespace wrench::storage
