#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "match_index.hpp"
#include "pattern.hpp"
#include "rule_formula.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::code {

/// What a metavariable stands for: a node, or a piece of text that has none of its own (a property's name, a string's
/// contents, several arguments).
struct Bound {
  NodeIndex node = kNoNode;
  Atom atom = kNoAtom;  ///< When it is one name or literal.
  std::uint32_t first = 0, end = 0;
};

/// Few entries; ordered by time of binding.
using Bindings = std::vector<std::pair<Atom, Bound>>;

const Bound* find(const Bindings& bindings, Atom metavar);
/// Equal but for white space, comments, parentheses and quote style.
bool agree(const FileIndex& file, const Bound& a, const Bound& b);
/// The binding's text as written.
std::string_view text_of(const FileIndex& file, const Bound& bound);

struct Match {
  std::uint32_t first = 0, end = 0;
  NodeIndex node = kNoNode;  ///< Root or first statement; kNoNode for regular expressions.
  bool inside = false;       ///< From pattern-inside.
  bool from_regex = false;
  Bindings bindings;
};

/// Steps and time that one rule may spend on one file.
struct MatchBudget {
  std::uint32_t states_left = 0;
  const Clock* clock = nullptr;
  Deadline deadline;
  StopToken stop;
  enum class Spent : std::uint8_t { No, States, Time, Stopped, RegexLimit };
  Spent spent = Spent::No;

  bool spend() {
    if (spent != Spent::No) return false;
    if (states_left == 0) {
      spent = Spent::States;
      return false;
    }
    if ((--states_left & 1023U) == 0) check_clock();
    return spent == Spent::No;
  }
  void check_clock() {
    if (stop.stop_requested())
      spent = Spent::Stopped;
    else if (clock != nullptr && deadline.passed(*clock))
      spent = Spent::Time;
  }
};

/// All matches of one pattern in one file, in source order. `seed` bindings constrain and come out with the matches.
std::vector<Match> match_pattern(const FileIndex& file, const Pattern& pattern, const MatchOptions& options,
                                 MatchBudget& budget);

}  // namespace wrench::code
