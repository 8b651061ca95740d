#include "structure_paths.hpp"

namespace wrench::code::detail {

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string in_folder(std::string_view folder, std::string_view name) {
  std::string out(folder);
  if (!folder.empty() && !name.empty()) out += '/';
  return out += name;
}

std::optional<std::string> normal_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      if (!out.empty()) out += '/';
      out += part;
    } else if (out.empty()) {
      return std::nullopt;
    } else {
      out.resize(folder_of(out).size());
    }
  }
  return out;
}

std::size_t shared_folders(std::string_view a, std::string_view b) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < a.size() && at < b.size() && a[at] == b[at]; ++at) count += a[at] == '/' ? 1 : 0;
  return count;
}

bool is_c_source(std::string_view path) {
  return path.ends_with(".c") || path.ends_with(".cc") || path.ends_with(".cpp") || path.ends_with(".cxx");
}

std::string_view without_last_part(std::string_view dotted) {
  const std::size_t dot = dotted.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : dotted.substr(0, dot);
}

ProjectPaths::ProjectPaths(std::span<const FileFacts* const> files, std::span<const std::string> other_paths)
    : files_(files) {
  const auto is_test = [&](std::uint32_t i) { return files[i]->project_path.ends_with("_test.go"); };
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    add(files[i]->project_path, files[i]->has_tree ? i : kNoTree);
    if (files[i]->language != source::Language::Go || !files[i]->has_tree) continue;
    const auto [at, added] = go_packages_.emplace(folder_of(files[i]->project_path), i);
    if (!added && is_test(at->second) && !is_test(i)) at->second = i;
  }
  for (const std::string& path : other_paths) add(path, kNoTree);
}

void ProjectPaths::add(std::string_view path, std::uint32_t index) {
  if (!by_path_.emplace(path, index).second) return;
  by_name_[file_name(path)].push_back({path, index});
  for (std::string_view folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    if (!folders_.insert(folder).second) break;
    folder_names_.insert(file_name(folder));
  }
}

std::optional<std::uint32_t> ProjectPaths::code(std::string_view path) const {
  const auto found = by_path_.find(path);
  if (found == by_path_.end() || found->second == kNoTree) return std::nullopt;
  return found->second;
}

bool ProjectPaths::find(std::string_view path, std::vector<std::uint32_t>& out) const {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return false;
  if (found->second != kNoTree) out.push_back(found->second);
  return true;
}

std::optional<std::uint32_t> ProjectPaths::go_package(std::string_view folder) const {
  const auto found = go_packages_.find(folder);
  return found == go_packages_.end() ? std::nullopt : std::optional(found->second);
}

std::span<const ProjectPaths::Named> ProjectPaths::named(std::string_view file_name) const {
  const auto found = by_name_.find(file_name);
  if (found == by_name_.end()) return {};
  return found->second;
}

}  // namespace wrench::code::detail
