#pragma once

#include <string>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

/// One-step tasks a second that the engine completes on the disk of that folder, many at once and one after the other:
/// tried in a store of its own there, which is removed again.
struct TaskSpeed {
  double at_once = 0;
  double in_turn = 0;
};
Result<TaskSpeed> measure_tasks(const std::string& directory, const StopToken& stop);

}  // namespace wrench::app
