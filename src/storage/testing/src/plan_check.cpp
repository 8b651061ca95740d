#include "wrench/storage/testing/plan_check.hpp"

#include <sqlite3.h>

#include <memory>
#include <set>

#include "sqlite_search.hpp"

namespace wrench::storage::testing {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};

/// Column of EXPLAIN QUERY PLAN with the text (sqlite.org/eqp.html).
constexpr int kDetailColumn = 3;

bool needs_reason(std::string_view step) {
  return (step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW") ||
         step.find("TEMP B-TREE") != std::string_view::npos || step.find("AUTOMATIC") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> check_plans(StatementCatalogue::List statements, std::span<const Migration> migrations) {
  std::vector<std::string> wrong;
  sqlite3* raw = nullptr;
  if (sqlite3_open(":memory:", &raw) != SQLITE_OK) return {"can't open a database in memory"};
  const std::unique_ptr<sqlite3, CloseDatabase> db(raw);
  if (register_search_functions(raw) != SQLITE_OK) return {"can't search in a database in memory"};
  for (const Migration& migration : migrations)
    if (sqlite3_exec(raw, sqlite_dialect(migration.sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      return {std::string(migration.name) + ": " + sqlite3_errmsg(raw)};

  std::set<std::string_view> ids;
  for (const Statement* statement : statements) {
    const std::string id(statement->id);
    if (!ids.insert(statement->id).second) wrong.push_back(id + ": declared twice");
    const std::string explain = "EXPLAIN QUERY PLAN " + std::string(statement->sql);
    sqlite3_stmt* stmt = nullptr;
    const int rc = sqlite3_prepare_v2(raw, explain.c_str(), -1, &stmt, nullptr);
    const std::unique_ptr<sqlite3_stmt, Finalize> owned(stmt);
    if (rc != SQLITE_OK) {
      wrong.push_back(id + ": " + sqlite3_errmsg(raw));
      continue;
    }
    std::string plan;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      const std::string step = reinterpret_cast<const char*>(sqlite3_column_text(stmt, kDetailColumn));
      if (needs_reason(step) && statement->plan_exception.empty()) wrong.push_back(id + ": " + step);
      plan += (plan.empty() ? "" : "; ") + step;
    }
    const bool excused = statement->plan.empty() && !statement->plan_exception.empty();
    if (plan != statement->plan && !excused)
      wrong.push_back(id + ": plan is \"" + plan + "\", declared is \"" + std::string(statement->plan) + "\"");
  }
  return wrong;
}

}  // namespace wrench::storage::testing
