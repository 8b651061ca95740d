#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "embedded.hpp"
#include "match.hpp"

namespace wrench::code {

/// Evaluates one rule's formula over one file (specification 3.5). `file` is null for rules over text alone.
class FormulaRun {
 public:
  FormulaRun(const FileIndex* file, std::string_view text, const Atoms& atoms, const CompiledRule& rule,
             MatchBudget& budget, EmbeddedReader* embedded = nullptr)
      : file_(file),
        text_(text),
        atoms_(atoms),
        rule_(rule),
        budget_(budget),
        embedded_(embedded),
        leaves_(rule.leaves) {}

  /// One match for each final range, in source order, with its first binding.
  std::vector<Match> run(const Formula& formula);
  /// The same with every binding of a range.
  std::vector<Match> run_all(const Formula& formula);

 private:
  struct Window {
    std::uint32_t first = 0, end = 0;
  };

  std::vector<Match> evaluate(const Formula& formula, const Window& window, const Bindings* outer);
  std::vector<Match> pattern(const Formula& formula, const Window& window, const Bindings* outer);
  std::vector<Match> generic(const Formula& formula, const Window& window, const Bindings* outer);
  /// Those in the window that agree with the bindings around, and their bindings added.
  std::vector<Match> confined(const std::vector<Match>& found, const Window& window, const Bindings* outer) const;
  std::vector<Match> regex(const Formula& formula, const Window& window, const Bindings* outer);
  std::vector<Match> all(const Formula& formula, const Window& window, const Bindings* outer);
  std::vector<Match> intersect(const std::vector<Match>& a, const std::vector<Match>& b);
  std::vector<Match> intersect_anywhere(const std::vector<Match>& a, const std::vector<Match>& b);
  void drop(std::vector<Match>& matches, const Formula& negative, const Window& window, const Bindings* outer);
  bool holds(const Condition& condition, Match& match);
  bool holds_regex(const Condition& condition, Match& match, const Bound& bound);
  bool holds_formula(const Condition& condition, Match& match, const Bound& bound);
  bool holds_embedded(const Condition& condition, Match& match, const Bound& bound);
  bool holds_analysis(const Condition& condition, const Bound& bound) const;
  bool holds_type(const Condition& condition, const Bound& bound);
  bool comes_from(const Condition& condition, const Bound& bound) const;
  /// What the metavariable stands for, a string without its quotes.
  std::string_view contents(const Bound& bound) const;
  bool is_escaped(const Bound& bound) const;
  /// The match narrowed to each of the focused metavariables.
  std::vector<Match> focus(const Match& match, const std::vector<std::vector<Atom>>& lists) const;
  /// A pattern against a name that has no node of its own.
  std::optional<Match> name_only(const Pattern& pattern, const Bound& bound) const;
  bool merge(Bindings& into, const Bindings& from) const;
  bool same_text(const Bound& a, const Bound& b) const;

  const FileIndex* file_;
  std::string_view text_;
  const Atoms& atoms_;
  const CompiledRule& rule_;
  MatchBudget& budget_;
  EmbeddedReader* embedded_;                               ///< Null: what strings hold isn't looked into.
  std::vector<std::optional<std::vector<Match>>> leaves_;  ///< What each pattern found in the whole file.
  const Bound* subject_ = nullptr;                         ///< What the innermost metavariable-pattern speaks of.
};

/// A metavariable's value for comparisons and messages: its literal, or the constant it stands for.
std::optional<std::string> constant_text(const FileIndex& file, const Bound& bound);

/// Whether the comparison is true; a type error is false.
bool compare(const ComparisonExpr& expression, const Condition& condition, const Bindings& bindings,
             const FileIndex* file, std::string_view text, const Atoms& atoms);

}  // namespace wrench::code
