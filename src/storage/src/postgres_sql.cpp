#include "postgres_sql.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <vector>

#include "sql_text.hpp"

namespace wrench::storage {
namespace {

using Tokens = std::span<const SqlToken>;

std::string_view text_of(const Statement& statement) {
  return statement.postgres.sql.empty() ? statement.sql : statement.postgres.sql;
}

/// The tokens as text, "?12" as `before` and "12".
std::string written(Tokens tokens, std::string_view before) {
  std::string out;
  for (const SqlToken& token : tokens)
    if (token.kind == SqlToken::Kind::Placeholder)
      out.append(before).append(token.text.substr(1));
    else
      out += token.text;
  return out;
}

bool has_placeholder(Tokens tokens) {
  for (const SqlToken& token : tokens)
    if (token.kind == SqlToken::Kind::Placeholder) return true;
  return false;
}

/// Where `word` stands outside of all parentheses.
std::optional<std::size_t> find_word(Tokens tokens, std::string_view word, std::size_t from = 0) {
  for (std::size_t i = from; i < tokens.size(); ++i)
    if (tokens[i].depth == 0 && tokens[i].is_word(word)) return i;
  return std::nullopt;
}

/// "$1::bigint[]"
std::string array(std::size_t i, std::string_view type) {
  return "$" + std::to_string(i + 1) + "::" + std::string(type) + "[]";
}

/// A WHERE, its first "= ?1" as "= ANY (ARRAY[k.k1])". An equality between two tables lets the server read the whole
/// index of one and look through `k` for each entry: cheap while it believes the table to be empty, and ruinous once
/// that isn't so any more. With ANY it looks up in the index what each row of `k` asks for.
std::string where_of_many(Tokens tokens) {
  bool is_equal = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const SqlToken& token = tokens[i];
    if (token.kind == SqlToken::Kind::Space) continue;
    if (token.kind == SqlToken::Kind::Placeholder && token.depth == 0 && is_equal)
      return written(tokens.first(i), "k.k") + "ANY (ARRAY[k.k" + std::string(token.text.substr(1)) + "])" +
             written(tokens.subspan(i + 1), "k.k");
    is_equal = token.text == "=" && std::string_view("<>!").find(tokens[i - 1].text) == std::string_view::npos;
  }
  return written(tokens, "k.k");
}

/// "unnest($1::bigint[], …)". It keeps each column in a store of its own first, but can count the rows.
std::string unnest(std::span<const std::string_view> types) {
  std::string out = "unnest(";
  for (std::size_t i = 0; i < types.size(); ++i) out.append(i == 0 ? "" : ", ").append(array(i, types[i]));
  return out + ")";
}

/// "(SELECT unnest($1::bigint[]) AS k1, …) AS k": row after row, which costs less.
std::string rows_of(std::span<const std::string_view> types) {
  std::string out = "(SELECT ";
  for (std::size_t i = 0; i < types.size(); ++i)
    out.append(i == 0 ? "unnest(" : ", unnest(")
        .append(array(i, types[i]))
        .append(") AS k")
        .append(std::to_string(i + 1));
  return out + ") AS k";
}

/// "k(k1, …, n)"
std::string names(std::size_t count) {
  std::string out = "k(";
  for (std::size_t i = 1; i <= count; ++i) out.append("k").append(std::to_string(i)).append(", ");
  return out + "n)";
}

}  // namespace

std::size_t postgres_parameters(const Statement& statement) {
  std::size_t most = 0;
  for (const SqlToken& token : sql_tokens(text_of(statement))) {
    std::size_t number = 0;
    if (token.kind == SqlToken::Kind::Placeholder)
      std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
    most = std::max(most, number);
  }
  return most;
}

std::string postgres_sql(const Statement& statement) { return written(sql_tokens(text_of(statement)), "$"); }

Result<std::string> postgres_sql_for_many(const Statement& statement, std::span<const std::string_view> types,
                                          RowLock lock) {
  const std::vector<SqlToken> all = sql_tokens(text_of(statement));
  const Tokens tokens(all);
  const std::size_t first = skip_space(all, 0);
  const Error refused("storage.failed", std::string(statement.id) +
                                            " can't be run for many rows at once on PostgreSQL: see transaction.hpp");
  if (first == all.size() || types.empty()) return refused;
  const std::string_view verb = tokens[first].text;
  if (verb == "SELECT" || verb == "WITH") {
    std::string out =
        "SELECT r.* FROM " + unnest(types) + " WITH ORDINALITY AS " + names(types.size()) + " CROSS JOIN LATERAL (";
    // Both keep the planner from turning the loop inside out.
    if (lock == RowLock::ForUpdate)
      out += written(tokens, "k.k") + " FOR UPDATE";
    else
      out += "SELECT * FROM (" + written(tokens, "k.k") + ") AS q OFFSET 0";
    return out + ") AS r ORDER BY k.n";
  }
  if (verb == "INSERT") {
    const auto values = find_word(tokens, "VALUES");
    if (!values) return refused;
    const std::size_t open = skip_space(all, *values + 1);
    std::size_t close = open + 1;
    while (close < all.size() && (tokens[close].depth > 0 || tokens[close].text != ")")) ++close;
    if (close >= all.size() || has_placeholder(tokens.subspan(close))) return refused;
    return written(tokens.first(*values), "$") + "SELECT " +
           written(tokens.subspan(open + 1, close - open - 1), "k.k") + " FROM " + rows_of(types) +
           written(tokens.subspan(close + 1), "$");
  }
  const auto where = find_word(tokens, "WHERE");
  if (!where) return refused;
  if (verb == "UPDATE" && find_word(tokens.first(*where), "FROM")) return refused;
  if (verb == "DELETE" && find_word(tokens.first(*where), "USING")) return refused;
  if (verb != "UPDATE" && verb != "DELETE") return refused;
  return written(tokens.first(*where), "k.k") + (verb == "UPDATE" ? "FROM " : "USING ") + rows_of(types) + " " +
         where_of_many(tokens.subspan(*where));
}

}  // namespace wrench::storage
