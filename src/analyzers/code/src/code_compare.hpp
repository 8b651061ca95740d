#pragma once

#include <string_view>

#include "wrench/code/atoms.hpp"
#include "wrench/code/ir.hpp"

namespace wrench::code::detail {

/// Whether two subtrees are the same code: equal but for white space, comments and parentheses.
bool same_code(const Ir& ir, std::string_view text, NodeIndex a, NodeIndex b);

/// Whether evaluating the expression twice gives the same value, as far as the tree tells: nothing is assigned, made or
/// awaited, and what is called is known to only look (isinstance, startsWith, strcmp, ...).
bool only_looks(const Ir& ir, const Atoms& atoms, NodeIndex expression);

/// The name that a call goes by: of a function, or the last part of `a.b.c`. Empty when it has none.
std::string_view called_name(const Ir& ir, const Atoms& atoms, NodeIndex call);

/// Whether the statement is one of a list, so that its next sibling runs after it: no branch of an `if` without braces.
bool in_sequence(const Ir& ir, NodeIndex statement);

/// Whether `name` is mentioned in the nodes [first, end).
bool mentions(const Ir& ir, Atom name, NodeIndex first, NodeIndex end);

}  // namespace wrench::code::detail
