#include "reader_pool.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "sqlite_error.hpp"
#include "sqlite_tx.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

/// The clock may be simulated, so waiting is done in slices of real time.
constexpr std::chrono::milliseconds kWaitSlice{20};

}  // namespace

ReaderPool::ReaderPool(std::string path, std::string vfs_name, const StatementCatalogue& catalogue, const Clock& clock,
                       std::size_t size_max)
    : path_(std::move(path)),
      vfs_name_(std::move(vfs_name)),
      catalogue_(catalogue),
      clock_(clock),
      size_max_(size_max) {}

Result<std::unique_ptr<Connection>> ReaderPool::borrow(Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    while (!closed_ && idle_.empty() && lent_ >= size_max_) {
      if (deadline.passed(clock_)) return Error("storage.deadline", "no connection for reading got free in time");
      free_.wait_for(lock, kWaitSlice);
    }
    if (closed_) return Error("storage.closed", "the store is closed");
    ++lent_;
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  Result<std::unique_ptr<Connection>> opened = Connection::open(path_, Connection::Role::Reader, vfs_name_, catalogue_);
  if (!opened.ok()) give_back(nullptr);
  return opened;
}

void ReaderPool::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (connection) idle_.push_back(std::move(connection));
  }
  free_.notify_all();
}

Result<void> ReaderPool::run(const std::function<void(ReadTx&)>& body, Deadline deadline) {
  std::unique_ptr<Connection> connection = WRENCH_TRY(borrow(deadline));
  struct GiveBack {
    ReaderPool& pool;
    std::unique_ptr<Connection>& connection;
    ~GiveBack() { pool.give_back(std::move(connection)); }
  } const give_back{*this, connection};
  if (const int rc = connection->exec_raw("BEGIN"); rc != SQLITE_OK)
    return sqlite_error(connection->raw(), rc, "begin reading");
  connection->limit_time(clock_, clock_.boot_us() + kSnapshotAgeMax, deadline);
  SqliteReadTx tx(*connection);
  body(tx);
  connection->unlimit_time();
  if (connection->in_transaction()) connection->exec_raw("ROLLBACK");
  return {};
}

void ReaderPool::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  free_.notify_all();
  free_.wait(lock, [&] { return lent_ == 0; });
  idle_.clear();
}

}  // namespace wrench::storage
