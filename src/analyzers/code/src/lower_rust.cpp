#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

const SymbolSet& statement_symbols() {
  static const SymbolSet symbols = {"expression_statement",
                                    "let_declaration",
                                    "if_expression",
                                    "match_expression",
                                    "while_expression",
                                    "loop_expression",
                                    "for_expression",
                                    "block",
                                    "unsafe_block",
                                    "return_expression",
                                    "break_expression",
                                    "continue_expression",
                                    "function_item",
                                    "struct_item",
                                    "enum_item",
                                    "union_item",
                                    "trait_item",
                                    "impl_item",
                                    "mod_item",
                                    "const_item",
                                    "static_item",
                                    "type_item",
                                    "use_declaration",
                                    "extern_crate_declaration",
                                    "macro_definition",
                                    "foreign_mod_item",
                                    "function_signature_item",
                                    "inner_attribute_item",
                                    "associated_type",
                                    "const_block"};
  return symbols;
}

bool is_type_role(Role role) { return role == Role::Type || role == Role::Base; }

std::string dotted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "::") {
      if (!out.empty()) out += '.';
      ++i;
    } else if (text[i] == '<') {
      break;
    } else if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t' && text[i] != '\r') {
      out += text[i];
    }
  }
  return out;
}

void identifier(Lowering& l, std::uint32_t n) {
  const Atom atom = l.atom_of(n);
  if (l.role() != Role::Param) {
    l.open(is_type_role(l.role()) ? Kind::Type : Kind::Name, n, 0, 0, atom);
    return;
  }
  l.open(Kind::Param, n, 0, 0, atom);
  l.leaf(Kind::Name, Role::Name, n, 0, 0, atom);
}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }

void scoped(Lowering& l, std::uint32_t n) {
  if (is_type_role(l.role())) {
    l.open(Kind::Type, n, 0, 0, l.atom(dotted(l.text(n))));
    return;
  }
  const std::uint32_t path = l.child(n, "path");
  l.open(path == kNone ? Kind::Name : Kind::Member, n, 0, 0, l.atom_of(l.child(n, "name")));
  l.visit(path, Role::Object);
}

// --- containers

/// Attributes stand before what they belong to, as its siblings.
void items(Lowering& l, std::uint32_t n) {
  std::uint32_t attributes = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "attribute_item")) {
      if (attributes == kNone) attributes = c;
      return;
    }
    if (attributes != kNone)
      l.visit(c, Role::Element, 0, attributes);
    else
      l.visit_statement(c, Role::Element, statement_symbols());
    attributes = kNone;
  });
}

void block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  items(l, n);
}

void decorators(Lowering& l, std::uint32_t n) {
  for (std::uint32_t a = l.outer(); a != kNone && a < n; a = l.at(a).subtree_end)
    if (l.is(a, "attribute_item")) l.visit(a, Role::Decorator);
}

void modifiers(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "visibility_modifier") || l.is(c, "mutable_specifier"))
      l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom(l.text(c).starts_with("pub") ? "pub" : "mut"));
    if (!l.is(c, "function_modifiers")) return;
    for (const std::string_view word : {"async", "unsafe", "const", "extern"})
      if (l.text(c).find(word) != std::string_view::npos) l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom(word));
  });
}

std::uint8_t exported(Lowering& l, std::uint32_t n) {
  return l.find(n, "visibility_modifier") != kNone ? kFlagExported : 0;
}

/// A macro's arguments are tokens; those between commas are taken for one argument.
void tokens(Lowering& l, std::uint32_t tree) {
  if (tree == kNone) return;
  std::vector<std::uint32_t> group;
  const auto flush = [&] {
    if (group.size() == 1) l.visit(group[0], Role::Arg);
    if (group.size() > 1) {
      l.begin(Kind::Other, Role::Arg, l.at(group.front()).first, l.at(group.back()).end);
      for (const std::uint32_t c : group) l.visit(c, Role::Element);
      l.end();
    }
    group.clear();
  };
  l.each_named(tree, [&](std::uint32_t c) {
    if (!group.empty() && l.text(l.at(group.back()).end, l.at(c).first).find(',') != std::string_view::npos) flush();
    group.push_back(c);
  });
  flush();
}

void macro_call(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "macro");
  l.open(Kind::Call, n);
  if (called != kNone) {
    const std::string_view path = l.text(called);
    const std::size_t last = path.rfind(':');
    l.leaf(Kind::Name, Role::Callee, called, 0, 0,
           l.atom(std::string(path.substr(last == std::string_view::npos ? 0 : last + 1)) + "!"));
  }
  tokens(l, l.find(n, "token_tree"));
}

