#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::code {

/// What one file shows by itself: structure.unreachable-code and structure.unused-variable. Stamped with fingerprints.
std::vector<findings::Finding> structure_findings(const Ir& ir, const Atoms& atoms, const source::SourceText& text);

/// Whether all files of the project are there. Of a part nothing can be said about what others might use.
enum class TreeExtent : std::uint8_t { Whole, Part };

/// A part of a project, and what its files may import.
struct Layer {
  std::string name;
  std::vector<std::string> paths;    ///< Patterns as in .gitignore. A file is in the first layer that names it.
  std::vector<std::string> may_use;  ///< Names of layers; its own it may always use.
};

struct LinkOptions {
  bool structure = true;
  bool clones = true;
  KnownClones* known_clones = nullptr;  ///< Of an earlier run; find_clones() says what it is for.
  TreeExtent extent = TreeExtent::Whole;
  /// Paths of the project's files without facts: imports may mean them.
  std::span<const std::string> other_paths;
  /// Paths of files or folders, or names of functions and classes, that are used from outside of the tree.
  std::span<const std::string> entry_points;
  std::span<const Layer> layers;
};

struct ProjectResult {
  /// structure.unused-import, structure.unused-function, structure.unused-type, structure.unused-export,
  /// structure.import-cycle, structure.layer-violation, code.duplicate; by path, then offset.
  std::vector<findings::Finding> findings;
  std::vector<findings::CloneClass> clones;  ///< Most tokens first.
  std::size_t clones_with_more = 0;          ///< Of which only kCloneMembersMax members are listed.
  std::vector<findings::ImportCycle> cycles;
  std::vector<std::string> empty_layers;  ///< Names of layers without a file: their patterns may be wrong.
  /// Which module uses which, in any way, tests left out: one edge for each pair, with its first import. By `from`,
  /// then `to`.
  std::vector<findings::ModuleEdge> edges;
};

/// Joins the files of one project. `sources` is asked for the text around clones only. Stops early, with what it has,
/// when told to.
ProjectResult link_project(std::span<const FileFacts* const> files, const findings::SourceLookup& sources,
                           const LinkOptions& options, const StopToken& stop);

}  // namespace wrench::code
