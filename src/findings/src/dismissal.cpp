#include "wrench/findings/dismissal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "finding_json.hpp"

namespace wrench::findings {
namespace {

struct Decision {
  std::string_view kind, words;
};
constexpr std::array kDecisions = {Decision{"accepted_risk", "accepted as a risk"},
                                   Decision{"false_positive", "dismissed as false positive"},
                                   Decision{"snoozed", "snoozed"}};

/// Why a decision on `then` doesn't hold for `now`, or empty.
std::string worse_than(const DismissalBasis& then, const DismissalBasis& now, Recalled::How how) {
  if (now.severity > then.severity) return fmt::format("it is {} now, not {}", name(now.severity), name(then.severity));
  if (then.reach == Reach::TestOrDead && now.reach != Reach::TestOrDead)
    return "it is no longer in tests, examples or code that never runs";
  if (now.reach == Reach::Entry && then.reach != Reach::Entry) return "input from outside gets there now";
  // Measures of two rules aren't of one kind.
  if (how != Recalled::How::Merged && then.measure > 0 && now.measure >= then.measure * kMeasureGrowth)
    return fmt::format("it has grown from {:g} to {:g}", then.measure, now.measure);
  return {};
}

class Matching {
 public:
  Matching(const Decisions& decisions, const MergedFindings& merged, Micros now)
      : decisions_(decisions), merged_(merged), now_(now), taken_(decisions.dismissals.size(), false) {
    for (std::size_t i = 0; i < taken_.size(); ++i) by_fingerprint_.emplace(decisions.dismissals[i].fingerprint, i);
  }

  std::vector<Recalled> run(std::span<const Finding* const> findings) {
    std::vector<const Finding*> left;
    for (const Finding* finding : findings) {
      // A decision is used up by a finding that a comment hides, too: it is there, so it hasn't moved.
      const Dismissal* exact = take(finding->fingerprint);
      const Dismissal* of_group = take_merged(finding->fingerprint);
      if (finding->suppressed) continue;
      if (exact != nullptr)
        add(*finding, *exact, Recalled::How::Same);
      else if (of_group != nullptr)
        add(*finding, *of_group, Recalled::How::Merged);
      else
        left.push_back(finding);
    }
    match_moved(left);
    return std::move(out_);
  }

 private:
  const Dismissal* take(std::string_view fingerprint) {
    const auto found = by_fingerprint_.find(fingerprint);
    if (found == by_fingerprint_.end()) return nullptr;
    taken_[found->second] = true;
    return &decisions_.dismissals[found->second];
  }

  const Dismissal* take_merged(std::string_view fingerprint) {
    const Dismissal* first = nullptr;
    const auto group = merged_.find(fingerprint);
    if (group == merged_.end()) return nullptr;
    for (const std::string_view other : group->second)
      if (const Dismissal* dismissal = take(other); first == nullptr) first = dismissal;
    return first;
  }

  void match_moved(const std::vector<const Finding*>& findings) {
    std::unordered_map<std::string_view, std::vector<const Dismissal*>> moved;
    for (std::size_t i = taken_.size(); i-- > 0;) {
      const Dismissal& dismissal = decisions_.dismissals[i];
      if (!taken_[i] && !dismissal.move_fingerprint.empty()) moved[dismissal.move_fingerprint].push_back(&dismissal);
    }
    for (const Finding* finding : findings) {
      const auto found = moved.find(finding->move_fingerprint);
      if (found == moved.end() || found->second.empty() || decisions_.reported.contains(finding->fingerprint)) continue;
      add(*finding, *found->second.back(), Recalled::How::Moved);
      found->second.pop_back();
    }
  }

  void add(const Finding& finding, const Dismissal& dismissal, Recalled::How how) {
    std::string why = dismissal.until && *dismissal.until <= now_
                          ? "its time ended on " + format_date(*dismissal.until - 1)
                          : worse_than(dismissal.basis, basis_of(finding), how);
    out_.push_back({&finding, &dismissal, how, std::move(why)});
  }

  const Decisions& decisions_;
  const MergedFindings& merged_;
  const Micros now_;
  std::vector<bool> taken_;
  std::unordered_map<std::string_view, std::size_t> by_fingerprint_;
  std::vector<Recalled> out_;
};

}  // namespace

bool is_dismissal(std::string_view kind) { return !decision_words(kind).empty(); }

std::string_view decision_words(std::string_view kind) {
  const auto found = std::ranges::find(kDecisions, kind, &Decision::kind);
  return found == kDecisions.end() ? std::string_view() : found->words;
}

DismissalBasis basis_of(const Finding& finding) { return {finding.severity, finding.measure, finding.reach}; }

codec::Json to_json(const DismissalBasis& basis) {
  return codec::Json::object(
      {{"severity", name(basis.severity)}, {"measure", basis.measure}, {"reachable", reach_word(basis.reach)}});
}

Result<DismissalBasis> basis_from_json(const codec::Json& value) {
  std::optional<Error> error;
  DismissalBasis basis;
  const JsonFields fields(value, "basis", error);
  fields.word("severity", basis.severity, severity_of_word);
  fields.number("measure", basis.measure);
  fields.word("reachable", basis.reach, reach_of_word);
  if (error) return std::move(*error);
  return basis;
}

std::vector<Recalled> recall(std::span<const Finding* const> findings, const Decisions& decisions,
                             const MergedFindings& merged, Micros now) {
  return Matching(decisions, merged, now).run(findings);
}

}  // namespace wrench::findings
