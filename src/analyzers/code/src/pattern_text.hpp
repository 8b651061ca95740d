#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/source/language.hpp"

namespace wrench::code {

// Stand-ins in the code that is parsed in place of a pattern. Identifiers that no real program uses.
inline constexpr std::string_view kEllipsisName = "Wq_El";
inline constexpr std::string_view kMetavarPrefix = "Wq_Mv_";
inline constexpr std::string_view kMetavarEllipsisPrefix = "Wq_Me_";
inline constexpr std::string_view kDeepName = "Wq_Deep";
inline constexpr std::string_view kTypedPrefix = "Wq_Ty_";
inline constexpr std::string_view kWrapperName = "Wq_Wr";

/// A piece of pattern text: verbatim code, or something of the pattern language.
struct PatternPiece {
  enum class What : std::uint8_t { Code, Ellipsis, Metavar, MetavarEllipsis, DeepOpen, DeepClose };
  What what = What::Code;
  std::string text;       ///< Code as written, or the metavariable's name without `$` and `...`.
  bool own_line = false;  ///< Ellipsis alone on its line: a statement or member.
  enum class Where : std::uint8_t { Anywhere, Members, Parameters, ForHeader };
  Where where = Where::Anywhere;  ///< What the brackets around an ellipsis hold, as far as one can see.
  std::size_t at = 0;             ///< Byte in the pattern.
};

/// `(T $X)`, `($X: T)` and `($X : T)` found in the pattern and replaced by `$X`.
struct TypedMetavariable {
  std::string name;  ///< Without `$`.
  std::string type;
};

struct PatternText {
  std::vector<PatternPiece> pieces;
  std::vector<TypedMetavariable> typed;
};

/// Cuts a pattern into pieces. Inside string literals only metavariables that are the whole content stay what they are
/// ("$X" as text), and "..." remains a string.
PatternText split_pattern(std::string_view text, source::Language grammar);

/// Ways to write an ellipsis in the grammar, most likely first; `%` stands for its name.
std::vector<std::string_view> ellipsis_forms(source::Language grammar, const PatternPiece& piece);

/// Ways to write a metavariable, most likely first; `%` stands for its name, `^` for it with a lower-case first letter.
std::vector<std::string_view> metavariable_forms(source::Language grammar);

/// Code before and after the pattern that may be needed for the grammar to accept it. `%` is the pattern's place.
std::vector<std::string_view> pattern_wrappers(source::Language grammar);

}  // namespace wrench::code
