#include "wrench/scan/scan.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../review_screen.hpp"
#include "commands.hpp"
#include "scan_fix.hpp"
#include "scan_watch.hpp"
#include "wrench/base/text.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::app {

namespace {

Result<std::vector<scan::Analysis>> analyses_of(const Session& session) {
  std::vector<scan::Analysis> out;
  const auto list = session.invocation.value("--analyses");
  if (list.empty()) return std::vector<scan::Analysis>(std::begin(scan::kAllAnalyses), std::end(scan::kAllAnalyses));
  for (const auto part : split(list, ',')) {
    const auto word = trim(part);
    const auto analysis = scan::parse_analysis(word);
    if (analysis) {
      out.push_back(*analysis);
      continue;
    }
    std::vector<std::string_view> known;
    for (const auto candidate : scan::kAllAnalyses) known.push_back(scan::name(candidate));
    Error error("cli.invalid_value", "--analyses: '" + std::string(word) + "' isn't one");
    const auto guess = nearest(word, known);
    return guess.empty() ? std::move(error).with_help("wrench scan --help")
                         : std::move(error).with_help("did you mean " + std::string(guess) + "?");
  }
  return out;
}

Result<scan::ScanRequest> request_of(const Session& session) {
  scan::ScanRequest request;
  if (!session.invocation.arguments.empty()) request.paths = session.invocation.arguments;
  request.rule_paths = session.invocation.values("--rules");
  request.use_builtin_rules = !session.invocation.has("--no-builtin-rules");
  request.use_project_config = !session.invocation.has("--no-project-config");
  request.analyses = WRENCH_TRY(analyses_of(session));
  request.with_history = request.history_secrets = session.invocation.has("--history");
  request.new_since = session.invocation.value("--new-since");
  request.jobs = static_cast<int>(session.invocation.number("--jobs", 0));
  request.limits.file_us_max = session.invocation.number("--file-timeout-ms", 5'000) * kMicrosPerMs;
  return request;
}

/// On standard error, beside the report.
void tell_more(Session& session, const findings::Report& report) {
  if (report.summary.files_scanned + report.summary.files_cached == 0) session.console.note("nothing to analyse");
  if (session.invocation.has("--explain-skipped"))
    for (const auto& skipped : report.skipped)
      session.console.err(skipped.reason + "  " + Console::safe(skipped.path) + "\n");
  // The text on standard output holds the rest already.
  if (session.format() == "text" && !session.invocation.has("--output")) return;
  for (const auto& partial : report.partial)
    if (session.console.verbose() || session.invocation.has("--explain-skipped"))
      session.console.err("partial: " + partial.code + "  " + Console::safe(partial.path) + "  " +
                          Console::safe(partial.subject) + "  " + Console::safe(partial.detail) + "\n");
  for (const auto& error : report.errors) session.console.error(error);
}

/// Who asks for the history must get it or hear why not, before anything is done.
Result<void> check_history(const scan::ScanRequest& request, const StopToken& stop) {
  if (!request.with_history) return {};
  auto repo = history::GitRepo::open(WRENCH_TRY(scan::project_root(request.paths.front())), stop);
  if (repo || repo.error().code != "history.not_a_repository") return {};
  return Error("history.not_a_repository", "--history: " + repo.error().message).with_help("wrench scan --help");
}

}  // namespace

ExitCode run_scan(Session& session) {
  const auto gate = gate_of(session);
  if (!gate) return session.fail(gate.error());
  auto request = request_of(session);
  if (!request) return session.fail(request.error());
  if (auto watch = check_watch(session); !watch) return session.fail(watch.error());
  const auto fixing = fix_mode_of(session);
  if (!fixing) return session.fail(fixing.error());
  if (auto history = check_history(*request, session.stop); !history) return session.fail(history.error());
  findings::Report nothing;
  if (auto readable = apply_baseline_flag(session, nothing); !readable) return session.fail(readable.error());

  const SystemClock clock;
  runtime::WorkerPool pool({.threads = static_cast<std::size_t>(request->jobs), .name = "analysis"});
  const auto cache_root = scan::project_root(request->paths.front());
  const auto cache = scan::FactCache::open(cache_root ? scan::FactCache::folder_for(*cache_root) : std::string());
  // Both look at most files more than once.
  if (!request->new_since.empty() || session.invocation.has("--watch")) cache->hold(scan::kFactsHeldBytesMax);
  scan::ScanContext context{.pool = pool, .clock = clock, .cache = cache.get()};
  if (session.invocation.has("--watch")) return watch_scan(session, *request, context, *gate);
  ScanDisplay display(session);
  context.progress = [&](const scan::ScanProgress& at) { display.show(at); };
  const auto deadline = deadline_of(session, clock);
  const auto scan_once = [&]() -> Result<findings::Report> {
    auto made = scan::run(*request, context, session.stop, deadline);
    cache->flush();
    if (made) WRENCH_TRY(apply_baseline_flag(session, *made));
    return made;
  };
  auto report = scan_once();
  display.finish();
  context.progress = {};
  if (!report) return session.fail(report.error());
  if (*fixing != FixMode::Off) {
    auto fixed = fix_findings(session, {*fixing, *request, context, deadline, scan_once}, *report);
    if (!fixed) return session.fail(fixed.error());
  }
  if (*fixing == FixMode::DryRun && session.format() == "text") {
    if (auto told = deliver(session, patch_of(session, *report)); !told) return session.fail(told.error());
    return verdict(session, *report, *gate);
  }
  if (auto delivered = deliver_report(session, *report, scan::TreeSources(*report), *gate, nullptr); !delivered)
    return session.fail(delivered.error());
  tell_more(session, *report);
  return verdict(session, *report, *gate);
}

}  // namespace wrench::app
