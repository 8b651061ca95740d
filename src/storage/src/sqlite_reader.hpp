#pragma once

#include <memory>
#include <string>

#include "reader_pool.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_tx.hpp"

namespace wrench::storage {

class SqliteReader final : public Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::string& path, const std::string& vfs_name,
                                              const StatementCatalogue& catalogue, DatabaseMeter& meter);
  Result<void> begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us) override;
  ReadTx& tx() override { return tx_; }
  void end() override;

 private:
  explicit SqliteReader(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)), tx_(*connection_) {}

  std::unique_ptr<SqliteConnection> connection_;
  SqliteReadTx tx_;
};

}  // namespace wrench::storage
