#include "match_matcher.hpp"

#include <algorithm>

namespace wrench::code::detail {

bool Matcher::block(const PatternNode& p, NodeIndex n, Next next) {
  if (ir_[n].kind == Kind::Block && in_class(n)) return members(p, n, next);
  const NodeIndex last = last_;
  auto restored = [&] {
    const NodeIndex inner = last_;
    last_ = last;
    const bool stop = next();
    last_ = inner;
    return stop;
  };
  if (const std::uint32_t* name = whole_block(p);
      name != nullptr && ir_[n].kind == Kind::Block && ir_.first_child(n) != kNoNode && !is_single(n))
    return bind(at(*name).atom, bound_of(n), next);
  // As semgrep: once something was skipped, what follows the last statement isn't compared either.
  const bool open = std::any_of(p.children.begin(), p.children.end(), [&](std::uint32_t c) { return is_open(c); });
  const Tail tail = open ? Tail::MayFollow : Tail::End;
  bool stop = false;
  if (ir_[n].kind == Kind::Block) {
    stop = statements(p.children, 0, n + 1, ir_[n].subtree_end, tail, restored);
  } else if (is_expression(ir_[n].kind)) {
    // An arrow's expression body: `{ ... }` and `{ return E }` say the same.
    stop = expression_body(p, n, restored);
  } else {
    stop = statements(p.children, 0, n, ir_[n].subtree_end, tail, restored);
  }
  last_ = last;
  return stop;
}

/// `{ $S }` is all that is in the block.
const std::uint32_t* Matcher::whole_block(const PatternNode& p) const {
  if (p.children.size() != 1) return nullptr;
  const PatternNode& only = at(p.children.front());
  if (only.kind != Kind::ExprStmt || only.children.size() != 1) return nullptr;
  return at(only.children.front()).kind == Kind::Metavar ? &only.children.front() : nullptr;
}

bool Matcher::is_single(NodeIndex block) const {
  const NodeIndex only = ir_.first_child(block);
  return only != kNoNode && ir_.next_sibling(only) == kNoNode;
}

/// A single statement with braces around it or without is the same.
bool Matcher::only_statement(std::uint32_t p_index, NodeIndex block, Next next) {
  return is_single(block) && statement(p_index, ir_.first_child(block), next);
}

bool Matcher::expression_body(const PatternNode& p, NodeIndex n, Next next) {
  if (std::all_of(p.children.begin(), p.children.end(), [&](std::uint32_t c) { return is_open(c); })) return next();
  for (const std::uint32_t child : p.children) {
    if (is_open(child)) continue;
    const PatternNode& only = at(child);
    if ((only.kind == Kind::Return || only.kind == Kind::ExprStmt) && only.children.size() == 1) {
      if (only.kind == Kind::Return) return node(only.children.front(), n, next);
      return deep(only.children.front(), n, next);
    }
    return false;
  }
  return false;
}

bool Matcher::in_class(NodeIndex n) const {
  const NodeIndex parent = ir_[n].parent;
  return parent != kNoNode && (ir_[parent].kind == Kind::Class || ir_[parent].kind == Kind::New);
}

bool Matcher::members(const PatternNode& p, NodeIndex n, Next next) {
  NodeList found;
  for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) found.push_back(c);
  return some_of(p.children, found, 0, 0, Others::Allowed, next);
}

bool Matcher::statements(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail,
                         Next next) {
  if (!budget_.spend()) return true;
  if (i == wanted.size()) return (tail == Tail::MayFollow || file_.next_statement(from, limit) == kNoNode) && next();
  const PatternNode& p = at(wanted[i]);
  if (p.kind == Kind::Ellipsis || p.kind == Kind::MetavarEllipsis) return skip(wanted, i, from, limit, tail, next);
  const NodeIndex s = file_.next_statement(from, limit);
  if (s == kNoNode) return false;
  return one_of_statements(wanted, i, s, limit, tail, next);
}

bool Matcher::one_of_statements(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit, Tail tail,
                                Next next) {
  const NodeIndex last = last_;
  auto rest = [&] {
    last_ = s;
    return statements(wanted, i + 1, ir_[s].subtree_end, limit, tail, next);
  };
  const bool stop = statement(wanted[i], s, rest);
  last_ = last;
  return stop;
}

