#include "base_backup.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "backup_file.hpp"
#include "backup_test.hpp"
#include "backup_unpack.hpp"
#include "scratch_server.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/scratch_dir.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::PostgresServer;
using ::testing::SizeIs;
namespace fs = std::filesystem;

class BaseBackupTest : public BackupFixture {
 protected:
  BaseBackupTest() : BackupFixture(PostgresServer::shared().new_schema_url()) {
    // The scratch server runs as another user, when we are root.
    fs::permissions(dir_.path(), fs::perms::owner_all | fs::perms::others_exec);
  }
  BackupOptions options() const {
    BackupOptions out = BackupFixture::options();
    out.physical = true;
    return out;
  }
  BackupFile backup() { return BackupFixture::backup(options()); }
  VerifyOptions verify_options() const {
    VerifyOptions out = BackupFixture::verify_options();
    out.database_url.clear();  // It needs no server but its own.
    return out;
  }
};

TEST_F(BaseBackupTest, IsVerifiedOnAServerOfItsOwn) {
  auto store = open_own();
  put(*store, "a", 1);
  const BackupFile made = backup();
  ASSERT_TRUE(made.manifest);
  EXPECT_EQ(made.manifest->method, "pg_basebackup");
  EXPECT_EQ(made.manifest->store_id, store->store_id());
  EXPECT_EQ(made.manifest->database, "postgres");
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
  EXPECT_TRUE(look_at_backup(made.path)->verified);
  options.check = [](Store&) -> Result<StoreFindings> { return StoreFindings{.problems = {"it is odd"}}; };
  EXPECT_THAT(verify_backup(made.path, options, clock_, random_)->found.problems, Contains("it is odd"));
  EXPECT_FALSE(look_at_backup(made.path)->verified);
}

TEST_F(BaseBackupTest, IsWholeHoweverMuchIsWritten) {
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

TEST_F(BaseBackupTest, NoDamageIsRestored) {
  auto store = open_own();
  const BackupFile made = backup();
  for (const std::uint64_t at : {std::uint64_t{20}, made.bytes / 2, made.bytes - 60}) {
    const auto restored = restore_backup(flipped(made, at), restore_options(dir_ / "into"), clock_, random_);
    ASSERT_FALSE(restored.ok()) << at;
    EXPECT_EQ(restored.error().code, "backup.damaged") << at;
  }
  EXPECT_FALSE(fs::exists(dir_ / "into"));
}

/// As if a file had been damaged before it was packed: then the backup's own digests are right.
TEST_F(BaseBackupTest, AFileThatIsntWhatTheServerWroteIsFound) {
  auto store = open_own();
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
  EXPECT_THAT(report->found.problems, Contains(AllOf(HasSubstr("pg_verifybackup"), HasSubstr("pg_control"))));
  const auto restored = restore_backup(path, restore_options(dir_ / "into"), clock_, random_);
  EXPECT_EQ(restored.error().code, "backup.invalid");
}

TEST_F(BaseBackupTest, BecomesADataDirectory) {
  auto store = open_own();
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

TEST_F(BaseBackupTest, WhatAKilledRestoreLeftIsRemovedByTheNextOne) {
  auto store = open_own();
  const BackupFile made = backup();
  const auto others = *runtime::ScratchDir::create_in(dir_.path(), kRestorePrefix);
  auto options = restore_options(dir_ / "server");
  options.verify.check = [](Store&) -> Result<StoreFindings> {
    ::kill(::getpid(), SIGKILL);
    return StoreFindings();
  };
  EXPECT_EXIT(static_cast<void>(restore_backup(made.path, options, clock_, random_)),
              ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_FALSE(fs::exists(dir_ / "server"));
  const auto half_done = [&] {
    std::vector<std::string> out;
    for (const std::string& name : names(dir_.path()))
      if (name.starts_with(kRestorePrefix) && dir_ / name != others.path()) out.push_back(dir_ / name);
    return out;
  };
  ASSERT_THAT(half_done(), SizeIs(1));
  const std::string left = half_done().front();
  ASSERT_TRUE(fs::exists(left + "/data/PG_VERSION"));
  // Its server ends with it, but not in the same moment.
  for (int i = 0; i < 1'000 && fs::exists(left + "/data/postmaster.pid"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  options.verify.check = {};
  const auto restored = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_THAT(half_done(), IsEmpty());
  EXPECT_TRUE(fs::exists(others.path())) << "its process lives";
}

TEST_F(BaseBackupTest, SaysWhatWasntChecked) {
  auto store = open_own();
  const BackupFile made = backup();
  auto options = restore_options(dir_ / "server");
  options.verify.check = [](Store&) -> Result<StoreFindings> { return StoreFindings{.skipped = {"execution exe_1"}}; };
  const auto restored = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_THAT(restored->verified.found.skipped, ElementsAre("execution exe_1"));
}

TEST_F(BaseBackupTest, ATablespaceElsewhereIsRefused) {
  auto store = open_own();
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
  auto store = open_own();
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
