#pragma once

#include <span>
#include <string_view>

#include "wrench/base/error.hpp"

namespace wrench::app {

/// The one table of exit codes; `wrench help exit-codes` prints it.
enum class ExitCode : int {
  Done = 0,
  AnswerIsNo = 1,
  Usage = 2,
  OperationFailed = 3,
  NotPermitted = 4,
  NotFound = 5,
  Conflict = 6,
  NeedsPerson = 7,
  Stopped = 8,
  Unreachable = 9,
  Partial = 10,
  Interrupted = 130,
  ClosedPipe = 141,
  Terminated = 143,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};
std::span<const ExitCodeMeaning> exit_code_meanings();

/// Longest matching prefix of the error's code decides; what the table doesn't name is OperationFailed.
ExitCode exit_code(const Error& error);

/// Several at once: 2, 3, 130, 1, 10 in that order.
ExitCode more_urgent(ExitCode a, ExitCode b);

}  // namespace wrench::app
