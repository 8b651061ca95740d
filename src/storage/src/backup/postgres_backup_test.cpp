#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "backup_test.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::PostgresServer;

class PostgresBackupTest : public BackupFixture {
 protected:
  PostgresBackupTest() : BackupFixture(PostgresServer::shared().new_schema_url()) {}

  /// As `name` of the same server, in the schema of the store.
  std::string url_of(const std::string& name) const {
    const std::size_t options = url_.find('?');
    return url_.substr(0, url_.rfind('/', options) + 1) + name + url_.substr(options);
  }
  static std::string databases(const std::string& like) {
    return *PostgresServer::shared().sql("SELECT count(*) FROM pg_database WHERE datname LIKE '" + like + "'");
  }
};

TEST_F(PostgresBackupTest, IsVerifiedInAnotherDatabase) {
  auto store = open_own();
  put(*store, "a", 1);
  const BackupFile made = backup();
  ASSERT_TRUE(made.manifest);
  EXPECT_EQ(made.manifest->method, "pg_dump");
  EXPECT_EQ(made.manifest->store_id, store->store_id());
  EXPECT_EQ(made.manifest->event_seq, 1);
  EXPECT_THAT(made.manifest->rows, ::testing::Contains(std::pair(std::string("cursors"), std::int64_t{1})));
  put(*store, "b", 2);
  auto options = verify_options();
  std::int64_t seen = 0;
  options.check = [&](Store& restored) -> Result<StoreFindings> {
    seen = get(restored, "a") * 10 + get(restored, "b");
    return StoreFindings();
  };
  const auto report = verify_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->found.problems, IsEmpty());
  EXPECT_EQ(seen, 9) << "1 and nothing";
  EXPECT_EQ(databases("%\\_restore\\_%"), "0") << "it is dropped again";
  EXPECT_TRUE(look_at_backup(made.path)->verified);
  options.database_url.clear();
  EXPECT_EQ(verify_backup(made.path, options, clock_, random_).error().code, "backup.database_needed");
}

TEST_F(PostgresBackupTest, IsOneSnapshotHoweverMuchIsWritten) {
  auto store = open_own();
  put(*store, "a", 0);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::int64_t i = 1; !stop; ++i) put(*store, "r" + std::to_string(i), i);
  });
  const BackupFile made = backup();
  stop = true;
  writer.join();
  const auto report = verify_backup(made.path, verify_options(), clock_, random_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->found.problems, IsEmpty());
}

TEST_F(PostgresBackupTest, NoDamageIsRestored) {
  auto store = open_own();
  put(*store, "a", 1);
  const BackupFile made = backup();
  for (const std::uint64_t at : {std::uint64_t{20}, made.bytes / 3, made.bytes / 2, made.bytes - 60}) {
    const auto restored = restore_backup(flipped(made, at), restore_options(url_of("damaged")), clock_, random_);
    ASSERT_FALSE(restored.ok()) << at;
    EXPECT_EQ(restored.error().code, "backup.damaged") << at;
  }
  EXPECT_EQ(databases("damaged%"), "0");
}

TEST_F(PostgresBackupTest, IsRestoredToANewDatabaseAndInPlaceOfOne) {
  auto store = open_own();
  put(*store, "a", 1);
  const BackupFile made = backup();
  const std::string into = url_of("restored");
  auto options = restore_options(into);
  options.settle = [](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kPut, {"settled", 7}));
    return {};
  };
  const auto first = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(first.ok()) << describe(first.error());
  EXPECT_EQ(first->kept, "");
  EXPECT_GT(first->epoch, 1);
  {
    auto restored = open(into);
    EXPECT_EQ(get(*restored, "a"), 1);
    EXPECT_EQ(get(*restored, "settled"), 7);
    EXPECT_EQ(restored->store_id(), store->store_id());
    put(*restored, "a", 2);
    EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.target_not_empty");
    options.replace = true;
    EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.in_use");
  }
  const auto second = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(second.ok()) << describe(second.error());
  EXPECT_THAT(second->kept, HasSubstr("restored_before_"));
  EXPECT_EQ(get(*open(into), "a"), 1);
  EXPECT_EQ(get(*open(url_of(second->kept)), "a"), 2) << "kept as it was";
}

TEST_F(PostgresBackupTest, AnotherStoreIsntReplaced) {
  auto store = open_own();
  const BackupFile made = backup();
  ASSERT_TRUE(PostgresServer::shared().sql("CREATE DATABASE other").ok());
  ASSERT_TRUE(PostgresServer::shared().sql("SELECT 1").ok());
  auto options = restore_options(url_of("other"));
  options.replace = true;
  ASSERT_TRUE(restore_backup(made.path, options, clock_, random_).ok()) << "it was empty";
  auto another = restore_options(url_of("other"));
  another.replace = true;
  BackupOptions theirs;
  theirs.database_url = PostgresServer::shared().new_schema_url();
  theirs.to = dir_ / "theirs";
  {
    auto unused = open(theirs.database_url);
  }
  const auto foreign = create_backup(theirs, clock_);
  ASSERT_TRUE(foreign.ok()) << describe(foreign.error());
  const auto refused = restore_backup(foreign->path, another, clock_, random_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "backup.other_store");
}

TEST_F(PostgresBackupTest, KindsArentMixed) {
  auto store = open_own();
  const BackupFile made = backup();
  EXPECT_EQ(restore_backup(made.path, restore_options(dir_ / "folder"), clock_, random_).error().code,
            "backup.other_kind");
}

TEST_F(PostgresBackupTest, MessagesNeverHoldThePassword) {
  auto store = open_own();
  BackupOptions options;
  options.database_url = PostgresServer::shared().tcp_url(url_);
  options.to = to_;
  const auto made = create_backup(options, clock_);
  ASSERT_TRUE(made.ok()) << describe(made.error());
  options.database_url = url_of("missing");
  const auto failed = create_backup(options, clock_);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(describe(failed.error()), Not(HasSubstr(std::string(PostgresServer::password()))));
}

}  // namespace
}  // namespace wrench::storage
