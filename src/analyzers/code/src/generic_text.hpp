#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"

/// The `generic` language of rules: any text, read as words and marks that are nested by indentation and by brackets
/// that close on their line.
namespace wrench::code {

struct GenericOptions {
  enum class Comments : std::uint8_t { None, C, Cpp, Shell };
  std::uint32_t ellipsis_span_max = 10;  ///< Line ends that one `...` may go over.
  Comments comments = Comments::None;    ///< Read as white space.
  bool caseless = false;

  bool operator==(const GenericOptions&) const = default;
};

struct GenericToken {
  enum class What : std::uint8_t {
    Word,   ///< [A-Za-z0-9_]+
    Mark,   ///< One other character that isn't white space.
    Open,   ///< A block begins: deeper indentation, or what brackets enclose. No text of its own.
    Close,  ///< It ends.
    // Only in patterns:
    Metavar,
    Ellipsis,
    MetavarEllipsis,
  };
  What what = What::Word;
  std::uint32_t first = 0, end = 0;
  std::uint32_t line = 0;
  std::uint32_t partner = 0;  ///< Open: its Close. Others: the Close of the block they are in, or the number of tokens.
};

enum class GenericSyntax : std::uint8_t { Text, Pattern };

/// Linear in the text, and without recursion.
std::vector<GenericToken> read_generic(std::string_view text, GenericOptions::Comments comments, GenericSyntax syntax);

}  // namespace wrench::code
