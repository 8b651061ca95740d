#include "repository_paths.hpp"

namespace wrench::agents {

RepositoryPaths::RepositoryPaths(std::string_view root_as_typed, std::string_view place_in_repository)
    : root_(root_as_typed), place_(place_in_repository) {
  while (root_.starts_with("./")) root_.remove_prefix(2);
  while (root_.size() > 1 && root_.ends_with('/')) root_.remove_suffix(1);
  if (root_ == ".") root_ = {};
}

std::string RepositoryPaths::of(std::string_view path) const {
  if (!root_.empty() && path == root_) return std::string(place_);  // The tree is this one file.
  if (!root_.empty() && path.starts_with(root_) && path.substr(root_.size()).starts_with('/'))
    path.remove_prefix(root_.size() + 1);
  return place_.empty() ? std::string(path) : std::string(place_) + "/" + std::string(path);
}

}  // namespace wrench::agents
