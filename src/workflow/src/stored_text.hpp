#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::workflow {

/// Text that every database takes: UTF-8 without U+0000.
inline bool is_stored_text(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && is_valid_utf8(text) && text.find('\0') == std::string_view::npos;
}

/// U+0000 in a text or a name somewhere in it.
inline bool holds_nul(const codec::Json& value) {
  if (value.is_string()) return value.as_string().find('\0') != std::string_view::npos;
  if (std::ranges::any_of(value.as_array(), holds_nul)) return true;
  return std::ranges::any_of(value.as_object(), [](const auto& member) {
    return member.first.find('\0') != std::string::npos || holds_nul(member.second);
  });
}

/// Text, or a name, somewhere in it that isn't UTF-8: of that some is replaced when it is written. Not for values that
/// are nested without bound.
inline bool holds_invalid_text(const codec::Json& value) {
  if (value.is_string()) return !is_valid_utf8(value.as_string());
  if (std::ranges::any_of(value.as_array(), holds_invalid_text)) return true;
  return std::ranges::any_of(value.as_object(), [](const auto& member) {
    return !is_valid_utf8(member.first) || holds_invalid_text(member.second);
  });
}

}  // namespace wrench::workflow
