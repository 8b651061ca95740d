#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postgres_connection.hpp"
#include "postgres_sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/plan_check.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage::testing {
namespace {

/// One step of a plan: "Index Scan using tasks_pkey on tasks", and what it looks for in the index.
struct Node {
  std::string text;
  bool has_index_condition = false;

  std::string_view index() const {
    constexpr std::string_view kUsing = " using ";
    const std::size_t at = text.find(kUsing);
    if (at == std::string::npos) return {};
    const std::string_view name = std::string_view(text).substr(at + kUsing.size());
    return name.substr(0, name.find(' '));
  }
  bool needs_reason(const std::set<std::string, std::less<>>& filled_tables) const {
    static constexpr std::string_view kBad[] = {"Seq Scan", "Sort", "Incremental Sort", "Hash"};
    for (const std::string_view bad : kBad)
      if (text.starts_with(bad)) return true;
    if (!text.starts_with("Index") || has_index_condition) return false;
    // Of a table that it believes to be empty the planner reads a whole index gladly.
    constexpr std::string_view kOn = " on ";
    const std::string_view table = std::string_view(text).substr(text.find(kOn) + kOn.size());
    return filled_tables.contains(table.substr(0, table.find(' ')));
  }
};

/// The nodes of EXPLAIN's text: indented, "->" before all but the first, their details on lines below.
std::vector<Node> nodes_of(std::string_view explained) {
  std::vector<Node> nodes;
  for (const std::string_view line : split(explained, '\n')) {
    std::string_view text = trim(line);
    if (text.empty()) continue;
    constexpr std::string_view kArrow = "->  ";
    constexpr std::string_view kCondition = "Index Cond: ";
    if (text.starts_with(kCondition)) {
      nodes.back().text.append(" ").append(text.substr(kCondition.size()));
      nodes.back().has_index_condition = true;
    } else if (text.starts_with(kArrow)) {
      nodes.push_back({std::string(text.substr(kArrow.size()))});
    } else if (nodes.empty()) {
      nodes.push_back({std::string(text)});
    }
  }
  return nodes;
}

class Checker {
 public:
  explicit Checker(PostgresConnection& connection) : connection_(connection) {}

  /// Of which reading all is no fault: they hold a few rows of their tables.
  void set_partial_indexes(std::vector<std::string> indexes) { partial_.insert(indexes.begin(), indexes.end()); }
  void set_filled_tables(std::vector<std::string> tables) { filled_.insert(tables.begin(), tables.end()); }
  void check_empty(const Statement& statement) {
    const std::string id(statement.id);
    if (const auto nodes = explain(id, "one", postgres_sql(statement), postgres_parameters(statement)))
      check_nodes(statement, id + " on empty tables", *nodes);
  }

  /// Many rows of a table that was counted as empty, and need not be so when the plan is used.
  void check_many_of_nothing(const Statement& statement) {
    const std::string id(statement.id);
    if (statement.access == Access::Write &&
        explain(id, "one", postgres_sql(statement), postgres_parameters(statement)))
      check_many(statement, id, " for many, of a table counted as empty");
  }

  void check(const Statement& statement) {
    const std::string id(statement.id);
    const std::string sql = postgres_sql(statement);
    const std::optional<std::vector<Node>> nodes = explain(id, "one", sql, postgres_parameters(statement));
    if (!nodes) return;
    check_nodes(statement, id, *nodes);
    std::string plan;
    for (const Node& node : *nodes) plan += (plan.empty() ? "" : "; ") + node.text;
    if (!statement.postgres.sql.empty() && plan != statement.postgres.plan)
      wrong_.push_back(id + ": plan is \"" + plan + "\", declared is \"" + std::string(statement.postgres.plan) + "\"");
    check_many(statement, id, " for many");
  }
  std::vector<std::string> take() { return std::move(wrong_); }

 private:
  void check_nodes(const Statement& statement, const std::string& what, const std::vector<Node>& nodes) {
    if (!statement.plan_exception.empty() || !statement.postgres.plan_exception.empty()) return;
    for (const Node& node : nodes)
      if (node.needs_reason(filled_) && !partial_.contains(node.index())) wrong_.push_back(what + ": " + node.text);
  }

