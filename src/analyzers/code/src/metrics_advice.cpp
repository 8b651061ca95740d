#include "metrics_advice.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace wrench::code::detail {

using source::Language;

namespace {

constexpr std::size_t kVisitsMax = 4'000'000;
constexpr std::size_t kAdvicesMax = 3;
/// More values than this and the call is harder to read than what it replaces.
constexpr std::size_t kTakesMax = 6;
constexpr std::size_t kGivesMax = 2;
constexpr std::size_t kTakesComfortable = 4;
constexpr std::uint32_t kLinesMin = 3;
/// An advice takes at least this many points, and this share of all.
constexpr std::uint32_t kPointsMin = 4;
constexpr std::uint32_t kShareMin = 10;  ///< Percent.
/// Who takes out more leaves an empty shell and has the same function under another name.
constexpr std::uint32_t kShareMax = 75;
/// A part above this would be a finding itself.
constexpr std::uint32_t kCostComfortable = 15;

bool is_structure(Kind kind) {
  return kind == Kind::If || kind == Kind::Loop || kind == Kind::ForEach || kind == Kind::Switch || kind == Kind::Try ||
         kind == Kind::With;
}
bool is_loop(Kind kind) { return kind == Kind::Loop || kind == Kind::ForEach; }
bool is_function(Kind kind) { return kind == Kind::Function || kind == Kind::Lambda; }
bool is_else_if(const Node& node) {
  return node.kind == Kind::If && node.role == Role::Else && (node.flags & kFlagElseIf) != 0;
}

/// Where one variable of a function is declared, mentioned and changed, in source order.
struct Variable {
  std::vector<NodeIndex> declared, mentioned, changed;
  std::vector<NodeIndex> assigned;  ///< Changed without being read.
};

bool any_within(const std::vector<NodeIndex>& nodes, NodeIndex first, NodeIndex end) {
  const auto at = std::ranges::lower_bound(nodes, first);
  return at != nodes.end() && *at < end;
}

/// Nodes [first, end): a statement, or what stands in a block.
struct Region {
  NodeIndex first = 0, end = 0;
  NodeIndex root = kNoNode;  ///< The statement or the block.
  std::uint32_t points = 0;  ///< What it takes from the function.
  std::uint32_t cost = 0;    ///< What it weighs by itself.
};

class FunctionAdvice {
 public:
  FunctionAdvice(const Ir& ir, const Atoms& atoms, const source::SourceText& text, NodeIndex function,
                 std::vector<ComplexityPoint> points, std::size_t& visits)
      : ir_(ir),
        atoms_(atoms),
        text_(text),
        function_(function),
        end_(ir[function].subtree_end),
        points_(std::move(points)),
        visits_(visits) {}

  std::vector<Simplification> run() {
    visits_ += end_ - function_;
    if (visits_ > kVisitsMax) return {};
    for (NodeIndex i = function_; i < end_; ++i)
      if (ir_[i].kind == Kind::Error || (ir_[i].flags & kFlagNearError) != 0) return {};
    std::ranges::sort(points_, {}, &ComplexityPoint::node);
    total_ = sum(function_, end_);
    find_variables();
    find_regions();
    choose();
    exits_early();
    return std::move(out_);
  }

 private:
  std::uint32_t sum(NodeIndex first, NodeIndex end) const {
    std::uint32_t out = 0;
    for (auto at = std::ranges::lower_bound(points_, first, {}, &ComplexityPoint::node);
         at != points_.end() && at->node < end; ++at)
      out += at->add;
    return out;
  }

  // --- variables

  /// The node that says what happens to a name: itself, or the pattern that it is part of.
  NodeIndex pattern_of(NodeIndex name) const {
    NodeIndex i = name;
    while (ir_[i].parent != kNoNode) {
      const Kind kind = ir_[ir_[i].parent].kind;
      if (kind != Kind::Tuple && kind != Kind::List && kind != Kind::Spread && kind != Kind::Pair && kind != Kind::Dict)
        break;
      i = ir_[i].parent;
    }
    return i;
  }

