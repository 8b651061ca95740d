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

  bool undoing = false;  ///< From here on only what undoes it runs.
  std::string inverse, policy;
  bool then_skips = false;
  std::vector<std::string> effects;  ///< Keys of those that took place in this round.
  std::string code, message;         ///< Of the failure that is undone, or that the input was changed for.

  std::map<std::string, codec::Json> set;  ///< Members of the input.
  std::map<std::string, int> halved;       ///< How often, by member of the input.

  std::optional<codec::Json> checkpoint;  ///< The capability's own; of the inverse, while that runs.

  bool empty() const { return round == 0 && !undoing && set.empty() && halved.empty(); }
  bool changes_input() const { return !set.empty() || !halved.empty(); }
  /// Out of a step's checkpoint.
  static RecoveryMark of(const std::optional<codec::Json>& checkpoint);
  codec::Json json() const;

  /// The input of the next attempt. `left_out`: how many items of which lists it has no more.
  codec::Json changed(codec::Json input, std::map<std::string, std::size_t>& left_out) const;
};

}  // namespace wrench::workflow
