#pragma once

#include <string>
#include <string_view>

/// Pieces of SQL that this module writes for PostgreSQL, with standard_conforming_strings.
namespace wrench::storage {

inline std::string postgres_quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}
inline std::string postgres_identifier(std::string_view name) { return postgres_quoted(name, '"'); }
inline std::string postgres_literal(std::string_view text) { return postgres_quoted(text, '\''); }

}  // namespace wrench::storage
