#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <optional>

#include "wrench/app/command.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

constexpr std::size_t kWordsMax = 100'000;
/// Far from the end of the clock, to which it is added.
constexpr Micros kDurationMax = 365 * kMicrosPerDay;

struct BoundFlag {
  const FlagSpec* spec;
  CLI::Option* option;
};
struct BoundCommand {
  const CommandSpec* command;
  std::vector<BoundFlag> flags;
  std::vector<std::pair<const ArgumentSpec*, CLI::Option*>> arguments;
  CLI::Option* help;
};

std::string cli_names(const FlagSpec& flag) {
  return flag.short_name.empty() ? flag.name : flag.short_name + "," + flag.name;
}

CLI::Option* add_flag(CLI::App& app, const FlagSpec& flag) {
  // Values are read back from the option's results, so that one table needs no variable per flag.
  if (flag.value.empty()) return app.add_flag(cli_names(flag), flag.summary);
  auto* option = app.add_option_function<std::vector<std::string>>(
      cli_names(flag), [](const std::vector<std::string>&) {}, flag.summary);
  // One value each: by default a list would swallow the arguments behind it.
  option->expected(1)->allow_extra_args(false)->multi_option_policy(flag.repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                                  : CLI::MultiOptionPolicy::TakeLast);
  return option;
}

std::string help_command(std::string_view path) { return "wrench " + std::string(path) + " --help"; }

/// `flags` are those that would be known here; `of` names where, e.g. "'wrench scan'".
Error unknown_flag(std::string_view word, std::span<const FlagSpec* const> flags, std::string_view of,
                   std::string help) {
  const auto name = word.substr(0, word.find('='));
  std::vector<std::string_view> known;
  for (const auto* flag : flags) known.push_back(flag->name);
  Error error("cli.unknown_flag", "unknown flag '" + std::string(name) + "'" + std::string(of));
  if (const auto guess = nearest(name, known); !guess.empty())
    return std::move(error).with_help("did you mean " + std::string(guess) + "?");
  return std::move(error).with_help(std::move(help));
}

Error missing_value(const FlagSpec& flag, std::string help) {
  return Error("cli.invalid_value", flag.name + " needs a value: " + flag.name + " " + flag.value)
      .with_help(std::move(help));
}

const FlagSpec* find_flag(std::span<const FlagSpec> flags, std::string_view word) {
  const auto name = word.substr(0, word.find('='));
  const auto found = std::find_if(flags.begin(), flags.end(), [&](const FlagSpec& flag) {
    return flag.name == name || (!flag.short_name.empty() && flag.short_name == name);
  });
  return found == flags.end() ? nullptr : &*found;
}

