#include "code_compare.hpp"

#include <algorithm>
#include <string_view>

namespace wrench::code::detail {
namespace {

constexpr std::uint8_t kMeaningfulFlags = kFlagOptionalChain | kFlagArrow | kFlagAsync | kFlagGenerator;

constexpr std::string_view kLookingCalls[] = {
    "isinstance", "issubclass", "hasattr",   "callable", "len",        "startswith",  "endswith",
    "startsWith", "endsWith",   "includes",  "has",      "contains",   "equals",      "equalsIgnoreCase",
    "isEmpty",    "isArray",    "strcmp",    "strncmp",  "strcasecmp", "strncasecmp", "memcmp",
    "strlen",     "HasPrefix",  "HasSuffix", "Contains", "EqualFold",  "isNaN",       "hasOwnProperty",
    "size",       "length",     "empty",     "isalpha",  "isdigit",    "isalnum",     "isspace"};

bool changes_something(const Node& node) {
  switch (node.kind) {
    case Kind::Assign:
    case Kind::AugAssign:
    case Kind::New:
    case Kind::Await:
    case Kind::Yield:
    case Kind::Lambda:
    case Kind::Function:
    case Kind::Error:
    case Kind::Other:
    case Kind::Comprehension:
      return true;
    case Kind::Unary: {
      const auto op = static_cast<Op>(node.sub);
      return op == Op::PreIncrement || op == Op::PreDecrement || op == Op::PostIncrement || op == Op::PostDecrement ||
             op == Op::DeleteOp || op == Op::Receive;
    }
    default:
      return false;
  }
}

}  // namespace

bool same_code(const Ir& ir, std::string_view text, NodeIndex a, NodeIndex b) {
  const NodeIndex size = ir[a].subtree_end - a;
  if (ir[b].subtree_end - b != size) return false;
  for (NodeIndex i = 0; i < size; ++i) {
    const Node& x = ir[a + i];
    const Node& y = ir[b + i];
    if (x.kind != y.kind || x.sub != y.sub || x.atom != y.atom || x.extra != y.extra || x.symbol != y.symbol ||
        x.subtree_end - a != y.subtree_end - b)
      return false;
    if (i > 0 && x.role != y.role) return false;
    if ((x.flags & kMeaningfulFlags) != (y.flags & kMeaningfulFlags)) return false;
    const bool leaf = x.subtree_end == a + i + 1;
    if (leaf && text.substr(x.first, x.end - x.first) != text.substr(y.first, y.end - y.first)) return false;
  }
  return true;
}

std::string_view called_name(const Ir& ir, const Atoms& atoms, NodeIndex call) {
  const NodeIndex callee = ir.child(call, Role::Callee);
  if (callee == kNoNode || (ir[callee].kind != Kind::Name && ir[callee].kind != Kind::Member)) return {};
  return atoms.text(ir[callee].atom);
}

bool only_looks(const Ir& ir, const Atoms& atoms, NodeIndex expression) {
  for (NodeIndex i = expression; i < ir[expression].subtree_end; ++i) {
    if (changes_something(ir[i])) return false;
    if (ir[i].kind == Kind::Call &&
        std::ranges::find(kLookingCalls, called_name(ir, atoms, i)) == std::end(kLookingCalls))
      return false;
  }
  return true;
}

bool in_sequence(const Ir& ir, NodeIndex statement) {
  const NodeIndex parent = ir[statement].parent;
  return parent != kNoNode && (ir[parent].kind == Kind::Block || ir[parent].kind == Kind::Module);
}

bool mentions(const Ir& ir, Atom name, NodeIndex first, NodeIndex end) {
  for (NodeIndex i = first; i < end; ++i)
    if (ir[i].atom == name && (ir[i].kind == Kind::Name || ir[i].kind == Kind::Member)) return true;
  return false;
}

}  // namespace wrench::code::detail
