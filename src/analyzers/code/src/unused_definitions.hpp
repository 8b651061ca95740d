#pragma once

#include <vector>

#include "name_uses.hpp"
#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// Functions, classes and exported variables that nothing in their own file uses, with who else could. What runs
/// without being named (main, tests, decorated functions, constructors of a loader, methods that a base class may call)
/// is left out.
std::vector<DefinitionFact> unused_definitions(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                               const NameUses& uses);

}  // namespace wrench::code::detail
