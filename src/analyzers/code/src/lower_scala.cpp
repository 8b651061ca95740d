#include <algorithm>

#include "lower_engine.hpp"
#include "lower_macros.hpp"

namespace wrench::code::detail {

namespace {

const SymbolSet& statement_symbols() {
  static const SymbolSet symbols = {
      "class_definition",     "trait_definition",     "object_definition", "enum_definition",   "val_definition",
      "var_definition",       "val_declaration",      "var_declaration",   "given_definition",  "function_definition",
      "function_declaration", "type_definition",      "package_clause",    "package_object",    "import_declaration",
      "export_declaration",   "extension_definition", "if_expression",     "match_expression",  "for_expression",
      "while_expression",     "do_while_expression",  "try_expression",    "return_expression", "throw_expression"};
  return symbols;
}

bool is_type_role(Role role) { return role == Role::Type || role == Role::Base; }

void statements(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) { l.visit_statement(c, Role::Element, statement_symbols()); });
}

void block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  statements(l, n);
}

void identifier(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  if (text == "this" || text == "super") {
    l.open(text == "this" ? Kind::This : Kind::Super, n);
    return;
  }
  const Atom atom = l.atom_of(n);
  if (l.role() == Role::Param) {
    l.open(Kind::Param, n, 0, 0, atom);
    return l.leaf(Kind::Name, Role::Name, n, 0, 0, atom);
  }
  l.open(is_type_role(l.role()) ? Kind::Type : Kind::Name, n, 0, 0, atom);
}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }
void boolean(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, l.text(n) == "true" ? 1 : 0); }
void character(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }

std::string_view without_quotes(std::string_view text) {
  if (text.size() >= 6 && text.starts_with("\"\"\"") && text.ends_with("\"\"\""))
    return text.substr(3, text.size() - 6);
  return unquoted(text);
}

void string(Lowering& l, std::uint32_t n) { l.open(Kind::String, n, 0, 0, l.atom(without_quotes(l.text(n)))); }

/// The text between holes has no nodes.
void interpolated(Lowering& l, std::uint32_t n) {
  l.open(Kind::Interp, n);
  const std::uint32_t whole = l.find(n, "interpolated_string");
  if (whole == kNone) return;
  const std::uint32_t quotes = l.text(whole).starts_with("\"\"\"") ? 3 : 1;
  std::uint32_t at = l.at(whole).first + quotes;
  const auto text_until = [&](std::uint32_t end) {
    if (end > at) l.leaf_at(Kind::String, Role::Element, at, end, 0, l.atom(l.text(at, end)));
  };
  l.each_named(whole, [&](std::uint32_t c) {
    if (!l.is(c, "interpolation")) return;
    text_until(l.at(c).first);
    at = std::max(at, l.at(c).end);
    const std::uint32_t inner = l.first_named(c);
    if (l.is(inner, "block") && l.count_named(inner) == 1) return l.visit(l.first_named(inner), Role::Element);
    l.visit(inner, Role::Element);
  });
  if (l.at(whole).end >= quotes) text_until(l.at(whole).end - quotes);
}

// --- types

void plain_type(Lowering& l, std::uint32_t n) {
  const std::string whole = squeezed(l.text(n));
  l.open(Kind::Type, n, 0, 0, l.atom(whole.substr(0, whole.find('['))));
}

void generic_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t base = l.child(n, "type");
  l.open(Kind::Type, n, 0, 0, base == kNone ? kNoAtom : l.atom(squeezed(l.text(base))));
  l.visit(l.child(n, "type_arguments"), Role::Element);
}

void function_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom("=>"));
  l.visit_children(n, Role::Element);
}

void wrapped_type(Lowering& l, std::uint32_t n) { l.pass(l.child(n, "type")); }

void type_parameters(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "name")) return;
    l.leaf(Kind::Type, Role::TypeParam, c, 0, 0, l.atom_of(c));
  });
}

// --- modules

std::string path_of(Lowering& l, std::uint32_t n) {
  std::string out;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "path")) out += (out.empty() ? "" : ".") + std::string(l.text(c));
  });
  return out;
}

