#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../database_url.hpp"
#include "../postgres_connection.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/storage/backup.hpp"

/// What backups of PostgreSQL of both kinds need.
namespace wrench::storage {

/// With time to count rows and to wait for a program.
Result<std::unique_ptr<PostgresConnection>> connect_to_back_up(const DatabaseUrl& url);

enum class CountRows { Yes, No };
/// The store in the schema that the connection sees first. Errors: storage.not_found.
Result<BackupManifest> describe_postgres(PostgresConnection& connection, CountRows rows);

/// Runs a program to its end. Its last words are the error's. Errors: backup.tool_failed, backup.stopped,
/// backup.too_slow.
Result<void> run_program(
    const std::string& program, std::vector<std::string> arguments, std::vector<std::string> environment,
    const StopToken& stop, Deadline deadline,
    const runtime::OutputSink& on_stdout = [](std::string_view) -> Result<void> { return {}; });
/// The same for one of PostgreSQL's client programs, on PATH, which gets the password by its environment: nobody else
/// sees it. Errors: runtime.program_not_found, too.
Result<void> run_postgres_tool(std::string_view program, std::vector<std::string> arguments, const DatabaseUrl& url,
                               const runtime::OutputSink& on_stdout, const StopToken& stop, Deadline deadline);

}  // namespace wrench::storage
