#include "taint.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "flow_builder.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kOthersMax = 5;           ///< Further sources of a finding.
constexpr std::size_t kNodeMarksMax = 200'000;  ///< Of one file; sub-expressions of large matches are the many.

bool can_carry(Kind kind) { return is_expression(kind) || kind == Kind::Param || kind == Kind::Pair; }

bool has_focus(const Formula& formula) {
  return !formula.focus.empty() || std::any_of(formula.parts.begin(), formula.parts.end(), has_focus);
}

TaintRuleFacts facts_of(const TaintMatches& rule, const TaintFormulas* formulas) {
  TaintRuleFacts out;
  out.key = rule.rule->info.file + "#" + rule.rule->info.id;
  std::map<std::string, int> labels;
  if (formulas != nullptr) {
    for (const TaintSpec& spec : formulas->sources) labels[spec.label];
    for (const TaintSpec& spec : formulas->propagators)
      if (!spec.label.empty()) labels[spec.label];
  }
  for (const auto& [label, unused] : labels) out.labels.push_back(label);
  const TaintOptions& options = rule.rule->taint_options;
  const auto add = [&](bool set, std::uint32_t option) { out.options |= set ? option : 0; };
  add(options.safe_functions, kSafeFunctions);
  add(options.safe_indexes, kSafeIndexes);
  add(options.safe_comparisons, kSafeComparisons);
  add(options.safe_booleans, kSafeBooleans);
  add(options.safe_numbers, kSafeNumbers);
  add(options.only_assignments, kOnlyAssignments);
  add(!options.from_outside, kFromInside);
  return out;
}

/// Puts the matches of rules on the nodes of a file.
class Marker {
 public:
  explicit Marker(const FileIndex& file) : file_(file) {}

  void add(std::uint32_t rule_index, const TaintMatches& rule) {
    for (const auto& entry : rule.sources)
      for (const Match& match : entry.matches) {
        const auto mark = add_mark(FlowMark::What::Source, rule_index, *entry.spec, match);
        at_range(match, entry.spec->exact ? Reach::Whole : Reach::Parts,
                 entry.spec->by_side_effect ? NodeMark::What::SourceVariable : NodeMark::What::Source, mark);
      }
    for (const auto& entry : rule.sanitizers)
      for (const Match& match : entry.matches) {
        if (entry.spec->not_conflicting && is_source_or_sink(rule, match)) continue;
        const auto mark = add_mark(FlowMark::What::Sanitizer, rule_index, *entry.spec, match);
        at_range(match, entry.spec->exact ? Reach::Whole : Reach::Inside,
                 entry.spec->by_side_effect ? NodeMark::What::SanitizerVariable : NodeMark::What::Sanitizer, mark);
      }
    for (const auto& entry : rule.propagators)
      for (const Match& match : entry.matches) {
        const Bound* from = find(match.bindings, entry.spec->from);
        const Bound* to = find(match.bindings, entry.spec->to);
        if (from == nullptr || to == nullptr || from->node == kNoNode || to->node == kNoNode) continue;
        const auto mark = add_mark(FlowMark::What::Propagator, rule_index, *entry.spec, match);
        for (const NodeIndex n : last_nodes(match))
          nodes[n].push_back({NodeMark::What::Propagator, mark, from->node, to->node});
      }
    for (const auto& entry : rule.sinks) {
      const bool focus = has_focus(entry.spec->formula);
      for (const Match& match : entry.matches) {
        const auto mark = add_mark(FlowMark::What::Sink, rule_index, *entry.spec, match);
        at_range(match, Reach::Whole, focus ? NodeMark::What::SinkValue : NodeMark::What::Sink, mark);
      }
    }
  }

  NodeMarks nodes;
  std::vector<TaintMarkFacts> marks;
  std::vector<const Match*> matches;  ///< By mark.
  bool too_many = false;

 private:
  enum class Reach : std::uint8_t { Whole, Parts, Inside };

  std::uint32_t add_mark(FlowMark::What what, std::uint32_t rule, const TaintSpec& spec, const Match& match) {
    TaintMarkFacts mark;
    mark.what = what;
    mark.rule = rule;
    mark.label = spec.label;
    mark.required = spec.required_text;
    mark.first = match.first;
    mark.end = match.end;
    marks.push_back(std::move(mark));
    matches.push_back(&match);
    return static_cast<std::uint32_t>(marks.size() - 1);
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
    if (node_marks_ >= kNodeMarksMax) {
      too_many = true;
      return;
    }
    ++node_marks_;
    nodes[n].push_back({what, mark});
  }

