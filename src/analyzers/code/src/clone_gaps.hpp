#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wrench::code::detail {

/// Lines put in, taken out or changed part the copies of type 3.
inline constexpr std::uint32_t kCloneGapTokensMax = 10;
inline constexpr std::uint32_t kCloneSimilarityMin = 70;  ///< Percent.

struct CloneRange {
  std::uint32_t file, first, end;  ///< Tokens.
  auto operator<=>(const CloneRange&) const = default;
};

/// Two stretches that are equal but for names, literals and gaps.
struct NearPair {
  CloneRange a, b;
  std::uint32_t equal;               ///< Tokens that both have.
  std::uint32_t similarity() const;  ///< Percent of the longer one.
};

/// Equal tokens that stand at `a` in one file and at `b` in another.
struct Anchor {
  std::uint32_t file_a, a, file_b, b, length;
};

/// Goes on from equal tokens in both directions over gaps, to whole statements. `values_a` and `values_b` are those of
/// CloneTokens. None without a gap, below kCloneSimilarityMin, when the stretches overlap, or when the gaps add less
/// than a quarter to what the anchor has: then the anchor alone says more.
std::optional<NearPair> join_over_gaps(std::span<const std::uint32_t> values_a, std::span<const std::uint32_t> values_b,
                                       const Anchor& anchor);

struct NearClass {
  std::vector<CloneRange> members;  ///< By file, then token; each the widest of the stretches that overlap there.
  std::uint32_t similarity = 0;     ///< The lowest of its pairs.
};

/// Pairs that share a member, or most of it, are one class. Most tokens first.
std::vector<NearClass> near_classes(std::vector<NearPair> pairs);

}  // namespace wrench::code::detail
