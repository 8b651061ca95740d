#pragma once

#include <functional>

#include "wrench/app/command.hpp"
#include "wrench/scan/scan.hpp"

/// `scan --fix` and `scan --fix-dry-run`.
namespace wrench::app {

enum class FixMode { Off, DryRun, Write };
/// Error code cli.conflicting_flags.
Result<FixMode> fix_mode_of(const Session& session);

/// How the scan is done that a report is of.
struct Fixing {
  FixMode mode = FixMode::Off;
  const scan::ScanRequest& request;
  scan::ScanContext& context;
  Deadline deadline;
  std::function<Result<findings::Report>()> scan_again;
};

/// Tries the fixes of the report's new findings; Write puts them into the files and makes `report` one of what is left,
/// DryRun leaves everything as it is. What was done is told on standard error. Errors: those of scan, io.*.
Result<void> fix_findings(Session& session, const Fixing& fixing, findings::Report& report);

/// The report's changes as one patch: byte by byte for whoever applies it, with control characters visible on a
/// terminal.
std::string patch_of(const Session& session, const findings::Report& report);

}  // namespace wrench::app
