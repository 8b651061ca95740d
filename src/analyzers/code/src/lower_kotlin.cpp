#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

// The grammar has no fields: what a child is follows from its symbol and from the tokens around it.

const SymbolSet& statement_symbols() {
  static const SymbolSet symbols = {"property_declaration",
                                    "function_declaration",
                                    "class_declaration",
                                    "object_declaration",
                                    "companion_object",
                                    "secondary_constructor",
                                    "anonymous_initializer",
                                    "type_alias",
                                    "getter",
                                    "setter",
                                    "if_expression",
                                    "when_expression",
                                    "for_statement",
                                    "while_statement",
                                    "do_while_statement",
                                    "try_expression",
                                    "jump_expression",
                                    "label",
                                    "package_header",
                                    "import_list",
                                    "import_header",
                                    "file_annotation",
                                    "enum_entry",
                                    "statements"};
  return symbols;
}

/// Trap: the grammar ends `return f()` behind the word when it sees a line end after it; what stands on the same line
/// is its value.
void statements(Lowering& l, std::uint32_t n) {
  std::uint32_t jump = kNone;
  const auto flush = [&] {
    if (jump != kNone) l.visit(jump, Role::Element);
    jump = kNone;
  };
  l.each_named(n, [&](std::uint32_t c) {
    const bool same_line =
        jump != kNone && l.text(l.at(jump).end, l.at(c).first).find_first_not_of(" \t") == std::string_view::npos;
    if (same_line) {
      l.begin(Kind::Return, Role::Element, l.at(jump).first, l.at(c).end);
      l.visit(c, Role::Value);
      l.end();
      jump = kNone;
      return;
    }
    flush();
    if (l.is(c, "jump_expression") && l.text(c) == "return") {
      jump = c;
      return;
    }
    l.visit_statement(c, Role::Element, statement_symbols());
  });
  flush();
}

bool is_type(Lowering& l, std::uint32_t c) {
  for (const std::string_view symbol :
       {"user_type", "nullable_type", "function_type", "parenthesized_type", "not_nullable_type"})
    if (l.is(c, symbol)) return true;
  return false;
}

void identifier(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, l.atom_of(n)); }

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }
void super(Lowering& l, std::uint32_t n) { l.open(Kind::Super, n); }
void null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }
void boolean(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, l.text(n) == "true" ? 1 : 0); }
void character(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }

void string(Lowering& l, std::uint32_t n) {
  bool plain = true;
  std::string whole;
  l.each_named(n, [&](std::uint32_t c) {
    plain &= l.is(c, "string_content");
    whole += l.text(c);
  });
  if (plain) {
    l.open(Kind::String, n, 0, 0, l.atom(whole));
    return;
  }
  l.open(Kind::Interp, n);
  std::uint32_t first = kNone, end = 0;
  const auto flush = [&] {
    if (first != kNone) l.leaf_at(Kind::String, Role::Element, first, end, 0, l.atom(l.text(first, end)));
    first = kNone;
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "string_content")) {
      if (first == kNone) first = l.at(c).first;
      end = l.at(c).end;
      return;
    }
    flush();
    l.visit(c, Role::Element);
  });
  flush();
}

// --- types

std::string type_name(Lowering& l, std::uint32_t n) {
  const std::string whole = squeezed(l.text(n));
  return whole.substr(0, whole.find('<'));
}

void user_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom(type_name(l, n)));
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "type_arguments")) l.visit(c, Role::Element);
  });
}

void wrapped_type(Lowering& l, std::uint32_t n) { l.pass(l.last_named(n)); }

void function_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom("->"));
  l.visit_children(n, Role::Element);
}

void type_parameter(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom_of(l.find(n, "type_identifier")));
}

// --- modules

void package(Lowering& l, std::uint32_t n) {
  const std::uint32_t path = l.first_named(n);
  const Atom atom = path == kNone ? kNoAtom : l.atom(squeezed(l.text(path)));
  l.open(Kind::Namespace, n, 0, 0, atom);
  if (path != kNone) l.leaf(Kind::Name, Role::Name, path, 0, 0, atom);
}

