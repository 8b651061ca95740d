#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "care_test.hpp"
#include "statements.hpp"
#include "wrench/storage/care.hpp"
#include "wrench/storage/long_read.hpp"
#include "wrench/storage/shared_backups.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PostgresServer;

const Statement kCount{.id = "test.count", .sql = "SELECT count(*) FROM cursors", .plan_exception = "for this test"};
const Statement kTimeOut{.id = "test.time_out",
                         .sql = "SELECT 'none'",
                         .postgres = {.sql = "SELECT current_setting('statement_timeout') || ' ' || "
                                             "current_setting('idle_in_transaction_session_timeout')"}};

class PostgresCareTest : public CareFixture<ManualClock> {
 protected:
  static inline const Statement* const kStatements[] = {&kPut, &kCount, &kTimeOut};
  PostgresCareTest() : CareFixture(PostgresServer::shared().new_schema_url(), kStatements) {}

  PostgresServer& server_ = PostgresServer::shared();
};

TEST_F(PostgresCareTest, ALongSnapshotSeesOneMoment) {
  const auto store = open();
  ASSERT_TRUE(put(*store, "a").ok());
  const auto looked = read_long(*store, [&](ReadTx& tx) -> Result<void> {
    const auto count = [&]() -> Result<std::int64_t> { return WRENCH_TRY(tx.query(kCount)).front().integer(0); };
    EXPECT_EQ(WRENCH_TRY(count()), 1);
    // Every statement, and every pause, may take longer than a reader's.
    EXPECT_EQ(WRENCH_TRY(tx.query(kTimeOut)).front().text(0), "30s 30s");
    WRENCH_TRY(put(*store, "b"));
    clock_.advance(2 * kSnapshotAgeMax);
    EXPECT_EQ(WRENCH_TRY(count()), 1);
    clock_.advance(kLongSnapshotAgeMax);
    EXPECT_EQ(count().error().code, "storage.snapshot_expired");
    return {};
  });
  ASSERT_TRUE(looked.ok()) << describe(looked.error());
  const auto usual = store->read([&](ReadTx& tx) -> Result<std::string> {
    const std::string out(WRENCH_TRY(tx.query(kTimeOut)).front().text(0));
    EXPECT_EQ(WRENCH_TRY(tx.query(kCount)).front().integer(0), 2);
    clock_.advance(2 * kSnapshotAgeMax);
    EXPECT_EQ(tx.query(kCount).error().code, "storage.snapshot_expired");
    return out;
  });
  ASSERT_TRUE(usual.ok()) << describe(usual.error());
  EXPECT_EQ(*usual, "2s 5s");
}

TEST_F(PostgresCareTest, ListsMigrations) {
  const auto all = embedded_migrations(Dialect::Postgres);
  const auto before = list_migrations(place_, clock_);
  ASSERT_TRUE(before.ok()) << describe(before.error());
  EXPECT_EQ(before->size(), all.size());
  EXPECT_FALSE(before->front().applied);
  open(all.first(1)).reset();
  const auto half = list_migrations(place_, clock_);
  ASSERT_TRUE(half.ok()) << describe(half.error());
  EXPECT_TRUE(half->at(0).applied);
  EXPECT_EQ(half->at(0).applied_at, clock_.now_us());
  EXPECT_FALSE(half->at(1).applied);
  open().reset();
  const auto whole = list_migrations(place_, clock_);
  ASSERT_TRUE(whole.ok()) << describe(whole.error());
  for (const MigrationState& each : *whole) EXPECT_TRUE(each.applied) << each.name;
  EXPECT_EQ(list_migrations(place_, clock_, all.first(1)).error().code, "storage.schema_newer");
}

TEST_F(PostgresCareTest, ExplainsStatements) {
  open().reset();
  const auto good = analyze_statement(place_, sql::kEventsOfTask);
  ASSERT_TRUE(good.ok()) << describe(good.error());
  EXPECT_THAT(good->scan_types, ElementsAre("search"));
  EXPECT_THAT(good->index_usage, ElementsAre("idx_event_task"));
  EXPECT_THAT(good->sequential_scans, IsEmpty());
  EXPECT_THAT(good->recommendations, IsEmpty());
  const Statement bad{.id = "b", .sql = "SELECT seq FROM events WHERE actor = ?1 ORDER BY type"};
  const auto analysis = analyze_statement(place_, bad);
  ASSERT_TRUE(analysis.ok()) << describe(analysis.error());
  EXPECT_THAT(analysis->scan_types, ElementsAre("scan"));
  EXPECT_THAT(analysis->sequential_scans, ElementsAre("events"));
  EXPECT_THAT(analysis->recommendations, Contains(HasSubstr("an index in that order")));
  const Statement meant{.id = "m", .sql = bad.sql, .postgres = {.plan_exception = "for this test"}};
  EXPECT_THAT(analyze_statement(place_, meant)->recommendations, ElementsAre(HasSubstr("for this test")));
  const auto written = analyze_statement(place_, sql::kInsertEvent);
  ASSERT_TRUE(written.ok()) << describe(written.error());
  EXPECT_EQ(server_.sql("SELECT count(*) FROM events", place_).value(), "0");
  EXPECT_EQ(analyze_statement(server_.new_schema_url(), bad).error().code, "storage.not_found");
}

