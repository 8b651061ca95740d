#pragma once

#include <span>
#include <vector>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// Imports and private functions that nothing in their own file uses. `words` are the file's used names, sorted.
std::vector<UnusedCandidate> unused_candidates(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                               std::span<const std::uint64_t> words);

}  // namespace wrench::code::detail
