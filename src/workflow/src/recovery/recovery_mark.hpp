#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/workflow/recovery.hpp"

namespace wrench::workflow {

/// What a step remembers of its recoveries from one attempt to the next, whatever process makes it: a checkpoint
/// {"$recovery": …} around the capability's own. A step that never needed one has none.
struct RecoveryMark {
  int round = 0;  ///< How often it began anew, undone or with another input: with effects, calls and values of its own.

  bool undoing = false;      ///< From here on only what undoes it runs.
  bool gathers = false;      ///< Which effects took place isn't known yet: the engine decided, and none of its runs.
  std::string instead;       ///< This capability runs in its place, once; empty: none does.
  bool may_pass = false;     ///< If that fails, too: the step may be tried again.
  bool must_shrink = false;  ///< Nothing replaces a member: a list has to be shorter than before, or the step fails.
  std::string inverse, policy;
  bool then_skips = false;
  std::vector<std::string> effects;  ///< Keys of those that took place in this round.
  std::string code, message;         ///< Of the failure that is undone, or that the input was changed for.

  std::map<std::string, codec::Json> set;  ///< Members of the input.
  std::map<std::string, int> halved;       ///< How often, by member of the input.

  std::optional<codec::Json> checkpoint;  ///< The capability's own; of the inverse, while that runs.

  bool empty() const { return round == 0 && !undoing && instead.empty() && set.empty() && halved.empty(); }
  /// Whether a step's checkpoint is one.
  static bool is_in(std::string_view checkpoint_json);
  bool changes_input() const { return !set.empty() || !halved.empty(); }
  /// The capability that runs rather than the step's own; empty: that one does.
  const std::string& acting() const { return undoing ? inverse : instead; }
  /// Some list of the input is shorter than it was before the last change.
  bool shrinks(const codec::Json& input) const;
  /// Out of a step's checkpoint.
  static RecoveryMark of(const std::optional<codec::Json>& checkpoint);
  codec::Json json() const;

  /// The input of the next attempt. `left_out`: how many items of which lists it has no more.
  codec::Json changed(codec::Json input, std::map<std::string, std::size_t>& left_out) const;
};

/// What a step gives whose task goes on without it. `word`: "skipped" or "undone_by"; `what`: a capability.
codec::Json partial_output(std::string_view code, std::string_view message, std::string_view word,
                           std::string_view what);

}  // namespace wrench::workflow
