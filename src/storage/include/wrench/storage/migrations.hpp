#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::storage {

/// One numbered SQL file of migrations/, embedded in the binary.
struct Migration {
  std::int64_t version = 0;  ///< NNNN of NNNN_name.sql; gapless from 1.
  std::string_view name;
  std::string_view sql;
};

/// The files of migrations/common, in order.
std::span<const Migration> embedded_migrations();

/// The dialect's SQL: outside of strings, quoted names and comments, the type words BIGINT, BYTES and JSON become
/// INTEGER, BLOB and TEXT. (PostgreSQL will get BIGINT, BYTEA, JSONB, and lose STRICT and WITHOUT ROWID.)
std::string sqlite_dialect(std::string_view sql);

}  // namespace wrench::storage
