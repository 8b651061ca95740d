// Migrations that change rows: a store as the version before left it, and what it holds afterwards.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PostgresServer;

class BackfillTest : public ::testing::TestWithParam<Dialect> {
 protected:
  BackfillTest() {
    if (postgres()) url_ = PostgresServer::shared().new_schema_url();
  }
  ~BackfillTest() override {
    store_.reset();
    if (postgres())
      EXPECT_TRUE(PostgresServer::shared().sql("DROP SCHEMA " + url_.substr(url_.rfind('D') + 1) + " CASCADE").ok());
  }
  static bool postgres() { return GetParam() == Dialect::Postgres; }

  /// Brings it to the newest schema before `version`.
  void open_before(std::int64_t version, StatementCatalogue::List statements) {
    std::vector<Migration> earlier;
    for (const Migration& one : embedded_migrations(GetParam()))
      if (one.version < version) earlier.push_back(one);
    open(earlier, statements);
  }
  void open_today(StatementCatalogue::List statements) { open(embedded_migrations(GetParam()), statements); }

  void write(std::initializer_list<const Statement*> statements) {
    const Result<void> written = store_->write([&](WriteTx& tx) -> Result<void> {
      for (const Statement* statement : statements) WRENCH_TRY(tx.exec(*statement));
      return {};
    });
    ASSERT_TRUE(written.ok()) << describe(written.error());
  }

  /// Each row as one text.
  std::vector<std::string> texts(const Statement& statement) {
    auto found = store_->read([&](ReadTx& tx) -> Result<std::vector<std::string>> {
      std::vector<std::string> out;
      const Rows rows = WRENCH_TRY(tx.query(statement));
      for (const auto row : rows) out.emplace_back(row.text(0));
      return out;
    });
    EXPECT_TRUE(found.ok()) << describe(found.error());
    return found.ok() ? *found : std::vector<std::string>{};
  }

 private:
  void open(std::span<const Migration> migrations, StatementCatalogue::List statements) {
    store_.reset();
    StoreConfig config;
    config.directory = dir_ / "data";
    config.database_url = url_;
    config.statements = {statements};
    config.migrations = migrations;
    config.wal_reserve_bytes = 0;
    auto opened = Store::open(std::move(config), clock_, random_);
    ASSERT_TRUE(opened.ok()) << describe(opened.error());
    store_ = std::move(*opened);
  }

  runtime::TempDir dir_ = *runtime::TempDir::create("backfill");
  SystemClock clock_;
  SystemRandom random_;
  std::string url_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Databases, BackfillTest, ::testing::Values(Dialect::Sqlite, Dialect::Postgres),
                         [](const auto& info) { return info.param == Dialect::Sqlite ? "Sqlite" : "Postgres"; });

// One execution with steps in every standing to limits by key. 3 is running, 1 ready, 6 completed.
constexpr Statement kSteps{
    .id = "test.steps",
    .access = Access::Write,
    .sql =
        "INSERT INTO steps (execution_id, step_no, node, state, attempt, lost, epoch, deps_left, worker_boot, "
        "output_seq, flags, rank, limits) VALUES "
        R"((7, 1, 0, 3, 1, 0, 1, 0, 'boot1', 0, 0, NULL, '{"key":"c:1:\"one\"","cap":2}'),)"
        R"((7, 2, 1, 3, 1, 0, 1, 0, 'boot1', 0, 0, NULL, '{"rate":"r:1:\"r\"","period_us":1000,"burst":1}'),)"
        R"((7, 3, 2, 3, 1, 0, 1, 0, 'boot2', 0, 0, NULL, '{"key":"c:1:\"two\"","cap":1,"rate":"r:1:\"r\"",)"
        R"("period_us":1000,"burst":1}'),)"
        R"((7, 4, 3, 3, 1, 0, 1, 0, 'boot1', 0, 0, NULL, NULL),)"
        R"((7, 5, 4, 1, 0, 0, 1, 0, NULL, 0, 0, 20, '{"key":"c:1:\"two\"","cap":1}'),)"
        R"((7, 6, 5, 1, 0, 0, 1, 0, NULL, 0, 0, 21, '{"key":"c:1:\"two\"","cap":1}'),)"
        R"((7, 7, 6, 1, 0, 0, 1, 0, NULL, 0, 0, 22, '{"rate":"r:1:\"r\"","period_us":1000,"burst":1}'),)"
        R"((7, 8, 7, 6, 1, 0, 2, 0, NULL, 4, 0, NULL, '{"key":"c:1:\"one\"","cap":2}'),)"
        R"((7, 9, 8, 1, 0, 0, 1, 0, NULL, 0, 0, 23, '{"key":"c:1:\"one\"","cap":2}'))"};
