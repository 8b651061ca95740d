#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::scan {

/// Where the files of a run are: below a folder of the file system, or in a commit. Paths are relative, bytes as the
/// tree has them, "" is the tree itself. Thread-safe.
class Tree {
 public:
  virtual ~Tree() = default;
  /// Entries of a folder, sorted by name. Errors: io.*.
  virtual Result<std::vector<runtime::DirEntry>> list(const std::string& relative) const = 0;
  virtual Result<runtime::DirEntry> stat(const std::string& relative) const = 0;
  /// A regular file's bytes. Errors: io.*, io.too_large over `bytes_max`.
  virtual Result<std::string> read(const std::string& relative, std::size_t bytes_max,
                                   const runtime::Patience& patience) const = 0;
};

/// What stands below `path`, read as RootedDir reads: no link is followed. Errors: io.*.
Result<std::shared_ptr<const Tree>> disk_tree(const std::string& path);
/// The same files, seen from one of the tree's folders.
std::shared_ptr<const Tree> subtree(std::shared_ptr<const Tree> tree, const std::string& folder);

}  // namespace wrench::scan
