#include "clone_gaps.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <numeric>

#include "clone_values.hpp"

namespace wrench::code::detail {

using namespace clone_values;

namespace {

/// So many equal tokens behind a gap are no accident.
constexpr std::uint32_t kAgreeAgain = 8;
constexpr std::uint32_t kBlocksMax = 64;
constexpr std::uint32_t kSameMemberMin = 80;  ///< Percent of the longer stretch.

/// Tokens from a place on, forwards or backwards.
struct Walk {
  const std::uint32_t* at;
  std::ptrdiff_t step;
  std::uint32_t count;
  std::uint32_t operator[](std::uint32_t i) const { return at[static_cast<std::ptrdiff_t>(i) * step]; }
};

struct Block {
  std::uint32_t a, b, length;
};

bool is_filler(std::uint32_t value) { return (value & kClassMask) == kFiller; }
bool alike(std::uint32_t x, std::uint32_t y) { return !is_filler(x) && normal(x) == normal(y); }

std::uint32_t equal_from(const Walk& a, std::uint32_t i, const Walk& b, std::uint32_t j) {
  std::uint32_t n = 0;
  while (i + n < a.count && j + n < b.count && alike(a[i + n], b[j + n])) ++n;
  return n;
}

bool has_filler(const Walk& walk, std::uint32_t first, std::uint32_t end) {
  for (std::uint32_t i = first; i < end; ++i)
    if (is_filler(walk[i])) return true;
  return false;
}

/// What a gap may lead to, comparable token by token: fillers are equal to nothing.
struct NearTokens {
  std::uint32_t count = 0;
  std::array<std::uint32_t, kCloneGapTokensMax + kAgreeAgain> values;

  NearTokens(const Walk& walk, std::uint32_t first, std::uint32_t filler) {
    count = std::min(walk.count - std::min(first, walk.count), kCloneGapTokensMax + kAgreeAgain);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t value = walk[first + i];
      values[i] = is_filler(value) ? filler : normal(value);
    }
  }
};

bool agree(const NearTokens& a, std::uint32_t i, const NearTokens& b, std::uint32_t j) {
  return i + kAgreeAgain <= a.count && j + kAgreeAgain <= b.count &&
         std::memcmp(&a.values[i], &b.values[j], kAgreeAgain * sizeof(std::uint32_t)) == 0;
}

/// What is equal again behind gaps, the next first; places count from the beginning of the walks, which a gap begins.
std::vector<Block> blocks_behind(const Walk& a, const Walk& b) {
  std::vector<Block> out;
  std::uint32_t i = 0, j = 0;
  const auto next = [&]() -> std::optional<Block> {
    const NearTokens near_a(a, i, kFiller), near_b(b, j, kFiller | 1);
    for (std::uint32_t sum = 1; sum <= 2 * kCloneGapTokensMax; ++sum)
      for (std::uint32_t da = sum > kCloneGapTokensMax ? sum - kCloneGapTokensMax : 0;
           da <= std::min(sum, kCloneGapTokensMax); ++da) {
        const std::uint32_t db = sum - da;
        if (!agree(near_a, da, near_b, db)) continue;
        if (has_filler(a, i, i + da) || has_filler(b, j, j + db)) return std::nullopt;
        return Block{i + da, j + db, equal_from(a, i + da, b, j + db)};
      }
    return std::nullopt;
  };
  while (out.size() < kBlocksMax) {
    const auto block = next();
    if (!block) break;
    out.push_back(*block);
    i = block->a + block->length;
    j = block->b + block->length;
  }
  return out;
}

/// Drops what stands before the first statement that begins in the first block, or the block.
void begin_with_a_statement(std::span<const std::uint32_t> a, std::vector<Block>& blocks) {
  while (!blocks.empty()) {
    Block& first = blocks.front();
    std::uint32_t skip = 0;
    while (skip < first.length && !starts_statement(a[first.a + skip])) ++skip;
    first = {first.a + skip, first.b + skip, first.length - skip};
    if (first.length > 0) return;
    blocks.erase(blocks.begin());
  }
}

/// Drops what stands behind the last end of a statement in the last block, or the block.
void end_with_a_statement(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
                          std::vector<Block>& blocks) {
  const auto ends = [](std::span<const std::uint32_t> values, std::uint32_t at) {
    return at >= values.size() || starts_statement(values[at]);
  };
  while (!blocks.empty()) {
    Block& last = blocks.back();
    while (last.length > 0 && !(ends(a, last.a + last.length) && ends(b, last.b + last.length))) --last.length;
    if (last.length > 0) return;
    blocks.pop_back();
  }
}

}  // namespace

