#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "wrench/agents/agent.hpp"

namespace wrench::agents {

/// The agents of one program. Filled once by the composition root, then read from any thread.
class Registry {
 public:
  /// Errors: agent.invalid_spec naming what is wrong (name, duplicate id, unknown port type, schema that doesn't parse,
  /// a capability that needs an LLM without an offline alternative).
  Result<void> add(std::unique_ptr<Agent> agent);

  std::span<const std::unique_ptr<Agent>> agents() const { return agents_; }
  const Agent* find(std::string_view agent) const;
  const Capability* capability(std::string_view id) const;
  std::vector<const Capability*> capabilities() const;  ///< Sorted by id.

 private:
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace wrench::agents
