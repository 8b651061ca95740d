#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "clone_gaps.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/code/clones.hpp"

namespace wrench::code::detail {

using ClonePair = std::pair<CloneRange, CloneRange>;  ///< Of the same tokens but for names and literals.

/// Which prints of a file are in so many places that only one stands for them, and whether it is the file's.
struct CrowdedPrint {
  std::uint32_t hash = 0;
  bool stands_for_all = false;
  friend bool operator==(const CrowdedPrint&, const CrowdedPrint&) = default;
};

/// What pairs of files have in common. Of two files only their tokens and their crowded prints decide about that, so
/// that it stays true as long as these stay the same, whatever happens to other files.
struct ClonePairs {
  std::vector<ClonePair> equal;  ///< In no order, perhaps twice.
  std::vector<NearPair> near;
  std::vector<std::vector<CrowdedPrint>> crowded;  ///< By file.
  bool whole = true;  ///< False: stopped, or more near pairs than are looked for; good for this search only.
};

/// `before[i]`: the file of `known` that is files[i], in the same order; kNoFile for a file that `known` doesn't know.
inline constexpr std::uint32_t kNoFile = UINT32_MAX;
ClonePairs find_clone_pairs(std::span<const CloneFile> files, const ClonePairs& known,
                            std::span<const std::uint32_t> before, const StopToken& stop);

}  // namespace wrench::code::detail