std::uint32_t NearPair::similarity() const { return equal * 100 / std::max(a.end - a.first, b.end - b.first); }

std::optional<NearPair> join_over_gaps(std::span<const std::uint32_t> values_a, std::span<const std::uint32_t> values_b,
                                       const Anchor& anchor) {
  const auto size_a = static_cast<std::uint32_t>(values_a.size()), size_b = static_cast<std::uint32_t>(values_b.size());
  std::vector<Block> blocks;
  if (anchor.a > 0 && anchor.b > 0) {
    const auto before =
        blocks_behind({values_a.data() + anchor.a - 1, -1, anchor.a}, {values_b.data() + anchor.b - 1, -1, anchor.b});
    for (auto block = before.rbegin(); block != before.rend(); ++block)
      blocks.push_back({anchor.a - block->a - block->length, anchor.b - block->b - block->length, block->length});
  }
  blocks.push_back({anchor.a, anchor.b, anchor.length});
  const std::uint32_t end_a = anchor.a + anchor.length, end_b = anchor.b + anchor.length;
  for (const Block& block :
       blocks_behind({values_a.data() + end_a, 1, size_a - end_a}, {values_b.data() + end_b, 1, size_b - end_b}))
    blocks.push_back({end_a + block.a, end_b + block.b, block.length});
  begin_with_a_statement(values_a, blocks);
  end_with_a_statement(values_a, values_b, blocks);
  if (blocks.size() < 2) return std::nullopt;

  NearPair out{{anchor.file_a, blocks.front().a, blocks.back().a + blocks.back().length},
               {anchor.file_b, blocks.front().b, blocks.back().b + blocks.back().length},
               0};
  for (const Block& block : blocks) out.equal += block.length;
  const bool overlap = anchor.file_a == anchor.file_b && out.a.first < out.b.end && out.b.first < out.a.end;
  if (overlap || out.similarity() < kCloneSimilarityMin || out.equal * 4 < anchor.length * 5) return std::nullopt;
  return out;
}

std::vector<NearClass> near_classes(std::vector<NearPair> pairs) {
  // The stretches of one file that are the same but for their ends are one member.
  std::vector<CloneRange> ranges;
  for (const NearPair& pair : pairs) {
    ranges.push_back(pair.a);
    ranges.push_back(pair.b);
  }
  std::ranges::sort(ranges);
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  std::vector<std::uint32_t> parent(ranges.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto top = [&](std::uint32_t x) {
    while (parent[x] != x) x = parent[x] = parent[parent[x]];
    return x;
  };
  std::vector<std::uint32_t> member(ranges.size());  // The widest stretch that this one is taken for.
  const auto widest = [&](std::uint32_t i) {
    while (member[i] != i) i = member[i];
    return i;
  };
  for (std::uint32_t i = 0; i < ranges.size(); ++i) {
    member[i] = i;
    if (i == 0) continue;
    const std::uint32_t last = widest(i - 1);
    const CloneRange &before = ranges[last], &range = ranges[i];
    if (before.file != range.file || range.first >= before.end) continue;
    const std::uint32_t shared = std::min(before.end, range.end) - range.first;
    const std::uint32_t size = range.end - range.first, size_before = before.end - before.first;
    if (shared * 100 < std::max(size, size_before) * kSameMemberMin) continue;
    (size <= size_before ? member[i] : member[last]) = size <= size_before ? last : i;
  }
  const auto id = [&](const CloneRange& range) {
    return widest(static_cast<std::uint32_t>(std::ranges::lower_bound(ranges, range) - ranges.begin()));
  };
  for (const NearPair& pair : pairs) parent[top(id(pair.b))] = top(id(pair.a));

  std::map<std::uint32_t, NearClass> classes;
  for (const NearPair& pair : pairs) {
    NearClass& out = classes[top(id(pair.a))];
    out.members.push_back(ranges[id(pair.a)]);
    out.members.push_back(ranges[id(pair.b)]);
    out.similarity = out.similarity == 0 ? pair.similarity() : std::min(out.similarity, pair.similarity());
  }
  std::vector<NearClass> out;
  for (auto& [root, one] : classes) {
    std::ranges::sort(one.members);
    one.members.erase(std::unique(one.members.begin(), one.members.end()), one.members.end());
    // A stretch beside itself, moved by a little, is no copy.
    if (one.members.size() > 1) out.push_back(std::move(one));
  }
  std::ranges::stable_sort(out, [](const NearClass& a, const NearClass& b) {
    const std::uint32_t x = a.members[0].end - a.members[0].first, y = b.members[0].end - b.members[0].first;
    return x != y ? x > y : a.members[0] < b.members[0];
  });
  return out;
}

}  // namespace wrench::code::detail
