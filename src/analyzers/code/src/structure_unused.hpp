#pragma once

#include <vector>

#include "structure_modules.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::code::detail {

/// structure.unused-import, structure.unused-function, structure.unused-type and structure.unused-export: what files
/// don't use themselves and nobody else uses.
std::vector<findings::Finding> unused_findings(const ProjectPaths& paths, const ResolvedImports& imports,
                                               const LinkOptions& options);

}  // namespace wrench::code::detail
