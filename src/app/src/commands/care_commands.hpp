#pragma once

#include "wrench/app/command.hpp"

/// Commands that look after a store, as in commands.hpp.
namespace wrench::app {

ExitCode run_backup_create(Session& session);
ExitCode run_backup_list(Session& session);
ExitCode run_backup_verify(Session& session);
ExitCode run_backup_restore(Session& session);
ExitCode run_backup_prune(Session& session);
ExitCode run_store_check(Session& session);
ExitCode run_store_migrate(Session& session);
ExitCode run_store_stats(Session& session);
ExitCode run_store_explain(Session& session);
ExitCode run_store_retain(Session& session);
ExitCode run_store_vacuum(Session& session);

}  // namespace wrench::app
