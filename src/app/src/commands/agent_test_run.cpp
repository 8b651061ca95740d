#include <cstdlib>
#include <optional>

#include "../agent_suites.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/agents/test_history.hpp"
#include "wrench/agents/test_report.hpp"
#include "wrench/agents/test_run.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/source/regex.hpp"

namespace wrench::app {

namespace {

using agents::CaseResult;
using agents::CaseStatus;
using agents::SuiteResult;
using agents::TestSuite;

constexpr std::size_t kNameColumnsMax = 72;

/// What analyses keep between runs is kept in a folder that is gone afterwards: a case starts from nothing, and the
/// user's cache isn't filled with trees that no longer exist.
Result<runtime::TempDir> own_cache() {
  auto folder = WRENCH_TRY(runtime::TempDir::create("wrench-agent-test"));
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);  // No other thread runs yet.
  return folder;
}

Result<std::optional<source::Regex>> chosen_cases(const Session& session) {
  if (!session.invocation.has("--case")) return std::optional<source::Regex>();
  return std::optional(WRENCH_TRY(source::Regex::compile(session.invocation.value("--case"))));
}

Result<std::optional<codec::Json>> baseline_of(const Session& session) {
  if (!session.invocation.has("--baseline")) return std::optional<codec::Json>();
  const std::string file(session.invocation.value("--baseline"));
  const auto text = WRENCH_TRY(runtime::read_file(file, agents::kTestBaselineBytesMax));
  auto json = codec::parse_json(text);
  if (!json)
    return Error("agent.test_baseline", "the baseline isn't JSON: " + json.error().message)
        .at(file, json.error().place.line, json.error().place.column);
  const std::vector<SuiteResult> nothing;
  WRENCH_TRY(agents::compare(*json, nothing, false));  // Found out now, not after the run.
  return std::optional(std::move(*json));
}

std::size_t count_cases(const std::vector<TestSuite>& suites, const std::optional<source::Regex>& pattern) {
  std::size_t out = 0;
  for (const TestSuite& suite : suites)
    for (const auto& test : suite.cases)
      out += !pattern || pattern->contains(test.name) == source::Regex::Outcome::Match;
  return out;
}

/// Tells how far it is. Called one at a time.
class TestProgress {
 public:
  TestProgress(Session& session, std::size_t total) : pace_(session), total_(total) {}
  void ended(const TestSuite& suite, const CaseResult& result) {
    ++done_;
    failed_ += result.status == CaseStatus::Failed;
    pace_.show([&] {
      const std::string count = std::to_string(done_) + "/" + std::to_string(total_) + " cases" +
                                (failed_ == 0 ? "" : ", " + std::to_string(failed_) + " failed");
      return ProgressPace::View{count + "  " + suite.agent + ": " + Console::safe(result.name), count,
                                codec::Json::object({{"done", done_}, {"total", total_}, {"failed", failed_}})};
    });
  }
  void finish() { pace_.clear(); }

