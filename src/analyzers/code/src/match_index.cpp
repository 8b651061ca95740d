#include "match_index.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr std::size_t kChainMax = 32;      ///< Parts of a.b.c that are looked at.
constexpr std::size_t kFoldDepthMax = 64;  ///< Operands of "a" + "b" + … that are folded.

bool declares_variables(Language language) { return language != Language::Python && language != Language::Php; }

/// Module paths whose parts are names of their own: `a.b` imports what `a.b.c` names, too.
bool has_dotted_paths(Language language) {
  switch (language) {
    case Language::Python:
    case Language::Java:
    case Language::Php:
    case Language::CSharp:
    case Language::Rust:
    case Language::Kotlin:
    case Language::Scala:
      return true;
    default:
      return false;
  }
}

bool is_scope(Kind kind) {
  return kind == Kind::Module || kind == Kind::Function || kind == Kind::Lambda || kind == Kind::Class;
}

bool holds_statements(Kind kind) {
  return kind == Kind::Module || kind == Kind::Block || kind == Kind::Case || kind == Kind::Namespace;
}

bool is_literal(Kind kind) {
  return kind == Kind::String || kind == Kind::Number || kind == Kind::Bool || kind == Kind::Null || kind == Kind::Char;
}

}  // namespace

bool is_expression(Kind kind) {
  switch (kind) {
    case Kind::Lambda:
    case Kind::Name:
    case Kind::Member:
    case Kind::Index:
    case Kind::Slice:
    case Kind::Call:
    case Kind::New:
    case Kind::Unary:
    case Kind::Binary:
    case Kind::Assign:
    case Kind::AugAssign:
    case Kind::Ternary:
    case Kind::Await:
    case Kind::Yield:
    case Kind::Cast:
    case Kind::TypeTest:
    case Kind::Tuple:
    case Kind::List:
    case Kind::Set:
    case Kind::Dict:
    case Kind::Comprehension:
    case Kind::String:
    case Kind::Interp:
    case Kind::Number:
    case Kind::Bool:
    case Kind::Null:
    case Kind::Char:
    case Kind::Regex:
    case Kind::This:
    case Kind::Super:
    case Kind::AddressOf:
    case Kind::Deref:
    case Kind::Range:
    case Kind::XmlElement:
      return true;
    default:
      return false;
  }
}

FileIndex::FileIndex(const Ir& ir, Atoms& atoms, std::string_view text) : ir_(ir), atoms_(atoms), text_(text) {
  by_kind_.resize(static_cast<std::size_t>(Kind::Other) + 1);
  collect();
}

void FileIndex::collect() {
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n)
    if (ir_[n].kind == Kind::Import) collect_import(n);
  const auto mention = [&](Atom atom) {
    if (atom >= mentioned_.size()) mentioned_.resize(std::max<std::size_t>(atom + 1, mentioned_.size() * 2), false);
    mentioned_[atom] = true;
  };
  std::vector<Atom> path;
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n) {
    const Node& node = ir_[n];
    by_kind_[static_cast<std::size_t>(node.kind)].push_back(n);
    if (node.atom != kNoAtom) mention(node.atom);
    if (node.kind == Kind::ImportItem && node.extra != 0) mention(node.extra);
    if (node.parent != kNoNode) {
      const Kind parent = ir_[node.parent].kind;
      const bool listed = holds_statements(parent) && (node.role == Role::Element || node.role == Role::Body) &&
                          node.kind != Kind::Block;
      const bool single = (node.role == Role::Then || node.role == Role::Else || node.role == Role::Body) &&
                          node.kind != Kind::Block && !is_expression(node.kind) && !listed;
      if (listed || single || (node.kind == Kind::Block && node.role == Role::Element)) statements_.push_back(n);
    }
    if (node.kind == Kind::Call) {
      const NodeIndex callee = ir_.child(n, Role::Callee);
      if (callee == kNoNode) continue;
      const Atom last = ir_[callee].kind == Kind::Name || ir_[callee].kind == Kind::Member ? ir_[callee].atom : kNoAtom;
      calls_[last].push_back(n);
      path.clear();
      if (resolved(callee, path) && path.back() != last) calls_[path.back()].push_back(n);
    }
  }
  // What an alias stands for is mentioned too: `import m "crypto/md5"`.
  for (const auto& [alias, paths] : aliases_)
    for (const auto& parts : paths)
      for (const Atom part : parts) mention(part);
  for (const auto& parts : wildcards_)
    for (const Atom part : parts) mention(part);
}

