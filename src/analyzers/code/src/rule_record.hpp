#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rule_formula.hpp"
#include "wrench/base/result.hpp"

namespace wrench::code {

/// The formulas of one rule, as CompiledRule::record holds them.
std::string formulas_to_record(const std::optional<Formula>& of_text,
                               const std::vector<std::pair<source::Language, Formula>>& by_grammar,
                               const std::vector<std::pair<source::Language, TaintFormulas>>& taints);

/// A rule set and what was said while loading it, in a flat form that a later run of the same program reads in a
/// fraction of the time. Formulas are packed by themselves and unpacked when a rule is first run.
/// `key` names what the rules were made of.
std::string rules_to_record(const RuleSet::State& state, const LoadReport& report, std::string_view key);
/// Nothing when the bytes are of something else, damaged or of another build. Reads no further than the bytes go and
/// checks every index.
std::optional<std::unique_ptr<RuleSet::State>> rules_from_record(std::string_view bytes, std::string_view key,
                                                                 LoadReport& report);

}  // namespace wrench::code
