#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Which steps follow which, and under what condition one is reached at all: forward jumps only.
namespace wrench::workflow::playbook {

/// A step as the flow sees it. Steps are known by their index, in order of the text.
struct FlowStep {
  std::string id;
  std::optional<std::size_t> next;  ///< Nothing: the flow ends here.
  std::vector<std::size_t> gotos;   ///< Where a gate of it may jump to.
  /// `needs` was written: nobody's implicit next leads here. Empty: it begins at once.
  bool needs_given = false;
  std::vector<std::size_t> needs;
  bool implicit_next = false;  ///< `next` wasn't written.
};

struct FlowPlace {
  std::vector<std::size_t> after;  ///< Direct predecessors.
  std::vector<bool> ended;         ///< Steps that have ended when this one begins.
  bool reachable = false;
  std::string reached;    ///< Condition on gates' jumps; empty: always.
  bool too_many = false;  ///< Jumps cross so often that `reached` would explode.
};

std::vector<FlowPlace> lay_out(const std::vector<FlowStep>& steps);

}  // namespace wrench::workflow::playbook
