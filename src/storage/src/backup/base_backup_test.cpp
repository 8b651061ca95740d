#include "base_backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backup_file.hpp"
#include "scratch_server.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::PostgresServer;
namespace fs = std::filesystem;

const Statement kPut{.id = "test.put",
                     .access = Access::Write,
                     .sql =
                         "INSERT INTO cursors (reader, epoch, seq) VALUES (?1, 1, ?2) ON CONFLICT (reader) DO "
                         "UPDATE SET seq = excluded.seq"};
const Statement kGet{.id = "test.get", .sql = "SELECT seq FROM cursors WHERE reader = ?1", .plan = ""};
const Statement* const kStatements[] = {&kPut, &kGet};

class BaseBackupTest : public ::testing::Test {
 protected:
  BaseBackupTest() { fs::permissions(dir_.path(), fs::perms::owner_all | fs::perms::others_exec); }

  std::unique_ptr<Store> open(const std::string& url) {
    StoreConfig config;
    config.database_url = url;
    config.statements = {kStatements};
    auto store = Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    return store.ok() ? std::move(*store) : nullptr;
  }
  static void put(Store& store, const std::string& reader, std::int64_t value) {
    const auto written = store.write([&](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kPut, {reader, value}));
      return tx.append_event({.type = "test.put", .subject_kind = "reader", .subject_id = reader, .actor = "test"});
    });
    ASSERT_TRUE(written.ok()) << describe(written.error());
  }
  static std::int64_t get(Store& store, const std::string& reader) {
    const auto rows = store.read([&](ReadTx& tx) { return tx.query(kGet, {reader}); });
    EXPECT_TRUE(rows.ok());
    return rows->empty() ? -1 : rows->front().integer(0);
  }
  BackupOptions options() {
    BackupOptions out;
    out.database_url = url_;
    out.physical = true;
    out.to = dir_ / "backups";
    return out;
  }
  BackupFile backup() {
    auto made = create_backup(options(), clock_);
    EXPECT_TRUE(made.ok()) << describe(made.error());
    return made.ok() ? std::move(*made) : BackupFile();
  }
  VerifyOptions verify_options() {
    VerifyOptions out;
    out.statements = {kStatements};
    return out;
  }
  RestoreOptions restore_options(const std::string& into) {
    RestoreOptions out;
    out.into = into;
    out.verify = verify_options();
    return out;
  }

  runtime::TempDir dir_ = *runtime::TempDir::create();
  const std::string url_ = PostgresServer::shared().new_schema_url();
  SystemClock clock_;
  SystemRandom random_;
};

TEST_F(BaseBackupTest, IsVerifiedOnAServerOfItsOwn) {
  auto store = open(url_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  ASSERT_TRUE(made.manifest);
  EXPECT_EQ(made.manifest->method, "pg_basebackup");
  EXPECT_EQ(made.manifest->store_id, store->store_id());
  EXPECT_EQ(made.manifest->database, "postgres");
  put(*store, "b", 2);
  auto options = verify_options();
  std::int64_t seen = 0;
  options.check = [&](Store& restored) -> Result<std::vector<std::string>> {
    seen = get(restored, "a") * 10 + get(restored, "b");
    return std::vector<std::string>();
  };
  const auto report = verify_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_EQ(seen, 9) << "1 and nothing";
  EXPECT_TRUE(look_at_backup(made.path)->verified);
  options.check = [](Store&) -> Result<std::vector<std::string>> { return std::vector<std::string>{"it is odd"}; };
  EXPECT_THAT(verify_backup(made.path, options, clock_, random_)->problems, Contains("it is odd"));
  EXPECT_FALSE(look_at_backup(made.path)->verified);
}

TEST_F(BaseBackupTest, IsWholeHoweverMuchIsWritten) {
  auto store = open(url_);
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
  EXPECT_THAT(report->problems, IsEmpty());
}

TEST_F(BaseBackupTest, NoDamageIsRestored) {
  auto store = open(url_);
  const BackupFile made = backup();
  for (const std::uint64_t at : {std::uint64_t{20}, made.bytes / 2, made.bytes - 60}) {
    const std::string copy = dir_ / "damaged.wbk";
    fs::copy_file(made.path, copy, fs::copy_options::overwrite_existing);
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char was = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(was ^ 1));
    file.close();
    const auto restored = restore_backup(copy, restore_options(dir_ / "into"), clock_, random_);
    ASSERT_FALSE(restored.ok()) << at;
    EXPECT_EQ(restored.error().code, "backup.damaged") << at;
  }
  EXPECT_FALSE(fs::exists(dir_ / "into"));
}

