#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/code/macro_table.hpp"
#include "wrench/code/rule.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/suppression.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// CPU time of one rule in one file.
inline constexpr Micros kRuleCpuMax = 500 * kMicrosPerMs;

struct CodeOptions {
  ParseLimits parse;
  std::uint32_t match_states_max = 100'000;  ///< Matcher steps per rule and file.
  Micros rule_us_max = kRuleCpuMax;
  std::uint32_t findings_per_rule_max = 1'000;  ///< Per rule and file.
  bool search = true;                           ///< Rules that match patterns.
  bool taint = true;                            ///< Rules that follow values: `mode: taint`.
  bool memory_checks = false;                   ///< C and C++: what goes wrong with memory and numbers.
  bool taint_facts = false;  ///< Leave in FileResult::taint what following values into other files needs.
  /// C and C++: macros of the tree's headers, or null; must outlive the analyzer.
  const MacroTable* macros = nullptr;
  std::vector<std::string> disabled_rules;  ///< Ids, last dotted parts or "prefix.*".
  bool obey_rule_paths = true;              ///< Off in rule tests.
  /// Which grammar rule languages apply to a file of another or unknown language: rule tests and files named on the
  /// command line are read in the rule's language.
  source::Language language_override = source::Language::Unknown;
};

/// What one file gave. The tree lives until the next analyze() of the same analyzer.
struct FileResult {
  std::vector<findings::Finding> findings;  ///< By offset, then rule; not yet suppressed, ranked or baselined.
  std::vector<findings::Partial> partial;
  std::vector<findings::CommentSpan> comments;  ///< For findings::Suppressions, over all analyzers' findings.
  /// C and C++: functions with more ways through than the memory checks follow. What goes wrong on one of them is told,
  /// what does on every one isn't.
  std::vector<std::string> followed_in_part;
  std::string taint;       ///< For FileFacts::taint.
  const Ir* ir = nullptr;  ///< Null when the language has no grammar or parsing was cut short.
  const Atoms* atoms = nullptr;
};

/// Parses a file once and runs the rules over it. One per thread; keeps parsers and scratch memory between files.
class FileAnalyzer {
 public:
  /// `rules` and `clock` must outlive the analyzer.
  FileAnalyzer(const RuleSet& rules, CodeOptions options, const Clock& clock);
  FileAnalyzer(FileAnalyzer&&) noexcept;
  FileAnalyzer& operator=(FileAnalyzer&&) noexcept;
  ~FileAnalyzer();

  /// `budget` is for parsing and rules together. Never fails as a whole: what went wrong or over budget is in `partial`
  /// (file_timeout, nesting_too_deep, nodes_max, match_states_max, matches_max, rule_timeout, findings_max,
  /// regex_limit), what was found before it stays.
  FileResult analyze(const source::SourceText& text, CpuBudget budget, const StopToken& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::code
