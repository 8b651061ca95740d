#pragma once

#include <optional>

#include "wrench/app/command.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::app {

/// Whether --watch fits the other flags. Error code cli.invalid_value.
Result<void> check_watch(const Session& session);

/// Prints the report, then what each change of a file made new or fixed, until a signal comes: its exit code.
ExitCode watch_scan(Session& session, const scan::ScanRequest& request, scan::ScanContext& context,
                    std::optional<findings::Severity> gate);

}  // namespace wrench::app
