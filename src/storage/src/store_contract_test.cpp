// What a Store promises, on SQLite and on a real PostgreSQL server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using runtime::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PostgresServer;

// A small schema of its own, so that these tests say nothing about the product's tables.
constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kSet{.id = "test.set",
                         .access = Access::Write,
                         .sql = "UPDATE notes SET text = ?2, version = version + 1 WHERE id = ?1"};
constexpr Statement kDelete{.id = "test.delete", .access = Access::Write, .sql = "DELETE FROM notes WHERE id = ?1"};
constexpr Statement kGet{.id = "test.get", .sql = "SELECT text FROM notes WHERE id = ?1"};
constexpr Statement kGetWithId{.id = "test.get_with_id", .sql = "SELECT id, text, version FROM notes WHERE id = ?1"};
constexpr Statement kCount{.id = "test.count", .sql = "SELECT count(*) FROM notes"};
constexpr Statement kEndless{
    .id = "test.endless",
    .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"};
constexpr Statement kManyBytes{.id = "test.many_bytes",
                               .sql =
                                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80) "
                                   "SELECT n.i, notes.text FROM n, notes WHERE notes.id = ?1"};
constexpr Statement kAddTypes{.id = "test.add_types",
                              .access = Access::Write,
                              .sql = "INSERT INTO types (n, r, t, b, j) VALUES (?1, ?2, ?3, ?4, ?5)"};
constexpr Statement kTypes{.id = "test.types", .sql = "SELECT n, r, t, b, j, n IS NULL FROM types ORDER BY id"};
constexpr Statement kMyTexts{.id = "test.texts_in_order", .sql = "SELECT text FROM notes ORDER BY text"};
constexpr const Statement* kTestStatements[] = {&kAdd,     &kSet,       &kDelete,   &kGet,   &kGetWithId, &kCount,
                                                &kEndless, &kManyBytes, &kAddTypes, &kTypes, &kMyTexts};

constexpr std::string_view kNotes =
    "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL, version BIGINT NOT NULL DEFAULT 1) STRICT;"
    "CREATE TABLE types (id BIGINT PRIMARY KEY, n BIGINT, r REAL, t TEXT, b BYTES, j JSON) STRICT;";

class StoreContract : public ::testing::TestWithParam<Dialect> {
 protected:
  StoreContract() {
    migrations_.assign(embedded_migrations(GetParam()).begin(), embedded_migrations(GetParam()).begin() + 1);
    migrations_.push_back({2, "0002_notes.sql", kNotes});
    if (postgres()) url_ = PostgresServer::shared().new_schema_url();
  }
  ~StoreContract() override {
    if (postgres())
      EXPECT_TRUE(PostgresServer::shared().sql("DROP SCHEMA " + url_.substr(url_.rfind('D') + 1) + " CASCADE").ok());
  }

  static bool postgres() { return GetParam() == Dialect::Postgres; }
  StoreConfig config() {
    StoreConfig config;
    config.directory = dir_ / "data";
    config.database_url = url_;
    config.statements = {kTestStatements};
    config.migrations = migrations_;
    config.wal_reserve_bytes = 0;
    return config;
  }
  Result<std::unique_ptr<Store>> open() { return Store::open(config(), clock_, random_); }
  Result<std::unique_ptr<Store>> open_to_read() {
    StoreConfig reading = config();
    reading.access = StoreAccess::Read;
    return Store::open(std::move(reading), clock_, random_);
  }
  std::unique_ptr<Store> open_passive() {
    StoreConfig passive = config();
    passive.mode = WriterMode::Passive;
    return Store::open(std::move(passive), clock_, random_).value();
  }
  static WriteBody add(std::int64_t id, const std::string& text = "x") {
    return [id, text](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kAdd, {id, text}));
      return {};
    };
  }
  static std::int64_t count(Store& store) {
    return store
        .read([](ReadTx& tx) -> Result<std::int64_t> { return WRENCH_TRY(tx.query(kCount)).front().integer(0); })
        .value();
  }

  TempDir dir_ = TempDir::create().value();
  std::string url_;
  std::vector<Migration> migrations_;
  ManualClock clock_;
  SystemRandom random_;  // PostgreSQL uses it from several threads.
};

const auto kBoth = ::testing::Values(Dialect::Sqlite, Dialect::Postgres);
constexpr auto kNames = [](const ::testing::TestParamInfo<Dialect>& info) {
  return std::string(info.param == Dialect::Sqlite ? "Sqlite" : "Postgres");
};
INSTANTIATE_TEST_SUITE_P(Databases, StoreContract, kBoth, kNames);