void attribute(Lowering& l, std::uint32_t n) {
  const std::uint32_t inner = l.first_named(n);
  l.open(Kind::Decorator, n);
  if (inner == kNone) return;
  const std::uint32_t called = l.first_named(inner);
  const std::uint32_t arguments = l.child(inner, "arguments");
  if (arguments == kNone) return l.visit(called, Role::Value);
  l.begin(Kind::Call, Role::Value, l.at(inner).first, l.at(inner).end);
  l.visit(called, Role::Callee);
  tokens(l, arguments);
  l.end();
}

// --- modules

/// `use a::{b, c::{d as e, *}}`: one Import for each name.
void use_declaration(Lowering& l, std::uint32_t n) {
  struct Part {
    std::uint32_t node;
    std::string prefix;
  };
  const auto joined = [](const std::string& a, const std::string& b) {
    return a.empty() || b.empty() ? a + b : a + "." + b;
  };
  std::vector<Part> open{{l.child(n, "argument"), {}}};
  const bool single = !l.is(open[0].node, "scoped_use_list") && !l.is(open[0].node, "use_list");
  while (!open.empty()) {
    const Part part = std::move(open.back());
    open.pop_back();
    const std::uint32_t c = part.node;
    if (c == kNone) continue;
    if (l.is(c, "scoped_use_list") || l.is(c, "use_list")) {
      const std::uint32_t path = l.child(c, "path");
      const std::uint32_t list = l.is(c, "use_list") ? c : l.child(c, "list");
      const std::string prefix = joined(part.prefix, path == kNone ? std::string() : dotted(l.text(path)));
      std::vector<std::uint32_t> children;
      if (list != kNone) l.each_named(list, [&](std::uint32_t item) { children.push_back(item); });
      for (auto item = children.rbegin(); item != children.rend(); ++item) open.push_back({*item, prefix});
      continue;
    }
    const bool all = l.is(c, "use_wildcard");
    const std::uint32_t path = l.is(c, "use_as_clause") ? l.child(c, "path") : all ? l.first_named(c) : c;
    std::string whole = joined(part.prefix, path == kNone ? std::string() : dotted(l.text(path)));
    if (whole.ends_with(".self")) whole.resize(whole.size() - 5);
    const std::size_t dot = whole.rfind('.');
    const std::string module = all || dot == std::string::npos ? whole : whole.substr(0, dot);
    const std::string item = all ? "*" : whole.substr(dot == std::string::npos ? 0 : dot + 1);
    const std::uint32_t alias = l.is(c, "use_as_clause") ? l.child(c, "alias") : kNone;
    const std::uint32_t range = single ? n : c;
    l.begin(Kind::Import, l.role(), l.at(range).first, l.at(range).end, static_cast<std::uint8_t>(ImportSub::Names), 0,
            l.atom(module));
    l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom(item), alias == kNone ? l.atom(item) : l.atom_of(alias));
    l.end();
  }
}

void extern_crate(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t alias = l.child(n, "alias");
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Module), 0, l.atom_of(called));
  if (called != kNone)
    l.leaf(Kind::ImportItem, Role::Element, called, 0, 0, l.atom_of(called),
           l.atom_of(alias == kNone ? called : alias));
}

void module(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Namespace, n, 0, exported(l, n), l.atom_of(called));
  decorators(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "body"), Role::Body);
}

// --- definitions

