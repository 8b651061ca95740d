#include "taint.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>

#include "flow_builder.hpp"
#include "flow_run.hpp"

namespace wrench::code {

namespace {

constexpr int kLabelsMax = 64;                  ///< Bits of a LabelMask.
constexpr std::size_t kOthersMax = 5;           ///< Further sources of a finding.
constexpr std::size_t kNodeMarksMax = 200'000;  ///< Of one file; sub-expressions of large matches are the many.

bool can_carry(Kind kind) { return is_expression(kind) || kind == Kind::Param || kind == Kind::Pair; }

bool has_focus(const Formula& formula) {
  return !formula.focus.empty() || std::any_of(formula.parts.begin(), formula.parts.end(), has_focus);
}

bool holds(const LabelExpr& expr, const std::map<std::string, LabelMask>& bits, LabelMask carried) {
  switch (expr.what) {
    case LabelExpr::What::Label: {
      const auto found = bits.find(expr.label);
      return found != bits.end() && (carried & found->second) != 0;
    }
    case LabelExpr::What::Not:
      return !holds(expr.parts.front(), bits, carried);
    case LabelExpr::What::And:
      return std::all_of(expr.parts.begin(), expr.parts.end(),
                         [&](const LabelExpr& part) { return holds(part, bits, carried); });
    case LabelExpr::What::Or:
      return std::any_of(expr.parts.begin(), expr.parts.end(),
                         [&](const LabelExpr& part) { return holds(part, bits, carried); });
  }
  return false;
}

/// The labels of one rule: an empty one when it names none.
std::map<std::string, LabelMask> labels_of(const TaintMatches& rule) {
  std::map<std::string, LabelMask> out;
  for (const auto& entry : rule.sources) out[entry.spec->label];
  for (const auto& entry : rule.propagators)
    if (!entry.spec->label.empty()) out[entry.spec->label];
  return out;
}

/// Rules that are followed together: their labels fit in a mask.
class Group {
 public:
  explicit Group(const FileIndex& file) : file_(file) {}

  bool fits(const TaintMatches& rule) const {
    return bits_ == 0 || bits_ + static_cast<int>(labels_of(rule).size()) <= kLabelsMax;
  }

  void add(const TaintMatches& rule) {
    auto bits = labels_of(rule);
    LabelMask all = 0;
    for (auto& [label, bit] : bits) all |= bit = LabelMask{1} << std::min(bits_++, kLabelsMax - 1);
    const TaintOptions& options = rule.rule->taint_options;
    const auto apply = [&](bool set, LabelMask& mask) { mask |= set ? all : 0; };
    apply(options.safe_functions, safety_.functions);
    apply(options.safe_indexes, safety_.indexes);
    apply(options.safe_comparisons, safety_.comparisons);
    apply(options.safe_booleans, safety_.booleans);
    apply(options.safe_numbers, safety_.numbers);
    apply(options.only_assignments, safety_.only_assignments);

    for (const auto& entry : rule.sources)
      for (const Match& match : entry.matches) {
        const auto mark = add_mark(FlowMark::What::Source, bits[entry.spec->label], entry, bits, rule, match);
        const bool variable = entry.spec->by_side_effect;
        at_range(match, entry.spec->exact ? Reach::Whole : Reach::Parts,
                 variable ? NodeMark::What::SourceVariable : NodeMark::What::Source, mark);
      }
    std::unordered_set<std::uint64_t> conflicting;
    for (const auto& entry : rule.sanitizers)
      for (const Match& match : entry.matches) {
        if (entry.spec->not_conflicting && is_source_or_sink(rule, match)) continue;
        const auto mark = add_mark(FlowMark::What::Sanitizer, all, entry, bits, rule, match);
        at_range(match, entry.spec->exact ? Reach::Whole : Reach::Inside,
                 entry.spec->by_side_effect ? NodeMark::What::SanitizerVariable : NodeMark::What::Sanitizer, mark);
      }
    for (const auto& entry : rule.propagators)
      for (const Match& match : entry.matches) {
        const Bound* from = find(match.bindings, entry.spec->from);
        const Bound* to = find(match.bindings, entry.spec->to);
        if (from == nullptr || to == nullptr || from->node == kNoNode || to->node == kNoNode) continue;
        const auto mark = add_mark(FlowMark::What::Propagator, all, entry, bits, rule, match);
        if (!entry.spec->label.empty()) marks_[mark].becomes = bits[entry.spec->label];
        for (const NodeIndex n : last_nodes(match))
          marks_at_[n].push_back({NodeMark::What::Propagator, mark, from->node, to->node});
      }
    for (const auto& entry : rule.sinks) {
      const bool focus = has_focus(entry.spec->formula);
      for (const Match& match : entry.matches) {
        const auto mark = add_mark(FlowMark::What::Sink, all, entry, bits, rule, match);
        at_range(match, Reach::Whole, focus ? NodeMark::What::SinkValue : NodeMark::What::Sink, mark);
      }
    }
  }