void import_header(Lowering& l, std::uint32_t n) {
  const std::uint32_t path = l.find(n, "identifier");
  const std::uint32_t alias = l.find(n, "import_alias");
  const bool all = l.find(n, "wildcard_import") != kNone;
  const std::string whole = path == kNone ? std::string() : squeezed(l.text(path));
  const std::size_t dot = whole.rfind('.');
  const std::string module = all || dot == std::string::npos ? whole : whole.substr(0, dot);
  const std::string item = all ? "*" : whole.substr(dot == std::string::npos ? 0 : dot + 1);
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Names), 0, l.atom(module));
  const Atom local = alias == kNone || l.first_named(alias) == kNone ? l.atom(item) : l.atom_of(l.first_named(alias));
  if (path != kNone) l.leaf(Kind::ImportItem, Role::Element, path, 0, 0, l.atom(item), local);
}

// --- definitions

void modifiers(Lowering& l, std::uint32_t n) {
  const std::uint32_t words = l.find(n, "modifiers");
  if (words == kNone) return;
  l.each_named(words, [&](std::uint32_t c) {
    if (l.is(c, "annotation")) return l.visit(c, Role::Decorator);
    l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
  });
}

bool has_modifier(Lowering& l, std::uint32_t n, std::string_view word) {
  const std::uint32_t words = l.find(n, "modifiers");
  bool found = false;
  if (words != kNone) l.each_named(words, [&](std::uint32_t c) { found |= l.text(c) == word; });
  return found;
}

std::uint8_t exported(Lowering& l, std::uint32_t n) {
  return has_modifier(l, n, "private") || has_modifier(l, n, "protected") ? 0 : kFlagExported;
}

void annotation(Lowering& l, std::uint32_t n) {
  l.open(Kind::Decorator, n);
  const std::uint32_t call = l.find(n, "constructor_invocation");
  const std::uint32_t type = l.find(call == kNone ? n : call, "user_type");
  if (type == kNone) return;
  const Atom atom = l.atom(type_name(l, type));
  if (call == kNone) return l.leaf(Kind::Name, Role::Value, type, 0, 0, atom);
  l.begin(Kind::Call, Role::Value, l.at(call).first, l.at(call).end);
  l.leaf(Kind::Name, Role::Callee, type, 0, 0, atom);
  l.visit(l.find(call, "value_arguments"), Role::Arg);
  l.end();
}

/// `Base(x)` and `Shape` behind a class's colon.
void base(Lowering& l, std::uint32_t n) {
  const std::uint32_t inner = l.first_named(n);
  if (inner == kNone) return;
  const std::uint32_t type = is_type(l, inner) ? inner : l.find(inner, "user_type");
  l.pass(type == kNone ? inner : type);
}

void class_like(Lowering& l, std::uint32_t n) {
  const ClassSub sub = l.has(n, "interface") ? ClassSub::Interface
                       : l.has(n, "enum")    ? ClassSub::Enum
                                             : ClassSub::Class;
  const std::uint32_t called = l.find(n, "type_identifier");
  l.open(Kind::Class, n, static_cast<std::uint8_t>(sub), exported(l, n), l.atom_of(called));
  modifiers(l, n);
  name_leaf(l, called);
  l.visit(l.find(n, "type_parameters"), Role::TypeParam);
  l.visit(l.find(n, "primary_constructor"), Role::Param);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "delegation_specifier")) l.visit(c, Role::Base);
  });
  const std::uint32_t body = l.find(n, "class_body");
  l.visit(body == kNone ? l.find(n, "enum_class_body") : body, Role::Body);
}

void class_body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  statements(l, n);
}

void enum_entry(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.find(n, "simple_identifier");
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.find(n, "value_arguments"), Role::Value);
  l.visit(l.find(n, "class_body"), Role::Body);
}

