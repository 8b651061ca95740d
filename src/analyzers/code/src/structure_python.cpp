#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "structure_resolver.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {

namespace {

using source::Language;

constexpr std::array<std::string_view, 3> kSourceFolders = {"src", "lib", "python"};
/// Compiled or generated forms of a module.
constexpr std::array<std::string_view, 4> kOtherEndings = {".pyi", ".pyx", ".so", ".pyd"};

class PythonResolver final : public Resolver {
 public:
  explicit PythonResolver(const ProjectPaths& paths) : paths_(paths) {
    for (const FileFacts* file : paths.files()) {
      const std::string_view folder = folder_of(file->project_path);
      if (file->manifest.kind == ManifestKind::PythonProject)
        for (const std::string& source : file->manifest.folders)
          if (auto root = normal_path(in_folder(folder, source))) declared_roots_[folder].push_back(*std::move(root));
      if (file->language != Language::Python || !file->has_tree) continue;
      own_code_.insert(folder);
      for (std::string_view up = folder; !up.empty() && code_folders_.insert(up).second;) up = folder_of(up);
      if (file_name(file->project_path) != "__init__.py" || folder.empty() || is_package(folder_of(folder))) continue;
      const std::string_view root = folder_of(folder);
      (is_project_root(root) ? packages_ : loose_packages_)[file_name(folder)].push_back(root);
    }
  }

  Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) override {
    std::string_view module = import.module;
    std::string_view folder = folder_of(file.project_path);
    if (module.starts_with('.')) {
      for (module.remove_prefix(1); module.starts_with('.'); module.remove_prefix(1)) {
        if (folder.empty()) return Resolution::Nothing;
        folder = folder_of(folder);
      }
      return below(folder, as_path(module), import, Relative::Yes, out) ? Resolution::Inside : Resolution::Nothing;
    }
    const std::string path = as_path(module);
    const std::string_view top = module.substr(0, module.find('.'));
    bool part_found = false;
    for (const std::string& root : roots_of(folder)) {
      if (below(root, path, import, Relative::No, out)) return Resolution::Inside;
      part_found |= is_module(in_folder(root, top));
    }
    if (const auto root = nearest(packages_, top, file.project_path)) {
      if (below(*root, path, import, Relative::No, out)) return Resolution::Inside;
      part_found = true;
    }
    // Tests put folders of sample packages on sys.path.
    if (const auto root = nearest(loose_packages_, top, file.project_path);
        root && source::is_test_path(file.project_path) && shared_folders(*root, file.project_path) > 0 &&
        below(*root, path, import, Relative::No, out))
      return Resolution::Inside;
    return part_found ? Resolution::Nothing : Resolution::Outside;
  }

 private:
  enum class Relative : std::uint8_t { No, Yes };

  static std::string as_path(std::string_view module) {
    std::string path(module);
    std::ranges::replace(path, '.', '/');
    return path;
  }

  using Roots = std::unordered_map<std::string_view, std::vector<std::string_view>>;

  static std::optional<std::string_view> nearest(const Roots& roots, std::string_view package, std::string_view to) {
    const auto found = roots.find(package);
    if (found == roots.end()) return std::nullopt;
    return *std::ranges::max_element(found->second, {},
                                     [&](std::string_view root) { return shared_folders(root, to); });
  }

  bool is_package(std::string_view folder) const { return paths_.has_file(in_folder(folder, "__init__.py")); }
  bool is_module(const std::string& base) const { return paths_.has_file(base + ".py") || is_package(base); }

  /// Packages below it can be installed, so any file of the tree may import them.
  bool is_project_root(std::string_view folder) const {
    for (const std::string_view at : {folder, folder_of(folder)})
      for (const std::string_view name : {"pyproject.toml", "setup.py", "setup.cfg"})
        if (paths_.has_file(in_folder(at, name))) return true;
    return false;
  }

  const std::vector<std::string>& roots_of(std::string_view folder) {
    const auto [at, added] = roots_.try_emplace(folder);
    if (!added) return at->second;
    std::vector<std::string>& roots = at->second;
    // Absolute names start where the outermost package stands, or in a folder above: an entry of sys.path.
    while (!folder.empty() && is_package(folder)) folder = folder_of(folder);
    for (;; folder = folder_of(folder)) {
      roots.emplace_back(folder);
      for (const std::string_view name : kSourceFolders)
        if (std::string root = in_folder(folder, name); code_folders_.contains(root)) roots.push_back(std::move(root));
      if (const auto found = declared_roots_.find(folder); found != declared_roots_.end())
        roots.insert(roots.end(), found->second.begin(), found->second.end());
      if (folder.empty()) return roots;
    }
  }

  bool below(std::string_view root, std::string_view path, const ImportFact& import, Relative relative,
             std::vector<std::uint32_t>& out) const {
    const std::string base = in_folder(root, path);
    const std::string init = in_folder(base, "__init__.py");
    const bool package = paths_.has_file(init);
    if (!package && !path.empty() && paths_.find(base + ".py", out)) return true;
    if (!package && !path.empty() && has_other_form(base)) return true;
    // A folder without __init__.py is a package when it holds code.
    if (!package && !code_folders_.contains(base) && !base.empty()) return false;
    if (import.sub == ImportSub::Module) return package ? paths_.find(init, out) : own_code_.contains(base);
    bool any = false, from_package = false;
    for (const std::string& name : import.names) {
      const std::string submodule = in_folder(base, name);
      if (paths_.find(submodule + ".py", out) || paths_.find(in_folder(submodule, "__init__.py"), out) ||
          has_other_form(submodule)) {
        any = true;
      } else if (package) {
        from_package = true;
      } else {
        any |= relative == Relative::Yes && code_folders_.contains(submodule);
      }
    }
    if (from_package) any |= paths_.find(init, out);
    return any;
  }

  bool has_other_form(const std::string& base) const {
    return std::ranges::any_of(kOtherEndings,
                               [&](std::string_view ending) { return paths_.has_file(base + std::string(ending)); });
  }

  const ProjectPaths& paths_;
  std::unordered_set<std::string_view> code_folders_;  ///< With Python somewhere below.
  /// With Python in themselves: others are often examples named after what they are for.
  std::unordered_set<std::string_view> own_code_;
  std::unordered_map<std::string_view, std::vector<std::string>> declared_roots_;  ///< By the manifest's folder.
  Roots packages_;        ///< Top-level name to roots, of what a project installs.
  Roots loose_packages_;  ///< The same of all others.
  std::unordered_map<std::string_view, std::vector<std::string>> roots_;  ///< By the importing folder.
};

}  // namespace

std::unique_ptr<Resolver> python_resolver(const ProjectPaths& paths) { return std::make_unique<PythonResolver>(paths); }

}  // namespace wrench::code::detail
