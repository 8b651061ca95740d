#include "commands/commands.hpp"

namespace wrench::app {

namespace {

const std::vector<std::string> kTextOrJson = {"text", "json"};

std::vector<FlagSpec> with_output(std::vector<std::string> formats, std::vector<FlagSpec> flags) {
  flags.push_back({.name = "--format",
                   .short_name = "-o",
                   .value = "FMT",
                   .summary = "form of the result",
                   .choices = std::move(formats)});
  flags.push_back({.name = "--json", .summary = "short for --format json"});
  flags.push_back({.name = "--output",
                   .value = "FILE",
                   .summary = "write the result there, by atomic rename, instead of to standard output"});
  return flags;
}

const std::vector<CommandSpec>& table() {
  static const std::vector<CommandSpec> specs = {
      {.path = "version",
       .summary = "Print the version",
       .flags = with_output(kTextOrJson, {}),
       .formats = kTextOrJson,
       .examples = {{"wrench version --json", "for a program"}},
       .run = run_version},
      {.path = "completion",
       .summary = "Print a completion script",
       .arguments = {{.name = "SHELL", .summary = "your shell", .required = true, .choices = {"bash", "zsh", "fish"}}},
       .examples = {{"source <(wrench completion bash)", "in ~/.bashrc"}},
       .run = run_completion},
      {.path = "help",
       .summary = "Help on a command, or on exit-codes, environment, formats",
       .arguments = {{.name = "TOPIC", .summary = "command words or a topic", .repeated = true}},
       .examples = {{"wrench help task resume", "one command"}},
       .run = run_help},
  };
  return specs;
}

}  // namespace

std::span<const CommandSpec> commands() { return table(); }

std::span<const FlagSpec> global_flags() {
  static const std::vector<FlagSpec> flags = {
      {.name = "--data-dir",
       .value = "DIR",
       .summary = "where tasks and results are kept (WRENCH_DATA_DIR; default: XDG data folder)"},
      {.name = "--no-project-config", .summary = "ignore .wrench.yaml of the reviewed tree"},
      {.name = "--timeout", .value = "DURATION", .summary = "give up after that time, e.g. 10m (exit 8)"},
      {.name = "--quiet", .short_name = "-q", .summary = "no notes, no progress"},
      {.name = "--verbose", .short_name = "-v", .summary = "more about errors and what is done"},
      {.name = "--progress",
       .value = "WHEN",
       .summary = "how progress is shown",
       .choices = {"auto", "plain", "json", "none"}},
      {.name = "--color", .value = "WHEN", .summary = "when colour is used", .choices = {"auto", "always", "never"}},
      {.name = "--no-color", .summary = "short for --color never"},
  };
  return flags;
}

}  // namespace wrench::app