  void check_many(const Statement& statement, const std::string& id, std::string_view how) {
    const std::string types =
        value("SELECT array_to_string(parameter_types, '|') FROM pg_prepared_statements WHERE name = 'one'");
    if (types.empty() || types.find("[]") != std::string::npos) return;  // takes arrays as it is
    const std::vector<std::string_view> names = split(types, '|');
    const Result<std::string> sql = postgres_sql_for_many(statement, names, RowLock::None);
    if (!sql.ok()) return;  // it isn't meant for that
    const std::string what = id + std::string(how);
    if (const auto nodes = explain(what, "many", *sql, names.size())) check_nodes(statement, what, *nodes);
  }

  std::optional<std::vector<Node>> explain(const std::string& what, const std::string& name, const std::string& sql,
                                           std::size_t parameters) {
    if (Result<void> done = connection_.exec("DEALLOCATE ALL; PREPARE " + name + " AS " + sql); !done.ok()) {
      wrong_.push_back(what + ": " + done.error().message);
      return std::nullopt;
    }
    std::string nulls;
    for (std::size_t i = 0; i < parameters; ++i) nulls += i == 0 ? "(NULL" : ", NULL";
    if (parameters > 0) nulls += ")";
    // All rows of EXPLAIN as one value.
    std::string text;
    for (const std::string& line : lines("EXPLAIN (COSTS OFF) EXECUTE " + name + nulls, what)) text += line + "\n";
    return nodes_of(text);
  }

  std::vector<std::string> lines(const std::string& sql, const std::string& what) {
    Result<std::vector<std::string>> found = connection_.values(sql);
    if (found.ok()) return std::move(found).value();
    wrong_.push_back(what + ": " + found.error().message);
    return {};
  }
  std::string value(const std::string& sql) { return connection_.value(sql).value_or(""); }

  PostgresConnection& connection_;
  std::set<std::string, std::less<>> filled_, partial_;
  std::vector<std::string> wrong_;
};

/// An empty store in a schema of its own.
Result<std::unique_ptr<PostgresConnection>> open_empty(std::span<const Migration> migrations) {
  static const StatementCatalogue none;
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(PostgresServer::shared().new_schema_url()));
  auto connection = WRENCH_TRY(PostgresConnection::open(url, {}, none));
  for (const Migration& migration : migrations)
    if (Result<void> done = connection->exec(postgres_dialect(migration.sql)); !done.ok())
      return Error(done.error().code, std::string(migration.name) + ": " + done.error().message);
  return connection;
}

std::vector<std::string> tables_of(PostgresConnection& connection) {
  return connection.values("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").value();
}

std::vector<std::string> check_tables_counted_as_empty(StatementCatalogue::List statements,
                                                       std::span<const Migration> migrations) {
  const auto opened = open_empty(migrations);
  if (!opened.ok()) return {describe(opened.error())};
  PostgresConnection& connection = **opened;
  std::vector<std::string> tables = tables_of(connection);
  for (const std::string& table : tables)
    if (Result<void> done = connection.exec("VACUUM ANALYZE " + table); !done.ok()) return {done.error().message};
  Checker checker(connection);
  checker.set_filled_tables(std::move(tables));
  checker.set_partial_indexes(
      connection
          .values("SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indpred IS NOT NULL")
          .value());
  for (const Statement* statement : statements) checker.check_many_of_nothing(*statement);
  return checker.take();
}

}  // namespace

std::vector<std::string> check_postgres_plans(StatementCatalogue::List statements, std::string_view fill,
                                              std::span<const Migration> migrations) {
  if (std::vector<std::string> wrong = check_tables_counted_as_empty(statements, migrations); !wrong.empty())
    return wrong;
  const auto opened = open_empty(migrations);
  if (!opened.ok()) return {describe(opened.error())};
  PostgresConnection& connection = **opened;
  Checker checker(connection);
  for (const Statement* statement : statements) checker.check_empty(*statement);
  if (Result<void> done = connection.exec(std::string(fill)); !done.ok()) return {done.error().message};
  // Tables that nobody filled stay as new as they are: once counted as empty they would be planned for as empty.
  std::vector<std::string> filled;
  for (const std::string& table : tables_of(connection)) {
    if (connection.value("SELECT 1 FROM " + table + " LIMIT 1").value_or("").empty()) continue;
    if (Result<void> done = connection.exec("VACUUM ANALYZE " + table); !done.ok()) return {done.error().message};
    filled.push_back(table);
  }
  checker.set_filled_tables(std::move(filled));
  for (const Statement* statement : statements) checker.check(*statement);
  return checker.take();
}

}  // namespace wrench::storage::testing