void package(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const Atom atom = called == kNone ? kNoAtom : l.atom(squeezed(l.text(called)));
  l.open(Kind::Namespace, n, 0, 0, atom);
  if (called != kNone) l.leaf(Kind::Name, Role::Name, called, 0, 0, atom);
  l.visit(l.child(n, "body"), Role::Body);
}

/// `import a.{b, c => d, _}`: one Import for each name.
void import_declaration(Lowering& l, std::uint32_t n) {
  const std::string whole = path_of(l, n);
  const std::uint32_t list = l.find(n, "namespace_selectors");
  const auto import = [&](std::uint32_t range, std::string_view module, std::string_view item, Atom local) {
    l.begin(Kind::Import, l.role(), l.at(range).first, l.at(range).end, static_cast<std::uint8_t>(ImportSub::Names), 0,
            l.atom(module));
    l.leaf(Kind::ImportItem, Role::Element, range, 0, 0, l.atom(item), local);
    l.end();
  };
  if (list != kNone)
    return l.each_named(list, [&](std::uint32_t c) {
      const std::uint32_t called = l.child(c, "name");
      const std::uint32_t alias = l.child(c, "alias");
      if (l.is(c, "namespace_wildcard")) return import(c, whole, "*", l.atom("*"));
      const std::string_view item = called == kNone ? l.text(c) : l.text(called);
      import(c, whole, item, alias == kNone ? l.atom(item) : l.atom_of(alias));
    });
  if (l.find(n, "namespace_wildcard") != kNone) return import(n, whole, "*", l.atom("*"));
  const std::size_t dot = whole.rfind('.');
  const std::string item = whole.substr(dot == std::string::npos ? 0 : dot + 1);
  import(n, dot == std::string::npos ? whole : whole.substr(0, dot), item, l.atom(item));
}

// --- definitions

void decorators_and_modifiers(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "annotation")) l.visit(c, Role::Decorator);
  });
  const std::uint32_t words = l.find(n, "modifiers");
  if (words != kNone)
    l.each(words, [&](std::uint32_t c) { l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c)); });
}

std::uint8_t exported(Lowering& l, std::uint32_t n) {
  const std::uint32_t words = l.find(n, "modifiers");
  return words != kNone && l.text(words).find("private") != std::string_view::npos ? 0 : kFlagExported;
}

void annotation(Lowering& l, std::uint32_t n) {
  l.open(Kind::Decorator, n);
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t arguments = l.child(n, "arguments");
  if (called == kNone) return;
  if (arguments == kNone) return l.leaf(Kind::Name, Role::Value, called, 0, 0, l.atom_of(called));
  l.begin(Kind::Call, Role::Value, l.at(called).first, l.at(n).end);
  l.leaf(Kind::Name, Role::Callee, called, 0, 0, l.atom_of(called));
  l.visit(arguments, Role::Arg);
  l.end();
}

void class_like(Lowering& l, std::uint32_t n) {
  const ClassSub sub = l.is(n, "trait_definition")  ? ClassSub::Interface
                       : l.is(n, "enum_definition") ? ClassSub::Enum
                                                    : ClassSub::Class;
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Class, n, static_cast<std::uint8_t>(sub), exported(l, n), l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "class_parameters")) l.visit(c, Role::Param);
  });
  if (const std::uint32_t bases = l.child(n, "extend"); bases != kNone)
    l.each_named(bases, [&](std::uint32_t c) {
      if (l.is_field(c, "type")) l.visit(c, Role::Base);
    });
  l.visit(l.child(n, "body"), Role::Body);
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const bool constructor = called != kNone && l.text(called) == "this";
  const FunctionSub sub = constructor         ? FunctionSub::Constructor
                          : l.in_class_body() ? FunctionSub::Method
                                              : FunctionSub::Plain;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), exported(l, n), l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "parameters") || l.is_field(c, "type_parameters"))
      l.visit(c, l.is(c, "type_parameters") ? Role::TypeParam : Role::Param);
  });
  l.visit(l.child(n, "return_type"), Role::Type);
  const std::uint32_t body = l.child(n, "body");
  if (body == kNone) return;
  if (l.is(body, "block") || l.is(body, "indented_block")) return l.visit(body, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(body).first, l.at(body).end);
  l.visit_statement(body, Role::Element, statement_symbols());
  l.end();
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t type = l.child(n, "type");
  const auto sub = l.is(type, "repeated_parameter_type") ? ParamSub::Variadic : ParamSub::Plain;
  l.open(Kind::Param, n, static_cast<std::uint8_t>(sub), 0, l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.visit(type, Role::Type);
  l.visit(l.child(n, "default_value"), Role::Default);
}