  /// The first node that begins at or after `first`.
  NodeIndex from(std::uint32_t first) const {
    const auto& all = file_.ir().nodes;
    const auto found = std::lower_bound(all.begin(), all.end(), first,
                                        [](const Node& node, std::uint32_t offset) { return node.first < offset; });
    return static_cast<NodeIndex>(found - all.begin());
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

  const FileIndex& file_;
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

TaintMatches match_taint(const CompiledRule& rule, const TaintFormulas& formulas, const FileIndex& file,
                         const Atoms& atoms, MatchBudget& budget, TaintReach reach) {
  TaintMatches out;
  out.rule = &rule;
  FormulaRun run(&file, file.text(), atoms, rule, budget);
  const bool every_binding = rule.taint_options.unify_metavariables;
  const bool here = reach == TaintReach::File;
  out.sinks = match_all(formulas.sinks, run, every_binding);
  if (here && out.sinks.empty()) return out;
  out.sources = match_all(formulas.sources, run, every_binding);
  if (here && out.sources.empty()) return {&rule, {}, {}, {}, {}};
  out.sanitizers = match_all(formulas.sanitizers, run, false);
  out.propagators = match_all(formulas.propagators, run, true);
  // What is clean isn't known to the end: nothing is said.
  if (budget.spent() != MatchBudget::Spent::No) out.sinks.clear();
  return out;
}

FileTaint::FileTaint(const FileIndex& file, std::vector<TaintMatches> rules) : file_(file) {
  Marker marker(file);
  for (const TaintMatches& rule : rules) {
    const auto index = static_cast<std::uint32_t>(unit_.rules.size());
    unit_.rules.push_back(facts_of(rule, rule.rule->taint(file.ir().language)));
    const std::size_t before = marker.marks.size();
    marker.add(index, rule);
    for (std::size_t i = before; i < marker.marks.size(); ++i) places_.push_back({rule.rule, *marker.matches[i]});
  }
  too_many_marks_ = marker.too_many;
  unit_.marks = std::move(marker.marks);
  unit_.flow = build_flow(file, marker.nodes);
}

bool FileTaint::merge(Match& sink, const Match& source, const CompiledRule& rule) const {
  const bool unify = rule.taint_options.unify_metavariables;
  for (const auto& [metavar, bound] : source.bindings) {
    const Bound* old = find(sink.bindings, metavar);
    if (old == nullptr)
      sink.bindings.emplace_back(metavar, bound);
    else if (unify && !agree(file_, rule.options, *old, bound))
      return false;
  }
  return true;
}

TaintResult FileTaint::follow(const CpuBudget& budget) const {
  const TaintUnit* const units[] = {&unit_};
  const TaintHits found = follow_units(units, FlowScope::All, budget);
  TaintResult out;
  for (const auto& [unit, name] : found.cut) out.cut.push_back(unit_.flow.names[name]);

  struct Key {
    const CompiledRule* rule;
    std::uint32_t first, end;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::vector<const TaintHit*>> by_sink;
  std::vector<Key> order;
  for (const TaintHit& hit : found.hits) {
    const Place& sink = places_[hit.sink];
    const Key key{sink.rule, sink.match.first, sink.match.end};
    auto& list = by_sink[key];
    if (list.empty()) order.push_back(key);
    list.push_back(&hit);
  }
  for (const Key& key : order) {
    auto& list = by_sink[key];
    // The shortest way first, then the source that stands last before the sink.
    std::stable_sort(list.begin(), list.end(), [&](const TaintHit* a, const TaintHit* b) {
      if (a->hops.size() != b->hops.size()) return a->hops.size() < b->hops.size();
      const auto distance = [&](const TaintHit* hit) {
        const std::uint32_t source = places_[hit->source].match.first;
        return source <= key.first ? key.first - source : source + (1U << 30);
      };
      return distance(a) < distance(b);
    });
    TaintFinding finding;
    finding.rule = key.rule;
    for (const TaintHit* hit : list) {
      const Match& source = places_[hit->source].match;
      if (finding.source.end != 0) {
        if (finding.others.size() < kOthersMax && source.first != finding.source.first)
          finding.others.push_back(source);
        continue;
      }
      Match sink = places_[hit->sink].match;
      if (!merge(sink, source, *key.rule)) continue;
      finding.sink = std::move(sink);
      finding.source = source;
      for (const FlowHop& hop : hit->hops) finding.calls.push_back({hop.first, unit_.flow.names[hop.callee]});
    }
    if (finding.source.end != 0) out.findings.push_back(std::move(finding));
  }
  return out;
}

}  // namespace wrench::code
