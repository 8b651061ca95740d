#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/registry.hpp"

namespace wrench::agents {

/// What is known of the input before anything runs: name -> value with its source. Collected without parsing.
struct Fact {
  codec::Json value;
  std::string source;  ///< "3 files *.py", ".git", …
};
using Facts = std::map<std::string, Fact, std::less<>>;

struct Goal {
  std::string kind;                 ///< "review"
  std::vector<std::string> wants;   ///< Port types asked for; empty: what the kind means.
  std::vector<std::string> agents;  ///< Only these; empty: all.
  codec::Json inputs;               ///< The task's inputs; those named by ports are available from the start.
  std::map<std::string, std::string, std::less<>>
      available;  ///< port type -> expression, e.g. "repo.tree" -> "inputs.tree"
};

struct PlannedStep {
  std::string id;  ///< "s1"
  const Capability* capability = nullptr;
  std::vector<std::string> needs;
  bool optional = false;
  std::int64_t cost_ms = 0;  ///< As it is declared, for a tree of this size; what tokens and risks count for included.
  std::string why;
  std::vector<std::string> facts;      ///< "git.commits=812"
  std::vector<std::string> needed_by;  ///< Step ids, or "goal".
};

struct LeftOut {
  std::string capability;
  std::string why_not;
};

/// `plan` is the immutable graph the workflow runs; the rest explains it and lies outside its hash.
struct PlannedGoal {
  codec::Json plan;
  std::vector<PlannedStep> steps;
  std::vector<LeftOut> left_out;
  std::vector<std::string> degraded;  ///< Wanted things nothing can give here, with the reason.
};

inline constexpr std::size_t kPlanExpansionsMax = 2'000;
inline constexpr std::size_t kPlanStepsMax = 64;

/// Deterministic: the same goal, facts and registry give the same bytes. Backward chaining over port types picks the
/// cheapest producers (Knuth 1977, "A generalization of Dijkstra's algorithm"); ties go to the smaller capability id.
/// Errors: agent.no_plan naming what is missing, agent.no_such_agent.
Result<PlannedGoal> plan_goal(const Goal& goal, const Facts& facts, const Registry& registry);

/// For `--explain-plan`: steps with reasons, then what was left out and why.
codec::Json explain(const PlannedGoal& planned);
std::string explain_text(const PlannedGoal& planned);

}  // namespace wrench::agents
