#include "wrench/storage/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <latch>
#include <map>
#include <thread>

#include "store_directory.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/file_lock.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::storage {
namespace {

using runtime::TempDir;
using ::testing::HasSubstr;

// A small schema of its own, so that these tests say nothing about the product's tables.
constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kGet{.id = "test.get", .sql = "SELECT text FROM notes WHERE id = ?1"};
constexpr Statement kCount{.id = "test.count", .sql = "SELECT count(*) FROM notes"};
constexpr Statement kEndless{
    .id = "test.endless",
    .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"};
constexpr Statement kTypes{.id = "test.types", .sql = "SELECT ?1, ?2, ?3, ?4, ?5, ?6"};
constexpr const Statement* kTestStatements[] = {&kAdd, &kGet, &kCount, &kEndless, &kTypes};

constexpr std::string_view kNotes = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;";

std::vector<Migration> with_notes() {
  std::vector<Migration> all(embedded_migrations().begin(), embedded_migrations().end());
  all.resize(1);
  all.push_back({2, "0002_notes.sql", kNotes});
  return all;
}

class StoreTest : public ::testing::Test {
 protected:
  StoreConfig config() {
    StoreConfig config;
    config.directory = dir_ / "data";
    config.statements = {kTestStatements};
    config.migrations = migrations_;
    config.wal_reserve_bytes = 0;
    config.lock_wait_us = 0;
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
  std::string db() { return dir_ / "data/store.db"; }

  TempDir dir_ = TempDir::create().value();
  std::vector<Migration> migrations_ = with_notes();
  ManualClock clock_;
  SeededRandom random_{1};
};

TEST_F(StoreTest, KeepsWhatWasWrittenAcrossReopening) {
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

TEST_F(StoreTest, BindsAndReadsEveryType) {
  const auto store = open().value();
  const std::string with_zero("a\0b", 3);
  const auto rows = store->read([&](ReadTx& tx) {
    return tx.query(kTypes, {std::nullopt, std::int64_t{-5}, 2.5, "text", Bind::bytes(with_zero), std::string_view()});
  });
  ASSERT_TRUE(rows.ok());
  const auto row = rows->front();
  EXPECT_TRUE(row.is_null(0));
  EXPECT_EQ(row.optional_integer(0), std::nullopt);
  EXPECT_EQ(row.integer(1), -5);
  EXPECT_EQ(row.real(2), 2.5);
  EXPECT_EQ(row.text(3), "text");
  EXPECT_EQ(row.bytes(4), with_zero);
  EXPECT_FALSE(row.is_null(5)) << "an empty text isn't NULL";
  EXPECT_EQ(row.text(5), "");
}

TEST_F(StoreTest, GroupsWhatIsQueuedIntoOneCommit) {
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

TEST_F(StoreTest, ServesLanesInOrderAndLimitsBulk) {
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

TEST_F(StoreTest, APoisonJobFailsAlone) {
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
  EXPECT_THAT(outcomes,
              ::testing::ElementsAre("ok", "storage.constraint_unique", "test.refused", "storage.body_threw", "ok"));
  EXPECT_EQ(count(*store), 2);
  EXPECT_EQ(store->stats().reruns, 1U);
  const auto page = store->read([](ReadTx& tx) { return event_log::read(tx, {}, {}); });
  ASSERT_EQ(page->events.size(), 1U) << "the undone body's event is undone too";
  EXPECT_EQ(page->events[0].seq, 1) << "and leaves no gap";
}

TEST_F(StoreTest, ARefusalThatWroteNothingCostsNoRerun) {
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

TEST_F(StoreTest, RefusesBeyondTheQueueLimits) {
  const auto store = open_passive();
  const auto nop = [](WriteTx&) -> Result<void> { return {}; };
  const auto ignore = [](const Result<void>&) {};
  ASSERT_TRUE(store->submit({JobLane::Bulk, kQueueBytesMax, nop}, ignore).ok());
  EXPECT_EQ(store->submit({JobLane::Bulk, 1, nop}, ignore).error().code, "storage.busy");
  store->flush_once();
  for (std::size_t i = 0; i < kQueueJobsMax; ++i) ASSERT_TRUE(store->submit({.body = nop}, ignore).ok());
  EXPECT_EQ(store->submit({.body = nop}, ignore).error().code, "storage.busy");
}

TEST_F(StoreTest, ManyThreadsWriteAndReadAtOnce) {
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

TEST_F(StoreTest, TwoStoresOnOneDirectoryTakeTurns) {
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

TEST_F(StoreTest, NamesTheProcessThatHoldsTheWriteLock) {
  const auto store = open_passive();
  auto holder = runtime::TurnLock::open(dir_ / "data/store.wlock").value();
  ASSERT_TRUE(holder.lock(clock_, {}).ok());
  const Result<void> refused = store->write(add(1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "storage.busy");
  EXPECT_THAT(refused.error().message, HasSubstr("process " + std::to_string(::getpid())));
  EXPECT_EQ(open().error().code, "storage.busy");
  holder.unlock();
  EXPECT_TRUE(store->write(add(1)).ok());
}

TEST_F(StoreTest, AJobPastItsDeadlineIsWithdrawnUnlessBegun) {
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

TEST_F(StoreTest, ASnapshotThatIsTooOldIsTakenAway) {
  const auto store = open().value();
  const auto rows = store->read([&](ReadTx& tx) -> Result<Rows> {
    WRENCH_TRY(tx.query(kCount));
    clock_.advance(kSnapshotAgeMax);
    return tx.query(kCount);
  });
  EXPECT_EQ(rows.error().code, "storage.snapshot_expired");
  EXPECT_EQ(count(*store), 0) << "the connection is usable again";
}

TEST_F(StoreTest, ARunningReadEndsAtItsDeadline) {
  const SystemClock clock;
  const auto store = Store::open(config(), clock, random_).value();
  const auto rows =
      store->read([&](ReadTx& tx) { return tx.query(kEndless); }, Deadline::after(clock, 20 * kMicrosPerMs));
  EXPECT_EQ(rows.error().code, "storage.deadline");
}

TEST_F(StoreTest, TimeNeverGoesBack) {
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
  EXPECT_EQ(times[0], times[1]);
  EXPECT_EQ(times[1], times[2]) << "also not across processes";
}

TEST_F(StoreTest, RefusesWorkAfterClose) {
  const auto store = open().value();
  store->close();
  EXPECT_EQ(store->write(add(1)).error().code, "storage.closed");
  EXPECT_EQ(store->read([](ReadTx& tx) { return tx.query(kCount); }).error().code, "storage.closed");
}

TEST_F(StoreTest, CheckpointsWhenTheLogHasGrown) {
  const auto store = open_passive();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store->write(add(i, std::string(500'000, 'x'))).ok());
  EXPECT_GE(store->stats().checkpoints, 1U);
  EXPECT_LT(store->stats().wal_pages, 5'000U);
  EXPECT_EQ(count(*store), 40);
}

/// Page number and "size of the database after this commit" (0: no commit) of each frame in a log
/// (sqlite.org/fileformat2.html#the_write_ahead_log).
std::vector<std::pair<std::uint32_t, std::uint32_t>> frames_of(const std::string& wal) {
  constexpr std::size_t kHeader = 32;
  constexpr std::size_t kFrame = 24 + 4096;
  const auto big_endian = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(wal[at + i]);
    return value;
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> frames;
  for (std::size_t at = kHeader; at + kFrame <= wal.size(); at += kFrame)
    if (wal.compare(at + 8, 8, wal, 16, 8) == 0) frames.emplace_back(big_endian(at), big_endian(at + 4));
  return frames;
}

constexpr std::size_t kLogBytesMax = 1 << 20;

TEST_F(StoreTest, PadsEveryCommitToWholeBlocks) {
  {
    const auto store = open_passive();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->write(add(i)).ok());
  }
  // Read after the close: closing a descriptor of ours would drop locks of an open store.
  const auto frames = frames_of(runtime::read_file(db() + "-wal", kLogBytesMax).value());
  std::size_t commits = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].second == 0) continue;
    ++commits;
    ASSERT_LT(i + 1, frames.size()) << "a commit frame without the copy that fills its block";
    EXPECT_EQ(frames[i], frames[i + 1]);
    ++i;
  }
  EXPECT_GE(commits, 5U);
}

TEST_F(StoreTest, EachProcessBeginsTheLogAnewWithItsFirstWrite) {
  {
    const auto store = open_passive();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->write(add(i)).ok());
  }
  const std::size_t before = frames_of(runtime::read_file(db() + "-wal", kLogBytesMax).value()).size();
  {
    const auto store = open_passive();
    EXPECT_EQ(count(*store), 50);
  }
  EXPECT_EQ(frames_of(runtime::read_file(db() + "-wal", kLogBytesMax).value()).size(), before)
      << "reading leaves the log alone";
  {
    const auto store = open_passive();
    ASSERT_TRUE(store->write(add(50)).ok());
    EXPECT_LT(store->stats().wal_pages, 10U);
    EXPECT_EQ(count(*store), 51);
  }
  EXPECT_LT(frames_of(runtime::read_file(db() + "-wal", kLogBytesMax).value()).size(), 10U);
}

TEST_F(StoreTest, OpensAPathWithCharactersThatMeanSomethingInAUri) {
  StoreConfig odd = config();
  odd.directory = dir_ / "a?b=c&d#e%20f g\xc3\xa9/data";
  ASSERT_TRUE(Store::open(odd, clock_, random_).value()->write(add(1)).ok());
  EXPECT_TRUE(std::filesystem::exists(odd.directory + "/store.db"));
  EXPECT_EQ(count(*Store::open(odd, clock_, random_).value()), 1);
}

TEST_F(StoreTest, ReservesTheLogOnceAtCreation) {
  StoreConfig reserving = config();
  reserving.wal_reserve_bytes = kWalReserveBytes;
  const auto store = Store::open(reserving, clock_, random_).value();
  struct stat wal{};
  ASSERT_EQ(::stat((db() + "-wal").c_str(), &wal), 0);
  EXPECT_GE(static_cast<std::size_t>(wal.st_size), kWalReserveBytes);
  ASSERT_TRUE(store->write(add(1)).ok());
  struct stat after{};
  ASSERT_EQ(::stat((db() + "-wal").c_str(), &after), 0);
  EXPECT_EQ(wal.st_size, after.st_size) << "later commits overwrite";
  struct stat database{};
  ASSERT_EQ(::stat(db().c_str(), &database), 0);
  EXPECT_LT(database.st_size, 1'000'000) << "the database itself stays small";
}

TEST_F(StoreTest, ReservesNothingWhereRoomIsShort) {
  StoreConfig reserving = config();
  reserving.wal_reserve_bytes = std::size_t{1} << 50;  // More than a quarter of any disk.
  const auto store = Store::open(reserving, clock_, random_).value();
  struct stat wal{};
  ASSERT_EQ(::stat((db() + "-wal").c_str(), &wal), 0);
  EXPECT_LT(wal.st_size, 1'000'000);
  EXPECT_TRUE(store->write(add(1)).ok());
}

// --- files that are not what they should be -------------------------------------------------------------------

TEST_F(StoreTest, NeverPutsANewStoreInPlaceOfALostOne) {
  {
    ASSERT_TRUE(open().value()->write(add(1)).ok());
  }
  std::filesystem::rename(db(), db() + ".lost");
  Result<std::unique_ptr<Store>> missing = open();
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "storage.corrupt");
  EXPECT_FALSE(std::filesystem::exists(db()));
  ASSERT_TRUE(runtime::write_file_atomically(db(), "").ok());
  EXPECT_EQ(open().error().code, "storage.corrupt");
  EXPECT_GT(std::filesystem::file_size(db() + "-wal"), 0U) << "the log isn't deleted";
  std::filesystem::rename(db() + ".lost", db());
  EXPECT_EQ(count(*open().value()), 1) << "put back, it is whole";
}

TEST_F(StoreTest, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
  ASSERT_TRUE(runtime::make_directories(dir_ / "data").ok());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(db().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(other);
  const std::string before = runtime::read_file(db(), 1 << 20).value();
  EXPECT_EQ(open().error().code, "storage.corrupt");
  EXPECT_EQ(runtime::read_file(db(), 1 << 20).value(), before);
}

TEST_F(StoreTest, RefusesAFileThatIsNoDatabase) {
  ASSERT_TRUE(runtime::make_directories(dir_ / "data").ok());
  const std::string text(5000, 'z');
  ASSERT_TRUE(runtime::write_file_atomically(db(), text).ok());
  EXPECT_EQ(open().error().code, "storage.corrupt");
  EXPECT_EQ(runtime::read_file(db(), 1 << 20).value(), text);
}

TEST_F(StoreTest, ATruncatedDatabaseIsAnErrorAtEachLength) {
  {
    const auto store = open_passive();
    // Enough for a checkpoint, so that the content is in the database file and not in the log.
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(store->write(add(i, std::string(500'000, 'x'))).ok());
  }
  const auto whole = std::filesystem::file_size(db());
  const std::string copy = dir_ / "copy.db";
  std::filesystem::copy_file(db(), copy);
  std::filesystem::remove(db() + "-wal");
  std::filesystem::remove(db() + "-shm");
  for (const double part : {0.9, 0.5, 0.1, 0.001, 0.0}) {
    std::filesystem::copy_file(copy, db(), std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(db(), static_cast<std::uintmax_t>(static_cast<double>(whole) * part));
    const Result<std::unique_ptr<Store>> opened = open();
    EXPECT_EQ(opened.ok() ? "opened" : opened.error().code, "storage.corrupt") << part;
    std::filesystem::remove(db() + "-wal");
    std::filesystem::remove(db() + "-shm");
  }
}

TEST_F(StoreTest, RefusesAStoreThatWasSwapped) {
  {
    const auto store = open().value();
  }
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "data/store.id", "sto_other\n").ok());
  EXPECT_EQ(open().error().code, "storage.corrupt");
}

TEST_F(StoreTest, AReadOnlyDirectoryIsAClearError) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to act as another user";
  {
    const auto store = open().value();
  }
  ::chmod(dir_.path().c_str(), 0755);
  ::chmod((dir_ / "data").c_str(), 0555);
  constexpr uid_t kNobody = 65534;
  Result<std::unique_ptr<Store>> opened = Error("test.unset", "");
  std::thread([&] {
    ::setfsuid(kNobody);  // of this thread alone
    opened = open();
  }).join();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "storage.read_only");
  EXPECT_THAT(opened.error().message, HasSubstr(dir_ / "data"));
}

TEST_F(StoreTest, OpenedForReadingItChangesNothingAndWaitsForNobody) {
  {
    ASSERT_TRUE(open().value()->write(add(1)).ok());
  }
  auto busy = runtime::TurnLock::open(dir_ / "data/store.wlock").value();
  ASSERT_TRUE(busy.lock(clock_, {}).ok());
  const auto files = [&] {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ / "data"))
      out[entry.path()] = runtime::read_file(entry.path(), 1 << 20).value();
    out.erase(db() + "-shm");  // Who reads when is noted there.
    return out;
  };
  const auto before = files();
  const auto store = open_to_read().value();
  EXPECT_EQ(count(*store), 1);
  EXPECT_EQ(store->write(add(2)).error().code, "storage.read_only");
  EXPECT_EQ(store->submit({.body = add(2)}, [](const Result<void>&) {}).error().code, "storage.read_only");
  store->close();
  EXPECT_EQ(files(), before);
}

TEST_F(StoreTest, OpenedForReadingItSeesWhatAnotherWrites) {
  const auto writer = open().value();
  const auto store = open_to_read().value();
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(writer->write(add(1)).ok());
  EXPECT_EQ(count(*store), 1);
}

TEST_F(StoreTest, CanBeReadByWhoMayNotWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to act as another user";
  {
    ASSERT_TRUE(open().value()->write(add(1)).ok());
  }
  ::chmod(dir_.path().c_str(), 0755);
  ::chmod((dir_ / "data").c_str(), 0755);
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "data")) ::chmod(entry.path().c_str(), 0444);
  constexpr uid_t kNobody = 65534;
  std::int64_t seen = 0;
  std::thread([&] {
    ::setfsuid(kNobody);  // of this thread alone
    const auto store = open_to_read();
    ASSERT_TRUE(store.ok()) << describe(store.error());
    seen = count(**store);
  }).join();
  EXPECT_EQ(seen, 1);
}

TEST_F(StoreTest, OpenedForReadingItMustBeThereAndUpToDate) {
  EXPECT_EQ(open_to_read().error().code, "storage.not_found");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "data"));
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

TEST_F(StoreTest, KnowsNetworkFilesystems) {
  EXPECT_TRUE(is_network_filesystem(0x6969));
  EXPECT_TRUE(is_network_filesystem(static_cast<long>(0xFF534D42)));
  EXPECT_FALSE(is_network_filesystem(0xEF53)) << "ext4";
}

// --- migrations ------------------------------------------------------------------------------------------------

TEST_F(StoreTest, RefusesAnEditedMigration) {
  {
    const auto store = open().value();
  }
  migrations_[1].sql = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT) STRICT;";
  const auto opened = open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "storage.migration_checksum");
  EXPECT_THAT(opened.error().message, HasSubstr("0002_notes.sql"));
}

TEST_F(StoreTest, ANewerSchemaCanBeReadButNotWritten) {
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

TEST_F(StoreTest, AFailingMigrationLeavesTheSchemaBeforeIt) {
  migrations_.push_back({3, "0003_bad.sql", "CREATE TABLE half (x INT) STRICT; CREATE TABLE notes (x INT) STRICT;"});
  const auto failed = open();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("0003_bad.sql"));
  migrations_[2].sql = "CREATE TABLE half (x INT) STRICT;";
  EXPECT_TRUE(open().ok()) << "the table of the failed attempt isn't there";
}

TEST(SqliteDialect, ReplacesTypeWordsOnlyWhereTheyAreWords) {
  EXPECT_EQ(
      sqlite_dialect(
          "CREATE TABLE t (a BIGINT, b BYTES /* BYTES */, c JSON DEFAULT 'JSON', \"JSON\" INT); -- BIGINT\nBIGINTS"),
      "CREATE TABLE t (a INTEGER, b BLOB /* BYTES */, c TEXT DEFAULT 'JSON', \"JSON\" INT); -- BIGINT\nBIGINTS");
  EXPECT_EQ(sqlite_dialect("'unclosed BYTES"), "'unclosed BYTES");
  EXPECT_EQ(sqlite_dialect("/* unclosed BYTES"), "/* unclosed BYTES");
}

TEST(EmbeddedMigrations, AreNumberedWithoutGapAndStrict) {
  ASSERT_FALSE(embedded_migrations().empty());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  for (const Migration& migration : embedded_migrations()) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sqlite_dialect(migration.sql).c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << migration.name << ": " << (message == nullptr ? "" : message);
    sqlite3_free(message);
  }
  std::string loose;
  sqlite3_exec(
      db,
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE "
      "'sqlite_%'",
      [](void* out, int, char** values, char**) {
        static_cast<std::string*>(out)->append(values[0]).append(" ");
        return 0;
      },
      &loose, nullptr);
  EXPECT_EQ(loose, "") << "tables that aren't STRICT";
  sqlite3_close(db);
}

// --- events and blobs ------------------------------------------------------------------------------------------

class EventLogTest : public StoreTest {
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

TEST_F(EventLogTest, PagesThroughARoomAndGoesOnAtTheHead) {
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
  EXPECT_EQ(page.events[1].at_us, clock_.now_us());
  page = read({.task_id = 7}, page.next, 2).value();
  EXPECT_EQ(page.events.size(), 1U);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.next.seq, 6) << "nothing of this room is left before the head";
  EXPECT_EQ(read({.project_id = 2}, {}, 100)->events.size(), 3U);
  EXPECT_EQ(read({}, {}, 100)->events.size(), 6U);
  EXPECT_EQ(read({}, {.epoch = 2, .seq = 0}, 1).error().code, "storage.cursor_expired");
  EXPECT_EQ(read({}, {.epoch = 1, .seq = 99}, 1).error().code, "storage.cursor_expired");
}

TEST_F(EventLogTest, PruningExpiresOldCursorsOnly) {
  const auto store = open_passive();
  append(*store, 5, 1, 1);
  clock_.advance(kMicrosPerDay);
  append(*store, 5, 1, 1);
  std::int64_t pruned = 0;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    pruned = WRENCH_TRY(event_log::prune(tx, tx.now(), 3));
                    pruned += WRENCH_TRY(event_log::prune(tx, tx.now(), 100));
                    pruned += WRENCH_TRY(event_log::prune(tx, tx.now(), 100));
                    return {};
                  })
                  .ok());
  EXPECT_EQ(pruned, 5);
  const auto read = [&](std::int64_t after) {
    return store->read([&](ReadTx& tx) { return event_log::read(tx, {}, {.epoch = 1, .seq = after}); });
  };
  EXPECT_EQ(read(4).error().code, "storage.cursor_expired");
  EXPECT_EQ(read(5)->events.size(), 5U);
  append(*store, 1, 1, 1);
  EXPECT_EQ(read(10)->events.front().seq, 11);
}

