#include "match.hpp"

#include "match_matcher.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

bool equal_trees(const FileIndex& file, NodeIndex a, NodeIndex b) {
  const Ir& ir = file.ir();
  const NodeIndex size = ir[a].subtree_end - a;
  if (ir[b].subtree_end - b != size) return false;
  for (NodeIndex i = 0; i < size; ++i) {
    const Node& x = ir[a + i];
    const Node& y = ir[b + i];
    if (x.kind != y.kind || x.atom != y.atom || x.subtree_end - a != y.subtree_end - b) return false;
    if (x.kind != Kind::String && x.sub != y.sub) return false;
    if (x.kind == Kind::Other && x.symbol != y.symbol) return false;
    // Leaves without a name or number differ by their text alone.
    if (x.kind == Kind::Other && x.atom == kNoAtom && size == 1 && file.text_of(a + i) != file.text_of(b + i))
      return false;
  }
  return true;
}

}  // namespace

namespace detail {

bool Matcher::bind(Atom metavar, const Bound& bound, Next next) {
  if (is_anonymous(metavar)) return next();
  if (const Bound* old = find(bindings_, metavar); old != nullptr) return agree(file_, options_, *old, bound) && next();
  bindings_.emplace_back(metavar, bound);
  const bool stop = next();
  bindings_.pop_back();
  return stop;
}

bool Matcher::is_anonymous(Atom metavar) const {
  const std::string_view name = file_.atoms().text(metavar);
  return name == "$_" || name == "$..._";
}

Bound Matcher::bound_of(NodeIndex n) const {
  const Node& node = ir_[n];
  Bound bound{n, kNoAtom, node.first, node.end};
  const bool named = node.kind == Kind::Name || (node.kind == Kind::Type && ir_.first_child(n) == kNoNode);
  if (named || node.kind == Kind::Param) bound.atom = node.atom;
  return bound;
}

Bound Matcher::name_of(NodeIndex n) const {
  const Node& node = ir_[n];
  if (const NodeIndex name = ir_.child(n, Role::Name); name != kNoNode)
    return Bound{kNoNode, node.atom, ir_[name].first, ir_[name].end};
  const std::string_view name = file_.atoms().text(node.atom);
  const std::string_view whole = file_.text_of(n);
  if (node.kind == Kind::String || node.kind == Kind::Char || node.kind == Kind::Regex || node.kind == Kind::Import) {
    const std::size_t quote = name.empty() ? std::string_view::npos : whole.find(name);
    const std::size_t at = quote == std::string_view::npos ? std::min<std::size_t>(1, whole.size()) : quote;
    const auto first = node.first + static_cast<std::uint32_t>(at);
    return Bound{kNoNode, node.atom, first, std::min(first + static_cast<std::uint32_t>(name.size()), node.end)};
  }
  const std::size_t at = node.kind == Kind::Member ? whole.rfind(name) : whole.find(name);
  if (at == std::string_view::npos) return Bound{kNoNode, node.atom, node.first, node.end};
  const auto first = node.first + static_cast<std::uint32_t>(at);
  return Bound{kNoNode, node.atom, first, first + static_cast<std::uint32_t>(name.size())};
}

}  // namespace detail

const Bound* find(const Bindings& bindings, Atom metavar) {
  for (const auto& [name, bound] : bindings)
    if (name == metavar) return &bound;
  return nullptr;
}

std::string_view text_of(const FileIndex& file, const Bound& bound) {
  return file.text().substr(bound.first, bound.end - bound.first);
}

namespace {

bool same(const FileIndex& file, const Bound& a, const Bound& b) {
  if (a.node != kNoNode && b.node != kNoNode && file.are_different_variables(a.node, b.node)) return false;
  if (a.atom != kNoAtom && b.atom != kNoAtom) return a.atom == b.atom;
  if (a.node != kNoNode && b.node != kNoNode) return equal_trees(file, a.node, b.node);
  return collapse_white_space(text_of(file, a)) == collapse_white_space(text_of(file, b));
}

constexpr int kAliasStepsMax = 4;  ///< Of `a = b; b = c`.

/// The variable or value that a name was set to last, as far as it is known.
Bound origin(const FileIndex& file, Bound bound) {
  for (int step = 0; step < kAliasStepsMax && bound.node != kNoNode && file.ir()[bound.node].kind == Kind::Name;
       ++step) {
    const NodeIndex value = file.only_value(bound.node);
    if (value == kNoNode) break;
    const Node& node = file.ir()[value];
    bound = Bound{value, node.kind == Kind::Name ? node.atom : kNoAtom, node.first, node.end};
  }
  return bound;
}

}  // namespace

bool agree(const FileIndex& file, const MatchOptions& options, const Bound& a, const Bound& b) {
  if (same(file, a, b)) return true;
  if (!options.symbolic_propagation) return false;
  const Bound x = origin(file, a), y = origin(file, b);
  return (x.node != a.node || y.node != b.node) && same(file, x, y);
}

bool has_type(const FileIndex& file, NodeIndex value, std::string_view type, const MatchOptions& options,
              MatchBudget& budget) {
  static const Pattern kNone;
  return detail::Matcher(file, kNone, options, budget).is_of_type(value, type);
}

std::vector<Match> match_pattern(const FileIndex& file, const Pattern& pattern, const MatchOptions& options,
                                 MatchBudget& budget) {
  return detail::Matcher(file, pattern, options, budget).run();
}

}  // namespace wrench::code
