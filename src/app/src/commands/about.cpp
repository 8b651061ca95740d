// version, completion, help: what needs neither store nor analysis.
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

ExitCode run_version(Session& session) {
  if (session.format() == "json") {
    session.console.out(
        codec::write_json(codec::Json::object({{"schema", "wrench.version/1"}, {"version", version()}})) + "\n");
  } else {
    session.console.out("wrench " + std::string(version()) + "\n");
  }
  return ExitCode::Done;
}

ExitCode run_completion(Session& session) {
  auto script = completion_script(session.invocation.arguments.front());
  if (!script) return session.fail(script.error());
  session.console.out(*script);
  return ExitCode::Done;
}

namespace {

std::string exit_codes_page() {
  std::string out = "Exit codes of every command:\n";
  for (const auto& row : exit_code_meanings()) {
    const auto number = std::to_string(static_cast<int>(row.code));
    out += "  " + std::string(4 - number.size(), ' ') + number + "  " + std::string(row.meaning) + "\n";
  }
  return out + "Several at once: 2, 3, 130, 1, 10 in that order.\n";
}

constexpr std::string_view kEnvironmentPage =
    "Environment:\n"
    "  WRENCH_DATA_DIR    where tasks and results are kept (flag --data-dir wins)\n"
    "  WRENCH_SCAN_CACHE  'off' disables the cache of analysed files\n"
    "  XDG_DATA_HOME      data directory is $XDG_DATA_HOME/wrench (default ~/.local/share/wrench)\n"
    "  XDG_CACHE_HOME     cache is $XDG_CACHE_HOME/wrench (default ~/.cache/wrench)\n"
    "  NO_COLOR           not empty: no colour\n"
    "  CLICOLOR_FORCE     not empty and not 0: colour even in a pipe\n"
    "  COLUMNS            width of the screen\n"
    "  LANG, LC_ALL       without UTF-8: plain ASCII drawing\n";

constexpr std::string_view kFormatsPage =
    "Formats of reports (--format, -o):\n"
    "  text          for people: the review screen, or one line a finding with 'scan'\n"
    "  json          everything, schema wrench.scan/1; also the form of a --baseline\n"
    "  sarif         SARIF 2.1.0, for code hosts and editors\n"
    "  semgrep-json  the JSON of semgrep, for tools that read it\n"
    "  junit         JUnit XML, for CI servers\n"
    "  markdown      a summary for pull requests and issues\n"
    "  html          one self-contained file: code, charts, search; needs no network\n";

}  // namespace

ExitCode run_help(Session& session) {
  const auto topic = join(session.invocation.arguments, " ");
  if (topic.empty()) {
    session.console.out(help_for_group(""));
    return ExitCode::Done;
  }
  if (topic == "exit-codes") {
    session.console.out(exit_codes_page());
    return ExitCode::Done;
  }
  if (topic == "environment" || topic == "formats") {
    session.console.out(topic == "formats" ? kFormatsPage : kEnvironmentPage);
    return ExitCode::Done;
  }
  bool is_group = false;
  for (const auto& command : commands()) {
    if (command.path == topic) {
      session.console.out(help_for(command));
      return ExitCode::Done;
    }
    is_group = is_group || command.path.starts_with(topic + " ");
  }
  if (is_group) {
    session.console.out(help_for_group(topic));
    return ExitCode::Done;
  }
  return session.fail(Error("cli.unknown_topic", "no help on '" + topic + "'").with_help("wrench help"));
}

}  // namespace wrench::app
