#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wrench::findings {

inline constexpr std::size_t kDiffContextLines = 3;
/// Changed lines up to which a diff is the shortest; above them what lies between the first and the last is replaced.
inline constexpr std::size_t kDiffShortestLinesMax = 2'000;

/// One side of a diff. `shown` has as many lines as `text` and is what the diff prints; `text` is what is compared.
struct DiffSide {
  std::string name;  ///< "a/src/x.py"; what can't stand in a header is quoted as git does.
  std::string_view text;
  std::string_view shown;
};

/// A unified diff that `git apply` and `patch -p1` take: lines end with LF only, a CR belongs to its line, a missing
/// line end at the end of a text is said. Empty when the texts are equal.
std::string unified_diff(const DiffSide& before, const DiffSide& after);

}  // namespace wrench::findings
