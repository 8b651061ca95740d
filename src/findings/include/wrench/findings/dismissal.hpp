#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// A measured finding that was dismissed is shown again when there is this much more of it.
inline constexpr double kMeasureGrowth = 1.25;

/// What of a finding a decision was made on: when it got worse in one of these, people are asked again.
struct DismissalBasis {
  Severity severity = Severity::Info;
  double measure = 0;
  Reach reach = Reach::Unknown;
  bool operator==(const DismissalBasis&) const = default;
};
DismissalBasis basis_of(const Finding& finding);
codec::Json to_json(const DismissalBasis& basis);
/// Error code findings.invalid.
Result<DismissalBasis> basis_from_json(const codec::Json& value);

/// A person's decision not to be shown a finding again.
struct Dismissal {
  std::string finding_id;  ///< "fnd_…"
  std::string fingerprint, move_fingerprint;
  std::string decision;  ///< accepted_risk, false_positive, snoozed
  std::string reason;
  std::string source;           ///< Who decided and when, for people.
  std::optional<Micros> until;  ///< UTC; from then on it doesn't hold. None: for good.
  DismissalBasis basis;
};

/// What people decided about one repository.
struct Decisions {
  std::string project;  ///< Its path or URL; empty: unknown.
  std::vector<Dismissal> dismissals;
  std::set<std::string, std::less<>> reported;  ///< Fingerprints that were reported before, whatever was decided.
};

/// Findings with one cause: fingerprint of the one that is shown -> those merged into it.
using MergedFindings = std::map<std::string_view, std::vector<std::string_view>>;

/// A decision that is about a finding of today.
struct Recalled {
  const Finding* finding = nullptr;
  const Dismissal* dismissal = nullptr;
  enum class How : std::uint8_t {
    Same,
    Moved,   ///< To another file or function.
    Merged,  ///< Into `finding`, which has the same cause.
  } how = How::Same;
  std::string why_shown;  ///< Why the decision doesn't hold any more; empty: the finding isn't shown.
};

/// Finds what was decided about `findings`. Decisions match by fingerprint, directly or of a finding merged into the
/// one that is shown; what is left of both sides then matches one to one by move fingerprint, unless the finding was
/// reported before: then it is another one. A decision doesn't hold when its time is over, or when the finding got
/// worse than what was decided on: more severe, kMeasureGrowth times as much of it, out of tests, reached by input.
/// Suppressed findings are left alone. Pointers are into what was given.
std::vector<Recalled> recall(std::span<const Finding* const> findings, const Decisions& decisions,
                             const MergedFindings& merged, Micros now);

/// Whether Suppressed::kind is a person's decision.
bool is_dismissal(std::string_view kind);
/// "dismissed as false positive", "accepted as a risk", "snoozed".
std::string_view decision_words(std::string_view kind);

}  // namespace wrench::findings
