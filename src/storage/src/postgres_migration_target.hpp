#pragma once

#include "migration_runner.hpp"
#include "postgres_connection.hpp"

namespace wrench::storage {

/// The schema that search_path names first.
class PostgresMigrationTarget final : public MigrationTarget {
 public:
  /// `connection` must not pipeline.
  explicit PostgresMigrationTarget(PostgresConnection& connection) : connection_(connection) {}
  std::string dialect(std::string_view sql) const override { return postgres_dialect(sql); }
  /// Errors also: storage.corrupt when the schema belongs to another program, storage.not_found when there is none.
  Result<bool> has_migrations_table() override;
  Result<void> exec(const std::string& sql) override { return connection_.exec(sql); }
  Result<std::string> value(const std::string& sql) override { return connection_.value(sql); }
  Result<void> in_transaction(const std::function<Result<void>()>& body) override;

 private:
  PostgresConnection& connection_;
};

}  // namespace wrench::storage