TEST_F(PostgresCareTest, MonitorTellsWhatTheServerKnows) {
  const auto store = open();
  ASSERT_TRUE(put(*store, "a").ok());
  auto monitor = StoreMonitor::open(*store, place_);
  ASSERT_TRUE(monitor.ok()) << describe(monitor.error());
  const auto metrics = monitor->collect(Detail::Counted);
  ASSERT_TRUE(metrics.ok()) << describe(metrics.error());
  for (const char* key : {"connections", "query_stats", "table_stats", "index_stats", "cache_stats", "warnings"})
    EXPECT_FALSE(metrics->at(key).is_null()) << key;
  EXPECT_EQ(metrics->at("connections").at("flushes").as_integer(), 1);
  EXPECT_EQ(metrics->at("connections").at("max").as_integer(), 40);
  EXPECT_GT(metrics->at("connections").at("total").as_integer(), 1);
  EXPECT_GT(metrics->at("cache_stats").at("database_bytes").as_integer(), 100'000);
  std::vector<std::string> tables;
  for (const auto& table : metrics->at("table_stats").as_array()) tables.emplace_back(table.at("table").as_string());
  EXPECT_THAT(tables, Contains("cursors"));
  EXPECT_THAT(monitor->collect(Detail::Cheap)->at("table_stats").as_array(), IsEmpty()) << "none is of a megabyte";
}

TEST_F(PostgresCareTest, MonitorSeesWhoKeepsASnapshot) {
  const auto store = open();
  auto monitor = std::move(*StoreMonitor::open(*store, place_));
  const auto held = store->read([&](ReadTx& tx) -> Result<std::string> {
    WRENCH_TRY(tx.query(kCount));
    return std::string(
        WRENCH_TRY(monitor.collect(Detail::Cheap)).at("connections").at("oldest_xmin").at("held_by").as_string());
  });
  ASSERT_TRUE(held.ok()) << describe(held.error());
  EXPECT_THAT(*held, HasSubstr("of wrench"));
}

TEST_F(PostgresCareTest, OneOfSeveralTakesTheSampleOfAMinute) {
  const auto store = open();
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i)
    others.emplace_back([&] {
      auto monitor = std::move(*StoreMonitor::open(*store, place_));
      const auto sampled = monitor.sample(clock_.now_us());
      EXPECT_TRUE(sampled.ok()) << describe(sampled.error());
    });
  for (auto& other : others) other.join();
  EXPECT_EQ(samples(*store, SampleKind::Minute), 1U);
  EXPECT_EQ(samples(*store, SampleKind::Hour), 1U);
  // A minute later, by the database's time, and with what is old.
  const auto back = [&](const std::string& by) {
    ASSERT_TRUE(server_.sql("UPDATE db_samples SET at = at - " + by, place_).ok());
  };
  back("60000000");
  auto monitor = std::move(*StoreMonitor::open(*store, place_));
  ASSERT_TRUE(monitor.sample(clock_.now_us()).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 2U);
  back("86520000000");
  clock_.advance(60 * kMicrosPerSecond);
  ASSERT_TRUE(monitor.sample(clock_.now_us()).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 1U) << "those of a day ago went";
  EXPECT_GE(samples(*store, SampleKind::Hour), 2U);
}

TEST_F(PostgresCareTest, ALeaseIsOfOneAndEndsWithIt) {
  const auto store = open();
  {
    const auto lease = StoreLease::take(place_, *store, "backups");
    ASSERT_TRUE(lease.ok()) << describe(lease.error());
    ASSERT_TRUE(lease->has_value());
    EXPECT_FALSE(StoreLease::take(place_, *store, "backups")->has_value());
    EXPECT_TRUE(StoreLease::take(place_, *store, "samples")->has_value()) << "another one";
  }
  // The server sees a moment later that the connection is gone.
  for (int tries = 0; tries < 1'000; ++tries)
    if (StoreLease::take(place_, *store, "backups")->has_value()) return;
  FAIL() << "nobody gets it any more";
}

TEST_F(PostgresCareTest, NotesBackups) {
  const auto store = open();
  const auto write = [&](const WriteBody& body) {
    const auto written = store->write(body);
    ASSERT_TRUE(written.ok()) << describe(written.error());
  };
  NotedBackup backup;
  backup.digest = "d1";
  backup.name = "a.wbk";
  backup.host = "h";
  backup.folder = "/f";
  backup.bytes = 5;
  write([&](WriteTx& tx) { return note_backup(tx, backup); });
  backup.digest = "d2";
  write([&](WriteTx& tx) { return note_backup(tx, backup); });
  write([&](WriteTx& tx) { return note_verification(tx, "d1", {0, 7, 8}); });
  auto noted = noted_backups(*store);
  ASSERT_TRUE(noted.ok()) << describe(noted.error());
  ASSERT_EQ(noted->size(), 2U);
  EXPECT_EQ(noted->front().digest, "d2");
  EXPECT_FALSE(noted->front().verified);
  ASSERT_TRUE(noted->back().verified);
  EXPECT_EQ(noted->back().verified->duration_us, 7);
  EXPECT_GT(noted->back().verified->at, 0);
  write([&](WriteTx& tx) { return forget_backup(tx, "d1"); });
  EXPECT_EQ(noted_backups(*store)->size(), 1U);
}

}  // namespace
}  // namespace wrench::storage
