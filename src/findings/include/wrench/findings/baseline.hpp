#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

inline constexpr std::size_t kBaselineBytesMax = std::size_t{256} << 20;

struct BaselineDiff {
  std::vector<bool> is_new;   ///< One per finding given; suppressed ones are new unless they were known.
  std::uint64_t matched = 0;  ///< Unsuppressed findings that the baseline holds.
  std::uint64_t fixed = 0;    ///< Unsuppressed findings of the baseline that are gone.
};

/// The findings of an earlier report, as far as they are needed to tell old from new.
class Baseline {
 public:
  /// Any earlier JSON report. Error codes findings.baseline_invalid, findings.baseline_schema,
  /// findings.baseline_too_large.
  static Result<Baseline> read(std::string_view json);

  /// The findings of a report that is at hand.
  static Baseline of(std::span<const Finding> findings);

  /// Matches by fingerprint as multisets, then what is left one to one by the move fingerprint.
  BaselineDiff diff(std::span<const Finding> findings) const;

  const std::string& date() const { return date_; }  ///< "2026-11-02", empty when unknown.
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string fingerprint;
    std::string move_fingerprint;
    bool suppressed = false;
  };
  std::vector<Entry> entries_;
  std::string date_;
};

/// Clears is_new of every finding that the baseline holds, and sets the summary's baseline figures. What was known
/// before stays known: baselines add up.
void apply_baseline(Report& report, const Baseline& baseline);

}  // namespace wrench::findings
