#pragma once

#include <span>
#include <string_view>

#include "lower_engine.hpp"

namespace wrench::code::detail {

/// Every stand-in of a pattern begins so, see pattern_text.hpp.
inline constexpr std::string_view kStandInPrefix = "Wq_";

/// A String; or a Name, which anything may match, where a pattern has a stand-in.
inline void open_string(Lowering& l, std::uint32_t n, std::string_view contents) {
  const Kind kind = contents.starts_with(kStandInPrefix) ? Kind::Name : Kind::String;
  l.open(kind, n, 0, 0, l.atom(contents));
}

// --- tables of the languages that configure, mark up and query
std::span<const Row> json_rows();
std::span<const Row> toml_rows();
std::span<const Row> hcl_rows();
std::span<const Row> html_rows();
std::span<const Row> css_rows();
/// The keywords are read off the grammar.
std::span<const Row> sql_rows_for(const void* ts_language);

}  // namespace wrench::code::detail
