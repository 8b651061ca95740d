#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

#include "../output.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/rule.hpp"
#include "wrench/code/rule_tests.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::app {

namespace {

using code::RuleTestFile;
using codec::Json;

constexpr std::size_t kTestFileBytesMax = std::size_t{1} << 20;  ///< Of one file that `rules test` reads.
constexpr std::size_t kTestFilesMax = 50'000;                    ///< Files that `rules test` reads.
constexpr std::size_t kTestDepthMax = 32;                        ///< Folders within folders that `rules test` enters.

Json errors_json(const std::vector<Error>& errors) {
  Json out = Json::array();
  for (const auto& error : errors) out.push_back(describe(error));
  return out;
}

/// Every file below a folder, or the files beside one rule file that share its stem.
Result<std::vector<RuleTestFile>> read_tests(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return errno_error(errno, path);
  const bool folder = S_ISDIR(status.st_mode);
  const auto slash = path.rfind('/');
  const std::string base = folder ? path : slash == std::string::npos ? "." : path.substr(0, slash);
  const auto file = folder ? std::string() : path.substr(slash == std::string::npos ? 0 : slash + 1);
  const auto stem = file.substr(0, file.rfind('.'));
  const auto dir = WRENCH_TRY(runtime::RootedDir::open(base));
  std::vector<RuleTestFile> files;
  std::vector<std::pair<std::string, std::size_t>> stack = {{"", 0}};
  while (!stack.empty()) {
    const auto [at, depth] = stack.back();
    stack.pop_back();
    for (const auto& entry : WRENCH_TRY(dir.list(at))) {
      const auto relative = at.empty() ? entry.name : at + "/" + entry.name;
      if (entry.kind == runtime::FileKind::Folder && depth < kTestDepthMax && (folder || entry.name == stem))
        stack.emplace_back(relative, depth + 1);
      if (entry.kind != runtime::FileKind::Regular || entry.stamp.size > kTestFileBytesMax) continue;
      if (!folder && at.empty() && !entry.name.starts_with(stem + ".")) continue;
      if (files.size() >= kTestFilesMax) return Error("rules.too_many", path + ": more than 50,000 files");
      files.push_back({(base == "." && !folder ? ""
                        : base.ends_with('/')  ? base
                                               : base + "/") +
                           relative,
                       WRENCH_TRY(dir.read(relative, kTestFileBytesMax))});
    }
  }
  return files;
}

std::string lines_text(const std::vector<std::uint32_t>& lines) {
  std::vector<std::string> words;
  for (const auto line : lines) words.push_back(std::to_string(line));
  return join(words, ", ");
}

Json lines_json(const std::vector<std::uint32_t>& lines) {
  Json out = Json::array();
  for (const auto line : lines) out.push_back(line);
  return out;
}

/// The rule files that --rules names: a file whatever it is called, of a folder those in YAML.
Result<std::vector<RuleTestFile>> read_rules(const std::string& path) {
  const auto unreadable = [](const std::string& why) { return Error("cli.invalid_value", "--rules: " + why); };
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return unreadable(errno_error(errno, path).message);
  std::vector<RuleTestFile> files;
  if (!S_ISDIR(status.st_mode)) {
    auto text = runtime::read_file(path, kTestFileBytesMax);
    if (!text) return unreadable(text.error().message);
    files.push_back({path, std::move(*text)});
    return files;
  }
  auto all = read_tests(path);
  if (!all) return unreadable(all.error().message);
  for (auto& file : *all)
    if (file.path.ends_with(".yaml") || file.path.ends_with(".yml")) files.push_back(std::move(file));
  if (files.empty()) return unreadable(path + ": no rule file (.yaml, .yml) in this folder");
  return files;
}

/// The detectors (`mode: secret`) among the files, with the built-in ones if asked for.
secrets::SecretRules secrets_of(const std::vector<RuleTestFile>& files, bool with_builtin, std::vector<Error>& errors) {
  std::vector<secrets::RuleText> texts;
  if (with_builtin)
    for (const auto& file : secrets::builtin_rule_files())
      texts.push_back({"rules/" + std::string(file.path), file.bytes});
  for (const auto& file : files)
    if (file.path.ends_with(".yaml") || file.path.ends_with(".yml")) texts.push_back({file.path, file.text});
  std::vector<Error> all;
  auto rules = secrets::SecretRules::load(texts, all);
  // What isn't YAML at all is told by the other loader.
  for (auto& error : all)
    if (error.code == "secrets.invalid_rule") errors.push_back(std::move(error));
  return rules;
}

/// Detectors bring their tests along: texts that must and mustn't match. A line is counted for each text.
void add_secret_tests(const secrets::SecretRules& rules, std::vector<Error> errors, code::RuleTestReport& report) {
  std::set<std::string> wrong;
  const auto tested = secrets::test_rules(rules);
  for (const auto& failure : tested.failures) {
    wrong.insert(failure.rule);
    const bool missed = failure.what == "not found";
    ++(missed ? report.missed : report.unexpected);
    code::RuleTestFailure entry;
    entry.rule = failure.rule;
    entry.rule_file = failure.file;
    entry.target = failure.text + " (" + failure.what + ")";
    (missed ? entry.missed : entry.unexpected).push_back(static_cast<std::uint32_t>(failure.line));
    report.failures.push_back(std::move(entry));
  }
  report.rules += tested.rules;
  report.exact += tested.rules - wrong.size();
  std::move(errors.begin(), errors.end(), std::back_inserter(report.load.errors));
  // They were passed over by the code rules' loader.
  const auto before = report.load.refused.size();
  std::erase_if(report.load.refused, [](const auto& refused) { return refused.reason.starts_with("mode 'secret'"); });
  report.skipped -= std::min(report.skipped, before - report.load.refused.size());
}

}  // namespace