 private:
  ProgressPace pace_;
  std::size_t total_, done_ = 0, failed_ = 0;
};

std::string mark(const Console& console, CaseStatus status) {
  switch (status) {
    case CaseStatus::Passed:
      return console.styled(Style::Good, console.unicode() ? "✓" : "ok  ");
    case CaseStatus::Failed:
      return console.styled(Style::High, console.unicode() ? "✗" : "FAIL");
    case CaseStatus::Skipped:
      break;
  }
  return console.styled(Style::Dim, console.unicode() ? "–" : "skip");
}

std::string place_text(const std::string& file, const agents::SuitePlace& place) {
  return Console::safe(file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string why_text(const Console& console, const std::string& file, const CaseResult& result) {
  const std::size_t width = console.width() > 20 ? console.width() - 6 : console.width();
  std::string out;
  const auto add = [&](const std::string& text) {
    for (const auto& line : wrap(text, width)) out += "      " + line + "\n";
  };
  if (result.error)
    add(place_text(file, result.place) + ": " + Console::safe(result.error->message) + " [" + result.error->code + "]");
  for (const auto& check : result.checks)
    if (!check.passed)
      add(place_text(file, check.place) + ": " + check.word + ": " + Console::safe(collapse_white_space(check.detail)));
  return out;
}

std::string case_text(const Console& console, const SuiteResult& suite, const CaseResult& result) {
  std::string out = "  " + mark(console, result.status) + " " +
                    pad(clip(Console::safe(result.name), kNameColumnsMax, console.unicode()), kNameColumnsMax);
  if (result.status == CaseStatus::Skipped) return out + "  skipped: " + Console::safe(result.skipped_because) + "\n";
  out += "  " + pad_left(format_duration(result.elapsed_us), 7);
  if (result.runs > 1)
    out += "  " + std::to_string(result.passes) + " of " + std::to_string(result.runs) + " runs passed";
  out += "\n";
  if (result.status == CaseStatus::Failed) out += why_text(console, suite.file, result);
  return out;
}

std::string totals_text(const agents::TestTotals& totals) {
  return std::to_string(totals.passed) + " passed, " + std::to_string(totals.failed) + " failed, " +
         std::to_string(totals.skipped) + " skipped of " + std::to_string(totals.total);
}

std::string results_text(const Console& console, const std::vector<SuiteResult>& results, Micros elapsed_us) {
  std::string out;
  for (const SuiteResult& suite : results) {
    out += console.styled(Style::Bold, suite.agent) + "  " + totals_text(suite.totals()) + "\n";
    for (const CaseResult& one : suite.cases) out += case_text(console, suite, one);
    out += "\n";
  }
  return out + totals_text(agents::totals(results)) + " cases in " + format_duration(elapsed_us) + "\n";
}

std::string worse_text(const std::vector<agents::WorseCase>& worse) {
  std::string out = "\n" + std::to_string(worse.size()) + " cases do worse than the baseline\n";
  for (const auto& one : worse)
    out += "  " + one.agent + ": " + Console::safe(one.name) + ": " + Console::safe(one.why) + "\n";
  return out;
}

codec::Json worse_json(const std::vector<agents::WorseCase>& worse) {
  codec::Json out = codec::Json::array();
  for (const auto& one : worse)
    out.push_back(codec::Json::object({{"agent_name", one.agent}, {"name", one.name}, {"why", one.why}}));
  return out;
}

/// Everything that the command line asks for, checked before anything runs.
struct Prepared {
  agents::Registry registry;
  std::vector<TestSuite> suites;
  std::optional<source::Regex> pattern;
  std::optional<codec::Json> baseline;
  std::size_t cases = 0;
};

Result<Prepared> prepare(const Session& session) {
  Prepared out;
  out.registry = WRENCH_TRY(builtin_agents());
  out.suites = WRENCH_TRY(find_agent_suites(session.invocation.arguments, out.registry));
  out.pattern = WRENCH_TRY(chosen_cases(session));
  out.baseline = WRENCH_TRY(baseline_of(session));
  out.cases = count_cases(out.suites, out.pattern);
  if (out.cases == 0)
    return Error("cli.invalid_value",
                 "--case: no case is called '" + escape_for_display(session.invocation.value("--case")) + "'")
        .with_help("wrench agent test");
  return out;
}

constexpr std::size_t kRunsShown = 20;

std::string history_text(const Console& console, const std::vector<agents::PastRun>& runs) {
  std::string out;
  for (const auto& run : runs) {
    out += std::string(short_id(run.run_id)) + "  " + format_rfc3339(run.at) + "  " + totals_text(run.totals) +
           " cases in " + format_duration(run.elapsed_us) + "  (" + Console::safe(run.version) + ")\n";
    for (const auto& one : run.cases)
      if (one.status == agents::name(CaseStatus::Failed))
        out += "  " + mark(console, CaseStatus::Failed) + " " + one.agent + ": " + Console::safe(one.name) + "\n";
  }
  return out.empty() ? "No runs yet.\n" : out;
}

codec::Json history_json(const std::vector<agents::PastRun>& runs) {
  codec::Json data = codec::Json::array();
  for (const auto& run : runs) {
    codec::Json results = codec::Json::array();
    for (const auto& one : run.cases) {
      codec::Json result = one.result;
      result.set("agent_name", one.agent);
      results.push_back(std::move(result));
    }
    data.push_back(codec::Json::object({{"run_id", run.run_id},
                                        {"at", format_rfc3339(run.at)},
                                        {"elapsed_ms", run.elapsed_us / kMicrosPerMs},
                                        {"version", run.version},
                                        {"total_tests", run.totals.total},
                                        {"passed", run.totals.passed},
                                        {"failed", run.totals.failed},
                                        {"skipped", run.totals.skipped},
                                        {"results", std::move(results)}}));
  }
  return codec::Json::object(
      {{"schema", "wrench.agent_test_history/1"}, {"data", std::move(data)}, {"next_cursor", nullptr}});
}

ExitCode show_history(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto runs = agents::past_test_runs((*space)->store(), kRunsShown);
  if (!runs) return session.fail(runs.error());
  if (session.format() == "json") return delivered_json(session, history_json(*runs));
  if (session.format() == "junit")
    return session.fail(Error("cli.invalid_value", "the history is text or JSON, not JUnit"));
  return delivered(session, history_text(session.console, *runs));
}

/// The results are there: that a store can't be written is told, and changes nothing about them.
void keep(Session& session, const std::vector<SuiteResult>& results, Micros elapsed_us) {
  const auto kept = [&]() -> Result<std::string> {
    if (data_directory(session).empty() && database_url(session).empty())
      return Error("cli.no_home", "there is no home folder");
    const auto space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Write));
    SystemRandom random;
    return agents::keep_test_run(space->store(), results, elapsed_us, space->clock(), random);
  }();
  if (!kept)
    session.console.note("this run isn't in the history: " + Console::safe(kept.error().message) + " [" +
                         kept.error().code + "]");
}

}  // namespace

