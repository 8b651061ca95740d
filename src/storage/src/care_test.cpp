#include "wrench/storage/care.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "care_test.hpp"
#include "statements.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Statement kDrop{.id = "test.drop", .access = Access::Write, .sql = "DELETE FROM cursors"};

class CareTest : public CareFixture<SystemClock> {
 protected:
  static inline const Statement* const kStatements[] = {&kPut, &kDrop};
  CareTest() : CareTest(std::move(*runtime::TempDir::create())) {}
  explicit CareTest(runtime::TempDir dir) : CareFixture(dir / "data", kStatements), dir_(std::move(dir)) {}
  static void fill(Store& store, int rows) { ASSERT_TRUE(put(store, std::string(1000, 'x'), rows).ok()); }

  runtime::TempDir dir_;
};

TEST_F(CareTest, ListsMigrations) {
  const auto before = list_migrations(place_, clock_);
  ASSERT_TRUE(before.ok()) << describe(before.error());
  EXPECT_EQ(before->size(), embedded_migrations().size());
  EXPECT_FALSE(before->front().applied);
  open(embedded_migrations().first(1)).reset();
  const auto half = list_migrations(place_, clock_);
  EXPECT_TRUE(half->at(0).applied);
  EXPECT_GT(half->at(0).applied_at, 0);
  EXPECT_FALSE(half->at(1).applied);
  open().reset();
  const auto whole = list_migrations(place_, clock_);
  ASSERT_TRUE(whole.ok()) << describe(whole.error());
  for (const MigrationState& each : *whole) EXPECT_TRUE(each.applied) << each.name;
  EXPECT_EQ(list_migrations(place_, clock_, embedded_migrations().first(1)).error().code, "storage.schema_newer");
}

TEST_F(CareTest, ExplainsStatements) {
  open().reset();
  const auto good = analyze_statement(place_, sql::kEventsOfTask);
  ASSERT_TRUE(good.ok()) << describe(good.error());
  EXPECT_THAT(good->scan_types, ElementsAre("search"));
  EXPECT_THAT(good->index_usage, ElementsAre("idx_event_task"));
  EXPECT_THAT(good->sequential_scans, IsEmpty());
  EXPECT_THAT(good->recommendations, IsEmpty());
  const Statement bad{.id = "b", .sql = "SELECT seq FROM events WHERE actor = ?1 ORDER BY type"};
  const auto analysis = analyze_statement(place_, bad);
  EXPECT_THAT(analysis->scan_types, ElementsAre("scan"));
  EXPECT_THAT(analysis->sequential_scans, ElementsAre("events"));
  EXPECT_THAT(analysis->recommendations, ElementsAre(HasSubstr("events from end to end"), HasSubstr("sorts")));
  const Statement meant{.id = "m", .sql = "SELECT seq FROM events", .plan_exception = "for this test"};
  EXPECT_THAT(analyze_statement(place_, meant)->recommendations, ElementsAre(HasSubstr("for this test")));
  EXPECT_EQ(analyze_statement(dir_ / "nowhere", bad).error().code, "storage.not_found");
}

