#pragma once

#include <vector>

#include "structure_modules.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::code::detail {

struct Cycle {
  findings::ImportCycle shortest;  ///< Modules are files, or folders of Java's packages.
  std::vector<std::string> names;  ///< Of the same modules, for people.
  std::size_t group_size = 0;      ///< Modules that reach each other.
  bool are_packages = false;
};

/// Strongly connected components of the imports (Tarjan 1972, without recursion), each once, with its shortest cycle;
/// in components of more than 50 modules the shortest one through any of the first 50. By the first module's name.
std::vector<Cycle> import_cycles(const ProjectPaths& paths, const ModuleGraph& graph);

/// structure.import-cycle
findings::Finding cycle_finding(const Cycle& cycle);

}  // namespace wrench::code::detail
