#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/app/console.hpp"
#include "wrench/app/exit_code.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

enum class ValueForm { Text, Number, Duration };

/// `value` empty: a switch. The parser checks choices, numbers and durations, so that no command begins with a wrong
/// one; completion offers the choices, help tells choices, bounds and default.
struct FlagSpec {
  std::string name;  ///< "--fail-on"
  std::string short_name = {};
  std::string value = {};  ///< "SEVERITY"
  std::string summary = {};
  std::vector<std::string> choices = {};
  std::string default_value = {};  ///< For help; empty: none worth telling.
  ValueForm form = ValueForm::Text;
  std::int64_t min = 0, max = 0;  ///< Of a number.
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
  /// Of a flag whose form is Number or Duration: the parser has checked it.
  std::int64_t number(std::string_view flag, std::int64_t fallback) const;
  Micros duration(std::string_view flag, Micros fallback) const;

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
  std::vector<std::string> words = {};  ///< As typed, without the program's name.
  std::string_view format() const;      ///< Resolved from --format, -o, --json.
  /// Prints the error (text on stderr; JSON object on stdout when the format is JSON) and returns its exit code.
  ExitCode fail(const Error& error);
};

/// The one source of parser, help and completion.
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

/// How much room text for people has, and what it may be drawn with.
struct PageStyle {
  std::size_t width = 100;
  bool unicode = true;
};
PageStyle page_style(const Console& console);

std::string help_for(const CommandSpec& command, const PageStyle& style);
std::string help_overview(const PageStyle& style);
std::string help_for_group(std::string_view group, const PageStyle& style);
/// error code cli.unknown_shell
Result<std::string> completion_script(std::string_view shell);

int run_cli(int argc, char** argv);

}  // namespace wrench::app
