// One data directory, several processes: killed at any moment, stopped inside a write. The test is its own child
// program.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "child.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

using ::testing::HasSubstr;

constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kIds{.id = "test.ids", .sql = "SELECT id FROM notes ORDER BY id"};
constexpr Statement kIntegrity{.id = "test.integrity", .sql = "PRAGMA integrity_check"};
constexpr const Statement* kStatements[] = {&kAdd, &kIds, &kIntegrity};

Result<std::unique_ptr<Store>> open_store(const std::string& directory, Micros lock_wait_us, const Clock& clock,
                                          Random& random) {
  static const std::vector<Migration> migrations = {
      embedded_migrations()[0],
      {2, "0002_notes.sql", "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;"}};
  StoreConfig config;
  config.directory = directory;
  config.statements = {kStatements};
  config.migrations = migrations;
  config.lock_wait_us = lock_wait_us;
  return Store::open(std::move(config), clock, random);
}

WriteBody note(std::int64_t id) {
  return [id](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {id, std::string(300, 'x')}));
    return tx.append_event({.type = "note.added", .subject_kind = "note", .subject_id = std::to_string(id)});
  };
}

struct Content {
  std::set<std::int64_t> ids;
  std::set<std::int64_t> told;
  bool gapless = true;
  std::string integrity;
};

Result<Content> read_all(Store& store) {
  return store.read([](ReadTx& tx) -> Result<Content> {
    Content content;
    for (const auto row : WRENCH_TRY(tx.query(kIds))) content.ids.insert(row.integer(0));
    content.integrity = WRENCH_TRY(tx.query(kIntegrity)).front().text(0);
    EventPage page;
    std::int64_t seq = 0;
    do {
      page = WRENCH_TRY(event_log::read(tx, {}, page.next, kEventPageMax));
      for (const Event& event : page.events) {
        content.gapless = content.gapless && event.seq == ++seq;
        content.told.insert(std::stoll(event.what.subject_id));
      }
    } while (page.more);
    return content;
  });
}

// --- the child ---------------------------------------------------------------------------------------------------

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "child: %s\n", describe(error).c_str());
  std::_Exit(1);
}

/// Writes rows from `first` on until killed; says each id on stdout once it is acknowledged.
int write_until_killed(const std::string& directory, std::int64_t first) {
  const SystemClock clock;
  SystemRandom random;
  Result<std::unique_ptr<Store>> store = open_store(directory, kLockWaitMax, clock, random);
  if (!store.ok()) fail(store.error());
  for (std::int64_t id = first;; ++id) {
    if (const Result<void> written = (*store)->write(note(id)); !written.ok()) fail(written.error());
    const std::string line = std::to_string(id) + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
  }
}

/// Stops itself inside a write, with the write lock held.
int stop_inside_write(const std::string& directory) {
  const SystemClock clock;
  SystemRandom random;
  Result<std::unique_ptr<Store>> store = open_store(directory, kLockWaitMax, clock, random);
  if (!store.ok()) fail(store.error());
  const Result<void> written = (*store)->write([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {1, "slow"}));
    ::raise(SIGSTOP);  // To this thread: a signal to the process may be taken by another one, after the commit.
    return {};
  });
  return written.ok() ? 0 : 1;
}

constexpr int kNoMount = 77;

