#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pattern_text.hpp"

namespace wrench::code {

/// How a language lets stand-ins be written, as data. In each form `%` is the stand-in's name and `^` the same name
/// with a lower-case first letter; most likely first.
struct PatternForms {
  std::vector<std::string_view> metavariable = {"%"};
  std::vector<std::string_view> ellipsis;             ///< Among expressions.
  std::vector<std::string_view> statement_ellipsis;   ///< Alone on its line.
  std::vector<std::string_view> member_ellipsis;      ///< In the body of a type.
  std::vector<std::string_view> parameter_ellipsis;   ///< In the head of a function; empty: as among expressions.
  std::vector<std::string_view> for_header_ellipsis;  ///< All of `for (...)`; empty: as among expressions.
  std::vector<std::string_view> wrappers;             ///< `%` is the pattern's place.

  std::string_view expression_wrapper = {};  ///< Tried first for what has no `;` and no `}` at its end.

  const std::vector<std::string_view>& of(bool own_line, PatternPiece::Where where) const;
};

/// Null for the languages whose forms `pattern_text.cpp` has.
const PatternForms* pattern_forms(source::Language grammar);

/// Whether the grammar's typed metavariables are written `(T $X)`, too.
bool writes_type_first(source::Language grammar);
/// What looks like a metavariable but is the language's own: PHP's `$_GET`.
bool is_own_variable(std::string_view name, source::Language grammar);
/// One past a quoted literal that begins at `at`, or `at` when nothing is quoted there.
std::size_t literal_end(std::string_view text, std::size_t at, source::Language grammar);
/// A quoted literal with stand-ins for its metavariables and the ellipses in its holes. `before` is the text in front
/// of it, which holds the prefix.
std::string with_stand_ins(std::string_view literal, std::string_view before, source::Language grammar);

}  // namespace wrench::code
