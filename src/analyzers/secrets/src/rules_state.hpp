#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wrench/secrets/secret_rules.hpp"
#include "wrench/source/pattern_set.hpp"
#include "wrench/source/regex.hpp"

namespace wrench::secrets {

struct CompiledRule {
  source::Regex regex;
  std::optional<source::Regex> allow, path;
};

struct SecretRules::State {
  std::vector<SecretRule> rules;
  std::vector<CompiledRule> compiled;  // One for each rule.
  std::optional<source::PatternSet> patterns;
  std::string hash;
};

}  // namespace wrench::secrets
