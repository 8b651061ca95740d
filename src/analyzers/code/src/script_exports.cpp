#include "script_exports.hpp"

#include <algorithm>
#include <unordered_map>

namespace wrench::code::detail {

namespace {

/// `exports` or `module.exports`.
bool is_exports(const Ir& ir, const Atoms& atoms, NodeIndex i) {
  if (i == kNoNode || atoms.text(ir[i].atom) != "exports") return false;
  if (ir[i].kind == Kind::Name) return true;
  if (ir[i].kind != Kind::Member) return false;
  const NodeIndex object = ir.child(i, Role::Object);
  return object != kNoNode && ir[object].kind == Kind::Name && atoms.text(ir[object].atom) == "module";
}

class Exports {
 public:
  Exports(const Ir& ir, const Atoms& atoms, std::string_view text) : ir_(ir), atoms_(atoms), text_(text) {}

  std::vector<ScriptExport> run() {
    for (NodeIndex i = ir_.first_child(0); i != kNoNode; i = ir_.next_sibling(i)) {
      const Node& node = ir_[i];
      if ((node.flags & kFlagExported) != 0) exported(i);
      if (node.kind == Kind::ExprStmt) statement(i);
    }
    return std::move(out_);
  }

 private:
  void exported(NodeIndex i) {
    const Node& node = ir_[i];
    if (node.kind == Kind::Directive) return list(i);
    if (node.atom == kNoAtom || is_type(i)) return;
    const NodeIndex name = ir_.child(i, node.kind == Kind::VarDef ? Role::Target : Role::Name);
    if (name == kNoNode || ir_[name].kind != Kind::Name) return;
    // The default export goes by another name.
    if (text_.substr(node.first, ir_[name].first - node.first).find("default") != std::string_view::npos) return;
    out_.push_back({node.atom, name, 0, kind_of(i)});
  }

  bool is_type(NodeIndex i) const {
    const Node& node = ir_[i];
    if (node.kind == Kind::Class) return static_cast<ClassSub>(node.sub) == ClassSub::Interface;
    if (node.kind == Kind::Function) return ir_.child(i, Role::Body) == kNoNode;
    return node.kind != Kind::VarDef;
  }

  DefinitionKind kind_of(NodeIndex i) const {
    if (ir_[i].kind == Kind::Function) return DefinitionKind::Function;
    if (ir_[i].kind == Kind::Class) return DefinitionKind::Class;
    const NodeIndex value = ir_.child(i, ir_[i].kind == Kind::VarDef ? Role::Value : Role::Right);
    return value != kNoNode && ir_[value].kind == Kind::Lambda ? DefinitionKind::Function : DefinitionKind::Variable;
  }

  /// `export { a, b as c }`: the names are those of definitions in this file. An alias is left out: who uses it can't
  /// be told from its name here.
  void list(NodeIndex directive) {
    for (NodeIndex c = ir_.first_child(directive); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::Name) continue;
      const std::size_t end = text_.find_first_not_of(" \t\r\n", ir_[c].end);
      if (end == std::string_view::npos || (text_[end] != ',' && text_[end] != '}')) continue;
      const NodeIndex definition = defined(ir_[c].atom);
      if (definition == kNoNode || is_type(definition)) continue;
      const NodeIndex name = ir_.child(definition, ir_[definition].kind == Kind::VarDef ? Role::Target : Role::Name);
      out_.push_back({ir_[c].atom, name == kNoNode ? c : name, 1, kind_of(definition)});
    }
  }

  NodeIndex defined(Atom name) {
    if (definitions_.empty())
      for (NodeIndex i = ir_.first_child(0); i != kNoNode; i = ir_.next_sibling(i))
        if (ir_[i].kind == Kind::Function || ir_[i].kind == Kind::Class || ir_[i].kind == Kind::VarDef)
          definitions_[ir_[i].atom] = i;
    const auto found = definitions_.find(name);
    return found == definitions_.end() ? kNoNode : found->second;
  }

  void statement(NodeIndex i) {
    NodeIndex assign = ir_.child(i, Role::Value);
    // `exports = module.exports = …`
    while (assign != kNoNode && ir_[assign].kind == Kind::Assign) {
      const NodeIndex left = ir_.child(assign, Role::Left);
      const NodeIndex right = ir_.child(assign, Role::Right);
      if (left == kNoNode || right == kNoNode) return;
      if (ir_[left].kind == Kind::Member && is_exports(ir_, atoms_, ir_.child(left, Role::Object))) {
        const bool same = ir_[right].kind == Kind::Name && ir_[right].atom == ir_[left].atom;
        out_.push_back({ir_[left].atom, left, same ? 2U : 1U, kind_of(assign)});
      }
      if (is_exports(ir_, atoms_, left) && ir_[right].kind == Kind::Dict) object(right);
      assign = right;
    }
  }

  void object(NodeIndex dict) {
    for (NodeIndex c = ir_.first_child(dict); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::Pair) continue;
      const NodeIndex key = ir_.child(c, Role::Key);
      const NodeIndex value = ir_.child(c, Role::Value);
      if (key == kNoNode || value == kNoNode || ir_[key].kind != Kind::Name) continue;
      const bool same = ir_[value].kind == Kind::Name && ir_[value].atom == ir_[key].atom;
      const bool function = ir_[value].kind == Kind::Function || ir_[value].kind == Kind::Lambda;
      out_.push_back(
          {ir_[key].atom, key, same ? 2U : 1U, function ? DefinitionKind::Function : DefinitionKind::Variable});
    }
  }

  const Ir& ir_;
  const Atoms& atoms_;
  std::string_view text_;
  std::unordered_map<Atom, NodeIndex> definitions_;
  std::vector<ScriptExport> out_;
};

}  // namespace

std::vector<ScriptExport> script_exports(const Ir& ir, const Atoms& atoms, std::string_view text) {
  return Exports(ir, atoms, text).run();
}

bool becomes_exports(const Ir& ir, const Atoms& atoms, NodeIndex expression) {
  NodeIndex at = expression;
  for (NodeIndex up = ir[at].parent; up != kNoNode; at = up, up = ir[up].parent) {
    switch (ir[up].kind) {
      case Kind::Pair:
      case Kind::Dict:
      case Kind::Spread:
      case Kind::Await:
      case Kind::Member:
        continue;
      case Kind::Call:
        for (NodeIndex c = ir.first_child(up); c != kNoNode; c = ir.next_sibling(c))
          if (ir[c].role == Role::Arg && is_exports(ir, atoms, c)) return true;
        continue;
      case Kind::Assign: {
        const NodeIndex left = ir.child(up, Role::Left);
        if (ir[at].role != Role::Right || left == kNoNode) return false;
        if (is_exports(ir, atoms, left)) return true;
        if (ir[left].kind == Kind::Member && is_exports(ir, atoms, ir.child(left, Role::Object))) return true;
        continue;
      }
      default:
        return false;
    }
  }
  return false;
}

}  // namespace wrench::code::detail
