#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::storage {

/// SQL that is asked once, of a database that may hold anything. `row` is called for each row; errors are SQLite's.
Result<void> query_sqlite(sqlite3* db, const std::string& sql, const std::function<void(sqlite3_stmt*)>& row);
/// The first column of the only row. Errors: storage.corrupt when there is another number of them, or no integer in it.
Result<std::int64_t> sqlite_number(sqlite3* db, const std::string& sql);
Result<std::string> sqlite_text(sqlite3* db, const std::string& sql);
/// A column of the row at hand; empty for NULL.
std::string_view sqlite_column(sqlite3_stmt* stmt, int column);
/// A table's name as SQL writes it.
std::string sqlite_name(std::string_view name);

}  // namespace wrench::storage
