#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/backup.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

/// Backups of a store that holds a number for each reader: in a data directory, or in the database of a URL.
class BackupFixture : public ::testing::Test {
 protected:
  static inline const Statement kPut{.id = "test.put",
                                     .access = Access::Write,
                                     .sql =
                                         "INSERT INTO cursors (reader, epoch, seq) VALUES (?1, 1, ?2) ON CONFLICT "
                                         "(reader) DO UPDATE SET seq = excluded.seq"};
  static inline const Statement kGet{.id = "test.get", .sql = "SELECT seq FROM cursors WHERE reader = ?1", .plan = ""};
  static inline const Statement* const kStatements[] = {&kPut, &kGet};

  explicit BackupFixture(std::string url = {}) : url_(std::move(url)) {}

  /// A data directory, or a URL.
  std::unique_ptr<Store> open(const std::string& where, std::span<const Migration> migrations = {}) {
    StoreConfig config;
    (where.find("://") == std::string::npos ? config.directory : config.database_url) = where;
    config.statements = {kStatements};
    config.migrations = migrations;
    config.wal_reserve_bytes = 0;
    auto store = Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    return store.ok() ? std::move(*store) : nullptr;
  }
  std::unique_ptr<Store> open_own() { return open(url_.empty() ? data_ : url_); }
  static void put(Store& store, const std::string& reader, std::int64_t value, int rows = 1) {
    const auto written = store.write([&](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kPut, {reader, value}));
      for (int i = 1; i < rows; ++i) WRENCH_TRY(tx.exec(kPut, {reader + std::to_string(i), value}));
      return tx.append_event({.type = "test.put", .subject_kind = "reader", .subject_id = reader, .actor = "test"});
    });
    ASSERT_TRUE(written.ok()) << describe(written.error());
  }
  static std::int64_t get(Store& store, const std::string& reader) {
    const auto rows = store.read([&](ReadTx& tx) { return tx.query(kGet, {reader}); });
    EXPECT_TRUE(rows.ok());
    return rows->empty() ? -1 : rows->front().integer(0);
  }

  BackupOptions options() const {
    BackupOptions out;
    if (url_.empty()) out.data_directory = data_;
    out.database_url = url_;
    out.to = to_;
    return out;
  }
  BackupFile backup(const BackupOptions& with) {
    auto made = create_backup(with, clock_);
    EXPECT_TRUE(made.ok()) << describe(made.error());
    return made.ok() ? std::move(*made) : BackupFile();
  }
  BackupFile backup() { return backup(options()); }
  VerifyOptions verify_options() const {
    VerifyOptions out;
    out.statements = {kStatements};
    out.database_url = url_;
    return out;
  }
  RestoreOptions restore_options(const std::string& into) const {
    RestoreOptions out;
    out.into = into;
    out.verify = verify_options();
    return out;
  }

  static std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      out.push_back(entry.path().filename().string());
    return out;
  }
  /// A copy of the backup with another bit there; its path.
  std::string flipped(const BackupFile& made, std::uint64_t at) {
    const std::string copy = dir_ / "damaged.wbk";
    std::filesystem::copy_file(made.path, copy, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int was = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(was ^ 1));
    return copy;
  }

  runtime::TempDir dir_ = *runtime::TempDir::create();
  const std::string url_, data_ = dir_ / "data", to_ = dir_ / "backups";
  SystemClock clock_;
  SystemRandom random_;
};

}  // namespace wrench::storage
