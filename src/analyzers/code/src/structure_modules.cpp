#include "structure_modules.hpp"

#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "structure_resolver.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {

using source::Language;

namespace {

class Builder {
 public:
  explicit Builder(const ProjectPaths& paths)
      : paths_(paths),
        python_(python_resolver(paths)),
        script_(script_resolver(paths)),
        go_(go_resolver(paths)),
        java_(java_resolver(paths)),
        include_(include_resolver(paths)) {}

  ResolvedImports run() {
    const auto count = static_cast<std::uint32_t>(paths_.files().size());
    ModuleGraph& graph = out_.graph;
    graph.edges.resize(count);
    graph.importers.resize(count);
    graph.resolutions.resize(count);
    out_.uses.resize(count);
    find_modules(count);
    for (std::uint32_t i = 0; i < count; ++i) file(i);
    return std::move(out_);
  }

 private:
  void find_modules(std::uint32_t count) {
    std::unordered_map<std::string_view, std::uint32_t> java;
    for (std::uint32_t i = 0; i < count; ++i) {
      const FileFacts& file = paths_.file(i);
      const std::string_view folder = folder_of(file.project_path);
      std::uint32_t module = i;
      if (file.has_tree && file.language == Language::Java) module = java.try_emplace(folder, i).first->second;
      if (file.has_tree && file.language == Language::Go) module = paths_.go_package(folder).value_or(i);
      out_.graph.module_of.push_back(module);
    }
  }

  Resolver* resolver_of(Language language) {
    switch (language) {
      case Language::Python:
        return python_.get();
      case Language::JavaScript:
      case Language::TypeScript:
      case Language::Tsx:
        return script_.get();
      case Language::Go:
        return go_.get();
      case Language::Java:
        return java_.get();
      case Language::C:
      case Language::Cpp:
        return include_.get();
      default:
        return nullptr;
    }
  }

  void file(std::uint32_t i) {
    const FileFacts& file = paths_.file(i);
    Resolver* const resolver = resolver_of(file.language);
    if (resolver == nullptr) return;
    ModuleGraph& graph = out_.graph;
    for (const ImportFact& import : file.imports) {
      targets_.clear();
      graph.resolutions[i].push_back(resolver->resolve(file, import, targets_));
      for (const std::uint32_t to : targets_) {
        if (to == i) continue;
        out_.uses[i].push_back({to, &import});
        auto& importers = graph.importers[to];
        if (importers.empty() || importers.back() != i) importers.push_back(i);
        if (!import.lazy && !import.type_only && makes_edges(file)) edge(i, to, import);
      }
    }
  }

  /// Java's tests stand in the packages that they test: imports among them say nothing about these.
  static bool makes_edges(const FileFacts& file) {
    return file.language != Language::Go &&
           (file.language != Language::Java || !source::is_test_path(file.project_path));
  }

  void edge(std::uint32_t from, std::uint32_t to, const ImportFact& import) {
    from = out_.graph.module_of[from];
    to = out_.graph.module_of[to];
    if (from == to || !seen_.insert(std::uint64_t{from} << 32 | to).second) return;
    out_.graph.edges[from].push_back({to, &import.where});
  }

  const ProjectPaths& paths_;
  std::unique_ptr<Resolver> python_, script_, go_, java_, include_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<std::uint32_t> targets_;
  ResolvedImports out_;
};

}  // namespace

std::vector<findings::ModuleEdge> named_edges(const ProjectPaths& paths, const ResolvedImports& imports) {
  const auto name = [&](std::uint32_t file) {
    const FileFacts& facts = paths.file(file);
    if (facts.language != Language::Java && facts.language != Language::Go) return facts.project_path;
    const std::string_view folder = folder_of(facts.project_path);
    return std::string(folder.empty() ? "." : folder);
  };
  std::map<std::pair<std::string, std::string>, const findings::Location*> edges;
  for (std::uint32_t i = 0; i < imports.uses.size(); ++i) {
    if (source::is_test_path(paths.file(i).project_path)) continue;
    for (const ImportUse& use : imports.uses[i]) {
      auto key = std::pair(name(i), name(use.to));
      if (key.first != key.second) edges.try_emplace(std::move(key), &use.import->where);
    }
  }
  std::vector<findings::ModuleEdge> out;
  out.reserve(edges.size());
  for (const auto& [names, where] : edges) out.push_back({names.first, names.second, *where});
  return out;
}

ResolvedImports resolve_imports(const ProjectPaths& paths) { return Builder(paths).run(); }

}  // namespace wrench::code::detail
