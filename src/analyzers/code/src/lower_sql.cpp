// SQL. Statements keep the grammar's own shape (Other nodes, whose parts a pattern gives in order); expressions become
// those of all languages. Keywords carry no text, so that their case doesn't matter; names are in lower case unless
// they are quoted.
#include <tree_sitter/api.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lower_config.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code::detail {
namespace {

Atom name_atom(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  if (text.starts_with(kStandInPrefix)) return l.atom(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '`' || text.front() == '[');
  return l.atom(quoted ? std::string(text.substr(1, text.size() - 2)) : to_lower_ascii(text));
}

void keyword(Lowering& l, std::uint32_t n) { l.open(Kind::Other, n).symbol = l.at(n).symbol; }

void identifier(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, name_atom(l, n)); }

/// `a.b.c` as Members, `*` of `a.*` excluded.
void reference(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> names;
  bool plain = true;
  l.each_named(n, [&](std::uint32_t c) {
    // `a.` before a field's name is a reference of its own.
    if (l.is(c, "object_reference"))
      l.each_named(c, [&](std::uint32_t inner) {
        plain &= l.is(inner, "identifier");
        names.push_back(inner);
      });
    else
      names.push_back(c);
    if (!l.is(c, "object_reference")) plain &= l.is(c, "identifier");
  });
  if (names.empty() || !plain) {
    l.open(Kind::Other, n).symbol = l.at(n).symbol;
    return l.visit_children(n, Role::Element);
  }
  if (names.size() == 1) {
    l.open(Kind::Name, n, 0, 0, name_atom(l, names[0]));
    return;
  }
  for (std::size_t i = names.size() - 1; i > 0; --i)
    l.begin(Kind::Member, i + 1 == names.size() ? l.role() : Role::Object, l.at(names[0]).first, l.at(names[i]).end, 0,
            0, name_atom(l, names[i]));
  l.leaf(Kind::Name, Role::Object, names[0], 0, 0, name_atom(l, names[0]));
  for (std::size_t i = 1; i < names.size(); ++i) l.end();
}

void literal(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  if (const std::uint32_t name = l.first_named(n); name != kNone) return l.pass(name);
  const std::string word = to_lower_ascii(text.substr(0, 5));
  if (text.starts_with('\'') || text.starts_with('"') || text.starts_with("$$"))
    l.open(Kind::String, n, 0, 0, l.atom(unquoted(text)));
  else if (word == "null")
    l.open(Kind::Null, n);
  else if (word == "true" || word == "false")
    l.open(Kind::Bool, n, word == "true" ? 1 : 0);
  else
    l.open(Kind::Number, n, 0, 0, l.atom_of(n));
}

void sql_binary(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left"), right = l.child(n, "right");
  Op op = Op::None;
  std::string word;
  l.each(n, [&](std::uint32_t c) {
    if (c == left || c == right) return;
    const std::string_view text = l.text(c);
    if (op == Op::None && !l.named(c)) op = text == "=" ? Op::Eq : l.op(c);
    if (!word.empty()) word += ' ';
    word += to_lower_ascii(text);
  });
  if (word == "and") op = Op::And;
  if (word == "or") op = Op::Or;
  // LIKE, IS, NOT IN and the like go by their words.
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(op), 0, op == Op::None ? l.atom(word) : kNoAtom);
  l.visit(left, Role::Left);
  l.visit(right, Role::Right);
}

void sql_unary(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.first(n);
  Op op = l.op(token);
  if (op == Op::Sub) op = Op::Minus;
  if (to_lower_ascii(l.text(token)) == "not") op = Op::Not;
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(op));
  l.visit(l.last_named(n), Role::Operand);
}

void invocation(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  bool callee = true;
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, callee ? Role::Callee : Role::Arg);
    callee = false;
  });
}

void term(Lowering& l, std::uint32_t n) {
  if (l.count_named(n) == 1) return l.pass(l.first_named(n));
  l.open(Kind::Other, n).symbol = l.at(n).symbol;
  l.visit_children(n, Role::Element);
}

}  // namespace

std::span<const Row> sql_rows_for(const void* ts_language) {
  static const std::vector<Row> rows = [ts_language] {
    std::vector<Row> out = {
        custom("identifier", identifier),
        custom("object_reference", reference),
        custom("field", reference),
        custom("literal", literal),
        custom("binary_expression", sql_binary),
        custom("invocation", invocation),
        custom("term", term),
        custom("unary_expression", sql_unary),
        custom("parenthesized_expression", parenthesised),
        node("list", Kind::List),
        comment("comment"),
        comment("marginalia"),
    };
    const auto* ts = static_cast<const TSLanguage*>(ts_language);
    for (std::uint32_t id = 0; id < ts_language_symbol_count(ts); ++id) {
      const std::string_view name = ts_language_symbol_name(ts, static_cast<TSSymbol>(id));
      if (name.starts_with("keyword_")) out.push_back(custom(name, keyword));
    }
    return out;
  }();
  return rows;
}

}  // namespace wrench::code::detail
