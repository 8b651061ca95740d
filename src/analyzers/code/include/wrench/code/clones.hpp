#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::code {

/// A file's tokens for finding clones: seven bytes each.
struct CloneTokens {
  std::vector<std::uint32_t> values;  ///< Top two bits: structure, name or literal; the rest a hash of the text.
  std::vector<std::uint16_t> steps;  ///< First byte minus the one before; far jumps repeat kFarStep with filler tokens.
  std::vector<std::uint8_t> sizes;   ///< Bytes of a leaf, 0 of an inner node, at most 255.
};

CloneTokens clone_tokens(const Ir& ir, const Atoms& atoms);

struct CloneOptions {
  std::uint32_t tokens_min = 50;
  std::uint32_t lines_min = 5;
  std::uint32_t distinct_min = 12;  ///< Of `tokens_min` tokens: data tables and import blocks have fewer.
};

struct CloneFile {
  std::string_view path;
  std::string_view content_id;
  const CloneTokens* tokens = nullptr;
};

/// Clone classes of types 1 (equal tokens) and 2 (names and literals differ), most tokens first. Winnowing
/// (Schleimer, Wilkerson, Aiken 2003) with k = 25 and a window of 26: no repeat of 50 tokens is missed.
std::vector<findings::CloneClass> find_clones(std::span<const CloneFile> files, const findings::SourceLookup& sources,
                                              const CloneOptions& options, const StopToken& stop);

}  // namespace wrench::code
