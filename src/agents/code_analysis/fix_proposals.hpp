#pragma once

#include "wrench/agents/agent.hpp"

namespace wrench::agents {

/// Tries the fixes of a tree's findings, of those that `fingerprints` names or of all, and tells what became of each:
/// {changes: one for each file, with patch and inverse; fixes: {fingerprint, rule, path, line, safety, state, reason,
/// description}}. Nothing is written. Errors: those of scan, agent.not_found for a fingerprint that no finding has.
Result<codec::Json> propose_fixes(const codec::Json& input, AgentContext& context);

}  // namespace wrench::agents
