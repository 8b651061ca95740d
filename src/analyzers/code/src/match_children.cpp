#include "match_matcher.hpp"

#include <algorithm>

#include "wrench/code/lower.hpp"

namespace wrench::code::detail {

namespace {

bool may_omit(Kind kind, Role role) {
  if (role == Role::Name || role == Role::Decorator || role == Role::Modifier || role == Role::TypeParam) return true;
  switch (kind) {
    case Kind::Function:
      return role == Role::Type || role == Role::Receiver || role == Role::Body || role == Role::From;
    case Kind::Lambda:
      return role == Role::Type;
    case Kind::Class:
      return role == Role::Base || role == Role::Body;
    case Kind::Field:
    case Kind::VarDef:
      return role == Role::Type;
    case Kind::Param:
      return role == Role::Type || role == Role::Default || role == Role::Name;
    case Kind::Assign:
      return role == Role::Type;
    case Kind::If:
      return role == Role::Else || role == Role::Init || role == Role::Then;
    case Kind::Loop:
    case Kind::ForEach:
      return role == Role::Else || role == Role::Body;
    case Kind::Try:
      return role == Role::Handler || role == Role::Else || role == Role::Finally || role == Role::Resource;
    case Kind::With:
    case Kind::Catch:
    case Kind::Switch:
      return role == Role::Body || role == Role::Case;
    case Kind::New:
      return role == Role::Body || role == Role::TypeParam;
    case Kind::Import:
      return true;
    case Kind::XmlElement:
      return role == Role::Element || role == Role::Attribute;
    case Kind::Call:
      return role == Role::Type;
    case Kind::Type:
      return true;
    case Kind::Namespace:
      return true;
    case Kind::ConfigBlock:
      return role != Role::Arg && role != Role::Value && role != Role::Body;
    default:
      return false;
  }
}

}  // namespace

bool Matcher::children(const PatternNode& p, NodeIndex n, Next next) {
  // A plain `def` or `for` stands for both; what the pattern calls async must be.
  if ((p.flags & kFlagAsync) != 0 && (ir_[n].flags & kFlagAsync) == 0) return false;
  std::vector<Group> groups;
  for (const std::uint32_t child : p.children) {
    const Role role = at(child).role;
    if (role == Role::Name && p.text != PatternNode::Text::None) continue;
    // A field has a name where a variable has a target.
    if (role == Role::Target && p.kind == Kind::VarDef && ir_[n].kind == Kind::Field) continue;
    // `catch {}` leaves the exception unnamed.
    if (role == Role::Target && p.kind == Kind::Catch && at(child).kind == Kind::Metavar &&
        ir_.child(n, Role::Target) == kNoNode)
      continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.role == role; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{role, {}, {}});
    group->wanted.push_back(child);
  }
  for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) {
    const Role role = ir_[c].role;
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.role == role; });
    if (group != groups.end()) {
      group->found.push_back(c);
    } else if (p.kind == Kind::XmlElement && ((role == Role::Attribute && !options_.xml_attrs_implicit_ellipsis) ||
                                              (role == Role::Element && !options_.xml_singleton_loose_matching))) {
      return false;
    } else if (!may_omit(p.kind, role) && !leaves_open(p, role)) {
      return false;
    }
  }
  return match_groups(p, groups, 0, n, next);
}

/// `assert ...` and `except ...:` take all there is.
bool Matcher::leaves_open(const PatternNode& p, Role role) const {
  if (p.kind == Kind::Assert) return has_open_header(p);
  // An object's other properties aren't compared, so `{}` is any object.
  if (p.kind == Kind::Dict) return is_script() && options_.implicit_ellipsis && role == Role::Element;
  return p.kind == Kind::Catch && role == Role::Target && !p.children.empty() && is_open(p.children.front());
}

bool Matcher::match_groups(const PatternNode& p, const std::vector<Group>& groups, std::size_t i, NodeIndex n,
                           Next next) {
  if (i == groups.size()) return next();
  const Group& group = groups[i];
  auto rest = [&] { return match_groups(p, groups, i + 1, n, next); };
  switch (group.role) {
    case Role::Arg:
      if (p.kind == Kind::ConfigBlock && ir_.language == source::Language::Dockerfile)
        return shell_words(group.wanted, group.found, rest);
      return p.kind == Kind::New && is_record(group.wanted)
                 ? some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest)
                 : arguments(group.wanted, group.found, rest);
    case Role::Decorator:
      if (options_.decorators_order_matters) return in_sequence(group.wanted, 0, group.found, 0, rest);
      return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
    case Role::Attribute:
      return some_of(group.wanted, group.found, 0, 0, others(options_.xml_attrs_implicit_ellipsis), rest);
    case Role::Modifier:
    case Role::Base:
    case Role::Handler:
    case Role::TypeParam:
    case Role::From:
      return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
    case Role::Element:
      if (p.kind == Kind::Dict && is_config(ir_.language)) return mapping(p, group.wanted, group.found, rest);
      if (p.kind == Kind::Dict)
        return some_of(group.wanted, group.found, 0, 0, others(is_script() && options_.implicit_ellipsis), rest);
      if (p.kind == Kind::XmlElement && !options_.xml_children_ordered)
        return some_of(group.wanted, group.found, 0, 0, Others::Refused, rest);
      if (p.kind == Kind::Import) return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
      if (p.kind == Kind::New && is_record(group.wanted))
        return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
      if (p.kind == Kind::Namespace || p.kind == Kind::Module)
        return !group.found.empty() &&
               statements(group.wanted, 0, group.found.front(), ir_[n].subtree_end, Tail::End, rest);
      return sequence(group.wanted, 0, group.found, 0, rest);
    default:
      return sequence(group.wanted, 0, group.found, 0, rest);
  }
}

