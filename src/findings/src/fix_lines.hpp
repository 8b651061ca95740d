#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

inline constexpr std::size_t kFixLinesShown = 8;  ///< Lines of a fix's change on the screen, on each side.

/// Whole lines that a fix replaces, and those that it puts there; without line ends.
struct LineChange {
  std::vector<std::string> before, after;
};
/// Out of the finding's own lines. Empty when the fix has no single edit of the finding's range, or one side is over
/// kFixLinesShown lines.
LineChange line_change(const Finding& finding);

}  // namespace wrench::findings
