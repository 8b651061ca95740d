#include "memory_endless.hpp"

#include <algorithm>

#include "memory_library.hpp"

namespace wrench::code::memory {

namespace {

template <class F>
void each_successor(const FlowBody& body, BlockIndex index, F f) {
  const FlowBlock& block = body.blocks[index];
  if (block.when_true != kNoBlock) f(block.when_true);
  if (block.when_false != kNoBlock) f(block.when_false);
  for (std::uint32_t e = block.first_edge; e < block.end_edge; ++e) f(body.edges[e]);
}

}  // namespace

std::vector<FlowLoop> loops_of(const FlowBody& body) {
  const std::size_t count = body.blocks.size();
  std::vector<std::vector<BlockIndex>> before(count), after(count);
  for (BlockIndex b = 0; b < count; ++b)
    each_successor(body, b, [&](BlockIndex to) {
      before[to].push_back(b);
      after[b].push_back(to);
    });
  // Edges back to a block that is on the way.
  std::vector<std::vector<BlockIndex>> back(count);
  std::vector<BlockIndex> heads;
  std::vector<std::uint8_t> colour(count, 0);
  std::vector<std::pair<BlockIndex, std::size_t>> open;
  if (count > 0) {
    open.emplace_back(0, 0);
    colour[0] = 1;
  }
  while (!open.empty()) {
    auto& [index, next] = open.back();
    if (next == after[index].size()) {
      colour[index] = 2;
      open.pop_back();
      continue;
    }
    const BlockIndex from = index, to = after[index][next++];
    if (colour[to] == 1) {
      if (back[to].empty()) heads.push_back(to);
      back[to].push_back(from);
    } else if (colour[to] == 0) {
      colour[to] = 1;
      open.emplace_back(to, 0);
    }
  }
  std::vector<FlowLoop> out;
  for (const BlockIndex head : heads) {
    if (out.size() == kFlowLoopsMax) break;
    FlowLoop loop;
    loop.head = head;
    loop.blocks.assign(count, false);
    loop.blocks[head] = true;
    std::vector<BlockIndex> todo = back[head];
    while (!todo.empty()) {
      const BlockIndex b = todo.back();
      todo.pop_back();
      if (loop.blocks[b]) continue;
      loop.blocks[b] = true;
      todo.insert(todo.end(), before[b].begin(), before[b].end());
    }
    for (BlockIndex b = 0; b < count; ++b) {
      if (!loop.blocks[b]) continue;
      for (const BlockIndex to : after[b])
        if (!loop.blocks[to]) loop.exits.emplace_back(b, to);
    }
    out.push_back(std::move(loop));
  }
  return out;
}

std::optional<std::uint32_t> endless_recursion(const FlowFile& flow, const FlowBody& body) {
  if (body.cut || body.is_module || body.is_macro || body.blocks.empty()) return std::nullopt;
  std::optional<std::uint32_t> found;
  std::vector<bool> seen(body.blocks.size(), false);
  std::vector<BlockIndex> open{0};
  seen[0] = true;
  while (!open.empty()) {
    const BlockIndex index = open.back();
    open.pop_back();
    const FlowBlock& block = body.blocks[index];
    bool called = false;
    for (std::uint32_t i = block.first_op; i < block.end_op && !called; ++i) {
      const FlowOp& op = body.ops[i];
      if (op.what == FlowWhat::Return || op.what == FlowWhat::Throw) return std::nullopt;
      if (op.what != FlowWhat::Call) continue;
      if (never_returns(flow.names[op.name])) return std::nullopt;
      called = op.name == body.name && op.a == kNoSlot;
      if (called && (!found || body.ops[i].first < body.ops[*found].first)) found = i;
    }
    if (called) continue;
    bool last = true;
    each_successor(body, index, [&](BlockIndex to) {
      last = false;
      if (seen[to]) return;
      seen[to] = true;
      open.push_back(to);
    });
    if (last) return std::nullopt;
  }
  return found;
}

}  // namespace wrench::code::memory
