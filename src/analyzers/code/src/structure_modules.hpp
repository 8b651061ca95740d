#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "structure_paths.hpp"
#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

struct ModuleEdge {
  std::uint32_t to;
  const findings::Location* where;  ///< Of the import.
};

struct ModuleGraph {
  /// The module of each file: itself, or for Java and Go the first file of its package's folder.
  std::vector<std::uint32_t> module_of;
  /// Imports at load time between modules, one for each pair, in the order of files. None for Go, whose compiler
  /// refuses cycles: files that are never compiled together would make false ones.
  std::vector<std::vector<ModuleEdge>> edges;
  /// Files that import this file in any way; for Go, those that import the package this file stands for.
  std::vector<std::vector<std::uint32_t>> importers;
  /// For each file and each of its imports.
  std::vector<std::vector<Resolution>> resolutions;
};

/// What a file takes from another, by name.
struct ImportUse {
  std::uint32_t to;
  const ImportFact* import;
};

struct ResolvedImports {
  ModuleGraph graph;
  std::vector<std::vector<ImportUse>> uses;  ///< Per importing file.
};

/// Who uses whom, by the names of modules: files, or the folders of Java's and Go's packages. Other than the graph's
/// edges these are of all imports, of Go's too, but of no tests'. By `from`, then `to`.
std::vector<findings::ModuleEdge> named_edges(const ProjectPaths& paths, const ResolvedImports& imports);

/// Resolves every import. Linear in the number of imports and paths.
ResolvedImports resolve_imports(const ProjectPaths& paths);

}  // namespace wrench::code::detail