void class_like(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const ClassSub sub = symbol == "struct_item"  ? ClassSub::Struct
                       : symbol == "enum_item"  ? ClassSub::Enum
                       : symbol == "union_item" ? ClassSub::Union
                       : symbol == "trait_item" ? ClassSub::Interface
                                                : ClassSub::Class;
  const std::uint32_t called = symbol == "impl_item" ? l.child(n, "type") : l.child(n, "name");
  const Atom atom = called == kNone ? kNoAtom : l.atom(dotted(l.text(called)));
  l.open(Kind::Class, n, static_cast<std::uint8_t>(sub), exported(l, n), atom);
  decorators(l, n);
  modifiers(l, n);
  if (called != kNone) l.leaf(Kind::Name, Role::Name, called, 0, 0, atom);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.visit(l.child(n, "trait"), Role::Base);
  l.visit(l.child(n, "bounds"), Role::Base);
  l.visit(l.child(n, "body"), Role::Body);
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t words = l.find(n, "function_modifiers");
  std::uint8_t flags = exported(l, n);
  if (words != kNone && l.text(words).find("async") != std::string_view::npos) flags |= kFlagAsync;
  const FunctionSub sub = l.in_class_body() ? FunctionSub::Method : FunctionSub::Plain;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), flags, l.atom_of(called));
  decorators(l, n);
  modifiers(l, n);
  const std::uint32_t list = l.child(n, "parameters");
  if (list != kNone) l.visit(l.find(list, "self_parameter"), Role::Receiver);
  name_leaf(l, called);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  if (list != kNone)
    l.each_named(list, [&](std::uint32_t c) {
      if (!l.is(c, "self_parameter") && !l.is(c, "attribute_item")) l.visit(c, Role::Param);
    });
  l.visit(l.child(n, "return_type"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  const bool plain = l.is(pattern, "identifier");
  l.open(Kind::Param, n, 0, 0, plain ? l.atom_of(pattern) : kNoAtom);
  modifiers(l, n);
  l.visit(pattern, plain ? Role::Name : Role::Target);
  l.visit(l.child(n, "type"), Role::Type);
}

void self_parameter(Lowering& l, std::uint32_t n) {
  l.open(Kind::Param, n, 0, 0, l.atom("self"));
  modifiers(l, n);
}

void closure(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  if (const std::uint32_t list = l.child(n, "parameters"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Param); });
  l.visit(l.child(n, "return_type"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void async_block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n, 0, kFlagAsync);
  l.visit(l.find(n, "block"), Role::Body);
}

void field(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Field, n, 0, exported(l, n), l.atom_of(called));
  decorators(l, n);
  modifiers(l, n);
  l.visit(l.child(n, "type"), Role::Type);
  name_leaf(l, called);
}

/// `struct Point(i32, i32)`: fields without names.
void ordered_fields(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "type")) return;
    l.begin(Kind::Field, Role::Element, l.at(c).first, l.at(c).end);
    l.visit(c, Role::Type);
    l.end();
  });
}

void enum_variant(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(called));
  decorators(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "value"), Role::Value);
  l.visit(l.child(n, "body"), Role::Body);
}

void constant(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const bool member = l.in_class_body();
  l.open(member ? Kind::Field : Kind::VarDef, n, 0, exported(l, n), l.atom_of(called));
  decorators(l, n);
  modifiers(l, n);
  l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0,
            l.atom(l.is(n, "const_item") ? "const" : "static"));
  l.visit(called, member ? Role::Name : Role::Target);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Value);
}

void let(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  l.open(Kind::VarDef, n, 0, 0, l.is(pattern, "identifier") ? l.atom_of(pattern) : kNoAtom);
  modifiers(l, n);
  l.visit(pattern, Role::Target);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Value);
  l.visit(l.child(n, "alternative"), Role::Else);
}

void type_alias(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::TypeAlias, n, 0, exported(l, n), l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.child(n, "type"), Role::Type);
}

void macro_definition(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom_of(l.child(n, "name"))); }
void inner_attribute(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom_of(l.first_named(n))); }

// --- expressions

void member(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "field")));
  l.visit(l.child(n, "value"), Role::Object);
}

void generic_function(Lowering& l, std::uint32_t n) { l.pass(l.child(n, "function")); }

void index(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.first_named(n);
  l.open(Kind::Index, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == object ? Role::Object : Role::Index); });
}

void struct_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 1);
  l.visit(l.child(n, "name"), Role::Type);
  if (const std::uint32_t body = l.child(n, "body"); body != kNone)
    l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
}

void field_initializer(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  std::uint32_t key = l.child(n, "field");
  const std::uint32_t value = l.child(n, "value");
  if (key == kNone) key = l.last_named(n);
  if (key != kNone) l.leaf(Kind::Name, Role::Key, key, 0, 0, l.atom_of(key));
  l.visit(value == kNone ? key : value, Role::Value);
}

void reference(Lowering& l, std::uint32_t n) {
  const bool writes = l.find(n, "mutable_specifier") != kNone;
  l.open(Kind::AddressOf, n, writes ? 0 : kAddressReadOnly);
  l.visit(l.child(n, "value"), Role::Operand);
}

void prefix(Lowering& l, std::uint32_t n) {
  if (!l.has(n, "*")) return unary(l, n);
  l.open(Kind::Deref, n);
  l.visit(l.last_named(n), Role::Operand);
}

void question_mark(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n);
  l.visit(l.first_named(n), Role::Operand);
}

