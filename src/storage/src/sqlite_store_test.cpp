// What only SQLite has: files, the log, locks. What both databases promise is in store_contract_test.cpp.

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
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

using runtime::TempDir;
using ::testing::HasSubstr;

// A small schema of its own, so that these tests say nothing about the product's tables.
constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kCount{.id = "test.count", .sql = "SELECT count(*) FROM notes"};
constexpr Statement kTypes{.id = "test.types", .sql = "SELECT ?1, ?2, ?3, ?4, ?5, ?6"};
constexpr const Statement* kTestStatements[] = {&kAdd, &kCount, &kTypes};

constexpr std::string_view kNotes = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;";

std::vector<Migration> with_notes() {
  std::vector<Migration> all(embedded_migrations().begin(), embedded_migrations().end());
  all.resize(1);
  all.push_back({2, "0002_notes.sql", kNotes});
  return all;
}

class SqliteStoreTest : public ::testing::Test {
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

TEST_F(SqliteStoreTest, BindsAndReadsEveryType) {
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

TEST_F(SqliteStoreTest, NamesTheProcessThatHoldsTheWriteLock) {
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

TEST_F(SqliteStoreTest, CheckpointsWhenTheLogHasGrown) {
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

TEST_F(SqliteStoreTest, PadsEveryCommitToWholeBlocks) {
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

TEST_F(SqliteStoreTest, EachProcessBeginsTheLogAnewWithItsFirstWrite) {
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

TEST_F(SqliteStoreTest, OpensAPathWithCharactersThatMeanSomethingInAUri) {
  StoreConfig odd = config();
  odd.directory = dir_ / "a?b=c&d#e%20f g\xc3\xa9/data";
  ASSERT_TRUE(Store::open(odd, clock_, random_).value()->write(add(1)).ok());
  EXPECT_TRUE(std::filesystem::exists(odd.directory + "/store.db"));
  EXPECT_EQ(count(*Store::open(odd, clock_, random_).value()), 1);
}

TEST_F(SqliteStoreTest, ReservesTheLogOnceAtCreation) {
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

TEST_F(SqliteStoreTest, ReservesNothingWhereRoomIsShort) {
  StoreConfig reserving = config();
  reserving.wal_reserve_bytes = std::size_t{1} << 50;  // More than a quarter of any disk.
  const auto store = Store::open(reserving, clock_, random_).value();
  struct stat wal{};
  ASSERT_EQ(::stat((db() + "-wal").c_str(), &wal), 0);
  EXPECT_LT(wal.st_size, 1'000'000);
  EXPECT_TRUE(store->write(add(1)).ok());
}

// --- files that are not what they should be -------------------------------------------------------------------

TEST_F(SqliteStoreTest, NeverPutsANewStoreInPlaceOfALostOne) {
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

TEST_F(SqliteStoreTest, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
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

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  ASSERT_TRUE(runtime::make_directories(dir_ / "data").ok());
  const std::string text(5000, 'z');
  ASSERT_TRUE(runtime::write_file_atomically(db(), text).ok());
  EXPECT_EQ(open().error().code, "storage.corrupt");
  EXPECT_EQ(runtime::read_file(db(), 1 << 20).value(), text);
}

TEST_F(SqliteStoreTest, ATruncatedDatabaseIsAnErrorAtEachLength) {
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

TEST_F(SqliteStoreTest, RefusesAStoreThatWasSwapped) {
  {
    const auto store = open().value();
  }
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "data/store.id", "sto_other\n").ok());
  EXPECT_EQ(open().error().code, "storage.corrupt");
}

TEST_F(SqliteStoreTest, AReadOnlyDirectoryIsAClearError) {
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

TEST_F(SqliteStoreTest, OpenedForReadingItChangesNothingAndWaitsForNobody) {
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

TEST_F(SqliteStoreTest, CanBeReadByWhoMayNotWrite) {
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

TEST_F(SqliteStoreTest, KnowsNetworkFilesystems) {
  EXPECT_TRUE(is_network_filesystem(0x6969));
  EXPECT_TRUE(is_network_filesystem(static_cast<long>(0xFF534D42)));
  EXPECT_FALSE(is_network_filesystem(0xEF53)) << "ext4";
}

// --- migrations ------------------------------------------------------------------------------------------------

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

}  // namespace
}  // namespace wrench::storage