TEST_P(StoreContract, KeepsWhatWasWrittenAcrossReopening) {
  std::string id;
  {
    const auto store = open().value();
    id = store->store_id();
    ASSERT_TRUE(store->write(add(1, "one")).ok());
    EXPECT_EQ(count(*store), 1);
  }
  const auto again = open().value();
  EXPECT_EQ(again->store_id(), id);
  EXPECT_THAT(id, HasSubstr("sto_"));
  const auto text = again->read(
      [](ReadTx& tx) -> Result<std::string> { return std::string(WRENCH_TRY(tx.query(kGet, {1})).front().text(0)); });
  EXPECT_EQ(*text, "one");
}

TEST_P(StoreContract, KeepsEveryType) {
  const auto store = open().value();
  const std::string with_zero("a\0b", 3);
  const std::string json = R"({"a": 1})";
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    WRENCH_TRY(tx.exec(kAddTypes, {std::int64_t{-5}, 2.5, "t\u00e9xt", Bind::bytes(with_zero), json}));
                    WRENCH_TRY(
                        tx.exec(kAddTypes, {std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt}));
                    WRENCH_TRY(tx.exec(kAddTypes, {std::numeric_limits<std::int64_t>::min(), 1e300, std::string_view(),
                                                   Bind::bytes(std::string_view()), "[]"}));
                    return {};
                  })
                  .ok());
  const auto rows = store->read([&](ReadTx& tx) { return tx.query(kTypes); });
  ASSERT_EQ(rows->size(), 3U);
  const auto row = rows->front();
  EXPECT_EQ(row.integer(0), -5);
  EXPECT_EQ(row.real(1), 2.5);
  EXPECT_EQ(row.text(2), "t\u00e9xt");
  EXPECT_EQ(row.bytes(3), with_zero);
  EXPECT_EQ(row.text(4), json);
  EXPECT_EQ(row.integer(5), 0) << "a comparison is a number";
  for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE((*rows)[1].is_null(i)) << i;
  EXPECT_EQ((*rows)[1].optional_integer(0), std::nullopt);
  EXPECT_EQ((*rows)[2].integer(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ((*rows)[2].real(1), 1e300);
  EXPECT_FALSE((*rows)[2].is_null(2)) << "an empty text isn't NULL";
  EXPECT_EQ((*rows)[2].text(2), "");
  EXPECT_EQ((*rows)[2].bytes(3), "");
}

TEST_P(StoreContract, GoesOnAsTimePasses) {
  const auto store = open().value();
  for (std::int64_t round = 1; round <= 4; ++round) {
    ASSERT_TRUE(store->write(add(round)).ok());
    for (int i = 0; i < 8; ++i) ASSERT_EQ(count(*store), round);  // every reader
    clock_.advance(kMicrosPerMs * 7'000);
  }
}

TEST_P(StoreContract, OrdersTextByBytes) {
  const auto store = open().value();
  for (const char* text : {"b", "a", "B", "_", "\u00e9", "Z"}) ASSERT_TRUE(store->write(add(count(*store), text)).ok());
  const auto rows = store->read([](ReadTx& tx) { return tx.query(kMyTexts); });
  std::string order;
  for (const auto row : *rows) order += row.text(0);
  EXPECT_EQ(order, "BZ_ab\u00e9");
}

TEST_P(StoreContract, DoesManyRowsAtOnce) {
  const auto store = open().value();
  std::vector<std::int64_t> changed;
  std::vector<std::string> seen;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    changed.clear();
                    seen.clear();
                    std::vector<Bind> rows;
                    for (std::int64_t id = 0; id < 1000; ++id) rows.insert(rows.end(), {Bind(id), Bind("new")});
                    changed.push_back(WRENCH_TRY(tx.exec_many(kAdd, 2, rows)));
                    const Bind updates[] = {Bind(7), Bind("seven"), Bind(5000), Bind("nobody"), Bind(3), Bind("three")};
                    changed.push_back(WRENCH_TRY(tx.exec_many(kSet, 2, updates)));
                    const Bind doomed[] = {Bind(1), Bind(2), Bind(5000)};
                    changed.push_back(WRENCH_TRY(tx.exec_many(kDelete, 1, doomed)));
                    changed.push_back(WRENCH_TRY(tx.exec_many(kDelete, 1, {})));
                    const Bind keys[] = {Bind(1), Bind(3), Bind(7), Bind(8)};
                    for (const RowLock lock : {RowLock::None, RowLock::ForUpdate})
                      for (const auto row : WRENCH_TRY(tx.query_many(kGetWithId, 1, keys, lock)))
                        seen.push_back(std::to_string(row.integer(0)) + std::string(row.text(1)) +
                                       std::to_string(row.integer(2)));
                    if (!WRENCH_TRY(tx.query_many(kGetWithId, 1, {})).empty()) return Error("test.found", "nothing");
                    return {};
                  })
                  .ok());
  EXPECT_THAT(changed, ElementsAre(1000, 2, 2, 0));
  EXPECT_THAT(seen, ElementsAre("3three2", "7seven2", "8new1", "3three2", "7seven2", "8new1"));
  EXPECT_EQ(count(*store), 998);
}

