#pragma once

#include <string_view>
#include <vector>

#include "pattern_text.hpp"

/// Patterns of the languages that configure: what stands in for `...` follows from where it is, so that there is
/// nothing to try out.
namespace wrench::code {

// For the languages of is_config().
PatternText split_config_pattern(std::string_view text, source::Language grammar);
std::vector<std::string_view> config_wrappers(source::Language grammar);

}  // namespace wrench::code
