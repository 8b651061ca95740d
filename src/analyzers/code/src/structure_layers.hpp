#pragma once

#include <span>
#include <vector>

#include "structure_modules.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::code::detail {

struct LayerFindings {
  /// structure.layer-violation: imports that lead from a layer to one that it may not use, once for each import and
  /// layer; those for types and inside of functions count, too. Files in no layer are free.
  std::vector<findings::Finding> violations;
  std::vector<std::string> empty;  ///< Names of layers that no file is in.
};
LayerFindings layer_findings(const ProjectPaths& paths, const ResolvedImports& imports, std::span<const Layer> layers);

}  // namespace wrench::code::detail
