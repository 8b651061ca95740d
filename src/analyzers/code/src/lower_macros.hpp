#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wrench::code::detail {

/// Text of the same length with what hides declarations from a C or C++ grammar blanked out: `__attribute__((…))`,
/// `__declspec(…)` and the like, and ALL_CAPS words (with their arguments) that stand before a declaration. Strings,
/// comments and directives stay. Nothing when there is nothing to blank.
std::optional<std::string> blank_macros(std::string_view text);

/// The text with the types of `{ implicit x: T => …` blanked out, which the Scala grammar doesn't know; nothing if
/// there are none.
std::optional<std::string> blank_implicit_types(std::string_view text);

}  // namespace wrench::code::detail