void visit_body(Lowering& l, std::uint32_t n) {
  if (n == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(n).first, l.at(n).end);
  const std::uint32_t inner = l.first_named(n);
  if (l.is(inner, "statements")) {
    statements(l, inner);
  } else if (inner != kNone && l.has(n, "=")) {
    // `= expression` returns it.
    l.begin(Kind::Return, Role::Element, l.at(inner).first, l.at(inner).end);
    l.visit(inner, Role::Value);
    l.end();
  }
  l.end();
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.find(n, "simple_identifier");
  const std::uint32_t list = l.find(n, "function_value_parameters");
  const FunctionSub sub = l.in_class_body() ? FunctionSub::Method : FunctionSub::Plain;
  std::uint8_t flags = exported(l, n);
  if (has_modifier(l, n, "suspend")) flags |= kFlagAsync;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), flags, l.atom_of(called));
  modifiers(l, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (is_type(l, c) && called != kNone && l.at(c).first < l.at(called).first) l.visit(c, Role::Receiver);
  });
  name_leaf(l, called);
  l.visit(l.find(n, "type_parameters"), Role::TypeParam);
  l.visit(list, Role::Param);
  l.each_named(n, [&](std::uint32_t c) {
    if (is_type(l, c) && list != kNone && l.at(c).first > l.at(list).first) l.visit(c, Role::Type);
  });
  visit_body(l, l.find(n, "function_body"));
}

void secondary_constructor(Lowering& l, std::uint32_t n) {
  l.open(Kind::Function, n, static_cast<std::uint8_t>(FunctionSub::Constructor), exported(l, n), l.atom("constructor"));
  modifiers(l, n);
  l.visit(l.find(n, "function_value_parameters"), Role::Param);
  if (const std::uint32_t call = l.find(n, "constructor_delegation_call"); call != kNone) {
    l.begin(Kind::Call, Role::From, l.at(call).first, l.at(call).end);
    l.leaf_at(l.has(call, "super") ? Kind::Super : Kind::This, Role::Callee, l.at(call).first, l.at(call).first);
    l.visit(l.find(call, "value_arguments"), Role::Arg);
    l.end();
  }
  if (const std::uint32_t body = l.find(n, "statements"); body != kNone) l.visit(body, Role::Body);
}

void accessor(Lowering& l, std::uint32_t n) {
  const std::uint32_t body = l.find(n, "function_body");
  if (body == kNone) return;
  const bool getter = l.is(n, "getter");
  l.open(Kind::Function, n, static_cast<std::uint8_t>(getter ? FunctionSub::Getter : FunctionSub::Setter), 0,
         l.atom(getter ? "get" : "set"));
  if (const std::uint32_t parameter = l.find(n, "parameter_with_optional_type"); parameter != kNone)
    l.visit(parameter, Role::Param);
  visit_body(l, body);
}

void initializer(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  if (const std::uint32_t inner = l.find(n, "statements"); inner != kNone) statements(l, inner);
}

void statement_block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  statements(l, n);
}

/// Defaults and `vararg` stand beside the parameter that they belong to.
void parameter_list(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> row;
  l.each(n, [&](std::uint32_t c) { row.push_back(c); });
  bool variadic = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::uint32_t c = row[i];
    if (l.is(c, "parameter_modifiers")) variadic = l.text(c).find("vararg") != std::string_view::npos;
    if (!l.is(c, "parameter")) continue;
    const bool has_default = i + 2 < row.size() && !l.named(row[i + 1]) && l.text(row[i + 1]) == "=";
    const std::uint32_t called = l.find(c, "simple_identifier");
    const auto sub = static_cast<std::uint8_t>(variadic ? ParamSub::Variadic : ParamSub::Plain);
    l.begin(Kind::Param, Role::Param, l.at(c).first, l.at(has_default ? row[i + 2] : c).end, sub, 0, l.atom_of(called));
    name_leaf(l, called);
    l.each_named(c, [&](std::uint32_t t) {
      if (is_type(l, t)) l.visit(t, Role::Type);
    });
    if (has_default) l.visit(row[i + 2], Role::Default);
    l.end();
    variadic = false;
  }
}

/// What follows `=` among the children of n, or kNone.
std::uint32_t assigned(Lowering& l, std::uint32_t n) {
  const std::uint32_t mark = l.find(n, "=");
  std::uint32_t value = kNone;
  if (mark != kNone)
    l.each_named(n, [&](std::uint32_t c) {
      if (value == kNone && l.at(c).first > l.at(mark).first) value = c;
    });
  return value;
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.find(n, "simple_identifier");
  l.open(Kind::Param, n, 0, 0, l.atom_of(called));
  modifiers(l, n);
  name_leaf(l, called);
  l.each_named(n, [&](std::uint32_t c) {
    if (is_type(l, c)) l.visit(c, Role::Type);
  });
  l.visit(assigned(l, n), Role::Default);
}

