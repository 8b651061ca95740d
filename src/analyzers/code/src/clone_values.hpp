#pragma once

#include <cstdint>

#include "wrench/code/ir.hpp"

/// How the values of CloneTokens are made up.
namespace wrench::code::detail::clone_values {

inline constexpr std::uint32_t kClassMask = 0xc0000000;
inline constexpr std::uint32_t kStructure = 0x00000000;
inline constexpr std::uint32_t kName = 0x40000000;
inline constexpr std::uint32_t kLiteral = 0x80000000;
inline constexpr std::uint32_t kFiller = 0xc0000000;  ///< Stands for distance only; never part of a clone.

// Structure: 16 bits of kind and sub, 12 of depth, one for the first statement of a block.
inline constexpr std::uint32_t kKindMask = 0x0000ffff;
inline constexpr std::uint32_t kDepthShift = 16;
inline constexpr std::uint32_t kDepthMax = 0xfff;
inline constexpr std::uint32_t kBeginsBlock = 0x10000000;
// Name: declared by the function around it, or its own; names a type.
inline constexpr std::uint32_t kLocal = 0x20000000;
inline constexpr std::uint32_t kTypeName = 0x10000000;

/// Without what says where the token stands.
inline std::uint32_t plain(std::uint32_t value) {
  switch (value & kClassMask) {
    case kStructure:
      return value & kKindMask;
    case kName:
      return value & ~kLocal;
    default:
      return value;
  }
}

/// Names and literals look alike to a type-2 comparison.
inline std::uint32_t normal(std::uint32_t value) {
  const std::uint32_t kind = value & kClassMask;
  return kind == kStructure ? value & kKindMask : kind;
}

inline bool is_structure(std::uint32_t value) { return (value & kClassMask) == kStructure && value != 0; }
inline Kind kind_of(std::uint32_t value) { return static_cast<Kind>(((value & kKindMask) - 1) >> 8); }
inline std::uint32_t depth_of(std::uint32_t value) { return (value >> kDepthShift) & kDepthMax; }

inline bool starts_statement(std::uint32_t value) {
  if ((value & kClassMask) == kFiller) return true;
  if (!is_structure(value)) return false;
  const Kind kind = kind_of(value);
  const bool declaration = kind == Kind::Function || kind == Kind::Class || kind == Kind::Field ||
                           kind == Kind::VarDef || kind == Kind::EnumMember;
  return declaration || (kind >= Kind::ExprStmt && kind <= Kind::Directive);
}

}  // namespace wrench::code::detail::clone_values