void variables(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  const std::uint32_t target = pattern == kNone ? l.child(n, "name") : pattern;
  const bool field = l.in_class_body();
  const std::string_view word = l.symbol(n).substr(0, 3);
  const auto one = [&](std::uint32_t called, std::uint32_t range) {
    const bool plain = l.is(called, "identifier");
    l.begin(field && plain ? Kind::Field : Kind::VarDef, l.role(), l.at(range).first, l.at(range).end, 0,
            static_cast<std::uint8_t>(l.flags() | exported(l, n)), plain ? l.atom_of(called) : kNoAtom);
    decorators_and_modifiers(l, n);
    l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom(word));
    l.visit(called, field && plain ? Role::Name : Role::Target);
    l.visit(l.child(n, "type"), Role::Type);
    l.visit(l.child(n, "value"), Role::Value);
    l.end();
  };
  if (target == kNone) return;
  if (!l.is(target, "identifiers")) return one(target, n);
  l.each_named(target, [&](std::uint32_t c) { one(c, c); });
}

void type_definition(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::TypeAlias, n, 0, exported(l, n), l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.child(n, "type"), Role::Type);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  const std::uint32_t list = l.child(n, "parameters");
  l.visit(list, Role::Param);
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != list && first == kNone) first = c;
  });
  if (first == kNone) return;
  if (first == l.last_named(n)) return l.visit(first, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != list) l.visit_statement(c, Role::Element, statement_symbols());
  });
  l.end();
}

// --- expressions

void member(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "field")));
  l.visit(l.child(n, "value"), Role::Object);
}

/// `value !` calls a method without a dot.
void postfix(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.first_named(n), called = l.last_named(n);
  if (object == called) return l.pass(object);
  l.open(Kind::Member, n, 0, 0, l.atom_of(called));
  l.visit(object, Role::Object);
}

void generic_function(Lowering& l, std::uint32_t n) { l.pass(l.child(n, "function")); }

void call(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.visit(l.child(n, "function"), Role::Callee);
  // Braces behind a call stay a block: `f { x => … }` and `f { … }` are one pattern.
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void assignment(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  if (l.role() == Role::Arg) {
    l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(left));
    return l.visit(l.child(n, "right"), Role::Value);
  }
  l.open(Kind::Assign, n);
  l.visit(left, Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "arguments")) return l.visit(c, Role::Arg);
    l.visit(c, l.is(c, "template_body") ? Role::Body : Role::Type);
  });
}

Op operator_of(std::string_view word) {
  struct Row {
    std::string_view word;
    Op op;
  };
  static constexpr Row kRows[] = {{"+", Op::Add},
                                  {"-", Op::Sub},
                                  {"*", Op::Mul},
                                  {"/", Op::Div},
                                  {"%", Op::Mod},
                                  {"&", Op::BitAnd},
                                  {"|", Op::BitOr},
                                  {"^", Op::BitXor},
                                  {"&&", Op::And},
                                  {"||", Op::Or},
                                  {"==", Op::Eq},
                                  {"!=", Op::NotEq},
                                  {"<", Op::Less},
                                  {"<=", Op::LessEq},
                                  {">", Op::Greater},
                                  {">=", Op::GreaterEq},
                                  {"<<", Op::ShiftLeft},
                                  {">>", Op::ShiftRight},
                                  {">>>", Op::UnsignedShiftRight}};
  for (const Row& row : kRows)
    if (row.word == word) return row.op;
  return Op::None;
}

