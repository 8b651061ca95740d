#include "postgres_reader.hpp"

#include <algorithm>
#include <utility>

#include "wrench/storage/store.hpp"

namespace wrench::storage {

Result<std::unique_ptr<Reader>> PostgresReader::open(const DatabaseUrl& url, PostgresTimes times,
                                                     const StatementCatalogue& catalogue, SlowLog& slow_log) {
  times.statement_us = std::min(times.statement_us, kSnapshotAgeMax);
  std::unique_ptr<PostgresConnection> connection = WRENCH_TRY(PostgresConnection::open(url, times, catalogue));
  WRENCH_TRY(connection->exec("SET default_transaction_read_only = on"));
  WRENCH_TRY(connection->start_pipeline());
  connection->note_slow_in(slow_log);
  return std::unique_ptr<Reader>(new PostgresReader(std::move(connection)));
}

Result<void> PostgresReader::begin(const Clock& clock, Deadline deadline, Reads reads, Micros age_max_us) {
  if (connection_->hung_up()) return Error("storage.unreachable", "the server closed an idle connection");
  tx_.begin(clock, deadline, reads, age_max_us);
  return {};
}

}  // namespace wrench::storage