/// As a parameter of a lambda or the variable of a loop; a property's own is read with it.
void variable(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.find(n, "simple_identifier");
  if (l.role() == Role::Param) return parameter(l, n);
  l.open(Kind::Name, n, 0, 0, l.atom_of(called));
}

void variables(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Param) {
    l.open(Kind::Param, n);
    l.begin(Kind::Tuple, Role::Target, l.at(n).first, l.at(n).end);
    l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Element); });
    return l.end();
  }
  l.open(Kind::Tuple, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Element); });
}

void property(Lowering& l, std::uint32_t n) {
  const bool field = l.in_class_body();
  const std::uint32_t declaration = l.find(n, "variable_declaration");
  const std::uint32_t several = l.find(n, "multi_variable_declaration");
  const std::uint32_t called = declaration == kNone ? kNone : l.find(declaration, "simple_identifier");
  l.open(field ? Kind::Field : Kind::VarDef, n, 0, exported(l, n), l.atom_of(called));
  modifiers(l, n);
  if (const std::uint32_t word = l.find(n, "binding_pattern_kind"); word != kNone)
    l.leaf(Kind::Modifier, Role::Modifier, word, 0, 0, l.atom_of(word));
  if (declaration != kNone)
    l.each_named(declaration, [&](std::uint32_t c) {
      if (is_type(l, c)) l.visit(c, Role::Type);
    });
  if (called != kNone && field) name_leaf(l, called);
  if (called != kNone && !field) l.leaf(Kind::Name, Role::Target, called, 0, 0, l.atom_of(called));
  l.visit(several, Role::Target);
  l.visit(assigned(l, n), Role::Value);
  if (const std::uint32_t delegate = l.find(n, "property_delegate"); delegate != kNone)
    l.visit(l.last_named(delegate), Role::Value);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "getter") || l.is(c, "setter")) l.visit(c, Role::Body);
  });
}

void type_alias(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.find(n, "type_identifier");
  l.open(Kind::TypeAlias, n, 0, exported(l, n), l.atom_of(called));
  name_leaf(l, called);
  l.each_named(n, [&](std::uint32_t c) {
    if (is_type(l, c)) l.visit(c, Role::Type);
  });
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  if (const std::uint32_t list = l.find(n, "lambda_parameters"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Param); });
  const std::uint32_t body = l.find(n, "statements");
  l.begin(Kind::Block, Role::Body, l.at(body == kNone ? n : body).first, l.at(body == kNone ? n : body).end);
  if (body != kNone) statements(l, body);
  l.end();
}

void anonymous_function(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  l.visit(l.find(n, "function_value_parameters"), Role::Param);
  visit_body(l, l.find(n, "function_body"));
}

// --- expressions

void call_arguments(Lowering& l, std::uint32_t suffix) {
  if (suffix == kNone) return;
  l.visit(l.find(suffix, "value_arguments"), Role::Arg);
  if (const std::uint32_t block = l.find(suffix, "annotated_lambda"); block != kNone)
    l.visit(l.find(block, "lambda_literal"), Role::Arg);
}

/// `f(1) { … }` is a call of the call f(1) to the grammar; the lambda is f's last argument.
void call(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  std::uint32_t callee = l.first_named(n);
  const std::uint32_t suffix = l.find(n, "call_suffix");
  const bool only_lambda = suffix != kNone && l.find(suffix, "value_arguments") == kNone;
  std::uint32_t inner = kNone;
  if (only_lambda && l.is(callee, "call_expression")) {
    const std::uint32_t inner_suffix = l.find(callee, "call_suffix");
    if (inner_suffix != kNone && l.find(inner_suffix, "annotated_lambda") == kNone) {
      inner = inner_suffix;
      callee = l.first_named(callee);
    }
  }
  l.visit(callee, Role::Callee);
  call_arguments(l, inner);
  call_arguments(l, suffix);
}

void argument(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.last_named(n);
  if (value == kNone) return;
  const std::uint32_t keyword = l.first_named(n);
  if (keyword != value && l.has(n, "=")) {
    l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(keyword));
    return l.visit(value, Role::Value);
  }
  if (!l.has(n, "*")) return l.pass(value);
  l.open(Kind::Spread, n);
  l.visit(value, Role::Value);
}

