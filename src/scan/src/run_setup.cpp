#include "run_setup.hpp"

#include <algorithm>

#include "wrench/base/version.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::scan {
namespace {

// Of the engine: raised when the same rules and the same file would give another outcome than before.
constexpr std::string_view kOutcomeVersion = "1";

std::string setup_key(const RunSetup& setup) {
  std::string text = std::string(kOutcomeVersion) + "\n" + std::string(version()) + "\n" + setup.rules_sha256 + "\n";
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
  return crypto::sha256_hex(text);
}

}  // namespace

bool RunSetup::wants(Analysis analysis) const {
  return std::find(analyses.begin(), analyses.end(), analysis) != analyses.end();
}

Result<RunSetup> make_setup(const ScanRequest& request, const std::string& project_root, const Clock& clock,
                            const StopToken& stop) {
  RunSetup setup;
  setup.config = WRENCH_TRY(read_project_config(project_root));
  setup.limits = lowered(request.limits, setup.config);
  setup.analyses = request.analyses;
  std::sort(setup.analyses.begin(), setup.analyses.end());
  setup.analyses.erase(std::unique(setup.analyses.begin(), setup.analyses.end()), setup.analyses.end());
  setup.today = format_date(clock.now_us());
  setup.rule_files = WRENCH_TRY(read_rule_files(request.rule_paths, stop));
  std::vector<std::string> of_project;
  for (const auto& path : setup.config.rule_paths) of_project.push_back(project_root + "/" + path);
  for (auto& file : WRENCH_TRY(read_rule_files(of_project, stop))) setup.rule_files.push_back(std::move(file));

  std::string hashes;
  if (setup.wants(Analysis::Secrets)) {
    std::vector<secrets::RuleText> texts;
    if (request.use_builtin_rules && setup.rule_files.empty()) {
      setup.secret_rules = secrets::SecretRules::builtin();
    } else {
      if (request.use_builtin_rules)
        for (const auto& file : secrets::builtin_rule_files())
          texts.push_back({"rules/" + std::string(file.path), file.bytes});
      for (const auto& file : setup.rule_files) texts.push_back({file.path, file.bytes});
      setup.secret_rules = secrets::SecretRules::load(texts, setup.errors);
    }
    hashes += setup.secret_rules->hash();
  }
  setup.rules_sha256 = crypto::sha256_hex(hashes);
  for (const auto& error : setup.errors)
    setup.partial.push_back({"rule_invalid", error.place.file, "", describe(error)});
  setup.key = setup_key(setup);
  return setup;
}

}  // namespace wrench::scan