TEST_P(StoreContract, ManyRowsFailTogether) {
  const auto store = open_passive();
  std::vector<std::string> outcomes;
  for (std::int64_t job = 0; job < 3; ++job)
    ASSERT_TRUE(store
                    ->submit({.body = [job](WriteTx& tx) -> Result<void> {
                               const Bind rows[] = {Bind(job * 10), Bind("a"), Bind(job == 1 ? 0 : job * 10 + 1),
                                                    Bind("b")};
                               WRENCH_TRY(tx.exec_many(kAdd, 2, rows));
                               return {};
                             }},
                             [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); })
                    .ok());
  store->flush_once();
  EXPECT_THAT(outcomes, ElementsAre("ok", "storage.constraint_unique", "ok"));
  EXPECT_EQ(count(*store), 4);
}

TEST_P(StoreContract, WhatIsSentIsSeenByWhatFollows) {
  const auto store = open().value();
  std::string seen;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    const Bind rows[] = {Bind(1), Bind("one"), Bind(2), Bind("two")};
                    WRENCH_TRY(tx.send_many(kAdd, 2, rows, Error("test.not_all", "not every row")));
                    const Bind update[] = {Bind(2), Bind("second")};
                    WRENCH_TRY(tx.send_many(kSet, 2, update, Error("test.not_all", "not every row")));
                    WRENCH_TRY(tx.send_many(kDelete, 1, {}, Error("test.not_all", "not every row")));
                    seen = WRENCH_TRY(tx.query(kGet, {2})).front().text(0);
                    const Bind doomed[] = {Bind(1), Bind(5000)};
                    return tx.send_many(kDelete, 1, doomed);
                  })
                  .ok());
  EXPECT_EQ(seen, "second");
  EXPECT_EQ(count(*store), 1);
}

/// The last thing that a body does, and all that it did, counts as failed when the database says so.
TEST_P(StoreContract, WhatIsSentFailsItsJobOnly) {
  const auto store = open_passive();
  std::vector<std::string> outcomes;
  const auto submit = [&](std::vector<Bind> rows, std::vector<Bind> updates, bool asks) {
    ASSERT_TRUE(store
                    ->submit({.body = [rows, updates, asks](WriteTx& tx) -> Result<void> {
                               WRENCH_TRY(tx.send_many(kAdd, 2, rows));
                               WRENCH_TRY(tx.send_many(kSet, 2, updates, Error("test.not_all", "not every row")));
                               if (asks) WRENCH_TRY(tx.query(kCount));
                               return {};
                             }},
                             [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); })
                    .ok());
  };
  submit({Bind(1), Bind("a")}, {Bind(1), Bind("b")}, false);
  submit({Bind(2), Bind("a"), Bind(1), Bind("again")}, {}, false);  // Refused by the database.
  submit({Bind(3), Bind("a")}, {Bind(3), Bind("b"), Bind(4), Bind("nobody")}, false);
  submit({Bind(5), Bind("a")}, {Bind(6), Bind("nobody")}, true);
  ASSERT_TRUE(store
                  ->submit({.body = [](WriteTx& tx) -> Result<void> {
                             const Bind rows[] = {Bind(8), Bind("a"), Bind(1), Bind("again")};
                             (void)tx.send_many(kAdd, 2, rows);
                             return Error("test.own", "it fails before it hears that its rows were refused");
                           }},
                           [&](const Result<void>& r) { outcomes.push_back(r.error().code); })
                  .ok());
  submit({Bind(7), Bind("a")}, {Bind(7), Bind("b")}, true);
  store->flush_once();
  EXPECT_THAT(outcomes,
              ElementsAre("ok", "storage.constraint_unique", "test.not_all", "test.not_all", "test.own", "ok"));
  EXPECT_EQ(count(*store), 2);
  EXPECT_EQ(store->stats().flushes, 1u);
}

TEST_P(StoreContract, ALockIsOurs) {
  const auto store = open().value();
  bool got = false;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    got = WRENCH_TRY(tx.try_lock("reaper")) && WRENCH_TRY(tx.try_lock("other"));
                    return {};
                  })
                  .ok());
  EXPECT_TRUE(got);
}

TEST_P(StoreContract, AResultOverTheLimitIsAnError) {
  const auto store = open().value();
  ASSERT_TRUE(store->write(add(1, std::string(1'000'000, 'x'))).ok());
  const auto rows = store->read([](ReadTx& tx) { return tx.query(kManyBytes, {1}); });
  // A busy machine may not move so much while a snapshot lasts.
  EXPECT_THAT(rows.error().code, ::testing::AnyOf("storage.result_too_large", "storage.snapshot_expired"));
  const Result<void> in_write = store->write([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.query(kManyBytes, {1}));
    return {};
  });
  EXPECT_EQ(in_write.error().code, "storage.result_too_large");
  EXPECT_EQ(count(*store), 1) << "it works on";
  EXPECT_TRUE(store->write(add(2)).ok());
}

