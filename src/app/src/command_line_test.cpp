#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "wrench/app/command.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {
namespace {

Result<ParsedCommand> parse(std::vector<std::string> words) { return parse_command_line(words); }

TEST(CommandLine, FlagsMayStandBeforeOrAfterTheCommand) {
  for (const auto& words : {std::vector<std::string>{"--data-dir", "d", "version"},
                            {"version", "--data-dir", "d"},
                            {"version", "--data-dir=d"}}) {
    auto parsed = parse(words);
    ASSERT_TRUE(parsed) << describe(parsed.error());
    EXPECT_EQ(parsed->command->path, "version");
    EXPECT_EQ(parsed->invocation.value("--data-dir"), "d");
  }
}

TEST(CommandLine, NamesTheNearestCommandAndFlag) {
  auto command = parse({"verson"});
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().code, "cli.unknown_command");
  EXPECT_THAT(command.error().help, testing::ElementsAre("did you mean 'wrench version'?"));
  auto flag = parse({"version", "--jsno"});
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().code, "cli.unknown_flag");
  EXPECT_THAT(flag.error().help, testing::ElementsAre("did you mean --json?"));
}

TEST(CommandLine, RefusesChoicesArgumentsAndMissingValues) {
  EXPECT_EQ(parse({"completion", "tcsh"}).error().code, "cli.invalid_value");
  EXPECT_EQ(parse({"completion"}).error().code, "cli.missing_argument");
  EXPECT_EQ(parse({"completion", "bash", "zsh"}).error().code, "cli.too_many_arguments");
  EXPECT_EQ(parse({"version", "--data-dir"}).error().code, "cli.invalid_value");
  EXPECT_EQ(parse({"version", "--color", "blue"}).error().code, "cli.invalid_value");
}

TEST(CommandLine, AFlagTakesOneValueAndLeavesTheArguments) {
  auto parsed = parse({"scan", "--format", "json", "--rules", "a.yaml", "src", "--rules", "b.yaml", "lib"});
  ASSERT_TRUE(parsed) << describe(parsed.error());
  EXPECT_THAT(parsed->invocation.arguments, testing::ElementsAre("src", "lib"));
  EXPECT_THAT(parsed->invocation.values("--rules"), testing::ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(parsed->invocation.value("--format"), "json");
}

TEST(CommandLine, ChecksValuesBeforeAnyCommandRuns) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"review", "--top", "x"},
                                                                 {"review", "--top", "-1"},
                                                                 {"review", "--timeout", "5"},
                                                                 {"review", "--timeout", "0s"},
                                                                 {"review", "--timeout", "999999999w"},
                                                                 {"review", "--agents", ""},
                                                                 {"review", "--all=yes"},
                                                                 {"review", "--json", "--format", "html"},
                                                                 {"task", "list", "--limit", "201"}})
    EXPECT_EQ(parse(words).error().code, "cli.invalid_value") << words.back();
  EXPECT_EQ(parse({"task", "list", "--limit", "200"})->invocation.number("--limit", 20), 200);
  EXPECT_EQ(parse({"task", "list"})->invocation.number("--limit", 20), 20);
  EXPECT_EQ(parse({"review", "--timeout", "1m30s"})->invocation.duration("--timeout", 0), 90 * kMicrosPerSecond);
}

TEST(CommandLine, SaysWhatAFlagBeforeTheCommandLacks) {
  EXPECT_THAT(parse({"--data-dir"}).error().message, testing::HasSubstr("--data-dir needs a value"));
  EXPECT_THAT(parse({"review", "--top"}).error().message, testing::HasSubstr("--top needs a value: --top N"));
  // "json" isn't the command.
  EXPECT_THAT(parse({"--format", "json", "scan"}).error().message, testing::HasSubstr("stands behind"));
  EXPECT_THAT(parse({"--quite"}).error().help, testing::ElementsAre("did you mean --quiet?"));
}

TEST(CommandLine, HelpIsAskedForAnywhere) {
  EXPECT_TRUE(parse({"version", "--help"})->help);
  EXPECT_TRUE(parse({"-h"})->help);
  EXPECT_TRUE(parse({"--help", "version"})->help);
}

