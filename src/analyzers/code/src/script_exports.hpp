#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// A name that a JavaScript or TypeScript file exports.
struct ScriptExport {
  Atom name = kNoAtom;
  NodeIndex at = kNoNode;      ///< The node that is the name.
  std::uint32_t mentions = 0;  ///< How often NameUses counts exporting it as a use.
  DefinitionKind kind = DefinitionKind::Variable;
};

/// Functions, classes and variables that are exported by name: `export`, `exports.x =`, `module.exports = {x}`.
/// Types and the default export are left out.
std::vector<ScriptExport> script_exports(const Ir& ir, const Atoms& atoms, std::string_view text);

/// Whether the value of `expression` is exported as a whole or under a name: `module.exports = …`, `exports.x = …`,
/// `__exportStar(…, exports)`.
bool becomes_exports(const Ir& ir, const Atoms& atoms, NodeIndex expression);

}  // namespace wrench::code::detail