std::vector<Atom> FileIndex::split_path(std::string_view path) {
  std::vector<Atom> out;
  if (has_dotted_paths(ir_.language)) {
    for (const std::string_view part : split(path, '.'))
      if (!part.empty()) out.push_back(atoms_.intern(part));
  } else if (ir_.language == Language::Go) {
    std::vector<std::string_view> parts = split(path, '/');
    // A major version at the end isn't part of the package's name.
    if (parts.size() > 1 && parts.back().size() > 1 && parts.back()[0] == 'v' &&
        std::all_of(parts.back().begin() + 1, parts.back().end(), [](char c) { return c >= '0' && c <= '9'; }))
      parts.pop_back();
    out.push_back(atoms_.intern(parts.back()));
  } else {
    out.push_back(atoms_.intern(path));
  }
  if (out.size() > kChainMax) out.clear();
  return out;
}

void FileIndex::add_alias(Atom alias, std::vector<Atom> path) {
  if (alias == kNoAtom || path.empty()) return;
  if (path.size() == 1 && path.front() == alias) return;
  aliases_[alias].push_back(std::move(path));
}

void FileIndex::collect_import(NodeIndex n) {
  std::string_view module = atoms_.text(ir_[n].atom);
  if (module.size() >= 2 && (module.front() == '"' || module.front() == '\''))
    module = module.substr(1, module.size() - 2);
  const std::vector<Atom> path = split_path(module);
  if (path.empty()) return;
  for (NodeIndex item = ir_.first_child(n); item != kNoNode; item = ir_.next_sibling(item)) {
    const Node& node = ir_[item];
    if (node.kind != Kind::ImportItem) continue;
    const std::string_view name = atoms_.text(node.atom);
    const Atom alias = node.extra;
    const bool whole = ir_[n].sub == static_cast<std::uint8_t>(ImportSub::Module) || node.atom == kNoAtom ||
                       name == "*" || name == "default";
    if (name == "*" && (alias == kNoAtom || alias == node.atom)) {
      wildcards_.push_back(path);
      continue;
    }
    if (whole) {
      // `import a.b` binds `a`, which stands for itself.
      if (alias != kNoAtom && alias != path.front()) add_alias(alias, path);
      continue;
    }
    std::vector<Atom> full = path;
    full.push_back(node.atom);
    add_alias(alias == kNoAtom ? node.atom : alias, std::move(full));
  }
}

const std::vector<NodeIndex>& FileIndex::calls(Atom last_name) const {
  static const std::vector<NodeIndex> kNone;
  const auto found = calls_.find(last_name);
  return found == calls_.end() ? kNone : found->second;
}

NodeIndex FileIndex::next_statement(NodeIndex from, NodeIndex limit) const {
  const auto at = std::lower_bound(statements_.begin(), statements_.end(), from);
  return at == statements_.end() || *at >= limit ? kNoNode : *at;
}

NodeIndex FileIndex::statement_of(NodeIndex n) const {
  for (; n != kNoNode; n = ir_[n].parent)
    if (std::binary_search(statements_.begin(), statements_.end(), n)) return n;
  return kNoNode;
}

bool FileIndex::dotted(NodeIndex n, std::vector<Atom>& out) const {
  out.clear();
  for (std::size_t i = 0; i < kChainMax; ++i) {
    const Node& node = ir_[n];
    if (node.kind == Kind::Name) {
      out.push_back(node.atom);
      std::reverse(out.begin(), out.end());
      return true;
    }
    if (node.kind != Kind::Member) return false;
    out.push_back(node.atom);
    const NodeIndex object = ir_.child(n, Role::Object);
    if (object == kNoNode) return false;
    n = object;
  }
  return false;
}

bool FileIndex::resolved(NodeIndex n, std::vector<Atom>& out) const {
  if (aliases_.empty() || !dotted(n, out)) return false;
  const auto alias = aliases_.find(out.front());
  if (alias == aliases_.end()) return false;
  std::vector<Atom> path = alias->second.front();
  path.insert(path.end(), out.begin() + 1, out.end());
  out = std::move(path);
  return true;
}

bool FileIndex::resolves_to(NodeIndex n, const std::vector<Atom>& wanted) const {
  if (aliases_.empty() && wildcards_.empty()) return false;
  std::vector<Atom> parts;
  if (!dotted(n, parts)) return false;
  const auto fits = [&](const std::vector<Atom>& head, std::size_t skip) {
    return head.size() + parts.size() - skip == wanted.size() && std::equal(head.begin(), head.end(), wanted.begin()) &&
           std::equal(parts.begin() + static_cast<std::ptrdiff_t>(skip), parts.end(),
                      wanted.begin() + static_cast<std::ptrdiff_t>(head.size()));
  };
  if (const auto alias = aliases_.find(parts.front()); alias != aliases_.end())
    for (const auto& path : alias->second)
      if (fits(path, 1)) return true;
  return std::any_of(wildcards_.begin(), wildcards_.end(), [&](const auto& path) { return fits(path, 0); });
}