  void find_variables() {
    for (NodeIndex i = function_ + 1; i < end_; ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::Param && node.atom != kNoAtom) variables_[node.atom].declared.push_back(i);
      if (node.kind != Kind::Name || node.role == Role::Name) continue;
      Variable& variable = variables_[node.atom];
      variable.mentioned.push_back(i);
      const Node& pattern = ir_[pattern_of(i)];
      if (pattern.parent == kNoNode) continue;
      const Node& above = ir_[pattern.parent];
      if (pattern.role == Role::Target) variable.declared.push_back(i);
      if (pattern.role == Role::Left && (above.kind == Kind::Assign || above.kind == Kind::AugAssign)) {
        variable.changed.push_back(i);
        if (above.kind == Kind::Assign) variable.assigned.push_back(i);
        const bool declares = above.kind == Kind::Assign && (above.sub == 1 || ir_.language == Language::Python);
        if (declares) variable.declared.push_back(i);
      }
      if (above.kind == Kind::Unary && pattern.role == Role::Operand) {
        const auto op = static_cast<Op>(above.sub);
        if (op == Op::PreIncrement || op == Op::PreDecrement || op == Op::PostIncrement || op == Op::PostDecrement)
          variable.changed.push_back(i);
      }
    }
  }

  /// The outermost loop of the function around `i`, or kNoNode.
  NodeIndex outermost_loop(NodeIndex i) const {
    NodeIndex out = kNoNode;
    for (NodeIndex up = ir_[i].parent; up != kNoNode && up > function_; up = ir_[up].parent)
      if (is_loop(ir_[up].kind)) out = up;
    return out;
  }

  /// What decides whether `i` runs, below `root`: the branch or body it stands in. `root` when nothing does.
  NodeIndex branch_of(NodeIndex i, NodeIndex root) const {
    for (NodeIndex at = i; at != root && at > function_; at = ir_[at].parent) {
      const Node& node = ir_[at];
      const Node& above = ir_[node.parent];
      const bool arm = node.role == Role::Then || node.role == Role::Else ||
                       (node.role == Role::Body && (is_loop(above.kind) || is_function(above.kind))) ||
                       (node.role == Role::Update && is_loop(above.kind)) ||
                       (node.role == Role::Right && above.kind == Kind::Binary);
      if (arm || node.kind == Kind::Case || node.kind == Kind::Catch) return at;
    }
    return root;
  }

  /// Whether what is read at `at` may stem from before `from`: no assignment between them runs in every case.
  bool sees_before(const Variable& variable, NodeIndex from, NodeIndex at, NodeIndex root) const {
    for (auto one = std::ranges::lower_bound(variable.assigned, from); one != variable.assigned.end() && *one < at;
         ++one) {
      const NodeIndex branch = branch_of(*one, root);
      if (branch == root || (branch <= at && at < ir_[branch].subtree_end)) return false;
    }
    return true;
  }

  /// Of two arms of one condition only one runs.
  bool excludes(const Region& region, NodeIndex at) const {
    for (NodeIndex up = ir_[region.root].parent; up != kNoNode && up >= function_; up = ir_[up].parent)
      if (up <= at && at < ir_[up].subtree_end) return ir_[up].kind == Kind::If || ir_[up].kind == Kind::Switch;
    return false;
  }

  template <class Test>
  bool any_read(const Variable& variable, NodeIndex first, NodeIndex end, Test test) {
    for (auto one = std::ranges::lower_bound(variable.mentioned, first); one != variable.mentioned.end() && *one < end;
         ++one) {
      ++visits_;
      if (!std::ranges::binary_search(variable.assigned, *one) && test(*one)) return true;
    }
    return false;
  }

  /// `int i;` that nothing has set yet.
  bool unset_before(const Variable& variable, const Region& region) const {
    const NodeIndex declaration = variable.declared.front();
    const Node& above = ir_[ir_[declaration].parent];
    const bool bare = above.kind == Kind::VarDef && ir_.child(ir_[declaration].parent, Role::Value) == kNoNode;
    return bare && !any_within(variable.mentioned, declaration + 1, region.first);
  }

  struct Traffic {
    std::vector<std::string_view> takes, gives;
  };