/// Operators are methods: the usual ones become operators again, `+=` an assignment, the rest calls.
void infix(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.child(n, "operator");
  const std::uint32_t left = l.child(n, "left"), right = l.child(n, "right");
  const std::string_view word = token == kNone ? std::string_view{} : l.text(token);
  if (const Op op = operator_of(word); op != Op::None) {
    l.open(Kind::Binary, n, static_cast<std::uint8_t>(op));
    l.visit(left, Role::Left);
    return l.visit(right, Role::Right);
  }
  if (const Op op = word.size() > 1 && word.back() == '=' ? operator_of(word.substr(0, word.size() - 1)) : Op::None;
      op != Op::None) {
    l.open(Kind::AugAssign, n, static_cast<std::uint8_t>(op));
    l.visit(left, Role::Left);
    return l.visit(right, Role::Right);
  }
  l.open(Kind::Call, n);
  l.begin(Kind::Member, Role::Callee, l.at(n).first, l.at(token == kNone ? n : token).end, 0, 0, l.atom_of(token));
  l.visit(left, Role::Object);
  l.end();
  l.visit(right, Role::Arg);
}

void unit(Lowering& l, std::uint32_t n) { l.open(Kind::Tuple, n); }

// --- statements

/// Braces or one statement.
void branch(Lowering& l, std::uint32_t n, Role role) {
  if (l.is(n, "block") || l.is(n, "indented_block")) return l.visit(n, role);
  l.visit_statement(n, role, statement_symbols());
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  branch(l, l.child(n, "consequence"), Role::Then);
  const std::uint32_t other = l.child(n, "alternative");
  if (l.is(other, "if_expression")) return l.visit(other, Role::Else, kFlagElseIf);
  branch(l, other, Role::Else);
}

void match(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "value"), Role::Value);
  if (const std::uint32_t body = l.child(n, "body"); body != kNone)
    l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Case); });
}

void case_parts(Lowering& l, std::uint32_t n, std::uint32_t pattern) {
  const std::uint32_t guard = l.find(n, "guard");
  if (guard != kNone) l.visit(l.child(guard, "condition"), Role::Condition);
  const std::uint32_t body = l.child(n, "body");
  if (body == kNone) {
    l.begin(Kind::Block, Role::Body, l.at(n).end, l.at(n).end);
    return l.end();
  }
  if (l.is(body, "block") || l.is(body, "indented_block")) return l.visit(body, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(body).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != pattern && c != guard) l.visit_statement(c, Role::Element, statement_symbols());
  });
  l.end();
}

void case_arm(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  const bool is_default = l.is(pattern, "wildcard") && l.find(n, "guard") == kNone;
  l.open(Kind::Case, n, 0, is_default ? kFlagDefault : 0);
  l.visit(pattern, Role::Key);
  case_parts(l, n, pattern);
}

/// `{ case … }` as a value is a function of its cases.
void case_block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  l.begin(Kind::Switch, Role::Body, l.at(n).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Case); });
  l.end();
}

void handler(Lowering& l, std::uint32_t n) {
  const std::uint32_t pattern = l.child(n, "pattern");
  l.open(Kind::Catch, n);
  if (l.is(pattern, "typed_pattern")) {
    l.visit(l.child(pattern, "type"), Role::Type);
    l.visit(l.child(pattern, "pattern"), Role::Target);
  } else if (!l.is(pattern, "wildcard")) {
    l.visit(pattern, Role::Target);
  }
  case_parts(l, n, pattern);
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  branch(l, l.child(n, "body"), Role::Body);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "finally_clause")) return l.visit(l.first_named(c), Role::Finally);
    if (!l.is(c, "catch_clause")) return;
    const std::uint32_t cases = l.first_named(c);
    if (cases == kNone) return;
    l.each_named(cases, [&](std::uint32_t arm) {
      if (l.is(arm, "case_clause")) l.visit_with(handler, arm, Role::Handler);
    });
  });
}

void enumerators(Lowering& l, std::uint32_t list) {
  if (list == kNone) return;
  l.each_named(list, [&](std::uint32_t c) {
    Role role = Role::Target;
    l.each_named(c, [&](std::uint32_t part) {
      if (l.is(part, "guard")) return l.visit(l.child(part, "condition"), Role::Condition);
      l.visit(part, role);
      role = Role::Iterable;
    });
  });
}

void for_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t list = l.child(n, "enumerators");
  const std::uint32_t body = l.child(n, "body");
  if (l.has(n, "yield")) {
    l.open(Kind::Comprehension, n);
    l.visit(body, Role::Value);
    return enumerators(l, list);
  }
  l.open(Kind::ForEach, n);
  enumerators(l, list);
  branch(l, body, Role::Body);
}

