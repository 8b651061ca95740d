#include "run_setup.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/suppression.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::scan {
namespace {

std::string setup_key(const RunSetup& setup) {
  // The same rules and the same file may give another outcome in any other build.
  std::string text = std::string(version()) + "\n" + build_id() + "\n" + setup.rules_sha256 + "\n";
  for (const auto analysis : setup.analyses) text.append(name(analysis)).append("\n");
  const auto& limits = setup.limits;
  for (const std::uint64_t limit :
       {limits.file_bytes_max, limits.named_file_bytes_max, limits.secret_file_bytes_max,
        std::uint64_t{limits.findings_max}, std::uint64_t{limits.findings_per_rule_and_file_max},
        static_cast<std::uint64_t>(limits.file_us_max)})
    text += std::to_string(limit) + "\n";
  for (const auto& id : setup.config.rules_disabled) text += "-" + id + "\n";
  for (const auto& [id, severity] : setup.config.severity)
    text += id + "=" + std::string(findings::name(severity)) + "\n";
  for (const auto language : setup.config.languages) text.append(source::id(language)).append("\n");
  for (const auto& [what, limit] : setup.config.thresholds) text += what + ">" + std::to_string(limit) + "\n";
  for (const auto& point : setup.config.entry_points) text += "@" + point + "\n";
  for (const auto& layer : setup.config.layers)
    text += "layer " + layer.name + "\t" + join(layer.paths, "\t") + "\n" + join(layer.may_use, "\t") + "\n";
  return crypto::sha256_hex(text);
}

code::MetricThresholds thresholds_of(const ProjectConfig& config) {
  code::MetricThresholds out;
  for (const auto& [key, value] : config.thresholds) {
    const auto number = static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 1'000'000));
    if (key == "cognitive") {
      out.cognitive_low = number;
      out.cognitive_medium = std::max(out.cognitive_medium, number);
    }
    if (key == "cyclomatic") out.cyclomatic = number;
    if (key == "nloc") out.nloc = number;
    if (key == "nesting") out.nesting = number;
    if (key == "parameters") out.parameters = number;
    if (key == "file_nloc") out.file_nloc = number;
  }
  return out;
}

// Over what the rules are made of, so that a known tree costs no compilation.
std::string hash_of_rules(const ScanRequest& request, const RunSetup& setup) {
  crypto::Sha256 hash;
  const auto add = [&](std::string_view path, std::string_view bytes) {
    hash.update(path);
    hash.update(std::string_view("\0", 1));
    hash.update(crypto::sha256_hex(bytes));
  };
  if (request.use_builtin_rules && setup.wants(Analysis::Secrets))
    for (const auto& file : secrets::builtin_rule_files()) add(file.path, file.bytes);
  if (request.use_builtin_rules && setup.wants_code_rules())
    for (const auto& file : code::builtin_rules()) add(file.path, file.text);
  for (const auto& file : *setup.rule_files) add(file.path, file.bytes);
  return crypto::to_hex(hash.finish());
}

constexpr std::string_view kSecretRule = "mode 'secret' is for the secrets analyzer";

// The compiled form of the built-in detectors is the same for every tree and is kept in one place.
constexpr std::string_view kCompiledDetectors = "detectors";

/// `with_secrets`: paths of the rule files that hold such rules; none: that isn't known.
void load_secret_rules(const ScanRequest& request, const FactCache* cache,
                       const std::optional<std::set<std::string>>& with_secrets, RunSetup& setup) {
  std::vector<secrets::RuleText> texts;
  if (request.use_builtin_rules)
    for (const auto& file : secrets::builtin_rule_files())
      texts.push_back({"rules/" + std::string(file.path), file.bytes});
  const std::size_t builtin = texts.size();
  for (const auto& file : *setup.rule_files)
    if (!with_secrets || with_secrets->contains(file.path)) texts.push_back({file.path, file.bytes});
  const bool only_builtin = request.use_builtin_rules && texts.size() == builtin;
  std::string compiled = cache != nullptr && only_builtin ? cache->get_shared(kCompiledDetectors) : std::string();
  const std::string before = compiled;
  setup.secret_rules =
      only_builtin ? secrets::SecretRules::builtin(&compiled) : secrets::SecretRules::load(texts, setup.errors);
  if (cache != nullptr && only_builtin && compiled != before) cache->put_shared(kCompiledDetectors, compiled);
}

