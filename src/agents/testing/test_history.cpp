#include "wrench/agents/test_history.hpp"

#include <array>
#include <utility>

#include "wrench/agents/test_report.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using storage::Access;
using storage::Statement;

constexpr Statement kInsertRun{
    .id = "agents.insert_eval_run",
    .access = Access::Write,
    .sql =
        "INSERT INTO eval_runs (run_id, at, elapsed_us, version, total, passed, failed, skipped) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"};
constexpr Statement kInsertResult{.id = "agents.insert_eval_result",
                                  .access = Access::Write,
                                  .sql =
                                      "INSERT INTO eval_results (run_id, seq, agent, name, status, body) "
                                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"};
constexpr std::string_view kBounded = "kTestRunsKept bounds the table";
constexpr Statement kRunAt{.id = "agents.eval_run_at",
                           .sql = "SELECT run_id FROM eval_runs ORDER BY run_id DESC LIMIT 1 OFFSET ?1",
                           .plan = "SCAN eval_runs",
                           .plan_exception = kBounded,
                           .postgres = {.plan_exception = kBounded}};
constexpr Statement kDropResults{.id = "agents.drop_eval_results",
                                 .access = Access::Write,
                                 .sql = "DELETE FROM eval_results WHERE run_id <= ?1",
                                 .plan = "SEARCH eval_results USING PRIMARY KEY (run_id<?)"};
constexpr Statement kDropRuns{.id = "agents.drop_eval_runs",
                              .access = Access::Write,
                              .sql = "DELETE FROM eval_runs WHERE run_id <= ?1",
                              .plan = "SEARCH eval_runs USING PRIMARY KEY (run_id<?)"};
constexpr Statement kRuns{.id = "agents.eval_runs",
                          .sql =
                              "SELECT run_id, at, elapsed_us, version, total, passed, failed, skipped FROM eval_runs "
                              "ORDER BY run_id DESC LIMIT ?1",
                          .plan = "SCAN eval_runs",
                          .plan_exception = kBounded,
                          .postgres = {.plan_exception = kBounded}};
constexpr Statement kResults{.id = "agents.eval_results",
                             .sql = "SELECT agent, name, status, body FROM eval_results WHERE run_id = ?1 ORDER BY seq",
                             .plan = "SEARCH eval_results USING PRIMARY KEY (run_id=?)"};

constexpr std::array<const Statement*, 7> kStatements = {&kInsertRun, &kInsertResult, &kRunAt,  &kDropResults,
                                                         &kDropRuns,  &kRuns,         &kResults};

/// A text that both databases hold.
std::string storable(const std::string& text) { return escape_for_display(text); }

Result<void> drop_old(storage::WriteTx& tx) {
  const auto old = WRENCH_TRY(tx.query(kRunAt, {kTestRunsKept}));
  if (old.empty()) return {};
  const std::string run_id(old.front().text(0));
  WRENCH_TRY(tx.exec(kDropResults, {run_id}));
  WRENCH_TRY(tx.exec(kDropRuns, {run_id}));
  return {};
}

Result<std::vector<PastCase>> cases_of(storage::ReadTx& tx, const std::string& run_id) {
  std::vector<PastCase> out;
  for (const auto& row : WRENCH_TRY(tx.query(kResults, {run_id}))) {
    PastCase& one = out.emplace_back();
    one.agent = row.text(0);
    one.name = row.text(1);
    one.status = row.text(2);
    one.result = WRENCH_TRY(codec::parse_json(row.text(3)));
  }
  return out;
}

}  // namespace

storage::StatementCatalogue::List statements() { return kStatements; }

Result<std::string> keep_test_run(storage::Store& store, std::span<const SuiteResult> results, Micros elapsed_us,
                                  const Clock& clock, Random& random) {
  struct Row {
    std::string agent, name, status, body;
  };
  std::vector<Row> rows;
  for (const SuiteResult& suite : results) {
    const Json json = to_json(suite);
    for (std::size_t i = 0; i < suite.cases.size(); ++i)
      rows.push_back({suite.agent, storable(suite.cases[i].name), std::string(name(suite.cases[i].status)),
                      codec::write_json(json.at("results").as_array()[i])});
  }
  const TestTotals all = totals(results);
  const std::string run_id = make_id("evr", clock, random);
  WRENCH_TRY(store.write([&](storage::WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(
        kInsertRun, {run_id, clock.now_us(), elapsed_us, version(), all.total, all.passed, all.failed, all.skipped}));
    std::int64_t seq = 0;
    for (const Row& row : rows)
      WRENCH_TRY(tx.exec(kInsertResult, {run_id, ++seq, row.agent, row.name, row.status, row.body}));
    return drop_old(tx);
  }));
  return run_id;
}

Result<std::vector<PastRun>> past_test_runs(storage::Store& store, std::size_t limit) {
  return store.read([&](storage::ReadTx& tx) -> Result<std::vector<PastRun>> {
    std::vector<PastRun> out;
    for (const auto& row : WRENCH_TRY(tx.query(kRuns, {limit}))) {
      PastRun& run = out.emplace_back();
      run.run_id = row.text(0);
      run.at = row.integer(1);
      run.elapsed_us = row.integer(2);
      run.version = row.text(3);
      const auto count = [&](std::size_t column) { return static_cast<std::size_t>(row.integer(column)); };
      run.totals = {count(4), count(5), count(6), count(7)};
      run.cases = WRENCH_TRY(cases_of(tx, run.run_id));
    }
    return out;
  });
}

}  // namespace wrench::agents
