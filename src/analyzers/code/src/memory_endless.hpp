#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "flow.hpp"

namespace wrench::code::memory {

/// A loop of a body: its blocks and the edges that lead out of it.
struct FlowLoop {
  BlockIndex head = 0;
  std::vector<bool> blocks;  ///< By number.
  std::vector<std::pair<BlockIndex, BlockIndex>> exits;
};

inline constexpr std::size_t kFlowLoopsMax = 100;  ///< Of one body; what lies behind isn't looked at.

std::vector<FlowLoop> loops_of(const FlowBody& body);

/// The operation whose result decides whether the loop goes on, when that is for the loop itself to change: a variable
/// that only this function sees and that is set in the loop, or a function of the file that is called. `is_shared` says
/// of a variable that others see it, `is_here` of a name that the file defines that function.
template <class IsShared, class IsHere>
std::optional<std::uint32_t> own_condition(const FlowBody& body, const FlowLoop& loop, BlockIndex from,
                                           IsShared is_shared, IsHere is_here) {
  const FlowBlock& block = body.blocks[from];
  const auto is_set = [&](Slot slot) {
    for (BlockIndex b = 0; b < body.blocks.size(); ++b)
      for (std::uint32_t i = body.blocks[b].first_op; loop.blocks[b] && i < body.blocks[b].end_op; ++i)
        if (body.ops[i].what == FlowWhat::Copy && body.ops[i].dst == slot) return true;
    return false;
  };
  bool own = false;
  std::optional<std::uint32_t> last;
  for (std::uint32_t i = block.first_op; i < block.end_op; ++i) {
    const FlowOp& op = body.ops[i];
    switch (op.what) {
      case FlowWhat::Operate:
        for (const Slot slot : {op.a, op.b}) {
          if (slot == kNoSlot || is_temporary(slot)) continue;
          if (is_shared(slot)) return std::nullopt;
          own |= is_set(slot);
        }
        last = i;
        break;
      case FlowWhat::Call:
        if (!is_here(op.name)) return std::nullopt;
        own = true;
        last = i;
        break;
      case FlowWhat::Literal:
      case FlowWhat::Copy:
        break;
      default:
        return std::nullopt;
    }
  }
  return own ? last : std::nullopt;
}

/// The call of itself that a function does on every way through it; none when there is a way around.
std::optional<std::uint32_t> endless_recursion(const FlowFile& flow, const FlowBody& body);

}  // namespace wrench::code::memory