  void run(const CpuBudget& budget, TaintResult& out) {
    const FlowFile flow = build_flow(file_, marks_at_);
    FlowAnalysis analysis(flow, marks_, safety_, budget);
    const std::vector<FlowHit> hits = analysis.run();
    for (const std::uint32_t name : analysis.cut()) out.cut.push_back(flow.names[name]);
    report(flow, hits, out);
  }

 private:
  enum class Reach : std::uint8_t { Whole, Parts, Inside };
  struct Place {
    const CompiledRule* rule = nullptr;
    Match match;
  };

  std::uint32_t add_mark(FlowMark::What what, LabelMask labels, const TaintMatches::Entry& entry,
                         const std::map<std::string, LabelMask>& bits, const TaintMatches& rule, const Match& match) {
    FlowMark mark;
    mark.what = what;
    mark.labels = labels;
    if (entry.spec->required)
      mark.required = [expr = &*entry.spec->required, bits](LabelMask carried) { return holds(*expr, bits, carried); };
    marks_.push_back(std::move(mark));
    places_.push_back({rule.rule, match});
    return static_cast<std::uint32_t>(marks_.size() - 1);
  }

  static bool is_source_or_sink(const TaintMatches& rule, const Match& match) {
    const auto same = [&](const TaintMatches::Entry& entry) {
      return std::any_of(entry.matches.begin(), entry.matches.end(),
                         [&](const Match& other) { return other.first == match.first && other.end == match.end; });
    };
    return std::any_of(rule.sources.begin(), rule.sources.end(), same) ||
           std::any_of(rule.sinks.begin(), rule.sinks.end(), same);
  }

  void put(NodeIndex n, NodeMark::What what, std::uint32_t mark) {
    if (node_marks_ >= kNodeMarksMax) return;
    ++node_marks_;
    marks_at_[n].push_back({what, mark});
  }

  /// The first node that begins at or after `first`.
  NodeIndex from(std::uint32_t first) const {
    const auto& nodes = file_.ir().nodes;
    const auto found = std::lower_bound(nodes.begin(), nodes.end(), first,
                                        [](const Node& node, std::uint32_t offset) { return node.first < offset; });
    return static_cast<NodeIndex>(found - nodes.begin());
  }

  /// Nodes that the match is, or all that lie within it.
  void at_range(const Match& match, Reach reach, NodeMark::What what, std::uint32_t mark) {
    const Ir& ir = file_.ir();
    bool whole = false;
    for (NodeIndex n = from(match.first); n < ir.nodes.size() && ir[n].first == match.first; ++n) {
      if (ir[n].end != match.end || !can_carry(ir[n].kind)) continue;
      put(n, what, mark);
      whole = true;
      // One look is enough for a sink: the outermost of equal ranges.
      if (what == NodeMark::What::Sink || what == NodeMark::What::SinkValue) return;
    }
    if (reach == Reach::Whole || reach == Reach::Parts) {
      if (whole) return;
      // A statement: its outermost expressions are meant.
      const auto value = what == NodeMark::What::Sink ? NodeMark::What::SinkValue : what;
      for (NodeIndex n = from(match.first); n < ir.nodes.size() && ir[n].first < match.end;) {
        const bool inside = ir[n].end <= match.end && can_carry(ir[n].kind) && ir[n].role != Role::Target &&
                            ir[n].kind != Kind::Assign && ir[n].role != Role::Name && ir[n].role != Role::Left;
        if (inside) put(n, value, mark);
        n = inside ? ir[n].subtree_end : n + 1;
      }
      return;
    }
    for (NodeIndex n = from(match.first); n < ir.nodes.size() && ir[n].first < match.end; ++n)
      if (ir[n].end <= match.end && can_carry(ir[n].kind) && !(ir[n].first == match.first && ir[n].end == match.end))
        put(n, what, mark);
  }

  /// Where a match has run: the node that it is, or the last statement of several.
  std::vector<NodeIndex> last_nodes(const Match& match) const {
    const Ir& ir = file_.ir();
    for (NodeIndex n = from(match.first); n < ir.nodes.size() && ir[n].first == match.first; ++n)
      if (ir[n].end == match.end) return {n};
    NodeIndex last = kNoNode;
    for (NodeIndex n = from(match.first); n < ir.nodes.size() && ir[n].first < match.end; ++n)
      if (ir[n].end == match.end && last == kNoNode) last = n;
    if (last == kNoNode && match.node != kNoNode) last = match.node;
    return last == kNoNode ? std::vector<NodeIndex>{} : std::vector<NodeIndex>{last};
  }

