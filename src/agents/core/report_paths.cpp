#include "report_paths.hpp"

namespace wrench::agents {

ReportPaths::ReportPaths(std::string_view root_as_typed) : root_(root_as_typed) {
  while (root_.starts_with("./")) root_.remove_prefix(2);
  while (root_.size() > 1 && root_.ends_with('/')) root_.remove_suffix(1);
  if (root_ == ".") root_ = {};
}

std::string_view ReportPaths::below_root(std::string_view path) const {
  if (root_.empty() || !path.starts_with(root_)) return path;
  if (path.size() == root_.size()) return path.substr(path.rfind('/') + 1);
  const std::string_view rest = path.substr(root_.size());
  if (root_.ends_with('/')) return rest;
  return rest.starts_with('/') ? rest.substr(1) : path;
}

std::string ReportPaths::in_repository(std::string_view path, std::string_view place) const {
  if (!root_.empty() && path == root_) return std::string(place);  // The tree is this one file.
  const std::string_view below = below_root(path);
  return place.empty() ? std::string(below) : std::string(place) + "/" + std::string(below);
}

}  // namespace wrench::agents
