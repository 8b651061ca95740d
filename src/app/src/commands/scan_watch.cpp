#include "scan_watch.hpp"

#include "../output.hpp"
#include "../signals.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/summary.hpp"
#include "wrench/scan/tree_sources.hpp"
#include "wrench/scan/watch.hpp"

namespace wrench::app {

namespace {

constexpr std::size_t kLinesMax = 50;  // Of what one change made new, and fixed.

std::string place(const findings::Finding& finding) {
  return finding.where.path + ":" + std::to_string(finding.where.start.line) + ":" +
         std::to_string(finding.where.start.col);
}

std::string line_of(const findings::Finding& finding) {
  return place(finding) + ": " + std::string(findings::name(finding.severity)) + " [" + finding.rule + "] " +
         findings::headline(finding);
}

class WatchScreen {
 public:
  explicit WatchScreen(Session& session) : session_(session) {}

  void show(const scan::WatchedRun& run) {
    line("--- " + format_rfc3339(clock_.now_us()) + ": " + format_count(run.appeared.size()) + " new, " +
         format_count(run.vanished.size()) + " fixed, " + format_count(findings::count_findings(run.report).total()) +
         " in all; " + std::to_string(run.elapsed_us / kMicrosPerMs) + " ms");
    for (std::size_t i = 0; i < std::min(run.appeared.size(), kLinesMax); ++i) line(line_of(*run.appeared[i]));
    for (std::size_t i = 0; i < std::min(run.vanished.size(), kLinesMax); ++i)
      line("fixed: " + line_of(run.vanished[i]));
    const auto left_out =
        (std::max(run.appeared.size(), kLinesMax) - kLinesMax) + (std::max(run.vanished.size(), kLinesMax) - kLinesMax);
    if (left_out > 0) line("and " + format_count(left_out) + " more");
    for (const auto& partial : run.report.partial)
      line("partial: " + partial.code + " " + partial.path + " " + partial.detail);
    session_.console.flush();
  }

 private:
  void line(const std::string& text) { session_.console.out(Console::safe(text) + "\n"); }

  Session& session_;
  const SystemClock clock_;
};

Error doesnt_fit(const std::string& flag) {
  return Error("cli.invalid_value", "--watch prints text as long as it runs: it doesn't go with " + flag)
      .with_help("wrench scan --help");
}

}  // namespace

Result<void> check_watch(const Session& session) {
  if (!session.invocation.has("--watch")) return {};
  if (session.format() != "text") return doesnt_fit("--format " + std::string(session.format()));
  for (const char* flag : {"--output", "--history", "--fix", "--fix-dry-run"})
    if (session.invocation.has(flag)) return doesnt_fit(flag);
  return {};
}

ExitCode watch_scan(Session& session, const scan::ScanRequest& request, scan::ScanContext& context,
                    std::optional<findings::Severity> gate) {
  WatchScreen screen(session);
  bool is_first = true;
  scan::WatchOptions options;
  options.edit = [&](findings::Report& report) { return apply_baseline_flag(session, report); };
  options.on_fault = [&](const Error& error) { session.console.error(error); };
  options.on_run = [&](const scan::WatchedRun& run) -> Result<void> {
    if (std::exchange(is_first, false)) {
      WRENCH_TRY(deliver_report(session, run.report, scan::TreeSources(run.report), gate, nullptr));
      session.console.note("watching; Ctrl-C ends");
      session.console.flush();
    } else {
      screen.show(run);
    }
    return {};
  };
  const auto watched = scan::watch(request, context, options, session.stop);
  if (const auto signal = signal_received(); signal != ExitCode::Done) return signal;
  return session.fail(watched.error());
}

}  // namespace wrench::app
