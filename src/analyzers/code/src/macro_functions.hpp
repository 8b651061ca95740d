#pragma once

#include <string>

#include "match_index.hpp"

namespace wrench::code {

/// C functions, one a line, that do what the macros do which the file calls: those that are one expression. What such
/// a macro calls is among them. Empty when there is none.
std::string macro_functions(const FileIndex& file);

}  // namespace wrench::code
