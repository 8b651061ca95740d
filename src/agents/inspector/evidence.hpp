#pragma once

#include "wrench/agents/agent.hpp"

namespace wrench::agents {

/// inspector.ask: asks the journey who introduced the findings that matter most. {asked}: about how many.
AgentOutput ask_for_evidence(const findings::Report& code, const findings::Report* secrets,
                             const codec::Json& inspection);

/// inspector.weigh: takes the answers in. {evidence: [{fingerprint, commit, date, author, message_id}], unknown:
/// [{fingerprint, why, message_id}]}.
Result<AgentOutput> weigh_evidence(AgentContext& context);

}  // namespace wrench::agents
