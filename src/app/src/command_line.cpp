#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <set>

#include "wrench/app/command.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

constexpr std::size_t kWordsMax = 100'000;

struct BoundFlag {
  const FlagSpec* spec;
  CLI::Option* option;
};
struct BoundCommand {
  const CommandSpec* command;
  CLI::App* app;
  std::vector<BoundFlag> flags;
  std::vector<std::pair<const ArgumentSpec*, CLI::Option*>> arguments;
  CLI::Option* help = nullptr;
};

std::string cli_names(const FlagSpec& flag) {
  return flag.short_name.empty() ? flag.name : flag.short_name + "," + flag.name;
}

CLI::Option* add_flag(CLI::App& app, const FlagSpec& flag) {
  // Values are read back from the option's results, so that one table needs no variable per flag.
  if (flag.value.empty()) return app.add_flag(cli_names(flag), flag.summary);
  auto* option = app.add_option_function<std::vector<std::string>>(
      cli_names(flag), [](const std::vector<std::string>&) {}, flag.summary);
  option->expected(1)->multi_option_policy(flag.repeated ? CLI::MultiOptionPolicy::TakeAll
                                                         : CLI::MultiOptionPolicy::TakeLast);
  return option;
}

Error unknown_flag(std::string_view word, const BoundCommand& bound) {
  const auto name = word.substr(0, word.find('='));
  std::vector<std::string_view> known;
  for (const auto& flag : bound.flags) known.push_back(flag.spec->name);
  Error error("cli.unknown_flag", "unknown flag '" + std::string(name) + "' for 'wrench " + bound.command->path + "'");
  if (const auto guess = nearest(name, known); !guess.empty())
    return std::move(error).with_help("did you mean " + std::string(guess) + "?");
  return std::move(error).with_help("wrench " + bound.command->path + " --help");
}

Error unknown_command(const std::string& group, std::string_view word) {
  std::vector<std::string_view> known;
  const std::string prefix = group.empty() ? "" : group + " ";
  for (const auto& command : commands()) {
    if (!std::string_view(command.path).starts_with(prefix)) continue;
    const auto rest = std::string_view(command.path).substr(prefix.size());
    known.push_back(rest.substr(0, rest.find(' ')));
  }
  const std::string wrench = "wrench " + prefix;
  Error error("cli.unknown_command", "unknown command '" + wrench + std::string(word) + "'");
  if (const auto guess = nearest(word, known); !guess.empty())
    return std::move(error).with_help("did you mean '" + wrench + std::string(guess) + "'?");
  return std::move(error).with_help(group.empty() ? "wrench help" : "wrench help " + group);
}

Result<void> check_choice(std::string_view what, const std::vector<std::string>& choices, const std::string& value,
                          const CommandSpec& command) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  return Error("cli.invalid_value", std::string(what) + ": '" + value + "' is none of " + join(choices, ", "))
      .with_help("wrench " + command.path + " --help");
}

bool is_group(std::string_view path) {
  return std::any_of(commands().begin(), commands().end(),
                     [&](const CommandSpec& c) { return c.path.starts_with(std::string(path) + " "); });
}

}  // namespace

std::string_view Invocation::value(std::string_view flag, std::string_view fallback) const {
  const auto found = flags.find(flag);
  return found == flags.end() || found->second.empty() ? fallback : std::string_view(found->second.back());
}

std::vector<std::string> Invocation::values(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::vector<std::string>{} : found->second;
}

Result<std::int64_t> Invocation::number(std::string_view flag, std::int64_t fallback, std::int64_t min,
                                        std::int64_t max) const {
  if (!has(flag)) return fallback;
  const auto text = value(flag);
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || number < min || number > max)
    return Error("cli.invalid_value", std::string(flag) + ": '" + std::string(text) + "' isn't a whole number from " +
                                          std::to_string(min) + " to " + std::to_string(max));
  return number;
}

