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

namespace {

struct Schema {
  std::unique_ptr<sqlite3, CloseDatabase> db;
  std::string problem;
};

Schema make_schema(std::span<const Migration> migrations) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open(":memory:", &raw);
  Schema schema{std::unique_ptr<sqlite3, CloseDatabase>(raw), {}};
  if (opened != SQLITE_OK) schema.problem = "can't open a database in memory";
  if (schema.problem.empty() && register_search_functions(raw) != SQLITE_OK)
    schema.problem = "can't search in a database in memory";
  for (const Migration& migration : migrations)
    if (schema.problem.empty() &&
        sqlite3_exec(raw, sqlite_dialect(migration.sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      schema.problem = std::string(migration.name) + ": " + sqlite3_errmsg(raw);
  return schema;
}

/// Steps of the statement's plan; nothing, and why in `wrong`, if it doesn't compile.
std::vector<std::string> plan_of(sqlite3* db, const Statement& statement, std::vector<std::string>& wrong) {
  const std::string explain = "EXPLAIN QUERY PLAN " + std::string(statement.sql);
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v2(db, explain.c_str(), -1, &stmt, nullptr);
  const std::unique_ptr<sqlite3_stmt, Finalize> owned(stmt);
  if (rc != SQLITE_OK) {
    wrong.push_back(std::string(statement.id) + ": " + sqlite3_errmsg(db));
    return {};
  }
  std::vector<std::string> steps;
  while (sqlite3_step(stmt) == SQLITE_ROW)
    steps.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(stmt, kDetailColumn)));
  return steps;
}

}  // namespace

std::vector<std::string> check_plans(StatementCatalogue::List statements, std::span<const Migration> migrations) {
  const Schema schema = make_schema(migrations);
  if (!schema.problem.empty()) return {schema.problem};
  std::vector<std::string> wrong;
  std::set<std::string_view> ids;
  for (const Statement* statement : statements) {
    const std::string id(statement->id);
    if (!ids.insert(statement->id).second) wrong.push_back(id + ": declared twice");
    const std::size_t wrong_before = wrong.size();
    std::string plan;
    for (const std::string& step : plan_of(schema.db.get(), *statement, wrong)) {
      if (needs_reason(step) && statement->plan_exception.empty()) wrong.push_back(id + ": " + step);
      plan += (plan.empty() ? "" : "; ") + step;
    }
    if (plan.empty() && wrong.size() > wrong_before) continue;
    const bool excused = statement->plan.empty() && !statement->plan_exception.empty();
    if (plan != statement->plan && !excused)
      wrong.push_back(id + ": plan is \"" + plan + "\", declared is \"" + std::string(statement->plan) + "\"");
  }
  return wrong;
}

std::vector<std::string> check_filled_plans(StatementCatalogue::List statements, const std::string& fill,
                                            std::span<const Migration> migrations) {
  const Schema schema = make_schema(migrations);
  if (!schema.problem.empty()) return {schema.problem};
  for (const std::string& sql : {fill, std::string("ANALYZE")})
    if (sqlite3_exec(schema.db.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      return {std::string("fill: ") + sqlite3_errmsg(schema.db.get())};
  std::vector<std::string> wrong;
  for (const Statement* statement : statements)
    for (const std::string& step : plan_of(schema.db.get(), *statement, wrong))
      if (needs_reason(step) && statement->plan_exception.empty())
        wrong.push_back(std::string(statement->id) + ", on large tables: " + step);
  return wrong;
}

}  // namespace wrench::storage::testing