  bool merge(Match& sink, const Match& source, bool unify) const {
    for (const auto& [metavar, bound] : source.bindings) {
      const Bound* old = find(sink.bindings, metavar);
      if (old == nullptr)
        sink.bindings.emplace_back(metavar, bound);
      else if (unify && !agree(file_, *old, bound))
        return false;
    }
    return true;
  }

  void report(const FlowFile& flow, const std::vector<FlowHit>& hits, TaintResult& out) const {
    struct Key {
      const CompiledRule* rule;
      std::uint32_t first, end;
      auto operator<=>(const Key&) const = default;
    };
    std::map<Key, std::vector<const FlowHit*>> by_sink;
    std::vector<Key> order;
    for (const FlowHit& hit : hits) {
      const Place& sink = places_[hit.sink];
      const Key key{sink.rule, sink.match.first, sink.match.end};
      auto& list = by_sink[key];
      if (list.empty()) order.push_back(key);
      list.push_back(&hit);
    }
    for (const Key& key : order) {
      auto& list = by_sink[key];
      // The shortest way first, then the source that stands last before the sink.
      std::stable_sort(list.begin(), list.end(), [&](const FlowHit* a, const FlowHit* b) {
        if (a->hops.size() != b->hops.size()) return a->hops.size() < b->hops.size();
        const auto distance = [&](const FlowHit* hit) {
          const std::uint32_t source = places_[hit->source].match.first;
          return source <= key.first ? key.first - source : source + (1U << 30);
        };
        return distance(a) < distance(b);
      });
      TaintFinding finding;
      finding.rule = key.rule;
      for (const FlowHit* hit : list) {
        const Match& source = places_[hit->source].match;
        if (finding.source.end != 0) {
          if (finding.others.size() < kOthersMax && source.first != finding.source.first)
            finding.others.push_back(source);
          continue;
        }
        Match sink = places_[hit->sink].match;
        if (!merge(sink, source, key.rule->taint_options.unify_metavariables)) continue;
        finding.sink = std::move(sink);
        finding.source = source;
        for (const FlowHop& hop : hit->hops) finding.calls.push_back({hop.first, flow.names[hop.callee]});
      }
      if (finding.source.end != 0) out.findings.push_back(std::move(finding));
    }
  }

  const FileIndex& file_;
  int bits_ = 0;
  FlowSafety safety_;
  std::vector<FlowMark> marks_;
  std::vector<Place> places_;  ///< By mark.
  NodeMarks marks_at_;
  std::size_t node_marks_ = 0;
};

std::vector<TaintMatches::Entry> match_all(const std::vector<TaintSpec>& specs, FormulaRun& run, bool every_binding) {
  std::vector<TaintMatches::Entry> out;
  for (const TaintSpec& spec : specs) {
    std::vector<Match> found = every_binding ? run.run_all(spec.formula) : run.run(spec.formula);
    if (!found.empty()) out.push_back({&spec, std::move(found)});
  }
  return out;
}

}  // namespace

bool TaintMatches::is_relevant() const { return !sources.empty() && !sinks.empty(); }

TaintMatches match_taint(const CompiledRule& rule, const TaintFormulas& formulas, const FileIndex& file,
                         const Atoms& atoms, MatchBudget& budget) {
  TaintMatches out;
  out.rule = &rule;
  FormulaRun run(&file, file.text(), atoms, rule, budget);
  const bool every_binding = rule.taint_options.unify_metavariables;
  out.sinks = match_all(formulas.sinks, run, every_binding);
  if (out.sinks.empty()) return out;
  out.sources = match_all(formulas.sources, run, every_binding);
  if (out.sources.empty()) return out;
  out.sanitizers = match_all(formulas.sanitizers, run, false);
  out.propagators = match_all(formulas.propagators, run, true);
  // What is clean isn't known to the end: nothing is said.
  if (budget.spent() != MatchBudget::Spent::No) out.sinks.clear();
  return out;
}

TaintResult follow_taint(const FileIndex& file, std::span<const TaintMatches> rules, const CpuBudget& budget) {
  TaintResult out;
  std::optional<Group> group;
  for (const TaintMatches& rule : rules) {
    if (!rule.is_relevant()) continue;
    if (group && !group->fits(rule)) {
      group->run(budget, out);
      group.reset();
    }
    if (!group) group.emplace(file);
    group->add(rule);
  }
  if (group) group->run(budget, out);
  return out;
}

}  // namespace wrench::code
