#pragma once

#include <memory>

#include "postgres_connection.hpp"
#include "postgres_tx.hpp"
#include "reader_pool.hpp"

namespace wrench::storage {

class PostgresReader final : public Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const DatabaseUrl& url, PostgresTimes times,
                                              const StatementCatalogue& catalogue, SlowLog& slow_log);
  Result<void> begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us) override;
  ReadTx& tx() override { return tx_; }
  void end() override { tx_.end(); }
  bool usable() const override { return !connection_->lost(); }

 private:
  explicit PostgresReader(std::unique_ptr<PostgresConnection> connection)
      : connection_(std::move(connection)), tx_(*connection_) {}

  std::unique_ptr<PostgresConnection> connection_;
  PostgresReadTx tx_;
};

}  // namespace wrench::storage
