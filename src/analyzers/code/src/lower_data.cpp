// Languages that hold data: JSON, TOML, HCL. Keys are Strings whether or not they are quoted, so that both spellings
// match; a stand-in of a pattern is a Name, which anything may match.
#include <algorithm>
#include <string>
#include <vector>

#include "lower_config.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code::detail {
namespace {

// --- JSON and what the three share

void json_string(Lowering& l, std::uint32_t n) { open_string(l, n, unquoted(l.text(n))); }

void boolean(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, l.text(n) == "true" ? 1 : 0); }

// --- TOML

/// "a.b" for `a . "b"`.
std::string toml_key_text(Lowering& l, std::uint32_t n) {
  if (!l.is(n, "dotted_key")) return std::string(unquoted(l.text(n)));
  std::string out;
  // The grammar nests dotted keys to the left; their text is in order anyway.
  for (const std::string_view part : split(l.text(n), '.')) {
    if (!out.empty()) out += '.';
    out += unquoted(trim(part));
  }
  return out;
}

bool is_toml_key(Lowering& l, std::uint32_t n) {
  return l.is(n, "bare_key") || l.is(n, "quoted_key") || l.is(n, "dotted_key");
}

void toml_key(Lowering& l, std::uint32_t n) { open_string(l, n, toml_key_text(l, n)); }

void toml_pair(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  const std::uint32_t key = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) {
    if (c == key)
      l.visit_with(toml_key, c, Role::Key);
    else
      l.visit(c, Role::Value);
  });
}

void toml_string(Lowering& l, std::uint32_t n) {
  std::string_view text = l.text(n);
  const std::string_view quote = text.substr(0, 3);
  if (text.size() >= 6 && (quote == "\"\"\"" || quote == "'''"))
    text = text.substr(3, text.size() - 6);
  else
    text = unquoted(text);
  open_string(l, n, text);
}

void toml_table(Lowering& l, std::uint32_t n) {
  const std::uint32_t key = l.first_named(n);
  const bool headed = key != kNone && is_toml_key(l, key);
  const std::string name = headed ? toml_key_text(l, key) : std::string();
  l.open(Kind::ConfigBlock, n, l.is(n, "table_array_element") ? 1 : 0, 0, l.atom(name));
  const std::uint32_t first = headed ? l.at(key).end : l.at(n).first;
  l.begin(Kind::Dict, Role::Body, first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != key || !headed) l.visit(c, Role::Element);
  });
  l.end();
}

// --- HCL

void hcl_bool(Lowering& l, std::uint32_t n) { boolean(l, n); }

bool is_postfix(Lowering& l, std::uint32_t n) { return l.is(n, "get_attr") || l.is(n, "index") || l.is(n, "splat"); }

/// `var.a[0].b`: the grammar lists a value and what follows it side by side.
void hcl_chain(Lowering& l, const std::vector<std::uint32_t>& parts, Role role) {
  if (parts.empty()) return;
  const std::uint32_t first = l.at(parts.front()).first;
  for (std::size_t i = parts.size() - 1; i > 0; --i) {
    const std::uint32_t part = parts[i];
    const Role own = i + 1 == parts.size() ? role : Role::Object;
    const std::uint32_t end = l.at(part).end;
    if (l.is(part, "get_attr"))
      l.begin(Kind::Member, own, first, end, 0, 0, l.atom_of(l.first_named(part)));
    else
      l.begin(Kind::Index, own, first, end);
  }
  l.visit(parts.front(), parts.size() == 1 ? role : Role::Object);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!l.is(parts[i], "get_attr")) l.each_named(parts[i], [&](std::uint32_t c) { l.visit(c, Role::Index); });
    l.end();
  }
}

std::vector<std::uint32_t> named_children(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> out;
  l.each_named(n, [&](std::uint32_t c) { out.push_back(c); });
  return out;
}

void hcl_expression(Lowering& l, std::uint32_t n) {
  const std::vector<std::uint32_t> parts = named_children(l, n);
  if (parts.size() == 1) return l.pass(parts.front());
  const bool chain = parts.size() > 1 &&
                     std::all_of(parts.begin() + 1, parts.end(), [&](std::uint32_t c) { return is_postfix(l, c); });
  if (chain) return hcl_chain(l, parts, l.role());
  for (const std::uint32_t part : parts) l.pass(part);
}

void hcl_binary(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> left, right;
  Op op = Op::None;
  l.each(n, [&](std::uint32_t c) {
    if (!l.named(c) && l.op(c) != Op::None)
      op = l.op(c);
    else if (l.named(c))
      (op == Op::None ? left : right).push_back(c);
  });
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(op));
  hcl_chain(l, left, Role::Left);
  hcl_chain(l, right, Role::Right);
}

void hcl_unary(Lowering& l, std::uint32_t n) {
  Op op = l.op(l.first(n));
  if (op == Op::Sub) op = Op::Minus;
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(op));
  hcl_chain(l, named_children(l, n), Role::Operand);
}

void hcl_conditional(Lowering& l, std::uint32_t n) {
  l.open(Kind::Ternary, n);
  constexpr Role kRoles[] = {Role::Condition, Role::Then, Role::Else};
  std::size_t i = 0;
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, kRoles[std::min<std::size_t>(i++, 2)]); });
}

void hcl_name(Lowering& l, std::uint32_t n) { open_string(l, n, l.text(n)); }

