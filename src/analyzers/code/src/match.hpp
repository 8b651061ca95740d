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
/// Equal but for white space, comments, parentheses and quote style; with symbolic propagation a variable is also what
/// it was set to.
bool agree(const FileIndex& file, const MatchOptions& options, const Bound& a, const Bound& b);
/// The binding's text as written.
std::string_view text_of(const FileIndex& file, const Bound& bound);

struct Match {
  std::uint32_t first = 0, end = 0;
  NodeIndex node = kNoNode;  ///< Root or first statement; kNoNode for regular expressions.
  bool inside = false;       ///< From pattern-inside.
  bool anywhere = false;     ///< Its place doesn't count.
  bool from_regex = false;
  Bindings bindings;
};

/// Steps and time that one rule may spend on one file.
class MatchBudget {
 public:
  struct Limits {
    std::uint32_t states_max = 0;
    Micros cpu_us_max = 0;  ///< From the rule's first step.
  };
  enum class Spent : std::uint8_t { No, States, Time, Stopped, RegexLimit };

  /// `clock` must outlive the budget. What is left of `of_file` bounds the rule, too.
  MatchBudget(Limits limits, CpuBudget of_file, const Clock& clock, StopToken stop)
      : limits_(limits), time_(of_file), clock_(clock), stop_(std::move(stop)) {}

  Spent spent() const { return spent_; }
  void exceed(Spent what) { spent_ = what; }
  /// A pattern had more matches than there is room for; the search goes on.
  void leave_out_matches() { ++left_out_; }
  /// How often that happened.
  std::uint32_t left_out() const { return left_out_; }
  /// One step; false when the search must end.
  bool spend() {
    if (spent_ != Spent::No) return false;
    if (states_ == limits_.states_max) {
      spent_ = Spent::States;
      return false;
    }
    if (states_++ % kStepsPerLook == 0) look();
    return spent_ == Spent::No;
  }

 private:
  static constexpr std::uint32_t kStepsPerLook = 1'024;

  void look() {
    // Not earlier: it costs a system call, and most rules find nothing to try in most files.
    if (states_ == 1) time_ = time_.part(clock_, limits_.cpu_us_max);
    if (stop_.stop_requested())
      spent_ = Spent::Stopped;
    else if (time_.spent())
      spent_ = Spent::Time;
  }

  Limits limits_;
  CpuBudget time_;
  const Clock& clock_;
  StopToken stop_;
  std::uint32_t states_ = 0;
  std::uint32_t left_out_ = 0;
  Spent spent_ = Spent::No;
};

/// Whether the value's declared, constructed or literal type is the one that `type` names.
bool has_type(const FileIndex& file, NodeIndex value, std::string_view type, const MatchOptions& options,
              MatchBudget& budget);

/// All matches of one pattern in one file, in source order.
std::vector<Match> match_pattern(const FileIndex& file, const Pattern& pattern, const MatchOptions& options,
                                 MatchBudget& budget);

}  // namespace wrench::code