TEST_F(CareTest, VacuumGivesRoomBack) {
  {
    const auto store = open();
    fill(*store, 3'000);
    ASSERT_TRUE(store
                    ->write([](WriteTx& tx) -> Result<void> {
                      WRENCH_TRY(tx.exec(kDrop));
                      return {};
                    })
                    .ok());
  }
  {
    const auto boot = runtime::BootLock::acquire(place_ + "/boots", "boot_1");
    EXPECT_EQ(vacuum_store(place_, clock_).error().code, "storage.in_use");
  }
  const auto report = vacuum_store(place_, clock_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_LT(report->bytes_after, std::uint64_t{2} << 20);
  const auto store = open();
  fill(*store, 1);
  EXPECT_EQ(vacuum_store(dir_ / "nowhere", clock_).error().code, "storage.not_found");
}

TEST_F(CareTest, MonitorTellsWhatItCost) {
  const auto store = open();
  fill(*store, 160);
  const auto costs = statement_costs(*store);
  const auto put = std::find_if(costs.begin(), costs.end(), [](const auto& cost) { return cost.id == "test.put"; });
  ASSERT_NE(put, costs.end());
  EXPECT_EQ(put->calls, 160U);
  EXPECT_EQ(put->rows, 160U);
  auto monitor = StoreMonitor::open(*store, place_);
  ASSERT_TRUE(monitor.ok()) << describe(monitor.error());
  const auto metrics = monitor->collect(Detail::Sized);
  ASSERT_TRUE(metrics.ok()) << describe(metrics.error());
  for (const char* key : {"connections", "query_stats", "table_stats", "index_stats", "cache_stats"})
    EXPECT_FALSE(metrics->at(key).is_null()) << key;
  EXPECT_EQ(metrics->at("connections").at("flushes").as_integer(), 1);
  EXPECT_GT(metrics->at("cache_stats").at("cache_hits").as_integer(), 0);
  for (const auto& table : metrics->at("table_stats").as_array()) {
    if (table.at("table").as_string() != "cursors") continue;
    EXPECT_EQ(table.at("rows").as_integer(), 160);
    EXPECT_GT(table.at("bytes").as_integer(), 160'000);
  }
}

TEST_F(CareTest, NotesSlowStatementsWithoutTheirValues) {
  static const Statement kSlow{.id = "test.slow",
                               .sql =
                                   "WITH RECURSIVE n(i) AS (SELECT 1\n  UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                                   "SELECT count(*) FROM n"};
  static const Statement* const kList[] = {&kSlow};
  StoreConfig config = CareFixture::config();
  config.statements = {kList};
  config.slow_statement_us = 8 * kMicrosPerMs;
  auto store = open(config);
  const Micros before = clock_.now_us();
  ASSERT_TRUE(store->read([](ReadTx& tx) { return tx.query(kSlow, {100'000}); }).ok());
  const SlowStatements slow = slow_statements(*store);
  ASSERT_GE(slow.count, 1U);
  EXPECT_EQ(slow.latest.front().id, "test.slow");
  EXPECT_EQ(slow.latest.front().sql,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT count(*) FROM n");
  EXPECT_GE(slow.latest.front().took_us, config.slow_statement_us);
  EXPECT_GE(slow.latest.front().at, before);
  EXPECT_EQ(slow.latest.front().rows, 1U);
  store.reset();

  config.slow_statement_us = 3600 * kMicrosPerSecond;
  store = open(config);
  ASSERT_TRUE(store->read([](ReadTx& tx) { return tx.query(kSlow, {100'000}); }).ok());
  EXPECT_EQ(slow_statements(*store).count, 0U);
  store.reset();

  config.slow_statement_us = 0;
  store = open(config);
  for (std::size_t i = 0; i < 2 * kSlowStatementsKept; ++i)
    ASSERT_TRUE(store->read([](ReadTx& tx) { return tx.query(kSlow, {1}); }).ok());
  EXPECT_GE(slow_statements(*store).count, 2 * kSlowStatementsKept);
  EXPECT_EQ(slow_statements(*store).latest.size(), kSlowStatementsKept);
}

TEST_F(CareTest, MeasuresFlushesForWhoeverWantsToKnow) {
  telemetry::MetricsRegistry metrics;
  StoreConfig config = CareFixture::config();
  config.metrics = &metrics;
  auto store = open(config);
  fill(*store, 1);
  ASSERT_TRUE(store->write([](WriteTx&) -> Result<void> { return {}; }).ok());
  store.reset();  // A flush is counted after its callers were told.
  const auto snapshot = metrics.snapshot();
  EXPECT_EQ(snapshot.total("wrench_flush_seconds"), 2);
  EXPECT_EQ(snapshot.total("wrench_flush_jobs"), 2);
  EXPECT_EQ(snapshot.find("wrench_flush_jobs")->series.front().sum, 2);
}

TEST_F(CareTest, MonitorKeepsSamplesForADayAndFor90) {
  const auto store = open();
  auto monitor = std::move(*StoreMonitor::open(*store, place_));
  constexpr Micros kMinute = 60 * kMicrosPerSecond;
  const Micros start = 20'000 * kMicrosPerDay;
  ASSERT_TRUE(monitor.sample(start + 1).ok());
  ASSERT_TRUE(monitor.sample(start + 2).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 1U);
  ASSERT_TRUE(monitor.sample(start + kMinute).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 2U);
  EXPECT_EQ(samples(*store, SampleKind::Hour), 1U);
  // Another process, in a minute that has its sample.
  auto other = std::move(*StoreMonitor::open(*store, place_));
  ASSERT_TRUE(other.sample(start + kMinute + 5).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 2U);
  ASSERT_TRUE(monitor.sample(start + kMinuteSamplesAgeMax + kMinute).ok());
  EXPECT_EQ(samples(*store, SampleKind::Minute), 2U);  // The first is over a day old.
  EXPECT_EQ(samples(*store, SampleKind::Hour), 2U);
  ASSERT_TRUE(monitor.sample(start + kHourSamplesAgeMax + 60 * kMinute).ok());
  EXPECT_EQ(samples(*store, SampleKind::Hour), 2U);
}

}  // namespace
}  // namespace wrench::storage