bool FileIndex::type_is(std::string_view written, std::string_view wanted) const {
  const auto bare = [](std::string_view type) {
    if (const std::size_t generic = type.find('<'); generic != std::string_view::npos) type = type.substr(0, generic);
    return trim(type);
  };
  written = bare(written);
  wanted = bare(wanted);
  if (written == wanted) return true;
  const auto full_name = [&](const std::vector<Atom>& path) {
    std::string full;
    for (const Atom part : path) full += (full.empty() ? "" : ".") + std::string(atoms_.text(part));
    return full;
  };
  const auto alias = aliases_.find(atoms_.find(written));
  if (alias != aliases_.end() &&
      std::ranges::any_of(alias->second, [&](const auto& path) { return full_name(path) == wanted; }))
    return true;
  const auto last = [](std::string_view type) {
    const std::size_t dot = type.find_last_of(".:");
    return dot == std::string_view::npos ? type : type.substr(dot + 1);
  };
  const bool pointer =
      written.ends_with('*') || wanted.ends_with('*') || written.starts_with('*') || wanted.starts_with('*');
  if (last(written) != last(wanted)) return false;
  if (pointer &&
      (written.ends_with('*') != wanted.ends_with('*') || written.starts_with('*') != wanted.starts_with('*')))
    return false;
  const bool written_plain = last(written) == written, wanted_plain = last(wanted) == wanted;
  if (written_plain || wanted_plain) {
    // An import that says otherwise wins.
    if (!written_plain) return true;
    return wanted_plain || alias == aliases_.end();
  }
  return false;
}

// --- variables

NodeIndex FileIndex::scope_of(NodeIndex n) const {
  for (NodeIndex up = ir_[n].parent; up != kNoNode; up = ir_[up].parent)
    if (is_scope(ir_[up].kind)) return up;
  return 0;
}

void FileIndex::bind_target(NodeIndex scope, NodeIndex target, NodeIndex value, NodeIndex type) const {
  if (ir_[target].kind != Kind::Name) return spoil(scope, target);
  Symbol& symbol = symbols_[key(scope, ir_[target].atom)];
  if (value != kNoNode) {
    ++symbol.assignments;
    symbol.value = value;
  }
  if (type != kNoNode) symbol.type = type;
}

/// Every name in a target that isn't one plain name gets values that aren't known.
void FileIndex::spoil(NodeIndex scope, NodeIndex target) const {
  const Kind kind = ir_[target].kind;
  if (kind == Kind::Member || kind == Kind::Index) return;
  for (NodeIndex n = target; n < ir_[target].subtree_end; ++n)
    if (ir_[n].kind == Kind::Name) symbols_[key(scope, ir_[n].atom)].assignments += 2;
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
        if (target != kNoNode) bind_target(scope, target, ir_.child(n, Role::Value), ir_.child(n, Role::Type));
        break;
      }
      case Kind::Param: {
        if (node.atom != kNoAtom) {
          Symbol& symbol = symbols_[key(scope, node.atom)];
          symbol.assignments += 2;
          symbol.type = ir_.child(n, Role::Type);
        }
        if (const NodeIndex target = ir_.child(n, Role::Target); target != kNoNode) spoil(scope, target);
        break;
      }
      case Kind::Assign: {
        const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
        if (left == kNoNode || node.sub == kAssignProperty) break;
        // Go's `:=` declares.
        if (declared && node.sub == 0)
          assignments.push_back({n, left, right});
        else
          bind_target(scope, left, right == kNoNode ? n : right, ir_.child(n, Role::Type));
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
          if (ir_[c].role == Role::Target) spoil(scope, c);
        break;
      case Kind::Function:
      case Kind::Class:
        if (node.atom != kNoAtom) symbols_[key(scope, node.atom)].assignments += 2;
        break;
      case Kind::Directive:
        // global/nonlocal: the module's variable gets values here.
        for (NodeIndex i = n; i < node.subtree_end; ++i)
          if (ir_[i].kind == Kind::Name) symbols_[key(0, ir_[i].atom)].assignments += 2;
        break;
      default:
        break;
    }
  }
  for (const Late& late : assignments) {
    if (ir_[late.target].kind != Kind::Name) {
      spoil(scope_of(late.node), late.target);
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
    Symbol& symbol = symbols_[key(scope, name)];
    symbol.assignments += late.value == kNoNode ? 2 : 1;
    symbol.value = late.value;
  }
}

const FileIndex::Symbol* FileIndex::find_symbol(NodeIndex name) const {
  if (ir_[name].kind != Kind::Name) return nullptr;
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

NodeIndex FileIndex::only_value(NodeIndex name) const {
  const Symbol* symbol = find_symbol(name);
  return symbol != nullptr && symbol->assignments == 1 ? symbol->value : kNoNode;
}

NodeIndex FileIndex::constant(NodeIndex name) const {
  // A chain a = b; b = "x" is followed a few steps; a cycle ends there too.
  NodeIndex value = name;
  for (int step = 0; step < 4; ++step) {
    value = only_value(value);
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
