#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::agents {

/// A finding that doesn't stand, and why: `check` is one of place (tests, examples), dead_code, constant_arguments.
struct Disproved {
  const findings::Finding* finding = nullptr;
  std::string_view check;
  std::string why;
  std::string evidence;  ///< A path, a fingerprint, or the text that shows it.
};

/// Findings with one cause: `kept` is shown, `others` become its related places.
struct Merged {
  const findings::Finding* kept = nullptr;
  std::vector<const findings::Finding*> others;
  std::string why;
};

struct Judgement {
  std::vector<const findings::Finding*> standing;  ///< Neither suppressed nor disproved; merged ones included.
  std::vector<Disproved> disproved;
  std::vector<Merged> merged;
};

/// Only what is certain is disproved: a doubt lowers a rank elsewhere. Pointers are into `findings`; `root` is the
/// report's, as typed.
Judgement judge_findings(std::span<const findings::Finding* const> findings, std::string_view root,
                         const findings::SourceLookup& sources);

/// True for a call all of whose arguments are literals: nothing from outside can get in. Purely lexical; false when in
/// doubt (comments, interpolation, names).
bool has_constant_arguments(std::string_view call);

}  // namespace wrench::agents
