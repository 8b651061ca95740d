#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "generic_text.hpp"
#include "pattern.hpp"
#include "wrench/code/rule.hpp"
#include "wrench/source/pattern_set.hpp"
#include "wrench/source/regex.hpp"

namespace wrench::code {

/// Options of a rule that change how patterns match (specification 3.5).
struct MatchOptions {
  bool constant_propagation = true;
  bool symbolic_propagation = false;
  bool implicit_deep_exprstmt = true;
  bool vardef_assign = true;
  bool flddef_assign = false;
  bool attr_expr = true;
  bool arrow_is_function = true;
  bool let_is_var = true;
  bool symmetric_eq = false;
  bool ac_matching = true;
  bool commutative_boolop = false;
  bool decorators_order_matters = false;
  bool implicit_ellipsis = true;
  bool implicit_return = true;
  bool xml_singleton_loose_matching = true;
  bool xml_attrs_implicit_ellipsis = true;
  bool xml_children_ordered = true;
};

/// The little language of metavariable-comparison.
struct ComparisonExpr {
  enum class What : std::uint8_t { Number, Text, Bool, Metavar, List, Unary, Binary, Call };
  What what = What::Number;
  double number = 0;
  bool truth = false;
  std::string text;  ///< Literal, metavariable, operator or function.
  std::vector<ComparisonExpr> parts;
};
/// Error code rules.invalid with the position in words.
Result<ComparisonExpr> parse_comparison(std::string_view text);

struct Formula;
struct GenericPattern;

/// A condition on what a metavariable is bound to.
struct Condition {
  enum class What : std::uint8_t { Regex, Formula, Comparison, Entropy, Redos, Type, Module, As };
  What what = What::Regex;
  Atom metavar = kNoAtom;
  std::string name;
  std::shared_ptr<const source::Regex> regex;
  std::vector<Atom> groups;  ///< Regex: `$NAME` or `$1` for each group from 1.
  bool negate = false;
  bool of_value = false;           ///< Regex: of the constant that a variable stands for.
  std::vector<std::string> words;  ///< Type: names of types. Module: where the name comes from.
  std::shared_ptr<const Formula> formula;
  /// Formula: what a bound string holds is read anew, in this language (Unknown: for regular expressions, Text: for the
  /// generic language).
  std::optional<source::Language> embedded;
  std::shared_ptr<const ComparisonExpr> comparison;
  std::string comparison_text;
  int base = 0;  ///< 0: as the literal says.
  bool strip = false;
};

/// What a rule looks for, compiled for one grammar (or for text alone).
struct Formula {
  enum class What : std::uint8_t { Pattern, Regex, All, Any };
  /// pattern-inside ranges only confine; what matches anywhere in the file doesn't even do that.
  enum class Place : std::uint8_t { Plain, Inside, Anywhere };
  What what = What::Pattern;
  Place place = Place::Plain;
  std::uint32_t leaf = 0;  ///< Number of a Pattern or Regex within its rule and grammar.
  std::optional<Pattern> pattern;
  std::shared_ptr<const GenericPattern> generic;  ///< Pattern of the generic language, instead.
  std::shared_ptr<const source::Regex> regex;
  std::vector<Atom> groups;        ///< Regex: `$NAME` or `$1` per group from 1.
  std::vector<Formula> parts;      ///< All: positives; Any: alternatives.
  std::vector<Formula> negatives;  ///< All only.
  std::vector<Condition> conditions;
  std::vector<std::vector<Atom>> focus;  ///< Any metavariable of a list; all lists at once.
};

/// `fix-regex`: replaces what matches in the finding's text.
struct FixRegex {
  std::shared_ptr<const source::Regex> regex;
  std::string replacement;  ///< With `\\1` for groups.
  std::uint32_t count = 0;  ///< Replacements at most; 0: all.
};

/// `A and not (B or C)` over labels, as taint rules have it in `requires`.
struct LabelExpr {
  enum class What : std::uint8_t { Label, Not, And, Or };
  What what = What::Label;
  std::string label;
  std::vector<LabelExpr> parts;
};
/// Error code rules.invalid.
Result<LabelExpr> parse_label_expr(std::string_view text);

/// One entry of a taint rule's lists.
struct TaintSpec {
  Formula formula;
  std::string label;                  ///< Sources and propagators: what they give; empty: the rule's only one.
  std::string required_text;          ///< What the value must carry: a LabelExpr; empty: nothing.
  bool exact = false;                 ///< Only the match itself, not what lies within.
  bool by_side_effect = false;        ///< The variable itself changes.
  bool not_conflicting = false;       ///< Sanitizers: not where a source or sink matches, too.
  Atom from = kNoAtom, to = kNoAtom;  ///< Propagators.
};

struct TaintFormulas {
  std::vector<TaintSpec> sources, sinks, sanitizers, propagators;
};

/// Options of a taint rule: which values never carry anything.
struct TaintOptions {
  bool safe_functions = false, safe_indexes = false, safe_comparisons = false, safe_booleans = false,
       safe_numbers = false, only_assignments = false, unify_metavariables = false;
  bool from_outside = true;  ///< Sources are what somebody outside of the program says.
};

struct RulePaths {
  std::vector<std::string> include, exclude;
  bool allow(std::string_view project_path) const;
};

struct CompiledRule {
  RuleInfo info;
  std::vector<source::Language> languages;  ///< Languages of files; empty for text rules.
  bool any_text = false;                    ///< `regex`, `generic`: every text file.
  RulePaths paths;
  MatchOptions options;
  GenericOptions generic;
  std::optional<FixRegex> fix_regex;
  bool in_loop = false;  ///< x-wrench.in_loop: only inside a loop or comprehension.
  std::uint32_t leaves = 0;
  std::vector<Atom> metavars;  ///< That the message names.
  // From a cache the formulas come packed and are read when the rule is first run.
  mutable std::optional<Formula> text_formula;                         ///< For `regex` rules.
  mutable std::vector<std::pair<source::Language, Formula>> formulas;  ///< By grammar.
  /// `mode: taint`, by grammar; then there are no formulas.
  mutable std::vector<std::pair<source::Language, TaintFormulas>> taints;
  TaintOptions taint_options;
  bool is_taint = false;
  std::string record;
  Atom atoms_end = 0;
  mutable std::once_flag unpacked;

  void unpack() const;
  const Formula* formula_of_text() const {
    unpack();
    return text_formula ? &*text_formula : nullptr;
  }
  const Formula* formula(source::Language grammar) const {
    unpack();
    for (const auto& [language, compiled] : formulas)
      if (language == grammar) return &compiled;
    return text_formula ? &*text_formula : nullptr;
  }
  const TaintFormulas* taint(source::Language grammar) const {
    unpack();
    for (const auto& [language, compiled] : taints)
      if (language == grammar) return &compiled;
    return nullptr;
  }
};

struct RuleSet::State {
  Atoms atoms;
  std::vector<std::unique_ptr<CompiledRule>> rules;
  std::string sha256;
};

/// Whether `path` fits a glob of `paths:` as semgrep has them: `*`, `**`, `?`, `[a-z]`; without a slash any path part.
bool glob_matches(std::string_view glob, std::string_view path);

}  // namespace wrench::code
