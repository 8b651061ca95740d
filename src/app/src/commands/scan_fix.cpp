#include "scan_fix.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/scan/fixes.hpp"

namespace wrench::app {
namespace {

using findings::FixState;

std::string counted(std::size_t n, std::string_view one, std::string_view more) {
  return format_count(n) + " " + std::string(n == 1 ? one : more);
}

void tell_rejected(Session& session, const findings::Report& report) {
  for (const auto& finding : report.findings) {
    if (!finding.fix || finding.fix->state != FixState::Rejected) continue;
    session.console.note(Console::safe(finding.where.path) + ":" + std::to_string(finding.where.start.line) +
                         ": fix of [" + Console::safe(finding.rule) +
                         "] rejected: " + Console::safe(finding.fix->reason));
  }
}

/// What became of the fixes of findings that are still there.
void keep_states(const findings::Report& from, findings::Report& to) {
  std::map<std::string_view, const findings::Fix*> rejected;
  for (const auto& finding : from.findings)
    if (finding.fix && finding.fix->state == FixState::Rejected) rejected.emplace(finding.fingerprint, &*finding.fix);
  for (auto& finding : to.findings) {
    const auto found = rejected.find(finding.fingerprint);
    if (found == rejected.end() || !finding.fix) continue;
    finding.fix->state = FixState::Rejected;
    finding.fix->reason = found->second->reason;
  }
}

Result<void> write(Session& session, const Fixing& fixing, const scan::FixOutcome& outcome, findings::Report& report) {
  const SystemClock clock;
  SystemRandom random;
  const auto written = WRENCH_TRY(scan::write_fixes(outcome, clock, random));
  auto left = WRENCH_TRY(fixing.scan_again());
  keep_states(report, left);
  std::size_t gone = 0;
  for (auto& change : report.changes) {
    if (std::find(written.paths.begin(), written.paths.end(), change.path) == written.paths.end()) continue;
    gone += change.fingerprints.size();
    change.undo = written.undo;
    left.changes.push_back(std::move(change));
  }
  left.partial.insert(left.partial.end(), written.failed.begin(), written.failed.end());
  left.run.complete = left.partial.empty();
  report = std::move(left);
  if (written.paths.empty()) return {};
  session.console.note(counted(gone, "finding", "findings") + " fixed in " +
                       counted(written.paths.size(), "file", "files") +
                       "; patch that takes it back: " + Console::safe(written.undo));
  return {};
}

}  // namespace

Result<FixMode> fix_mode_of(const Session& session) {
  const bool write = session.invocation.has("--fix"), dry = session.invocation.has("--fix-dry-run");
  if (write && dry)
    return Error("cli.conflicting_flags", "--fix and --fix-dry-run: only one of them").with_help("wrench scan --help");
  return write ? FixMode::Write : dry ? FixMode::DryRun : FixMode::Off;
}

Result<void> fix_findings(Session& session, const Fixing& fixing, findings::Report& report) {
  const auto outcome =
      WRENCH_TRY(scan::apply_fixes(fixing.request, report, {}, fixing.context, session.stop, fixing.deadline));
  tell_rejected(session, report);
  if (outcome.files.empty()) {
    session.console.note("no fix to apply");
    return {};
  }
  if (fixing.mode == FixMode::Write) return write(session, fixing, outcome, report);
  const bool masked = std::any_of(report.changes.begin(), report.changes.end(),
                                  [](const findings::Change& change) { return change.masked; });
  session.console.note(counted(outcome.verified, "fix", "fixes") + " verified, in " +
                       counted(outcome.files.size(), "file", "files") +
                       (masked ? "; secrets are masked, so the patch can't be applied as it is" : ""));
  return {};
}

std::string patch_of(const Session& session, const findings::Report& report) {
  std::string out;
  for (const auto& change : report.changes) out += change.diff;
  const bool for_eyes = session.console.stdout_is_terminal() && !session.invocation.has("--output");
  return for_eyes ? escape_for_display(out, Newlines::Keep) : out;
}

}  // namespace wrench::app
