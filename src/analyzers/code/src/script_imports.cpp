#include "script_imports.hpp"

namespace wrench::code::detail {

namespace {

const std::vector<std::string> kAll = {"*"};

}  // namespace

ScriptImports::ScriptImports(const Ir& ir, const Atoms& atoms) : ir_(ir), atoms_(atoms) {
  find_modules();
  if (modules_.empty()) return;
  for (NodeIndex i = 1; i < ir.nodes.size(); ++i) {
    const Node& node = ir[i];
    if (node.kind == Kind::Name) {
      if (const auto found = modules_.find(node.atom); found != modules_.end()) use(i, found->second);
    } else if (node.kind == Kind::Type) {
      // "m.Name"; in any other form of text the name may be anything.
      const std::string_view text = atoms.text(node.atom);
      const std::size_t dot = text.find('.');
      const Atom module = dot == std::string_view::npos ? kNoAtom : atoms.find(text.substr(0, dot));
      const auto found = modules_.find(module);
      if (module == kNoAtom || found == modules_.end()) continue;
      const std::string_view rest = text.substr(dot + 1);
      const Atom name = atoms.find(rest.substr(0, rest.find('.')));
      if (name == kNoAtom) {
        found->second.escapes = true;
      } else {
        found->second.names.push_back(name);
      }
    }
  }
}

void ScriptImports::find_modules() {
  for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
    const Node& node = ir_[i];
    if (node.kind == Kind::ImportItem && atoms_.text(node.atom) == "*" && node.extra != kNoAtom) modules_[node.extra];
    if (node.kind != Kind::Call) continue;
    const NodeIndex up = ir_[value_of(i)].parent;
    if (up == kNoNode || ir_[up].kind != Kind::VarDef || ir_[up].atom == kNoAtom) continue;
    const NodeIndex callee = ir_.child(i, Role::Callee);
    if (callee == kNoNode || ir_[callee].kind != Kind::Name) continue;
    const std::string_view called = atoms_.text(ir_[callee].atom);
    if (called == "require" || called == "import") modules_[ir_[up].atom];
  }
}

void ScriptImports::use(NodeIndex name, Module& module) const {
  const Node& node = ir_[name];
  const Node& parent = ir_[node.parent];
  if (node.role == Role::Target && parent.kind == Kind::VarDef) return;
  if (node.role == Role::Object && parent.kind == Kind::Member) {
    module.names.push_back(parent.atom);
  } else if (node.role == Role::Value && parent.kind == Kind::VarDef && parent.atom == kNoAtom) {
    // `const { a } = m`
    const NodeIndex pattern = ir_.child(node.parent, Role::Target);
    const std::vector<std::string> names = pattern_names(pattern);
    for (const std::string& one : names) {
      const Atom atom = one == "*" ? kNoAtom : atoms_.find(one);
      if (atom == kNoAtom) module.escapes = true;
      module.names.push_back(atom);
    }
  } else {
    module.escapes = true;
  }
}

std::vector<std::string> ScriptImports::names_through(Atom local) const {
  const auto found = modules_.find(local);
  if (found == modules_.end() || found->second.escapes) return kAll;
  std::vector<std::string> out;
  for (const Atom name : found->second.names) out.emplace_back(atoms_.text(name));
  return out;
}

std::vector<std::string> ScriptImports::pattern_names(NodeIndex pattern) const {
  if (pattern == kNoNode || ir_[pattern].kind != Kind::Dict) return kAll;
  std::vector<std::string> out;
  for (NodeIndex c = ir_.first_child(pattern); c != kNoNode; c = ir_.next_sibling(c)) {
    const NodeIndex key = ir_[c].kind == Kind::Pair ? ir_.child(c, Role::Key) : kNoNode;
    if (key == kNoNode || ir_[key].kind != Kind::Name) return kAll;
    out.emplace_back(atoms_.text(ir_[key].atom));
  }
  return out;
}

NodeIndex ScriptImports::value_of(NodeIndex call) const {
  NodeIndex at = call;
  while (ir_[ir_[at].parent].kind == Kind::Await) at = ir_[at].parent;
  return at;
}

std::vector<std::string> ScriptImports::names_of_load(NodeIndex call) const {
  const NodeIndex value = value_of(call);
  const NodeIndex up = ir_[value].parent;
  const Node& parent = ir_[up];
  const NodeIndex callee = ir_.child(call, Role::Callee);
  // Before it is awaited a module is a promise.
  const bool loaded = value != call || atoms_.text(ir_[callee].atom) == "require";
  if (parent.kind == Kind::ExprStmt && loaded) return {};
  if (!loaded) return kAll;
  if (parent.kind == Kind::Member) return {std::string(atoms_.text(parent.atom))};
  if (parent.kind != Kind::VarDef) return kAll;
  return parent.atom != kNoAtom ? names_through(parent.atom) : pattern_names(ir_.child(up, Role::Target));
}

}  // namespace wrench::code::detail
