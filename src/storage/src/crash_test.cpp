// The store on a simulated disk that fails at the n-th call, for every n, and loses power.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <optional>
#include <set>

#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/fault_vfs.hpp"

namespace wrench::storage {
namespace {

using testing::Fault;
using testing::FaultPlan;
using testing::FaultVfs;
using testing::Overwrite;

constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kIds{.id = "test.ids", .sql = "SELECT id FROM notes ORDER BY id"};
constexpr Statement kIntegrity{.id = "test.integrity", .sql = "PRAGMA integrity_check"};
constexpr const Statement* kStatements[] = {&kAdd, &kIds, &kIntegrity};

constexpr int kFlushes = 12;
constexpr int kJobsPerFlush = 4;
/// The job of every flush that violates a constraint after it wrote something.
constexpr int kPoisonJob = 2;

/// Whether a disk keeps what it said it has.
enum class Disk { Honest, Liar };

/// What the callers were told.
struct Ledger {
  std::set<std::int64_t> acknowledged;
  std::map<std::int64_t, std::string> refused;  ///< id to error code
  std::optional<Error> open_error;
};

class Crash : public ::testing::Test {
 protected:
  Crash() {
    migrations_.assign(embedded_migrations().begin(), embedded_migrations().begin() + 1);
    migrations_.push_back({2, "0002_notes.sql",
                           "CREATE TABLE notes (id BIGINT PRIMARY KEY CHECK (id >= 0), text TEXT NOT NULL) STRICT;"});
  }

  Result<std::unique_ptr<Store>> open(const FaultVfs& vfs) {
    StoreConfig config;
    config.directory = "disk";
    config.statements = {kStatements};
    config.migrations = migrations_;
    config.mode = WriterMode::Passive;
    config.vfs_name = vfs.name();
    config.on_outcome_unknown = [](const Error&) {};
    return Store::open(std::move(config), clock_, random_);
  }

  static WriteBody note(std::int64_t id) {
    return [id](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kAdd, {id, std::string(700, 'x')}));
      WRENCH_TRY(tx.append_event({.type = "note.added", .subject_kind = "note", .subject_id = std::to_string(id)}));
      if (id % kJobsPerFlush == kPoisonJob) WRENCH_TRY(tx.exec(kAdd, {-1, "refused by the table"}));
      return {};
    };
  }

  /// Opens, writes in several flushes with a poison job in each, reads between.
  void run(const FaultVfs& vfs, Ledger& ledger, std::int64_t first_id = 0) {
    Result<std::unique_ptr<Store>> store = open(vfs);
    if (!store.ok()) {
      ledger.open_error = store.error();
      return;
    }
    for (int flush = 0; flush < kFlushes; ++flush) {
      for (int job = 0; job < kJobsPerFlush; ++job) {
        const std::int64_t id = first_id + flush * kJobsPerFlush + job;
        const Result<void> queued = (*store)->submit({.body = note(id)}, [&ledger, id](const Result<void>& outcome) {
          if (outcome.ok())
            ledger.acknowledged.insert(id);
          else
            ledger.refused[id] = outcome.error().code;
        });
        if (!queued.ok()) ledger.refused[id] = queued.error().code;
      }
      (*store)->flush_once();
      [[maybe_unused]] const auto read = (*store)->read([](ReadTx& tx) { return tx.query(kIds); });
    }
  }

  /// The disk after a fault: whole, with everything that was acknowledged and nothing that can't be. After a lie it may
  /// have lost something, but it is whole all the same.
  void check(const FaultVfs& vfs, const Ledger& ledger, const std::string& where, Disk disk = Disk::Honest) {
    Result<std::unique_ptr<Store>> store = open(vfs);
    ASSERT_TRUE(store.ok()) << where << ": " << describe(store.error());
    std::set<std::int64_t> ids;
    std::string integrity;
    EventPage page;
    const Result<void> read = (*store)->read([&](ReadTx& tx) -> Result<void> {
      for (const auto row : WRENCH_TRY(tx.query(kIds))) ids.insert(row.integer(0));
      integrity = WRENCH_TRY(tx.query(kIntegrity)).front().text(0);
      page = WRENCH_TRY(event_log::read(tx, {}, {}, kEventPageMax));
      return {};
    });
    ASSERT_TRUE(read.ok()) << where << ": " << describe(read.error());
    EXPECT_EQ(integrity, "ok") << where;
    if (disk == Disk::Honest)
      for (const std::int64_t id : ledger.acknowledged) EXPECT_TRUE(ids.contains(id)) << where << ": lost " << id;
    for (const std::int64_t id : ids) {
      EXPECT_NE(id % kJobsPerFlush, kPoisonJob) << where << ": a refused body left a row";
      const auto refused = ledger.refused.find(id);
      if (refused != ledger.refused.end()) EXPECT_EQ(refused->second, "storage.outcome_unknown") << where << ": " << id;
    }
    std::set<std::int64_t> told;
    std::int64_t seq = 0;
    for (const Event& event : page.events) {
      EXPECT_EQ(event.seq, ++seq) << where;
      told.insert(std::stoll(event.what.subject_id));
    }
    EXPECT_EQ(told, ids) << where << ": events and rows disagree";
    EXPECT_TRUE((*store)->write(note(1'000'001)).ok()) << where;
  }

