#pragma once

#include <memory>

#include "wrench/agents/agent.hpp"

/// The agents that come with the program. The composition root registers them.
namespace wrench::agents {

std::unique_ptr<Agent> make_code_analysis();
std::unique_ptr<Agent> make_infosec();
std::unique_ptr<Agent> make_inspector();
std::unique_ptr<Agent> make_journey();
std::unique_ptr<Agent> make_super();

}  // namespace wrench::agents
