#pragma once

// Many rows quickly, for benchmarks that need a large store.

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::bench {

/// `clock` and `random` must outlive it.
inline std::unique_ptr<storage::Store> open_store(const std::string& directory, const Clock& clock, Random& random) {
  storage::StoreConfig config;
  config.directory = directory;
  config.statements = {workflow::statements()};
  return must(storage::Store::open(std::move(config), clock, random));
}

/// For what the product has no statements for. Foreign keys are off, and nothing is flushed.
class Sql {
 public:
  explicit Sql(const std::string& directory) {
    check(sqlite3_open((directory + "/store.db").c_str(), &db_));
    run("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; PRAGMA temp_store=MEMORY");
  }
  ~Sql() { sqlite3_close(db_); }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;

  void run(const std::string& sql) { check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr)); }
  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::vector<std::string>> out;
    check(sqlite3_exec(
        db_, sql.c_str(),
        [](void* to, int columns, char** values, char**) {
          auto& row = static_cast<std::vector<std::vector<std::string>>*>(to)->emplace_back();
          for (int i = 0; i < columns; ++i) row.emplace_back(values[i] == nullptr ? "" : values[i]);
          return 0;
        },
        &out, nullptr));
    return out;
  }
  std::int64_t number(const std::string& sql) { return std::strtoll(rows(sql).at(0).at(0).c_str(), nullptr, 10); }

  /// Doubles the rows until there are `count`. `shift`: what becomes of the columns that tell rows apart, with ?.
  /// `have` and `count` are of what `rows_each` rows belong to.
  void multiply(const std::string& table, const std::string& where, std::int64_t have, std::int64_t count,
                const std::map<std::string, std::string>& shift, std::int64_t rows_each = 1) {
    for (; have < count; have *= 2) {
      std::string names, values;
      for (const auto& column : rows("SELECT name FROM pragma_table_info('" + table + "')")) {
        names += (names.empty() ? "" : ",") + column[0];
        const auto it = shift.find(column[0]);
        std::string value = it == shift.end() ? column[0] : it->second;
        if (const auto at = value.find('?'); at != std::string::npos) value.replace(at, 1, std::to_string(have));
        values += (values.empty() ? "" : ",") + value;
      }
      run("INSERT INTO " + table + " (" + names + ") SELECT " + values + " FROM " + table + " WHERE " + where +
          " LIMIT " + std::to_string(rows_each * std::min(have, count - have)));
    }
  }

 private:
  void check(int rc) {
    if (rc == SQLITE_OK) return;
    std::fprintf(stderr, "%s\n", sqlite3_errmsg(db_));
    std::exit(1);
  }
  sqlite3* db_ = nullptr;
};

}  // namespace wrench::bench
