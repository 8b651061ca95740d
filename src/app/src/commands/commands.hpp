#pragma once

#include "wrench/app/command.hpp"

/// One function a command; the table in command_table.cpp names them.
namespace wrench::app {

ExitCode run_version(Session& session);
ExitCode run_completion(Session& session);
ExitCode run_help(Session& session);

}  // namespace wrench::app
