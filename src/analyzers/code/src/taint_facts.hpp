#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "taint_unit.hpp"
#include "wrench/base/result.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::code {

/// Where a mark stands, for reports.
struct TaintPlace {
  findings::Position start, end;
  std::string finding;  ///< Sinks: findings::to_record() of what would be reported, without a trace.
  std::string tokens;   ///< Sinks: what the fingerprint is made of.
  std::vector<std::pair<std::string, std::string>> metavars;  ///< Sources: name and text.
};

/// A file's part in following values through the project.
struct TaintFacts {
  TaintUnit unit;
  std::vector<TaintPlace> places;  ///< By mark.
};

std::string to_record(const TaintFacts& facts);
/// Error code code.facts_record_invalid for damaged bytes: every index of what comes back is in range.
Result<TaintFacts> taint_facts_from_record(std::string_view bytes);

}  // namespace wrench::code
