#include <algorithm>
#include <optional>

#include "match_matcher.hpp"
#include "number_text.hpp"

namespace wrench::code::detail {

namespace {

constexpr auto kTemplate = static_cast<std::uint8_t>(StringSub::Template);
constexpr auto kFormat = static_cast<std::uint8_t>(StringSub::Format);

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

}  // namespace

bool Matcher::node(std::uint32_t p_index, NodeIndex n, Next next) {
  if (!budget_.spend()) return true;
  const PatternNode& p = at(p_index);
  const Node& found = ir_[n];
  // What a value is cast to doesn't hide it, unless the cast is all that is looked at, or the pattern asks for its
  // type.
  if (found.kind == Kind::Cast && p.kind != Kind::Cast && p_index != pattern_.roots.front() && !is_typed(p))
    if (const NodeIndex value = ir_.child(n, Role::Value); value != kNoNode && node(p_index, value, next)) return true;
  const bool body = p.role == Role::Then || p.role == Role::Else || p.role == Role::Body;
  if (body && found.kind == Kind::Block && p.kind != Kind::Block && p.kind != Kind::Metavar && !is_expression(p.kind) &&
      !is_open(p_index))
    return only_statement(p_index, n, next);
  if (p.role == Role::Key && object_key(p, n)) return next();
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
      if (p.kind == Kind::Member && imported_member(p, n, next)) return true;
      break;
    case Kind::Assign:
      if (p.sub == 0 && ((found.kind == Kind::VarDef && options_.vardef_assign) || found.kind == Kind::Field))
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
      if (found.kind == Kind::Interp && (p.sub != kFormat || found.sub == kFormat)) return elements(p, n, next);
      return false;
    case Kind::Import:
      if (found.kind == Kind::Import && p.sub == static_cast<std::uint8_t>(ImportSub::Module) &&
          ir_.language == source::Language::Python)
        return python_import(p, n, next);
      if (found.kind != Kind::Import) break;
      if (ir_.language == source::Language::Scala) return scala_import(p, n, next);
      if (names_module_only(p)) return is_below(p.atom, found.atom) && next();
      if (p.text == PatternNode::Text::Regex && p.regex)
        return p.regex->contains(file_.atoms().text(found.atom)) == source::Regex::Outcome::Match && next();
      // `import $X` says nothing of the name that is bound.
      if (p.text == PatternNode::Text::Metavar && (ir_.language == source::Language::Java || p.children.empty()))
        return bind(p.atom, name_of(n), next);
      break;
    case Kind::ImportItem:
      return found.kind == Kind::ImportItem && import_item(p, n, next);
    case Kind::Modifier:
      return found.kind == Kind::Modifier && modifier(p, n, next);
    case Kind::Decorator:
      return found.kind == Kind::Decorator && decorator(p, n, next);
    case Kind::Set:
      if (p.children.size() == 1 && is_open(p.children.front()) &&
          (found.kind == Kind::Dict || found.kind == Kind::Set))
        return next();
      break;
    case Kind::List:
      if (found.kind == Kind::Comprehension && found.sub == 0 && p.children.size() == 1 && is_open(p.children.front()))
        return next();
      break;
    case Kind::Regex:
      if (p.extra != kNoAtom && p.extra != 0 && found.kind == Kind::Regex && p.extra != found.extra) return false;
      break;
    default:
      break;
  }
  if (p.kind != found.kind) return symbolic(p_index, n, next);
  if (p.kind == Kind::Other || p.kind == Kind::Error) {
    if (p.symbol != found.symbol) return false;
  }
  if (sub_matters(p.kind) && p.sub != found.sub) return false;
  // f`...` isn't f(`...`): the tag gets the holes by themselves.
  if (p.kind == Kind::Call && is_script() && ((p.flags ^ found.flags) & kFlagTagged) != 0) return false;
  if (p.kind == Kind::Member && (p.flags & kFlagOptionalChain) != 0 && (found.flags & kFlagOptionalChain) == 0)
    return false;
  if (is_script() && (p.kind == Kind::Function || p.kind == Kind::Class) && (p.flags & kFlagExported) != 0 &&
      (found.flags & kFlagExported) == 0)
    return false;
  if (p.kind == Kind::Assign && p.sub == 1 && found.sub != 1) return false;
  if (p.kind == Kind::Class && p.sub != found.sub) return false;
  if (p.kind == Kind::Binary && binary_may_swap(p)) {
    if (children(p, n, next)) return true;
    return swapped(p, n, next);
  }
  if (p.kind == Kind::Binary && is_associative(p)) return operands(p, n, next);
  const bool stop = named(p, n, next);
  if (!stop && p.kind == Kind::Assign) return one_of_assignments(p, n, next);
  if (!stop && (p.kind == Kind::Name || p.kind == Kind::Member)) return symbolic(p_index, n, next);
  return stop;
}

bool Matcher::modifier(const PatternNode& p, NodeIndex n, Next next) {
  if (p.text == PatternNode::Text::Metavar) return bind(p.atom, name_of(n), next);
  if (p.atom == ir_[n].atom) return next();
  const std::string_view wanted = file_.atoms().text(p.atom), written = file_.atoms().text(ir_[n].atom);
  const bool variable = wanted == "var" && (written == "let" || written == "const");
  if (ir_.language == source::Language::Go) return variable && next();
  return variable && is_script() && options_.let_is_var && next();
}

