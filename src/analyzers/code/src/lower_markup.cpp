// HTML and CSS. Names of tags and attributes are in lower case, as browsers read them.
#include <algorithm>
#include <string>
#include <vector>

#include "lower_config.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code::detail {
namespace {

// --- HTML

Atom lower_atom(Lowering& l, std::uint32_t n) {
  if (n == kNone) return kNoAtom;
  const std::string_view text = l.text(n);
  return l.atom(text.starts_with(kStandInPrefix) ? std::string(text) : to_lower_ascii(text));
}

void html_element(Lowering& l, std::uint32_t n) {
  std::uint32_t tag = l.find(n, "start_tag");
  if (tag == kNone) tag = l.find(n, "self_closing_tag");
  l.open(Kind::XmlElement, n, 0, 0, tag == kNone ? kNoAtom : lower_atom(l, l.find(tag, "tag_name")));
  if (tag != kNone)
    l.each_named(tag, [&](std::uint32_t c) {
      if (!l.is(c, "tag_name")) l.visit(c, Role::Attribute);
    });
  l.each_named(n, [&](std::uint32_t c) {
    if (c != tag) l.visit(c, Role::Element);
  });
}

void html_attribute(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.find(n, "attribute_name");
  l.open(Kind::XmlAttribute, n, 0, 0, lower_atom(l, name));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != name) l.visit(c, Role::Value);
  });
}

void html_value(Lowering& l, std::uint32_t n) { open_string(l, n, unquoted(l.text(n))); }

void html_text(Lowering& l, std::uint32_t n) {
  const std::string_view text = trim(l.text(n));
  const bool stand_in = text.starts_with(kStandInPrefix) && text.find_first_of(" \n\t") == std::string_view::npos;
  l.open(stand_in ? Kind::Name : Kind::XmlText, n, 0, 0, l.atom(text));
}

// --- CSS

void css_declaration(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "property_name"))
      l.leaf(l.text(c).starts_with(kStandInPrefix) ? Kind::Name : Kind::String, Role::Key, c, 0, 0, lower_atom(l, c));
    else
      l.visit(c, Role::Value);
  });
}

void css_rule(Lowering& l, std::uint32_t n) {
  // The at-rule's keyword is the block's name, as in `@media`.
  const std::string_view text = l.text(n);
  const bool at_rule = text.starts_with('@');
  const std::string name(at_rule ? text.substr(0, text.find_first_of(" \t\r\n({;\"'")) : std::string_view());
  l.open(Kind::ConfigBlock, n, 0, 0, at_rule ? l.atom(to_lower_ascii(name)) : kNoAtom);
  l.each_named(n, [&](std::uint32_t c) {
    const bool body = l.is(c, "block") || l.is(c, "keyframe_block_list");
    if (!l.is(c, "at_keyword")) l.visit(c, body ? Role::Body : Role::Arg);
  });
}

void css_call(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "function_name"))
      l.leaf(Kind::Name, Role::Callee, c, 0, 0, l.atom_of(c));
    else
      l.each_named(c, [&](std::uint32_t argument) { l.visit(argument, Role::Arg); });
  });
}

void css_word(Lowering& l, std::uint32_t n) { open_string(l, n, unquoted(l.text(n))); }

}  // namespace

std::span<const Row> html_rows() {
  static const std::vector<Row> rows = {
      custom("element", html_element),
      custom("script_element", html_element),
      custom("style_element", html_element),
      custom("attribute", html_attribute),
      custom("quoted_attribute_value", html_value),
      custom("attribute_value", html_value),
      custom("text", html_text),
      custom("raw_text", html_text),
      skip("end_tag"),
      comment("comment"),
  };
  return rows;
}

std::span<const Row> css_rows() {
  static const std::vector<Row> rows = {
      custom("declaration", css_declaration),
      custom("rule_set", css_rule),
      custom("media_statement", css_rule),
      custom("supports_statement", css_rule),
      custom("scope_statement", css_rule),
      custom("keyframes_statement", css_rule),
      custom("keyframe_block", css_rule),
      custom("at_rule", css_rule),
      custom("import_statement", css_rule),
      custom("charset_statement", css_rule),
      custom("namespace_statement", css_rule),
      node("block", Kind::Dict),
      node("keyframe_block_list", Kind::Dict),
      inlined("selectors"),
      custom("call_expression", css_call),
      custom("plain_value", css_word),
      custom("string_value", css_word),
      custom("tag_name", css_word),
      leaf("color_value", Kind::String),
      leaf("integer_value", Kind::Number),
      leaf("float_value", Kind::Number),
      comment("comment"),
      comment("js_comment"),
  };
  return rows;
}

}  // namespace wrench::code::detail
