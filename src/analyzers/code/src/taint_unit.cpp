#include "taint_unit.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "rule_formula.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kLabelsMax = 64;  ///< Bits of a LabelMask.

using LabelBits = std::map<std::string, LabelMask>;

bool holds(const LabelExpr& expr, const LabelBits& bits, LabelMask carried) {
  const auto part = [&](const LabelExpr& one) { return holds(one, bits, carried); };
  switch (expr.what) {
    case LabelExpr::What::Label: {
      const auto found = bits.find(expr.label);
      return found != bits.end() && (carried & found->second) != 0;
    }
    case LabelExpr::What::Not:
      return !part(expr.parts.front());
    case LabelExpr::What::And:
      return std::all_of(expr.parts.begin(), expr.parts.end(), part);
    case LabelExpr::What::Or:
      return std::any_of(expr.parts.begin(), expr.parts.end(), part);
  }
  return false;
}

/// The labels of an expression that one of them fulfils; 0 when it asks for more.
LabelMask any_of_labels(const LabelExpr& expr, const LabelBits& bits) {
  if (expr.what == LabelExpr::What::Label) {
    const auto found = bits.find(expr.label);
    return found == bits.end() ? 0 : found->second;
  }
  if (expr.what != LabelExpr::What::Or) return 0;
  LabelMask out = 0;
  for (const LabelExpr& part : expr.parts) {
    const LabelMask labels = any_of_labels(part, bits);
    if (labels == 0) return 0;
    out |= labels;
  }
  return out;
}

struct RuleLabels {
  LabelBits bits;
  std::uint32_t options = 0;
  bool has_source = false, has_sink = false;

  LabelMask all() const {
    LabelMask out = 0;
    for (const auto& [label, bit] : bits) out |= bit;
    return out;
  }
};

/// Rules of all units by key, those that can find something.
std::map<std::string, RuleLabels> useful_rules(std::span<const TaintUnit* const> units) {
  std::map<std::string, RuleLabels> out;
  for (const TaintUnit* unit : units) {
    for (const TaintRuleFacts& rule : unit->rules) {
      RuleLabels& entry = out[rule.key];
      entry.options = rule.options;
      for (const std::string& label : rule.labels) entry.bits[label];
    }
    for (const TaintMarkFacts& mark : unit->marks) {
      RuleLabels& entry = out[unit->rules[mark.rule].key];
      entry.has_source |= mark.what == FlowMark::What::Source;
      entry.has_sink |= mark.what == FlowMark::What::Sink;
    }
  }
  std::erase_if(out, [](const auto& entry) { return !entry.second.has_source || !entry.second.has_sink; });
  return out;
}

FlowSafety safety_of(const std::map<std::string, RuleLabels>& rules) {
  FlowSafety out;
  for (const auto& [key, rule] : rules) {
    const LabelMask all = rule.all();
    const auto add = [&](std::uint32_t option, LabelMask& mask) { mask |= (rule.options & option) != 0 ? all : 0; };
    add(kSafeFunctions, out.functions);
    add(kSafeIndexes, out.indexes);
    add(kSafeComparisons, out.comparisons);
    add(kSafeBooleans, out.booleans);
    add(kSafeNumbers, out.numbers);
    add(kOnlyAssignments, out.only_assignments);
  }
  return out;
}

FlowMark flow_mark(const TaintMarkFacts& mark, const RuleLabels& rule) {
  FlowMark out;
  out.what = mark.what;
  const auto label = rule.bits.find(mark.label);
  const LabelMask own = label == rule.bits.end() ? 0 : label->second;
  out.labels = mark.what == FlowMark::What::Source ? own : rule.all();
  if (mark.what == FlowMark::What::Propagator && !mark.label.empty()) out.becomes = own;
  if (!mark.required.empty())
    if (auto expr = parse_label_expr(mark.required)) {
      out.needed = any_of_labels(*expr, rule.bits);
      out.required = [expr = std::move(*expr), bits = rule.bits](LabelMask carried) {
        return holds(expr, bits, carried);
      };
    }
  return out;
}

void follow(std::span<const TaintUnit* const> units, std::map<std::string, RuleLabels>& rules, FlowScope scope,
            const CpuBudget& budget, TaintHits& out) {
  std::vector<std::vector<FlowMark>> marks(units.size());
  std::vector<FlowUnit> flow(units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    marks[i].reserve(units[i]->marks.size());
    for (const TaintMarkFacts& mark : units[i]->marks) {
      const auto rule = rules.find(units[i]->rules[mark.rule].key);
      FlowMark none;
      none.what = mark.what;
      marks[i].push_back(rule == rules.end() ? std::move(none) : flow_mark(mark, rule->second));
    }
    flow[i] = {&units[i]->flow, &marks[i]};
  }
  FlowAnalysis analysis(flow, safety_of(rules), budget);
  for (FlowHit& hit : analysis.run(scope))
    out.hits.push_back({hit.sink.unit, hit.sink.mark, hit.source.unit, hit.source.mark, std::move(hit.hops)});
  out.cut.insert(out.cut.end(), analysis.cut().begin(), analysis.cut().end());
}

}  // namespace

TaintHits follow_units(std::span<const TaintUnit* const> units, FlowScope scope, const CpuBudget& budget) {
  TaintHits out;
  std::map<std::string, RuleLabels> group;
  std::size_t bits = 0;
  const auto flush = [&] {
    if (!group.empty()) follow(units, group, scope, budget, out);
    group.clear();
    bits = 0;
  };
  for (auto& [key, rule] : useful_rules(units)) {
    if (rule.bits.size() > kLabelsMax) continue;  // The reader allows fewer.
    if (bits + rule.bits.size() > kLabelsMax) flush();
    for (auto& [label, bit] : rule.bits) bit = LabelMask{1} << bits++;
    group.emplace(key, std::move(rule));
  }
  flush();
  std::sort(out.cut.begin(), out.cut.end());
  out.cut.erase(std::unique(out.cut.begin(), out.cut.end()), out.cut.end());
  return out;
}

std::vector<FlowReached> reached_bodies(std::span<const TaintUnit* const> units, const std::vector<bool>& counts,
                                        const CpuBudget& budget) {
  std::vector<std::vector<FlowMark>> marks(units.size());
  std::vector<FlowUnit> flow(units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (const TaintMarkFacts& mark : units[i]->marks) {
      const bool inside = (units[i]->rules[mark.rule].options & kFromInside) != 0;
      // A sanitizer is nowhere looked for.
      marks[i].emplace_back().what = inside ? FlowMark::What::Sanitizer : mark.what;
    }
    flow[i] = {&units[i]->flow, &marks[i]};
  }
  return FlowAnalysis(std::move(flow), {}, budget).reached(counts);
}

}  // namespace wrench::code