constexpr Statement kLimits{.id = "test.limits",
                            .access = Access::Write,
                            .sql =
                                "INSERT INTO limits (key, in_use, cap, period_us, burst, arrival_at, refill_at) VALUES "
                                R"(('c:1:"idle"', 0, 4, 0, 1, 0, NULL), ('c:1:"one"', 1, 2, 0, 1, 0, NULL), )"
                                R"(('c:1:"two"', 1, 1, 0, 1, 0, NULL), ('r:1:"r"', 0, 0, 1000, 1, 99, 100))"};
constexpr Statement kParked{
    .id = "test.parked",
    .access = Access::Write,
    .sql = R"(INSERT INTO parked (execution_id, step_no, key, queue, rank) VALUES (7, 5, 'c:1:"two"', 'cpu', 20), )"
           R"((7, 6, 'c:1:"two"', 'cpu', 21), (7, 7, 'r:1:"r"', 'io', 22))"};
constexpr Statement kWorkers{
    .id = "test.workers",
    .access = Access::Write,
    .sql = "INSERT INTO workers (boot, pid, version, started_at) VALUES ('boot1', 1, '0', 0), ('boot2', 2, '0', 0)"};
constexpr const Statement* kBefore[] = {&kSteps, &kLimits, &kParked, &kWorkers};

constexpr Statement kLimitsNow{.id = "test.limits_now",
                               .sql =
                                   "SELECT key || ' waiting ' || waiting || ' arrivals ' || arrivals || ' newest ' || "
                                   "newest || ' turn ' || turn FROM limits ORDER BY key"};
constexpr Statement kParkedNow{
    .id = "test.parked_now",
    .sql =
        "SELECT step_no || ' ' || key || ' cap ' || cap || ' turn ' || turn || ' arrived ' || arrived || ' superseded "
        "' || superseded || ' ' || coalesce(sub_key, 'no sub-key') FROM parked ORDER BY step_no"};
constexpr Statement kHoldersNow{.id = "test.holders_now",
                                .sql =
                                    "SELECT step_no || ' ' || key || ' arrived ' || arrived || ' took ' || took_place "
                                    "|| ' superseded ' || superseded FROM key_holders ORDER BY step_no"};
constexpr Statement kLabelsNow{.id = "test.labels_now",
                               .sql = "SELECT boot || ' [' || labels || ']' FROM workers ORDER BY boot"};
constexpr Statement kUnservedNow{.id = "test.unserved_now", .sql = "SELECT queue FROM unserved_queues"};
constexpr Statement kAddLabels{.id = "test.add_labels",
                               .access = Access::Write,
                               .sql = "UPDATE workers SET labels = 'gpu=yes' WHERE boot = 'boot2'"};
constexpr const Statement* kAfter[] = {&kLimitsNow, &kParkedNow, &kHoldersNow, &kLabelsNow, &kUnservedNow, &kAddLabels};

// 0024: who runs within a key is known by a row, who waits knows its limit, and each key how many wait.
TEST_P(BackfillTest, KeysKnowWhoRunsAndWhoWaits) {
  open_before(24, kBefore);
  write({&kSteps, &kLimits, &kParked, &kWorkers});
  open_today(kAfter);
  EXPECT_THAT(texts(kLimitsNow), ElementsAre(R"(c:1:"idle" waiting 0 arrivals 0 newest 0 turn 0)",
                                             R"(c:1:"one" waiting 0 arrivals 0 newest 0 turn 0)",
                                             R"(c:1:"two" waiting 2 arrivals 0 newest 0 turn 0)",
                                             R"(r:1:"r" waiting 1 arrivals 0 newest 0 turn 0)"));
  EXPECT_THAT(texts(kParkedNow), ElementsAre(R"(5 c:1:"two" cap 1 turn 1 arrived 0 superseded 0 no sub-key)",
                                             R"(6 c:1:"two" cap 1 turn 1 arrived 0 superseded 0 no sub-key)",
                                             R"(7 r:1:"r" cap 0 turn 1 arrived 0 superseded 0 no sub-key)"));
  EXPECT_THAT(texts(kHoldersNow), ElementsAre(R"(1 c:1:"one" arrived 0 took 0 superseded 0)",
                                              R"(3 c:1:"two" arrived 0 took 0 superseded 0)"));
}

// 0025: workers that were there offer nothing, and nothing is told to be unserved.
TEST_P(BackfillTest, WorkersOfBeforeOfferNoLabels) {
  open_before(25, kBefore);
  write({&kWorkers});
  open_today(kAfter);
  EXPECT_THAT(texts(kLabelsNow), ElementsAre("boot1 []", "boot2 []"));
  EXPECT_THAT(texts(kUnservedNow), IsEmpty());
  write({&kAddLabels});
  EXPECT_THAT(texts(kLabelsNow), ElementsAre("boot1 []", "boot2 [gpu=yes]"));
}

}  // namespace
}  // namespace wrench::storage
