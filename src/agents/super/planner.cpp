#include "wrench/agents/planner.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "wrench/base/text.hpp"

namespace wrench::agents {

namespace {

using codec::Json;

constexpr std::int64_t kUnreachable = std::numeric_limits<std::int64_t>::max() / 4;
constexpr std::int64_t kTokensPerMs = 50;
constexpr std::int64_t kRiskyStepCost = 10'000;

/// What a goal kind asks for when its `wants` are empty. A want that isn't required only degrades the result.
struct Want {
  std::string_view type;
  bool required;
  bool told = true;  ///< When it is missing. Else the lack of something else says so, too.
};
struct KindMeaning {
  std::string_view kind;
  std::vector<Want> wants;
};
const std::vector<KindMeaning>& kinds() {
  static const std::vector<KindMeaning> table = {
      {"review",
       {{"report.code", true},
        {"report.secrets", false},
        {"findings.security", false},
        {"history.facts", false},
        {"inspection", true},
        {"evidence", false, false},
        {"journey.insights", false},
        {"report.final", true}}},
  };
  return table;
}

bool fact_holds(const Facts& facts, std::string_view name) {
  const auto found = facts.find(name);
  if (found == facts.end()) return false;
  const Json& value = found->second.value;
  return value.is_boolean() ? value.as_boolean() : value.is_number() ? value.as_double() > 0 : !value.is_null();
}

std::string fact_text(const Facts& facts, std::string_view name) {
  const auto found = facts.find(name);
  const std::string value = found == facts.end() ? "unknown" : codec::write_json(found->second.value);
  return std::string(name) + "=" + value;
}

class Planner {
 public:
  Planner(const Goal& goal, const Facts& facts, const Registry& registry)
      : goal_(goal), facts_(facts), registry_(registry) {}

  Result<PlannedGoal> plan() {
    WRENCH_TRY(resolve_wants());
    WRENCH_TRY(select_candidates());
    price();
    for (const auto& want : wants_) {
      if (goal_.available.contains(want.type)) continue;
      const Capability* producer = cheapest(want.type);
      if (producer != nullptr) {
        WRENCH_TRY(choose(*producer, "goal"));
        continue;
      }
      const auto reason = nothing_gives(want.type);
      if (want.required)
        return Error("agent.no_plan",
                     "no plan for '" + goal_.kind + "': nothing gives " + std::string(want.type) + " (" + reason + ")")
            .with_help("wrench agent list");
      if (want.told) planned_.degraded.push_back(missing_part(want.type, reason));
    }
    leave_out();
    write_plan();
    return std::move(planned_);
  }

 private:
  Result<void> resolve_wants() {
    for (const auto& type : goal_.wants) {
      if (!is_port_type(type)) return Error("agent.no_plan", "nothing is known of '" + type + "'");
      wants_.push_back({type, true});
    }
    if (!wants_.empty()) return {};
    for (const auto& meaning : kinds())
      if (meaning.kind == goal_.kind) wants_ = meaning.wants;
    if (wants_.empty())
      return Error("agent.no_plan", "no plan for a goal of kind '" + goal_.kind + "'").with_help("wrench agent list");
    return {};
  }

  Result<void> select_candidates() {
    for (const auto& name : goal_.agents) {
      if (registry_.find(name) != nullptr) continue;
      std::vector<std::string_view> known;
      for (const auto& agent : registry_.agents()) known.push_back(agent->spec().name);
      Error error("agent.no_such_agent", "no agent '" + name + "'");
      if (const auto guess = nearest(name, known); !guess.empty())
        return std::move(error).with_help("did you mean " + std::string(guess) + "?");
      return std::move(error).with_help("wrench agent list");
    }
    const auto taking_part = agents_taking_part();
    for (const auto* capability : registry_.capabilities()) {
      const auto agent = agent_of(capability->id);
      if (!goal_.agents.empty() && !taking_part.contains(agent)) {
        refused_[capability->id] =
            "agent " + std::string(agent) + " wasn't asked for, and nothing that was can't do without it";
      } else if (!capability->requires_fact.empty() && !fact_holds(facts_, capability->requires_fact)) {
        refused_[capability->id] = "needs " + capability->requires_fact + ", but " +
                                   fact_text(facts_, capability->requires_fact) + source_of(capability->requires_fact);
      } else {
        candidates_.push_back(capability);
      }
    }
    return {};
  }