  Traffic traffic(const Region& region) {
    std::vector<std::pair<NodeIndex, std::string_view>> takes, gives;
    const NodeIndex loop = outermost_loop(region.root);
    for (const auto& [atom, variable] : variables_) {
      if (variable.declared.empty() || !any_within(variable.mentioned, region.first, region.end)) continue;
      // Declared in the part, whatever else bears its name.
      const NodeIndex first_use = *std::ranges::lower_bound(variable.mentioned, region.first);
      const bool declared_here =
          std::ranges::binary_search(variable.declared, first_use) && ir_.language != Language::Python;
      if (declared_here || variable.declared.front() >= region.first) continue;
      const bool reads_before = any_read(variable, region.first, region.end, [&](NodeIndex at) {
        return sees_before(variable, region.first, at, region.root);
      });
      // The next turn of a loop around the part sees what this one left, unless the loop's body declares it.
      const bool in_loop = loop != kNoNode && variable.declared.front() < loop;
      const bool changes = any_within(variable.changed, region.first, region.end);
      const bool gives_back =
          changes && (any_read(variable, region.end, end_,
                               [&](NodeIndex at) {
                                 return !excludes(region, at) && sees_before(variable, region.end, at, function_);
                               }) ||
                      (in_loop && (reads_before || any_read(variable, loop, region.first, [&](NodeIndex at) {
                                     return sees_before(variable, loop, at, loop);
                                   }))));
      // What it doesn't always set has to come back as it was.
      const bool keeps = gives_back && sees_before(variable, region.first, region.end, region.root);
      if ((reads_before || keeps) && !(unset_before(variable, region) && !in_loop))
        takes.emplace_back(first_use, atoms_.text(atom));
      if (gives_back) gives.emplace_back(first_use, atoms_.text(atom));
    }
    Traffic out;
    std::ranges::sort(takes);
    std::ranges::sort(gives);
    for (const auto& [at, name] : takes) out.takes.push_back(name);
    for (const auto& [at, name] : gives) out.gives.push_back(name);
    return out;
  }

  // --- regions

  void find_regions() {
    for (NodeIndex i = function_ + 1; i < end_;) {
      const Node& node = ir_[i];
      if (is_function(node.kind)) {
        i = node.subtree_end;
        continue;
      }
      const Node& parent = ir_[node.parent];
      if (is_structure(node.kind) && !is_else_if(node)) {
        add_region({i, node.subtree_end, i, 0, 0});
      } else if (node.kind == Kind::Block && (is_structure(parent.kind) || parent.kind == Kind::Case) &&
                 node.parent != function_) {
        add_region({i + 1, block_end(i), i, 0, 0});
      }
      ++i;
    }
  }

  /// The last `break` of a case stays where it is.
  NodeIndex block_end(NodeIndex block) const {
    if (ir_[ir_[block].parent].kind != Kind::Case) return ir_[block].subtree_end;
    NodeIndex last = kNoNode;
    for (NodeIndex c = ir_.first_child(block); c != kNoNode; c = ir_.next_sibling(c)) last = c;
    return last != kNoNode && ir_[last].kind == Kind::Break ? last : ir_[block].subtree_end;
  }

  void add_region(Region region) {
    std::uint32_t base = UINT32_MAX, nesting_count = 0;
    for (auto at = std::ranges::lower_bound(points_, region.first, {}, &ComplexityPoint::node);
         at != points_.end() && at->node < region.end; ++at) {
      region.points += at->add;
      if (!at->nests) continue;
      base = std::min(base, at->nesting);
      ++nesting_count;
    }
    if (region.points < kPointsMin || nesting_count == 0) return;
    region.cost = region.points - base * nesting_count;
    if (last_line(region) - first_line(region) + 1 < kLinesMin) return;
    regions_.push_back(region);
  }

  std::uint32_t line(std::uint32_t offset) const { return text_.lines.position(text_.text, offset).line; }
  std::uint32_t first_line(const Region& region) const { return line(ir_[region.first].first); }
  Span span(const Region& region) const {
    std::uint32_t end = ir_[region.first].end;
    for (NodeIndex c = region.first; c < region.end; c = ir_[c].subtree_end) end = std::max(end, ir_[c].end);
    return {ir_[region.first].first, end};
  }
  std::uint32_t last_line(const Region& region) const {
    const Span range = span(region);
    return line(range.end > range.first ? range.end - 1 : range.end);
  }