/// Fills a small file system of its own around a store; 0 if everything was refused and served as it should be.
int on_full_disk(const std::string& directory) {
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      // Four times the log's reserve, or there would be none.
      ::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=80m") != 0)
    return kNoMount;
  const SystemClock clock;
  SystemRandom random;
  const std::string data = directory + "/data";
  const auto expect = [](bool good, const char* what, const Error* error) {
    if (!good) std::fprintf(stderr, "child: %s: %s\n", what, error == nullptr ? "succeeded" : describe(*error).c_str());
    return good;
  };
  const auto is_full = [&](const auto& result, const char* what) {
    return expect(!result.ok() && result.error().code == "storage.full", what, result.ok() ? nullptr : &result.error());
  };
  const auto is_ok = [&](const auto& result, const char* what) {
    return expect(result.ok(), what, result.ok() ? nullptr : &result.error());
  };
  Result<std::unique_ptr<Store>> store = open_store(data, kLockWaitMax, clock, random);
  if (!is_ok(store, "create") || !is_ok((*store)->write(note(1)), "write")) return 1;
  const int filler = ::open((directory + "/filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const std::string block(4096, 'f');
  while (::write(filler, block.data(), block.size()) == static_cast<ssize_t>(block.size())) {
  }
  // The reserved log takes small writes for a while; a large one doesn't fit.
  const auto large = [](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(kAdd, {2, std::string(20'000'000, 'x')}));
    return {};
  };
  bool good = is_full((*store)->write(large), "a large write") && is_ok((*store)->write(note(3)), "a small write") &&
              is_ok(read_all(**store), "read");
  store->reset();
  store = open_store(data, kLockWaitMax, clock, random);
  good = good && is_ok(store, "open again") && is_ok(read_all(**store), "read again") &&
         is_full(open_store(directory + "/other", kLockWaitMax, clock, random), "create another");
  return good && ::ftruncate(filler, 0) == 0 && is_ok((*store)->write(large), "write when there is space again") ? 0
                                                                                                                 : 1;
}

// --- the parent --------------------------------------------------------------------------------------------------

TEST(StoreProcesses, KilledWritersLoseNothingAcknowledged) {
  const auto dir = runtime::TempDir::create().value();
  const std::string data = dir / "data";
  SeededRandom dice(42);
  std::set<std::int64_t> acknowledged;
  constexpr int kRounds = 25;
  constexpr std::int64_t kIdsPerChild = 1'000'000;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t first = 2 * round * kIdsPerChild + 1;
    // Both start at once: in the first round they race to create the store.
    Child a("write", data, std::to_string(first));
    Child b("write", data, std::to_string(first + kIdsPerChild));
    for (Child* child : {&a, &b}) {
      std::int64_t id = 0;
      for (std::uint64_t left = dice.below(40); left > 0; --left) {
        ASSERT_TRUE(child->read_id(id));
        acknowledged.insert(id);
      }
    }
    a.kill_now();
    for (std::int64_t id = 0; a.read_id(id);) acknowledged.insert(id);  // said before the kill, read after
    std::int64_t id = 0;
    ASSERT_TRUE(b.read_id(id)) << "the survivor goes on";
    acknowledged.insert(id);
    b.kill_now();
    for (; b.read_id(id);) acknowledged.insert(id);
  }
  const SystemClock clock;
  SystemRandom random;
  const auto store = open_store(data, kLockWaitMax, clock, random).value();
  const Content content = read_all(*store).value();
  EXPECT_EQ(content.integrity, "ok");
  EXPECT_TRUE(content.gapless);
  EXPECT_EQ(content.told, content.ids);
  for (const std::int64_t id : acknowledged) ASSERT_TRUE(content.ids.contains(id)) << "lost " << id;
  EXPECT_GE(acknowledged.size(), static_cast<std::size_t>(kRounds));
}

TEST(StoreProcesses, AProcessStoppedInsideAWriteIsNamedAndHarmsNothing) {
  const auto dir = runtime::TempDir::create().value();
  const std::string data = dir / "data";
  const SystemClock clock;
  SystemRandom random;
  const auto store = open_store(data, kLockWaitMax, clock, random).value();
  const auto hasty = open_store(data, 10 * kMicrosPerMs, clock, random).value();
  Child stopped("stop", data, "");
  stopped.wait_until_stopped();
  const Result<void> refused = hasty->write(note(2));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "storage.busy");
  EXPECT_THAT(refused.error().message, HasSubstr("process " + std::to_string(stopped.pid())));
  EXPECT_TRUE(read_all(*store)->ids.empty()) << "reading goes on, and sees nothing unfinished";
  ::kill(stopped.pid(), SIGCONT);
  EXPECT_TRUE(store->write(note(3)).ok());
  EXPECT_EQ(stopped.wait(), 0);
  EXPECT_EQ(read_all(*store)->ids, (std::set<std::int64_t>{1, 3}));
}

TEST(StoreProcesses, AFullDiskRefusesWritesAndServesReads) {
  const auto dir = runtime::TempDir::create().value();
  Child child("full", dir.path(), "");
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoMount) GTEST_SKIP() << "may not mount a file system here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace wrench::storage

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "write") == 0)
    return wrench::storage::write_until_killed(argv[2], std::strtoll(argv[3], nullptr, 10));
  if (argc == 4 && std::strcmp(argv[1], "stop") == 0) return wrench::storage::stop_inside_write(argv[2]);
  if (argc == 4 && std::strcmp(argv[1], "full") == 0) return wrench::storage::on_full_disk(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
