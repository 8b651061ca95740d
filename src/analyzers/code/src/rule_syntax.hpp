#pragma once

#include "wrench/base/result.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::code {

/// The newer way to write a rule (`match:` with `any all not inside anywhere regex where as`) says the same as the
/// older one with `pattern-…` operators. Gives the older form of what stands under `match:`, with the places of the
/// original. Error code rules.invalid with the place in the YAML.
Result<codec::YamlMember> to_pattern_operators(const codec::YamlNode& match);

}  // namespace wrench::code
