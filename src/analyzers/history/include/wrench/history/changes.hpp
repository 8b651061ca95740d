#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/history/git_repo.hpp"

namespace wrench::history {

inline constexpr std::size_t kChangedFilesMax = 100'000;
/// Of all files together; a change in more places is listed without lines from there on.
inline constexpr std::size_t kChangedRangesMax = 1'000'000;

/// Lines `first` to `last` of the newer version, from 1.
struct LineRange {
  std::uint32_t first = 0, last = 0;
  bool operator==(const LineRange&) const = default;
};

struct ChangedFile {
  std::string path;  ///< Relative to the repository's root; of a deleted file its old one.
  bool deleted = false;
  std::uint32_t added = 0, removed = 0;  ///< Lines. A binary file has neither.
  std::vector<LineRange> lines;          ///< New or changed ones, ascending.
  bool operator==(const ChangedFile&) const = default;
};

/// What the commits since another one changed, from where the two parted, as a pull request shows it.
struct Changes {
  std::string base;  ///< Full id of the commit that both have.
  std::string head;
  std::uint64_t commits = 0;
  std::vector<ChangedFile> files;  ///< By path.
  bool cut = false;                ///< A limit was reached: files or lines are missing.
};

/// From the merge base of `revision` and HEAD to HEAD. What isn't committed doesn't count: to compare the work tree git
/// would run filters that the repository names. Errors: history.unknown_revision, history.no_merge_base, those of git.
Result<Changes> changes_since(const GitRepo& repo, std::string_view revision, const StopToken& stop = {},
                              const Deadline& deadline = {});

}  // namespace wrench::history
