#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rule_loading.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/code/macro_table.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/code/rule.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/project_config.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/secrets/secret_rules.hpp"
#include "wrench/secrets/secret_scanner.hpp"

namespace wrench::scan {

/// What every file of a run is analysed with. Immutable once made, shared by the worker threads.
struct RunSetup {
  ProjectConfig config;
  ScanLimits limits;
  std::vector<Analysis> analyses;
  std::shared_ptr<const std::vector<RuleFile>> rule_files;  ///< Owns the bytes that the rule sets were made of.
  std::optional<secrets::SecretRules> secret_rules;
  std::shared_ptr<const code::RuleSet> code_rules;  ///< Empty set when only metrics are wanted; none when code isn't.
  /// What named files of a language without a grammar are read as: the one language of the user's rules.
  source::Language named_language = source::Language::Unknown;
  std::vector<std::string> notes;
  std::vector<Error> errors;               ///< Faults of rules.
  std::vector<findings::Partial> partial;  ///< rule_invalid, one for each.
  std::string rules_sha256;
  std::string today;  ///< "2026-11-24"
  std::string key;    ///< Changes with everything that may change a file's outcome, but for the file.

  code::MetricThresholds thresholds;
  code::MacroTable macros;  ///< Of the tree's headers.

  bool use_builtin_rules = true;

  /// What load_rules() made of the same rules for an earlier run: of a setup with an equal key.
  void take_rules(const RunSetup& earlier);

  bool wants(Analysis analysis) const;
  bool wants_code_rules() const { return wants(Analysis::Rules) || wants(Analysis::Taint); }
  /// Leaves out disabled rules, sets severities, and tells test code.
  void apply_config(std::vector<findings::Finding>& all, std::string_view project_path) const;
};

/// All but the rules, which load_rules() compiles when they are needed.
Result<RunSetup> make_setup(const ScanRequest& request, const std::string& project_root, const Clock& clock,
                            const StopToken& stop);
/// Error code scan.no_rules.
Result<void> load_rules(const ScanRequest& request, const FactCache* cache, RunSetup& setup);

}  // namespace wrench::scan