bool Matcher::skip(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail, Next next) {
  const PatternNode& p = at(wanted[i]);
  std::size_t after = i + 1;
  while (after < wanted.size() && is_open(wanted[after])) ++after;
  const auto bound_until = [&](NodeIndex end) {
    Bound bound;
    const NodeIndex first = file_.next_statement(from, limit);
    if (first == kNoNode || first >= end) return bound;
    bound.first = ir_[first].first;
    for (NodeIndex s = first; s != kNoNode && s < end; s = file_.next_statement(ir_[s].subtree_end, limit))
      bound.end = ir_[s].end;
    return bound;
  };
  if (after == wanted.size()) {
    const NodeIndex last = last_;
    for (NodeIndex s = file_.next_statement(from, limit); s != kNoNode;
         s = file_.next_statement(ir_[s].subtree_end, limit))
      last_ = s;
    const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_until(limit), next) : next();
    last_ = last;
    return stop;
  }
  for (NodeIndex s = file_.next_statement(from, limit); s != kNoNode; s = file_.next_statement(s + 1, limit)) {
    if (!budget_.spend()) return true;
    // From the same state everything has been tried already.
    if (!visited_.insert(state_key(wanted, after, s, limit)).second) continue;
    auto rest = [&] { return one_of_statements(wanted, after, s, limit, tail, next); };
    const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_until(s), rest) : rest();
    if (stop) return true;
  }
  return false;
}

std::uint64_t Matcher::state_key(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit) const {
  std::uint64_t hash = 1469598103934665603ULL;
  const auto mix = [&](std::uint64_t value) {
    hash = (hash ^ value) * 1099511628211ULL;
    hash ^= hash >> 29;
  };
  mix(wanted[i]);
  mix(s);
  mix(limit);
  mix(last_);
  for (const auto& [metavar, bound] : bindings_) {
    mix(metavar);
    mix((static_cast<std::uint64_t>(bound.first) << 32) | bound.end);
  }
  return hash;
}

bool Matcher::statement(std::uint32_t p_index, NodeIndex s, Next next) {
  const PatternNode& p = at(p_index);
  if (p.kind != Kind::ExprStmt) {
    if (ir_[s].kind == Kind::ExprStmt && is_expression(p.kind)) {
      const NodeIndex value = ir_.child(s, Role::Value);
      return value != kNoNode && node(p_index, value, next);
    }
    return node(p_index, s, next);
  }
  if (p.children.empty()) return false;
  const std::uint32_t inner = p.children.front();
  const PatternNode& wanted = at(inner);
  if (wanted.kind == Kind::Metavar || wanted.kind == Kind::Ellipsis) {
    if (wanted.kind == Kind::Ellipsis) return next();
    if (ir_[s].kind == Kind::ExprStmt) {
      const NodeIndex value = ir_.child(s, Role::Value);
      if (value != kNoNode) return node(inner, value, next);
    }
    return bind(wanted.atom, bound_of(s), next);
  }
  if (ir_[s].kind == Kind::VarDef || ir_[s].kind == Kind::Field) {
    if (node(inner, s, next)) return true;
  }
  if (ir_[s].kind == Kind::ExprStmt) {
    const NodeIndex value = ir_.child(s, Role::Value);
    if (value != kNoNode && node(inner, value, next)) return true;
  }
  if (!options_.implicit_deep_exprstmt) return false;
  return inside_statement(inner, s, next);
}

bool Matcher::inside_statement(std::uint32_t inner, NodeIndex s, Next next) {
  if (ir_[s].kind == Kind::Block) return false;
  const PatternNode& wanted = at(inner);
  const NodeIndex own = ir_[s].kind == Kind::ExprStmt ? ir_.child(s, Role::Value) : kNoNode;
  for (NodeIndex d = s + 1; d < ir_[s].subtree_end;) {
    const Node& candidate = ir_[d];
    if (candidate.kind == Kind::Block || (d != s + 1 && is_nested_statement(d))) {
      d = candidate.subtree_end;
      continue;
    }
    const bool same_kind = candidate.kind == wanted.kind || wanted.kind == Kind::String || wanted.kind == Kind::Name ||
                           wanted.kind == Kind::Member || wanted.kind == Kind::Deep ||
                           (wanted.kind == Kind::Assign && candidate.kind == Kind::VarDef);
    const bool other_place =
        candidate.role == Role::Name || (candidate.role == Role::Resource && wanted.kind == Kind::Assign);
    if (d != own && same_kind && !other_place && node(inner, d, next)) return true;
    ++d;
  }
  return false;
}

bool Matcher::is_nested_statement(NodeIndex d) const {
  const Node& candidate = ir_[d];
  const bool body = candidate.role == Role::Then || candidate.role == Role::Else || candidate.role == Role::Body ||
                    candidate.role == Role::Finally || candidate.role == Role::Handler;
  return body && !is_expression(candidate.kind);
}

}  // namespace wrench::code::detail
