#include "wrench/storage/migrations.hpp"

#include <charconv>
#include <vector>

#include "embedded_migration_files.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {
namespace {

bool is_word(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

/// End of the quoted text, comment or other stretch at `at` that must stay as it is; `at` itself if there is none.
std::size_t skip_verbatim(std::string_view sql, std::size_t at) {
  const auto end_of = [&](std::string_view closing, std::size_t from) {
    const std::size_t found = sql.find(closing, from);
    return found == std::string_view::npos ? sql.size() : found + closing.size();
  };
  const char c = sql[at];
  if (c == '\'' || c == '"') return end_of(std::string_view(&sql[at], 1), at + 1);
  if (sql.substr(at, 2) == "--") return end_of("\n", at);
  if (sql.substr(at, 2) == "/*") return end_of("*/", at + 2);
  return at;
}

std::string_view dialect_word(std::string_view word) {
  if (word == "BIGINT") return "INTEGER";
  if (word == "BYTES") return "BLOB";
  if (word == "JSON") return "TEXT";
  return word;
}

std::vector<Migration> load() {
  std::vector<Migration> migrations;
  for (const EmbeddedFile& file : embedded_migration_files()) {
    Migration migration;
    migration.name = file.path;
    migration.sql = file.bytes;
    const auto number = std::from_chars(file.path.data(), file.path.data() + file.path.size(), migration.version);
    WRENCH_ASSERT(number.ec == std::errc{} && migration.version == static_cast<std::int64_t>(migrations.size()) + 1);
    migrations.push_back(migration);
  }
  return migrations;
}

}  // namespace

std::span<const Migration> embedded_migrations() {
  static const std::vector<Migration> migrations = load();
  return migrations;
}

std::string sqlite_dialect(std::string_view sql) {
  std::string out;
  out.reserve(sql.size());
  std::size_t at = 0;
  while (at < sql.size()) {
    const std::size_t start = at;
    at = skip_verbatim(sql, at);
    if (at == start && is_word(sql[at])) {
      while (at < sql.size() && is_word(sql[at])) ++at;
      out += dialect_word(sql.substr(start, at - start));
      continue;
    }
    if (at == start) ++at;
    out += sql.substr(start, at - start);
  }
  return out;
}

}  // namespace wrench::storage
