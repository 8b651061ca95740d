#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sqlite_connection.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

/// Connections for reading, opened when first needed. Thread-safe.
class ReaderPool {
 public:
  ReaderPool(std::string path, std::string vfs_name, const StatementCatalogue& catalogue, const Clock& clock,
             std::size_t size_max);

  /// Runs `body` on one snapshot. Errors: storage.deadline when no connection gets free in time, storage.closed.
  Result<void> run(const std::function<void(ReadTx&)>& body, Deadline deadline);
  /// Waits for the running bodies and closes the connections.
  void close();

 private:
  Result<std::unique_ptr<Connection>> borrow(Deadline deadline);
  void give_back(std::unique_ptr<Connection> connection);

  const std::string path_;
  const std::string vfs_name_;
  const StatementCatalogue& catalogue_;
  const Clock& clock_;
  const std::size_t size_max_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace wrench::storage
