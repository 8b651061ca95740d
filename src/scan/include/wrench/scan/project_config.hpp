#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/source/language.hpp"

namespace wrench::scan {

inline constexpr std::size_t kProjectConfigBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kLayersMax = 256;

/// `.wrench.yaml` at the project root. It is part of what is analysed: it names no path outside, runs nothing, and
/// lowers limits only.
struct ProjectConfig {
  std::vector<std::string> exclude, include;  ///< Patterns as in .gitignore; include wins.
  std::vector<source::Language> languages;    ///< Empty: all.
  std::vector<std::string> rule_paths;        ///< Relative to the project root.
  std::vector<std::string> rules_disabled;
  std::vector<std::pair<std::string, findings::Severity>> severity;  ///< Rule or "prefix.*", and what it shall be.
  std::string fail_on, baseline;                                     ///< For the commands.
  std::vector<std::string> review_agents;
  std::vector<std::pair<std::string, std::uint64_t>> thresholds;  ///< "cognitive", "cyclomatic", "nloc", …
  std::vector<std::pair<std::string, std::uint64_t>> limits;
  std::vector<std::string> entry_points;
  std::vector<code::Layer> layers;
  std::vector<std::string> warnings;  ///< Known keys that aren't allowed here.
};

/// Reads the file of a project, an empty configuration when there is none. Error code scan.invalid_config with line and
/// column: broken YAML, unknown keys, paths that lead outside.
Result<ProjectConfig> read_project_config(const std::string& project_root);
Result<ProjectConfig> parse_project_config(std::string_view text);
/// `limits` with what the configuration lowers.
ScanLimits lowered(const ScanLimits& limits, const ProjectConfig& config);

}  // namespace wrench::scan