/// A flag with a value that only some command knows: what follows it mustn't be taken for the command.
const FlagSpec* find_command_flag_with_value(std::string_view word) {
  for (const auto& command : commands())
    if (const auto* flag = find_flag(command.flags, word); flag != nullptr && !flag->value.empty()) return flag;
  return nullptr;
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
  Error error("cli.invalid_value", std::string(what) + ": '" + value + "' is none of " + join(choices, ", "));
  const std::vector<std::string_view> known(choices.begin(), choices.end());
  if (const auto guess = nearest(value, known); !guess.empty())
    return std::move(error).with_help("did you mean " + std::string(guess) + "?");
  return std::move(error).with_help(help_command(command.path));
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<void> check_value(const FlagSpec& flag, const std::string& value, const CommandSpec& command) {
  if (value.empty())
    return Error("cli.invalid_value", flag.name + ": the value is empty").with_help(help_command(command.path));
  auto chosen = check_choice(flag.name, flag.choices, value, command);
  // In many programs -o names the file.
  if (!chosen && flag.name == "--format" && value.find_first_of("./") != std::string::npos)
    return std::move(chosen).error().with_help("to write into a file: --output " + value);
  WRENCH_TRY(std::move(chosen));
  if (flag.form == ValueForm::Number) {
    if (const auto number = parse_number(value); !number || *number < flag.min || *number > flag.max)
      return Error("cli.invalid_value", flag.name + ": '" + value + "' isn't a whole number from " +
                                            std::to_string(flag.min) + " to " + std::to_string(flag.max))
          .with_help(help_command(command.path));
  } else if (flag.form == ValueForm::Duration) {
    const auto duration = parse_duration(value);
    if (!duration) return Error("cli.invalid_value", flag.name + ": " + duration.error().message);
    if (*duration < 1 || *duration > kDurationMax)
      return Error("cli.invalid_value", flag.name + ": '" + value + "' isn't a time from 1us to 365d");
  }
  return {};
}

/// --json is short for --format json, so another --format contradicts it.
Result<void> check_format(const Invocation& invocation) {
  if (!invocation.has("--json") || invocation.value("--format", "json") == "json") return {};
  return Error("cli.invalid_value",
               "--json and --format " + std::string(invocation.value("--format")) + " contradict each other");
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

std::int64_t Invocation::number(std::string_view flag, std::int64_t fallback) const {
  if (!has(flag)) return fallback;
  const auto number = parse_number(value(flag));
  WRENCH_ASSERT(number.has_value());  // Its form in the table is Number.
  return *number;
}

Micros Invocation::duration(std::string_view flag, Micros fallback) const {
  if (!has(flag)) return fallback;
  const auto duration = parse_duration(value(flag));
  WRENCH_ASSERT(duration.ok());  // Its form in the table is Duration.
  return *duration;
}

namespace {

/// What of the words names the command; the rest goes to CLI11.
struct Found {
  const CommandSpec* command = nullptr;
  std::string path;  ///< Of the command, or of a group, or empty.
  std::vector<std::string> rest;
  bool wants_help = false;
};

const CommandSpec* find_command(std::string_view path) {
  const auto found =
      std::find_if(commands().begin(), commands().end(), [&](const CommandSpec& c) { return c.path == path; });
  return found == commands().end() ? nullptr : &*found;
}

/// Takes one flag that stands before the command, with its value.
Result<void> take_flag(std::span<const std::string> words, std::size_t& i, Found& found) {
  const auto& word = words[i];
  const bool joined = word.find('=') != std::string::npos;
  if (const auto* flag = find_flag(global_flags(), word)) {
    found.rest.push_back(word);
    if (flag->value.empty() || joined) return {};
    if (i + 1 == words.size()) return missing_value(*flag, "wrench help");
    found.rest.push_back(words[++i]);
    return {};
  }
  if (const auto* flag = find_command_flag_with_value(word); flag != nullptr && !joined)
    return Error("cli.unknown_flag", word + " is a flag of some commands and stands behind theirs")
        .with_help("wrench help");
  found.rest.push_back(word);
  return {};
}

/// The command is found first, by the table, so that messages can speak of it.
Result<Found> find_command(std::span<const std::string> words) {
  Found found;
  std::size_t i = 0;
  for (; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--help" || word == "-h") {
      found.wants_help = true;
      continue;
    }
    if (word == "--version") {
      found.path = "version";
      continue;
    }
    if (word.starts_with("-")) {
      if (found.command != nullptr) break;
      WRENCH_TRY(take_flag(words, i, found));
      continue;
    }
    const std::string longer = found.path.empty() ? word : found.path + " " + word;
    const auto* exact = find_command(longer);
    if (exact == nullptr && !is_group(longer)) {
      if (found.command != nullptr) break;
      return unknown_command(found.path, word);
    }
    found.path = longer;
    if (exact == nullptr) continue;
    found.command = exact;
    if (is_group(longer)) continue;
    ++i;
    break;
  }
  if (found.command == nullptr) found.command = find_command(found.path);
  found.rest.insert(found.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
  return found;
}

/// `wrench`, `wrench --help`, `wrench task --help`.
Result<ParsedCommand> only_help(const Found& found) {
  if (!found.path.empty() && !found.wants_help)
    return Error("cli.missing_argument", "'wrench " + found.path + "' needs a subcommand")
        .with_help("wrench help " + found.path);
  std::vector<const FlagSpec*> known;
  for (const auto& flag : global_flags()) known.push_back(&flag);
  for (const auto& word : found.rest)
    if (word.starts_with("-") && find_flag(global_flags(), word) == nullptr)
      return unknown_flag(word, known, "", "wrench help");
  ParsedCommand parsed;
  parsed.help = true;
  parsed.help_group = found.path;
  return parsed;
}

/// CLI11's message names the option first; ours says what is missing.
Error parse_error(const CLI::ParseError& failure, const BoundCommand& bound) {
  const std::string_view what = failure.what();
  for (const auto& flag : bound.flags)
    if (what.starts_with(flag.option->get_name() + ":") && !flag.spec->value.empty())
      return missing_value(*flag.spec, help_command(bound.command->path));
  return Error("cli.invalid_value", std::string(what)).with_help(help_command(bound.command->path));
}

Result<void> take_arguments(BoundCommand& bound, Invocation& invocation) {
  const std::string name = "'wrench " + bound.command->path + "'";
  // The first option has all words: each argument takes one, a repeated one what is left.
  std::vector<std::string> words;
  for (const auto& [argument, option] : bound.arguments)
    for (const auto& word : option->results()) words.push_back(word);
  std::size_t next = 0;
  for (const auto& [argument, option] : bound.arguments) {
    const std::size_t end = argument->repeated ? words.size() : std::min(words.size(), next + 1);
    if (argument->required && next == end)
      return Error("cli.missing_argument", name + " needs " + argument->name)
          .with_help(help_command(bound.command->path));
    for (; next < end; ++next) {
      WRENCH_TRY(check_choice(argument->name, argument->choices, words[next], *bound.command));
      invocation.arguments.push_back(words[next]);
    }
  }
  if (next < words.size())
    return Error("cli.too_many_arguments",
                 name + " takes one " + bound.arguments.back().first->name + ", not '" + words[next] + "' too")
        .with_help(help_command(bound.command->path));
  return {};
}

Result<void> take_flags(BoundCommand& bound, Invocation& invocation) {
  for (const auto& flag : bound.flags) {
    if (flag.option->count() == 0) continue;
    auto values = flag.option->results();
    if (flag.spec->value.empty()) {
      if (values != std::vector<std::string>(values.size(), "true"))
        return Error("cli.invalid_value", flag.spec->name + " takes no value")
            .with_help(help_command(bound.command->path));
      values.clear();
    }
    for (const auto& value : values) WRENCH_TRY(check_value(*flag.spec, value, *bound.command));
    invocation.flags.emplace(flag.spec->name, std::move(values));
  }
  return check_format(invocation);
}

}  // namespace

Result<ParsedCommand> parse_command_line(std::span<const std::string> words) {
  if (words.size() > kWordsMax) return Error("cli.too_many_arguments", "more than 100,000 arguments");
  auto found = WRENCH_TRY(find_command(words));
  if (found.command == nullptr) return only_help(found);

  CLI::App app;
  app.set_help_flag("");
  app.allow_extras(true);
  BoundCommand bound{found.command, {}, {}, nullptr};
  bound.help = app.add_flag("-h,--help");
  for (const auto& flag : global_flags()) bound.flags.push_back({&flag, add_flag(app, flag)});
  for (const auto& flag : found.command->flags) bound.flags.push_back({&flag, add_flag(app, flag)});
  for (const auto& argument : found.command->arguments) {
    auto* option =
        app.add_option_function<std::vector<std::string>>(argument.name, [](const std::vector<std::string>&) {});
    option->expected(0, static_cast<int>(kWordsMax));
    bound.arguments.emplace_back(&argument, option);
  }
  std::reverse(found.rest.begin(), found.rest.end());
  try {
    app.parse(found.rest);
  } catch (const CLI::ParseError& failure) {
    return parse_error(failure, bound);
  }

  ParsedCommand parsed;
  parsed.command = found.command;
  parsed.help = found.wants_help || bound.help->count() > 0;
  if (parsed.help) return parsed;
  for (const auto& extra : app.remaining(true)) {
    if (extra == "--") continue;
    const std::string name = "'wrench " + found.command->path + "'";
    if (extra.starts_with("-") && extra.size() > 1) {
      std::vector<const FlagSpec*> known;
      for (const auto& flag : bound.flags) known.push_back(flag.spec);
      return unknown_flag(extra, known, " for " + name, help_command(found.command->path));
    }
    return Error("cli.too_many_arguments", name + " takes no argument '" + extra + "'")
        .with_help(help_command(found.command->path));
  }
  WRENCH_TRY(take_flags(bound, parsed.invocation));
  WRENCH_TRY(take_arguments(bound, parsed.invocation));
  return parsed;
}

}  // namespace wrench::app
