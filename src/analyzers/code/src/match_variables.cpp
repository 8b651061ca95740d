#include <algorithm>
#include <vector>

#include "match_index.hpp"

// What a variable can only be at a place: one assignment in the file, or the last one before the use.
namespace wrench::code {
namespace {

using source::Language;

constexpr std::size_t kAssignmentsMax = 256;  ///< Of one variable, beyond which no value is told apart.
constexpr std::size_t kFoldDepthMax = 64;     ///< Operands of "a" + "b" + … that are folded.

bool declares_variables(Language language) { return language != Language::Python && language != Language::Php; }

bool is_scope(Kind kind) {
  return kind == Kind::Module || kind == Kind::Function || kind == Kind::Lambda || kind == Kind::Class;
}

bool is_literal(Kind kind) {
  return kind == Kind::String || kind == Kind::Number || kind == Kind::Bool || kind == Kind::Null || kind == Kind::Char;
}

}  // namespace

NodeIndex FileIndex::scope_of(NodeIndex n) const {
  for (NodeIndex up = ir_[n].parent; up != kNoNode; up = ir_[up].parent)
    if (is_scope(ir_[up].kind)) return up;
  return 0;
}

void FileIndex::bind_target(NodeIndex scope, NodeIndex at, NodeIndex target, NodeIndex value, NodeIndex type) const {
  if (ir_[target].kind != Kind::Name) return spoil(scope, at, target);
  Symbol& symbol = symbols_[key(scope, ir_[target].atom)];
  if (value != kNoNode) symbol.assignments.push_back({at, value});
  if (type != kNoNode) symbol.type = type;
}

/// Every name in a target that isn't one plain name gets values that aren't known.
void FileIndex::spoil(NodeIndex scope, NodeIndex at, NodeIndex target) const {
  const Kind kind = ir_[target].kind;
  if (kind == Kind::Member || kind == Kind::Index) return;
  for (NodeIndex n = target; n < ir_[target].subtree_end; ++n)
    if (ir_[n].kind == Kind::Name) symbols_[key(scope, ir_[n].atom)].assignments.push_back({at, kNoNode});
}

void FileIndex::collect_symbols() const {
  symbols_known_ = true;
  const bool declared = declares_variables(ir_.language);
  struct Late {
    NodeIndex node, target, value;
  };
  std::vector<Late> assignments;
  std::vector<NodeIndex> scopes;  // Open ones, innermost last.
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n) {
    while (!scopes.empty() && n >= ir_[scopes.back()].subtree_end) scopes.pop_back();
    const Node& node = ir_[n];
    const NodeIndex scope = scopes.empty() ? 0 : scopes.back();
    if (is_scope(node.kind)) scopes.push_back(n);
    switch (node.kind) {
      case Kind::VarDef:
      case Kind::Field: {
        NodeIndex target = ir_.child(n, Role::Target);
        if (target == kNoNode) target = ir_.child(n, Role::Name);
        if (target != kNoNode) bind_target(scope, n, target, ir_.child(n, Role::Value), ir_.child(n, Role::Type));
        break;
      }
      case Kind::Param: {
        if (node.atom != kNoAtom) {
          Symbol& symbol = symbols_[key(scope, node.atom)];
          symbol.assignments.push_back({n, kNoNode});
          symbol.type = ir_.child(n, Role::Type);
        }
        if (const NodeIndex target = ir_.child(n, Role::Target); target != kNoNode) spoil(scope, n, target);
        break;
      }
      case Kind::Assign: {
        const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
        if (left == kNoNode || node.sub == kAssignProperty) break;
        // Go's `:=` declares.
        if (declared && node.sub == 0)
          assignments.push_back({n, left, right});
        else
          bind_target(scope, n, left, right == kNoNode ? n : right, ir_.child(n, Role::Type));
        break;
      }
      case Kind::AugAssign:
        if (const NodeIndex left = ir_.child(n, Role::Left); left != kNoNode) assignments.push_back({n, left, kNoNode});
        break;
      case Kind::Unary: {
        const auto op = static_cast<Op>(node.sub);
        if (op < Op::PreIncrement || op > Op::PostDecrement) break;
        [[fallthrough]];
      }
      case Kind::AddressOf:
        if (node.kind == Kind::AddressOf && node.sub == kAddressReadOnly) break;
        if (const NodeIndex operand = ir_.child(n, Role::Operand); operand != kNoNode)
          assignments.push_back({n, operand, kNoNode});
        break;
      case Kind::ForEach:
      case Kind::With:
      case Kind::Catch:
      case Kind::Comprehension:
        for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c))
          if (ir_[c].role == Role::Target) spoil(scope, c, c);
        break;
      case Kind::Function:
      case Kind::Class:
        if (node.atom != kNoAtom) symbols_[key(scope, node.atom)].assignments.push_back({n, kNoNode});
        break;
      case Kind::Directive:
        if (ir_.language == Language::C || ir_.language == Language::Cpp) break;
        // global/nonlocal: a variable of the module, or of a function around this one, gets values here.
        for (NodeIndex i = n; i < node.subtree_end; ++i) {
          if (ir_[i].kind != Kind::Name) continue;
          symbols_[key(0, ir_[i].atom)].assignments.push_back({i, kNoNode});
          if (atoms_.text(node.atom) != "nonlocal") continue;
          for (std::size_t outer = 0; outer + 1 < scopes.size(); ++outer)
            symbols_[key(scopes[outer], ir_[i].atom)].assignments.push_back({i, kNoNode});
        }
        break;
      default:
        break;
    }
  }
  for (const Late& late : assignments) {
    if (ir_[late.target].kind != Kind::Name) {
      spoil(scope_of(late.node), late.node, late.target);
      continue;
    }
    const Atom name = ir_[late.target].atom;
    NodeIndex scope = scope_of(late.node);
    for (NodeIndex up = scope;; up = scope_of(up)) {
      if (symbols_.contains(key(up, name))) {
        scope = up;
        break;
      }
      if (up == 0) break;
    }
    symbols_[key(scope, name)].assignments.push_back({late.node, late.value});
  }
  if (!assignments.empty())
    for (auto& [where, symbol] : symbols_)
      std::sort(symbol.assignments.begin(), symbol.assignments.end(),
                [](const Assignment& a, const Assignment& b) { return a.node < b.node; });
}

