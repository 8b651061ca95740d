#pragma once

#include "wrench/app/exit_code.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

/// Installs handlers for SIGINT and SIGTERM for the life of the process: the first stops the returned token, the second
/// leaves at once with 130 or 143. SIGPIPE is ignored, so that writes report EPIPE. Call once, from main.
StopToken install_signal_handlers();
/// Interrupted or Terminated after a signal, else Done.
ExitCode signal_received();

}  // namespace wrench::app
