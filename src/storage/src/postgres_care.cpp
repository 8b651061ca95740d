#include "postgres_care.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "database_url.hpp"
#include "migration_runner.hpp"
#include "postgres_connection.hpp"
#include "postgres_migration_target.hpp"
#include "postgres_sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

Result<std::unique_ptr<PostgresConnection>> look_into(const std::string& text) {
  static const StatementCatalogue none;
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(text));
  auto connection = WRENCH_TRY(PostgresConnection::open(url, {}, none));
  WRENCH_TRY(connection->exec("SET default_transaction_read_only = on"));
  return connection;
}

/// "Index Scan using i on t": what follows a word, up to the next one.
std::string_view word_after(std::string_view node, std::string_view word) {
  const std::size_t at = node.find(word);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = node.substr(at + word.size());
  return rest.substr(0, rest.find(' '));
}

void read_node(std::string_view node, StatementAnalysis& analysis) {
  const bool by_index = node.starts_with("Index") || node.starts_with("Bitmap Index");
  const bool scan = node.starts_with("Seq Scan");
  if (by_index || scan) analysis.scan_types.emplace_back(by_index ? "search" : "scan");
  if (by_index) {
    const std::string_view index = word_after(node, node.starts_with("Bitmap") ? " on " : " using ");
    analysis.index_usage.emplace_back(index);
  }
  if (scan) {
    analysis.sequential_scans.emplace_back(word_after(node, " on "));
    analysis.recommendations.push_back("reads " + analysis.sequential_scans.back() +
                                       " from end to end: an index, or a limit");
  }
  if (node.starts_with("Sort") || node.starts_with("Incremental Sort"))
    analysis.recommendations.push_back("sorts what it reads: an index in that order");
}

}  // namespace

Result<std::vector<ServerSetting>> durability_settings(const std::string& url) {
  const auto connection = WRENCH_TRY(look_into(url));
  const auto lines =
      WRENCH_TRY(connection->values("SELECT name || ' ' || setting FROM pg_settings WHERE name IN ('fsync', "
                                    "'full_page_writes', 'synchronous_commit') "
                                    "ORDER BY name"));
  std::vector<ServerSetting> out;
  for (const std::string& line : lines) {
    const std::size_t space = line.find(' ');
    out.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return out;
}

Result<std::vector<MigrationState>> list_postgres_migrations(const std::string& url, const Clock& clock,
                                                             std::span<const Migration> migrations) {
  std::vector<MigrationState> states = pending_states(migrations);
  const auto connection = WRENCH_TRY(look_into(url));
  PostgresMigrationTarget target(*connection);
  if (!WRENCH_TRY(target.has_migrations_table())) return states;
  MigrationRunner runner(target, migrations, clock);
  WRENCH_TRY(runner.check());
  const auto applied = WRENCH_TRY(connection->values(
      "SELECT version || ' ' || applied_at || ' ' || duration_us FROM schema_migrations ORDER BY version"));
  for (const std::string& line : applied) {
    const auto numbers = split(line, ' ');
    const auto number = [&](std::size_t i) { return std::strtoll(std::string(numbers[i]).c_str(), nullptr, 10); };
    const auto it = std::ranges::find(states, number(0), &MigrationState::version);
    if (it == states.end()) continue;
    it->applied = true;
    it->applied_at = number(1);
    it->duration_us = number(2);
  }
  return states;
}

Result<StatementAnalysis> analyze_postgres_statement(const std::string& url, const Statement& statement) {
  const auto connection = WRENCH_TRY(look_into(url));
  PostgresMigrationTarget target(*connection);
  if (!WRENCH_TRY(target.has_migrations_table()))
    return Error("storage.not_found", "there is no store in this database yet");
  const SystemClock clock;
  StatementAnalysis analysis;
  analysis.id = statement.id;
  analysis.sql = postgres_sql(statement);
  const Micros began = clock.boot_us();
  WRENCH_TRY(connection->exec("PREPARE analyzed AS " + analysis.sql));
  analysis.prepare_us = clock.boot_us() - began;
  std::string nulls;
  const std::size_t parameters = postgres_parameters(statement);
  for (std::size_t i = 0; i < parameters; ++i) nulls += i == 0 ? "(NULL" : ", NULL";
  if (parameters > 0) nulls += ")";
  // The connection asks for plans that fit any parameters, so these change nothing.
  const auto lines = WRENCH_TRY(connection->values("EXPLAIN (COSTS OFF) EXECUTE analyzed" + nulls));
  for (const std::string& line : lines) {
    constexpr std::string_view kArrow = "->  ";
    constexpr std::string_view kCondition = "Index Cond: ";
    const std::string_view text = trim(line);
    if (text.starts_with(kArrow)) {
      analysis.plan.emplace_back(text.substr(kArrow.size()));
    } else if (text.starts_with(kCondition) && !analysis.plan.empty()) {
      analysis.plan.back().append(" ").append(text.substr(kCondition.size()));
    } else if (analysis.plan.empty()) {
      analysis.plan.emplace_back(text);
    }
  }
  for (const std::string& node : analysis.plan) read_node(node, analysis);
  excuse(analysis,
         statement.postgres.plan_exception.empty() ? statement.plan_exception : statement.postgres.plan_exception);
  return analysis;
}

}  // namespace wrench::storage
