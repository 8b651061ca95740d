#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "structure_resolver.hpp"

namespace wrench::code::detail {

namespace {

constexpr auto kEndings = std::to_array<std::string_view>(
    {".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.ts", ".json", ".vue", ".svelte"});
/// What TypeScript's compiler makes of .ts, .tsx, .mts and .cts: imports name the result.
constexpr auto kCompiledEndings =
    std::to_array<std::string_view>({".d.ts", ".d.mts", ".d.cts", ".js", ".jsx", ".mjs", ".cjs"});
/// Where builds put what package.json offers.
constexpr auto kOutputFolders =
    std::to_array<std::string_view>({"dist", "build", "lib", "out", "esm", "cjs", "es", "umd", "types", "output"});
constexpr auto kNodeModules = std::to_array<std::string_view>({"assert",       "async_hooks",
                                                               "buffer",       "child_process",
                                                               "cluster",      "console",
                                                               "constants",    "crypto",
                                                               "dgram",        "diagnostics_channel",
                                                               "dns",          "domain",
                                                               "events",       "fs",
                                                               "http",         "http2",
                                                               "https",        "inspector",
                                                               "module",       "net",
                                                               "os",           "path",
                                                               "perf_hooks",   "process",
                                                               "punycode",     "querystring",
                                                               "readline",     "repl",
                                                               "stream",       "string_decoder",
                                                               "sys",          "test",
                                                               "timers",       "tls",
                                                               "trace_events", "tty",
                                                               "url",          "util",
                                                               "v8",           "vm",
                                                               "wasi",         "worker_threads",
                                                               "zlib"});
static_assert(std::ranges::is_sorted(kNodeModules));
constexpr int kConfigsMax = 16;     ///< Configurations that extend one another.
constexpr int kOutputDepthMax = 3;  ///< dist/esm/…

/// "@scope/name" or "name".
std::string_view package_part(std::string_view module) {
  std::size_t slash = module.find('/');
  if (module.starts_with('@') && slash != std::string_view::npos) slash = module.find('/', slash + 1);
  return module.substr(0, slash);
}

/// What the "*" of `pattern` stands for in `text`; none when it doesn't fit.
std::optional<std::string_view> star_of(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text ? std::optional(std::string_view{}) : std::nullopt;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

std::string with_star(std::string_view pattern, std::string_view star) {
  std::string out(pattern);
  if (const std::size_t at = out.find('*'); at != std::string::npos) out.replace(at, 1, star);
  return out;
}

/// Modules as files: with an ending left out, folders with an index, sources for what is compiled.
class Files {
 public:
  explicit Files(const ProjectPaths& paths) : paths_(paths) {}

  bool find(std::string_view path, std::vector<std::uint32_t>& out) const {
    if (paths_.find(path, out)) return true;
    for (const std::string_view compiled : kCompiledEndings)
      if (path.ends_with(compiled)) return with_ending(path.substr(0, path.size() - compiled.size()), out);
    if (with_ending(path, out)) return true;
    return paths_.has_folder(path) && with_ending(in_folder(path, "index"), out);
  }

  /// As find(); a path that a build will make is looked for among the sources.
  bool find_source(std::string_view folder, std::string_view path, std::vector<std::uint32_t>& out) const {
    const auto target = normal_path(in_folder(folder, path));
    if (!target) return false;
    if (find(*target, out)) return true;
    std::string_view rest = path;
    while (rest.starts_with("./")) rest.remove_prefix(2);
    for (int depth = 0; depth <= kOutputDepthMax; ++depth) {
      for (const std::string_view source : {"src", ""})
        if (const auto other = normal_path(in_folder(in_folder(folder, source), rest)); other && find(*other, out))
          return true;
      const std::string_view first = rest.substr(0, rest.find('/'));
      if (first.size() == rest.size() || std::ranges::find(kOutputFolders, first) == kOutputFolders.end()) return false;
      rest = rest.substr(first.size() + 1);
    }
    return false;
  }

 private:
  bool with_ending(std::string_view path, std::vector<std::uint32_t>& out) const {
    return std::ranges::any_of(
        kEndings, [&](std::string_view ending) { return paths_.find(std::string(path) + std::string(ending), out); });
  }

  const ProjectPaths& paths_;
};

class ScriptResolver final : public Resolver {
 public:
  explicit ScriptResolver(const ProjectPaths& paths) : files_(paths) {
    for (const FileFacts* file : paths.files()) {
      const std::string_view folder = folder_of(file->project_path);
      if (file->manifest.kind == ManifestKind::ScriptPackage) {
        packages_.emplace(folder, file);
        const auto& required = file->manifest.dependencies;
        dependencies_.insert(required.begin(), required.end());
        if (!file->manifest.name.empty()) by_name_.emplace(file->manifest.name, file);
      }
      if (file->manifest.kind == ManifestKind::ScriptConfig) {
        configs_[folder].push_back(file);
        config_paths_.emplace(file->project_path, file);
      }
    }
  }

  Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) override {
    std::string_view module = import.module;
    // Bundlers: "./a.svg?raw", "raw-loader!./a.txt".
    module = module.substr(module.rfind('!') == std::string_view::npos ? 0 : module.rfind('!') + 1);
    if (!module.starts_with('#')) module = module.substr(0, module.find_first_of("?#"));
    const std::string_view folder = folder_of(file.project_path);
    if (module.starts_with("./") || module.starts_with("../") || module == "." || module == "..") {
      const auto path = normal_path(in_folder(folder, module));
      return path && files_.find(*path, out) ? Resolution::Inside : Resolution::Nothing;
    }
    // "node:fs", "https://…", "npm:x", "virtual:y".
    if (module.find(':') != std::string_view::npos || module.empty()) return Resolution::Outside;
    if (module.starts_with('/')) return files_.find(module.substr(1), out) ? Resolution::Inside : Resolution::Nothing;
    if (module.starts_with('#')) return private_import(folder, module, out);
    if (by_config(folder, module, out)) return Resolution::Inside;
    if (by_bundler_alias(folder, module, out)) return Resolution::Inside;
    return package(folder, module, out);
  }

 private:
  template <class F>
  static void each_folder_up(std::string_view folder, F f) {
    for (;; folder = folder_of(folder))
      if (f(folder) || folder.empty()) return;
  }

  const FileFacts* package_of(std::string_view folder) const {
    const FileFacts* out = nullptr;
    each_folder_up(folder, [&](std::string_view up) {
      const auto found = packages_.find(up);
      if (found != packages_.end()) out = found->second;
      return out != nullptr;
    });
    return out;
  }

  // --- tsconfig.json

  struct Paths {
    const FileFacts* config = nullptr;
    std::string base;  ///< Folder that `paths` are relative to.
    std::vector<std::string> base_urls;
  };

  /// `paths` of one configuration win over those of what it extends.
  void read_config(const FileFacts* config, std::vector<Paths>& out, int depth = 0) const {
    if (depth >= kConfigsMax || config->manifest.broken) return;
    const std::string_view folder = folder_of(config->project_path);
    const auto base = normal_path(in_folder(folder, config->manifest.base_url));
    if (base && (!config->manifest.base_url.empty() || !config->manifest.mappings.empty())) {
      Paths paths{config, *base, {}};
      if (!config->manifest.base_url.empty()) paths.base_urls.push_back(*base);
      out.push_back(std::move(paths));
    }
    for (const std::string& extended : config->manifest.folders) {
      if (!extended.starts_with('.')) continue;
      const auto path = normal_path(in_folder(folder, extended));
      if (!path) continue;
      for (const std::string& candidate : {*path, *path + ".json", *path + "/tsconfig.json"})
        if (const auto found = config_paths_.find(candidate); found != config_paths_.end()) {
          read_config(found->second, out, depth + 1);
          break;
        }
    }
  }

  const std::vector<Paths>& paths_of(std::string_view folder) {
    const auto [at, added] = paths_by_folder_.try_emplace(folder);
    if (!added) return at->second;
    each_folder_up(folder, [&](std::string_view up) {
      if (const auto found = configs_.find(up); found != configs_.end())
        for (const FileFacts* config : found->second) read_config(config, at->second);
      return false;
    });
    return at->second;
  }

  bool by_config(std::string_view folder, std::string_view module, std::vector<std::uint32_t>& out) {
    for (const Paths& paths : paths_of(folder)) {
      const Manifest::Mapping* best = nullptr;
      for (const Manifest::Mapping& mapping : paths.config->manifest.mappings)
        if (star_of(mapping.first, module) && (best == nullptr || mapping.first.find('*') > best->first.find('*') ||
                                               mapping.first.find('*') == std::string::npos))
          best = &mapping;
      if (best != nullptr)
        for (const std::string& target : best->second)
          if (files_.find_source(paths.base, with_star(target, *star_of(best->first, module)), out)) return true;
      for (const std::string& base : paths.base_urls)
        if (const auto path = normal_path(in_folder(base, module)); path && files_.find(*path, out)) return true;
    }
    return false;
  }

  /// "@/x" and "~/x" are nobody's packages: bundlers are told that they mean the sources.
  bool by_bundler_alias(std::string_view folder, std::string_view module, std::vector<std::uint32_t>& out) const {
    if (!module.starts_with("@/") && !module.starts_with("~/")) return false;
    const FileFacts* own = package_of(folder);
    const std::string_view root = own == nullptr ? std::string_view{} : folder_of(own->project_path);
    return files_.find_source(root, module.substr(2), out);
  }

  // --- package.json

  bool mapped(const std::vector<Manifest::Mapping>& mappings, std::string_view folder, std::string_view name,
              std::vector<std::uint32_t>& out) const {
    for (const auto& [pattern, files] : mappings) {
      const auto star = star_of(pattern, name);
      if (!star) continue;
      for (const std::string& file : files)
        if (files_.find_source(folder, with_star(file, *star), out)) return true;
    }
    return false;
  }

  Resolution private_import(std::string_view folder, std::string_view module, std::vector<std::uint32_t>& out) {
    if (by_config(folder, module, out)) return Resolution::Inside;
    const FileFacts* own = package_of(folder);
    if (own == nullptr) return Resolution::Nothing;
    if (mapped(own->manifest.private_mappings, folder_of(own->project_path), module, out)) return Resolution::Inside;
    for (const auto& [pattern, targets] : own->manifest.private_mappings)
      if (star_of(pattern, module) && !targets.front().starts_with('.')) return Resolution::Outside;
    return Resolution::Nothing;
  }

  Resolution package(std::string_view folder, std::string_view module, std::vector<std::uint32_t>& out) const {
    const std::string_view name = package_part(module);
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
      const FileFacts& target = *found->second;
      const std::string_view root = folder_of(target.project_path);
      const std::string subpath = "." + std::string(module.substr(name.size()));
      if (mapped(target.manifest.mappings, root, subpath, out)) return Resolution::Inside;
      if (files_.find_source(root, subpath == "." ? "index" : subpath, out)) return Resolution::Inside;
      // It may as well be the published package: the tree's own is built before it can be used.
      return declared(name) ? Resolution::Outside : Resolution::Nothing;
    }
    if (std::ranges::binary_search(kNodeModules, name)) return Resolution::Outside;
    return package_of(folder) == nullptr || declared(name) ? Resolution::Outside : Resolution::Nothing;
  }

