#include "backup_test.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../store_directory.hpp"
#include "backup_folder.hpp"
#include "backup_unpack.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class BackupTest : public BackupFixture {};

TEST_F(BackupTest, RestoresWhatWasThere) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  put(*store, "a", 2);
  ASSERT_TRUE(made.manifest);
  EXPECT_EQ(made.manifest->store_id, store->store_id());
  EXPECT_EQ(made.manifest->event_seq, 1);
  EXPECT_THAT(made.manifest->rows, ::testing::Contains(std::pair(std::string("cursors"), std::int64_t{1})));
  EXPECT_FALSE(made.verified);

  const std::string other = dir_ / "other";
  auto options = restore_options(other);
  bool settled = false;
  options.settle = [&](WriteTx& tx) -> Result<void> {
    settled = true;
    WRENCH_TRY(tx.exec(kPut, {"settled", 7}));
    return {};
  };
  const auto restored = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_EQ(restored->kept, "");
  EXPECT_TRUE(settled);
  EXPECT_THAT(names(other), UnorderedElementsAre("store.db", "store.wlock"));
  auto again = open(other);
  EXPECT_EQ(get(*again, "a"), 1);
  EXPECT_EQ(get(*again, "settled"), 7);
  EXPECT_EQ(again->store_id(), store->store_id());
  const auto head = again->read([](ReadTx& tx) { return event_log::head(tx); });
  EXPECT_EQ(head->epoch, restored->epoch);
  EXPECT_GT(head->epoch, made.manifest->epoch);
  // A cursor from before the restore would skip or repeat events: it expires.
  const auto stale = again->read([](ReadTx& tx) { return event_log::read(tx, {}, {1, 1}); });
  EXPECT_EQ(stale.error().code, "storage.cursor_expired");
  EXPECT_THAT(names(to_), UnorderedElementsAre(made.name, ".wrench-backup.lock"));
}

TEST_F(BackupTest, ReplacesAStoreAndKeepsIt) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  put(*store, "a", 2);
  store.reset();
  auto options = restore_options(data_);
  EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.target_not_empty");
  options.replace = true;
  for (const char* kept : {"/store.db.before-restore", "/store.db.before-restore-2"}) {
    const auto restored = restore_backup(made.path, options, clock_, random_);
    ASSERT_TRUE(restored.ok()) << describe(restored.error());
    EXPECT_EQ(restored->kept, data_ + kept);
    store = open(data_);
    EXPECT_EQ(get(*store, "a"), 1);
    put(*store, "a", 3);
    store.reset();
  }
  // The one from before is whole, with what was only in its log.
  const std::string old = dir_ / "old";
  fs::create_directory(old);
  fs::copy_file(data_ + "/store.db.before-restore", old + "/store.db");
  fs::copy_file(data_ + "/store.db.before-restore-wal", old + "/store.db-wal");
  store = open(old);
  EXPECT_EQ(get(*store, "a"), 2);
}

TEST_F(BackupTest, ReplacesAStoreThatIsDamaged) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  store.reset();
  fs::resize_file(data_ + "/store.db", 0);
  auto options = restore_options(data_);
  options.replace = true;
  const auto restored = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_EQ(get(*open(data_), "a"), 1);
}

TEST_F(BackupTest, DoesNotReplaceWhatIsInUseOrAnotherStore) {
  auto store = open(data_);
  const BackupFile made = backup();
  store.reset();
  auto options = restore_options(data_);
  options.replace = true;
  {
    const auto boot = runtime::BootLock::acquire(data_ + "/boots", "boot_1");
    ASSERT_TRUE(boot.ok());
    EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.in_use");
  }
  const std::string other = dir_ / "other";
  open(other).reset();
  options.into = other;
  EXPECT_EQ(restore_backup(made.path, options, clock_, random_).error().code, "backup.other_store");
  options.another_store = true;
  const auto restored = restore_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_EQ(open(other)->store_id(), made.manifest->store_id);
}