TEST_P(StoreContract, AConstraintSaysWhich) {
  const auto store = open_passive();
  ASSERT_TRUE(store->write(add(1)).ok());
  EXPECT_EQ(store->write(add(1)).error().code, "storage.constraint_unique");
  const Result<void> null = store->write([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {2, std::nullopt}));
    return {};
  });
  EXPECT_EQ(null.error().code, "storage.constraint");
  EXPECT_EQ(count(*store), 1);
}

TEST_P(StoreContract, GroupsWhatIsQueuedIntoOneCommit) {
  const auto store = open_passive();
  int done = 0;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(
        store->submit({JobLane::Interactive, 10, add(i)}, [&](const Result<void>& r) { done += r.ok() ? 1 : 0; }).ok());
  EXPECT_EQ(done, 0);
  EXPECT_EQ(store->stats().queued_jobs, 100U);
  EXPECT_EQ(store->flush_once(), 100U);
  EXPECT_EQ(done, 100);
  EXPECT_EQ(store->stats().flushes, 1U);
  EXPECT_EQ(store->stats().jobs, 100U);
}

TEST_P(StoreContract, ServesLanesInOrderAndLimitsBulk) {
  const auto store = open_passive();
  std::vector<int> order;
  const auto job = [&](JobLane lane, int id) {
    ASSERT_TRUE(store->submit({lane, 0, add(id)}, [&order, id](const Result<void>&) { order.push_back(id); }).ok());
  };
  for (int i = 0; i < 200; ++i) job(JobLane::Bulk, 1000 + i);
  job(JobLane::Interactive, 2);
  job(JobLane::Completion, 1);
  EXPECT_EQ(store->flush_once(), 2U + kFlushBulkJobsMax);
  EXPECT_EQ(order[0], 1);
  EXPECT_EQ(order[1], 2);
  EXPECT_EQ(store->flush_once(), 200U - kFlushBulkJobsMax);
}

TEST_P(StoreContract, APoisonJobFailsAlone) {
  const auto store = open_passive();
  std::vector<std::string> outcomes;
  const auto note = [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); };
  const auto submit = [&](WriteBody body) { ASSERT_TRUE(store->submit({.body = std::move(body)}, note).ok()); };
  submit(add(1));
  submit([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {2, "half"}));
    WRENCH_TRY(tx.append_event({.type = "note.added"}));
    WRENCH_TRY(tx.exec(kAdd, {1, "twice"}));
    return {};
  });
  submit([](WriteTx&) -> Result<void> { return Error("test.refused", "no"); });
  submit([](WriteTx&) -> Result<void> { throw std::runtime_error("third-party failure"); });
  submit([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {3, "three"}));
    return tx.append_event({.type = "note.added"});
  });
  store->flush_once();
  EXPECT_THAT(outcomes, ElementsAre("ok", "storage.constraint_unique", "test.refused", "storage.body_threw", "ok"));
  EXPECT_EQ(count(*store), 2);
  EXPECT_EQ(store->stats().reruns, 1U);
  const auto page = store->read([](ReadTx& tx) { return event_log::read(tx, {}, {}); });
  ASSERT_EQ(page->events.size(), 1U) << "the undone body's event is undone too";
  EXPECT_EQ(page->events[0].seq, 1) << "and leaves no gap";
}

TEST_P(StoreContract, ARefusalThatWroteNothingCostsNoRerun) {
  const auto store = open_passive();
  for (int i = 0; i < 3; ++i) {
    WriteBody body = add(i);
    if (i == 1) body = [](WriteTx&) -> Result<void> { return Error("test.refused", "no"); };
    ASSERT_TRUE(store->submit({.body = body}, [](const Result<void>&) {}).ok());
  }
  store->flush_once();
  EXPECT_EQ(store->stats().reruns, 0U);
  EXPECT_EQ(store->stats().flushes, 1U);
  EXPECT_EQ(count(*store), 2);
}

TEST_P(StoreContract, RefusesBeyondTheQueueLimits) {
  const auto store = open_passive();
  const auto nop = [](WriteTx&) -> Result<void> { return {}; };
  const auto ignore = [](const Result<void>&) {};
  ASSERT_TRUE(store->submit({JobLane::Bulk, kQueueBytesMax, nop}, ignore).ok());
  EXPECT_EQ(store->submit({JobLane::Bulk, 1, nop}, ignore).error().code, "storage.busy");
  store->flush_once();
  for (std::size_t i = 0; i < kQueueJobsMax; ++i) ASSERT_TRUE(store->submit({.body = nop}, ignore).ok());
  EXPECT_EQ(store->submit({.body = nop}, ignore).error().code, "storage.busy");
}