void member(Lowering& l, std::uint32_t n) {
  const std::uint32_t suffix = l.find(n, "navigation_suffix");
  const std::uint32_t called = suffix == kNone ? kNone : l.last_named(suffix);
  l.open(Kind::Member, n, 0, suffix != kNone && l.has(suffix, "?.") ? kFlagOptionalChain : 0, l.atom_of(called));
  l.visit(l.first_named(n), Role::Object);
}

void index(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n);
  l.visit(l.first_named(n), Role::Object);
  if (const std::uint32_t suffix = l.find(n, "indexing_suffix"); suffix != kNone)
    l.each_named(suffix, [&](std::uint32_t c) { l.visit(c, Role::Index); });
}

/// The left side of an assignment is flat: a, .b, [c].
void assignable(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> suffixes;
  const std::uint32_t object = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != object && (l.is(c, "navigation_suffix") || l.is(c, "indexing_suffix"))) suffixes.push_back(c);
  });
  if (suffixes.empty()) return l.pass(object);
  const auto kind = [&](std::uint32_t c) { return l.is(c, "navigation_suffix") ? Kind::Member : Kind::Index; };
  const auto atom = [&](std::uint32_t c) {
    return l.is(c, "navigation_suffix") ? l.atom_of(l.last_named(c)) : kNoAtom;
  };
  l.open(kind(suffixes.back()), n, 0, 0, atom(suffixes.back()));
  for (std::size_t i = suffixes.size() - 1; i > 0; --i)
    l.begin(kind(suffixes[i - 1]), Role::Object, l.at(n).first, l.at(suffixes[i - 1]).end, 0, 0, atom(suffixes[i - 1]));
  l.visit(object, Role::Object);
  for (std::size_t i = 0; i < suffixes.size(); ++i) {
    if (l.is(suffixes[i], "indexing_suffix"))
      l.each_named(suffixes[i], [&](std::uint32_t c) { l.visit(c, Role::Index); });
    if (i + 1 < suffixes.size()) l.end();
  }
}

/// The operator is the one token between two operands.
std::uint32_t operator_token(Lowering& l, std::uint32_t n) {
  std::uint32_t token = kNone;
  l.each(n, [&](std::uint32_t c) {
    if (!l.named(c) && token == kNone) token = c;
  });
  return token;
}

void operation(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = operator_token(l, n);
  const Op op = l.is(n, "elvis_expression") ? Op::NullCoalesce : l.op(token);
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(op));
  const std::uint32_t left = l.first_named(n);
  l.visit(left, Role::Left);
  if (l.last_named(n) != left) l.visit(l.last_named(n), Role::Right);
}

void assignment(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = operator_token(l, n);
  const bool plain = token == kNone || l.text(token) == "=";
  l.open(plain ? Kind::Assign : Kind::AugAssign, n, plain ? 0 : static_cast<std::uint8_t>(l.op(token)));
  const std::uint32_t left = l.first_named(n);
  l.visit(left, Role::Left);
  if (l.last_named(n) != left) l.visit(l.last_named(n), Role::Right);
}

void infix(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> parts;
  l.each_named(n, [&](std::uint32_t c) { parts.push_back(c); });
  l.open(Kind::Call, n);
  if (parts.size() != 3) return l.visit_children(n, Role::Arg);
  l.begin(Kind::Member, Role::Callee, l.at(n).first, l.at(parts[1]).end, 0, 0, l.atom_of(parts[1]));
  l.visit(parts[0], Role::Object);
  l.end();
  l.visit(parts[2], Role::Arg);
}

void check(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = operator_token(l, n);
  const std::string_view word = token == kNone ? std::string_view{} : l.text(token);
  const bool type = word == "is" || word == "!is";
  const std::uint32_t left = l.first_named(n), right = l.last_named(n);
  if (type) {
    l.open(Kind::TypeTest, n, word == "!is" ? 2 : 0);
  } else {
    l.open(Kind::Binary, n, static_cast<std::uint8_t>(word == "in" ? Op::In : Op::NotIn));
  }
  l.visit(left, type ? Role::Value : Role::Left);
  if (right != left) l.visit(right, type ? Role::Type : Role::Right);
}

