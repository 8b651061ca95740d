#pragma once

#include <string_view>

#include "wrench/base/error.hpp"

struct sqlite3;

namespace wrench::storage {

/// The store's error for an SQLite result code (extended codes on), with SQLite's own message.
Error sqlite_error(sqlite3* db, int result_code, std::string_view doing);
/// The same for a failed call of `runtime`: io.* and runtime.locked become storage.*.
Error file_error(Error error, std::string_view doing);

}  // namespace wrench::storage