/// Whatever state a crash leaves between the steps of the swap, the next start ends with the new store and the old one
/// kept.
TEST_F(BackupTest, FinishesASwapThatWasInterrupted) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  put(*store, "a", 2);
  store.reset();
  const std::string other = dir_ / "other";
  ASSERT_TRUE(restore_backup(made.path, restore_options(other), clock_, random_).ok());
  for (int step = 0; step < 5; ++step) {
    const std::string at = dir_ / ("step" + std::to_string(step));
    fs::copy(data_, at);
    fs::copy_file(other + "/store.db", at + "/store.db.restored");
    if (step > 0) fs::rename(at + "/store.db-wal", at + "/store.db.before-restore-wal");
    if (step > 1) fs::rename(at + "/store.db", at + "/store.db.before-restore");
    if (step > 2) fs::remove(at + "/store.db-shm");
    if (step > 3) fs::remove(at + "/store.id");
    StoreConfig reading;
    reading.directory = at;
    reading.statements = {kStatements};
    reading.access = StoreAccess::Read;
    EXPECT_EQ(Store::open(reading, clock_, random_).error().code, "storage.restore_unfinished") << step;
    store = open(at);
    ASSERT_TRUE(store) << step;
    EXPECT_EQ(get(*store, "a"), 1) << step;
    store.reset();
    EXPECT_FALSE(fs::exists(at + "/store.db.restored")) << step;
    const std::string old = at + "/old";
    fs::create_directory(old);
    fs::rename(at + "/store.db.before-restore", old + "/store.db");
    fs::rename(at + "/store.db.before-restore-wal", old + "/store.db-wal");
    EXPECT_EQ(get(*open(old), "a"), 2) << step;
  }
}

TEST_F(BackupTest, CopiesOneSnapshotWhileOthersWrite) {
  auto store = open(data_);
  put(*store, "r", 0, 200);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    auto other = open(data_);
    for (int i = 0; !done.load(); ++i) {
      put(*other, "even", i);
      put(*other, "n" + std::to_string(i), i);
    }
  });
  for (int i = 0; i < 5; ++i) {
    const BackupFile made = backup();
    const auto report = verify_backup(made.path, verify_options(), clock_, random_);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->found.problems, IsEmpty());
  }
  done = true;
  writer.join();
}

TEST_F(BackupTest, VerifyRemembersAndForgets) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  auto options = verify_options();
  const auto good = verify_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(good.ok()) << describe(good.error());
  EXPECT_THAT(good->found.problems, IsEmpty());
  EXPECT_GT(good->duration_us, 0);
  EXPECT_TRUE(list_backups(to_)->front().verified);
  options.check = [](Store&) -> Result<StoreFindings> { return StoreFindings{.problems = {"a step runs twice"}}; };
  const auto bad = verify_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(bad.ok());
  EXPECT_THAT(bad->found.problems, ElementsAre("a step runs twice"));
  EXPECT_FALSE(list_backups(to_)->front().verified);
  EXPECT_EQ(restore_backup(made.path, {.into = dir_ / "other", .verify = options}, clock_, random_).error().code,
            "backup.invalid");
  EXPECT_FALSE(fs::exists(dir_ / "other/store.db"));
  // What was verified is these bytes: others of this name are not.
  ASSERT_TRUE(verify_backup(made.path, verify_options(), clock_, random_).ok());
  put(*store, "a", 2);
  const BackupFile second = backup();
  fs::rename(second.path, made.path);
  EXPECT_FALSE(list_backups(to_)->front().verified);
}

TEST_F(BackupTest, SaysWhatWasntChecked) {
  open(data_).reset();
  const BackupFile made = backup();
  auto options = verify_options();
  options.check = [](Store&) -> Result<StoreFindings> { return StoreFindings{.skipped = {"execution exe_1"}}; };
  const auto verified = verify_backup(made.path, options, clock_, random_);
  ASSERT_TRUE(verified.ok()) << describe(verified.error());
  EXPECT_THAT(verified->found.skipped, ElementsAre("execution exe_1"));
  EXPECT_TRUE(verified->backup.verified);
  const auto restored = restore_backup(made.path, {.into = dir_ / "other", .verify = options}, clock_, random_);
  ASSERT_TRUE(restored.ok()) << describe(restored.error());
  EXPECT_THAT(restored->verified.found.skipped, ElementsAre("execution exe_1"));
}