void cast(Lowering& l, std::uint32_t n) {
  l.open(Kind::Cast, n, 1);
  l.visit(l.first_named(n), Role::Value);
  if (l.last_named(n) != l.first_named(n)) l.visit(l.last_named(n), Role::Type);
}

void range(Lowering& l, std::uint32_t n) {
  l.open(Kind::Range, n);
  l.visit(l.first_named(n), Role::Left);
  if (l.last_named(n) != l.first_named(n)) l.visit(l.last_named(n), Role::Right);
}

void prefix(Lowering& l, std::uint32_t n) {
  if (l.has(n, "++") || l.has(n, "--")) return update(l, n);
  if (operator_token(l, n) == kNone) return l.pass(l.last_named(n));
  unary(l, n);
}

void postfix(Lowering& l, std::uint32_t n) {
  if (l.has(n, "++") || l.has(n, "--")) return update(l, n);
  l.pass(l.first_named(n));
}

void reference(Lowering& l, std::uint32_t n) {
  const bool type = l.has(n, "class");
  const std::uint32_t first = l.first_named(n);
  const std::uint32_t last = l.last_named(n);
  l.open(Kind::Member, n, 0, 0, type ? l.atom("class") : l.atom_of(last));
  if (first != kNone && (type || first != last)) l.leaf(Kind::Name, Role::Object, first, 0, 0, l.atom_of(first));
}

void object_literal(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  l.visit(l.find(n, "delegation_specifier"), Role::Type);
  l.visit(l.find(n, "class_body"), Role::Body);
}

// --- statements

/// Braces or one statement.
void control_body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  if (const std::uint32_t inner = l.find(n, "statements"); inner != kNone) return statements(l, inner);
  statements(l, n);
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  const std::uint32_t condition = l.first_named(n);
  const std::uint32_t other = l.find(n, "else");
  l.visit(condition, Role::Condition);
  l.each_named(n, [&](std::uint32_t c) {
    if (c == condition) return;
    if (other == kNone || l.at(c).first < l.at(other).first) return l.visit(c, Role::Then);
    const std::uint32_t inner = l.first_named(c);
    if (l.is(inner, "if_expression") && l.count_named(c) == 1) return l.visit(inner, Role::Else, kFlagElseIf);
    l.visit(c, Role::Else);
  });
}

void when(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "when_subject")) l.visit(l.last_named(c), Role::Value);
    if (l.is(c, "when_entry")) l.visit(c, Role::Case);
  });
}

void when_entry(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n, 0, l.has(n, "else") ? kFlagDefault : 0);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "when_condition")) return l.visit(l.first_named(c), Role::Key);
    l.visit(c, Role::Body);
  });
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  std::vector<std::uint32_t> parts;
  const std::uint32_t body = l.find(n, "control_structure_body");
  l.each_named(n, [&](std::uint32_t c) {
    if (c != body && !l.is(c, "annotation")) parts.push_back(c);
  });
  if (!parts.empty()) l.visit(parts.front(), Role::Target);
  if (parts.size() > 1) l.visit(parts.back(), Role::Iterable);
  l.visit(body, Role::Body);
}

void loop(Lowering& l, std::uint32_t n) {
  const LoopSub sub = l.is(n, "do_while_statement") ? LoopSub::DoWhile : LoopSub::While;
  const std::uint32_t body = l.find(n, "control_structure_body");
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(sub));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != body) l.visit(c, Role::Condition);
  });
  l.visit(body, Role::Body);
}

void visit_statements(Lowering& l, std::uint32_t holder, Role role) {
  const std::uint32_t inner = l.find(holder, "statements");
  if (inner != kNone) return l.visit(inner, role);
  l.begin(Kind::Block, role, l.at(holder).end, l.at(holder).end);
  l.end();
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  visit_statements(l, n, Role::Body);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "catch_block")) l.visit(c, Role::Handler);
    if (l.is(c, "finally_block")) visit_statements(l, c, Role::Finally);
  });
}

void catch_block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (is_type(l, c)) l.visit(c, Role::Type);
  });
  l.visit(l.find(n, "simple_identifier"), Role::Target);
  visit_statements(l, n, Role::Body);
}

