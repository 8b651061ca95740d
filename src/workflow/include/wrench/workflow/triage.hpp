#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/findings/dismissal.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kTriageReasonBytesMax = 2048;
inline constexpr Micros kTriageUntilMax = 3'660 * kMicrosPerDay;

enum class FindingState : std::uint8_t { Open, AcceptedRisk, FalsePositive, Snoozed, Fixed };
std::string_view name(FindingState state);
std::optional<FindingState> parse_finding_state(std::string_view word);
/// Accepted, false or snoozed: reviews don't report it.
bool is_dismissed(FindingState state);

/// What a person decides about a finding. Dismissals need a reason; a snooze needs an end, an accepted risk may have
/// one.
struct TriageDecision {
  FindingState state = FindingState::Open;
  std::string reason;           ///< At most kTriageReasonBytesMax.
  std::optional<Micros> until;  ///< UTC; from then on it doesn't hold.
  std::string actor;            ///< "user:ada"
};

struct TriageEntry {
  std::int64_t id = 0;
  Micros at = 0;
  TriageDecision decision;
  std::string origin;  ///< The finding that it was taken over from.
  std::optional<Micros> undone_at;
  std::string undone_by;
};

/// A decision about one finding that holds for another fingerprint, too: it moved, or was merged into that one.
struct TakenOver {
  std::string finding_id;   ///< Decided about.
  std::string fingerprint;  ///< Of today's report.
  bool moved = false;       ///< The old one is gone.
  std::string why_shown;    ///< Empty: the decision holds.
};

/// Decisions about findings. They are kept for good: undoing marks the latest as undone and goes back to the one
/// before. Each change writes an event (finding.triaged). Error codes workflow.invalid_triage,
/// workflow.finding_not_found, workflow.nothing_to_undo.
namespace triage {
Result<void> decide(storage::WriteTx& tx, std::int64_t finding, const TriageDecision& decision);
/// The decision that stands now, if any.
Result<std::optional<TriageEntry>> undo(storage::WriteTx& tx, std::int64_t finding, std::string_view actor);
/// Oldest first.
Result<std::vector<TriageEntry>> history(storage::ReadTx& tx, std::int64_t finding);

/// What stands about the findings of the repository that the execution's task is about.
Result<findings::Decisions> decisions_for(storage::ReadTx& tx, std::int64_t execution_no);
/// After the execution's findings were stored: it is the latest review, and decisions follow what moved or was merged.
/// Running it again changes nothing.
Result<void> after_review(storage::WriteTx& tx, std::int64_t execution_no, const std::vector<TakenOver>& all);
/// A finding is reported although somebody called it fixed, or dismissed it on other grounds. What was decided after
/// `seen_at` stands: whoever saw it couldn't know.
Result<void> reopen(storage::WriteTx& tx, std::int64_t finding, std::string_view why, Micros seen_at);
}  // namespace triage

}  // namespace wrench::workflow
