#include <algorithm>
#include <set>

#include "layout.hpp"
#include "wrench/app/command.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"

namespace wrench::app {

namespace {

/// Lines of prose that are longer are hard to read, however wide the screen is.
constexpr std::size_t kTextWidthMax = 100;

PageStyle readable(PageStyle style) {
  style.width = std::min(style.width, kTextWidthMax);
  return style;
}

std::string paragraph(std::string_view text, const PageStyle& style) {
  return join(wrap(text, style.width), "\n") + "\n";
}

std::string_view more(const PageStyle& style) { return style.unicode ? "…" : "..."; }

std::string flag_label(const FlagSpec& flag, const PageStyle& style) {
  std::string label = flag.short_name.empty() ? "" : flag.short_name + ", ";
  label += flag.name;
  if (!flag.value.empty()) label += " " + flag.value;
  if (flag.repeated) label += more(style);
  return label;
}

std::string flag_summary(const FlagSpec& flag) {
  std::string text = flag.summary;
  if (!flag.choices.empty()) text += ": " + join(flag.choices, ", ");
  if (flag.form == ValueForm::Number) text += ", " + std::to_string(flag.min) + " to " + std::to_string(flag.max);
  if (!flag.default_value.empty()) text += " (default " + flag.default_value + ")";
  if (flag.repeated) text += "; may be given several times";
  return text;
}

std::string flag_table(std::span<const FlagSpec> flags, const PageStyle& style) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& flag : flags) rows.emplace_back(flag_label(flag, style), flag_summary(flag));
  return two_columns(rows, style);
}

std::string usage(const CommandSpec& command, const PageStyle& style) {
  std::string line = "wrench " + command.path;
  for (const auto& argument : command.arguments) {
    const std::string label = argument.name + (argument.repeated ? std::string(more(style)) : "");
    line += argument.required ? " " + label : " [" + label + "]";
  }
  return line + " [flags]";
}

}  // namespace

PageStyle page_style(const Console& console) { return {console.width(), console.unicode()}; }

std::string help_for(const CommandSpec& command, const PageStyle& page) {
  const auto style = readable(page);
  std::string out = paragraph(command.summary, style) + "\nUsage: " + usage(command, style) + "\n";
  if (!command.description.empty())
    for (const auto text : split(command.description, '\n')) out += "\n" + paragraph(text, style);
  if (!command.arguments.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& argument : command.arguments)
      rows.emplace_back(argument.name, argument.choices.empty()
                                           ? argument.summary
                                           : argument.summary + ": " + join(argument.choices, ", "));
    out += "\nArguments:\n" + two_columns(rows, style);
  }
  if (!command.examples.empty()) out += "\nExamples:\n" + two_columns(command.examples, style);
  if (!command.flags.empty()) out += "\nFlags:\n" + flag_table(command.flags, style);
  out += "\nGlobal flags:\n" + flag_table(global_flags(), style);
  out += "\nExit codes: wrench help exit-codes\n";
  return out;
}

std::string help_for_group(std::string_view group, const PageStyle& page) {
  const auto style = readable(page);
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& command : commands())
    if (group.empty() || command.path.starts_with(std::string(group) + " ") || command.path == group)
      rows.emplace_back("wrench " + command.path, command.summary);
  if (group.empty())
    return paragraph("WrenchAI " + std::string(version()) + ": finds problems in code, with evidence, on your machine.",
                     style) +
           "\nCommands:\n" + two_columns(rows, style) + "\nGlobal flags:\n" + flag_table(global_flags(), style) +
           "\nMore:\n" +
           two_columns({{"wrench COMMAND --help", "arguments, flags and examples of a command"},
                        {"wrench help exit-codes", "what each exit code means"},
                        {"wrench help environment", "variables that are read"},
                        {"wrench help formats", "forms of reports"}},
                       style);
  return "Commands of 'wrench " + std::string(group) + "':\n" + two_columns(rows, style) + "\nMore: wrench " +
         std::string(group) + " COMMAND --help\n";
}

std::string help_overview(const PageStyle& page) {
  return "WrenchAI " + std::string(version()) + "\n\n" +
         two_columns({{"wrench review .", "find problems here, ranked, with evidence"},
                      {"wrench scan .", "the code engine alone, one line a finding"},
                      {"wrench task list", "what ran, what was interrupted, what to resume"},
                      {"wrench doctor", "check this machine"},
                      {"wrench help", "all commands"}},
                     readable(page));
}

