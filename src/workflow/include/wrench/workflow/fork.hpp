#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::workflow {

/// A fork of a fork of a fork …
inline constexpr std::size_t kForkDepthMax = 100;
inline constexpr std::size_t kForkEditsMax = 100;

/// Another value in the place of what the earlier execution had.
struct ForkEdit {
  std::string path;  ///< "inputs.a.b[0]", "steps.ID.output.x"
  codec::Json value;
};

/// Go on from what the task's latest execution did.
struct ForkRequest {
  std::string from;  ///< Id or number of a step outside of bodies: it, and what comes after it, runs again.
  std::vector<ForkEdit> edits;
  /// Effects that took place and that nothing keeps from taking place again are all right.
  bool repeat_effects = false;
  std::string actor = "user";
};

/// What a fork would do.
struct ForkPreview {
  struct Effects {
    std::string node;  ///< Outside of bodies.
    std::int64_t count = 0;
  };
  std::string base;                  ///< Id of the execution that it goes back to.
  bool base_open = false;            ///< That one hasn't ended: it must before a fork can take its place.
  std::vector<std::string> runs;     ///< Nodes outside of bodies that run, in the order of the plan.
  std::vector<std::string> unasked;  ///< Of these, those that don't come after `from`: they didn't succeed.
  std::vector<std::string> keeps;    ///< Nodes whose ends stay as they are.
  std::vector<std::string> edits;    ///< Paths that get another value.
  std::vector<Effects> repeats;      ///< Guarded effects that took place, or may have, and would again.
};

/// Reads only. Errors: workflow.task_not_found, workflow.step_not_found (`from`), workflow.fork_invalid (`from` stands
/// in a body; an edit names nothing that can be set; too many edits), workflow.fork_too_deep.
Result<ForkPreview> preview_fork(storage::ReadTx& tx, std::int64_t task_no, const ForkRequest& request);

}  // namespace wrench::workflow