// Compiled rules of a few sets are kept for all trees: whoever changes between them finds each again.
constexpr unsigned kCompiledRuleSets = 8;
constexpr std::size_t kCompiledBytesMax = std::size_t{48} << 20;

code::RuleSet load_compiled(std::span<const code::RuleSource> sources, const FactCache* cache,
                            code::LoadReport& report) {
  constexpr auto kPassOver = code::RuleSet::PassOver::Yes;
  code::CompiledRules compiled;
  if (cache != nullptr) compiled.key = code::RuleSet::key(sources, kPassOver);
  if (compiled.key.empty()) return code::RuleSet::load(sources, report, kPassOver);
  const auto slot = static_cast<unsigned char>(compiled.key.back()) % kCompiledRuleSets;
  const std::string name = "rules-" + std::to_string(slot);
  compiled.bytes = cache->get_shared(name);
  code::RuleSet rules = code::RuleSet::load(sources, report, kPassOver, compiled);
  if (compiled.is_new && compiled.bytes.size() <= kCompiledBytesMax) cache->put_shared(name, compiled.bytes);
  return rules;
}

/// Gives the paths of the files in which it met rules for secrets.
std::set<std::string> load_code_rules(const ScanRequest& request, const FactCache* cache, RunSetup& setup) {
  std::vector<code::RuleSource> sources;
  if (setup.wants_code_rules()) {
    if (request.use_builtin_rules) sources = code::builtin_rules();
    for (const auto& file : *setup.rule_files) sources.push_back({file.path, file.bytes});
  }
  // Files of a folder may be anything; that a named one holds rules is checked below.
  code::LoadReport report;
  setup.code_rules = std::make_shared<const code::RuleSet>(load_compiled(sources, cache, report));
  std::map<std::string, std::size_t> refused;
  std::set<std::string> with_secrets;
  for (const auto& rule : report.refused)
    if (rule.reason == kSecretRule)
      with_secrets.insert(rule.file);
    else
      ++refused[rule.reason];
  for (const auto& [reason, count] : refused)
    setup.notes.push_back(std::to_string(count) + (count == 1 ? " rule isn't used: " : " rules aren't used: ") +
                          reason);
  std::ranges::move(report.errors, std::back_inserter(setup.errors));
  std::set<source::Language> languages;
  for (std::size_t i = 0; i < setup.code_rules->size(); ++i)
    for (const auto& word : setup.code_rules->info(i).language_names)
      languages.insert(source::parse_language(word).value_or(source::Language::Unknown));
  if (!request.use_builtin_rules && languages.size() == 1 && code::can_parse(*languages.begin()))
    setup.named_language = *languages.begin();
  return with_secrets;
}

/// Both loaders read files with rules for secrets: what isn't right in them is told once.
void tell_once(std::vector<Error>& errors) {
  std::set<std::string> told;
  std::erase_if(errors, [&](const Error& error) {
    return !told.insert(error.place.file + ":" + std::to_string(error.place.line)).second;
  });
}

// A file that was named and gave no rule at all is a mistake of its caller.
Result<void> check_named_files(const RunSetup& setup) {
  for (const auto& file : *setup.rule_files) {
    if (file.from_folder) continue;
    bool gave = false;
    if (setup.secret_rules)
      for (const auto& rule : setup.secret_rules->rules()) gave = gave || rule.file == file.path;
    if (setup.code_rules)
      for (std::size_t i = 0; i < setup.code_rules->size() && !gave; ++i)
        gave = setup.code_rules->info(i).file == file.path;
    if (gave) continue;
    for (const auto& error : setup.errors)
      if (error.place.file == file.path)
        return Error("scan.no_rules", "no usable rule: " + error.message)
            .at(error.place.file, error.place.line, error.place.column)
            .with_help("wrench rules test " + file.path);
    if (setup.wants(Analysis::Secrets) && setup.wants_code_rules())
      return Error("scan.no_rules", "no usable rule in '" + file.path + "'")
          .with_help("wrench rules test " + file.path);
  }
  return {};
}

}  // namespace

bool RunSetup::wants(Analysis analysis) const {
  return std::find(analyses.begin(), analyses.end(), analysis) != analyses.end();
}