TEST_F(BackupTest, VerifyNamesTheTableThatDiffers) {
  auto store = open(data_);
  put(*store, "a", 1);
  const BackupFile made = backup();
  put(*store, "b", 1);
  const BackupFile later = backup();
  // Content of one with the manifest of the other can't be made without the writer: the checks behind are asked
  // directly.
  VerifyOptions options = verify_options();
  BackupFile mixed = later;
  mixed.manifest->rows = made.manifest->rows;
  mixed.manifest->event_seq = made.manifest->event_seq;
  const std::string folder = dir_ / "mixed";
  fs::create_directory(folder);
  ASSERT_TRUE(unpack_backup(later, folder, options).ok());
  const auto found = inspect_unpacked(mixed, folder, options, clock_, random_);
  ASSERT_TRUE(found.ok()) << describe(found.error());
  EXPECT_THAT(found->problems,
              UnorderedElementsAre("its newest event isn't that of the manifest", "table cursors has 2 rows, not 1",
                                   "table events has 2 rows, not 1"));
}

TEST_F(BackupTest, StopsAndKeepsItsLimits) {
  auto store = open(data_);
  put(*store, "a", 1);
  auto stopped = options();
  StopSource stop;
  stop.request_stop();
  stopped.stop = stop.token();
  EXPECT_EQ(create_backup(stopped, clock_).error().code, "backup.stopped");
  EXPECT_THAT(names(to_), ElementsAre(".wrench-backup.lock"));
  {
    const auto folder = BackupFolder::open_to_write(to_);
    EXPECT_EQ(create_backup(options(), clock_).error().code, "storage.busy");
  }
  auto missing = options();
  missing.data_directory = dir_ / "nowhere";
  EXPECT_EQ(create_backup(missing, clock_).error().code, "storage.not_found");
  EXPECT_FALSE(fs::exists(dir_ / "nowhere"));

  put(*store, std::string(3000, 'x'), 1, 400);
  auto slow = options();
  slow.copy_time_max_us = -1;
  EXPECT_EQ(create_backup(slow, clock_).error().code, "backup.too_slow");
  // Larger than allowed, but it was before and doesn't grow: that is nobody's doing.
  auto small_log = options();
  small_log.wal_bytes_max = 1;
  EXPECT_TRUE(create_backup(small_log, clock_).ok());
}

TEST_F(BackupTest, KeepsToItsRate) {
  auto store = open(data_);
  put(*store, std::string(3000, 'x'), 1, 700);
  auto limited = options();
  limited.bytes_per_second = 10 << 20;
  const Micros began = clock_.boot_us();
  const auto made = create_backup(limited, clock_);
  ASSERT_TRUE(made.ok());
  // All but the last step of 1 MiB is waited for.
  const auto whole_steps = static_cast<Micros>(made->manifest->content_bytes >> 20);
  EXPECT_GE(whole_steps, 2);
  EXPECT_GE(clock_.boot_us() - began, whole_steps * kMicrosPerSecond / 10);
}

TEST_F(BackupTest, RemovesWhatKilledProcessesLeft) {
  open(data_).reset();
  fs::create_directories(to_ + "/.wrench-backup-aBc123");
  std::ofstream(to_ + "/.wrench-backup-aBc123/copy") << "half";
  std::ofstream(to_ + "/wrench-20261128T140501123Z.wbk.aBc123") << "half";
  std::ofstream(to_ + "/mine.txt") << "mine";
  const BackupFile made = backup();
  EXPECT_THAT(names(to_), UnorderedElementsAre(made.name, "mine.txt", ".wrench-backup.lock"));
}

TEST_F(BackupTest, ListsNewestFirstAndSaysWhatIsWrong) {
  EXPECT_THAT(*list_backups(dir_ / "nowhere"), IsEmpty());
  open(data_).reset();
  const BackupFile first = backup();
  const BackupFile second = backup();
  ASSERT_NE(first.name, second.name);
  std::ofstream(to_ + "/broken.wbk") << "not a backup";
  fs::create_directory(to_ + "/folder.wbk");
  const auto listed = list_backups(to_);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_EQ((*listed)[0].name, second.name);
  EXPECT_EQ((*listed)[1].name, first.name);
  EXPECT_EQ((*listed)[2].name, "broken.wbk");
  EXPECT_THAT((*listed)[2].problem, HasSubstr("isn't whole"));
  EXPECT_EQ(look_at_backup(to_ + "/none.wbk").error().code, "backup.not_found");
}