  static bool gives(const Capability& capability, std::string_view type) {
    return std::any_of(capability.gives.begin(), capability.gives.end(),
                       [&](const Port& port) { return port_is_a(port.type, type); });
  }

  /// Serves only what nobody is told of when it is missing: no reason to bring another agent along.
  bool is_extra(const Capability& capability) const {
    return std::any_of(wants_.begin(), wants_.end(),
                       [&](const Want& want) { return !want.told && gives(capability, want.type); });
  }

  /// Those asked for, the SuperAgent, which puts the result together, and whoever they can't do without.
  std::set<std::string, std::less<>> agents_taking_part() const {
    std::set<std::string, std::less<>> in(goal_.agents.begin(), goal_.agents.end());
    in.insert("super");
    const auto all = registry_.capabilities();
    const auto given = [&](std::string_view type) {
      return is_available(type) || std::any_of(all.begin(), all.end(), [&](const Capability* capability) {
               return in.contains(agent_of(capability->id)) && gives(*capability, type);
             });
    };
    for (bool grew = true; grew;) {
      grew = false;
      for (const auto* capability : all) {
        if (!in.contains(agent_of(capability->id)) || is_extra(*capability)) continue;
        for (const auto& port : capability->takes) {
          if (!required_port(port) || given(port.type)) continue;
          for (const auto* other : all)
            if (gives(*other, port.type)) grew = in.emplace(agent_of(other->id)).second || grew;
        }
      }
    }
    return in;
  }

  std::string source_of(std::string_view fact) const {
    const auto found = facts_.find(fact);
    return found == facts_.end() || found->second.source.empty() ? "" : " (" + found->second.source + ")";
  }

  std::int64_t own_cost(const Capability& capability) const {
    double kloc = 0;
    if (const auto found = facts_.find("code.kloc"); found != facts_.end()) kloc = found->second.value.as_double();
    return capability.cost.base_ms + static_cast<std::int64_t>(capability.cost.per_kloc_ms * kloc) +
           capability.cost.tokens / kTokensPerMs + (capability.risk == Risk::R3 ? kRiskyStepCost : 0) + 1;
  }

  std::int64_t type_cost(std::string_view type) const {
    std::int64_t best = kUnreachable;
    for (const auto& [available, expression] : goal_.available)
      if (port_is_a(available, type)) best = 0;
    for (const auto& [id, cost] : costs_)
      for (const auto& port : registry_.capability(id)->gives)
        if (port_is_a(port.type, type)) best = std::min(best, cost);
    return best;
  }

  /// Settles capabilities in order of total cost: a superior function never falls when its arguments rise, so a settled
  /// cost is final.
  void price() {
    for (std::size_t round = 0; round < kPlanExpansionsMax; ++round) {
      const Capability* best = nullptr;
      std::int64_t best_cost = kUnreachable;
      for (const auto* capability : candidates_) {
        if (costs_.contains(capability->id)) continue;
        std::int64_t total = own_cost(*capability);
        for (const auto& port : capability->takes) {
          if (!required_port(port)) continue;
          total = std::min(kUnreachable, total + type_cost(port.type));
        }
        if (total < best_cost) {
          best = capability;
          best_cost = total;
        }
      }
      if (best == nullptr) return;
      costs_.emplace(best->id, best_cost);
    }
  }

  /// "name?" marks a port that is used when it is there.
  static bool required_port(const Port& port) { return !port.name.ends_with("?"); }

  const Capability* cheapest(std::string_view type) const {
    const Capability* best = nullptr;
    std::int64_t best_cost = kUnreachable;
    for (const auto& [id, cost] : costs_) {
      const auto* capability = registry_.capability(id);
      if (gives(*capability, type) && cost < best_cost) {
        best = capability;
        best_cost = cost;
      }
    }
    return best;
  }