NodeIndex FileIndex::function_of(NodeIndex n) const {
  for (NodeIndex up = ir_[n].parent; up != kNoNode; up = ir_[up].parent)
    if (ir_[up].kind == Kind::Function || ir_[up].kind == Kind::Lambda) return up;
  return 0;
}

/// Whether the assignment is done in any case, in a statement of a list that also holds the use.
bool FileIndex::precedes_always(const Assignment& assignment, NodeIndex use) const {
  NodeIndex statement = assignment.node;
  if (ir_[statement].kind != Kind::VarDef) {
    while (is_expression(ir_[statement].kind) && ir_[statement].parent != kNoNode) {
      const Node& inner = ir_[statement];
      const Kind above = ir_[inner.parent].kind;
      // What stands behind `&&` or `?` may be left out.
      if (above == Kind::Ternary || above == Kind::Lambda || (above == Kind::Binary && inner.role == Role::Right))
        return false;
      statement = inner.parent;
    }
    if (ir_[statement].kind != Kind::ExprStmt && ir_[statement].kind != Kind::If) return false;
  }
  const NodeIndex list = ir_[statement].parent;
  return list != kNoNode && holds_statements(ir_[list].kind) && list < use && use < ir_[list].subtree_end;
}

/// The value of the last assignment before the use, when that runs before it in any case and nothing else can come
/// between: no other function assigns, and no loop brings a later assignment back.
NodeIndex FileIndex::reaching_value(const Symbol& symbol, NodeIndex name) const {
  if (symbol.assignments.size() > kAssignmentsMax) return kNoNode;
  const NodeIndex function = function_of(name);
  const Assignment* last = nullptr;
  for (const Assignment& assignment : symbol.assignments) {
    const bool parameter = ir_[assignment.node].kind == Kind::Param;
    if (!parameter && function_of(assignment.node) != function) return kNoNode;
    if (ir_[assignment.node].subtree_end <= name) last = &assignment;
  }
  if (last == nullptr || last->value == kNoNode || !precedes_always(*last, name)) return kNoNode;
  for (NodeIndex up = ir_[name].parent; up != kNoNode && up != function; up = ir_[up].parent) {
    if (ir_[up].kind != Kind::Loop && ir_[up].kind != Kind::ForEach) continue;
    const NodeIndex end = ir_[up].subtree_end;
    if (last->node >= up && last->node < end) continue;
    for (const Assignment& other : symbol.assignments)
      if (other.node >= up && other.node < end) return kNoNode;
  }
  return last->value;
}

