#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::code {

/// A place that is looked for in other files: what a file has in common with another has one of these in common.
struct ClonePrint {
  std::uint32_t hash = 0;   ///< Of kCloneGram tokens.
  std::uint32_t token = 0;  ///< The first of them.
};

/// A file's tokens for finding clones: seven bytes each.
struct CloneTokens {
  /// Top two bits: structure, name or literal. Structure: kind, depth, whether it begins a block. Name, literal: a hash
  /// of the text; of names also whether the function around them declares them.
  std::vector<std::uint32_t> values;
  std::vector<std::uint16_t> steps;  ///< First byte minus the one before; far jumps repeat kFarStep with filler tokens.
  std::vector<std::uint8_t> sizes;   ///< Bytes of a leaf, 0 of an inner node, at most 255.
  std::vector<ClonePrint> prints;    ///< By token; without those of tables and import blocks.
  std::array<std::uint8_t, 16> digest{};  ///< Of all of the above.
};

CloneTokens clone_tokens(const Ir& ir, const Atoms& atoms);

inline constexpr std::uint32_t kCloneTokensMin = 50;
inline constexpr std::uint32_t kCloneLinesMin = 5;
/// Of kCloneTokensMin tokens: data tables and import blocks have fewer.
inline constexpr std::uint32_t kCloneDistinctMin = 12;
inline constexpr std::uint32_t kCloneGram = 25;    ///< Tokens of a print.
inline constexpr std::uint32_t kCloneWindow = 26;  ///< Of so many grams in a row one is a print.

class KnownClones;

struct CloneFile {
  std::string_view path;
  std::string_view project_path;
  source::Language language = source::Language::Unknown;
  std::string_view content_id;
  const CloneTokens* tokens = nullptr;
};

/// More copies of one clone aren't listed.
inline constexpr std::size_t kCloneMembersMax = 100;

/// What repeats, and the part of it that could be written once.
struct Clone {
  bool has_more = false;   ///< There are more members than kCloneMembersMax.
  bool in_larger = false;  ///< Each copy lies in one of a class of type 3, which says it all.
  findings::CloneClass whole;
  /// The longest run of statements or functions that lies in every member and has its whole in each, with only what a
  /// function for it had to take as `renames`. Nothing when writing it once would not pay: tables, declarations,
  /// one-line functions that forward calls, copies that differ in too much or of which a preprocessor chooses one.
  std::optional<findings::CloneClass> mergeable;
  std::uint32_t in_product = 0;   ///< Members of `mergeable` that are no test code.
  std::uint32_t lines_saved = 0;  ///< By the merge; rough.
  bool types_differ = false;      ///< What would be merged works on different types.
  std::string lines;              ///< The first ones of `mergeable`.
  bool jumps_out = false;         ///< It ends loops around it or jumps to labels, which no function can do for another.
};

/// Clone classes of types 1 (equal tokens), 2 (names and literals differ) and 3 (parted by gaps of at most 10 tokens,
/// 70 % the same), most tokens first. Winnowing (Schleimer, Wilkerson, Aiken 2003) with k = 25 and a window of 26: no
/// repeat of 50 tokens is missed, and copies of type 3 are found where 50 tokens in a row are the same, often with 25.
/// `known` may be null; else only what concerns files that it doesn't know is looked for, the result is the same, and
/// it knows that afterwards (nothing when the search was stopped).
std::vector<Clone> find_clones(std::span<const CloneFile> files, const findings::SourceLookup& sources,
                               const StopToken& stop, KnownClones* known = nullptr);

/// code.duplicate, of a clone that is mergeable.
findings::Finding clone_finding(const Clone& clone);

}  // namespace wrench::code