/// As if a file had been damaged before it was packed: then the backup's own digests are right.
TEST_F(BaseBackupTest, AFileThatIsntWhatTheServerWroteIsFound) {
  auto store = open(url_);
  const BackupFile made = backup();
  std::string content;
  const auto source = FileSource::open(made.path);
  auto manifest = read_backup(*source, nullptr, [&](std::string_view piece) -> Result<void> {
    content.append(piece);
    return {};
  });
  ASSERT_TRUE(manifest.ok());
  content[content.find("global/pg_control") + 512 + 100] ^= 1;
  std::string packed;
  BackupWriter writer(
      [&](std::string_view bytes) -> Result<void> {
        packed.append(bytes);
        return {};
      },
      nullptr);
  ASSERT_TRUE(writer.write(content).ok());
  ASSERT_TRUE(writer.finish(*manifest).ok());
  const std::string path = dir_ / "changed.wbk";
  ASSERT_TRUE(runtime::write_file_atomically(path, packed).ok());
  const auto report = verify_backup(path, verify_options(), clock_, random_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->problems, Contains(AllOf(HasSubstr("pg_verifybackup"), HasSubstr("pg_control"))));
  const auto restored = restore_backup(path, restore_options(dir_ / "into"), clock_, random_);
  EXPECT_EQ(restored.error().code, "backup.invalid");
}

TEST_F(BaseBackupTest, BecomesADataDirectory) {
  auto store = open(url_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  auto options = restore_options(dir_ / "server");
  options.settle = [](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kPut, {"settled", 7}));
    return {};
  };
  const auto report = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_GT(report->epoch, 1);
  EXPECT_TRUE(fs::exists(dir_ / "server/PG_VERSION"));
  {
    const auto sockets = *runtime::TempDir::create("wrench-pg");
    auto server =
        ScratchServer::start(dir_ / "server", sockets.path(),
                             made.manifest->database_version.substr(0, made.manifest->database_version.find('.')),
                             ScratchServer::Keep::WhatItWrote, {});
    ASSERT_TRUE(server.ok()) << describe(server.error());
    const auto restored =
        open(server->url(made.manifest->role, made.manifest->database, made.manifest->schema)->secret_text());
    EXPECT_EQ(get(*restored, "a"), 1);
    EXPECT_EQ(get(*restored, "settled"), 7);
    EXPECT_EQ(restored->store_id(), store->store_id());
  }
  EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.target_not_empty");
  EXPECT_EQ(restore_backup(made.path, restore_options(url_), clock_, random_).error().code, "backup.other_kind");
  for (const auto& entry : fs::directory_iterator(dir_.path()))
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("wrench-restore"))) << "nothing half-done is left";
}

TEST_F(BaseBackupTest, ATablespaceElsewhereIsRefused) {
  auto store = open(url_);
  PostgresServer& server = PostgresServer::shared();
  const std::string allowed = url_ + "%20-callow_in_place_tablespaces%3Don";
  const auto made = server.sql("CREATE TABLESPACE elsewhere LOCATION ''", allowed);
  ASSERT_TRUE(made.ok()) << describe(made.error());
  const auto refused = create_backup(options(), clock_);
  ASSERT_TRUE(server.sql("DROP TABLESPACE elsewhere").ok());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "backup.tablespaces");
}

TEST_F(BaseBackupTest, MessagesNeverHoldThePassword) {
  auto store = open(url_);
  auto over_tcp = options();
  over_tcp.database_url = PostgresServer::shared().tcp_url(url_);
  const auto made = create_backup(over_tcp, clock_);
  ASSERT_TRUE(made.ok()) << describe(made.error());

  over_tcp.database_url.replace(over_tcp.database_url.find("/postgres?"), 10, "/missing?");
  const auto failed = create_backup(over_tcp, clock_);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(describe(failed.error()), Not(HasSubstr(std::string(PostgresServer::password()))));
}

TEST_F(BaseBackupTest, AProgramThatIsMissingIsNamed) {
  EXPECT_EQ(find_postgres_program("pg_verifybackup_of_nobody", "15").error().code, "runtime.program_not_found");
}

}  // namespace
}  // namespace wrench::storage
