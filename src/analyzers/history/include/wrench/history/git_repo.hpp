#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/runtime/subprocess.hpp"

namespace wrench::history {

inline constexpr std::size_t kRevisionBytesMax = 1024;
inline constexpr std::size_t kTrackedFilesMax = 4'000'000;

/// A repository, read through the git program in a way that lets nothing in the repository run a program or point
/// git at another one: its configuration, attributes and hooks are hostile input. Thread-safe; cheap to copy.
///
/// Error codes: history.git_missing, history.not_a_repository, history.foreign_git_folder,
/// history.repository_corrupt, history.unknown_revision, history.ambiguous_revision, history.no_commits,
/// history.git_failed, history.stopped, history.deadline.
class GitRepo {
 public:
  /// The repository whose work tree holds `path`, or that is the bare repository `path`.
  static Result<GitRepo> open(const std::string& path, const StopToken& stop = {});

  /// Canonical path of the work tree; of the git folder when bare.
  const std::string& root() const { return root_; }
  const std::string& git_folder() const { return git_folder_; }
  bool bare() const { return bare_; }
  bool shallow() const { return !shallow_boundary_.empty(); }
  /// Commits whose parents were cut off by a shallow clone: they look as if they had added every file. Sorted.
  const std::vector<std::string>& shallow_boundary() const { return shallow_boundary_; }

  /// Full id of the commit that `revision` names; never taken for an option.
  Result<std::string> resolve(std::string_view revision, const StopToken& stop = {}) const;
  /// The same, and history.ambiguous_revision for a name that git would warn about: a branch and a tag, a short id of
  /// several commits. For names by which a user compares.
  Result<std::string> resolve_unambiguous(std::string_view revision, const StopToken& stop = {}) const;
  /// Full id of the commit that is checked out; history.no_commits in a repository without one,
  /// history.repository_corrupt when it names one that can't be read.
  Result<std::string> head(const StopToken& stop = {}) const;
  /// Name of the branch that is checked out ("main"), empty when none is.
  Result<std::string> branch(const StopToken& stop = {}) const;
  /// Paths in the index, relative to root(), in git's order; submodules left out.
  Result<std::vector<std::string>> tracked_files(const StopToken& stop = {}, const Deadline& deadline = {}) const;
  /// Paths of the files in a commit, given by its full id; submodules left out.
  Result<std::vector<std::string>> files_at(std::string_view commit_id, const StopToken& stop = {},
                                            const Deadline& deadline = {}) const;
  /// True when `ancestor` is reachable from `descendant` (full ids); false also when either isn't there.
  Result<bool> is_ancestor(std::string_view ancestor, std::string_view descendant, const StopToken& stop = {}) const;

  struct Outcome {
    int exit_code = 0;
    std::string complaint;  ///< First line of what git said on standard error.
  };
  /// Runs git with `arguments` after the hardening ones. A non-zero exit is an Outcome, not an Error.
  Result<Outcome> run(std::vector<std::string> arguments, std::string input, const runtime::OutputSink& on_output,
                      const StopToken& stop = {}, const Deadline& deadline = {}) const;

 private:
  GitRepo() = default;
  Result<std::string> run_for_text(std::vector<std::string> arguments, const StopToken& stop) const;
  Result<void> read_shallow_boundary();

  std::string program_, root_, git_folder_;
  bool bare_ = false;
  std::vector<std::string> shallow_boundary_;
};

/// 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
bool is_object_id(std::string_view text);

}  // namespace wrench::history
