#include "match_matcher.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace wrench::code::detail {

namespace {

bool sub_matters(Kind kind) {
  switch (kind) {
    case Kind::Unary:
    case Kind::Binary:
    case Kind::AugAssign:
    case Kind::Bool:
    case Kind::Loop:
    case Kind::Defer:
    case Kind::Spread:
    case Kind::Yield:
    case Kind::Comprehension:
    case Kind::Delete:
      return true;
    default:
      return false;
  }
}

/// Parts of a node that a pattern may leave out without forbidding them.

}  // namespace

bool Matcher::node(std::uint32_t p_index, NodeIndex n, Next next) {
  if (!budget_.spend()) return true;
  const PatternNode& p = at(p_index);
  const Node& found = ir_[n];
  switch (p.kind) {
    case Kind::Ellipsis:
      return next();
    case Kind::Metavar:
      return metavariable(p, n, next);
    case Kind::MetavarEllipsis:
      return bind(p.atom, bound_of(n), next);
    case Kind::Deep:
      return deep(p.children.front(), n, next);
    case Kind::ExprStmt:
      return statement(p_index, n, next);
    case Kind::Block:
      return block(p, n, next);
    case Kind::String:
      return string(p_index, n, next);
    case Kind::Number:
    case Kind::Bool:
    case Kind::Null:
    case Kind::Char:
      if (found.kind != p.kind) return propagated(p_index, n, next);
      break;
    case Kind::Loop:
      if (found.kind == Kind::ForEach && has_open_header(p)) return loop_body(p, n, next);
      break;
    case Kind::Name:
    case Kind::Member:
      if (p.kind == Kind::Member && p.text == PatternNode::Text::Any) return chain(p, n, next);
      if (!p.dotted.empty() && file_.resolves_to(n, p.dotted)) return next();
      if (p.kind == Kind::Member && p.text == PatternNode::Text::Metavar && imported_member(p, n, next)) return true;
      break;
    case Kind::Assign:
      if (p.sub == 0 && (found.kind == Kind::VarDef || found.kind == Kind::Field))
        return definition_as_assignment(p, n, next);
      break;
    case Kind::VarDef:
    case Kind::Field:
      if (found.kind == Kind::VarDef || found.kind == Kind::Field) return named(p, n, next);
      break;
    case Kind::Function:
      if (found.kind != Kind::Function && is_script()) return function_as_lambda(p, n, next);
      break;
    case Kind::Lambda:
      if (found.kind == Kind::Function && options_.arrow_is_function && is_script()) return children(p, n, next);
      break;
    case Kind::Interp:
      if (found.kind == Kind::Interp) return elements(p, n, next);
      return false;
    case Kind::Import:
      if (found.kind == Kind::Import && p.sub == static_cast<std::uint8_t>(ImportSub::Module) &&
          ir_.language == source::Language::Python)
        return python_import(p, n, next);
      if (found.kind == Kind::Import && ir_.language == source::Language::Scala) return scala_import(p, n, next);
      if (found.kind == Kind::Import && names_module_only(p)) return is_below(p.atom, found.atom) && next();
      break;
    case Kind::ImportItem:
      return found.kind == Kind::ImportItem && import_item(p, n, next);
    case Kind::Modifier:
      return found.kind == Kind::Modifier && modifier(p, n, next);
    default:
      break;
  }
  if (p.kind != found.kind) return symbolic(p_index, n, next);
  if (p.kind == Kind::Other || p.kind == Kind::Error) {
    if (p.symbol != found.symbol) return false;
  }
  if (sub_matters(p.kind) && p.sub != found.sub) return false;
  if (p.kind == Kind::Assign && p.sub == 1 && found.sub != 1) return false;
  if (p.kind == Kind::Class && p.sub != found.sub) return false;
  if (p.kind == Kind::Binary && binary_may_swap(p)) {
    if (children(p, n, next)) return true;
    return swapped(p, n, next);
  }
  const bool stop = named(p, n, next);
  if (!stop && (p.kind == Kind::Name || p.kind == Kind::Member)) return symbolic(p_index, n, next);
  return stop;
}

/// `requests.$F` against what was imported from requests.
bool Matcher::imported_member(const PatternNode& p, NodeIndex n, Next next) {
  const std::vector<Atom>& wanted = at(p.children.front()).dotted;
  std::vector<Atom> path;
  if (wanted.empty() || !file_.resolved(n, path) || path.size() != wanted.size() + 1) return false;
  if (!std::equal(wanted.begin(), wanted.end(), path.begin())) return false;
  Bound bound = ir_[n].kind == Kind::Member ? name_of(n) : Bound{kNoNode, kNoAtom, ir_[n].first, ir_[n].end};
  bound.atom = path.back();
  return bind(p.atom, bound, next);
}

