#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::scan {

inline constexpr std::size_t kRuleFilesMax = 20'000;  ///< Of one folder of rules.

/// One rule file of the user or the project, in memory.
struct RuleFile {
  std::string path;
  std::string bytes;
  bool from_folder = false;  ///< Files of a folder may be something else than rules.
};

/// Files as named, and the YAML files below named folders, sorted. Error code scan.rules_unreadable.
Result<std::vector<RuleFile>> read_rule_files(const std::vector<std::string>& paths, const StopToken& stop);

}  // namespace wrench::scan
