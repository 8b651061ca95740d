#pragma once

#include <string>

#include "wrench/app/console.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::app {

struct ReviewScreen {
  std::size_t top = 10;  ///< Findings shown in full.
  bool all = false;
  bool explain_skipped = false;
  bool show_dismissed = false;
  std::string command = "review";          ///< For the hints it prints.
  std::optional<findings::Severity> gate;  ///< Empty: no gate.
  bool tells_gate = true;                  ///< The last line, with the gate and the time.
};

/// The screen of the CLI spec 3.15: header, findings by rank with code, "Look here first", counts, gate.
std::string render_review(const findings::Report& report, const ReviewScreen& screen, const Console& console);

/// Findings that count for the gate and the screen: not suppressed, not in the baseline.
bool counts(const findings::Finding& finding);
std::size_t at_or_above(const findings::Report& report, findings::Severity gate);

}  // namespace wrench::app
