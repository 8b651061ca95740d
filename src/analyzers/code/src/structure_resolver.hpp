#pragma once

#include <memory>
#include <vector>

#include "structure_paths.hpp"

namespace wrench::code::detail {

/// Finds what the imports of one language mean. Asked file by file, so that what a folder has in common is kept.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Adds the files that are meant to `out`. For Go: one file that stands for the package's folder.
  virtual Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) = 0;
};

/// Modules, packages with and without `__init__.py`, relative imports; roots are where a file's outermost package
/// stands, the folders above with their src/, and where pyproject.toml or setup.cfg say that packages are.
std::unique_ptr<Resolver> python_resolver(const ProjectPaths& paths);
/// Relative modules, tsconfig `paths` and `baseUrl`, package.json `imports` and `exports`, packages of the same tree.
std::unique_ptr<Resolver> script_resolver(const ProjectPaths& paths);
/// Packages by the modules of go.mod, with `replace` and without a module as below a GOPATH.
std::unique_ptr<Resolver> go_resolver(const ProjectPaths& paths);
/// Classes by the packages that files declare, wherever the source roots are.
std::unique_ptr<Resolver> java_resolver(const ProjectPaths& paths);
/// Headers beside the file, else the nearest whose path ends as the include says.
std::unique_ptr<Resolver> include_resolver(const ProjectPaths& paths);

/// Files that a package.json offers to others.
struct ScriptEntries {
  std::vector<std::uint32_t> files;
  /// Folders in which anything may be imported from outside: some entry couldn't be found in the tree, or is a pattern.
  std::vector<std::string> open_folders;
};
ScriptEntries script_entries(const ProjectPaths& paths);

}  // namespace wrench::code::detail
