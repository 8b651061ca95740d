#include "sqlite_sql.hpp"

#include <charconv>
#include <span>
#include <string_view>
#include <vector>

#include "sql_text.hpp"

namespace wrench::storage {
namespace {

std::size_t number_of(const SqlToken& placeholder) {
  std::size_t number = 0;
  std::from_chars(placeholder.text.data() + 1, placeholder.text.data() + placeholder.text.size(), number);
  return number;
}

}  // namespace

std::string sqlite_insert_of_many(const Statement& statement, std::size_t width, std::size_t rows) {
  const std::vector<SqlToken> tokens = sql_tokens(statement.sql);
  const std::size_t verb = skip_space(tokens, 0);
  if (verb == tokens.size() || !tokens[verb].is_word("INSERT")) return {};
  const std::size_t into = skip_space(tokens, verb + 1);
  std::size_t values = into;
  while (values < tokens.size() && !(tokens[values].depth == 0 && tokens[values].is_word("VALUES"))) ++values;
  const std::size_t open = skip_space(tokens, values + 1);
  std::size_t close = open + 1;
  while (close < tokens.size() && (tokens[close].depth > 0 || tokens[close].text != ")")) ++close;
  // INSERT OR … says itself what a conflict does; so does what may come after the values.
  if (close >= tokens.size() || !tokens[into].is_word("INTO") || skip_space(tokens, close + 1) != tokens.size())
    return {};
  std::string out = "INSERT OR FAIL ";
  for (std::size_t i = into; i < open; ++i) out += tokens[i].text;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row > 0) out += ", ";
    for (std::size_t i = open; i <= close; ++i)
      if (tokens[i].kind == SqlToken::Kind::Placeholder)
        out.append("?").append(std::to_string(row * width + number_of(tokens[i])));
      else
        out += tokens[i].text;
  }
  return out;
}

}  // namespace wrench::storage
