#include "wrench/storage/shared_backups.hpp"

#include <charconv>
#include <utility>

#include "../database_url.hpp"
#include "../postgres_connection.hpp"
#include "../postgres_statements.hpp"
#include "../postgres_tx.hpp"

namespace wrench::storage {

Result<std::vector<NotedBackup>> noted_backups(Store& store) {
  const Rows rows = WRENCH_TRY(store.query(postgres::kNotedBackups, {kBackupsMax}));
  std::vector<NotedBackup> out;
  for (const auto row : rows) {
    NotedBackup backup;
    backup.digest = row.text(0);
    backup.name = row.text(1);
    backup.host = row.text(2);
    backup.folder = row.text(3);
    backup.bytes = static_cast<std::uint64_t>(row.integer(4));
    backup.created_at = row.integer(5);
    if (!row.is_null(6))
      backup.verified =
          Verification{row.integer(6), row.optional_integer(7).value_or(0), row.optional_integer(8).value_or(0)};
    out.push_back(std::move(backup));
  }
  return out;
}

Result<void> note_backup(WriteTx& tx, const NotedBackup& backup) {
  WRENCH_TRY(tx.exec(postgres::kNoteBackup, {backup.digest, backup.name, backup.host, backup.folder,
                                             static_cast<std::int64_t>(backup.bytes), tx.now()}));
  return {};
}

Result<void> note_verification(WriteTx& tx, std::string_view digest, const Verification& verification) {
  WRENCH_TRY(tx.exec(postgres::kNoteVerification, {digest, tx.now(), verification.duration_us, verification.age_us}));
  return {};
}

Result<void> forget_backup(WriteTx& tx, std::string_view digest) {
  WRENCH_TRY(tx.exec(postgres::kForgetBackup, {digest}));
  return {};
}

struct StoreLease::State {
  StatementCatalogue none;
  std::unique_ptr<PostgresConnection> connection;
};

StoreLease::StoreLease(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreLease::StoreLease(StoreLease&&) noexcept = default;
StoreLease& StoreLease::operator=(StoreLease&&) noexcept = default;
StoreLease::~StoreLease() = default;

Result<std::optional<StoreLease>> StoreLease::take(const std::string& database_url, const Store& store,
                                                   std::string_view what) {
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(database_url));
  auto state = std::make_unique<State>();
  state->connection = WRENCH_TRY(PostgresConnection::open(url, {}, state->none));
  // Of the session: the server frees it when the connection ends, however that ends.
  const std::string key = std::to_string(advisory_key(store.store_id(), what));
  if (WRENCH_TRY(state->connection->value("SELECT pg_try_advisory_lock(" + key + ")")) != "t")
    return std::optional<StoreLease>();
  return std::optional(StoreLease(std::move(state)));
}

Result<Micros> StoreLease::now_us() {
  const std::string text =
      WRENCH_TRY(state_->connection->value("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"));
  Micros now = 0;
  std::from_chars(text.data(), text.data() + text.size(), now);
  return now;
}

}  // namespace wrench::storage
