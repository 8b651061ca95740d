#include "sqlite_query.hpp"

#include <memory>
#include <optional>

#include "../sqlite_error.hpp"

namespace wrench::storage {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};

template <class Value>
Result<Value> the_only(sqlite3* db, const std::string& sql, int type, Value (*value)(sqlite3_stmt*)) {
  std::optional<Value> found;
  bool other = false;
  WRENCH_TRY(query_sqlite(db, sql, [&](sqlite3_stmt* stmt) {
    other = other || found.has_value() || sqlite3_column_type(stmt, 0) != type;
    found = value(stmt);
  }));
  if (other || !found) return Error("storage.corrupt", "not the one value that is expected: " + sql);
  return std::move(*found);
}

}  // namespace

Result<void> query_sqlite(sqlite3* db, const std::string& sql, const std::function<void(sqlite3_stmt*)>& row) {
  sqlite3_stmt* raw = nullptr;
  int rc = sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, Finalize> stmt(raw);
  if (rc != SQLITE_OK) return sqlite_error(db, rc, sql);
  while ((rc = sqlite3_step(raw)) == SQLITE_ROW) row(raw);
  if (rc != SQLITE_DONE) return sqlite_error(db, rc, sql);
  return {};
}

Result<std::int64_t> sqlite_number(sqlite3* db, const std::string& sql) {
  return the_only<std::int64_t>(db, sql, SQLITE_INTEGER,
                                [](sqlite3_stmt* stmt) -> std::int64_t { return sqlite3_column_int64(stmt, 0); });
}

Result<std::string> sqlite_text(sqlite3* db, const std::string& sql) {
  return the_only<std::string>(db, sql, SQLITE_TEXT,
                               [](sqlite3_stmt* stmt) { return std::string(sqlite_column(stmt, 0)); });
}

std::string_view sqlite_column(sqlite3_stmt* stmt, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(stmt, column))};
}

std::string sqlite_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

}  // namespace wrench::storage