  /// For people: what isn't done, and the fact that keeps it from being done.
  std::string missing_part(std::string_view type, const std::string& reason) const {
    for (const auto* capability : registry_.capabilities()) {
      if (capability->requires_fact.empty() || fact_holds(facts_, capability->requires_fact)) continue;
      for (const auto& port : capability->gives)
        if (const auto fact = facts_.find(capability->requires_fact);
            port_is_a(port.type, type) && fact != facts_.end() && !fact->second.source.empty())
          return capability->title + " (" + fact->second.source + ")";
    }
    return std::string(type) + ": " + reason;
  }

  std::string nothing_gives(std::string_view type) const {
    std::string reason = "no capability gives it";
    for (const auto* capability : registry_.capabilities())
      for (const auto& port : capability->gives)
        if (port_is_a(port.type, type))
          if (const auto refused = refused_.find(capability->id); refused != refused_.end())
            reason = capability->id + " " + refused->second;
    return reason;
  }

  /// Adds the capability after everything it takes. Depth is bounded by the number of capabilities: costs strictly
  /// fall.
  Result<std::string> choose(const Capability& capability, const std::string& needed_by) {
    for (auto& step : planned_.steps) {
      if (step.capability->id != capability.id) continue;
      if (std::find(step.needed_by.begin(), step.needed_by.end(), needed_by) == step.needed_by.end())
        step.needed_by.push_back(needed_by);
      return step.id;
    }
    if (planned_.steps.size() >= kPlanStepsMax) return Error("agent.no_plan", "the plan has more than 64 steps");
    PlannedStep step;
    step.capability = &capability;
    step.needed_by.push_back(needed_by);
    step.why = capability.why;
    std::vector<std::string> needs;
    for (const auto& port : capability.takes) {
      if (is_available(port.type)) continue;
      const Capability* producer = cheapest(port.type);
      const bool wanted = required_port(port) || std::any_of(wants_.begin(), wants_.end(), [&](const Want& want) {
                            return port_is_a(port.type, want.type);
                          });
      if (producer == nullptr || !wanted) continue;
      auto id = WRENCH_TRY(choose(*producer, capability.id));
      if (std::find(needs.begin(), needs.end(), id) == needs.end()) needs.push_back(std::move(id));
    }
    step.id = "s" + std::to_string(planned_.steps.size() + 1);
    step.needs = std::move(needs);
    // A step is optional when every want it serves is, and nobody needs it for sure.
    step.optional = std::none_of(wants_.begin(), wants_.end(), [&](const Want& want) {
      return want.required && std::any_of(capability.gives.begin(), capability.gives.end(),
                                          [&](const Port& port) { return port_is_a(port.type, want.type); });
    });
    // What the price came from speaks for the step, too.
    if (capability.cost.per_kloc_ms >= 1)
      for (const std::string_view fact : {"code.languages", "code.kloc"})
        if (facts_.contains(fact)) step.facts.push_back(fact_text(facts_, fact));
    if (!capability.requires_fact.empty()) step.facts.push_back(fact_text(facts_, capability.requires_fact));
    step.cost_ms = own_cost(*step.capability);
    planned_.steps.push_back(std::move(step));
    return planned_.steps.back().id;
  }

  bool is_available(std::string_view type) const {
    return std::any_of(goal_.available.begin(), goal_.available.end(),
                       [&](const auto& entry) { return port_is_a(entry.first, type); });
  }

  void leave_out() {
    for (const auto* capability : registry_.capabilities()) {
      const bool chosen = std::any_of(planned_.steps.begin(), planned_.steps.end(),
                                      [&](const PlannedStep& step) { return step.capability == capability; });
      if (chosen) continue;
      std::string reason = "not needed: nothing the goal asks for comes only from it";
      if (const auto refused = refused_.find(capability->id); refused != refused_.end()) {
        reason = refused->second;
      } else {
        for (const auto& step : planned_.steps)
          for (const auto& theirs : step.capability->gives)
            for (const auto& port : capability->gives)
              if (port_is_a(theirs.type, port.type))
                reason = step.capability->id + " gives " + port.type + " at lower cost";
        if (capability->gives.empty()) reason = "answers single questions; the goal asks none";
      }
      planned_.left_out.push_back({capability->id, std::move(reason)});
    }
  }

