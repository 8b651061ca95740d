#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// The title, or the message's first sentence (at most 120 characters).
std::string headline(const Finding& finding);
/// "2026-11-28 by Ada in 1a2b3c4": of a finding with `introduced`, else empty. Hostile text, like all names.
std::string introduced_text(const Finding& finding);

/// Indexed by Severity.
struct SeverityCounts {
  std::array<std::uint64_t, 5> by_severity{};
  std::uint64_t of(Severity severity) const { return by_severity[static_cast<std::size_t>(severity)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : by_severity) sum += n;
    return sum;
  }
  std::uint64_t at_or_above(Severity severity) const {
    std::uint64_t sum = 0;
    for (std::size_t i = static_cast<std::size_t>(severity); i < by_severity.size(); ++i) sum += by_severity[i];
    return sum;
  }
};

/// Suppressed::kind of what an agent found evidence against; the others somebody decided to live with.
inline constexpr std::string_view kSetAside = "inspector";
/// What isn't shown, by who decided: "2 suppressed", "3 dismissed as false positive", "1 set aside". Without those that
/// there are none of.
std::vector<std::string> hidden_counts(const Report& report);
/// "a comment", "inspector", "snoozed until 2026-12-24, user:ada, 2026-11-28".
std::string decided_by(const Suppressed& suppressed);

/// What counts: new and not suppressed.
SeverityCounts count_findings(const Report& report);
std::map<std::string, std::uint64_t, std::less<>> count_skipped(const Report& report);

}  // namespace wrench::findings