ExitCode run_rules_test(Session& session) {
  auto files = read_tests(session.invocation.arguments.front());
  if (!files) return session.fail(files.error());
  std::vector<Error> secret_errors;
  const auto secret_rules = secrets_of(*files, false, secret_errors);
  const auto cases = code::group_rule_tests(std::move(*files));
  const SystemClock clock;
  auto report = code::test_rules(cases, clock);
  add_secret_tests(secret_rules, std::move(secret_errors), report);
  if (report.rules + report.skipped == 0 && report.load.errors.empty())
    return session.fail(Error("cli.no_rules", session.invocation.arguments.front() + ": no rules here")
                            .with_help("wrench rules test --help"));
  const bool exact = report.exact == report.rules && report.fixed_equal == report.fixed && report.load.errors.empty();
  if (session.format() == "json") {
    Json failures = Json::array();
    for (const auto& failure : report.failures)
      failures.push_back(Json::object({{"rule", failure.rule},
                                       {"rule_file", failure.rule_file},
                                       {"target", failure.target},
                                       {"missed", lines_json(failure.missed)},
                                       {"unexpected", lines_json(failure.unexpected)}}));
    Json fix_failures = Json::array();
    for (const auto& failure : report.fix_failures)
      fix_failures.push_back(Json::object({{"rule_file", failure.rule_file},
                                           {"target", failure.target},
                                           {"fixed", failure.fixed},
                                           {"line", failure.line},
                                           {"expected", failure.expected},
                                           {"made", failure.made}}));
    const auto code = delivered_json(session, Json::object({{"schema", "wrench.rules_test/1"},
                                                            {"rules", report.rules},
                                                            {"exact", report.exact},
                                                            {"missed", report.missed},
                                                            {"unexpected", report.unexpected},
                                                            {"skipped", report.skipped},
                                                            {"failures", std::move(failures)},
                                                            {"fixed", report.fixed},
                                                            {"fixed_equal", report.fixed_equal},
                                                            {"fix_failures", std::move(fix_failures)},
                                                            {"errors", errors_json(report.load.errors)}}));
    return more_urgent(code, exact ? ExitCode::Done : ExitCode::AnswerIsNo);
  }
  std::string text;
  for (const auto& failure : report.failures) {
    text +=
        Console::safe(failure.rule_file) + ": " + Console::safe(failure.rule) + " on " + Console::safe(failure.target);
    if (!failure.missed.empty()) text += "  missed " + lines_text(failure.missed);
    if (!failure.unexpected.empty()) text += "  unexpected " + lines_text(failure.unexpected);
    text += "\n";
  }
  for (const auto& failure : report.fix_failures)
    text += Console::safe(failure.fixed) + ":" + std::to_string(failure.line) + ": the fixes make of " +
            Console::safe(failure.target) + "\n    " + Console::safe(failure.made) + "\n  where it says\n    " +
            Console::safe(failure.expected) + "\n";
  for (const auto& refused : report.load.refused)
    text += Console::safe(refused.file) + ":" + std::to_string(refused.line) + ": " + Console::safe(refused.id) +
            " not run: " + Console::safe(refused.reason) + "\n";
  for (const auto& error : report.load.errors) session.console.error(error);
  if (session.console.verbose())
    for (const auto& id : report.untested) text += Console::safe(id) + ": no test\n";
  text += "rules=" + std::to_string(report.rules) + " exact=" + std::to_string(report.exact) +
          " missed=" + std::to_string(report.missed) + " unexpected=" + std::to_string(report.unexpected) +
          " skipped=" + std::to_string(report.skipped) + "\n";
  return more_urgent(delivered(session, text), exact ? ExitCode::Done : ExitCode::AnswerIsNo);
}