  std::uint64_t calls_of_one_run(Fault fault, Overwrite overwrite) {
    const FaultVfs vfs(1, overwrite);
    Ledger ledger;
    run(vfs, ledger);
    EXPECT_EQ(ledger.acknowledged.size(), static_cast<std::size_t>(kFlushes * (kJobsPerFlush - 1)));
    return vfs.calls(fault);
  }

  /// One run for each call that `fault` can hit, then power loss, then the check.
  void at_every_call(Fault fault, Overwrite overwrite, std::uint64_t seeds) {
    const std::uint64_t calls = calls_of_one_run(fault, overwrite);
    ASSERT_GT(calls, 0U);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
      for (std::uint64_t n = 1; n <= calls && !HasFailure(); ++n) {
        FaultVfs vfs(seed * 100'003 + n, overwrite);
        Ledger ledger;
        vfs.plan({fault, n, 1});
        run(vfs, ledger);
        EXPECT_TRUE(vfs.fault_happened());
        vfs.clear_faults();
        vfs.crash();
        check(vfs, ledger, "seed " + std::to_string(seed) + ", call " + std::to_string(n),
              fault == Fault::LyingSync ? Disk::Liar : Disk::Honest);
      }
  }

  std::vector<Migration> migrations_;
  ManualClock clock_;
  SeededRandom random_{7};
};

class CrashOnEveryDisk : public Crash, public ::testing::WithParamInterface<Overwrite> {};

INSTANTIATE_TEST_SUITE_P(Disks, CrashOnEveryDisk, ::testing::Values(Overwrite::PowerSafe, Overwrite::TearsSectors),
                         [](const auto& info) {
                           return info.param == Overwrite::PowerSafe ? "PowerSafe" : "TearsSectors";
                         });

TEST_P(CrashOnEveryDisk, PowerCutAtEveryCallLosesNothingAcknowledged) { at_every_call(Fault::PowerCut, GetParam(), 2); }
TEST_P(CrashOnEveryDisk, KillAtEveryCallLosesNothingAcknowledged) { at_every_call(Fault::Kill, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, EveryFailingFsyncIsUnknownUntilRestart) { at_every_call(Fault::SyncError, GetParam(), 2); }
TEST_P(CrashOnEveryDisk, EveryFailingWrite) { at_every_call(Fault::WriteError, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, EveryFailingRead) { at_every_call(Fault::ReadError, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, DiskFullAtEveryExtension) { at_every_call(Fault::Full, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, EveryShortRead) { at_every_call(Fault::ShortRead, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, EveryFailingUseOfTheSharedMemory) { at_every_call(Fault::SharedError, GetParam(), 1); }
TEST_P(CrashOnEveryDisk, KillAtEveryFsyncLosesNothingAcknowledged) { at_every_call(Fault::KillAtSync, GetParam(), 2); }
TEST_P(CrashOnEveryDisk, EveryFsyncThatLiesLeavesAWholeStore) { at_every_call(Fault::LyingSync, GetParam(), 2); }
// Its end is where recovery begins to look (docs/adr/0007-whole-blocks.md): a log that isn't cut can't be cut wrongly.
TEST_P(CrashOnEveryDisk, NothingIsEverCutShort) { EXPECT_EQ(calls_of_one_run(Fault::TruncateError, GetParam()), 0U); }

// The first power cut tears what pads the last commit to a whole block. Appending where recovery found the end of the
// log would then write into the block of that commit, and the second power cut would take it.
TEST_P(CrashOnEveryDisk, PowerCutsAndKillsInARowLoseNothingAcknowledged) {
  for (std::uint64_t seed = 1; seed <= 200 && !HasFailure(); ++seed) {
    FaultVfs vfs(seed, GetParam());
    SeededRandom dice(seed);
    Ledger ledger;
    for (int round = 0; round < 4; ++round) {
      vfs.plan({dice.below(3) == 0 ? Fault::Kill : Fault::PowerCut, 1 + dice.below(300), 1});
      run(vfs, ledger, round * 1000);
      vfs.clear_faults();
      dice.below(3) == 0 ? vfs.kill() : vfs.crash();
    }
    check(vfs, ledger, "seed " + std::to_string(seed));
  }
}

// A kill between write and fsync leaves a commit that only the page cache has. Whoever reads it must be able to rely on
// it.
TEST_P(CrashOnEveryDisk, WhatWasReadAfterAKillSurvivesAPowerCut) {
  const std::uint64_t calls = calls_of_one_run(Fault::Kill, GetParam());
  for (std::uint64_t n = 1; n <= calls && !HasFailure(); ++n) {
    FaultVfs vfs(n, GetParam());
    Ledger ledger;
    vfs.plan({Fault::Kill, n, 1});
    run(vfs, ledger);
    vfs.clear_faults();
    {
      const Result<std::unique_ptr<Store>> store = open(vfs);
      ASSERT_TRUE(store.ok()) << describe(store.error());
      const Rows seen = (*store)->read([](ReadTx& tx) { return tx.query(kIds); }).value();
      for (const auto row : seen) {
        ledger.acknowledged.insert(row.integer(0));
        ledger.refused.erase(row.integer(0));
      }
    }
    vfs.crash();
    check(vfs, ledger, "killed at call " + std::to_string(n));
  }
}

TEST_F(Crash, AfterAFailedFsyncTheStoreSaysUnknownAndDoesNoMore) {
  FaultVfs vfs(1);
  const auto store = open(vfs).value();
  ASSERT_TRUE(store->write(note(0)).ok());
  vfs.plan({Fault::SyncError, 1, 1});
  EXPECT_EQ(store->write(note(1)).error().code, "storage.outcome_unknown");
  EXPECT_EQ(store->write(note(3)).error().code, "storage.outcome_unknown");
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); }).error().code, "storage.outcome_unknown");
}

TEST_F(Crash, AFullDiskRefusesWritesServesReadsAndGoesOnWhenThereIsSpace) {
  FaultVfs vfs(1);
  const auto store = open(vfs).value();
  ASSERT_TRUE(store->write(note(0)).ok());
  vfs.plan({Fault::Full, 1, FaultPlan::kForever});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store->write(note(4 + i * 4)).error().code, "storage.full");
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); })->size(), 1U);
  vfs.clear_faults();
  EXPECT_TRUE(store->write(note(100)).ok());
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); })->size(), 2U);
}