TEST_P(StoreContract, ManyThreadsWriteAndReadAtOnce) {
  StoreConfig threaded = config();
  threaded.lock_wait_us = kLockWaitMax;
  const auto store = Store::open(std::move(threaded), clock_, random_).value();
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::int64_t id = t * kEach + i;
        if (!store->write(add(id)).ok()) ++failures;
        const auto seen = store->read([&](ReadTx& tx) { return tx.query(kGet, {id}); });
        if (!seen.ok() || seen->size() != 1) ++failures;  // read your own writes
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count(*store), kThreads * kEach);
  EXPECT_LE(store->stats().flushes, static_cast<std::uint64_t>(kThreads * kEach));
}

TEST_P(StoreContract, TwoStoresWriteIntoOne) {
  StoreConfig patient = config();
  patient.lock_wait_us = kLockWaitMax;
  const auto a = Store::open(patient, clock_, random_).value();
  const auto b = Store::open(patient, clock_, random_).value();
  std::atomic<int> failures{0};
  const auto work = [&](Store& store, int from) {
    for (int i = 0; i < 100; ++i)
      if (!store
               .write([&, i](WriteTx& tx) -> Result<void> {
                 WRENCH_TRY(tx.exec(kAdd, {from + i, "x"}));
                 return tx.append_event({.type = "note.added"});
               })
               .ok())
        ++failures;
  };
  std::thread other([&] { work(*b, 1000); });
  work(*a, 0);
  other.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count(*a), 200);
  const auto page = a->read([](ReadTx& tx) { return event_log::read(tx, {}, {}, kEventPageMax); });
  ASSERT_EQ(page->events.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(page->events[i].seq, static_cast<std::int64_t>(i) + 1);
}

TEST_P(StoreContract, AJobPastItsDeadlineIsWithdrawnUnlessBegun) {
  const auto store = open().value();
  std::latch begun(1);
  std::latch go(1);
  std::atomic<bool> first_done{false};
  ASSERT_TRUE(store
                  ->submit({.body = [&](WriteTx&) -> Result<void> {
                             begun.count_down();
                             go.wait();
                             return {};
                           }},
                           [&](const Result<void>&) { first_done = true; })
                  .ok());
  begun.wait();
  const Result<void> late = store->write(add(1), Deadline::after(clock_, 0));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "storage.deadline");
  go.count_down();
  store->close();
  EXPECT_TRUE(first_done);
  const auto again = open().value();
  EXPECT_EQ(count(*again), 0);
}

TEST_P(StoreContract, ASnapshotThatIsTooOldIsTakenAway) {
  const auto store = open().value();
  const auto rows = store->read([&](ReadTx& tx) -> Result<Rows> {
    WRENCH_TRY(tx.query(kCount));
    clock_.advance(kSnapshotAgeMax);
    return tx.query(kCount);
  });
  EXPECT_EQ(rows.error().code, "storage.snapshot_expired");
  EXPECT_EQ(count(*store), 0) << "the connection is usable again";
}

TEST_P(StoreContract, ARunningReadEndsAtItsDeadline) {
  const SystemClock clock;
  const auto store = Store::open(config(), clock, random_).value();
  const auto rows =
      store->read([&](ReadTx& tx) { return tx.query(kEndless); }, Deadline::after(clock, 20 * kMicrosPerMs));
  EXPECT_EQ(rows.error().code, "storage.deadline");
}

TEST_P(StoreContract, TimeNeverGoesBack) {
  std::vector<Micros> times;
  const auto note = [&](WriteTx& tx) -> Result<void> {
    times.push_back(tx.now());
    return tx.append_event({.type = "tick"});
  };
  {
    const auto store = open_passive();
    ASSERT_TRUE(store->write(note).ok());
    clock_.set(clock_.now_us() - 3600 * kMicrosPerSecond);
    ASSERT_TRUE(store->write(note).ok());
  }
  const auto store = open_passive();
  ASSERT_TRUE(store->write(note).ok());
  // PostgreSQL's own clock goes on.
  EXPECT_LE(times[0], times[1]);
  EXPECT_LE(times[1], times[2]) << "also not across processes";
  if (!postgres()) EXPECT_EQ(times[0], times[2]);
}

TEST_P(StoreContract, RefusesWorkAfterClose) {
  const auto store = open().value();
  store->close();
  EXPECT_EQ(store->write(add(1)).error().code, "storage.closed");
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kCount); }).error().code, "storage.closed");
}

TEST_P(StoreContract, OpenedForReadingItSeesWhatAnotherWrites) {
  const auto writer = open().value();
  const auto store = open_to_read().value();
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(writer->write(add(1)).ok());
  EXPECT_EQ(count(*store), 1);
}

