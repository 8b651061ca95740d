#pragma once

#include "migration_runner.hpp"
#include "sqlite_connection.hpp"

namespace wrench::storage {

class SqliteMigrationTarget final : public MigrationTarget {
 public:
  explicit SqliteMigrationTarget(SqliteConnection& connection) : connection_(connection) {}
  std::string dialect(std::string_view sql) const override { return sqlite_dialect(sql); }
  Result<bool> has_migrations_table() override {
    return WRENCH_TRY(connection_.pragma(
               "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")) != "0";
  }
  Result<void> exec(const std::string& sql) override { return connection_.exec(sql); }
  Result<std::string> value(const std::string& sql) override { return connection_.pragma(sql); }
  Result<void> in_transaction(const std::function<Result<void>()>& body) override {
    WRENCH_TRY(connection_.exec("BEGIN IMMEDIATE"));
    Result<void> done = body();
    if (done.ok() && !connection_.in_transaction())
      return Error("storage.migration", "a migration ends its own transaction");
    if (done.ok()) done = connection_.exec("COMMIT");
    if (!done.ok() && connection_.in_transaction()) connection_.exec_raw("ROLLBACK");
    return done;
  }

 private:
  SqliteConnection& connection_;
};

}  // namespace wrench::storage
