#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lower_engine.hpp"

namespace wrench::code::detail {

/// Writes a tree in pre-order for lowerings that don't start from a tree-sitter tree. The root is open from the start.
/// When a limit is exceeded `fault()` says so; what is written after that is to be thrown away.
class IrBuilder {
 public:
  IrBuilder(Ir& ir, std::uint32_t text_bytes, LowerLimits limits) : ir_(ir), limits_(limits) {
    open(Kind::Module, Role::None, 0, text_bytes);
  }

  LowerFault fault() const { return fault_; }
  std::size_t depth() const { return open_.size(); }

  Node& open(Kind kind, Role role, std::uint32_t first, std::uint32_t end, Atom atom = kNoAtom) {
    if (ir_.nodes.size() >= limits_.nodes_max) fault_ = LowerFault::NodesMax;
    if (open_.size() >= limits_.nesting_max) fault_ = LowerFault::NestingTooDeep;
    const auto index = static_cast<NodeIndex>(ir_.nodes.size());
    Node& node = ir_.nodes.emplace_back();
    node.kind = kind;
    node.role = role;
    node.first = first;
    node.end = end;
    node.subtree_end = index + 1;
    node.parent = open_.empty() ? kNoNode : open_.back();
    node.depth = static_cast<std::uint16_t>(open_.size());
    node.atom = atom;
    open_.push_back(index);
    return node;
  }
  Node& leaf(Kind kind, Role role, std::uint32_t first, std::uint32_t end, Atom atom = kNoAtom) {
    Node& node = open(kind, role, first, end, atom);
    open_.pop_back();
    return node;
  }
  Node& innermost() { return ir_.nodes[open_.back()]; }
  void close() {
    ir_.nodes[open_.back()].subtree_end = static_cast<NodeIndex>(ir_.nodes.size());
    open_.pop_back();
  }
  /// Closes a node that reaches as far as what is in it.
  void close_around_children() {
    Node& node = innermost();
    if (ir_.nodes.size() > open_.back() + 1U) node.first = ir_.nodes[open_.back() + 1U].first;
    // The last part's end is known by now: nodes are closed from the inside out.
    for (NodeIndex i = open_.back() + 1U; i < ir_.nodes.size(); i = ir_.nodes[i].subtree_end)
      node.end = std::max(node.end, ir_.nodes[i].end);
    node.end = std::max(node.end, node.first);
    close();
  }
  /// A part of the text that couldn't be read.
  void error(std::uint32_t first, std::uint32_t end) {
    leaf(Kind::Error, Role::Element, first, end);
    ++ir_.error_nodes;
    ir_.error_bytes += end - first;
  }

 private:
  Ir& ir_;
  LowerLimits limits_;
  LowerFault fault_ = LowerFault::None;
  std::vector<NodeIndex> open_;
};

}  // namespace wrench::code::detail
