#include <unordered_map>
#include <unordered_set>

#include "structure_resolver.hpp"

namespace wrench::code::detail {

namespace {

class GoResolver final : public Resolver {
 public:
  explicit GoResolver(const ProjectPaths& paths) : paths_(paths) {
    for (const FileFacts* file : paths.files()) {
      if (file->manifest.kind != ManifestKind::GoModule || file->manifest.name.empty()) continue;
      by_folder_.emplace(folder_of(file->project_path), file);
      by_name_[file->manifest.name].push_back(file);
      required_[file].insert(file->manifest.dependencies.begin(), file->manifest.dependencies.end());
    }
  }

  Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) override {
    const std::string_view path = import.module;
    const std::string_view folder = folder_of(file.project_path);
    if (path == "C") return Resolution::Outside;
    if (path.starts_with("./") || path.starts_with("../")) {
      const auto target = normal_path(in_folder(folder, path));
      return target && package(*target, out) ? Resolution::Inside : Resolution::Nothing;
    }
    const FileFacts* own = module_of(folder);
    if (own != nullptr && replaced(*own, path, out)) return Resolution::Inside;
    if (const auto found = in_module(file, own, path, out)) return *found;
    if (package(in_folder("vendor", path), out)) return Resolution::Inside;
    // Names of the standard library have no dot in their first part.
    if (path.substr(0, path.find('/')).find('.') == std::string_view::npos) return Resolution::Outside;
    if (own == nullptr) return below_gopath(path, out) ? Resolution::Inside : Resolution::Outside;
    const auto& required = required_.at(own);
    for (std::string_view module = path; !module.empty(); module = folder_of(module))
      if (required.contains(module)) return Resolution::Outside;
    return Resolution::Nothing;
  }

 private:
  static bool is_below(std::string_view path, std::string_view module) {
    return path.starts_with(module) && (path.size() == module.size() || path[module.size()] == '/');
  }

  bool package(std::string_view folder, std::vector<std::uint32_t>& out) const {
    const auto found = paths_.go_package(folder);
    if (found) out.push_back(*found);
    return found.has_value();
  }

  const FileFacts* module_of(std::string_view folder) const {
    for (;; folder = folder_of(folder)) {
      if (const auto found = by_folder_.find(folder); found != by_folder_.end()) return found->second;
      if (folder.empty()) return nullptr;
    }
  }

  bool replaced(const FileFacts& own, std::string_view path, std::vector<std::uint32_t>& out) const {
    for (const auto& [module, folders] : own.manifest.mappings) {
      if (!is_below(path, module)) continue;
      const std::string_view rest = path.substr(module.size());
      const auto target = normal_path(in_folder(folder_of(own.project_path), folders.front()) + std::string(rest));
      if (target && package(*target, out)) return true;
    }
    return false;
  }

  /// The module of the tree with the longest name that the path starts with. Several copies may have one name.
  std::optional<Resolution> in_module(const FileFacts& file, const FileFacts* own, std::string_view path,
                                      std::vector<std::uint32_t>& out) const {
    for (std::string_view name = path; !name.empty(); name = folder_of(name)) {
      const auto found = by_name_.find(name);
      if (found == by_name_.end()) continue;
      const FileFacts* module = found->second.front();
      for (const FileFacts* one : found->second)
        if (one == own || (module != own && shared_folders(one->project_path, file.project_path) >
                                                shared_folders(module->project_path, file.project_path)))
          module = one;
      const std::string_view rest = path.size() == name.size() ? std::string_view{} : path.substr(name.size() + 1);
      const std::string folder = in_folder(folder_of(module->project_path), rest);
      if (package(folder, out)) return Resolution::Inside;
      // Only generated code stands there.
      return paths_.has_folder(folder) ? Resolution::Inside : Resolution::Nothing;
    }
    return std::nullopt;
  }

  bool below_gopath(std::string_view path, std::vector<std::uint32_t>& out) const {
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
      if (package(path.substr(slash + 1), out)) return true;
    return false;
  }

  const ProjectPaths& paths_;
  std::unordered_map<std::string_view, const FileFacts*> by_folder_;
  std::unordered_map<std::string_view, std::vector<const FileFacts*>> by_name_;
  std::unordered_map<const FileFacts*, std::unordered_set<std::string_view>> required_;
};

}  // namespace

std::unique_ptr<Resolver> go_resolver(const ProjectPaths& paths) { return std::make_unique<GoResolver>(paths); }

}  // namespace wrench::code::detail
