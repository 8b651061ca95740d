#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace wrench::storage {

enum class Access { Read, Write };

/// Whose SQL.
enum class Dialect { Sqlite, Postgres };

/// What is different on PostgreSQL.
struct PostgresVariant {
  std::string_view sql = {};  ///< Empty: one text does for both.
  /// With `sql`: the nodes of its generic plan as testing::check_postgres_plans() writes them.
  std::string_view plan = {};
  std::string_view plan_exception = {};
};

/// One SQL statement of the product. Declared once as a constant with static storage; the object is its identity, so
/// a transaction takes it by reference and finds the prepared form by address.
///
///     constexpr Statement kTaskById{.id = "workflow.task_by_id", .access = Access::Read,
///                                   .sql = "SELECT title FROM tasks WHERE id = ?1",
///                                   .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
///
/// Placeholders are ?1, ?2, … in order of first use. Every column that it returns is a BIGINT, REAL, TEXT, BYTES or
/// JSON, or a comparison: on PostgreSQL sum() of BIGINT is none of these, CAST(sum(n) AS BIGINT) is. Parameters there
/// take the type that the place asks for.
struct Statement {
  std::string_view id;  ///< "<module>.<what>", unique.
  Access access = Access::Read;
  std::string_view sql;
  /// Expected steps of EXPLAIN QUERY PLAN joined by "; "; empty for a plain INSERT … VALUES.
  std::string_view plan = {};
  /// Why a SCAN or a temporary b-tree is right here. Empty: the plan test refuses both.
  std::string_view plan_exception = {};
  PostgresVariant postgres = {};
};

/// Every statement of the modules that share a store. Built once by the composition root.
class StatementCatalogue {
 public:
  using List = std::span<const Statement* const>;

  StatementCatalogue() = default;
  StatementCatalogue(std::initializer_list<List> lists) {
    for (const List list : lists) add(list);
  }
  void add(List list) { statements_.insert(statements_.end(), list.begin(), list.end()); }
  const std::vector<const Statement*>& all() const { return statements_; }

 private:
  std::vector<const Statement*> statements_;
};

}  // namespace wrench::storage
