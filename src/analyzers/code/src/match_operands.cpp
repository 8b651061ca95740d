#include "match_matcher.hpp"

#include <algorithm>
#include <optional>

namespace wrench::code::detail {

bool Matcher::binary_may_swap(const PatternNode& p) const {
  const auto op = static_cast<Op>(p.sub);
  return options_.symmetric_eq && (op == Op::Eq || op == Op::NotEq || op == Op::StrictEq || op == Op::StrictNotEq);
}

bool Matcher::is_associative(const PatternNode& p) const {
  const auto op = static_cast<Op>(p.sub);
  return options_.ac_matching &&
         (op == Op::And || op == Op::Or || op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor);
}

/// `a && b && c` however it is grouped; where the order says nothing, in any order and among others.
bool Matcher::operands(const PatternNode& p, NodeIndex n, Next next) {
  const auto op = static_cast<Op>(p.sub);
  PatternList wanted;
  for (const std::uint32_t child : p.children) pattern_operands(child, op, wanted);
  NodeList found;
  found_operands(n, op, found);
  if (wanted.size() > kOperandsMax || found.size() > kOperandsMax) return children(p, n, next);
  const bool commutes = op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor || options_.commutative_boolop;
  if (!commutes) return in_order(wanted, 0, found, 0, next);
  PatternList open, fixed;
  for (const std::uint32_t child : wanted) (is_variable(child) ? open : fixed).push_back(child);
  return any_order(fixed, open, found, 0, 0, next);
}

bool Matcher::is_variable(std::uint32_t p) const { return is_open(p) || at(p).kind == Kind::Metavar; }

void Matcher::pattern_operands(std::uint32_t p, Op op, PatternList& out) const {
  const PatternNode& node = at(p);
  if (node.kind == Kind::Binary && static_cast<Op>(node.sub) == op)
    for (const std::uint32_t child : node.children) pattern_operands(child, op, out);
  else
    out.push_back(p);
}

void Matcher::found_operands(NodeIndex n, Op op, NodeList& out) const {
  // Operators that associate to the left nest as deep as the file likes.
  NodeList open{n};
  while (!open.empty() && out.size() <= kOperandsMax) {
    const NodeIndex last = open.back();
    open.pop_back();
    const NodeIndex left = ir_.child(last, Role::Left), right = ir_.child(last, Role::Right);
    if (ir_[last].kind == Kind::Binary && static_cast<Op>(ir_[last].sub) == op && left != kNoNode && right != kNoNode) {
      open.push_back(right);
      open.push_back(left);
    } else {
      out.push_back(last);
    }
  }
}

bool Matcher::in_order(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next) {
  if (!budget_.spend()) return true;
  if (i == wanted.size()) return j == found.size() && next();
  if (!is_variable(wanted[i])) {
    auto rest = [&] { return in_order(wanted, i + 1, found, j + 1, next); };
    return j < found.size() && node(wanted[i], found[j], rest);
  }
  // A metavariable takes one operand or several, an ellipsis may take none.
  for (std::size_t end = is_open(wanted[i]) ? j : j + 1; end <= found.size(); ++end) {
    auto rest = [&] { return in_order(wanted, i + 1, found, end, next); };
    if (take_operands(wanted[i], found, j, end, rest)) return true;
  }
  return false;
}

bool Matcher::take_operands(std::uint32_t p, const NodeList& found, std::size_t from, std::size_t to, Next next) {
  if (at(p).kind == Kind::Ellipsis) return next();
  if (to == from + 1) return node(p, found[from], next);
  return bind(at(p).atom, bound_run(found, from, to), next);
}

bool Matcher::any_order(const PatternList& fixed, const PatternList& open, const NodeList& found, std::size_t i,
                        std::uint64_t used, Next next) {
  if (!budget_.spend()) return true;
  if (i < fixed.size()) {
    for (std::size_t j = 0; j < found.size(); ++j) {
      if ((used >> j & 1U) != 0) continue;
      auto rest = [&] { return any_order(fixed, open, found, i + 1, used | std::uint64_t{1} << j, next); };
      if (node(fixed[i], found[j], rest)) return true;
    }
    return false;
  }
  NodeList left;
  for (std::size_t j = 0; j < found.size(); ++j)
    if ((used >> j & 1U) == 0) left.push_back(found[j]);
  // Each metavariable takes one of what is left, the last one all of it.
  if (open.empty() || (open.size() == 1 && is_open(open.front()))) return next();
  if (open.size() == 1 && left.size() > 1) {
    if (take_operands(open.front(), left, 0, left.size(), next)) return true;
  }
  return some_of(open, left, 0, 0, Others::Allowed, next);
}

/// `a, b = 1, 2` is two assignments as well.
bool Matcher::one_of_assignments(const PatternNode& p, NodeIndex n, Next next) {
  const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
  if (left == kNoNode || right == kNoNode || ir_[left].kind != Kind::Tuple || ir_[right].kind != Kind::Tuple)
    return false;
  std::optional<std::uint32_t> target, value;
  for (const std::uint32_t child : p.children) {
    if (at(child).role == Role::Left) target = child;
    if (at(child).role == Role::Right) value = child;
  }
  if (!target || !value || at(*target).kind == Kind::Ellipsis) return false;
  NodeList targets, values;
  for (NodeIndex c = ir_.first_child(left); c != kNoNode; c = ir_.next_sibling(c)) targets.push_back(c);
  for (NodeIndex c = ir_.first_child(right); c != kNoNode; c = ir_.next_sibling(c)) values.push_back(c);
  if (targets.size() != values.size()) return false;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto then = [&] { return node(*value, values[i], next); };
    if (node(*target, targets[i], then)) return true;
  }
  return false;
}

bool Matcher::swapped(const PatternNode& p, NodeIndex n, Next next) {
  if (p.children.size() != 2) return false;
  const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
  if (left == kNoNode || right == kNoNode) return false;
  auto then = [&] { return node(p.children[1], left, next); };
  return node(p.children[0], right, then);
}

}  // namespace wrench::code::detail
