#include "structure_unused.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "structure_resolver.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {

using source::Language;

namespace {

bool is_script(Language language) {
  return language == Language::JavaScript || language == Language::TypeScript || language == Language::Tsx;
}
bool is_c(Language language) { return language == Language::C || language == Language::Cpp; }

bool has_packages(Language language) { return language == Language::Go || language == Language::Java; }

bool is_compiled(Language language) { return is_c(language) || language == Language::Go; }

/// Text that no compiler reads: documents, data, configuration.
bool is_prose(Language language) {
  switch (language) {
    case Language::Json:
    case Language::Yaml:
    case Language::Toml:
    case Language::Html:
    case Language::Css:
    case Language::Markdown:
    case Language::Text:
      return true;
    default:
      return false;
  }
}

bool sorted_has(const std::vector<std::uint64_t>& sorted, std::uint64_t value) {
  return std::ranges::binary_search(sorted, value);
}

/// Up to two files that use a name: enough to know one that isn't the definition's own.
struct Users {
  std::uint32_t first = UINT32_MAX, second = UINT32_MAX;
  void add(std::uint32_t file) {
    if (first == UINT32_MAX) {
      first = file;
    } else if (first != file) {
      second = file;
    }
  }
  bool any() const { return first != UINT32_MAX; }
  bool besides(std::uint32_t own) const { return second != UINT32_MAX || (first != UINT32_MAX && first != own); }
};

/// Where names that may be unused stand.
struct NameUsers {
  Users code;     ///< In code.
  Users strings;  ///< In strings of code.
  Users prose;    ///< In documents and data.
  Users other;    ///< In code of languages that aren't parsed, and in generated code.
};

using UsersByName = std::unordered_map<std::uint64_t, NameUsers>;

class Unused {
 public:
  Unused(const ProjectPaths& paths, const ResolvedImports& imports, const LinkOptions& options)
      : paths_(paths),
        files_(paths.files()),
        imports_(imports),
        graph_(imports.graph),
        options_(options),
        entry_points_(options.entry_points.begin(), options.entry_points.end()) {
    for (const FileFacts* file : files_) {
      if (file->manifest.is_library) libraries_.insert(folder_of(file->project_path));
      if (!is_c(file->language) || is_c_source(file->project_path)) continue;
      has_headers_ = true;
      prototypes_.insert(file->prototypes.begin(), file->prototypes.end());
    }
  }

  std::vector<findings::Finding> run() {
    find_users();
    find_script_uses();
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      imports(i);
      for (const DefinitionFact& definition : files_[i]->definitions)
        if (const auto confidence = judge(i, definition)) report(i, definition, *confidence);
    }
    return std::move(out_);
  }

 private:
  // --- who uses which name