TEST(CommandLine, EveryErrorOfParsingIsAUsageError) {
  for (const auto& words :
       {std::vector<std::string>{"nope"}, {"version", "--nope"}, {"completion"}, {"completion", "x"}, {"--nope"}}) {
    auto parsed = parse(words);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(exit_code(parsed.error()), ExitCode::Usage) << describe(parsed.error());
  }
}

TEST(Help, EveryCommandHasSummaryExampleAndUniqueFlags) {
  std::set<std::string> paths;
  for (const auto& command : commands()) {
    EXPECT_TRUE(paths.insert(command.path).second) << command.path;
    EXPECT_FALSE(command.summary.empty()) << command.path;
    EXPECT_FALSE(command.examples.empty()) << command.path;
    EXPECT_NE(command.run, nullptr) << command.path;
    std::set<std::string> names;
    for (const auto& flag : command.flags)
      EXPECT_TRUE(names.insert(flag.name).second) << command.path << " " << flag.name;
    for (const auto& flag : global_flags())
      EXPECT_TRUE(names.insert(flag.name).second) << command.path << " " << flag.name;
    const auto help = help_for(command, {});
    for (const auto& name : names) EXPECT_THAT(help, testing::HasSubstr(name));
  }
}

TEST(CommandLine, ArgumentsAreTakenInTheirOrder) {
  const std::vector<std::string> words = {"approval", "answer", "abcdef", "8080"};
  const auto parsed = parse_command_line(words);
  ASSERT_TRUE(parsed.ok()) << describe(parsed.error());
  EXPECT_EQ(parsed->invocation.arguments, (std::vector<std::string>{"abcdef", "8080"}));
  const std::vector<std::string> few = {"approval", "answer", "abcdef"};
  EXPECT_EQ(parse_command_line(few).error().code, "cli.missing_argument");
  const std::vector<std::string> many = {"approval", "answer", "abcdef", "8080", "9090"};
  EXPECT_EQ(parse_command_line(many).error().code, "cli.too_many_arguments");
}

TEST(Help, FitsTheScreenAndItsCharacters) {
  for (const std::size_t width : {40U, 80U, 200U}) {
    for (const auto& command : commands()) {
      const auto help = help_for(command, {.width = width, .unicode = false});
      EXPECT_TRUE(std::all_of(help.begin(), help.end(), [](char c) { return c > 0; })) << command.path;
      bool examples = false;
      for (const auto line : split(help, '\n')) {
        examples = line == "Examples:" || (examples && !line.empty());
        // A command line that broke couldn't be copied.
        if (!examples) EXPECT_LE(display_width(line), std::max<std::size_t>(width, 48)) << line;
      }
    }
  }
}

TEST(Help, CompletionKnowsEveryCommandAndFlag) {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    auto script = completion_script(shell);
    ASSERT_TRUE(script);
    for (const auto& command : commands())
      for (const auto& flag : command.flags) EXPECT_THAT(*script, testing::HasSubstr(flag.name.substr(2))) << shell;
  }
  EXPECT_EQ(completion_script("csh").error().code, "cli.unknown_shell");
}

TEST(ExitCodes, LongestPrefixDecidesAndTheTableIsComplete) {
  EXPECT_EQ(exit_code(Error("workflow.task_not_found", "")), ExitCode::NotFound);
  EXPECT_EQ(exit_code(Error("storage.corrupt", "")), ExitCode::OperationFailed);
  EXPECT_EQ(exit_code(Error("storage.busy", "")), ExitCode::Unreachable);
  EXPECT_EQ(exit_code(Error("anything.else", "")), ExitCode::OperationFailed);
  EXPECT_EQ(exit_code_meanings().size(), 14U);
}

TEST(ExitCodes, MoreUrgentFollowsTheDocumentedOrder) {
  EXPECT_EQ(more_urgent(ExitCode::AnswerIsNo, ExitCode::Partial), ExitCode::AnswerIsNo);
  EXPECT_EQ(more_urgent(ExitCode::Interrupted, ExitCode::AnswerIsNo), ExitCode::Interrupted);
  EXPECT_EQ(more_urgent(ExitCode::OperationFailed, ExitCode::Usage), ExitCode::Usage);
  EXPECT_EQ(more_urgent(ExitCode::Done, ExitCode::Partial), ExitCode::Partial);
  EXPECT_EQ(more_urgent(ExitCode::NotFound, ExitCode::Done), ExitCode::NotFound);
}

}  // namespace
}  // namespace wrench::app