TEST_F(Crash, TheFirstWriteWaitsForReadersOfTheOldLogAndRefusesRatherThanAppend) {
  const FaultVfs vfs(1);
  {
    ASSERT_TRUE(open(vfs).value()->write(note(0)).ok());
  }
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open_v2("disk/store.db", &other, SQLITE_OPEN_READWRITE, vfs.name().c_str()), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM notes", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto store = open(vfs).value();
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); })->size(), 1U);
  EXPECT_EQ(store->write(note(4)).error().code, "storage.busy");
  ASSERT_EQ(sqlite3_close(other), SQLITE_OK);
  EXPECT_TRUE(store->write(note(4)).ok());
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); })->size(), 2U);
}

TEST_F(Crash, ADiskThatLiesAboutFsyncLosesDataAndTheTestSeesIt) {
  // The proof that these tests can fail: without honest fsync, acknowledged rows do get lost.
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 50 && !lost; ++seed) {
    FaultVfs vfs(seed);
    Ledger ledger;
    {
      const auto created = open(vfs).value();
    }
    vfs.plan({Fault::LyingSync, 1, FaultPlan::kForever});
    run(vfs, ledger);
    vfs.clear_faults();
    vfs.crash();
    const Result<std::unique_ptr<Store>> store = open(vfs);
    if (!store.ok()) continue;
    const Result<Rows> rows = (*store)->read([](ReadTx& tx) { return tx.query(kIds); });
    lost = !rows.ok() || rows->size() < ledger.acknowledged.size();
  }
  EXPECT_TRUE(lost);
}

TEST_F(Crash, StartsFromAPreparedImage) {
  FaultVfs::Image image;
  {
    FaultVfs vfs(1);
    {
      ASSERT_TRUE(open(vfs).value()->write(note(0)).ok());
    }
    image = vfs.durable_image();
  }
  FaultVfs vfs(2);
  vfs.load(image);
  const auto store = open(vfs).value();
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kIds); })->size(), 1U);
}

}  // namespace
}  // namespace wrench::storage
