#include "flow.hpp"

#include <algorithm>

#include "names.hpp"
#include "step.hpp"

namespace wrench::workflow::playbook {

namespace {

constexpr std::size_t kTermsMax = 16;
constexpr std::size_t kTermExitsMax = 16;

/// "Step `first` was left by its exit `second`": 0 is its next, i the i-th of its gotos.
using Exit = std::pair<std::size_t, std::size_t>;
using Term = std::set<Exit>;   // All of them.
using Terms = std::set<Term>;  // Any of them.

/// Drops terms that others imply, and exits that make no difference because the step's others lead there as well.
void simplify(Terms& terms, const std::vector<FlowStep>& steps) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Term& term : terms) {
      for (const Exit& exit : term) {
        Term rest = term;
        rest.erase(exit);
        bool every = true;
        for (std::size_t e = 0; e <= steps[exit.first].gotos.size() && every; ++e) {
          Term other = rest;
          other.insert({exit.first, e});
          every = terms.contains(other);
        }
        if (!every) continue;
        std::erase_if(terms, [&](const Term& t) { return std::ranges::includes(t, rest); });
        terms.insert(std::move(rest));
        changed = true;
        break;
      }
      if (changed) break;
    }
  }
  const Terms all = terms;
  std::erase_if(terms, [&](const Term& t) {
    return std::ranges::any_of(all, [&](const Term& other) { return other != t && std::ranges::includes(t, other); });
  });
}

std::string written(const Terms& terms, const std::vector<FlowStep>& steps) {
  std::vector<std::string> any;
  for (const Term& term : terms) {
    std::vector<std::string> all;
    for (const auto& [step, exit] : term) {
      const std::string jump = output_path(steps[step].id) + ".goto";
      all.push_back(exit == 0 ? "not has(" + jump + ")"
                              : jump + " == " + quoted(steps[steps[step].gotos[exit - 1]].id));
    }
    if (all.empty()) return {};
    any.push_back(all_of(all));
  }
  return any_of(any);
}

}  // namespace

std::vector<FlowPlace> lay_out(const std::vector<FlowStep>& steps) {
  std::vector<FlowPlace> places(steps.size());
  std::vector<Terms> reached(steps.size());
  for (FlowPlace& place : places) place.ended.assign(steps.size(), false);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i != 0 && !(steps[i].needs_given && steps[i].needs.empty())) continue;
    places[i].reachable = true;
    reached[i].insert(Term());
  }
  const auto lead = [&](std::size_t from, std::size_t exit, std::size_t to) {
    if (std::ranges::find(places[to].after, from) == places[to].after.end()) places[to].after.push_back(from);
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (places[from].ended[i]) places[to].ended[i] = true;
    places[to].ended[from] = true;
    places[to].reachable = places[to].reachable || places[from].reachable;
    for (Term term : reached[from]) {
      if (term.size() > kTermExitsMax || reached[to].size() > 2 * kTermsMax) {
        places[to].too_many = true;
        return;
      }
      if (!steps[from].gotos.empty()) term.insert({from, exit});
      reached[to].insert(std::move(term));
    }
  };
  // All edges lead forward, so a step's own place is known when its turn comes.
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::size_t need : steps[i].needs) lead(need, 0, i);
    simplify(reached[i], steps);
    places[i].too_many = places[i].too_many || reached[i].size() > kTermsMax;
    if (places[i].too_many) return places;
    places[i].reached = written(reached[i], steps);
    if (!places[i].reachable) continue;
    for (std::size_t g = 0; g < steps[i].gotos.size(); ++g) lead(i, g + 1, steps[i].gotos[g]);
    if (!steps[i].next) continue;
    if (steps[i].implicit_next && steps[*steps[i].next].needs_given) continue;
    lead(i, 0, *steps[i].next);
  }
  return places;
}

}  // namespace wrench::workflow::playbook
