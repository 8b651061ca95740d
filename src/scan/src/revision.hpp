#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/history/blobs.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/tree.hpp"

namespace wrench::scan {

/// A commit as a tree to analyse. Nothing is checked out: a file that is the same on disk is read there, told by the id
/// that git would give it; the others are read out of the repository. Thread-safe.
class Revision {
 public:
  /// The commit that `name` stands for in the repository whose work tree is `project_root`. Error codes of GitRepo,
  /// each naming the revision.
  static Result<std::shared_ptr<const Revision>> open(const std::string& project_root, std::string_view name,
                                                      const StopToken& stop, const Deadline& deadline);

  const std::string& commit() const { return commit_; }
  const history::GitRepo& repo() const { return repo_; }
  std::shared_ptr<const Tree> tree() const { return tree_; }
  /// Folders whose content other repositories have: relative to the root, with '/' at their end.
  const std::vector<std::string>& submodules() const { return submodules_; }
  /// Of a file that discovery found in tree().
  const std::string& blob_of(const FoundFile& file) const;
  bool is_fetched(const std::string& blob) const { return !unfetched_.contains(blob); }
  /// The content when it is on disk at its place, too. Error code io.not_found when something else is there.
  Result<std::string> read_from_disk(const FoundFile& file, std::size_t bytes_max,
                                     const runtime::Patience& patience) const;

 private:
  class CommitTree;
  Revision(history::GitRepo repo, std::string commit) : repo_(std::move(repo)), commit_(std::move(commit)) {}

  history::GitRepo repo_;
  std::string commit_;
  std::vector<std::string> submodules_;
  std::unordered_set<std::string> unfetched_;
  std::shared_ptr<const CommitTree> commit_tree_;
  std::shared_ptr<const Tree> tree_;
};

}  // namespace wrench::scan
