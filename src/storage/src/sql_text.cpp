#include "sql_text.hpp"

namespace wrench::storage {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// End of the token that begins at `at`.
std::size_t end_of_token(std::string_view sql, std::size_t at, SqlToken::Kind& kind) {
  const auto after = [&](std::string_view closing, std::size_t from) {
    const std::size_t found = sql.find(closing, from);
    return found == std::string_view::npos ? sql.size() : found + closing.size();
  };
  const auto while_true = [&](auto predicate, std::size_t from) {
    while (from < sql.size() && predicate(sql[from])) ++from;
    return from;
  };
  const char c = sql[at];
  kind = SqlToken::Kind::Other;
  if (c == '\'' || c == '"') return after(std::string_view(&sql[at], 1), at + 1);
  kind = SqlToken::Kind::Space;
  if (sql.substr(at, 2) == "--") return after("\n", at);
  if (sql.substr(at, 2) == "/*") return after("*/", at + 2);
  if (is_space(c)) return while_true(is_space, at);
  kind = SqlToken::Kind::Word;
  if (is_word(c)) return while_true(is_word, at);
  const std::size_t digits = while_true(is_digit, at + 1);
  kind = c == '?' && digits > at + 1 ? SqlToken::Kind::Placeholder : SqlToken::Kind::Other;
  return kind == SqlToken::Kind::Placeholder ? digits : at + 1;
}

}  // namespace

std::vector<SqlToken> sql_tokens(std::string_view sql) {
  std::vector<SqlToken> tokens;
  int depth = 0;
  for (std::size_t at = 0; at < sql.size();) {
    SqlToken token;
    const std::size_t end = end_of_token(sql, at, token.kind);
    token.text = sql.substr(at, end - at);
    at = end;
    if (token.text == ")") --depth;
    token.depth = depth;
    if (token.text == "(") ++depth;
    tokens.push_back(token);
  }
  return tokens;
}

std::size_t skip_space(const std::vector<SqlToken>& tokens, std::size_t from) {
  while (from < tokens.size() && tokens[from].kind == SqlToken::Kind::Space) ++from;
  return from;
}

}  // namespace wrench::storage