TEST_P(StoreContract, OpenedForReadingItMustBeThereAndUpToDate) {
  EXPECT_EQ(open_to_read().error().code, "storage.not_found");
  EXPECT_EQ(open_to_read().error().code, "storage.not_found") << "looking changed nothing";
  {
    const auto store = open().value();
  }
  migrations_.push_back({3, "0003_more.sql", "CREATE TABLE more (x BIGINT) STRICT;"});
  EXPECT_EQ(open_to_read().error().code, "storage.schema_older");
  migrations_.resize(1);
  const auto store = open_to_read().value();
  EXPECT_EQ(store->write_refusal()->code, "storage.schema_newer");
  EXPECT_EQ(count(*store), 0);
}

TEST_P(StoreContract, RefusesAnEditedMigration) {
  {
    const auto store = open().value();
  }
  migrations_[1].sql = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT) STRICT;";
  const auto opened = open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "storage.migration_checksum");
  EXPECT_THAT(opened.error().message, HasSubstr("0002_notes.sql"));
}

TEST_P(StoreContract, ANewerSchemaCanBeReadButNotWritten) {
  {
    ASSERT_TRUE(open().value()->write(add(1)).ok());
  }
  migrations_.resize(1);
  const auto store = open().value();
  ASSERT_TRUE(store->write_refusal());
  EXPECT_EQ(store->write_refusal()->code, "storage.schema_newer");
  EXPECT_EQ(store->write(add(2)).error().code, "storage.schema_newer");
  EXPECT_EQ(store->submit({.body = add(2)}, [](const Result<void>&) {}).error().code, "storage.schema_newer");
  EXPECT_EQ(count(*store), 1);
}

TEST_P(StoreContract, AFailingMigrationLeavesTheSchemaBeforeIt) {
  migrations_.push_back({3, "0003_bad.sql", "CREATE TABLE half (x INT) STRICT; CREATE TABLE notes (x INT) STRICT;"});
  const auto failed = open();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("0003_bad.sql"));
  migrations_[2].sql = "CREATE TABLE half (x INT) STRICT;";
  EXPECT_TRUE(open().ok()) << "the table of the failed attempt isn't there";
}

// --- events and blobs ------------------------------------------------------------------------------------------

class EventLogContract : public StoreContract {
 protected:
  void append(Store& store, int n, std::int64_t project, std::optional<std::int64_t> task) {
    ASSERT_TRUE(store
                    .write([&](WriteTx& tx) -> Result<void> {
                      for (int i = 0; i < n; ++i)
                        WRENCH_TRY(tx.append_event({.type = "task.updated",
                                                    .project_id = project,
                                                    .task_id = task,
                                                    .subject_kind = "task",
                                                    .subject_id = "tsk_1",
                                                    .actor = "system",
                                                    .version = i,
                                                    .payload = R"({"a":1})",
                                                    .trace_id = "tr"}));
                      return {};
                    })
                    .ok());
  }
};

INSTANTIATE_TEST_SUITE_P(Databases, EventLogContract, kBoth, kNames);

TEST_P(EventLogContract, PagesThroughARoomAndGoesOnAtTheHead) {
  const auto store = open_passive();
  append(*store, 3, 1, 7);
  append(*store, 3, 2, std::nullopt);
  const auto read = [&](EventRoom room, EventCursor after, std::size_t limit) {
    return store->read([&](ReadTx& tx) { return event_log::read(tx, room, after, limit); });
  };
  auto page = read({.task_id = 7}, {}, 2).value();
  ASSERT_EQ(page.events.size(), 2U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.next.str(), "1:2");
  EXPECT_EQ(page.events[1].what.subject_id, "tsk_1");
  EXPECT_EQ(page.events[1].what.version, 1);
  EXPECT_EQ(page.events[1].what.trace_id, "tr");
  if (!postgres()) EXPECT_EQ(page.events[1].at_us, clock_.now_us());
  EXPECT_GT(page.events[1].at_us, 0);
  page = read({.task_id = 7}, page.next, 2).value();
  EXPECT_EQ(page.events.size(), 1U);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.next.seq, 6) << "nothing of this room is left before the head";
  EXPECT_EQ(read({.project_id = 2}, {}, 100)->events.size(), 3U);
  EXPECT_EQ(read({}, {}, 100)->events.size(), 6U);
  EXPECT_EQ(read({}, {.epoch = 2, .seq = 0}, 1).error().code, "storage.cursor_expired");
  EXPECT_EQ(read({}, {.epoch = 1, .seq = 99}, 1).error().code, "storage.cursor_expired");
}