namespace {

std::vector<std::string> words_after(std::string_view prefix) {
  std::set<std::string> words;
  for (const auto& command : commands()) {
    if (!prefix.empty() && !command.path.starts_with(std::string(prefix) + " ")) continue;
    const auto rest = std::string_view(command.path).substr(prefix.empty() ? 0 : prefix.size() + 1);
    words.insert(std::string(rest.substr(0, rest.find(' '))));
  }
  return {words.begin(), words.end()};
}

std::vector<std::string> flag_words(const CommandSpec& command) {
  std::vector<std::string> words;
  for (const auto& flag : command.flags) words.push_back(flag.name);
  for (const auto& flag : global_flags()) words.push_back(flag.name);
  words.emplace_back("--help");
  return words;
}

std::set<std::string> groups() {
  std::set<std::string> out;
  for (const auto& command : commands())
    if (const auto space = command.path.find(' '); space != std::string::npos)
      out.insert(command.path.substr(0, space));
  return out;
}

std::string bash_completion() {
  std::string out =
      "# bash completion for wrench. Load it: source <(wrench completion bash)\n"
      "_wrench() {\n"
      "  local cur prev path=\"\" i word\n"
      "  cur=\"${COMP_WORDS[COMP_CWORD]:-}\"; prev=\"${COMP_WORDS[COMP_CWORD-1]:-}\"\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=\"${COMP_WORDS[i]}\"\n"
      "    case \"$path|$word\" in\n";
  for (const auto& group : groups()) out += "      \"|" + group + "\") path=\"" + group + "\" ;;\n";
  for (const auto& command : commands()) {
    const auto space = command.path.find(' ');
    if (space == std::string::npos)
      out += "      \"|" + command.path + "\") path=\"" + command.path + "\" ;;\n";
    else
      out += "      \"" + command.path.substr(0, space) + "|" + command.path.substr(space + 1) + "\") path=\"" +
             command.path + "\" ;;\n";
  }
  out += "    esac\n  done\n  case \"$path:$prev\" in\n";
  for (const auto& command : commands())
    for (const auto& flag : command.flags)
      if (!flag.choices.empty())
        out += "    \"" + command.path + ":" + flag.name + "\") COMPREPLY=($(compgen -W \"" + join(flag.choices, " ") +
               "\" -- \"$cur\")); return ;;\n";
  for (const auto& flag : global_flags())
    if (!flag.choices.empty())
      out += "    *\":" + flag.name + "\") COMPREPLY=($(compgen -W \"" + join(flag.choices, " ") +
             "\" -- \"$cur\")); return ;;\n";
  out += "  esac\n  case \"$path\" in\n    \"\") COMPREPLY=($(compgen -W \"" + join(words_after(""), " ") +
         "\" -- \"$cur\")) ;;\n";
  for (const auto& group : groups())
    out +=
        "    \"" + group + "\") COMPREPLY=($(compgen -W \"" + join(words_after(group), " ") + "\" -- \"$cur\")) ;;\n";
  for (const auto& command : commands()) {
    std::vector<std::string> choices;
    for (const auto& argument : command.arguments)
      choices.insert(choices.end(), argument.choices.begin(), argument.choices.end());
    out +=
        "    \"" + command.path + "\")\n      if [[ \"$cur\" == -* ]]; then COMPREPLY=($(compgen -W \"" +
        join(flag_words(command), " ") + "\" -- \"$cur\"))\n      else COMPREPLY=(" +
        (choices.empty() ? "$(compgen -f -- \"$cur\")" : "$(compgen -W \"" + join(choices, " ") + "\" -- \"$cur\")") +
        "); fi ;;\n";
  }
  out += "  esac\n}\ncomplete -o filenames -F _wrench wrench\n";
  return out;
}

std::string quoted_for_zsh(std::string text) {
  text = replace_all(std::move(text), "'", "'\\''");
  text = replace_all(std::move(text), "[", "\\[");
  text = replace_all(std::move(text), "]", "\\]");
  return replace_all(std::move(text), ":", "\\:");
}

std::string zsh_flags(std::span<const FlagSpec> flags) {
  std::string out;
  for (const auto& flag : flags) {
    out += " '" + std::string(flag.repeated ? "*" : "") + flag.name + "[" + quoted_for_zsh(flag.summary) + "]";
    if (!flag.value.empty())
      out += ":" + flag.value + ":" + (flag.choices.empty() ? "_files" : "(" + join(flag.choices, " ") + ")");
    out += "'";
  }
  return out;
}

std::string zsh_completion() {
  std::string out =
      "#compdef wrench\n# zsh completion for wrench. Save as _wrench in a folder of $fpath.\n_wrench() {\n"
      "  local -a words_here\n  local path=\"${words[2]:-}\"\n"
      "  if (( CURRENT == 2 )); then\n    words_here=(";
  for (const auto& word : words_after("")) {
    std::string summary = "commands";
    for (const auto& command : commands())
      if (command.path == word) summary = command.summary;
    out += " '" + word + ":" + quoted_for_zsh(summary) + "'";
  }
  out += " )\n    _describe command words_here\n    return\n  fi\n  case \"$path\" in\n";
  for (const auto& group : groups()) {
    out += "    " + group + ")\n      if (( CURRENT == 3 )); then\n        words_here=(";
    for (const auto& word : words_after(group)) out += " '" + word + "'";
    out += " )\n        _describe subcommand words_here\n        return\n      fi\n      case \"${words[3]:-}\" in\n";
    for (const auto& command : commands())
      if (command.path.starts_with(group + " "))
        out += "        " + command.path.substr(group.size() + 1) + ") _arguments" + zsh_flags(command.flags) +
               zsh_flags(global_flags()) + " '*:file:_files' ;;\n";
    out += "      esac ;;\n";
  }
  for (const auto& command : commands())
    if (command.path.find(' ') == std::string::npos && !groups().contains(command.path))
      out += "    " + command.path + ") _arguments" + zsh_flags(command.flags) + zsh_flags(global_flags()) +
             " '*:file:_files' ;;\n";
  out += "  esac\n}\n_wrench \"$@\"\n";
  return out;
}

std::string quoted_for_fish(std::string text) {
  return replace_all(replace_all(std::move(text), "\\", "\\\\"), "'", "\\'");
}

std::string fish_completion() {
  std::string out =
      "# fish completion for wrench. Load it: wrench completion fish | source\ncomplete -c wrench -n "
      "__fish_use_subcommand -f\n";
  for (const auto& word : words_after("")) {
    std::string summary;
    for (const auto& command : commands())
      if (command.path == word) summary = command.summary;
    out += "complete -c wrench -n __fish_use_subcommand -a " + word +
           (summary.empty() ? "" : " -d '" + quoted_for_fish(summary) + "'") + "\n";
  }
  const auto flag_line = [](const std::string& condition, const FlagSpec& flag) {
    std::string line = "complete -c wrench -n '" + condition + "' -l " + flag.name.substr(2);
    if (!flag.short_name.empty()) line += " -s " + flag.short_name.substr(1);
    if (!flag.value.empty()) line += flag.choices.empty() ? " -r" : " -x -a '" + join(flag.choices, " ") + "'";
    return line + " -d '" + quoted_for_fish(flag.summary) + "'\n";
  };
  for (const auto& command : commands()) {
    const auto space = command.path.find(' ');
    std::string condition = "__fish_seen_subcommand_from " + command.path.substr(0, space);
    if (space != std::string::npos) {
      out += "complete -c wrench -n '" + condition + "; and not __fish_seen_subcommand_from " +
             join(words_after(command.path.substr(0, space)), " ") + "' -f -a " + command.path.substr(space + 1) +
             " -d '" + quoted_for_fish(command.summary) + "'\n";
      condition += "; and __fish_seen_subcommand_from " + command.path.substr(space + 1);
    }
    for (const auto& flag : command.flags) out += flag_line(condition, flag);
  }
  for (const auto& flag : global_flags()) out += flag_line("true", flag);
  return out;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_completion();
  if (shell == "zsh") return zsh_completion();
  if (shell == "fish") return fish_completion();
  return Error("cli.unknown_shell", "no completion for '" + std::string(shell) + "': bash, zsh or fish");
}

}  // namespace wrench::app
