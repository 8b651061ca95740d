#include "structure_modules.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

namespace wrench::code::detail {

using source::Language;

namespace {

constexpr std::array<std::string_view, 8> kScriptEndings = {".ts",  ".tsx", ".d.ts", ".js",
                                                            ".jsx", ".mjs", ".cjs",  ".mts"};

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

std::string in_folder(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

/// Resolves "." and ".."; empty when it would leave the project.
std::string normal_path(const std::string& path) {
  std::vector<std::string_view> parts;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return {};
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out;
}

class Resolver {
 public:
  explicit Resolver(std::span<const FileFacts* const> files) : files_(files) {
    for (std::uint32_t i = 0; i < files.size(); ++i) by_path_.emplace(files[i]->project_path, i);
  }

  ModuleGraph run() {
    ModuleGraph graph;
    graph.edges.resize(files_.size());
    graph.quiet.resize(files_.size());
    std::vector<std::uint32_t> targets;
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      for (const ImportFact& import : files_[i]->imports) {
        targets.clear();
        resolve(*files_[i], import, targets);
        for (const std::uint32_t to : targets) {
          if (to == i) continue;
          if (import.lazy || import.type_only || files_[i]->language == Language::Java) {
            // Java loads classes when they are used; classes of one package refer to each other freely.
            graph.quiet[i].push_back(to);
          } else {
            graph.edges[i].push_back({to, &import.where});
          }
        }
      }
    return graph;
  }

 private:
  bool find(const std::string& path, std::vector<std::uint32_t>& out) const {
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return false;
    out.push_back(found->second);
    return true;
  }

  void resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) const {
    switch (file.language) {
      case Language::Python:
        python(file, import, out);
        break;
      case Language::JavaScript:
      case Language::TypeScript:
      case Language::Tsx:
        script(file, import, out);
        break;
      case Language::C:
      case Language::Cpp:
        include(file, import, out);
        break;
      default:
        break;
    }
  }

  // --- Python

  bool is_package(const std::string& folder) const { return by_path_.contains(in_folder(folder, "__init__.py")); }

  void python(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) const {
    std::string_view module = import.module;
    std::string folder = folder_of(file.project_path);
    if (module.starts_with('.')) {
      module.remove_prefix(1);
      while (module.starts_with('.')) {
        folder = folder_of(folder);
        module.remove_prefix(1);
      }
      python_below(folder, module, import, out);
      return;
    }
    // Absolute names start where the outermost package stands, at the project's root or in src/.
    std::string root = folder;
    while (!root.empty() && is_package(root)) root = folder_of(root);
    for (const std::string& start : {root, std::string(), std::string("src"), std::string("lib")})
      if (python_below(start, module, import, out)) return;
  }

  bool python_below(const std::string& folder, std::string_view module, const ImportFact& import,
                    std::vector<std::uint32_t>& out) const {
    std::string path(module);
    std::ranges::replace(path, '.', '/');
    const std::string base = path.empty() ? folder : in_folder(folder, path);
    if (import.sub == ImportSub::Module) return find(base + ".py", out) || find(in_folder(base, "__init__.py"), out);
    if (!path.empty() && find(base + ".py", out)) return true;
    bool any = false, from_package = false;
    for (const std::string& name : import.names) {
      if (find(in_folder(base, name + ".py"), out) || find(in_folder(base, name + "/__init__.py"), out)) {
        any = true;
      } else {
        from_package = true;
      }
    }
    if (from_package) any |= find(in_folder(base, "__init__.py"), out);
    return any;
  }

  // --- JavaScript, TypeScript

  void script(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) const {
    if (!import.module.starts_with("./") && !import.module.starts_with("../") && import.module != "." &&
        import.module != "..")
      return;
    const std::string path = normal_path(in_folder(folder_of(file.project_path), import.module));
    if (path.empty()) return;
    if (find(path, out)) return;
    // TypeScript writes ".js" for what is a ".ts" here.
    const std::size_t dot = path.rfind('.');
    const std::string bare =
        dot != std::string::npos && path.substr(dot).starts_with(".js") ? path.substr(0, dot) : path;
    for (const std::string_view ending : kScriptEndings)
      if (find(path + std::string(ending), out) || (bare != path && find(bare + std::string(ending), out))) return;
    for (const std::string_view ending : kScriptEndings)
      if (find(path + "/index" + std::string(ending), out)) return;
  }

  // --- C, C++

  void include(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) const {
    if (import.module.size() < 3 || import.module.front() != '"') return;
    const std::string name = import.module.substr(1, import.module.size() - 2);
    const std::string beside = normal_path(in_folder(folder_of(file.project_path), name));
    if (!beside.empty() && find(beside, out)) return;
    for (const std::string_view root : {"", "include", "src"})
      if (find(in_folder(std::string(root), name), out)) return;
  }

  std::span<const FileFacts* const> files_;
  std::unordered_map<std::string, std::uint32_t> by_path_;
};

}  // namespace

ModuleGraph module_graph(std::span<const FileFacts* const> files) { return Resolver(files).run(); }

}  // namespace wrench::code::detail
