#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wrench::code {

inline constexpr std::size_t kManifestBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kMappingsMax = 1'000;  ///< Of one manifest; an import is compared with each of them.

enum class ManifestKind : std::uint8_t {
  None,
  GoModule,       ///< go.mod
  GoWorkspace,    ///< go.work
  ScriptPackage,  ///< package.json
  ScriptConfig,   ///< tsconfig*.json, jsconfig.json
  PythonProject,  ///< pyproject.toml, setup.cfg
};

/// What a project says about its modules. Paths are as written, relative to the manifest's folder.
struct Manifest {
  using Mapping = std::pair<std::string, std::vector<std::string>>;

  ManifestKind kind = ManifestKind::None;
  bool broken = false;  ///< It doesn't parse: nothing is known.
  /// Go module path, name of the package.
  std::string name;
  /// ScriptPackage: what it requires. GoModule: required module paths.
  std::vector<std::string> dependencies;
  /// ScriptPackage: subpath ("." or "./x") to the files that may stand for it, also of `main`, `bin` and `types`.
  /// ScriptConfig: `paths`. GoModule: replaced module path to its folder.
  std::vector<Mapping> mappings;
  /// ScriptPackage: `imports`, "#x" to files.
  std::vector<Mapping> private_mappings;
  /// GoWorkspace: `use`. ScriptConfig: `extends`. PythonProject: folders that packages are looked for in.
  std::vector<std::string> folders;
  std::string base_url;     ///< ScriptConfig.
  bool is_library = false;  ///< PythonProject: builds a distribution that others import.
};

/// By the file's name alone.
ManifestKind manifest_kind(std::string_view path);

/// Never fails: what can't be read is `broken`.
Manifest read_manifest(ManifestKind kind, std::string_view text);

}  // namespace wrench::code