  void find_users() {
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      for (const UnusedImport& unused : files_[i]->unused_imports) {
        users_.try_emplace(unused.name);
        members_.try_emplace(unused.member);
      }
      for (const DefinitionFact& definition : files_[i]->definitions) {
        users_.try_emplace(word_hash(definition.name));
        ++defined_[word_hash(definition.name)];
        if (has_packages(files_[i]->language)) package_users_.try_emplace(package_key(i, word_hash(definition.name)));
      }
    }
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      const FileFacts& file = *files_[i];
      for (const std::uint64_t word : file.words) {
        if (const auto found = users_.find(word); found != users_.end()) found->second.code.add(i);
        if (!has_packages(file.language)) continue;
        if (const auto found = package_users_.find(package_key(i, word)); found != package_users_.end())
          found->second.add(i);
      }
      for (const std::uint64_t word : file.text_words)
        if (const auto found = users_.find(word); found != users_.end())
          (file.has_tree             ? found->second.strings
           : is_prose(file.language) ? found->second.prose
                                     : found->second.other)
              .add(i);
      for (const std::uint64_t member : file.members)
        if (const auto found = members_.find(member); found != members_.end()) found->second.add(i);
    }
  }

  /// Go's packages are folders; Java's are spread over source roots.
  std::uint64_t package_key(std::uint32_t file, std::uint64_t word) const {
    const FileFacts& facts = *files_[file];
    const std::uint64_t package =
        word_hash(facts.language == Language::Java ? std::string_view(facts.package) : folder_of(facts.project_path));
    return package * 0x9E3779B97F4A7C15ULL ^ word;
  }

  void imports(std::uint32_t own) {
    // A statement of which others take a name is there to offer them all.
    std::unordered_set<std::uint32_t> facades;
    const std::vector<UnusedImport>& all = files_[own]->unused_imports;
    for (const UnusedImport& unused : all)
      if (!facades.contains(unused.statement) && taken_by_others(own, unused)) facades.insert(unused.statement);
    for (const UnusedImport& unused : all)
      if (!facades.contains(unused.statement)) out_.push_back(unused.finding);
  }

  bool taken_by_others(std::uint32_t own, const UnusedImport& unused) const {
    // Another file may take the name from here, by an import or as an attribute.
    if (members_.at(unused.member).besides(own)) return true;
    const bool python = files_[own]->language == Language::Python;
    return std::ranges::any_of(graph_.importers[own], [&](std::uint32_t i) {
      if (sorted_has(files_[i]->words, unused.name)) return true;
      return python && std::ranges::any_of(files_[i]->imports, [](const ImportFact& import) {
               return std::ranges::find(import.names, "*") != import.names.end();
             });
    });
  }

  // --- JavaScript, TypeScript

  struct ScriptUse {
    std::unordered_set<std::string_view> names;  ///< Imported from the file by name.
    std::vector<std::uint32_t> passed_on_by;     ///< `export *`
    bool whole = false;                          ///< As a namespace, by require() or import().
    bool imported = false;
  };

  void find_script_uses() {
    script_uses_.resize(files_.size());
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      if (!is_script(files_[i]->language)) continue;
      for (const ImportUse& use : imports_.uses[i]) {
        ScriptUse& used = script_uses_[use.to];
        used.imported = true;
        for (const std::string& name : use.import->names) {
          if (name != "*") {
            used.names.insert(name);
          } else if (use.import->sub == ImportSub::Reexport) {
            used.passed_on_by.push_back(i);
          } else {
            used.whole = true;
          }
        }
      }
    }
    const ScriptEntries entries = script_entries(paths_);
    script_entries_.insert(entries.files.begin(), entries.files.end());
    open_folders_ = entries.open_folders;
  }

  /// The nearest package.json says what others can import.
  bool has_known_entries(const FileFacts& file) const {
    for (std::string_view folder = folder_of(file.project_path);; folder = folder_of(folder)) {
      if (paths_.has_file(in_folder(folder, "package.json")))
        return std::ranges::find(open_folders_, folder) == open_folders_.end();
      if (folder.empty()) return false;
    }
  }

  bool is_used_script(std::uint32_t own, const std::string& name) const {
    std::vector<std::uint32_t> todo{own};
    std::unordered_set<std::uint32_t> seen{own};
    while (!todo.empty()) {
      const std::uint32_t file = todo.back();
      todo.pop_back();
      const ScriptUse& used = script_uses_[file];
      if (used.whole || used.names.contains(name) || script_entries_.contains(file)) return true;
      for (const std::uint32_t next : used.passed_on_by)
        if (seen.insert(next).second) todo.push_back(next);
    }
    return false;
  }

  // --- the judgement

  /// None: somebody uses it, or might.
  std::optional<findings::Confidence> judge(std::uint32_t own, const DefinitionFact& definition) const {
    const FileFacts& file = *files_[own];
    const std::uint64_t name = word_hash(definition.name);
    const NameUsers& users = users_.at(name);
    if (is_entry_point(file, definition)) return std::nullopt;
    if (options_.extent == TreeExtent::Part && (definition.exported || definition.scope == DefinitionScope::Package))
      return std::nullopt;
    switch (definition.scope) {
      case DefinitionScope::File:
        break;
      case DefinitionScope::Package:
        if (package_users_.at(package_key(own, name)).besides(own)) return std::nullopt;
        break;
      case DefinitionScope::Module:
        if (file.language == Language::Go) {
          if (is_used_go(own, name)) return std::nullopt;
        } else if (!script_uses_[own].imported || !has_known_entries(file) || is_used_script(own, definition.name)) {
          return std::nullopt;
        }
        break;
      case DefinitionScope::Project:
        if (users.code.besides(own) || !is_known_project(own, definition, name)) return std::nullopt;
        break;
    }
    if (users.other.any()) return std::nullopt;
    // Nothing finds such a function by its name when the program runs.
    if (is_compiled(file.language) && !definition.exported) return findings::Confidence::High;
    if (users.prose.any()) return std::nullopt;
    if (users.strings.any()) return findings::Confidence::Low;
    return file.language == Language::Java ? findings::Confidence::High : findings::Confidence::Medium;
  }

  bool is_entry_point(const FileFacts& file, const DefinitionFact& definition) const {
    if (entry_points_.empty()) return false;
    if (entry_points_.contains(definition.name)) return true;
    for (std::string_view path = file.project_path; !path.empty(); path = folder_of(path))
      if (entry_points_.contains(std::string(path))) return true;
    return false;
  }

  bool is_used_go(std::uint32_t own, std::uint64_t name) const {
    if (package_users_.at(package_key(own, name)).besides(own)) return true;
    const std::vector<std::uint32_t>& importers = graph_.importers[graph_.module_of[own]];
    return std::ranges::any_of(importers, [&](std::uint32_t i) { return sorted_has(files_[i]->words, name); });
  }

  /// Whether all who could use an exported definition are in the tree.
  bool is_known_project(std::uint32_t own, const DefinitionFact& definition, std::uint64_t name) const {
    if (!definition.exported) return true;
    if (files_[own]->language == Language::Python) return is_of_application(own);
    // A header offers it to whoever includes that; what several files define is what a loader looks for in each.
    return has_headers_ && !prototypes_.contains(name) && defined_.at(name) == 1;
  }

  /// A program's module that others of the same tree import. What nobody imports may be run or loaded by its path; what
  /// is built as a library belongs to people outside, but for modules that are private by name.
  bool is_of_application(std::uint32_t own) const {
    const FileFacts& file = *files_[own];
    if (graph_.importers[own].empty()) return false;
    bool application = false;
    for (std::string_view folder = folder_of(file.project_path);; folder = folder_of(folder)) {
      if (is_library(folder)) return is_private_module(file.project_path);
      for (const std::string_view name :
           {"manage.py", "requirements.txt", "Pipfile", "Procfile", "Dockerfile", "pyproject.toml"})
        application |= paths_.has_file(in_folder(folder, name));
      if (folder.empty()) return application;
    }
  }

  bool is_library(std::string_view folder) const {
    return libraries_.contains(folder) || paths_.has_file(in_folder(folder, "setup.py"));
  }

  static bool is_private_module(std::string_view path) {
    for (std::string_view at = path; !at.empty(); at = folder_of(at)) {
      const std::string_view part = file_name(at);
      if (part.starts_with('_') && !part.starts_with("__")) return true;
    }
    return false;
  }

  // --- the finding

  static std::string_view noun(DefinitionKind kind) {
    switch (kind) {
      case DefinitionKind::Function:
        return "function";
      case DefinitionKind::Method:
        return "method";
      case DefinitionKind::Class:
        return "type";
      case DefinitionKind::Variable:
        break;
    }
    return "variable";
  }

  std::string message(const FileFacts& file, const DefinitionFact& definition) const {
    const auto& name = definition.name;
    if (definition.exported) {
      if (is_c(file.language))
        return fmt::format("No file of this tree refers to {}, and no header declares it. Remove it.", name);
      return fmt::format("No file of this tree uses {}, and it isn't offered to other projects. Remove it.", name);
    }
    const std::string_view whole = definition.scope == DefinitionScope::Package ? "package"
                                   : definition.kind == DefinitionKind::Method  ? "class"
                                                                                : "file";
    return fmt::format("{} is private to its {} and nothing refers to it. Remove it.", name, whole);
  }

  void report(std::uint32_t own, const DefinitionFact& definition, findings::Confidence confidence) {
    const FileFacts& file = *files_[own];
    findings::Finding finding;
    finding.rule = definition.exported                        ? "structure.unused-export"
                   : definition.kind == DefinitionKind::Class ? "structure.unused-type"
                                                              : "structure.unused-function";
    finding.severity = findings::Severity::Low;
    finding.confidence = confidence;
    finding.category = findings::Category::Structure;
    finding.title = definition.exported
                        ? fmt::format("The {} {} is exported but never used", noun(definition.kind), definition.name)
                        : fmt::format("{} is never used", definition.name);
    finding.message = message(file, definition);
    if (confidence == findings::Confidence::Low)
      finding.message += " Its name stands in a string: make sure that nothing finds it that way.";
    finding.where = {file.path, definition.start, definition.end, file.content_id};
    finding.symbol = definition.symbol;
    out_.push_back(std::move(finding));
  }

  const ProjectPaths& paths_;
  std::span<const FileFacts* const> files_;
  const ResolvedImports& imports_;
  const ModuleGraph& graph_;
  const LinkOptions& options_;
  std::unordered_set<std::string> entry_points_;
  UsersByName users_;
  std::unordered_map<std::uint64_t, int> defined_;  ///< How many files define a name that they don't use.
  std::unordered_map<std::uint64_t, Users> members_, package_users_;
  std::vector<ScriptUse> script_uses_;
  std::unordered_set<std::uint32_t> script_entries_;
  std::vector<std::string> open_folders_;
  bool has_headers_ = false;
  std::unordered_set<std::uint64_t> prototypes_;    ///< Of headers.
  std::unordered_set<std::string_view> libraries_;  ///< Folders of Python distributions.
  std::vector<findings::Finding> out_;
};

}  // namespace

std::vector<findings::Finding> unused_findings(const ProjectPaths& paths, const ResolvedImports& imports,
                                               const LinkOptions& options) {
  return Unused(paths, imports, options).run();
}

}  // namespace wrench::code::detail
