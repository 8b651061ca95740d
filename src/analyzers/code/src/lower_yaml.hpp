#pragma once

#include <functional>

#include "lower_engine.hpp"

namespace wrench::code::detail {

/// Lowers YAML from libyaml's events: Dict of Pairs, List, String, Number, Bool; an alias to a collection is a Name.
/// From the first syntax error on there is one Error node. `keep_on` is asked now and then; false ends the lowering
/// there. Trap: the grammar for tree-sitter aborts the process on 250 nested lists, so it isn't built.
LowerFault lower_yaml(std::string_view text, Atoms& atoms, Ir& ir, LowerLimits limits,
                      const std::function<bool()>& keep_on);

}  // namespace wrench::code::detail