void jump(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  const Kind kind = text.starts_with("return")     ? Kind::Return
                    : text.starts_with("throw")    ? Kind::Throw
                    : text.starts_with("continue") ? Kind::Continue
                                                   : Kind::Break;
  const std::uint32_t label = l.find(n, "label");
  const bool named = kind == Kind::Break || kind == Kind::Continue;
  l.open(kind, n, 0, 0, named ? l.atom_of(label) : kNoAtom);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Value);
  });
}

void label(Lowering& l, std::uint32_t n) { l.open(Kind::Label, n, 0, 0, l.atom_of(n)); }

}  // namespace

std::span<const Row> kotlin_rows() {
  static const std::vector<Row> rows = {
      comment("line_comment"),
      comment("multiline_comment"),
      skip("shebang_line"),
      skip("type_constraints"),
      custom("source_file", statements),
      // names, literals
      custom("simple_identifier", identifier),
      custom("type_identifier", identifier),
      custom("interpolated_identifier", identifier),
      inlined("interpolated_expression"),
      custom("this_expression", self),
      custom("super_expression", super),
      custom("'null'", null),
      leaf("integer_literal", Kind::Number),
      leaf("real_literal", Kind::Number),
      leaf("hex_literal", Kind::Number),
      leaf("bin_literal", Kind::Number),
      leaf("long_literal", Kind::Number),
      leaf("unsigned_literal", Kind::Number),
      custom("boolean_literal", boolean),
      custom("character_literal", character),
      custom("string_literal", string),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("call_expression", call),
      inlined("value_arguments", Role::Arg),
      custom("value_argument", argument),
      custom("navigation_expression", member),
      custom("indexing_expression", index),
      custom("directly_assignable_expression", assignable),
      custom("assignment", assignment),
      custom("additive_expression", operation),
      custom("multiplicative_expression", operation),
      custom("comparison_expression", operation),
      custom("equality_expression", operation),
      custom("conjunction_expression", operation),
      custom("disjunction_expression", operation),
      custom("elvis_expression", operation),
      custom("infix_expression", infix),
      custom("check_expression", check),
      custom("as_expression", cast),
      custom("range_expression", range),
      custom("prefix_expression", prefix),
      custom("postfix_expression", postfix),
      custom("callable_reference", reference),
      custom("object_literal", object_literal),
      node("collection_literal", Kind::List),
      node("spread_expression", Kind::Spread, Role::Value),
      custom("lambda_literal", lambda),
      custom("anonymous_function", anonymous_function),
      // modules, definitions
      custom("package_header", package),
      inlined("import_list"),
      custom("import_header", import_header),
      custom("annotation", annotation),
      custom("file_annotation", annotation),
      custom("class_declaration", class_like),
      custom("object_declaration", class_like),
      custom("companion_object", class_like),
      custom("class_body", class_body),
      custom("enum_class_body", class_body),
      custom("enum_entry", enum_entry),
      custom("delegation_specifier", base),
      inlined("primary_constructor", Role::Param),
      custom("class_parameter", parameter),
      custom("parameter_with_optional_type", parameter),
      custom("function_declaration", function),
      custom("secondary_constructor", secondary_constructor),
      custom("getter", accessor),
      custom("setter", accessor),
      custom("anonymous_initializer", initializer),
      custom("function_value_parameters", parameter_list),
      custom("variable_declaration", variable),
      custom("multi_variable_declaration", variables),
      custom("property_declaration", property),
      custom("type_alias", type_alias),
      // statements
      custom("statements", statement_block),
      custom("control_structure_body", control_body),
      custom("if_expression", if_statement),
      custom("when_expression", when),
      custom("when_entry", when_entry),
      custom("for_statement", for_each),
      custom("while_statement", loop),
      custom("do_while_statement", loop),
      custom("try_expression", try_statement),
      custom("catch_block", catch_block),
      custom("jump_expression", jump),
      custom("label", label),
      // types
      custom("user_type", user_type),
      custom("nullable_type", wrapped_type),
      custom("not_nullable_type", wrapped_type),
      custom("parenthesized_type", wrapped_type),
      custom("function_type", function_type),
      inlined("function_type_parameters"),
      inlined("type_arguments"),
      inlined("type_projection"),
      inlined("type_parameters", Role::TypeParam),
      custom("type_parameter", type_parameter),
  };
  return rows;
}

}  // namespace wrench::code::detail