bool Matcher::is_record(const PatternList& wanted) const {
  return std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t p) { return at(p).kind == Kind::Pair; });
}

bool Matcher::elements(const PatternNode& p, NodeIndex n, Next next) {
  NodeList found;
  for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) found.push_back(c);
  return sequence(p.children, 0, found, 0, next);
}

bool Matcher::is_open(std::uint32_t p) const {
  const PatternNode& node = at(p);
  return node.kind == Kind::Ellipsis || node.kind == Kind::MetavarEllipsis;
}

bool Matcher::sequence(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next) {
  if (!budget_.spend()) return true;
  if (i == wanted.size()) return j == found.size() && next();
  const PatternNode& p = at(wanted[i]);
  const bool run = is_open(wanted[i]) || (p.kind == Kind::String && p.text == PatternNode::Text::Any &&
                                          p.role == Role::Element && in_interpolation(found));
  if (!run) {
    auto rest = [&] { return sequence(wanted, i + 1, found, j + 1, next); };
    return j < found.size() && node(wanted[i], found[j], rest);
  }
  for (std::size_t end = j; end <= found.size(); ++end) {
    auto rest = [&] { return sequence(wanted, i + 1, found, end, next); };
    const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_run(found, j, end), rest) : rest();
    if (stop) return true;
  }
  return false;
}

bool Matcher::in_interpolation(const NodeList& found) const {
  return !found.empty() && ir_[ir_[found.front()].parent].kind == Kind::Interp;
}

Bound Matcher::bound_run(const NodeList& found, std::size_t from, std::size_t to) const {
  if (from == to) return Bound{};
  if (to == from + 1) return bound_of(found[from]);
  return Bound{kNoNode, kNoAtom, ir_[found[from]].first, ir_[found[to - 1]].end};
}

bool Matcher::some_of(const PatternList& wanted, const NodeList& found, std::size_t i, std::uint64_t used,
                      Others others, Next next) {
  if (!budget_.spend()) return true;
  if (i == wanted.size()) {
    const bool open = std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t p) { return is_open(p); });
    if (others == Others::Refused && !open && found.size() != wanted.size()) return false;
    return next();
  }
  if (is_open(wanted[i])) return some_of(wanted, found, i + 1, used, others, next);
  // The mask bounds how many parts are told apart; more than 64 decorators or keys are matched by their first 64.
  for (std::size_t j = 0; j < std::min<std::size_t>(found.size(), 64); ++j) {
    if ((used >> j & 1U) != 0) continue;
    auto rest = [&] { return some_of(wanted, found, i + 1, used | std::uint64_t{1} << j, others, next); };
    if (node(wanted[i], found[j], rest)) return true;
  }
  return false;
}

/// Each wanted part matches another found one, in the same order.
bool Matcher::in_sequence(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next) {
  if (!budget_.spend()) return true;
  if (i == wanted.size()) return next();
  if (is_open(wanted[i])) return in_sequence(wanted, i + 1, found, j, next);
  for (; j < found.size(); ++j) {
    auto rest = [&] { return in_sequence(wanted, i + 1, found, j + 1, next); };
    if (node(wanted[i], found[j], rest)) return true;
  }
  return false;
}

bool Matcher::arguments(const PatternList& wanted, const NodeList& found, Next next) {
  // `$...ARGS` alone takes keywords, too.
  if (wanted.size() == 1 && at(wanted.front()).kind == Kind::MetavarEllipsis)
    return sequence(wanted, 0, found, 0, next);
  PatternList positional, keywords;
  for (const std::uint32_t p : wanted) (at(p).kind == Kind::KeywordArg ? keywords : positional).push_back(p);
  NodeList plain, named_ones;
  for (const NodeIndex n : found) (ir_[n].kind == Kind::KeywordArg ? named_ones : plain).push_back(n);
  const bool open = std::any_of(positional.begin(), positional.end(), [&](std::uint32_t p) { return is_open(p); });
  if (!open && named_ones.size() != keywords.size()) return false;
  auto rest = [&] { return sequence(positional, 0, plain, 0, next); };
  return some_of(keywords, named_ones, 0, 0, Others::Allowed, rest);
}

}  // namespace wrench::code::detail