  /// Whether control can only fall out of the region's end, or return: a caller then needs to test one result.
  struct Exits {
    bool possible = true;
    bool reports = false;  ///< Returns, or ends a loop around it: the caller has to be told.
  };

  Exits exits(const Region& region) {
    Exits out;
    visits_ += region.end - region.first;
    for (NodeIndex i = region.first; i < region.end && out.possible; ++i) {
      const Node& node = ir_[i];
      if (is_function(node.kind)) {
        i = node.subtree_end - 1;
        continue;
      }
      switch (node.kind) {
        case Kind::Return:
          out.reports = true;
          break;
        case Kind::Yield:
        case Kind::Defer:
        case Kind::Goto:
        case Kind::Label:
          out.possible = false;
          break;
        case Kind::Break:
        case Kind::Continue: {
          const NodeIndex target = node.atom == kNoAtom ? jump_target(i) : kNoNode;
          if (target != kNoNode && target >= region.first) break;
          // The end of the part is where this one goes.
          const bool ends_part = target != kNoNode && leads_to_end(region, node.kind, target);
          const bool ends_loop = target != kNoNode && is_loop(ir_[target].kind) && ir_[region.root].parent == target;
          if (ends_part) break;
          out.possible = ends_loop;
          out.reports = true;
          break;
        }
        default:
          break;
      }
    }
    return out;
  }

  NodeIndex jump_target(NodeIndex jump) const {
    for (NodeIndex up = ir_[jump].parent; up != kNoNode && up > function_; up = ir_[up].parent) {
      if (is_loop(ir_[up].kind)) return up;
      if (ir_[up].kind == Kind::Switch && ir_[jump].kind == Kind::Break) return up;
      if (is_function(ir_[up].kind)) return kNoNode;
    }
    return kNoNode;
  }

  bool leads_to_end(const Region& region, Kind jump, NodeIndex target) const {
    if (ir_[region.root].kind != Kind::Block) return false;
    const NodeIndex owner = ir_[region.root].parent;
    if (jump == Kind::Continue) return owner == target;
    return ir_[owner].kind == Kind::Case && ir_[owner].parent == target;
  }

  // --- advice

  void choose() {
    std::uint32_t left = total_;
    std::vector<Region> chosen;
    while (chosen.size() < kAdvicesMax && left > kCostComfortable) {
      std::optional<Region> best;
      Simplification best_advice;
      std::int64_t best_gain = std::max<std::int64_t>(kPointsMin, total_ * kShareMin / 100) - 1;
      for (const Region& region : regions_) {
        const bool overlaps = std::ranges::any_of(
            chosen, [&](const Region& other) { return region.first < other.end && other.first < region.end; });
        if (overlaps) continue;
        const std::int64_t worst = std::max<std::int64_t>(left - region.points, region.cost);
        std::int64_t gain = left - worst;
        if (region.cost > kCostComfortable) gain -= (region.cost - kCostComfortable) / 2;
        if (gain <= best_gain || visits_ > kVisitsMax || region.points * 100 > total_ * kShareMax) continue;
        const Exits exit = exits(region);
        if (!exit.possible) continue;
        const Traffic values = traffic(region);
        if (values.takes.size() > kTakesMax || values.gives.size() + (exit.reports ? 1 : 0) > kGivesMax) continue;
        if (values.takes.size() > kTakesComfortable)
          gain -= static_cast<std::int64_t>(values.takes.size() - kTakesComfortable);
        if (gain <= best_gain) continue;
        best_gain = gain;
        best = region;
        best_advice = describe(region, values, exit);
      }
      if (!best) break;
      chosen.push_back(*best);
      left -= best->points;
      out_.push_back(std::move(best_advice));
    }
  }

