#include "postgres_tools.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "../postgres_text.hpp"
#include "postgres_dump.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kToolWordsShown = 400;

Result<std::int64_t> number(PostgresConnection& connection, const std::string& sql) {
  const std::string text = WRENCH_TRY(connection.value(sql));
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    return Error("storage.corrupt", "the database answers '" + escape_for_display(text) + "' for a number");
  return value;
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> connect_to_back_up(const DatabaseUrl& url) {
  static const StatementCatalogue none;
  PostgresTimes patient;
  patient.answer_us = kBackupCopyTimeMax;
  auto connection = WRENCH_TRY(PostgresConnection::open(url, patient, none));
  // It counts rows and waits for pg_dump.
  WRENCH_TRY(connection->exec("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"));
  return connection;
}

Result<BackupManifest> describe_postgres(PostgresConnection& connection, CountRows rows) {
  BackupManifest manifest;
  manifest.method = kPostgresMethod;
  manifest.program_version = version();
  manifest.database_version = WRENCH_TRY(connection.value("SHOW server_version"));
  const auto tables =
      WRENCH_TRY(connection.values("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                                   "to_regnamespace(quote_ident(current_schema())) ORDER BY relname COLLATE \"C\""));
  if (std::find(tables.begin(), tables.end(), "store_meta") == tables.end())
    return Error("storage.not_found", "there is no store in this database");
  if (tables.size() > kBackupTablesMax) return Error("storage.corrupt", "the store has too many tables");
  manifest.store_id = WRENCH_TRY(connection.value("SELECT value FROM store_meta WHERE name = 'store_id'"));
  manifest.epoch = WRENCH_TRY(number(connection, "SELECT epoch FROM event_clock WHERE id = 1"));
  manifest.event_seq = WRENCH_TRY(number(connection, "SELECT next - 1 FROM event_clock WHERE id = 1"));
  manifest.schema_version = WRENCH_TRY(number(connection, "SELECT max(version) FROM schema_migrations"));
  if (rows == CountRows::No) return manifest;
  for (const std::string& table : tables)
    manifest.rows.emplace_back(table,
                               WRENCH_TRY(number(connection, "SELECT count(*) FROM " + postgres_identifier(table))));
  return manifest;
}

Result<void> run_program(const std::string& program, std::vector<std::string> arguments,
                         std::vector<std::string> environment, const StopToken& stop, Deadline deadline,
                         const runtime::OutputSink& on_stdout) {
  const std::string name = program.substr(program.rfind('/') + 1);
  runtime::SubprocessSpec spec;
  spec.program = program;
  spec.arguments = std::move(arguments);
  spec.environment = std::move(environment);
  spec.environment.emplace_back("LC_ALL=C.UTF-8");
  std::string words;
  const auto result = WRENCH_TRY(runtime::run_subprocess(
      spec, on_stdout,
      [&](std::string_view bytes) -> Result<void> {
        words.append(bytes.substr(0, kToolWordsShown - std::min(kToolWordsShown, words.size())));
        return {};
      },
      stop, deadline));
  if (result.succeeded()) return {};
  if (stop.stop_requested()) return Error("backup.stopped", "it was stopped; nothing was kept");
  if (result.killed_by == runtime::KilledBy::Deadline)
    return Error("backup.too_slow", name + " took too long; the database can't clean up meanwhile");
  return Error("backup.tool_failed", name + " failed: " + escape_for_display(trim(words)));
}

Result<void> run_postgres_tool(std::string_view program, std::vector<std::string> arguments, const DatabaseUrl& url,
                               const runtime::OutputSink& on_stdout, const StopToken& stop, Deadline deadline) {
  const auto path = runtime::find_program(program);
  if (!path)
    return Error(path.error().code,
                 std::string(program) + " isn't installed; it comes with the package postgresql-client");
  return run_program(*path, std::move(arguments), url.secret_environment(), stop, deadline, on_stdout);
}

}  // namespace wrench::storage
