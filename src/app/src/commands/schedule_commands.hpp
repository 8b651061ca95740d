#pragma once

#include "wrench/app/command.hpp"

/// What happens again and again. One function a command; the table in command_table.cpp names them.
namespace wrench::app {

ExitCode run_schedule_create(Session& session);
ExitCode run_schedule_list(Session& session);
ExitCode run_schedule_show(Session& session);
ExitCode run_schedule_pause(Session& session);
ExitCode run_schedule_resume(Session& session);
ExitCode run_schedule_delete(Session& session);
ExitCode run_schedule_trigger(Session& session);
ExitCode run_schedule_backfill(Session& session);
ExitCode run_schedule_next(Session& session);

}  // namespace wrench::app