TEST_P(EventLogContract, PruningExpiresOldCursorsOnly) {
  const auto store = open_passive();
  append(*store, 5, 1, 1);
  clock_.advance(kMicrosPerDay);
  append(*store, 5, 1, 1);
  const Micros young =
      store->read([](ReadTx& tx) { return event_log::read(tx, {}, {.epoch = 1, .seq = 5}); })->events.front().at_us;
  std::int64_t pruned = 0;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    const EventsKept kept{.since_us = young, .count_max = {}};
                    EXPECT_EQ(event_log::count_surplus(tx, kept).value(), 5);
                    pruned = WRENCH_TRY(event_log::prune(tx, kept, 3));
                    EXPECT_EQ(event_log::count_surplus(tx, kept).value(), 2);
                    pruned += WRENCH_TRY(event_log::prune(tx, kept, 100));
                    pruned += WRENCH_TRY(event_log::prune(tx, kept, 100));
                    return {};
                  })
                  .ok());
  EXPECT_EQ(pruned, 5);
  const auto held = store->read([](ReadTx& tx) { return event_log::held(tx); });
  EXPECT_EQ(held->count, 5);
  EXPECT_EQ(held->oldest_at, young);
  const auto read = [&](std::int64_t after) {
    return store->read([&](ReadTx& tx) { return event_log::read(tx, {}, {.epoch = 1, .seq = after}); });
  };
  EXPECT_EQ(read(4).error().code, "storage.cursor_expired");
  EXPECT_EQ(read(5)->events.size(), 5U);
  append(*store, 1, 1, 1);
  EXPECT_EQ(read(10)->events.front().seq, 11);
}

TEST_P(EventLogContract, PruningKeepsTheNewestOfSoMany) {
  const auto store = open_passive();
  append(*store, 8, 1, 1);
  const auto prune = [&](const EventsKept& kept) {
    std::int64_t pruned = 0;
    EXPECT_TRUE(store
                    ->write([&](WriteTx& tx) -> Result<void> {
                      EXPECT_EQ(event_log::count_surplus(tx, kept).value(), kept.count_max == 3 ? 5 : 3);
                      pruned = WRENCH_TRY(event_log::prune(tx, kept));
                      EXPECT_EQ(event_log::count_surplus(tx, kept).value(), 0);
                      return {};
                    })
                    .ok());
    return pruned;
  };
  EXPECT_EQ(prune({.since_us = 0, .count_max = 3}), 5);
  const auto page = store->read([](ReadTx& tx) { return event_log::read(tx, {}, {.epoch = 1, .seq = 5}); });
  EXPECT_EQ(page->events.size(), 3U);
  EXPECT_EQ(prune({.since_us = std::numeric_limits<Micros>::max(), .count_max = {}}), 3);
  EXPECT_EQ(store->read([](ReadTx& tx) { return event_log::held(tx); })->count, 0);
  append(*store, 1, 1, 1);
  const auto next = store->read([](ReadTx& tx) { return event_log::read(tx, {}, {.epoch = 1, .seq = 8}); });
  ASSERT_TRUE(next.ok()) << "a reader that had seen all goes on";
  EXPECT_EQ(next->events.front().seq, 9);
}

TEST_P(EventLogContract, RefusesCursorsThatAreNone) {
  for (const char* text : {"", "1", "1:", ":1", "0:1", "1:-1", "1:1x", "a:b", "99999999999999999999:1"})
    EXPECT_EQ(EventCursor::parse(text).error().code, "storage.invalid_cursor") << text;
  EXPECT_EQ(EventCursor::parse("2:40")->str(), "2:40");
}

TEST_P(EventLogContract, RefusesAPayloadOverTheLimit) {
  const auto store = open_passive();
  const Result<void> refused = store->write([](WriteTx& tx) {
    return tx.append_event({.type = "big", .payload = std::string(kEventPayloadBytesMax + 1, 'x')});
  });
  EXPECT_EQ(refused.error().code, "storage.event_too_large");
  EXPECT_TRUE(store
                  ->write([](WriteTx& tx) {
                    return tx.append_event({.type = "big", .payload = std::string(kEventPayloadBytesMax, 'x')});
                  })
                  .ok());
}

TEST_P(EventLogContract, RefusesTextThatIsNone) {
  const auto store = open_passive();
  for (const std::string& bad : {std::string("a\0b", 3), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    int good = 0;
    const auto submit = [&](const std::string& payload) {
      ASSERT_TRUE(
          store
              ->submit({.body = [payload](WriteTx& tx) { return tx.append_event({.type = "t", .payload = payload}); }},
                       [&](const Result<void>& r) {
                         if (!r.ok()) EXPECT_EQ(r.error().code, "storage.invalid_text");
                         good += r.ok() ? 1 : 0;
                       })
              .ok());
    };
    submit("{}");
    submit(bad);
    submit("{}");
    store->flush_once();
    EXPECT_EQ(good, 2);
  }
}

TEST_P(EventLogContract, WakesAWaiterOfThisAndOfAnotherStore) {
  StoreConfig patient = config();
  patient.lock_wait_us = kLockWaitMax;
  const auto mine = Store::open(patient, clock_, random_).value();
  const auto theirs = Store::open(patient, clock_, random_).value();
  std::thread other([&] { append(*theirs, 1, 1, 1); });
  EXPECT_EQ(*mine->wait_for_events(0, {}, {}), true);
  other.join();
  std::thread own([&] { append(*mine, 1, 1, 1); });
  EXPECT_EQ(*mine->wait_for_events(1, {}, {}), true);
  own.join();
  EXPECT_EQ(*mine->wait_for_events(2, Deadline::after(clock_, 0), {}), false);
  StopSource stop;
  stop.request_stop();
  EXPECT_EQ(*mine->wait_for_events(2, {}, stop.token()), false);
}

class BlobStoreContract : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Databases, BlobStoreContract, kBoth, kNames);

