#pragma once

#include <vector>

#include "name_uses.hpp"
#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// Imported names that nothing in their own file uses.
std::vector<UnusedImport> unused_imports(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                         const NameUses& uses);

}  // namespace wrench::code::detail