TEST_F(EventLogTest, RefusesCursorsThatAreNone) {
  for (const char* text : {"", "1", "1:", ":1", "0:1", "1:-1", "1:1x", "a:b", "99999999999999999999:1"})
    EXPECT_EQ(EventCursor::parse(text).error().code, "storage.invalid_cursor") << text;
  EXPECT_EQ(EventCursor::parse("2:40")->str(), "2:40");
}

TEST_F(EventLogTest, RefusesAPayloadOverTheLimit) {
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

TEST_F(EventLogTest, WakesAWaiterOfThisAndOfAnotherStore) {
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

class BlobStoreTest : public StoreTest {};

TEST_F(BlobStoreTest, StoresContentOnceAndChecksIt) {
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

TEST_F(BlobStoreTest, SweepsOnlyOldContentThatNobodyOwns) {
  const auto store = open_passive();
  const PreparedBlob owned = blob_store::prepare("owned").value();
  const PreparedBlob orphan = blob_store::prepare("orphan").value();
  std::int64_t swept_early = -1;
  std::int64_t swept = -1;
  ASSERT_TRUE(store
                  ->write([&](WriteTx& tx) -> Result<void> {
                    WRENCH_TRY(blob_store::put(tx, owned, {"execution", 1}));
                    WRENCH_TRY(blob_store::put(tx, orphan, {"execution", 2}));
                    WRENCH_TRY(blob_store::release(tx, {"execution", 2}));
                    swept_early = WRENCH_TRY(blob_store::sweep(tx, tx.now()));
                    swept = WRENCH_TRY(blob_store::sweep(tx, tx.now() + 1));
                    return {};
                  })
                  .ok());
  EXPECT_EQ(swept_early, 0);
  EXPECT_EQ(swept, 1);
  EXPECT_TRUE(store->read([&](ReadTx& tx) { return blob_store::get(tx, owned.hash); }).ok());
  EXPECT_FALSE(store->read([&](ReadTx& tx) { return blob_store::get(tx, orphan.hash); }).ok());
}

TEST_F(BlobStoreTest, DamagedContentIsReported) {
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
