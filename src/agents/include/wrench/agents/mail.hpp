#pragma once

#include <string_view>
#include <vector>

#include "wrench/workflow/messages.hpp"

/// What agents and people write to each other.
namespace wrench::agents {

/// {text}: for people, and for whoever else reads it.
inline constexpr std::string_view kNote = "note";
/// {root, findings: [{fingerprint, path, line, content}]}: who introduced these findings? As in findings::Report (root)
/// and findings::Location.
inline constexpr std::string_view kEvidenceWanted = "finding.evidence_wanted";
/// {evidence: [{fingerprint, commit, date, author}], unknown: [{fingerprint, why}]}: the answer.
inline constexpr std::string_view kEvidence = "finding.evidence";

/// For workflow::MessageTypes::make().
std::vector<workflow::MessageType> message_types();

}  // namespace wrench::agents