TEST_F(BackupTest, AnOlderSchemaIsBroughtUpToDate) {
  auto store = open(data_, embedded_migrations().first(1));
  put(*store, "a", 1);
  const BackupFile made = backup();
  EXPECT_EQ(made.manifest->schema_version, 1);
  const auto verified = verify_backup(made.path, verify_options(), clock_, random_);
  ASSERT_TRUE(verified.ok()) << describe(verified.error());
  EXPECT_THAT(verified->found.problems, IsEmpty());
  ASSERT_TRUE(restore_backup(made.path, restore_options(dir_ / "other"), clock_, random_).ok());
  StoreConfig reading;  // Of an older schema that is refused.
  reading.directory = dir_ / "other";
  reading.access = StoreAccess::Read;
  EXPECT_TRUE(Store::open(reading, clock_, random_).ok());
}

TEST_F(BackupTest, ASchemaOfTheFutureIsRefused) {
  auto store = open(data_);
  const BackupFile made = backup();
  auto options = verify_options();
  options.migrations = embedded_migrations().first(1);
  EXPECT_EQ(verify_backup(made.path, options, clock_, random_).error().code, "storage.schema_newer");
}

BackupFile taken(Micros at, bool verified = false) {
  BackupFile backup;
  backup.name = format_rfc3339(at);
  backup.manifest.emplace().created_at = at;
  if (verified) backup.verified.emplace().at = at;
  return backup;
}

TEST(Prune, KeepsTheNewestOfDaysWeeksAndMonths) {
  const Micros now = *parse_rfc3339("2026-11-28T12:00:00Z");
  std::vector<BackupFile> backups;
  for (int hours = 0; hours < 24 * 400; hours += 12)
    backups.push_back(taken(now - hours * 3600 * kMicrosPerSecond, hours == 24 * 300));
  std::vector<std::string> kept;
  for (const PruneChoice& choice : plan_prune(backups))
    if (choice.keep) kept.push_back(choice.name.substr(0, 13));
  EXPECT_THAT(kept, ElementsAre("2026-11-28T12", "2026-11-27T12", "2026-11-26T12", "2026-11-25T12", "2026-11-24T12",
                                "2026-11-23T12", "2026-11-22T12", "2026-11-15T12", "2026-11-08T12", "2026-10-31T12",
                                "2026-09-30T12", "2026-08-31T12", "2026-07-31T12", "2026-06-30T12", "2026-02-01T12"));
}

TEST(Prune, NeverTakesTheNewestNorWhatItCannotRead) {
  std::vector<BackupFile> backups = {taken(5 * kMicrosPerDay), taken(4 * kMicrosPerDay, true),
                                     taken(3 * kMicrosPerDay, true)};
  backups.push_back({.name = "broken", .problem = "broken"});
  std::vector<bool> kept;
  for (const PruneChoice& choice : plan_prune(backups, {.days = 0, .weeks = 0, .months = 0}))
    kept.push_back(choice.keep);
  EXPECT_THAT(kept, ElementsAre(true, true, false, true));
}

TEST(Duty, IsABackupADayAndAVerificationAWeek) {
  const Micros now = 100 * kMicrosPerDay;
  EXPECT_EQ(backup_duty({}, now), BackupDuty::Create);
  std::vector<BackupFile> backups = {taken(now - kMicrosPerDay + 1)};
  EXPECT_EQ(backup_duty(backups, now), BackupDuty::Verify);
  backups.push_back(taken(now - 7 * kMicrosPerDay + 1, true));
  EXPECT_EQ(backup_duty(backups, now), BackupDuty::None);
  EXPECT_EQ(backup_duty(backups, now + 1), BackupDuty::Create);
}

}  // namespace
}  // namespace wrench::storage
