#include <fcntl.h>
#include <unistd.h>

#include <exception>

#include "output.hpp"
#include "signals.hpp"
#include "wrench/app/command.hpp"

namespace wrench::app {

namespace {

Console::Options console_options(std::span<const std::string> words) {
  // Before parsing, so that errors of parsing already obey.
  Console::Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--") break;
    const auto color = word.starts_with("--color=")                ? word.substr(8)
                       : word == "--color" && i + 1 < words.size() ? words[i + 1]
                                                                   : "";
    if (color == "always") options.color = Console::Tristate::Always;
    if (color == "never" || word == "--no-color") options.color = Console::Tristate::Never;
    if (word == "-q" || word == "--quiet") options.quiet = true;
    if (word == "-v" || word == "--verbose") options.verbose = true;
  }
  return options;
}

/// Whether a program reads along. Not from the parsed flags: there are none when parsing failed.
bool asks_for_json(std::span<const std::string> words) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i] == "--json" || words[i] == "--format=json") return true;
    if ((words[i] == "--format" || words[i] == "-o") && i + 1 < words.size() && words[i + 1] == "json") return true;
  }
  return false;
}

ExitCode run(const std::vector<std::string>& words, Console& console, const StopToken& stop) {
  const auto page = page_style(console);
  if (words.empty()) {
    console.out(help_overview(page));
    return ExitCode::Done;
  }
  auto parsed = parse_command_line(words);
  if (!parsed) {
    const auto code = exit_code(parsed.error());
    console.error(parsed.error());
    if (asks_for_json(words)) console.out(error_json(parsed.error(), code) + "\n");
    return code;
  }
  if (parsed->help) {
    console.out(parsed->command != nullptr ? help_for(*parsed->command, page)
                                           : help_for_group(parsed->help_group, page));
    return ExitCode::Done;
  }
  Session session{*parsed->command, std::move(parsed->invocation), console, stop, words};
  if (session.invocation.has("--output")) console.results_go_to_a_file();
  if (auto output = check_output(session); !output) return session.fail(output.error());
  return parsed->command->run(session);
}

/// A closed standard descriptor would be the number of the next file opened: the report would go into the store. The
/// stand-in is opened the wrong way round, so that using it fails as it should.
void reserve_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace

int run_cli(int argc, char** argv) {
  reserve_standard_descriptors();
  const StopToken stop = install_signal_handlers();
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  Console console(console_options(words));
  ExitCode code = ExitCode::OperationFailed;
  try {
    code = run(words, console, stop);
  } catch (const std::exception& failure) {
    console.error(Error("internal.exception", failure.what()));
  }
  console.progress_line("");
  const ExitCode written = console.flush();
  if (written == ExitCode::ClosedPipe) return static_cast<int>(written);
  if (written != ExitCode::Done) code = more_urgent(code, written);
  return static_cast<int>(code);
}

}  // namespace wrench::app