ExitCode run_agent_test(Session& session) {
  if (session.invocation.has("--history")) return show_history(session);
  const auto prepared = prepare(session);
  if (!prepared) return session.fail(prepared.error());
  const auto cache = own_cache();
  if (!cache) return session.fail(cache.error());

  const SystemClock clock;
  const Micros begun = clock.boot_us();
  TestProgress progress(session, prepared->cases);
  agents::TestRunOptions options;
  options.jobs = static_cast<std::size_t>(session.invocation.number("--jobs", 0));
  options.runs = static_cast<int>(session.invocation.number("--runs", 1));
  if (prepared->pattern)
    options.chosen = [&](const agents::TestCase& test) {
      return prepared->pattern->contains(test.name) == source::Regex::Outcome::Match;
    };
  options.ended = [&](const TestSuite& suite, const CaseResult& result) { progress.ended(suite, result); };
  const auto results = agents::run_test_suites(prepared->suites, prepared->registry, options, session.stop);
  progress.finish();
  if (!results) return session.fail(results.error());
  const Micros elapsed_us = clock.boot_us() - begun;
  keep(session, *results, elapsed_us);

  std::vector<agents::WorseCase> worse;
  if (prepared->baseline) {
    auto compared = agents::compare(*prepared->baseline, *results, !prepared->pattern);
    if (!compared) return session.fail(compared.error());
    worse = std::move(*compared);
  }
  const bool good = prepared->baseline ? worse.empty() : agents::totals(*results).failed == 0;
  std::string text;
  if (session.format() == "json") {
    auto json = agents::to_json(*results);
    if (prepared->baseline) json.set("worse", worse_json(worse));
    text = codec::write_json(json, {.pretty = true}) + "\n";
  } else if (session.format() == "junit") {
    text = agents::junit_of(*results);
  } else {
    text = results_text(session.console, *results, elapsed_us);
    if (!worse.empty()) text += worse_text(worse);
  }
  return more_urgent(delivered(session, text), good ? ExitCode::Done : ExitCode::AnswerIsNo);
}

}  // namespace wrench::app
