#pragma once

#include <string>

#include "wrench/base/result.hpp"

namespace wrench::history {

struct GitFolder {
  std::string root;    ///< Work tree, or the folder itself when bare.
  std::string folder;  ///< What --git-dir gets.
  bool bare = false;
};

/// Finds the repository that holds `path` without running git. A `.git` file is followed only to a git folder that
/// points back to it, and a git folder may not borrow another one's.
Result<GitFolder> find_git_folder(const std::string& path);

}  // namespace wrench::history
