#pragma once

#include <string>

#include "wrench/history/git_repo.hpp"

namespace wrench::agents {

/// The place of the tree at `root` in the repository: "" for the whole of it.
inline std::string place_in(const history::GitRepo& repo, const std::string& root) {
  const std::string folder = repo.root() + "/";
  return root.starts_with(folder) ? root.substr(folder.size()) : std::string();
}

}  // namespace wrench::agents
