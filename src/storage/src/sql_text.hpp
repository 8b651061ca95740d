#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wrench::storage {

/// A piece of our own SQL. Together the pieces of a text are that text.
struct SqlToken {
  enum class Kind : std::uint8_t {
    Word,         ///< Keyword or name.
    Placeholder,  ///< "?12"
    Space,        ///< Also comments.
    Other,        ///< One character, or a quoted text or name.
  };
  Kind kind = Kind::Other;
  std::string_view text;
  int depth = 0;  ///< Of parentheses around it; a parenthesis itself counts as outside.

  bool is_word(std::string_view word) const { return kind == Kind::Word && text == word; }
};

/// Views into `sql`. Keywords are expected in capitals.
std::vector<SqlToken> sql_tokens(std::string_view sql);
/// The first token from `from` on that is no space; tokens.size() if there is none.
std::size_t skip_space(const std::vector<SqlToken>& tokens, std::size_t from);

}  // namespace wrench::storage