std::shared_ptr<const RunSetup> ResidentRules::find(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(sets_, [&](const auto& setup) { return setup->key == key; });
  if (found == sets_.end()) return nullptr;
  std::rotate(sets_.begin(), found, found + 1);
  return sets_.front();
}

void ResidentRules::keep(std::shared_ptr<const RunSetup> setup) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sets_, [&](const auto& other) { return other->key == setup->key; });
  sets_.insert(sets_.begin(), std::move(setup));
  if (sets_.size() > kResidentRuleSets) sets_.pop_back();
}

void RunSetup::take_rules(const RunSetup& earlier) {
  WRENCH_ASSERT(key == earlier.key);
  rule_files = earlier.rule_files;
  secret_rules = earlier.secret_rules;
  code_rules = earlier.code_rules;
  named_language = earlier.named_language;
  notes = earlier.notes;
  errors = earlier.errors;
  partial = earlier.partial;
}

void RunSetup::apply_config(std::vector<findings::Finding>& all, std::string_view project_path) const {
  std::erase_if(all, [&](const findings::Finding& finding) {
    return std::any_of(config.rules_disabled.begin(), config.rules_disabled.end(),
                       [&](const std::string& id) { return findings::names_rule(id, finding.rule); });
  });
  const bool unreachable = source::is_test_path(project_path) || source::is_example_path(project_path);
  for (auto& finding : all) {
    for (const auto& [id, severity] : config.severity)
      if (findings::names_rule(id, finding.rule)) finding.severity = severity;
    if (unreachable) finding.reach = findings::Reach::TestOrDead;
  }
}

Result<void> load_rules(const ScanRequest& request, const FactCache* cache, RunSetup& setup) {
  const bool wants_code = std::any_of(setup.analyses.begin(), setup.analyses.end(),
                                      [](Analysis analysis) { return analysis != Analysis::Secrets; });
  std::optional<std::set<std::string>> with_secrets;
  if (wants_code) with_secrets = load_code_rules(request, cache, setup);
  if (!setup.wants_code_rules()) with_secrets.reset();  // Nobody looked for them.
  if (setup.wants(Analysis::Secrets)) load_secret_rules(request, cache, with_secrets, setup);
  tell_once(setup.errors);
  WRENCH_TRY(check_named_files(setup));
  for (const auto& error : setup.errors)
    setup.partial.push_back({"rule_invalid", error.place.file, "", describe(error)});
  return {};
}

Result<RunSetup> make_setup(const ScanRequest& request, const std::string& project_root, const Clock& clock,
                            const StopToken& stop) {
  RunSetup setup;
  if (request.use_project_config) setup.config = WRENCH_TRY(read_project_config(project_root));
  setup.limits = lowered(request.limits, setup.config);
  setup.use_builtin_rules = request.use_builtin_rules;
  setup.analyses = request.analyses;
  std::sort(setup.analyses.begin(), setup.analyses.end());
  setup.analyses.erase(std::unique(setup.analyses.begin(), setup.analyses.end()), setup.analyses.end());
  setup.thresholds = thresholds_of(setup.config);
  setup.today = format_date(clock.now_us());
  auto rule_files = WRENCH_TRY(read_rule_files(request.rule_paths, stop));
  if (!request.rule_paths.empty() && rule_files.empty())
    return Error("scan.no_rules", "no rule file in '" + join(request.rule_paths, "', '") + "'")
        .with_help("wrench rules test DIR");
  std::vector<std::string> of_project;
  for (const auto& path : setup.config.rule_paths) of_project.push_back(project_root + "/" + path);
  for (auto& file : WRENCH_TRY(read_rule_files(of_project, stop))) rule_files.push_back(std::move(file));
  setup.rule_files = std::make_shared<const std::vector<RuleFile>>(std::move(rule_files));

  setup.rules_sha256 = hash_of_rules(request, setup);
  setup.key = setup_key(setup);
  return setup;
}

Result<void> check_settings(ScanRequest request, const std::string& project_root, const Clock& clock,
                            const StopToken& stop) {
  request.use_builtin_rules = false;
  auto setup = WRENCH_TRY(make_setup(request, project_root, clock, stop));
  return setup.rule_files->empty() ? Result<void>() : load_rules(request, nullptr, setup);
}

}  // namespace wrench::scan