/// `import "a/b"` also stands for modules below a/b.
bool Matcher::is_below(Atom wanted, Atom module) const {
  const std::string_view folder = file_.atoms().text(wanted), path = file_.atoms().text(module);
  const char separator = ir_.language == source::Language::CSharp ? '.' : '/';
  return folder == path ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == separator);
}

/// `import "a/b"` in a script or in Go, `using A.B;` in C#, without a name of its own.
bool Matcher::names_module_only(const PatternNode& import) const {
  if (import.text != PatternNode::Text::Exact) return false;
  if (is_script()) return import.sub == static_cast<std::uint8_t>(ImportSub::SideEffect);
  if (ir_.language == source::Language::CSharp)
    return import.children.size() == 1 && file_.atoms().text(at(import.children.front()).extra) == "*";
  if (ir_.language != source::Language::Go || import.children.size() != 1) return false;
  const std::string_view name = file_.atoms().text(at(import.children.front()).extra);
  const std::string_view path = file_.atoms().text(import.atom);
  return path == name || path.ends_with("/" + std::string(name));
}

bool Matcher::import_item(const PatternNode& p, NodeIndex n, Next next) {
  const Node& found = ir_[n];
  auto rest = [&] {
    if (p.extra == kNoAtom || p.extra == p.atom) return next();
    if (!is_metavariable(file_.atoms().text(p.extra))) return p.extra == found.extra && next();
    if (found.extra == kNoAtom) return false;
    const std::string_view alias = file_.atoms().text(found.extra);
    const std::size_t at = file_.text_of(n).rfind(alias);
    Bound bound{kNoNode, found.extra, found.first, found.end};
    if (at != std::string_view::npos) {
      bound.first = found.first + static_cast<std::uint32_t>(at);
      bound.end = bound.first + static_cast<std::uint32_t>(alias.size());
    }
    return bind(p.extra, bound, next);
  };
  if (p.text == PatternNode::Text::Metavar)
    return bind(p.atom, Bound{kNoNode, found.atom, found.first, found.end}, rest);
  return p.atom == found.atom && rest();
}

bool Matcher::python_import(const PatternNode& p, NodeIndex n, Next next) {
  const Node& found = ir_[n];
  if (p.text != PatternNode::Text::Exact) return children(p, n, next);
  const std::string_view wanted = file_.atoms().text(p.atom), module = file_.atoms().text(found.atom);
  if (module == wanted) {
    // An alias that the pattern names has to agree.
    const bool whole = found.sub == static_cast<std::uint8_t>(ImportSub::Module);
    return whole && aliased(p) ? children(p, n, next) : next();
  }
  if (aliased(p)) return false;
  if (module.size() > wanted.size() && module.starts_with(wanted) && module[wanted.size()] == '.') return next();
  if (wanted.size() <= module.size() || !wanted.starts_with(module) || wanted[module.size()] != '.') return false;
  const std::string_view rest = wanted.substr(module.size() + 1);
  for (NodeIndex item = ir_.first_child(n); item != kNoNode; item = ir_.next_sibling(item))
    if (file_.atoms().text(ir_[item].atom) == rest) return next();
  return false;
}

/// `import a.b` also stands for `import a.b._`, `import a.$X` for everything below a.
bool Matcher::scala_import(const PatternNode& p, NodeIndex n, Next next) {
  if (p.text != PatternNode::Text::Exact || p.children.size() != 1) return children(p, n, next);
  const PatternNode& item = at(p.children.front());
  const std::string_view wanted = file_.atoms().text(p.atom), module = file_.atoms().text(ir_[n].atom);
  if (module == wanted) return children(p, n, next);
  if (module.size() <= wanted.size() || !module.starts_with(wanted) || module[wanted.size()] != '.') return false;
  if (item.text == PatternNode::Text::Metavar) return bind(item.atom, bound_of(n), next);
  const NodeIndex own = ir_.first_child(n);
  const bool all = own != kNoNode && file_.atoms().text(ir_[own].atom) == "*";
  return all && module.substr(wanted.size() + 1) == file_.atoms().text(item.atom) && next();
}

bool Matcher::aliased(const PatternNode& import) const {
  if (import.children.empty()) return false;
  const PatternNode& item = at(import.children.front());
  if (item.extra == kNoAtom || item.extra == item.atom) return false;
  const std::string_view name = file_.atoms().text(item.extra), path = file_.atoms().text(import.atom);
  return name != path.substr(0, path.find('.'));
}

bool Matcher::modifier(const PatternNode& p, NodeIndex n, Next next) {
  if (p.text == PatternNode::Text::Metavar) return bind(p.atom, name_of(n), next);
  if (p.atom == ir_[n].atom) return next();
  const std::string_view wanted = file_.atoms().text(p.atom), written = file_.atoms().text(ir_[n].atom);
  const bool variable = wanted == "var" && (written == "let" || written == "const");
  if (ir_.language == source::Language::Go) return variable && next();
  return variable && is_script() && options_.let_is_var && next();
}

