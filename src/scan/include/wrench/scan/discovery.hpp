#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/scan/tree.hpp"

namespace wrench::scan {

inline constexpr std::size_t kFilesMax = 2'000'000;
inline constexpr std::size_t kDirDepthMax = 128;
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 20;         ///< Larger files aren't parsed.
inline constexpr std::uint64_t kNamedFileBytesMax = std::uint64_t{64} << 20;   ///< For files named on the command line.
inline constexpr std::uint64_t kSecretFileBytesMax = std::uint64_t{64} << 20;  ///< Larger files aren't read at all.

/// One file to look at. Nothing was read yet.
struct FoundFile {
  std::string path;          ///< As reported: PATH as typed joined with the relative path, valid UTF-8.
  std::string project_path;  ///< Relative to the project root.
  std::string relative;      ///< Bytes as in the tree, below `base`.
  std::shared_ptr<const Tree> base;
  runtime::FileStamp stamp;
  bool named = false;  ///< Stood on the command line: waives every policy.
};

struct Discovery {
  std::string project_root;  ///< Absolute: the enclosing git work tree, else the (first) named folder.
  bool in_git = false;
  std::vector<FoundFile> files;      ///< Sorted by path.
  std::vector<std::string> folders;  ///< Absolute: where a change may change what is found. Of no commit.
  std::vector<findings::Skipped> skipped;
  std::vector<findings::Partial> partial;
};

struct DiscoveryOptions {
  std::vector<std::string> paths;  ///< As typed; empty means ".".
  /// Version-controlled files, relative to the project root: never ignored. Asked once the root is known.
  std::function<std::unordered_set<std::string>(const std::string& project_root)> tracked_files;
  /// The project as a commit has it: its files are taken instead of those on disk, those of them that the PATHs on disk
  /// name. All of them are tracked: ignore files say nothing.
  std::shared_ptr<const Tree> commit;
};

/// Walks without following a link or opening a special file. Ignore files are those of the project, never the user's:
/// results must not depend on a home directory. Errors: io.* when a named path can't be read (all of them are named in
/// the message); scan.outside_project when one isn't in the project that `commit` is of.
Result<Discovery> discover(const DiscoveryOptions& options, const StopToken& stop);

}  // namespace wrench::scan
