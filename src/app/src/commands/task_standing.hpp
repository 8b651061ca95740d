#pragma once

#include <string>
#include <vector>

#include "../workspace.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::app {

/// What becomes of a task if nobody does anything.
struct Standing {
  enum class Kind : std::uint8_t {
    Ended,
    GoesOn,  ///< `why`: what it waits for; empty: it runs.
    Person,  ///< Whoever runs it waits for somebody to decide something.
    Nobody,  ///< No process runs it, or will.
  };
  Kind kind = Kind::GoesOn;
  std::string why;                ///< A sentence without a full stop, or empty.
  std::vector<std::string> help;  ///< Commands with which it goes on.
};
Result<Standing> standing_of(Workspace& space, const workflow::TaskView& task);

/// "why: command, or command"
std::string standing_text(const Standing& standing);

/// The task's dependencies that keep it from beginning. Of one that has begun none.
Result<std::vector<workflow::DependencyView>> in_the_way(Workspace& space, const workflow::TaskView& task);

/// Tasks that a process that serves would begin; without those that wait for others.
Result<std::vector<std::string>> queued_tasks(Workspace& space);

}  // namespace wrench::app
