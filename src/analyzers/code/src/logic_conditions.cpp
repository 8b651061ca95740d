#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "logic_context.hpp"

namespace wrench::code::detail {
namespace {

using findings::Confidence;
using findings::Severity;

constexpr LogicContext::Rule kRepeatedCondition{"logic.repeated-condition", "Branch can't be reached", "CWE-561",
                                                Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kSameBranches{"logic.same-branches", "Both ways do the same", "CWE-691", Severity::Medium,
                                           Confidence::High};
/// What asks may do something, too: a scanner that steps over what it looked for.
constexpr LogicContext::Rule kSameAfterCalls{"logic.same-branches", "Both ways do the same", "CWE-691",
                                             Severity::Medium, Confidence::Low};
constexpr LogicContext::Rule kSameReturn{"logic.same-branches", "Both ways return the same", "CWE-691", Severity::Low,
                                         Confidence::High};
constexpr LogicContext::Rule kRepeatedOperand{"logic.repeated-operand", "The same is asked twice", "CWE-1025",
                                              Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kConstantOperand{"logic.constant-operand", "Condition is always true", "CWE-571",
                                              Severity::High, Confidence::High};
constexpr LogicContext::Rule kAssignedConstant{"logic.constant-assigned-in-condition", "Condition assigns", "CWE-481",
                                               Severity::High, Confidence::High};
constexpr LogicContext::Rule kPrecedence{"logic.precedence", "Operators bind another way than they read", "CWE-783",
                                         Severity::High, Confidence::High};

/// Nodes of a branch that is worth a word: an empty one, or a lone `pass`, is none.
constexpr NodeIndex kBranchNodesMin = 3;
constexpr std::size_t kShownBytesMax = 60;
/// Operands of one chain and conditions of one if that are compared with each other; longer ones are tables.
constexpr std::size_t kComparedMax = 200;

std::string shown(const LogicContext& c, NodeIndex i) {
  std::string_view text = c.source(i);
  text = text.substr(0, text.find('\n'));
  if (text.size() <= kShownBytesMax) return std::string(text);
  std::size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

/// The operands of `a && b && c`, of whatever depth, from left to right.
void operands(const Ir& ir, NodeIndex i, Op op, std::vector<NodeIndex>& out) {
  const NodeIndex end = ir[i].subtree_end;
  while (i < end) {
    if (ir[i].kind == Kind::Binary && static_cast<Op>(ir[i].sub) == op) {
      ++i;
    } else {
      out.push_back(i);
      i = ir[i].subtree_end;
    }
  }
}

bool is_comparison(const Node& node) {
  if (node.kind != Kind::Binary) return false;
  switch (static_cast<Op>(node.sub)) {
    case Op::Eq:
    case Op::NotEq:
    case Op::StrictEq:
    case Op::StrictNotEq:
    case Op::Less:
    case Op::LessEq:
    case Op::Greater:
    case Op::GreaterEq:
      return true;
    default:
      return false;
  }
}

struct Chain {
  std::vector<NodeIndex> conditions, bodies;
  NodeIndex other = kNoNode;  ///< The last else.
};

Chain chain_of(const Ir& ir, NodeIndex i) {
  Chain chain;
  for (;;) {
    const NodeIndex condition = ir.child(i, Role::Condition);
    const NodeIndex then = ir.child(i, Role::Then);
    if (condition == kNoNode || then == kNoNode) break;
    chain.conditions.push_back(condition);
    chain.bodies.push_back(then);
    const NodeIndex other = ir.child(i, Role::Else);
    if (other == kNoNode) break;
    if (ir[other].kind != Kind::If || (ir[other].flags & kFlagElseIf) == 0) {
      chain.other = other;
      break;
    }
    i = other;
  }
  return chain;
}

void repeated_condition(LogicContext& c, const Chain& chain) {
  std::vector<NodeIndex> before;  // Disjuncts of all earlier conditions: none of them holds.
  for (std::size_t k = 0; k < chain.conditions.size() && before.size() < kComparedMax; ++k) {
    const NodeIndex condition = chain.conditions[k];
    if (!only_looks(c.ir, c.atoms, condition)) return;
    // A preprocessor may choose between conditions, and a Go `if` may set what the condition reads.
    if (k > 0 && c.has_directive(c.ir[chain.bodies[k - 1]].end, c.ir[condition].first)) return;
    if (c.ir.child(c.ir[condition].parent, Role::Init) != kNoNode) return;
    std::vector<NodeIndex> parts;
    operands(c.ir, condition, Op::And, parts);
    for (const NodeIndex part : parts)
      for (const NodeIndex earlier : before)
        if (c.same(part, earlier)) {
          c.report(condition, kRepeatedCondition,
                   fmt::format("'{}' was asked in line {} already, and this branch is only tried when that is false. "
                               "Correct the condition or remove the branch.",
                               shown(c, part), c.line(earlier)));
          return;
        }
    operands(c.ir, condition, Op::Or, before);
  }
}

void same_branches(LogicContext& c, NodeIndex i, const Chain& chain) {
  if (chain.other == kNoNode || c.ir[chain.other].subtree_end - chain.other < kBranchNodesMin) return;
  for (const NodeIndex body : chain.bodies)
    if (!c.same(body, chain.other)) return;
  if (c.has_comment(c.ir[i].first, c.ir[i].end) || c.has_directive(c.ir[i].first, c.ir[i].end)) return;
  const bool only_asks =
      std::ranges::all_of(chain.conditions, [&](NodeIndex condition) { return only_looks(c.ir, c.atoms, condition); });
  c.report(chain.conditions[0], only_asks ? kSameBranches : kSameAfterCalls,
           fmt::format("Whether '{}' holds or not, the same code runs (line {} and line {}). One of the branches was "
                       "meant to differ, or the condition can go.",
                       shown(c, chain.conditions[0]), c.line(chain.bodies[0]), c.line(chain.other)));
}

NodeIndex only_statement(const Ir& ir, NodeIndex i) {
  if (ir[i].kind != Kind::Block) return i;
  const NodeIndex first = ir.first_child(i);
  return first == kNoNode || ir.next_sibling(first) != kNoNode ? kNoNode : first;
}

void same_return(LogicContext& c, NodeIndex i, const Chain& chain) {
  if (chain.other != kNoNode || chain.bodies.size() != 1 || !in_sequence(c.ir, i)) return;
  const NodeIndex then = only_statement(c.ir, chain.bodies[0]);
  const NodeIndex next = c.ir.next_sibling(i);
  if (then == kNoNode || next == kNoNode || c.ir[then].kind != Kind::Return || c.ir[next].kind != Kind::Return ||
      c.ir.first_child(then) == kNoNode || c.ir.first_child(next) == kNoNode ||
      !c.same(c.ir.first_child(then), c.ir.first_child(next)))
    return;
  if (c.has_comment(c.ir[i].first, c.ir[next].end) || c.has_directive(c.ir[i].first, c.ir[next].end)) return;
  c.report(chain.conditions[0], kSameReturn,
           fmt::format("Whether '{}' holds or not, '{}' is returned. One of the two was meant to differ, or the "
                       "condition can go.",
                       shown(c, chain.conditions[0]), shown(c, c.ir.first_child(next))));
}

void ternary(LogicContext& c, NodeIndex i) {
  const NodeIndex then = c.ir.child(i, Role::Then);
  const NodeIndex other = c.ir.child(i, Role::Else);
  if (then == kNoNode || other == kNoNode || !c.same(then, other)) return;
  c.report(i, kSameBranches,
           fmt::format("Both sides of the choice are '{}'. One of them was meant to differ, or the condition can go.",
                       shown(c, then)));
}

/// Whether "and" and "or" give one of their operands, and it is wanted for more than yes or no.
bool gives_operand(const LogicContext& c, NodeIndex i) {
  return (c.is_script() || c.is_python()) && c.ir[i].role != Role::Condition;
}

void repeated_operand(LogicContext& c, NodeIndex i, Op op) {
  std::vector<NodeIndex> parts;
  operands(c.ir, i, op, parts);
  if (parts.size() > kComparedMax || !only_looks(c.ir, c.atoms, i)) return;
  for (std::size_t b = 1; b < parts.size(); ++b)
    for (std::size_t a = 0; a < b; ++a) {
      if (!c.same(parts[a], parts[b])) continue;
      // `x && x.y && x` asks twice because the last operand is what comes out.
      if (b + 1 == parts.size() && b > a + 1 && gives_operand(c, i)) return;
      c.report(parts[b], kRepeatedOperand,
               fmt::format("'{}' stands twice in this condition. One of the two was probably meant to be something "
                           "else.",
                           shown(c, parts[b])));
      return;
    }
}

bool is_condition(const Ir& ir, NodeIndex i) {
  if (ir[i].role != Role::Condition) return false;
  const Kind parent = ir[ir[i].parent].kind;
  return parent == Kind::If || parent == Kind::Loop || parent == Kind::Ternary;
}

/// `if x == "a" or "b":` is true for every x.
void constant_operand(LogicContext& c, NodeIndex i) {
  std::vector<NodeIndex> parts;
  operands(c.ir, i, Op::Or, parts);
  for (const NodeIndex part : parts) {
    if (c.ir[part].kind != Kind::String || c.atoms.text(c.ir[part].atom).empty()) continue;
    c.report(i, kConstantOperand,
             fmt::format("The text {} is true by itself, so this condition always holds. Compare the value with it, "
                         "too.",
                         shown(c, part)));
    return;
  }
}

void assigned_constant(LogicContext& c, NodeIndex i) {
  const NodeIndex right = c.ir.child(i, Role::Right);
  if (right == kNoNode) return;
  switch (c.ir[right].kind) {
    case Kind::String:
    case Kind::Number:
    case Kind::Bool:
    case Kind::Null:
      break;
    default:
      return;
  }
  // Whoever writes a second pair of parentheses says that it is meant.
  const NodeIndex owner = c.ir[i].parent;
  const std::string_view before =
      std::string_view(c.text.text).substr(c.ir[owner].first, c.ir[i].first - c.ir[owner].first);
  const bool doubled = before.find("((") != std::string_view::npos || c.source(i).starts_with("((");
  if (doubled || c.is_python()) return;
  c.report(i, kAssignedConstant,
           fmt::format("'{}' assigns, so the condition is always the same. Compare instead.", shown(c, i)));
}

bool is_bit_operation(const Node& node) {
  const auto op = static_cast<Op>(node.sub);
  return op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor;
}

/// `flags & MASK == MASK` compares first in these languages, `!key in map` negates first.
void precedence(LogicContext& c, NodeIndex i) {
  const NodeIndex left = c.ir.child(i, Role::Left);
  const NodeIndex right = c.ir.child(i, Role::Right);
  if (left == kNoNode || right == kNoNode) return;
  const auto bare = [&](NodeIndex n) { return (c.ir[n].flags & kFlagParenthesised) == 0; };
  const bool c_like = c.is_script() || c.ir.language == source::Language::C || c.ir.language == source::Language::Cpp;
  if (c_like && is_bit_operation(c.ir[i])) {
    const bool compares_left = is_comparison(c.ir[left]) && bare(left);
    const bool compares_right = is_comparison(c.ir[right]) && bare(right);
    // Two comparisons: somebody wanted both to be evaluated.
    if (compares_left == compares_right || is_comparison(c.ir[left]) || c.ir[left].kind == Kind::Bool) return;
    c.report(i, kPrecedence,
             fmt::format("'{}' is compared first and the bits are combined with its outcome. Put parentheses around "
                         "the operation on bits.",
                         shown(c, right)));
  }
  const auto op = static_cast<Op>(c.ir[i].sub);
  if (!c.is_script() || (op != Op::In && op != Op::Instanceof)) return;
  if (c.ir[left].kind != Kind::Unary || static_cast<Op>(c.ir[left].sub) != Op::Not || !bare(left)) return;
  c.report(i, kPrecedence,
           fmt::format("'{}' is negated first, and true or false is looked for. Put parentheses around the test and "
                       "negate that.",
                       shown(c, c.ir.first_child(left))));
}

}  // namespace

void check_conditions(LogicContext& c, NodeIndex i) {
  const Node& node = c.ir[i];
  switch (node.kind) {
    case Kind::If: {
      if (node.role == Role::Else && (node.flags & kFlagElseIf) != 0) break;
      const Chain chain = chain_of(c.ir, i);
      if (chain.conditions.empty()) break;
      repeated_condition(c, chain);
      same_branches(c, i, chain);
      same_return(c, i, chain);
      break;
    }
    case Kind::Ternary:
      ternary(c, i);
      break;
    case Kind::Binary: {
      const auto op = static_cast<Op>(node.sub);
      const Node& parent = c.ir[node.parent];
      const bool outermost = parent.kind != Kind::Binary || static_cast<Op>(parent.sub) != op;
      if ((op == Op::And || op == Op::Or) && outermost) repeated_operand(c, i, op);
      if (op == Op::Or && is_condition(c.ir, i)) constant_operand(c, i);
      precedence(c, i);
      break;
    }
    case Kind::Assign:
      if (is_condition(c.ir, i)) assigned_constant(c, i);
      break;
    default:
      break;
  }
}

}  // namespace wrench::code::detail