bool Matcher::metavariable(const PatternNode& p, NodeIndex n, Next next) {
  for (const auto& [metavar, type] : pattern_.types) {
    if (metavar != p.atom) continue;
    Bound bound;
    if (!has_type(n, at(type), bound)) return false;
    if (at(type).text == PatternNode::Text::Metavar) {
      auto then = [&] { return bind(p.atom, bound_of(n), next); };
      return bind(at(type).atom, bound, then);
    }
  }
  return bind(p.atom, bound_of(n), next);
}

bool Matcher::has_type(NodeIndex n, const PatternNode& type, Bound& bound) const {
  std::string_view written;
  NodeIndex place = n;
  switch (ir_[n].kind) {
    case Kind::New:
    case Kind::Cast:
      place = ir_.child(n, Role::Type);
      if (place == kNoNode) place = ir_.child(n, Role::Callee);
      if (place == kNoNode) return false;
      written = file_.text_of(place);
      break;
    case Kind::String:
    case Kind::Interp:
      written = ir_.language == source::Language::Java                ? "String"
                : ir_.language == source::Language::Python            ? "str"
                : is_script() || ir_.language == source::Language::Go ? "string"
                                                                      : "char*";
      break;
    case Kind::Bool:
      written = ir_.language == source::Language::Java || is_script() ? "boolean" : "bool";
      break;
    case Kind::Number:
      written = is_script() ? "number" : "int";
      if (type.text == PatternNode::Text::Exact && is_script() && file_.atoms().text(type.atom) == "float") return true;
      break;
    case Kind::Binary:
      if (!file_.is_constant_string(n)) return false;
      written = ir_.language == source::Language::Java ? "String" : "string";
      break;
    case Kind::Name:
    case Kind::Param: {
      place = file_.declared_type(n);
      if (place == kNoNode) {
        const NodeIndex value = file_.only_value(n);
        return value != kNoNode && ir_[value].kind != Kind::Name && has_type(value, type, bound);
      }
      written = file_.text_of(place);
      break;
    }
    default:
      return false;
  }
  bound = Bound{kNoNode, kNoAtom, ir_[place].first, ir_[place].end};
  if (type.text == PatternNode::Text::Metavar) return true;
  std::string plain;
  for (const char c : written)
    if (c != ' ') plain += c;
  if (ir_[place].kind == Kind::Type &&
      file_.type_is(file_.atoms().text(ir_[place].atom), file_.atoms().text(type.atom)))
    return true;
  return file_.type_is(plain, file_.atoms().text(type.atom));
}

bool Matcher::deep(std::uint32_t p, NodeIndex n, Next next) {
  for (NodeIndex d = n; d < ir_[n].subtree_end; ++d)
    if (is_expression(ir_[d].kind) && node(p, d, next)) return true;
  return false;
}

bool Matcher::string(std::uint32_t p_index, NodeIndex n, Next next) {
  const PatternNode& p = at(p_index);
  const Node& found = ir_[n];
  if (found.kind != Kind::String) {
    if (p.text == PatternNode::Text::Any && foldable(n)) return next();
    return propagated(p_index, n, next);
  }
  switch (p.text) {
    case PatternNode::Text::Any:
      return next();
    case PatternNode::Text::Metavar:
      return bind(p.atom, name_of(n), next);
    case PatternNode::Text::Regex: {
      if (!p.regex) return false;
      const auto outcome = p.regex->contains(file_.atoms().text(found.atom));
      if (outcome == source::Regex::Outcome::LimitReached) budget_.exceed(MatchBudget::Spent::RegexLimit);
      return outcome == source::Regex::Outcome::Match && next();
    }
    default:
      return p.atom == found.atom && next();
  }
}

bool Matcher::foldable(NodeIndex n) const {
  return options_.constant_propagation && (ir_[n].kind == Kind::Binary || ir_[n].kind == Kind::Name) &&
         file_.is_constant_string(n);
}

bool Matcher::propagated(std::uint32_t p_index, NodeIndex n, Next next) {
  if (!options_.constant_propagation || ir_[n].kind != Kind::Name) return symbolic(p_index, n, next);
  const NodeIndex value = file_.constant(n);
  if (value == kNoNode || ir_[value].kind == Kind::Name) return symbolic(p_index, n, next);
  if (ir_[value].kind == Kind::Binary) return at(p_index).text == PatternNode::Text::Any && next();
  return node(p_index, value, next);
}

