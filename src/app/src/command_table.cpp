#include "commands/commands.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::app {

namespace {

const std::vector<std::string> kSeverities = {"info", "low", "medium", "high", "critical", "none"};
const std::vector<std::string> kReportFormats = {"text", "json", "sarif", "semgrep-json", "junit", "markdown", "html"};
const std::vector<std::string> kTextOrJson = {"text", "json"};

std::vector<FlagSpec> with_output(std::vector<std::string> formats, std::vector<FlagSpec> flags) {
  const auto first = formats.front();
  flags.push_back({.name = "--format",
                   .short_name = "-o",
                   .value = "FMT",
                   .summary = "form of the result",
                   .choices = std::move(formats),
                   .default_value = first});
  flags.push_back({.name = "--json", .summary = "short for --format json"});
  flags.push_back({.name = "--output",
                   .value = "FILE",
                   .summary =
                       "write the result there instead of to standard output; a file that is there stays until the "
                       "new one is whole"});
  return flags;
}

const FlagSpec kFailOn = {.name = "--fail-on",
                          .value = "SEVERITY",
                          .summary = "exit 1 when a finding is at least this severe",
                          .choices = kSeverities,
                          .default_value = "high"};
const FlagSpec kBaseline = {
    .name = "--baseline", .value = "FILE", .summary = "report only what an earlier JSON report doesn't hold"};
const FlagSpec kAllowPartial = {.name = "--allow-partial",
                                .summary = "exit 0 although something could not be analysed in full"};
const FlagSpec kTop = {.name = "--top",
                       .value = "N",
                       .summary = "findings shown in full on the screen",
                       .default_value = "10",
                       .form = ValueForm::Number,
                       .max = 100'000};
const FlagSpec kAll = {.name = "--all", .summary = "show every finding on the screen"};
const FlagSpec kExplainSkipped = {.name = "--explain-skipped",
                                  .summary = "name each file that was not analysed, and why"};
const FlagSpec kRules = {
    .name = "--rules", .value = "FILE|DIR", .summary = "add rules in semgrep's YAML syntax", .repeated = true};
const FlagSpec kNoBuiltin = {.name = "--no-builtin-rules", .summary = "use only the rules of --rules"};
const FlagSpec kJobs = {.name = "--jobs",
                        .short_name = "-j",
                        .value = "N",
                        .summary = "worker threads",
                        .default_value = "one a core",
                        .form = ValueForm::Number,
                        .min = 1,
                        .max = runtime::kPoolThreadsMax};
const FlagSpec kHistory = {.name = "--history",
                           .summary = "also read version control: churn, hotspots, coupling, ownership"};
const FlagSpec kFileTimeout = {.name = "--file-timeout-ms",
                               .value = "N",
                               .summary = "CPU time to parse and match one file",
                               .default_value = "5000",
                               .form = ValueForm::Number,
                               .min = 1,
                               .max = 600'000};

const std::vector<CommandSpec>& table() {
  static const std::vector<CommandSpec> specs = {
      {.path = "review",
       .summary = "Review a code base: every fitting agent, findings ranked, with evidence",
       .description = "Plans and runs a review of PATH as a durable task: code analysis, secrets, security rules, "
                      "history, inspection. "
                      "Works with no network and no LLM, and writes nothing into the reviewed tree. When it was "
                      "interrupted, the same command goes on where it stopped.",
       .arguments = {{"PATH", "folder or file to review (default: here)"}},
       .flags =
           with_output(kReportFormats,
                       {{.name = "--agents", .value = "A,B", .summary = "only these agents"},
                        kBaseline,
                        kFailOn,
                        kTop,
                        kAll,
                        kExplainSkipped,
                        {.name = "--explain-plan",
                         .summary = "show the plan, why each step is in it and what was left out; run nothing"},
                        {.name = "--fresh", .summary = "start anew although an interrupted review of PATH could go on"},
                        kRules,
                        kNoBuiltin,
                        kJobs,
                        kAllowPartial}),
       .formats = kReportFormats,
       .examples = {{"wrench review .", "review this folder"},
                    {"wrench review ~/src/shop --format html --output review.html", "the same as one HTML file"},
                    {"wrench review . --json --output base.json", "keep a baseline"},
                    {"wrench review . --baseline base.json --fail-on medium",
                     "only what is new since; exit 1 from medium on"}},
       .run = run_review},
      {.path = "scan",
       .summary = "The code engine alone: rules, secrets, metrics, clones, structure; one line a finding",
       .description =
           "Analyses each PATH and prints compiler-style lines. Stores nothing but the cache of analysed files.",
       .arguments = {{.name = "PATH", .summary = "files or folders (default: here)", .repeated = true}},
       .flags = with_output(
           kReportFormats, {kRules,
                            kNoBuiltin,
                            {.name = "--analyses",
                             .value = "A,B",
                             .summary = "only these of rules, secrets, metrics, clones, structure",
                             .default_value = "all"},
                            kBaseline,
                            kHistory,
                            kJobs,
                            kFailOn,
                            kFileTimeout,
                            kAllowPartial,
                            {.name = "--explain-skipped", .summary = "name each file that was not analysed, and why"}}),
       .formats = kReportFormats,
       .examples = {{"wrench scan src", "scan a folder"},
                    {"wrench scan . --analyses secrets", "look for secrets only"},
                    {"wrench scan . --rules team-rules/ --format sarif --output scan.sarif",
                     "with your own rules, for a code host"}},
       .run = run_scan},
      {.path = "task list",
       .summary = "List tasks, newest first",
       .flags =
           with_output(kTextOrJson, {{.name = "--status",
                                      .value = "STATUS",
                                      .summary = "only these",
                                      .choices = {"pending", "in_progress", "completed", "failed", "cancelled"}},
                                     {.name = "--limit",
                                      .value = "N",
                                      .summary = "tasks on the page",
                                      .default_value = "20",
                                      .form = ValueForm::Number,
                                      .min = 1,
                                      .max = workflow::kTaskPageMax},
                                     {.name = "--cursor", .value = "C", .summary = "go on after an earlier page"}}),
       .formats = kTextOrJson,
       .examples = {{"wrench task list --status in_progress", "what runs or was interrupted"}},
       .run = run_task_list},
      {.path = "task show",
       .summary = "Show a task: state, steps, why each step is in its plan",
       .arguments = {{"ID", "task id, or its last 6 characters", true}},
       .flags = with_output(kTextOrJson, {}),
       .formats = kTextOrJson,
       .examples = {{"wrench task show 7K3QX2", "by the short id"}},
       .run = run_task_show},
      {.path = "task watch",
       .summary = "Follow a task until it ends",
       .arguments = {{"ID", "task id, or its last 6 characters", true}},
       .flags = {},
       .formats = {},
       .examples = {{"wrench task watch 7K3QX2", "redrawn on a terminal, one line a change in a pipe"}},
       .run = run_task_watch},
      {.path = "task journal",
       .summary = "Tell what happened to a task, in order; --json has every detail",
       .arguments = {{"ID", "task id, or its last 6 characters", true}},
       .flags = with_output(kTextOrJson, {{.name = "--limit",
                                           .value = "N",
                                           .summary = "entries",
                                           .default_value = "1000",
                                           .form = ValueForm::Number,
                                           .min = 1,
                                           .max = 10'000}}),
       .formats = kTextOrJson,
       .examples = {{"wrench task journal 7K3QX2 --json", "for a program"}},
       .run = run_task_journal},
      {.path = "task cancel",
       .summary = "Cancel tasks",
       .arguments = {{"ID", "task ids", true, true}},
       .flags = with_output(kTextOrJson, {{.name = "--reason", .value = "TEXT", .summary = "kept in the journal"}}),
       .formats = kTextOrJson,
       .examples = {{"wrench task cancel 7K3QX2", "stop it at the next checkpoint"}},
       .run = run_task_cancel},
      {.path = "task report",
       .summary = "Show the report of a completed review again",
       .arguments = {{"ID", "task id", true}},
       .flags = with_output(kReportFormats, {kBaseline, kFailOn, kTop, kAll, kExplainSkipped, kAllowPartial}),
       .formats = kReportFormats,
       .examples = {{"wrench task report 7K3QX2", "the screen of the review"},
                    {"wrench task report 7K3QX2 --format html --output review.html", "the same as one HTML file"}},
       .run = run_task_report},
      {.path = "task resume",
       .summary = "Go on with interrupted tasks, in this process",
       .description = "A review that is finished this way ends as the command that began it: with its report, and the "
                      "exit code of the gate.",
       .arguments = {{.name = "ID", .summary = "task ids (default: every interrupted one)", .repeated = true}},
       .flags = with_output(kTextOrJson, {kFailOn, kTop, kAll, kAllowPartial}),
       .formats = kTextOrJson,
       .examples = {{"wrench task resume", "finish what a crash left"}},
       .run = run_task_resume},
      {.path = "task retry",
       .summary = "Run a task that failed or was cancelled again",
       .arguments = {{"ID", "task id", true}},
       .flags = with_output(kTextOrJson, {kFailOn, kTop, kAll, kAllowPartial}),
       .formats = kTextOrJson,
       .examples = {{"wrench task retry 7K3QX2", "after the cause was mended"}},
       .run = run_task_retry},
      {.path = "agent list",
       .summary = "List the agents and what they can do",
       .flags = with_output(kTextOrJson, {}),
       .formats = kTextOrJson,
       .examples = {{"wrench agent list --json", "for a program"}},
       .run = run_agent_list},
      {.path = "agent show",
       .summary = "Show one agent: charter, capabilities with their schemas, constraints",
       .arguments = {{"NAME", "agent, e.g. inspector", true}},
       .flags = with_output(kTextOrJson, {}),
       .formats = kTextOrJson,
       .examples = {{"wrench agent show inspector", "what it takes and gives"}},
       .run = run_agent_show},
      {.path = "rules list",
       .summary = "List rules, tab-separated: id, languages, severity, category, analysis, cwe, file",
       .flags = with_output(kTextOrJson, {kRules, kNoBuiltin}),
       .formats = kTextOrJson,
       .examples = {{"wrench rules list | grep python", "what is checked in Python"}},
       .run = run_rules_list},
      {.path = "rules test",
       .summary = "Run rules against the 'ruleid:' and 'ok:' lines beside them",
       .arguments = {{"DIR", "folder of rules, or one rule file", true}},
       .flags = with_output(kTextOrJson, {}),
       .formats = kTextOrJson,
       .examples = {{"wrench rules test rules/python", "exit 1 when one rule isn't exact"}},
       .run = run_rules_test},
      {.path = "doctor",
       .summary = "Check this machine and the store, with evidence and the next step",
       .flags = with_output(kTextOrJson,
                            {{.name = "--fsync", .summary = "measure durable writes of the data directory's disk"},
                             {.name = "--dir", .value = "DIR", .summary = "measure that folder's disk instead"},
                             {.name = "--seconds",
                              .value = "N",
                              .summary = "how long --fsync measures",
                              .default_value = "3",
                              .form = ValueForm::Number,
                              .min = 1,
                              .max = 60}}),
       .formats = kTextOrJson,
       .examples = {{"wrench doctor", "is everything here that reviews need?"}},
       .run = run_doctor},
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
       .summary = "where tasks and results are kept",
       .default_value = "$WRENCH_DATA_DIR, else $XDG_DATA_HOME/wrench, else ~/.local/share/wrench"},
      {.name = "--no-project-config", .summary = "ignore .wrench.yaml of the reviewed tree"},
      {.name = "--timeout",
       .value = "DURATION",
       .summary = "give up after that time, e.g. 90s or 1h30m; exit 8",
       .form = ValueForm::Duration},
      {.name = "--quiet", .short_name = "-q", .summary = "no notes, no progress"},
      {.name = "--verbose", .short_name = "-v", .summary = "more about errors and what is done"},
      {.name = "--progress",
       .value = "WHEN",
       .summary = "how progress is shown on standard error",
       .choices = {"auto", "plain", "json", "none"},
       .default_value = "auto: a line on a terminal"},
      {.name = "--color",
       .value = "WHEN",
       .summary = "when colour is used",
       .choices = {"auto", "always", "never"},
       .default_value = "auto: on a terminal, unless NO_COLOR is set"},
      {.name = "--no-color", .summary = "short for --color never"},
  };
  return flags;
}

}  // namespace wrench::app
