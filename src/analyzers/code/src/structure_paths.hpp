#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// Without the last part; empty for a name alone.
std::string_view folder_of(std::string_view path);
std::string_view file_name(std::string_view path);
/// `folder` may be empty: the project's root.
std::string in_folder(std::string_view folder, std::string_view name);
/// Resolves "." and ".."; none when it would leave the project.
std::optional<std::string> normal_path(std::string_view path);
/// How many leading folders two paths share.
std::size_t shared_folders(std::string_view a, std::string_view b);
/// C and C++: compiled by itself. Anything else is included.
bool is_c_source(std::string_view path);
/// "a.b" of "a.b.c"; empty for a single part.
std::string_view without_last_part(std::string_view dotted);

/// What an import leads to.
enum class Resolution : std::uint8_t {
  Inside,   ///< A file of the tree; without targets when it is no code (data, styles) or wasn't analysed.
  Outside,  ///< A package, library or system header that isn't in the tree.
  Nothing,  ///< It should be in the tree or be declared, and isn't.
};

/// The tree's paths: files with facts, and other files of which only the name is known.
class ProjectPaths {
 public:
  /// All must outlive this.
  ProjectPaths(std::span<const FileFacts* const> files, std::span<const std::string> other_paths);

  std::span<const FileFacts* const> files() const { return files_; }
  const FileFacts& file(std::uint32_t index) const { return *files_[index]; }
  bool has_file(std::string_view path) const { return by_path_.contains(path); }
  bool has_folder(std::string_view path) const { return path.empty() || folders_.contains(path); }
  /// The file with a tree at this path.
  std::optional<std::uint32_t> code(std::string_view path) const;
  /// Adds the code at this path to `out`. Whether the path is a file at all.
  bool find(std::string_view path, std::vector<std::uint32_t>& out) const;
  struct Named {
    std::string_view path;
    std::uint32_t index;  ///< kNoTree when it isn't parsed code.
  };
  static constexpr std::uint32_t kNoTree = UINT32_MAX;
  /// All files with this name.
  std::span<const Named> named(std::string_view file_name) const;
  /// The file that stands for the Go package in this folder: the first that isn't a test, if there is one.
  std::optional<std::uint32_t> go_package(std::string_view folder) const;
  /// Whether some folder of the tree has this name.
  bool has_folder_named(std::string_view name) const { return folder_names_.contains(name); }

 private:
  void add(std::string_view path, std::uint32_t index);

  std::span<const FileFacts* const> files_;
  std::unordered_map<std::string_view, std::uint32_t> by_path_;
  std::unordered_set<std::string_view> folders_, folder_names_;
  std::unordered_map<std::string_view, std::vector<Named>> by_name_;
  std::unordered_map<std::string_view, std::uint32_t> go_packages_;
};

}  // namespace wrench::code::detail
