#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/app/console.hpp"
#include "wrench/app/exit_code.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

/// `value` empty: a switch. Choices, when given, are checked by the parser and offered by completion.
struct FlagSpec {
  std::string name;  ///< "--fail-on"
  std::string short_name = {};
  std::string value = {};  ///< "SEVERITY"
  std::string summary = {};
  std::vector<std::string> choices = {};
  bool repeated = false;
};

struct ArgumentSpec {
  std::string name;  ///< "PATH"
  std::string summary;
  bool required = false;
  bool repeated = false;
  std::vector<std::string> choices = {};
};

/// What the user typed, parsed. Names of flags with their dashes.
class Invocation {
 public:
  bool has(std::string_view flag) const { return flags.find(flag) != flags.end(); }
  std::string_view value(std::string_view flag, std::string_view fallback = {}) const;
  std::vector<std::string> values(std::string_view flag) const;
  /// Error code cli.invalid_value when it isn't a whole number within the bounds.
  Result<std::int64_t> number(std::string_view flag, std::int64_t fallback, std::int64_t min, std::int64_t max) const;

  std::map<std::string, std::vector<std::string>, std::less<>> flags;
  std::vector<std::string> arguments;
};

struct Session;

struct CommandSpec {
  std::string path;  ///< "task list"
  std::string summary;
  std::string description;
  std::vector<ArgumentSpec> arguments;
  std::vector<FlagSpec> flags;
  std::vector<std::string> formats;  ///< First is the default; empty: the command has no --format.
  std::vector<std::pair<std::string, std::string>> examples;  ///< command line, what it does
  ExitCode (*run)(Session&) = nullptr;
};

/// Everything a command gets.
struct Session {
  const CommandSpec& command;
  Invocation invocation;
  Console& console;
  StopToken stop;
  std::string_view format() const;  ///< Resolved from --format, -o, --json.
  /// Prints the error (text on stderr; JSON object on stdout when the format is JSON) and returns its exit code.
  ExitCode fail(const Error& error);
};

/// The one source of parser, help, completion and the reference page.
std::span<const CommandSpec> commands();
std::span<const FlagSpec> global_flags();

struct ParsedCommand {
  const CommandSpec* command = nullptr;
  Invocation invocation;
  bool help = false;            ///< --help was given: print the command's help.
  std::string help_group = {};  ///< "task": help of a group, or empty for the whole.
};
/// Error codes cli.unknown_command, cli.unknown_flag, cli.missing_argument, cli.invalid_value, all exit code 2.
Result<ParsedCommand> parse_command_line(std::span<const std::string> words);

std::string help_for(const CommandSpec& command);
std::string help_overview();
std::string help_for_group(std::string_view group);
/// error code cli.unknown_shell
Result<std::string> completion_script(std::string_view shell);

int run_cli(int argc, char** argv);

}  // namespace wrench::app