bool Matcher::is_typed(const PatternNode& p) const {
  return p.kind == Kind::Metavar && std::any_of(pattern_.types.begin(), pattern_.types.end(),
                                                [&](const auto& type) { return type.first == p.atom; });
}

bool Matcher::metavariable(const PatternNode& p, NodeIndex n, Next next) {
  for (const auto& [metavar, type] : pattern_.types) {
    if (metavar != p.atom) continue;
    Bound bound;
    const PatternNode& wanted = at(type);
    const bool any = wanted.text == PatternNode::Text::Metavar;
    const bool pointer = any && wanted.sub != 0;
    if (!has_type(n,
                  pointer ? std::string_view("*")
                  : any   ? std::string_view()
                          : file_.atoms().text(wanted.atom),
                  bound))
      return false;
    if (!any) continue;
    if (pointer) {
      // `($T *$X)`: what it points to.
      bound.atom = kNoAtom;
      while (bound.end > bound.first &&
             std::string_view("* ").find(file_.text()[bound.end - 1]) != std::string_view::npos)
        --bound.end;
    }
    auto then = [&] { return bind(p.atom, bound_of(n), next); };
    return bind(wanted.atom, bound, then);
  }
  Bound bound = bound_of(n);
  if (p.role == Role::Key && is_script() && ir_[n].kind == Kind::String) bound.atom = ir_[n].atom;
  return bind(p.atom, bound, next);
}

bool Matcher::deep(std::uint32_t p, NodeIndex n, Next next) {
  for (NodeIndex d = n; d < ir_[n].subtree_end; ++d)
    if (is_expression(ir_[d].kind) && node(p, d, next)) return true;
  return false;
}

bool Matcher::string(std::uint32_t p_index, NodeIndex n, Next next) {
  const PatternNode& p = at(p_index);
  const Node& found = ir_[n];
  // `...` in back quotes, f"..." and "..." "..." are any of their own kind, holes or not.
  const bool adjacent = (p.flags & kFlagAdjacent) != 0;
  if (p.text == PatternNode::Text::Any && (adjacent || p.sub == kTemplate || p.sub == kFormat)) {
    if (found.kind != Kind::String && found.kind != Kind::Interp) return symbolic(p_index, n, next);
    return (adjacent ? (found.flags & kFlagAdjacent) != 0 : found.sub == p.sub) && next();
  }
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
  return options_.constant_propagation &&
         (ir_[n].kind == Kind::Binary || ir_[n].kind == Kind::Name || ir_[n].kind == Kind::Interp) &&
         file_.is_constant_string(n);
}

bool Matcher::propagated(std::uint32_t p_index, NodeIndex n, Next next) {
  const bool variable = ir_[n].kind == Kind::Name || ir_[n].kind == Kind::Member;
  if (!options_.constant_propagation || !variable) return symbolic(p_index, n, next);
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
  // `with open() as f` is no assignment.
  if (ir_[n].role == Role::Resource && ir_.language == source::Language::Python) return false;
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

/// `@a` is also `@a()`, and `@a(...)` is also `@a`.
bool Matcher::decorator(const PatternNode& p, NodeIndex n, Next next) {
  const NodeIndex value = ir_.child(n, Role::Value);
  if (value == kNoNode || p.children.empty()) return children(p, n, next);
  const std::uint32_t wanted = p.children.front();
  const PatternNode& call = at(wanted);
  const bool is_call = ir_[value].kind == Kind::Call;
  if (call.kind == Kind::Call && !is_call) {
    PatternList arguments_wanted;
    std::optional<std::uint32_t> callee;
    for (const std::uint32_t child : call.children) {
      if (at(child).role == Role::Callee) callee = child;
      if (at(child).role == Role::Arg) arguments_wanted.push_back(child);
    }
    if (!callee) return false;
    auto rest = [&] { return arguments(arguments_wanted, {}, next); };
    return node(*callee, value, rest);
  }
  if (call.kind != Kind::Call && call.kind != Kind::Ellipsis && is_call) {
    const NodeIndex callee = ir_.child(value, Role::Callee);
    return callee != kNoNode && ir_.child(value, Role::Arg) == kNoNode && node(wanted, callee, next);
  }
  return node(wanted, value, next);
}

/// In a script `{a: 1}` and `{"a": 1}` have the same key.
bool Matcher::object_key(const PatternNode& p, NodeIndex n) const {
  const Kind found = ir_[n].kind;
  const bool mixed = (p.kind == Kind::Name && found == Kind::String) || (p.kind == Kind::String && found == Kind::Name);
  return mixed && is_script() && p.text == PatternNode::Text::Exact && p.atom == ir_[n].atom;
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
      // `function $NAME() {}` among values is also any function without a name.
      if (p.kind == Kind::Lambda && found.atom == kNoAtom) return rest();
      return found.atom != kNoAtom && bind(p.atom, name_of(n), rest);
    case PatternNode::Text::Exact:
      if (p.kind == Kind::Type)
        return (p.atom == found.atom || file_.type_is(file_.atoms().text(found.atom), file_.atoms().text(p.atom))) &&
               rest();
      if (p.kind == Kind::Number && p.atom != found.atom) {
        const auto x = parse_number(file_.atoms().text(p.atom), 0), y = parse_number(file_.atoms().text(found.atom), 0);
        return x && y && *x == *y && rest();
      }
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

}  // namespace wrench::code::detail