  /// By some package.json of the tree, or typed by one: workspaces put what any of them requires above them all.
  bool declared(std::string_view name) const {
    std::string types = "@types/" + std::string(name);
    if (name.starts_with('@')) {
      types = "@types/" + std::string(name.substr(1));
      if (const std::size_t slash = types.rfind('/'); slash > 6) types.replace(slash, 1, "__");
    }
    return dependencies_.contains(name) || dependencies_.contains(types);
  }

  Files files_;
  std::unordered_map<std::string_view, const FileFacts*> packages_, by_name_, config_paths_;
  std::unordered_set<std::string_view> dependencies_;
  std::unordered_map<std::string_view, std::vector<const FileFacts*>> configs_;  ///< By folder.
  std::unordered_map<std::string_view, std::vector<Paths>> paths_by_folder_;     ///< By the importing folder.
};

}  // namespace

std::unique_ptr<Resolver> script_resolver(const ProjectPaths& paths) { return std::make_unique<ScriptResolver>(paths); }

ScriptEntries script_entries(const ProjectPaths& paths) {
  const Files files(paths);
  ScriptEntries out;
  for (const FileFacts* file : paths.files()) {
    if (file->manifest.kind != ManifestKind::ScriptPackage) continue;
    const std::string_view folder = folder_of(file->project_path);
    bool open = file->manifest.broken;
    bool any = false;
    for (const auto& [subpath, targets] : file->manifest.mappings) {
      bool found = false;
      for (const std::string& target : targets) {
        if (target.find('*') != std::string::npos) open = true;
        found |= files.find_source(folder, target, out.files);
      }
      any = true;
      open |= !found;
    }
    if (!any) any = files.find(in_folder(folder, "index"), out.files);
    if (open) out.open_folders.emplace_back(folder);
  }
  return out;
}

}  // namespace wrench::code::detail
