#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/transitions.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kHeldStepsMax = 1'000;

/// A step that goes on only when a person decides: it failed for good and its task keeps such steps, or nobody knows
/// whether its effect took place.
struct HeldStep {
  std::string task_id, task_title;
  std::int64_t execution_no = 0, step_no = 0;
  std::string node, capability;
  StepState state = StepState::Dead;  ///< Or Uncertain.
  int attempt = 0, lost = 0;
  codec::Json error;  ///< Its last one: {"code", "message"}; null: its process died.
  Micros at = 0;      ///< Since then; 0: unknown.
};

/// Which of them. Globs (* and ?); empty: any.
struct HeldFilter {
  std::string task_id;
  std::string code, capability;
  std::int64_t step_no = 0;  ///< 0: any.
};

/// By execution and step, at most kHeldStepsMax. `more`: there are others.
struct HeldSteps {
  std::vector<HeldStep> steps;
  bool more = false;
};
Result<HeldSteps> list_held_steps(storage::ReadTx& tx, const HeldFilter& filter);

}  // namespace wrench::workflow