const FileIndex::Symbol* FileIndex::find_symbol(NodeIndex name) const {
  if (ir_[name].kind == Kind::Member) return find_field(name);
  if (ir_[name].kind != Kind::Name && ir_[name].kind != Kind::Param) return nullptr;
  const Atom atom = ir_[name].atom;
  const NodeIndex first = scope_of(name);
  for (NodeIndex scope = first;; scope = scope_of(scope)) {
    // In Python a class body's names aren't seen from its methods.
    const bool hidden = ir_.language == Language::Python && ir_[scope].kind == Kind::Class && scope != first;
    if (!hidden) {
      const auto found = symbols().find(key(scope, atom));
      if (found != symbols().end()) return &found->second;
    }
    if (scope == 0) return nullptr;
  }
}

/// `this.x` in a method is the field x of the class around it.
const FileIndex::Symbol* FileIndex::find_field(NodeIndex member) const {
  const NodeIndex object = ir_.child(member, Role::Object);
  if (object == kNoNode || ir_[object].kind != Kind::This) return nullptr;
  for (NodeIndex up = ir_[member].parent; up != kNoNode; up = ir_[up].parent) {
    if (ir_[up].kind != Kind::Class) continue;
    const auto found = symbols().find(key(up, ir_[member].atom));
    return found == symbols().end() ? nullptr : &found->second;
  }
  return nullptr;
}

NodeIndex FileIndex::only_value(NodeIndex name) const {
  const Symbol* symbol = find_symbol(name);
  if (symbol == nullptr || symbol->assignments.empty()) return kNoNode;
  return symbol->assignments.size() == 1 ? symbol->assignments.front().value : reaching_value(*symbol, name);
}

/// What a macro of this file is, where no variable has its name.
NodeIndex FileIndex::macro_value(NodeIndex name) const {
  if (macro_values_.empty() || ir_[name].kind != Kind::Name) return kNoNode;
  const auto found = macro_values_.find(ir_[name].atom);
  return found == macro_values_.end() || is_variable(name) ? kNoNode : found->second;
}

NodeIndex FileIndex::constant(NodeIndex name) const {
  // A chain a = b; b = "x" is followed a few steps; a cycle ends there too.
  NodeIndex value = name;
  for (int step = 0; step < 4; ++step) {
    const NodeIndex before = value;
    value = only_value(before);
    if (value == kNoNode) value = macro_value(before);
    if (value == kNoNode) return kNoNode;
    if (is_literal(ir_[value].kind)) return value;
    if (ir_[value].kind == Kind::Binary && is_constant_string(value)) return value;
    if (ir_[value].kind != Kind::Name) return kNoNode;
  }
  return kNoNode;
}

NodeIndex FileIndex::declared_type(NodeIndex name) const {
  const Symbol* symbol = find_symbol(name);
  return symbol == nullptr ? kNoNode : symbol->type;
}

bool FileIndex::are_different_variables(NodeIndex a, NodeIndex b) const {
  if (a == b || ir_[a].kind != Kind::Name || ir_[b].kind != Kind::Name || ir_[a].atom != ir_[b].atom) return false;
  const Symbol* first = find_symbol(a);
  const Symbol* second = find_symbol(b);
  return first != nullptr && second != nullptr && first != second;
}

bool FileIndex::is_constant_string(NodeIndex n) const {
  std::vector<NodeIndex> open{n};
  std::size_t seen = 0;
  bool text = false;
  while (!open.empty()) {
    if (++seen > kFoldDepthMax) return false;
    const NodeIndex at = open.back();
    open.pop_back();
    const Node& node = ir_[at];
    if (node.kind == Kind::String) {
      text = true;
    } else if (node.kind == Kind::Number && (is_script() || ir_.language == Language::Java)) {
      continue;  // Added to a text it becomes one.
    } else if (node.kind == Kind::Interp) {
      text = true;
      for (NodeIndex c = ir_.first_child(at); c != kNoNode; c = ir_.next_sibling(c)) open.push_back(c);
    } else if (node.kind == Kind::Binary && static_cast<Op>(node.sub) == Op::Add) {
      const NodeIndex left = ir_.child(at, Role::Left), right = ir_.child(at, Role::Right);
      if (left == kNoNode || right == kNoNode) return false;
      open.push_back(left);
      open.push_back(right);
    } else if (node.kind == Kind::Name) {
      const NodeIndex value = only_value(at);
      if (value == kNoNode) return false;
      open.push_back(value);
    } else {
      return false;
    }
  }
  return text;
}

}  // namespace wrench::code
