#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "match_formula.hpp"
#include "match_index.hpp"
#include "rule_formula.hpp"

namespace wrench::code {

/// What one taint rule's patterns match in a file.
struct TaintMatches {
  struct Entry {
    const TaintSpec* spec = nullptr;
    std::vector<Match> matches;
  };
  const CompiledRule* rule = nullptr;
  std::vector<Entry> sources, sinks, sanitizers, propagators;

  /// Whether anything could be found.
  bool is_relevant() const;
};

/// Matches every pattern of a taint rule; stops where there can't be a finding.
TaintMatches match_taint(const CompiledRule& rule, const TaintFormulas& formulas, const FileIndex& file,
                         const Atoms& atoms, MatchBudget& budget);

struct TaintStep {
  std::uint32_t first = 0;  ///< Byte.
  std::string callee;
};

/// A value from a source that reaches a sink.
struct TaintFinding {
  const CompiledRule* rule = nullptr;
  Match sink;  ///< With the source's bindings, too.
  Match source;
  std::vector<TaintStep> calls;  ///< From the source's function to the sink's.
  std::vector<Match> others;     ///< Further sources of the same sink, a few.
};

struct TaintResult {
  std::vector<TaintFinding> findings;
  std::vector<std::string> cut;  ///< Functions that weren't followed to the end.
};

/// Follows what the sources of all rules give through the file, in one pass for up to 64 labels.
TaintResult follow_taint(const FileIndex& file, std::span<const TaintMatches> rules, const CpuBudget& budget);

}  // namespace wrench::code