Result<ParsedCommand> parse_command_line(std::span<const std::string> words) {
  if (words.size() > kWordsMax) return Error("cli.too_many_arguments", "more than 100,000 arguments");

  // The command is found first, by the table, so that messages can speak of it; CLI11 then parses its flags.
  std::string path;
  std::vector<std::string> rest;
  const CommandSpec* command = nullptr;
  bool wants_help = false;
  std::set<std::string, std::less<>> global_with_value;
  for (const auto& flag : global_flags())
    if (!flag.value.empty()) global_with_value.insert(flag.name);
  std::size_t i = 0;
  for (; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--help" || word == "-h") {
      wants_help = true;
      continue;
    }
    if (word == "--version") {
      path = "version";
      continue;
    }
    if (word.starts_with("-")) {
      if (command != nullptr) break;
      rest.push_back(word);
      if (global_with_value.contains(word) && i + 1 < words.size()) rest.push_back(words[++i]);
      continue;
    }
    const std::string longer = path.empty() ? word : path + " " + word;
    const auto exact =
        std::find_if(commands().begin(), commands().end(), [&](const CommandSpec& c) { return c.path == longer; });
    if (exact == commands().end() && !is_group(longer)) {
      if (command != nullptr) break;
      return unknown_command(path, word);
    }
    path = longer;
    if (exact != commands().end()) {
      command = &*exact;
      if (!is_group(path)) {
        ++i;
        break;
      }
    }
  }
  if (command == nullptr) {
    const auto exact =
        std::find_if(commands().begin(), commands().end(), [&](const CommandSpec& c) { return c.path == path; });
    if (exact != commands().end()) {
      command = &*exact;
    } else {
      ParsedCommand help;
      help.help = true;
      help.help_group = path;
      if (!path.empty() && !wants_help)
        return Error("cli.missing_argument", "'wrench " + path + "' needs a subcommand")
            .with_help("wrench help " + path);
      for (const auto& word : rest)
        if (std::none_of(global_flags().begin(), global_flags().end(),
                         [&](const FlagSpec& f) { return word.substr(0, word.find('=')) == f.name; }) &&
            word.starts_with("-"))
          return Error("cli.unknown_flag", "unknown flag '" + word + "'").with_help("wrench help");
      return help;
    }
  }
  for (; i < words.size(); ++i) rest.push_back(words[i]);

  CLI::App app;
  app.set_help_flag("");
  app.allow_extras(true);
  BoundCommand bound{command, &app, {}, {}};
  bound.help = app.add_flag("-h,--help");
  for (const auto& flag : global_flags()) bound.flags.push_back({&flag, add_flag(app, flag)});
  for (const auto& flag : command->flags) bound.flags.push_back({&flag, add_flag(app, flag)});
  for (const auto& argument : command->arguments) {
    auto* option =
        app.add_option_function<std::vector<std::string>>(argument.name, [](const std::vector<std::string>&) {});
    option->expected(0, static_cast<int>(kWordsMax));
    bound.arguments.emplace_back(&argument, option);
  }
  std::reverse(rest.begin(), rest.end());
  try {
    app.parse(rest);
  } catch (const CLI::ParseError& failure) {
    return Error("cli.invalid_value", failure.what()).with_help("wrench " + command->path + " --help");
  }

  ParsedCommand parsed;
  parsed.command = command;
  parsed.help = wants_help || bound.help->count() > 0;
  if (parsed.help) return parsed;
  for (const auto& extra : app.remaining(true)) {
    if (extra == "--") continue;
    if (extra.starts_with("-") && extra.size() > 1) return unknown_flag(extra, bound);
    return Error("cli.too_many_arguments", "'wrench " + command->path + "' takes no argument '" + extra + "'")
        .with_help("wrench " + command->path + " --help");
  }
  for (const auto& flag : bound.flags) {
    if (flag.option->count() == 0) continue;
    auto values = flag.spec->value.empty() ? std::vector<std::string>{} : flag.option->results();
    for (const auto& value : values) WRENCH_TRY(check_choice(flag.spec->name, flag.spec->choices, value, *command));
    parsed.invocation.flags.emplace(flag.spec->name, std::move(values));
  }
  for (const auto& [argument, option] : bound.arguments) {
    auto values = option->results();
    if (argument->required && values.empty())
      return Error("cli.missing_argument", "'wrench " + command->path + "' needs " + argument->name)
          .with_help("wrench " + command->path + " --help");
    if (!argument->repeated && values.size() > 1)
      return Error("cli.too_many_arguments",
                   "'wrench " + command->path + "' takes one " + argument->name + ", not '" + values[1] + "' too")
          .with_help("wrench " + command->path + " --help");
    for (auto& value : values) {
      WRENCH_TRY(check_choice(argument->name, argument->choices, value, *command));
      parsed.invocation.arguments.push_back(std::move(value));
    }
  }
  return parsed;
}

}  // namespace wrench::app
