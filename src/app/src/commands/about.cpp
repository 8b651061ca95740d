// version, completion, help: what needs neither store nor analysis.
#include <iterator>

#include "../layout.hpp"
#include "../output.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

ExitCode run_version(Session& session) {
  if (session.format() == "json")
    return delivered(
        session,
        codec::write_json(codec::Json::object({{"schema", "wrench.version/1"}, {"version", version()}})) + "\n");
  return delivered(session, "wrench " + std::string(version()) + "\n");
}

ExitCode run_completion(Session& session) {
  auto script = completion_script(session.invocation.arguments.front());
  if (!script) return session.fail(script.error());
  session.console.out(*script);
  return ExitCode::Done;
}

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string exit_codes_page(const PageStyle& style) {
  Rows rows;
  for (const auto& row : exit_code_meanings())
    rows.emplace_back(pad_left(std::to_string(static_cast<int>(row.code)), 3), std::string(row.meaning));
  return "Exit codes of every command:\n" + two_columns(rows, style) +
         "Several at once: 2, 3, 130, 1, 10 in that order.\n";
}

std::string environment_page(const PageStyle& style) {
  return "Environment:\n" +
         two_columns({{"WRENCH_DATA_DIR", "where tasks and results are kept (flag --data-dir wins)"},
                      {"WRENCH_DATABASE_URL", "the PostgreSQL database to keep them in instead (flag --database wins)"},
                      {"WRENCH_LABELS", "what this machine offers to steps with 'requires' (flag --labels wins)"},
                      {"WRENCH_SCAN_CACHE", "'off' disables the cache of analysed files"},
                      {"XDG_DATA_HOME", "data directory is $XDG_DATA_HOME/wrench (default ~/.local/share/wrench)"},
                      {"XDG_CACHE_HOME", "cache is $XDG_CACHE_HOME/wrench (default ~/.cache/wrench)"},
                      {"NO_COLOR", "not empty: no colour"},
                      {"CLICOLOR_FORCE", "not empty and not 0: colour even in a pipe"},
                      {"TERM", "empty or 'dumb': no colour"},
                      {"COLUMNS", "width of the screen (default: the terminal's, else 100)"},
                      {"LC_ALL, LC_CTYPE, LANG", "the first that is set; without UTF-8: plain ASCII drawing"}},
                     style);
}

std::string formats_page(const PageStyle& style) {
  return "Formats of reports (--format, -o):\n" +
         two_columns({{"text", "for people: the review screen, or one line a finding with 'scan'"},
                      {"json", "everything, schema wrench.scan/1; also the form of a --baseline"},
                      {"sarif", "SARIF 2.1.0, for code hosts and editors"},
                      {"semgrep-json", "the JSON of semgrep, for tools that read it"},
                      {"junit", "JUnit XML, for CI servers"},
                      {"markdown", "a summary for pull requests and issues"},
                      {"html", "one self-contained file: code, charts, search; needs no network"}},
                     style);
}

constexpr std::string_view kTopics[] = {"exit-codes", "environment", "formats"};

Error no_help_on(const std::string& topic) {
  std::vector<std::string_view> known(std::begin(kTopics), std::end(kTopics));
  for (const auto& command : commands()) known.push_back(command.path);
  Error error("cli.unknown_topic", "no help on '" + topic + "'");
  if (const auto guess = nearest(topic, known); !guess.empty())
    return std::move(error).with_help("did you mean 'wrench help " + std::string(guess) + "'?");
  return std::move(error).with_help("wrench help");
}

}  // namespace

ExitCode run_help(Session& session) {
  const auto topic = join(session.invocation.arguments, " ");
  const auto style = page_style(session.console);
  bool is_group = topic.empty();
  std::string page = topic == "exit-codes"    ? exit_codes_page(style)
                     : topic == "environment" ? environment_page(style)
                     : topic == "formats"     ? formats_page(style)
                                              : "";
  for (const auto& command : commands()) {
    if (command.path == topic) page = help_for(command, style);
    is_group = is_group || command.path.starts_with(topic + " ");
  }
  if (page.empty() && is_group) page = help_for_group(topic, style);
  if (page.empty()) return session.fail(no_help_on(topic));
  session.console.out(page);
  return ExitCode::Done;
}

}  // namespace wrench::app
