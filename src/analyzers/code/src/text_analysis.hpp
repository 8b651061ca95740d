#pragma once

#include <optional>
#include <string_view>

namespace wrench::code {

// The analyzers of metavariable-analysis.

/// Whether the text is long and irregular enough to be a generated secret rather than words.
bool looks_random(std::string_view text);

/// Whether a backtracking engine may take exponential time with the regular expression: a repeated group in which the
/// same text can be split among repetitions in several ways. Nothing when it isn't understood.
std::optional<bool> may_backtrack_forever(std::string_view regex);

}  // namespace wrench::code