void hcl_attribute(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  const std::uint32_t key = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) {
    if (c == key)
      l.visit_with(hcl_name, c, Role::Key);
    else
      l.visit(c, Role::Value);
  });
}

void hcl_block(Lowering& l, std::uint32_t n) {
  const std::uint32_t type = l.first_named(n);
  l.open(Kind::ConfigBlock, n, 0, 0, l.atom_of(type));
  if (type != kNone) l.leaf(Kind::Name, Role::Callee, type, 0, 0, l.atom_of(type));
  std::uint32_t header_end = type == kNone ? l.at(n).first : l.at(type).end;
  std::uint32_t body = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c == type) return;
    if (l.is(c, "body")) {
      body = c;
    } else {
      if (l.is(c, "identifier"))
        l.visit_with(hcl_name, c, Role::Arg);
      else
        l.visit(c, Role::Arg);
      header_end = std::max(header_end, l.at(c).end);
    }
  });
  const std::size_t brace = l.text(header_end, l.at(n).end).find('{');
  l.begin(Kind::Dict, Role::Body,
          brace == std::string_view::npos ? header_end : header_end + static_cast<std::uint32_t>(brace), l.at(n).end);
  if (body != kNone) l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void hcl_object_elem(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  const std::uint32_t key = l.child(n, "key");
  const std::uint32_t name = key == kNone ? kNone : l.first_named(key);
  const bool plain = name != kNone && l.count_named(key) == 1 && l.is(name, "variable_expr");
  if (plain)
    l.visit_with(hcl_name, name, Role::Key);
  else
    l.visit(key, Role::Key);
  l.visit(l.child(n, "val"), Role::Value);
}

void hcl_call(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "identifier"))
      l.leaf(Kind::Name, Role::Callee, c, 0, 0, l.atom_of(c));
    else
      l.each_named(c, [&](std::uint32_t argument) { l.visit(argument, Role::Arg); });
  });
}

bool has_holes(Lowering& l, std::uint32_t n) {
  bool holes = false;
  l.each_named(n, [&](std::uint32_t c) { holes |= !l.is(c, "template_literal"); });
  return holes;
}

void hcl_template(Lowering& l, std::uint32_t n) {
  if (!has_holes(l, n)) return open_string(l, n, unquoted(l.text(n)));
  l.open(Kind::Interp, n);
  l.visit_children(n, Role::Element);
}

void hcl_heredoc(Lowering& l, std::uint32_t n) {
  if (has_holes(l, n)) {
    l.open(Kind::Interp, n);
    return l.visit_children(n, Role::Element);
  }
  const std::string_view text = l.text(n);
  const std::size_t first = text.find('\n');
  const std::size_t last = text.rfind('\n');
  const bool body = first != std::string_view::npos && last > first;
  l.open(Kind::String, n, static_cast<std::uint8_t>(StringSub::Raw), 0,
         l.atom(body ? text.substr(first + 1, last - first) : std::string_view()));
}

}  // namespace

std::span<const Row> json_rows() {
  static const std::vector<Row> rows = {
      node("object", Kind::Dict),    node("array", Kind::List),    node("pair", Kind::Pair),
      custom("string", json_string), leaf("number", Kind::Number), custom("true", boolean),
      custom("false", boolean),      leaf("null", Kind::Null),     comment("comment"),
  };
  return rows;
}

std::span<const Row> toml_rows() {
  static const std::vector<Row> rows = {
      custom("pair", toml_pair),
      custom("table", toml_table),
      custom("table_array_element", toml_table),
      node("inline_table", Kind::Dict),
      node("array", Kind::List),
      custom("string", toml_string),
      leaf("integer", Kind::Number),
      leaf("float", Kind::Number),
      custom("boolean", boolean),
      leaf("offset_date_time", Kind::String),
      leaf("local_date_time", Kind::String),
      leaf("local_date", Kind::String),
      leaf("local_time", Kind::String),
      comment("comment"),
  };
  return rows;
}

std::span<const Row> hcl_rows() {
  static const std::vector<Row> rows = {
      inlined("body"),
      custom("block", hcl_block),
      custom("attribute", hcl_attribute),
      custom("expression", hcl_expression),
      inlined("operation"),
      custom("binary_operation", hcl_binary),
      custom("unary_operation", hcl_unary),
      custom("conditional", hcl_conditional),
      inlined("literal_value"),
      inlined("collection_value"),
      inlined("template_expr"),
      inlined("for_expr"),
      inlined("template_interpolation"),
      inlined("new_index"),
      node("tuple", Kind::List),
      node("object", Kind::Dict),
      custom("object_elem", hcl_object_elem),
      custom("function_call", hcl_call),
      leaf("variable_expr", Kind::Name),
      custom("string_lit", json_string),
      custom("quoted_template", hcl_template),
      custom("heredoc_template", hcl_heredoc),
      leaf("template_literal", Kind::String),
      leaf("numeric_lit", Kind::Number),
      custom("bool_lit", hcl_bool),
      leaf("null_lit", Kind::Null),
      skip("tuple_start"),
      skip("tuple_end"),
      skip("object_start"),
      skip("object_end"),
      skip("block_start"),
      skip("block_end"),
      skip("quoted_template_start"),
      skip("quoted_template_end"),
      skip("heredoc_start"),
      skip("heredoc_identifier"),
      skip("template_interpolation_start"),
      skip("template_interpolation_end"),
      skip("strip_marker"),
      comment("comment"),
  };
  return rows;
}

}  // namespace wrench::code::detail