  /// "steps.s1.output.report" for the step that gives the type, or the goal's own expression.
  std::string source_expression(const PlannedStep& step, std::string_view type) const {
    for (const auto& [available, expression] : goal_.available)
      if (port_is_a(available, type)) return expression;
    for (const auto& id : step.needs)
      for (const auto& other : planned_.steps)
        if (other.id == id)
          for (const auto& port : other.capability->gives)
            if (port_is_a(port.type, type))
              return "steps." + id + ".output" + (port.name == kWholeOutput ? "" : "." + port.name);
    return {};
  }

  void write_plan() {
    Json nodes = Json::array();
    for (const auto& step : planned_.steps) {
      Json input = Json::object();
      for (const auto& port : step.capability->takes) {
        const auto expression = source_expression(step, port.type);
        if (expression.empty()) continue;
        const std::string port_name = required_port(port) ? port.name : port.name.substr(0, port.name.size() - 1);
        input.set(port_name, Json::object({{"$from", expression}}));
      }
      Json needs = Json::array();
      for (const auto& id : step.needs) {
        const auto other = std::find_if(planned_.steps.begin(), planned_.steps.end(),
                                        [&](const PlannedStep& s) { return s.id == id; });
        if (other->optional)
          needs.push_back(Json::object({{"id", id}, {"on_failure", "continue"}}));
        else
          needs.push_back(id);
      }
      nodes.push_back(
          Json::object({{"id", step.id},
                        {"kind", "call"},
                        {"capability", step.capability->id + "@" + std::to_string(step.capability->version)},
                        {"effect", name(step.capability->effect)},
                        {"needs", std::move(needs)},
                        {"slot", step.capability->slot},
                        {"input", std::move(input)}}));
    }
    planned_.plan = Json::object({{"v", 1}, {"nodes", std::move(nodes)}});
  }

  const Goal& goal_;
  const Facts& facts_;
  const Registry& registry_;
  std::vector<Want> wants_;
  std::vector<const Capability*> candidates_;
  std::map<std::string, std::string, std::less<>> refused_;
  std::map<std::string, std::int64_t, std::less<>> costs_;
  PlannedGoal planned_;
};

}  // namespace

Result<PlannedGoal> plan_goal(const Goal& goal, const Facts& facts, const Registry& registry) {
  return Planner(goal, facts, registry).plan();
}

Json explain(const PlannedGoal& planned) {
  const auto strings = [](const std::vector<std::string>& words) {
    Json out = Json::array();
    for (const auto& word : words) out.push_back(word);
    return out;
  };
  Json steps = Json::array();
  for (const auto& step : planned.steps)
    steps.push_back(Json::object({{"id", step.id},
                                  {"capability", step.capability->id},
                                  {"title", step.capability->title},
                                  {"optional", step.optional},
                                  {"why", step.why},
                                  {"facts", strings(step.facts)},
                                  {"needs", strings(step.needs)},
                                  {"needed_by", strings(step.needed_by)}}));
  Json left_out = Json::array();
  for (const auto& entry : planned.left_out)
    left_out.push_back(Json::object({{"capability", entry.capability}, {"why_not", entry.why_not}}));
  return Json::object(
      {{"steps", std::move(steps)}, {"left_out", std::move(left_out)}, {"degraded", strings(planned.degraded)}});
}

std::string explain_text(const PlannedGoal& planned) {
  std::string out = "Plan\n";
  for (const auto& step : planned.steps) {
    out += "  " + step.id + "  " + step.capability->id + "\n      " + step.why + "\n";
    if (!step.facts.empty()) out += "      because " + join(step.facts, ", ") + "\n";
    if (!step.needs.empty()) out += "      after " + join(step.needs, ", ") + "\n";
    if (step.optional) out += "      optional: the review goes on without it\n";
  }
  if (!planned.left_out.empty()) out += "Left out\n";
  for (const auto& entry : planned.left_out) out += "  " + entry.capability + ": " + entry.why_not + "\n";
  if (!planned.degraded.empty()) out += "Not possible here\n";
  for (const auto& entry : planned.degraded) out += "  " + entry + "\n";
  return out;
}

}  // namespace wrench::agents
