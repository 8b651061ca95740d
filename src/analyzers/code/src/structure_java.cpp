#include <algorithm>
#include <unordered_map>

#include "structure_resolver.hpp"

namespace wrench::code::detail {

namespace {

using source::Language;

class JavaResolver final : public Resolver {
 public:
  explicit JavaResolver(const ProjectPaths& paths) : paths_(paths) {
    for (std::uint32_t i = 0; i < paths.files().size(); ++i) {
      const FileFacts& file = paths.file(i);
      if (file.language != Language::Java || !file.has_tree) continue;
      packages_[file.package].push_back(i);
      for (const std::uint64_t type : file.types) types_[key(file.package, type)].push_back(i);
    }
  }

  Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) override {
    const std::string_view name = import.names.empty() ? std::string_view{} : std::string_view(import.names.front());
    if (name == "*") {
      if (packages_.contains(import.module)) {
        for (const std::uint64_t word : file.words) type(file, import.module, word, out);
        return Resolution::Inside;
      }
    } else if (type(file, import.module, word_hash(name), out)) {
      return Resolution::Inside;
    }
    // A member or nested class: the class is further up.
    for (std::string_view up = import.module; !up.empty(); up = without_last_part(up))
      if (type(file, without_last_part(up), word_hash(up.substr(up.rfind('.') + 1)), out)) return Resolution::Inside;
    if (packages_.contains(import.module))
      return in_other_language(import.module, name) ? Resolution::Inside : Resolution::Nothing;
    for (std::string_view up = without_last_part(import.module); !up.empty(); up = without_last_part(up))
      if (packages_.contains(up)) return Resolution::Nothing;
    return Resolution::Outside;
  }

 private:
  static std::uint64_t key(std::string_view package, std::uint64_t type) {
    return word_hash(package) * 0x9E3779B97F4A7C15ULL ^ type;
  }

  /// Of several classes with one name, as tests and samples have them, the nearest.
  bool type(const FileFacts& file, std::string_view package, std::uint64_t name,
            std::vector<std::uint32_t>& out) const {
    const auto found = types_.find(key(package, name));
    if (found == types_.end()) return false;
    out.push_back(*std::ranges::max_element(found->second, {}, [&](std::uint32_t i) {
      return shared_folders(paths_.file(i).project_path, file.project_path);
    }));
    return true;
  }

  bool in_other_language(std::string_view package, std::string_view name) const {
    for (const std::uint32_t i : packages_.at(package)) {
      const std::string folder(folder_of(paths_.file(i).project_path));
      const std::size_t java = folder.find("/java/");
      for (const std::string_view language : {"kotlin", "scala", "groovy"}) {
        std::string other = folder;
        if (java != std::string::npos) other.replace(java + 1, 4, language);
        for (const std::string_view ending : {".kt", ".scala", ".groovy"})
          for (const std::string& where : {folder, other})
            if (paths_.has_file(in_folder(where, std::string(name) + std::string(ending)))) return true;
      }
    }
    return false;
  }

  const ProjectPaths& paths_;
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> packages_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> types_;
};

}  // namespace

std::unique_ptr<Resolver> java_resolver(const ProjectPaths& paths) { return std::make_unique<JavaResolver>(paths); }

}  // namespace wrench::code::detail
