#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/migrations.hpp"

namespace wrench::storage {

/// What a migration needs of a database.
class MigrationTarget {
 public:
  virtual ~MigrationTarget() = default;
  virtual std::string dialect(std::string_view sql) const = 0;
  virtual Result<bool> has_migrations_table() = 0;
  /// Any number of statements.
  virtual Result<void> exec(const std::string& sql) = 0;
  /// First column of the first row; empty if there is no row.
  virtual Result<std::string> value(const std::string& sql) = 0;
  /// Commits what `body` did unless it fails. A body that ends the transaction by itself is storage.migration.
  virtual Result<void> in_transaction(const std::function<Result<void>()>& body) = 0;
};

/// Brings a database to the newest schema. The caller holds the lock.
class MigrationRunner {
 public:
  MigrationRunner(MigrationTarget& target, std::span<const Migration> migrations, const Clock& clock)
      : target_(target), migrations_(migrations), clock_(clock) {}

  enum class Standing { Current, Pending };
  /// Compares what the database has had with what this program has. Changes nothing. Errors:
  /// storage.migration_checksum (a file was edited after it ran), storage.schema_newer (a newer program was here).
  Result<Standing> check();
  /// Runs what is pending, one transaction each: after a failure the schema is that of the last complete one.
  Result<void> run();

 private:
  Result<void> apply(const Migration& migration);

  MigrationTarget& target_;
  std::span<const Migration> migrations_;
  const Clock& clock_;
  std::size_t applied_ = 0;
};

}  // namespace wrench::storage
