#pragma once

#include <string>

#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/findings_store.hpp"
#include "wrench/workflow/memory.hpp"

/// What people decide about findings, remembered by the agent that judges them: it then knows how findings like a new
/// one were seen before.
namespace wrench::agents {

/// Decides, and remembers why, in one transaction: the returned body. Errors: as workflow::triage::decide.
Result<storage::WriteBody> deciding(workflow::Memory& memory, const workflow::StoredFinding& finding,
                                    workflow::TriageDecision decision);
/// Takes the latest decision back and forgets it; the one that stands then is remembered. The body needs `memory`.
/// Errors: as workflow::triage::undo.
Result<storage::WriteBody> undoing(workflow::Memory& memory, const workflow::StoredFinding& finding, std::string actor);

}  // namespace wrench::agents
