#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generic_text.hpp"
#include "match.hpp"
#include "wrench/base/result.hpp"

namespace wrench::code {

/// A pattern of the `generic` language. Its blocks must be blocks of the text; a text may nest deeper than the pattern.
struct GenericPattern {
  std::string text;
  std::vector<GenericToken> tokens;
  std::vector<Atom> names;  ///< By token: of metavariables.
  GenericOptions options;
  std::string needed;  ///< A word that the text must hold; empty when there is none.
};

/// Error codes rules.invalid_pattern, rules.pattern_limit.
Result<GenericPattern> compile_generic(std::string_view text, const GenericOptions& options, Atoms& atoms);

/// What the pattern finds in `tokens`, read from `text` with the pattern's comments; one match for each place where one
/// begins. Offsets are relative to `text`.
std::vector<Match> match_generic(const GenericPattern& pattern, std::string_view text,
                                 const std::vector<GenericToken>& tokens, MatchBudget& budget);

/// Whether `text` can hold a match at all: cheap, before it is read.
bool may_match(const GenericPattern& pattern, std::string_view text);

}  // namespace wrench::code
