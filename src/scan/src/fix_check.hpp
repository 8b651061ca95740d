#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/text_edit.hpp"

namespace wrench::scan {

/// One fix that is being tried: which finding's, and what it changes in the text of the finding's file.
struct TriedFix {
  std::size_t finding = 0;  ///< Index among the findings before.
  std::string path, rule, fingerprint, move_fingerprint;
  findings::TextEdit edit;
};

/// What a scan after fixes says of them.
struct FixVerdict {
  /// For each finding after: which one before it is, or kNoFinding.
  std::vector<std::size_t> before_of;
  std::string problem;              ///< Empty: all is well. The first thing that is wrong, in words.
  std::vector<std::size_t> blamed;  ///< Indexes of the fixes that may be to blame; empty: any.

  bool good() const { return problem.empty(); }
};
inline constexpr std::size_t kNoFinding = static_cast<std::size_t>(-1);

/// Compares the findings of a tree, or of one file, before and after `fixes`, which are sorted by path and place. A
/// finding after is an old one if it has an old one's fingerprint, or its rule and its place as the edits moved that:
/// one fix changes the text of other findings on its line.
FixVerdict judge_fixes(std::span<const findings::Finding> before, std::span<const TriedFix> fixes,
                       std::span<const findings::Finding> after);

/// The first part that was cut short after and not before: what stands there wasn't checked. Empty: none.
std::string newly_partial(std::span<const findings::Partial> before, std::span<const findings::Partial> after);

}  // namespace wrench::scan