  Simplification describe(const Region& region, const Traffic& values, const Exits& exit) const {
    Simplification out;
    out.kind = Simplification::Kind::ExtractFunction;
    out.span = span(region);
    out.first_line = first_line(region);
    out.last_line = last_line(region);
    out.what = what(region);
    out.points = region.points;
    out.cost = region.cost;
    for (const std::string_view name : values.takes) out.takes.emplace_back(name);
    for (const std::string_view name : values.gives) out.gives.emplace_back(name);
    out.reports_exit = exit.reports;
    return out;
  }

  std::string what(const Region& region) const {
    const Node& root = ir_[region.root];
    const bool block = root.kind == Kind::Block;
    const Node& owner = block ? ir_[root.parent] : root;
    switch (owner.kind) {
      case Kind::Loop:
      case Kind::ForEach:
        return block ? "the body of the loop" : "the loop";
      case Kind::Switch:
        return "the switch";
      case Kind::Case:
        return "the case";
      case Kind::Try:
        return block ? "the body of the try" : "the try statement";
      case Kind::With:
        return "the block";
      default:
        return !block ? "the if" : root.role == Role::Else ? "the else branch" : "the branch";
    }
  }

  /// `if (x) { … }` at the end of a function or loop: everything in it stands one level deeper than it has to.
  void exits_early() {
    if (out_.size() >= kAdvicesMax) return;
    for (NodeIndex i = function_ + 1; i < end_;) {
      const Node& node = ir_[i];
      if (is_function(node.kind)) {
        i = node.subtree_end;
        continue;
      }
      if (node.kind == Kind::If) last_if(i);
      ++i;
      if (out_.size() >= kAdvicesMax) return;
    }
  }

  void last_if(NodeIndex i) {
    const Node& node = ir_[i];
    const NodeIndex block = node.parent;
    if (is_else_if(node) || ir_.child(i, Role::Else) != kNoNode || ir_[block].kind != Kind::Block ||
        ir_.next_sibling(i) != kNoNode)
      return;
    const NodeIndex owner = ir_[block].parent;
    if (owner != function_ && !(is_loop(ir_[owner].kind) && ir_[block].role == Role::Body)) return;
    // The points of what overlaps would be counted twice.
    const bool covered = std::ranges::any_of(
        out_, [&](const Simplification& one) { return one.span.first < node.end && node.first < one.span.end; });
    if (covered) return;
    std::uint32_t saved = 0;
    for (const ComplexityPoint& point : points_)
      if (point.nests && point.node > i && point.node < node.subtree_end) ++saved;
    if (saved < kPointsMin) return;
    Simplification out;
    out.kind = Simplification::Kind::ExitEarly;
    out.span = {node.first, node.end};
    out.first_line = line(node.first);
    out.last_line = line(node.end - 1);
    out.what = owner == function_ ? "return" : "continue";
    out.points = saved;
    out_.push_back(std::move(out));
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  NodeIndex function_, end_;
  std::vector<ComplexityPoint> points_;
  std::size_t& visits_;
  std::uint32_t total_ = 0;
  std::unordered_map<Atom, Variable> variables_;
  std::vector<Region> regions_;
  std::vector<Simplification> out_;
};

}  // namespace

bool holds_structure(const Ir& ir, NodeIndex i) {
  for (NodeIndex c = i; c < ir[i].subtree_end;) {
    if (is_structure(ir[c].kind)) return true;
    c = is_function(ir[c].kind) ? ir[c].subtree_end : c + 1;
  }
  return false;
}

std::vector<Simplification> Adviser::advise(NodeIndex function, std::vector<ComplexityPoint> points) {
  return FunctionAdvice(ir_, atoms_, text_, function, std::move(points), visits_).run();
}

std::uint32_t entangled_points(const Ir& ir, const std::vector<ComplexityPoint>& points) {
  std::uint32_t out = 0;
  for (const ComplexityPoint& point : points) {
    const Node& node = ir[point.node];
    bool plain = node.kind == Kind::Goto;
    if (node.kind == Kind::If) {
      const NodeIndex then = ir.child(point.node, Role::Then);
      plain = then != kNoNode && !holds_structure(ir, then);
    } else if (node.role == Role::Else) {
      plain = !holds_structure(ir, point.node);
    }
    // It costs what is around it, and nothing by itself.
    out += plain ? point.nesting : point.add;
  }
  return out;
}

}  // namespace wrench::code::detail
