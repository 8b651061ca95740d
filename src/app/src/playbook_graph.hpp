#pragma once

#include <string>

#include "wrench/app/command.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::app {

/// The steps from top to bottom, with a line for each way that leads from one to another.
std::string draw_playbook(const workflow::Playbook& playbook, const PageStyle& style);

/// For Graphviz: one box a step.
std::string playbook_dot(const workflow::Playbook& playbook);

}  // namespace wrench::app
