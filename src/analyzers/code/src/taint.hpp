#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "match_formula.hpp"
#include "match_index.hpp"
#include "rule_formula.hpp"
#include "taint_unit.hpp"

namespace wrench::code {

/// What one taint rule's patterns match in a file.
struct TaintMatches {
  struct Entry {
    const TaintSpec* spec = nullptr;
    std::vector<Match> matches;
  };
  const CompiledRule* rule = nullptr;
  std::vector<Entry> sources, sinks, sanitizers, propagators;

  bool empty() const { return sources.empty() && sinks.empty() && sanitizers.empty() && propagators.empty(); }
};

/// How much of a rule's matches is wanted: what can lead to a finding in this file, or all that other files may need.
enum class TaintReach : std::uint8_t { File, Project };

/// Matches every pattern of a taint rule.
TaintMatches match_taint(const CompiledRule& rule, const TaintFormulas& formulas, const FileIndex& file,
                         const Atoms& atoms, MatchBudget& budget, TaintReach reach);

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

/// One file with its rules' matches: what is found in it, and what other files need of it.
class FileTaint {
 public:
  FileTaint(const FileIndex& file, std::vector<TaintMatches> rules);
  TaintResult follow(const CpuBudget& budget) const;
  /// Rules mark more places than are followed.
  bool too_many_marks() const { return too_many_marks_; }

  const TaintUnit& unit() const { return unit_; }
  /// By mark of the unit.
  const CompiledRule& rule(std::size_t mark) const { return *places_[mark].rule; }
  const Match& match(std::size_t mark) const { return places_[mark].match; }

 private:
  struct Place {
    const CompiledRule* rule = nullptr;
    Match match;
  };
  bool merge(Match& sink, const Match& source, const CompiledRule& rule) const;

  const FileIndex& file_;
  TaintUnit unit_;
  std::vector<Place> places_;  ///< By mark.
  bool too_many_marks_ = false;
};

}  // namespace wrench::code
