#include "postgres_migration_target.hpp"

namespace wrench::storage {

Result<bool> PostgresMigrationTarget::has_migrations_table() {
  const std::string schema = WRENCH_TRY(value("SELECT coalesce(current_schema(), '')"));
  if (schema.empty())
    return Error("storage.not_found",
                 "the database has no schema that search_path names; create one, or set search_path");
  // One statement: between two, another process may make the store.
  const std::string found = WRENCH_TRY(
      value("SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename IN "
            "('schema_migrations', 'store_meta')) || ' ' || (SELECT count(*) FROM pg_class c WHERE c.relnamespace = "
            "to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM "
            "pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))"));
  if (found.starts_with("2 ")) return true;
  if (!found.ends_with(" 0"))
    return Error("storage.corrupt", "the schema " + schema +
                                        " holds tables of another program; give wrench a database or a schema of its "
                                        "own. Nothing was changed");
  return false;
}

Result<void> PostgresMigrationTarget::in_transaction(const std::function<Result<void>()>& body) {
  using Transaction = PostgresConnection::Transaction;
  WRENCH_TRY(exec("BEGIN"));
  Result<void> done = body();
  if (done.ok() && connection_.transaction() != Transaction::Open)
    return Error("storage.migration", "a migration ends its own transaction");
  if (done.ok()) done = exec("COMMIT");
  if (!done.ok() && !connection_.lost() && connection_.transaction() != Transaction::None) {
    if (Result<void> undone = exec("ROLLBACK"); !undone.ok()) return std::move(undone).error().because(done.error());
  }
  return done;
}

}  // namespace wrench::storage
