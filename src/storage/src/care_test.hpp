#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

/// A store whose care is tested, by the clock `ClockOfTest`.
template <class ClockOfTest>
class CareFixture : public ::testing::Test {
 protected:
  static inline const Statement kPut{
      .id = "test.put", .access = Access::Write, .sql = "INSERT INTO cursors (reader, epoch, seq) VALUES (?1, 1, ?2)"};

  /// `place`: a data directory, or a URL.
  CareFixture(std::string place, StatementCatalogue::List statements)
      : place_(std::move(place)), statements_(statements) {}

  StoreConfig config(std::span<const Migration> migrations = {}) const {
    StoreConfig out;
    (place_.find("://") == std::string::npos ? out.directory : out.database_url) = place_;
    out.statements = {statements_};
    out.migrations = migrations;
    out.wal_reserve_bytes = 0;
    return out;
  }
  std::unique_ptr<Store> open(StoreConfig config) {
    auto store = Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    return std::move(*store);
  }
  std::unique_ptr<Store> open(std::span<const Migration> migrations = {}) { return open(config(migrations)); }
  /// A row for each of so many readers, whose names begin like that.
  static Result<void> put(Store& store, const std::string& reader, int rows = 1) {
    return store.write([&](WriteTx& tx) -> Result<void> {
      for (int i = 0; i < rows; ++i) WRENCH_TRY(tx.exec(kPut, {reader + std::to_string(i), i}));
      return {};
    });
  }
  static std::size_t samples(Store& store, SampleKind kind) {
    return store.read([&](ReadTx& tx) { return read_samples(tx, kind, 0); })->size();
  }

  const std::string place_;
  const StatementCatalogue::List statements_;
  ClockOfTest clock_;
  SystemRandom random_;
};

}  // namespace wrench::storage