bool Matcher::symbolic(std::uint32_t p_index, NodeIndex n, Next next) {
  if (!options_.symbolic_propagation || ir_[n].kind != Kind::Name || symbolic_depth_ >= 4) return false;
  const NodeIndex value = file_.only_value(n);
  if (value == kNoNode || (n >= value && n < ir_[value].subtree_end)) return false;
  ++symbolic_depth_;
  const bool stop = node(p_index, value, next);
  --symbolic_depth_;
  return stop;
}

bool Matcher::definition_as_assignment(const PatternNode& p, NodeIndex n, Next next) {
  const NodeIndex value = ir_.child(n, Role::Value);
  if (value == kNoNode) return false;
  NodeIndex target = ir_.child(n, Role::Target);
  if (target == kNoNode) target = ir_.child(n, Role::Name);
  if (target == kNoNode) return false;
  std::optional<std::uint32_t> left, right;
  for (const std::uint32_t child : p.children) {
    if (at(child).role == Role::Left) left = child;
    if (at(child).role == Role::Right) right = child;
  }
  if (!left || !right) return false;
  auto then = [&] { return node(*right, value, next); };
  return node(*left, target, then);
}

bool Matcher::function_as_lambda(const PatternNode& p, NodeIndex n, Next next) {
  NodeIndex lambda = n;
  if (ir_[n].kind == Kind::VarDef) {
    lambda = ir_.child(n, Role::Value);
    if (lambda == kNoNode || ir_[lambda].kind != Kind::Lambda) return false;
    auto then = [&] { return children(p, lambda, next); };
    if (p.text == PatternNode::Text::Metavar) return bind(p.atom, name_of(n), then);
    return p.atom == ir_[n].atom && then();
  }
  if (ir_[n].kind != Kind::Lambda || p.text == PatternNode::Text::Exact) return false;
  // `x = function () {}` was met at its definition.
  if (ir_[n].role == Role::Value && ir_[ir_[n].parent].kind == Kind::VarDef) return false;
  return children(p, n, next);
}

bool Matcher::named(const PatternNode& p, NodeIndex n, Next next) {
  const Node& found = ir_[n];
  auto rest = [&] { return children(p, n, next); };
  // A variable's name is its target child, too.
  if ((p.kind == Kind::VarDef || p.kind == Kind::Field) && has_child(p, Role::Target) &&
      ir_.child(n, Role::Target) != kNoNode)
    return rest();
  switch (p.text) {
    case PatternNode::Text::None:
    case PatternNode::Text::Any:
      return rest();
    case PatternNode::Text::Metavar:
      return found.atom != kNoAtom && bind(p.atom, name_of(n), rest);
    case PatternNode::Text::Exact:
      if (p.kind == Kind::Type)
        return (p.atom == found.atom || file_.type_is(file_.atoms().text(found.atom), file_.atoms().text(p.atom))) &&
               rest();
      if (p.kind == Kind::Number) return (p.atom == found.atom) && rest();
      return p.atom == found.atom && rest();
    default:
      return false;
  }
}

bool Matcher::has_child(const PatternNode& p, Role role) const {
  return std::any_of(p.children.begin(), p.children.end(), [&](std::uint32_t c) { return at(c).role == role; });
}

bool Matcher::has_open_header(const PatternNode& p) const {
  return std::any_of(p.children.begin(), p.children.end(),
                     [&](std::uint32_t c) { return at(c).role == Role::Condition && at(c).kind == Kind::Ellipsis; });
}

bool Matcher::loop_body(const PatternNode& p, NodeIndex n, Next next) {
  const NodeIndex body = ir_.child(n, Role::Body);
  for (const std::uint32_t child : p.children)
    if (at(child).role == Role::Body) return body != kNoNode && node(child, body, next);
  return next();
}

bool Matcher::chain(const PatternNode& p, NodeIndex n, Next next) {
  const std::uint32_t object = p.children.front();
  NodeIndex at_node = n;
  for (int step = 0; step < 64 && at_node != kNoNode; ++step) {
    if (node(object, at_node, next)) return true;
    const Kind kind = ir_[at_node].kind;
    at_node = kind == Kind::Member ? ir_.child(at_node, Role::Object)
              : kind == Kind::Call ? ir_.child(at_node, Role::Callee)
                                   : kNoNode;
  }
  return false;
}

bool Matcher::binary_may_swap(const PatternNode& p) const {
  const auto op = static_cast<Op>(p.sub);
  if (op == Op::Eq || op == Op::NotEq || op == Op::StrictEq || op == Op::StrictNotEq) return options_.symmetric_eq;
  return options_.ac_matching && (op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor);
}

bool Matcher::swapped(const PatternNode& p, NodeIndex n, Next next) {
  if (p.children.size() != 2) return false;
  const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
  if (left == kNoNode || right == kNoNode) return false;
  auto then = [&] { return node(p.children[1], left, next); };
  return node(p.children[0], right, then);
}

}  // namespace wrench::code::detail
