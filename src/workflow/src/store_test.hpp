#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

/// A test on a real store whose time the test moves.
class StoreTest : public ::testing::Test {
 protected:
  /// `of_test`: statements that only the test runs.
  explicit StoreTest(storage::Dialect dialect = storage::Dialect::Sqlite,
                     storage::StatementCatalogue::List of_test = {})
      : of_test_(of_test) {
    if (dialect == storage::Dialect::Postgres) url_ = storage::testing::PostgresServer::shared().new_schema_url();
    open_store();
  }

  void open_store() {
    store_.reset();
    store_ = open_another();
  }
  /// The same store, as another process has it.
  std::unique_ptr<storage::Store> open_another() {
    storage::StoreConfig config;
    if (url_.empty())
      config.directory = dir_ / "data";
    else
      config.database_url = url_;
    config.statements = {statements(), of_test_};
    config.wal_reserve_bytes = 0;
    auto opened = storage::Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    return std::move(*opened);
  }

  /// What `body(tx)` returns, after its writes are durable.
  template <class Body>
  auto write(Body body) -> std::invoke_result_t<Body&, storage::WriteTx&> {
    using Out = std::invoke_result_t<Body&, storage::WriteTx&>;
    std::optional<Out> out;
    auto written = store_->write([&](storage::WriteTx& tx) -> Result<void> {
      out.emplace(body(tx));
      if (!out->ok()) return out->error();
      return {};
    });
    if (!written.ok()) return Out(written.error());
    return std::move(*out);
  }
  template <class Body>
  auto read(Body body) {
    return store_->read(body);
  }

  const storage::StatementCatalogue::List of_test_;
  runtime::TempDir dir_ = *runtime::TempDir::create();
  ManualClock clock_;
  SystemRandom random_;
  std::string url_;
  std::unique_ptr<storage::Store> store_;
};

/// The same tests on both databases: TEST_P, and after them
/// INSTANTIATE_TEST_SUITE_P(Databases, Fixture, kBothDatabases, database_name).
class DatabaseTest : public StoreTest, public ::testing::WithParamInterface<storage::Dialect> {
 protected:
  explicit DatabaseTest(storage::StatementCatalogue::List of_test = {}) : StoreTest(GetParam(), of_test) {}
  /// PostgreSQL's time is that of the server.
  static bool clock_is_ours() { return GetParam() == storage::Dialect::Sqlite; }
};
inline const auto kBothDatabases = ::testing::Values(storage::Dialect::Sqlite, storage::Dialect::Postgres);
inline std::string database_name(const ::testing::TestParamInfo<storage::Dialect>& info) {
  return info.param == storage::Dialect::Sqlite ? "Sqlite" : "Postgres";
}

}  // namespace wrench::workflow
