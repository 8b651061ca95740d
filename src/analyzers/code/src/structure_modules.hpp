#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

struct ModuleEdge {
  std::uint32_t to;
  const findings::Location* where;  ///< Of the import.
};

struct ModuleGraph {
  std::vector<std::vector<ModuleEdge>> edges;     ///< Imports at load time, per file.
  std::vector<std::vector<std::uint32_t>> quiet;  ///< Imports for types, or inside functions.
};

/// Resolves imports to files of the project: Python modules and packages, relative JavaScript and TypeScript modules,
/// Java classes, C and C++ headers. Go's packages can't form cycles and aren't resolved.
ModuleGraph module_graph(std::span<const FileFacts* const> files);

}  // namespace wrench::code::detail
