#pragma once

#include <span>

#include "sqlite_connection.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/migrations.hpp"

namespace wrench::storage {

/// Brings a database to the newest schema. The caller holds the write lock.
class MigrationRunner {
 public:
  MigrationRunner(Connection& connection, std::span<const Migration> migrations, const Clock& clock)
      : connection_(connection), migrations_(migrations), clock_(clock) {}

  enum class Standing { Current, Pending };
  /// Compares what the database has had with what this program has. Changes nothing. Errors:
  /// storage.migration_checksum (a file was edited after it ran), storage.schema_newer (a newer program was here).
  Result<Standing> check();
  /// Runs what is pending, one transaction each: after a failure the schema is that of the last complete one.
  Result<void> run();

 private:
  Result<void> apply(const Migration& migration);

  Connection& connection_;
  std::span<const Migration> migrations_;
  const Clock& clock_;
  std::size_t applied_ = 0;
};

}  // namespace wrench::storage
