#include "sqlite_reader.hpp"

#include <sqlite3.h>

#include <utility>

#include "sqlite_error.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

Result<std::unique_ptr<Reader>> SqliteReader::open(const std::string& path, const std::string& vfs_name,
                                                   const StatementCatalogue& catalogue, DatabaseMeter& meter) {
  std::unique_ptr<SqliteConnection> connection =
      WRENCH_TRY(SqliteConnection::open(path, SqliteConnection::Role::Reader, vfs_name, catalogue));
  connection->count_in(meter);
  return std::unique_ptr<Reader>(new SqliteReader(std::move(connection)));
}

Result<void> SqliteReader::begin(const Clock& clock, Deadline deadline, Reads, Micros) {
  if (const int rc = connection_->exec_raw("BEGIN"); rc != SQLITE_OK)
    return sqlite_error(connection_->raw(), rc, "begin reading");
  connection_->limit_time(clock, clock.boot_us() + kSnapshotAgeMax, deadline);
  return {};
}

void SqliteReader::end() {
  connection_->count_cache();
  connection_->unlimit_time();
  if (connection_->in_transaction()) connection_->exec_raw("ROLLBACK");
}

}  // namespace wrench::storage
