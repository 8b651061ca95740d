#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/app/command.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::app {

/// --timeout, from now on; without it never.
Deadline deadline_of(const Session& session, const Clock& clock);

/// --fail-on: a severity, or nothing for "none".
Result<std::optional<findings::Severity>> gate_of(const Session& session);

/// Fails before any work is done when --output can't be created (cli.output_not_creatable).
Result<void> check_output(const Session& session);

/// Text to standard output, or to --output: a file by atomic rename, a device or a pipe by writing into it.
Result<void> deliver(Session& session, std::string_view text);
/// Delivers and returns the exit code of that alone.
ExitCode delivered(Session& session, std::string_view text);
ExitCode delivered_json(Session& session, const codec::Json& value);
codec::Json list_of(const std::vector<std::string>& texts);

/// Reads --baseline and marks what is new. Errors: io.*, findings.baseline_*.
Result<void> apply_baseline_flag(const Session& session, findings::Report& report);

/// Writes the report in the chosen format; `screen` is what text means for the command.
Result<void> deliver_report(Session& session, const findings::Report& report, const findings::SourceLookup& sources,
                            std::optional<findings::Severity> gate, const std::string* screen);

/// Exit code of a finished report: 1 from the gate on, 10 when partial.
ExitCode verdict(const Session& session, const findings::Report& report, std::optional<findings::Severity> gate);

}  // namespace wrench::app