void loop(Lowering& l, std::uint32_t n) {
  const LoopSub sub = l.is(n, "do_while_expression") ? LoopSub::DoWhile : LoopSub::While;
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(sub));
  l.visit(l.child(n, "condition"), Role::Condition);
  branch(l, l.child(n, "body"), Role::Body);
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

std::optional<std::string> blank_implicit_types(std::string_view text) {
  constexpr std::string_view kWord = "implicit ";
  std::string out(text);
  bool changed = false;
  for (std::size_t at = text.find(kWord); at != std::string_view::npos; at = text.find(kWord, at + 1)) {
    std::size_t before = at;
    while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\n' || text[before - 1] == '\r')) --before;
    if (before == 0 || (text[before - 1] != '{' && text[before - 1] != '(')) continue;
    std::size_t colon = at + kWord.size();
    while (colon < text.size() && is_word(text[colon])) ++colon;
    const std::size_t line_end = std::min(text.find('\n', colon), text.size());
    const std::size_t arrow = text.substr(0, line_end).find("=>", colon);
    if (colon >= line_end || text[colon] != ':' || arrow == std::string_view::npos) continue;
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(colon), out.begin() + static_cast<std::ptrdiff_t>(arrow), ' ');
    changed = true;
  }
  if (!changed) return std::nullopt;
  return out;
}

std::span<const Row> scala_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      comment("block_comment"),
      custom("compilation_unit", statements),
      // names, literals
      custom("identifier", identifier),
      custom("operator_identifier", identifier),
      custom("wildcard", identifier),
      custom("type_identifier", plain_type),
      leaf("integer_literal", Kind::Number),
      leaf("floating_point_literal", Kind::Number),
      custom("boolean_literal", boolean),
      custom("null_literal", null),
      custom("character_literal", character),
      custom("string", string),
      custom("interpolated_string_expression", interpolated),
      custom("unit", unit),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("call_expression", call),
      inlined("arguments", Role::Arg),
      custom("field_expression", member),
      custom("generic_function", generic_function),
      custom("instance_expression", creation),
      custom("assignment_expression", assignment),
      custom("infix_expression", infix),
      custom("prefix_expression", unary),
      custom("postfix_expression", postfix),
      node("tuple_expression", Kind::Tuple),
      node("tuple_pattern", Kind::Tuple),
      custom("lambda_expression", lambda),
      inlined("bindings", Role::Param),
      custom("binding", parameter),
      // modules, definitions
      custom("package_clause", package),
      custom("import_declaration", import_declaration),
      custom("annotation", annotation),
      custom("class_definition", class_like),
      custom("trait_definition", class_like),
      custom("object_definition", class_like),
      custom("package_object", class_like),
      custom("enum_definition", class_like),
      custom("template_body", block),
      custom("enum_body", block),
      inlined("class_parameters", Role::Param),
      custom("class_parameter", parameter),
      custom("function_definition", function),
      custom("function_declaration", function),
      inlined("parameters", Role::Param),
      custom("parameter", parameter),
      custom("val_definition", variables),
      custom("var_definition", variables),
      custom("val_declaration", variables),
      custom("var_declaration", variables),
      custom("type_definition", type_definition),
      // statements
      custom("block", block),
      custom("indented_block", block),
      custom("if_expression", if_statement),
      custom("match_expression", match),
      custom("case_block", case_block),
      custom("case_clause", case_arm),
      custom("try_expression", try_statement),
      custom("for_expression", for_statement),
      custom("while_expression", loop),
      custom("do_while_expression", loop),
      node("return_expression", Kind::Return, Role::Value),
      node("throw_expression", Kind::Throw, Role::Value),
      // types
      custom("stable_type_identifier", plain_type),
      custom("generic_type", generic_type),
      custom("function_type", function_type),
      inlined("parameter_types"),
      custom("repeated_parameter_type", wrapped_type),
      custom("lazy_parameter_type", wrapped_type),
      inlined("type_arguments"),
      custom("type_parameters", type_parameters),
  };
  return rows;
}

}  // namespace wrench::code::detail