TEST_P(BlobStoreContract, StoresContentOnceAndChecksIt) {
  const auto store = open_passive();
  const std::string text(100'000, 'a');
  const std::string noise = [&] {
    std::string bytes(5'000, '\0');
    for (char& c : bytes) c = static_cast<char>(random_.next());
    return bytes;
  }();
  for (const std::string& content : {text, noise, std::string("short"), std::string()}) {
    const PreparedBlob blob = blob_store::prepare(content).value();
    EXPECT_EQ(blob.codec, content == text ? 1 : 0);
    for (std::int64_t owner : {1, 2})
      ASSERT_TRUE(store->write([&](WriteTx& tx) { return blob_store::put(tx, blob, {"execution", owner}); }).ok());
    const auto back = store->read([&](ReadTx& tx) { return blob_store::get(tx, blob.hash); });
    EXPECT_EQ(*back, content);
  }
  EXPECT_EQ(blob_store::prepare(std::string(kBlobBytesMax + 1, 'x')).error().code, "storage.blob_too_large");
  const auto absent = store->read([&](ReadTx& tx) { return blob_store::get(tx, std::string(32, 'h')); });
  EXPECT_EQ(absent.error().code, "storage.blob_missing");
  const Result<void> nothing_to_own =
      store->write([&](WriteTx& tx) { return blob_store::add_owner(tx, std::string(32, 'h'), {"execution", 1}); });
  EXPECT_EQ(nothing_to_own.error().code, "storage.blob_missing");
}

TEST_P(BlobStoreContract, ReleasesInPiecesAndDeletesWhatNobodyElseNeeds) {
  const auto store = open_passive();
  const PreparedBlob shared = blob_store::prepare("shared").value();
  std::vector<PreparedBlob> own;
  for (int i = 0; i < 5; ++i) own.push_back(blob_store::prepare("own " + std::to_string(i)).value());
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    for (const PreparedBlob& blob : own) WRENCH_TRY(blob_store::put(tx, blob, {"execution", 1}));
                    for (const std::int64_t owner : {1, 2})
                      WRENCH_TRY(blob_store::put(tx, shared, {"execution", owner}));
                    return {};
                  })
                  .ok());
  const auto release = [&](std::int64_t owner, std::size_t limit, std::size_t bytes_max = kBlobBytesMax) {
    blob_store::Released out;
    const auto done = store->write([&](WriteTx& tx) -> Result<void> {
      out = WRENCH_TRY(blob_store::release(tx, {"execution", owner}, limit, bytes_max));
      return {};
    });
    EXPECT_TRUE(done.ok()) << describe(done.error());
    return out;
  };
  const auto has = [&](const PreparedBlob& blob) {
    return store->read([&](ReadTx& tx) { return blob_store::get(tx, blob.hash); }).ok();
  };
  EXPECT_EQ(release(1, 2).references, 2U);
  EXPECT_EQ(release(1, 10, 1).references, 1U) << "one in any case";
  const auto rest = release(1, 3);
  EXPECT_EQ(rest.references, 3U);
  EXPECT_TRUE(rest.all);
  for (const PreparedBlob& blob : own) EXPECT_FALSE(has(blob));
  EXPECT_TRUE(has(shared));
  EXPECT_TRUE(release(2, 1).all);
  EXPECT_FALSE(has(shared));
  EXPECT_EQ(release(2, 1).references, 0U);
}

TEST_P(BlobStoreContract, DamagedContentIsReported) {
  const PreparedBlob blob = blob_store::prepare(std::string(1000, 'a')).value();
  {
    const auto store = open_passive();
    PreparedBlob damaged = blob;
    damaged.body = blob_store::prepare(std::string(1000, 'b'))->body;
    ASSERT_TRUE(store->write([&](WriteTx& tx) { return blob_store::put(tx, damaged, {"execution", 1}); }).ok());
    const auto got = store->read([&](ReadTx& tx) { return blob_store::get(tx, blob.hash); });
    EXPECT_EQ(got.error().code, "storage.corrupt");
  }
}

}  // namespace
}  // namespace wrench::storage