void range(Lowering& l, std::uint32_t n) {
  l.open(Kind::Range, n);
  std::uint32_t dots = l.find(n, "..");
  if (dots == kNone) dots = l.find(n, "..=");
  if (dots == kNone) dots = l.find(n, "...");
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, dots == kNone || l.at(c).first < l.at(dots).first ? Role::Left : Role::Right);
  });
}

void string(Lowering& l, std::uint32_t n) {
  const bool raw = l.is(n, "raw_string_literal");
  std::string content;
  l.each_named(n, [&](std::uint32_t c) { content += l.text(c); });
  l.open(Kind::String, n, static_cast<std::uint8_t>(raw ? StringSub::Raw : StringSub::Plain), 0, l.atom(content));
}

void character(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }
void boolean(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, l.text(n) == "true" ? 1 : 0); }
void unit(Lowering& l, std::uint32_t n) { l.open(Kind::Tuple, n); }

// --- statements

void expression_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.first_named(n);
  if (value == kNone) return;
  if (statement_symbols().contains(l.symbol(value))) return l.pass(value);
  l.open(Kind::ExprStmt, n);
  l.visit(value, Role::Value);
}

/// `if let P = e` declares what P names.
void let_condition(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  l.open(Kind::VarDef, n, 0, 0, l.is(pattern, "identifier") ? l.atom_of(pattern) : kNoAtom);
  l.visit(pattern, Role::Target);
  l.visit(l.child(n, "value"), Role::Value);
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t clause = l.child(n, "alternative");
  if (clause == kNone) return;
  const std::uint32_t other = l.first_named(clause);
  l.visit(other, Role::Else, l.is(other, "if_expression") ? kFlagElseIf : 0);
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  l.visit(l.child(n, "pattern"), Role::Target);
  l.visit(l.child(n, "value"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void loop(Lowering& l, std::uint32_t n) {
  const bool forever = l.is(n, "loop_expression");
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(forever ? LoopSub::Forever : LoopSub::While));
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "body"), Role::Body);
}

void match(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "value"), Role::Value);
  if (const std::uint32_t body = l.child(n, "body"); body != kNone)
    l.each_named(body, [&](std::uint32_t c) {
      if (l.is(c, "match_arm")) l.visit(c, Role::Case);
    });
}

void match_arm(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  const bool is_default = pattern != kNone && l.text(pattern) == "_";
  l.open(Kind::Case, n, 0, is_default ? kFlagDefault : 0);
  if (pattern != kNone) {
    const std::uint32_t condition = l.child(pattern, "condition");
    l.each_named(pattern, [&](std::uint32_t c) { l.visit(c, c == condition ? Role::Condition : Role::Key); });
  }
  const std::uint32_t value = l.child(n, "value");
  l.visit(value, Role::Body);
}

void unsafe_block(Lowering& l, std::uint32_t n) {
  l.open(Kind::With, n, 3);
  l.visit(l.find(n, "block"), Role::Body);
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "break_expression") ? Kind::Break : Kind::Continue;
  const std::uint32_t label = l.find(n, "label");
  l.open(kind, n, 0, 0, label == kNone ? kNoAtom : l.atom_of(l.first_named(label)));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Value);
  });
}

// --- types

void plain_type(Lowering& l, std::uint32_t n) {
  // Where a path goes on from a type, it is a name.
  l.open(l.role() == Role::Object ? Kind::Name : Kind::Type, n, 0, 0, l.atom(dotted(l.text(n))));
}

void generic_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t base = l.child(n, "type");
  const Atom atom = base == kNone ? kNoAtom : l.atom(dotted(l.text(base)));
  if (l.role() == Role::Object) {
    l.open(Kind::Name, n, 0, 0, atom);
    return;
  }
  l.open(Kind::Type, n, 0, 0, atom);
  if (const std::uint32_t list = l.child(n, "type_arguments"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Type); });
}

void shaped_type(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const std::string_view shape = symbol == "pointer_type"    ? "*"
                                 : symbol == "function_type" ? "fn"
                                 : symbol == "array_type"    ? "[]"
                                                             : "()";
  l.open(Kind::Type, n, 0, 0, l.atom(shape));
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "mutable_specifier")) l.visit(c, Role::Type);
  });
}

/// References and trait objects count as what they lead to.
void wrapped_type(Lowering& l, std::uint32_t n) {
  std::uint32_t inner = l.child(n, "type");
  if (inner == kNone) inner = l.child(n, "trait");
  l.pass(inner == kNone ? l.last_named(n) : inner);
}

