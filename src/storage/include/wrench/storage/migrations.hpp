#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/storage/statement.hpp"

namespace wrench::storage {

/// One numbered step of the schema: a SQL file of migrations/common, embedded in the binary, with what the file of the
/// same name under migrations/sqlite or migrations/postgres appends to it. Either can be missing.
struct Migration {
  std::int64_t version = 0;  ///< NNNN of NNNN_name.sql; gapless from 1 over all folders.
  std::string_view name;
  std::string_view sql;
};

/// In order.
std::span<const Migration> embedded_migrations(Dialect dialect = Dialect::Sqlite);

/// The SQL of a migration in a dialect. Outside of strings, quoted names and comments,
///   SQLite: the type words BIGINT, BYTES and JSON become INTEGER, BLOB and TEXT;
///   PostgreSQL: BYTES, JSON and REAL become BYTEA, JSONB and DOUBLE PRECISION; TEXT gets SQLite's collation, "C";
///   BIGINT PRIMARY KEY numbers rows by itself; the table options STRICT and WITHOUT ROWID go.
std::string sqlite_dialect(std::string_view sql);
std::string postgres_dialect(std::string_view sql);

}  // namespace wrench::storage
