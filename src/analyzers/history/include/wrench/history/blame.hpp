#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/history/git_repo.hpp"

namespace wrench::history {

inline constexpr std::size_t kBlameLinesMax = 200;                   ///< Of one file, asked at once.
inline constexpr std::size_t kBlameFileBytesMax = 16 * 1024 * 1024;  ///< Larger files aren't asked about.

/// The commit that made a line what it is.
struct LineOrigin {
  std::uint32_t line = 0;
  std::string commit;  ///< Full id.
  std::string author;  ///< With the repository's .mailmap.
  std::string date;    ///< "YYYY-MM-DD" of the author's clock.
  bool operator==(const LineOrigin&) const = default;
};

/// Origins of `lines` (ascending, each once) of the file at `path`, relative to the root, as it stands in the commit
/// `commit_id`. Lines whose origin a shallow clone cut off are left out. Errors: history.no_such_lines (there is no
/// such file or line in it), those of git.
Result<std::vector<LineOrigin>> blame(const GitRepo& repo, std::string_view commit_id, std::string_view path,
                                      std::span<const std::uint32_t> lines, const StopToken& stop = {},
                                      const Deadline& deadline = {});

/// The file's bytes in the commit; nothing if there is no such file or it has more than kBlameFileBytesMax.
Result<std::optional<std::string>> text_at(const GitRepo& repo, std::string_view commit_id, std::string_view path,
                                           const StopToken& stop = {}, const Deadline& deadline = {});

}  // namespace wrench::history