void type_parameter(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom_of(l.child(n, "name"))); }

}  // namespace

std::span<const Row> rust_rows() {
  static const std::vector<Row> rows = {
      comment("line_comment"),
      comment("block_comment"),
      skip("empty_statement"),
      skip("shebang"),
      skip("lifetime"),
      skip("lifetime_parameter"),
      skip("where_clause"),
      custom("source_file", items),
      // names, literals
      custom("identifier", identifier),
      custom("field_identifier", identifier),
      custom("shorthand_field_identifier", identifier),
      custom("crate", identifier),
      custom("super", identifier),
      custom("metavariable", identifier),
      custom("self", self),
      custom("scoped_identifier", scoped),
      leaf("integer_literal", Kind::Number),
      leaf("float_literal", Kind::Number),
      leaf("negative_literal", Kind::Number),
      custom("boolean_literal", boolean),
      custom("char_literal", character),
      custom("string_literal", string),
      custom("raw_string_literal", string),
      // expressions
      custom("parenthesized_expression", parenthesised),
      node("call_expression", Kind::Call),
      inlined("arguments", Role::Arg),
      custom("macro_invocation", macro_call),
      custom("field_expression", member),
      custom("generic_function", generic_function),
      custom("index_expression", index),
      custom("struct_expression", struct_expression),
      custom("field_initializer", field_initializer),
      custom("shorthand_field_initializer", field_initializer),
      node("base_field_initializer", Kind::Spread, Role::Value),
      node("array_expression", Kind::List),
      node("tuple_expression", Kind::Tuple),
      node("tuple_pattern", Kind::Tuple),
      custom("unit_expression", unit),
      custom("assignment_expression", aug_assign),
      custom("compound_assignment_expr", aug_assign),
      custom("binary_expression", binary),
      custom("unary_expression", prefix),
      custom("reference_expression", reference),
      custom("try_expression", question_mark),
      custom("range_expression", range),
      custom("range_pattern", range),
      node("type_cast_expression", Kind::Cast),
      node("await_expression", Kind::Await, Role::Value),
      node("yield_expression", Kind::Yield, Role::Value),
      custom("closure_expression", closure),
      custom("async_block", async_block),
      // modules, definitions
      custom("use_declaration", use_declaration),
      custom("extern_crate_declaration", extern_crate),
      custom("mod_item", module),
      custom("attribute_item", attribute),
      custom("inner_attribute_item", inner_attribute),
      custom("macro_definition", macro_definition),
      custom("struct_item", class_like),
      custom("enum_item", class_like),
      custom("union_item", class_like),
      custom("trait_item", class_like),
      custom("impl_item", class_like),
      custom("declaration_list", block),
      custom("field_declaration_list", block),
      custom("ordered_field_declaration_list", ordered_fields),
      custom("enum_variant_list", block),
      custom("enum_variant", enum_variant),
      custom("field_declaration", field),
      custom("function_item", function),
      custom("function_signature_item", function),
      custom("parameter", parameter),
      custom("self_parameter", self_parameter),
      custom("const_item", constant),
      custom("static_item", constant),
      custom("type_item", type_alias),
      custom("associated_type", type_alias),
      custom("let_declaration", let),
      // statements
      custom("block", block),
      custom("unsafe_block", unsafe_block),
      custom("expression_statement", expression_statement),
      custom("if_expression", if_statement),
      custom("let_condition", let_condition),
      custom("match_expression", match),
      custom("match_arm", match_arm),
      custom("while_expression", loop),
      custom("loop_expression", loop),
      custom("for_expression", for_each),
      node("return_expression", Kind::Return, Role::Value),
      custom("break_expression", jump),
      custom("continue_expression", jump),
      // types
      custom("type_identifier", plain_type),
      custom("primitive_type", plain_type),
      custom("scoped_type_identifier", scoped),
      custom("generic_type", generic_type),
      custom("generic_type_with_turbofish", generic_type),
      custom("reference_type", wrapped_type),
      custom("dynamic_type", wrapped_type),
      custom("abstract_type", wrapped_type),
      custom("bracketed_type", wrapped_type),
      custom("pointer_type", shaped_type),
      custom("array_type", shaped_type),
      custom("tuple_type", shaped_type),
      custom("function_type", shaped_type),
      custom("unit_type", shaped_type),
      custom("never_type", plain_type),
      inlined("trait_bounds"),
      inlined("type_parameters", Role::TypeParam),
      custom("type_parameter", type_parameter),
  };
  return rows;
}

}  // namespace wrench::code::detail