ExitCode run_rules_list(Session& session) {
  std::vector<RuleTestFile> own;
  for (const auto& path : session.invocation.values("--rules")) {
    auto files = read_rules(path);
    if (!files) return session.fail(files.error());
    std::move(files->begin(), files->end(), std::back_inserter(own));
  }
  std::vector<code::RuleSource> sources;
  if (!session.invocation.has("--no-builtin-rules")) sources = code::builtin_rules();
  for (const auto& file : own) sources.push_back({file.path, file.text});
  code::LoadReport report;
  const auto rules = code::RuleSet::load(sources, report, code::RuleSet::PassOver::Yes);
  std::vector<const code::RuleInfo*> infos;
  for (std::size_t i = 0; i < rules.size(); ++i) infos.push_back(&rules.info(i));
  std::vector<Error> secret_errors;
  const auto detectors = secrets_of(own, !session.invocation.has("--no-builtin-rules"), secret_errors);
  std::vector<Error> errors = std::move(report.errors);
  std::move(secret_errors.begin(), secret_errors.end(), std::back_inserter(errors));
  for (const auto& error : errors) session.console.error(error);
  // The list is good, but it isn't all that was asked for.
  const auto whole = errors.empty() ? ExitCode::Done : ExitCode::Partial;
  std::vector<code::RuleInfo> detector_infos;
  detector_infos.reserve(detectors.rules().size());
  for (const auto& rule : detectors.rules()) {
    code::RuleInfo info;
    info.id = rule.id;
    info.file = rule.file;
    info.title = rule.title;
    info.message = rule.message;
    info.severity = rule.severity;
    info.confidence = rule.confidence;
    info.category = findings::Category::Secret;
    info.cwe = {"CWE-798"};
    info.language_names = {"generic"};
    detector_infos.push_back(std::move(info));
  }
  for (const auto& info : detector_infos) infos.push_back(&info);
  std::sort(infos.begin(), infos.end(),
            [](const auto* a, const auto* b) { return a->id != b->id ? a->id < b->id : a->file < b->file; });
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto* info : infos) {
      Json cwe = Json::array(), languages = Json::array();
      for (const auto& entry : info->cwe) cwe.push_back(entry);
      for (const auto& entry : info->language_names) languages.push_back(entry);
      data.push_back(Json::object({{"id", info->id},
                                   {"title", info->title},
                                   {"languages", std::move(languages)},
                                   {"severity", findings::name(info->severity)},
                                   {"confidence", findings::name(info->confidence)},
                                   {"category", findings::name(info->category)},
                                   {"cwe", std::move(cwe)},
                                   {"message", info->message},
                                   {"file", info->file}}));
    }
    return more_urgent(delivered_json(session, Json::object({{"schema", "wrench.rules_list/1"},
                                                             {"data", std::move(data)},
                                                             {"next_cursor", nullptr},
                                                             {"errors", errors_json(errors)}})),
                       whole);
  }
  std::string text;
  for (const auto* info : infos)
    text += Console::safe(info->id) + "\t" + join(info->language_names, ",") + "\t" +
            std::string(findings::name(info->severity)) + "\t" + std::string(findings::name(info->category)) +
            (info->category == findings::Category::Secret ? "\tsecrets\t" : "\trules\t") + join(info->cwe, ",") + "\t" +
            Console::safe(info->file) + "\n";
  return more_urgent(delivered(session, text), whole);
}

}  // namespace wrench::app
