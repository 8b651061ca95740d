#pragma once

#include <cstdint>
#include <span>

#include "wrench/code/clones.hpp"

namespace wrench::code::detail {

/// Whether the kCloneTokensMin tokens from `first` on are no table and no import block: those repeat the same few.
bool is_varied(std::span<const std::uint32_t> values, std::uint32_t first);

/// Fills in `prints` and `digest`.
void add_prints(CloneTokens& tokens);

}  // namespace wrench::code::detail
