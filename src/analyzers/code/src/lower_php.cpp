#include <algorithm>

#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

/// `\Foo\Bar` as other languages write it: "Foo.Bar".
std::string dotted(std::string_view text) {
  std::string out = squeezed(text);
  if (out.starts_with('\\')) out.erase(0, 1);
  for (char& c : out)
    if (c == '\\') c = '.';
  return out;
}

/// Functions are found whatever their case. Camel case stays as written: it is somebody's own name.
std::string folded(std::string_view text) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string out(text);
  const bool shouts = std::ranges::none_of(text, is_lower);
  const bool begins = !text.empty() && is_upper(text[0]) && std::ranges::none_of(text.substr(1), is_upper);
  if (text.starts_with("Wq_") || (!shouts && !begins)) return out;
  for (char& c : out)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_type_role(Role role) { return role == Role::Type || role == Role::Base; }

void name(Lowering& l, std::uint32_t n) {
  const bool callee = l.role() == Role::Callee;
  l.open(is_type_role(l.role()) ? Kind::Type : Kind::Name, n, 0, 0, callee ? l.atom(folded(l.text(n))) : l.atom_of(n));
}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void variable(Lowering& l, std::uint32_t n) {
  if (l.text(n) == "$this") {
    l.open(Kind::This, n);
  } else {
    l.open(Kind::Name, n, 0, 0, l.atom_of(n));
  }
}

/// `A\B\c` is a chain of members, so that it compares with what an import stands for.
void qualified(Lowering& l, std::uint32_t n) {
  if (is_type_role(l.role())) {
    l.open(Kind::Type, n, 0, 0, l.atom(dotted(l.text(n))));
    return;
  }
  std::vector<std::uint32_t> parts;
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "namespace_name")) return parts.push_back(c);
    l.each_named(c, [&](std::uint32_t part) { parts.push_back(part); });
  });
  if (parts.empty()) return;
  const auto last = parts.size() - 1;
  l.open(last == 0 ? Kind::Name : Kind::Member, n, 0, 0, l.atom_of(parts[last]));
  for (std::size_t i = last; i > 0; --i)
    l.begin(i == 1 ? Kind::Name : Kind::Member, Role::Object, l.at(parts[0]).first, l.at(parts[i - 1]).end, 0, 0,
            l.atom_of(parts[i - 1]));
  for (std::size_t i = last; i > 0; --i) l.end();
}

// --- modules

void package(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Namespace, n, 0, 0, called == kNone ? kNoAtom : l.atom(dotted(l.text(called))));
  if (called != kNone) l.leaf(Kind::Name, Role::Name, called, 0, 0, l.atom(dotted(l.text(called))));
  l.visit(l.child(n, "body"), Role::Body);
}

/// One Import for each imported name; `use A\{B, C as D}` has a common beginning.
void use_declaration(Lowering& l, std::uint32_t n) {
  const std::uint32_t common = l.find(n, "namespace_name");
  const std::uint32_t group = l.child(n, "body");
  const std::uint32_t list = group == kNone ? n : group;
  std::uint32_t count = 0;
  l.each_named(list, [&](std::uint32_t c) { count += l.is(c, "namespace_use_clause") ? 1 : 0; });
  l.each_named(list, [&](std::uint32_t c) {
    if (!l.is(c, "namespace_use_clause")) return;
    const std::uint32_t path = l.first_named(c);
    if (path == kNone) return;
    const std::uint32_t alias = l.child(c, "alias");
    std::string whole = dotted(l.text(path));
    if (common != kNone) whole = dotted(l.text(common)) + "." + whole;
    const std::size_t dot = whole.rfind('.');
    const std::string item = whole.substr(dot == std::string::npos ? 0 : dot + 1);
    const std::string module = dot == std::string::npos ? whole : whole.substr(0, dot);
    const std::uint32_t range = count == 1 ? n : c;
    l.begin(Kind::Import, l.role(), l.at(range).first, l.at(range).end, static_cast<std::uint8_t>(ImportSub::Names),
            l.flags(), l.atom(module));
    l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom(item), alias == kNone ? l.atom(item) : l.atom_of(alias));
    l.end();
  });
}

// --- definitions

bool is_hidden(Lowering& l, std::uint32_t n) {
  const std::uint32_t visibility = l.find(n, "visibility_modifier");
  return visibility != kNone && l.text(visibility) != "public";
}

void decorators_and_modifiers(Lowering& l, std::uint32_t n) {
  l.visit(l.child(n, "attributes"), Role::Decorator);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.symbol(c).ends_with("_modifier") && !l.is(c, "reference_modifier"))
      l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
  });
}

void attribute(Lowering& l, std::uint32_t n) {
  l.open(Kind::Decorator, n);
  const std::uint32_t called = l.first_named(n);
  const std::uint32_t arguments = l.child(n, "parameters");
  if (arguments == kNone || called == kNone) return l.visit(called, Role::Value);
  l.begin(Kind::Call, Role::Value, l.at(n).first, l.at(n).end);
  l.visit(called, Role::Callee);
  l.visit(arguments, Role::Arg);
  l.end();
}

void class_like(Lowering& l, std::uint32_t n) {
  const ClassSub sub = l.is(n, "interface_declaration") ? ClassSub::Interface
                       : l.is(n, "enum_declaration")    ? ClassSub::Enum
                                                        : ClassSub::Class;
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Class, n, static_cast<std::uint8_t>(sub), kFlagExported, l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "base_clause") || l.is(c, "class_interface_clause"))
      l.each_named(c, [&](std::uint32_t base) { l.visit(base, Role::Base); });
  });
  l.visit(l.child(n, "body"), Role::Body);
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const FunctionSub sub = l.is(n, "function_definition")                          ? FunctionSub::Plain
                          : l.text(called == kNone ? n : called) == "__construct" ? FunctionSub::Constructor
                                                                                  : FunctionSub::Method;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), is_hidden(l, n) ? 0 : kFlagExported, l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "return_type"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "return_type"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const auto sub = l.is(n, "variadic_parameter") ? ParamSub::Variadic : ParamSub::Plain;
  l.open(Kind::Param, n, static_cast<std::uint8_t>(sub), 0, l.atom_of(called));
  decorators_and_modifiers(l, n);
  l.visit(l.child(n, "type"), Role::Type);
  name_leaf(l, called);
  l.visit(l.child(n, "default_value"), Role::Default);
}

/// Properties and constants: one node for each name.
void fields(Lowering& l, std::uint32_t n) {
  const bool constant = l.is(n, "const_declaration");
  const std::string_view element = constant ? "const_element" : "property_element";
  const bool in_class = l.in_class_body();
  std::uint32_t count = 0;
  l.each_named(n, [&](std::uint32_t c) { count += l.is(c, element) ? 1 : 0; });
  const auto flags = static_cast<std::uint8_t>(l.flags() | (is_hidden(l, n) ? 0 : kFlagExported));
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, element)) return;
    const std::uint32_t called = l.first_named(c);
    const std::uint32_t value = l.last_named(c);
    const std::uint32_t range = count == 1 ? n : c;
    l.begin(in_class ? Kind::Field : Kind::VarDef, l.role(), l.at(range).first, l.at(range).end, 0, flags,
            l.atom_of(called));
    decorators_and_modifiers(l, n);
    if (constant) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("const"));
    l.visit(l.child(n, "type"), Role::Type);
    l.visit(called, in_class ? Role::Name : Role::Target);
    if (value != called) l.visit(value, Role::Value);
    l.end();
  });
}

void enum_case(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "value"), Role::Value);
}

void static_variables(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    const std::uint32_t called = l.child(c, "name");
    l.begin(Kind::VarDef, l.role(), l.at(c).first, l.at(c).end, 0, l.flags(), l.atom_of(called));
    l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("static"));
    l.visit(called, Role::Target);
    l.visit(l.child(c, "value"), Role::Value);
    l.end();
  });
}

// --- expressions

void call_named(Lowering& l, std::uint32_t n, std::string_view callee, Role role) {
  l.begin(Kind::Call, role, l.at(n).first, l.at(n).end);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom(callee));
  l.visit_children(n, Role::Arg);
  l.end();
}

/// `print $x`, `include 'x'`: calls in all but their syntax.
void construct(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const std::string_view callee = symbol == "print_intrinsic" ? "print" : symbol.substr(0, symbol.rfind('_'));
  l.open(Kind::Call, n);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom(callee));
  l.visit_children(n, Role::Arg);
}

/// `echo $x;`, `exit(1);`, `unset($x);`
void construct_statement(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  l.open(Kind::ExprStmt, n);
  call_named(l, n, symbol.substr(0, symbol.rfind('_')), Role::Value);
}

void expression_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.first_named(n);
  if (l.is(value, "throw_expression")) return l.pass(value);
  l.open(Kind::ExprStmt, n);
  std::uint32_t before = l.at(n).first;
  while (before > 0 && std::string_view(" \t\r\n").find(l.text(before - 1, before)[0]) != std::string_view::npos)
    --before;
  const bool echoes = before >= 3 && l.text(before - 3, before) == "<?=";
  if (echoes) return call_named(l, n, "echo", Role::Value);
  l.visit_children(n, Role::Value);
}

bool is_text(Lowering& l, std::uint32_t c) {
  return l.is(c, "string_content") || l.is(c, "escape_sequence") || l.is(c, "nowdoc_string");
}

bool is_plain(Lowering& l, std::uint32_t n) {
  bool plain = true;
  l.each_named(n, [&](std::uint32_t c) { plain &= is_text(l, c); });
  return plain;
}

/// The parts of a string with variables in it; neighbouring text becomes one part.
void parts(Lowering& l, std::uint32_t n) {
  std::uint32_t first = kNone, end = 0;
  const auto flush = [&] {
    if (first == kNone) return;
    l.leaf_at(Kind::String, Role::Element, first, end, 0, l.atom(l.text(first, end)));
    first = kNone;
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (is_text(l, c)) {
      if (first == kNone) first = l.at(c).first;
      end = l.at(c).end;
      return;
    }
    flush();
    l.visit(c, Role::Element);
  });
  flush();
}

void string(Lowering& l, std::uint32_t n) {
  if (is_plain(l, n)) {
    l.open(Kind::String, n, 0, 0, l.atom(unquoted(l.text(n))));
    return;
  }
  l.open(Kind::Interp, n);
  parts(l, n);
}

void heredoc(Lowering& l, std::uint32_t n) {
  const std::uint32_t body = l.child(n, "value");
  if (body == kNone || is_plain(l, body)) {
    l.open(Kind::String, n, 0, 0, body == kNone ? l.atom("") : l.atom_of(body));
    return;
  }
  l.open(Kind::Interp, n);
  parts(l, body);
}

void shell_command(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom("`"));
  if (is_plain(l, n)) {
    l.leaf(Kind::String, Role::Arg, n, 0, 0, l.atom(unquoted(l.text(n))));
    return;
  }
  l.begin(Kind::Interp, Role::Arg, l.at(n).first, l.at(n).end);
  parts(l, n);
  l.end();
}

void boolean(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  l.open(Kind::Bool, n, text[0] == 't' || text[0] == 'T' ? 1 : 0);
}

void null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }

void argument(Lowering& l, std::uint32_t n) {
  const std::uint32_t keyword = l.child(n, "name");
  const std::uint32_t value = l.last_named(n);
  if (keyword == kNone || keyword == value) return l.pass(value == kNone ? n : value);
  l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(keyword));
  l.visit(value, Role::Value);
}

/// `a::b` is another member than `a->b`.
std::uint8_t member_flags(Lowering& l, std::uint32_t n) {
  if (l.symbol(n).starts_with("nullsafe")) return kFlagOptionalChain;
  return l.symbol(n).starts_with("member_") ? kFlagArrow : 0;
}

void member(Lowering& l, std::uint32_t n) {
  std::uint32_t object = l.child(n, "object");
  if (object == kNone) object = l.child(n, "scope");
  std::uint32_t called = l.child(n, "name");
  if (l.is(n, "class_constant_access_expression")) {
    object = l.first_named(n);
    called = l.last_named(n);
  }
  l.open(Kind::Member, n, 0, member_flags(l, n), l.atom_of(called));
  l.visit(object, Role::Object);
}

void method_call(Lowering& l, std::uint32_t n) {
  std::uint32_t object = l.child(n, "object");
  if (object == kNone) object = l.child(n, "scope");
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Call, n);
  l.begin(Kind::Member, Role::Callee, l.at(n).first, l.at(called == kNone ? n : called).end, 0, member_flags(l, n),
          l.atom_of(called));
  l.visit(object, Role::Object);
  l.end();
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  const std::uint32_t anonymous = l.find(n, "anonymous_class");
  if (anonymous == kNone) {
    const std::uint32_t type = l.first_named(n);
    l.visit(type, Role::Type);
    return l.visit(l.find(n, "arguments"), Role::Arg);
  }
  if (const std::uint32_t base = l.find(anonymous, "base_clause"); base != kNone)
    l.visit(l.first_named(base), Role::Type);
  l.visit(l.find(anonymous, "arguments"), Role::Arg);
  l.visit(l.child(anonymous, "body"), Role::Body);
}

void subscript(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n);
  const std::uint32_t object = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == object ? Role::Object : Role::Index); });
}

/// `key => value`, or one value alone.
void element(Lowering& l, std::uint32_t n) {
  const std::uint32_t key = l.first_named(n);
  if (key == kNone) return;
  if (!l.has(n, "=>")) return l.pass(key);
  l.open(Kind::Pair, n);
  l.visit(key, Role::Key);
  if (l.last_named(n) != key) l.visit(l.last_named(n), Role::Value);
}

void binary_operation(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.child(n, "operator");
  const std::string_view word = token == kNone ? std::string_view(".") : l.text(token);
  const std::uint32_t left = l.child(n, "left"), right = l.child(n, "right");
  if (word == "instanceof") {
    l.open(Kind::TypeTest, n);
    l.visit(left, Role::Value);
    return l.visit(right, Role::Type);
  }
  // Joining strings is what + does in most languages.
  const Op op = token == kNone ? Op::Add : l.op(token);
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(op));
  l.visit(left, Role::Left);
  l.visit(right, Role::Right);
}

void augmented(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.child(n, "operator");
  const bool joins = token != kNone && l.text(token) == ".=";
  l.open(Kind::AugAssign, n, static_cast<std::uint8_t>(joins ? Op::Add : l.op(token)));
  l.visit(l.child(n, "left"), Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void ternary(Lowering& l, std::uint32_t n) {
  l.open(Kind::Ternary, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "body"), Role::Then);
  l.visit(l.child(n, "alternative"), Role::Else);
}

void cast(Lowering& l, std::uint32_t n) {
  l.open(Kind::Cast, n);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Value);
}

void yield(Lowering& l, std::uint32_t n) {
  l.open(Kind::Yield, n, l.has(n, "yield from") ? 1 : 0);
  l.visit_children(n, Role::Value);
}

// --- statements

/// The arms behind an if are its siblings in the grammar; here each holds the next.
void visit_alternative(Lowering& l, std::uint32_t whole, std::uint32_t after) {
  for (std::uint32_t c = l.first(whole); c != kNone; c = l.next(c, whole)) {
    if (!l.is_field(c, "alternative") || l.at(c).first < after) continue;
    if (l.is(c, "else_if_clause")) return l.visit(c, Role::Else, kFlagElseIf, whole);
    const std::uint32_t body = l.child(c, "body");
    return l.visit(body, Role::Else, l.is(body, "if_statement") ? kFlagElseIf : 0);
  }
}

void if_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t whole = l.outer() == kNone ? n : l.outer();
  l.open_at(Kind::If, l.at(n).first, l.at(whole).end);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "body"), Role::Then);
  visit_alternative(l, whole, l.outer() == kNone ? l.at(n).first : l.at(n).end);
}

void for_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(LoopSub::For));
  l.visit(l.child(n, "initialize"), Role::Init);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "update"), Role::Update);
  l.visit(l.child(n, "body"), Role::Body);
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  const std::uint32_t body = l.child(n, "body");
  const std::uint32_t iterable = l.first_named(n);
  std::uint32_t target = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != iterable && c != body && target == kNone) target = c;
  });
  l.visit(target, Role::Target);
  l.visit(iterable, Role::Iterable);
  l.visit(body, Role::Body);
}

void switch_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "condition"), Role::Value);
  if (const std::uint32_t body = l.child(n, "body"); body != kNone)
    l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Case); });
}

void switch_arm(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n, 0, l.is(n, "default_statement") ? kFlagDefault : 0);
  const std::uint32_t key = l.child(n, "value");
  l.visit(key, Role::Key);
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != key && first == kNone) first = c;
  });
  if (first == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != key) l.visit(c, Role::Element);
  });
  l.end();
}

void match_arm(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n, 0, l.is(n, "match_default_expression") ? kFlagDefault : 0);
  if (const std::uint32_t keys = l.child(n, "conditional_expressions"); keys != kNone)
    l.each_named(keys, [&](std::uint32_t c) { l.visit(c, Role::Key); });
  l.visit(l.child(n, "return_expression"), Role::Body);
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  l.visit(l.child(n, "body"), Role::Body);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "catch_clause")) l.visit(c, Role::Handler);
    if (l.is(c, "finally_clause")) l.visit(l.child(c, "body"), Role::Finally);
  });
}

void catch_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "name"), Role::Target);
  l.visit(l.child(n, "body"), Role::Body);
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "break_statement") ? Kind::Break : l.is(n, "goto_statement") ? Kind::Goto : Kind::Continue;
  l.open(kind, n, 0, 0, l.atom_of(l.first_named(n)));
}

void label(Lowering& l, std::uint32_t n) { l.open(Kind::Label, n, 0, 0, l.atom_of(l.first_named(n))); }

// --- types

void plain_type(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom(dotted(l.text(n)))); }

void optional_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t inner = l.first_named(n);
  l.open(Kind::Type, n, 0, 0, inner == kNone ? kNoAtom : l.atom(dotted(l.text(inner))));
}

void composed_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom(l.is(n, "intersection_type") ? "&" : "|"));
  l.visit_children(n, Role::Element);
}

}  // namespace

std::span<const Row> php_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      skip("text"),
      skip("text_interpolation"),
      skip("php_tag"),
      skip("php_end_tag"),
      skip("empty_statement"),
      // names, literals
      custom("name", name),
      custom("namespace_name", name),
      custom("variable_name", variable),
      custom("qualified_name", qualified),
      custom("relative_name", qualified),
      custom("relative_scope", name),
      node("dynamic_variable_name", Kind::Deref, Role::Operand),
      leaf("integer", Kind::Number),
      leaf("float", Kind::Number),
      custom("boolean", boolean),
      custom("null", null),
      custom("string", string),
      custom("encapsed_string", string),
      custom("heredoc", heredoc),
      custom("nowdoc", heredoc),
      custom("shell_command_expression", shell_command),
      // expressions
      custom("parenthesized_expression", parenthesised),
      inlined("sequence_expression"),
      node("function_call_expression", Kind::Call),
      inlined("arguments", Role::Arg),
      custom("argument", argument),
      node("variadic_unpacking", Kind::Spread, Role::Value),
      node("by_ref", Kind::AddressOf, Role::Operand),
      custom("member_access_expression", member),
      custom("nullsafe_member_access_expression", member),
      custom("scoped_property_access_expression", member),
      custom("class_constant_access_expression", member),
      custom("member_call_expression", method_call),
      custom("nullsafe_member_call_expression", method_call),
      custom("scoped_call_expression", method_call),
      custom("object_creation_expression", creation),
      custom("subscript_expression", subscript),
      node("array_creation_expression", Kind::List),
      custom("array_element_initializer", element),
      custom("pair", element),
      node("list_literal", Kind::List),
      custom("assignment_expression", aug_assign),
      custom("reference_assignment_expression", aug_assign),
      custom("augmented_assignment_expression", augmented),
      custom("binary_expression", binary_operation),
      custom("unary_op_expression", unary),
      custom("update_expression", update),
      custom("conditional_expression", ternary),
      custom("cast_expression", cast),
      custom("print_intrinsic", construct),
      custom("include_expression", construct),
      custom("include_once_expression", construct),
      custom("require_expression", construct),
      custom("require_once_expression", construct),
      custom("match_expression", switch_statement),
      custom("match_conditional_expression", match_arm),
      custom("match_default_expression", match_arm),
      custom("yield_expression", yield),
      node("throw_expression", Kind::Throw, Role::Value),
      custom("anonymous_function", lambda),
      custom("arrow_function", lambda),
      // modules, definitions
      custom("namespace_definition", package),
      custom("namespace_use_declaration", use_declaration),
      inlined("attribute_list", Role::Decorator),
      inlined("attribute_group", Role::Decorator),
      custom("attribute", attribute),
      custom("class_declaration", class_like),
      custom("interface_declaration", class_like),
      custom("trait_declaration", class_like),
      custom("enum_declaration", class_like),
      node("declaration_list", Kind::Block),
      node("enum_declaration_list", Kind::Block),
      custom("enum_case", enum_case),
      custom("function_definition", function),
      custom("method_declaration", function),
      inlined("formal_parameters", Role::Param),
      custom("simple_parameter", parameter),
      custom("variadic_parameter", parameter),
      custom("property_promotion_parameter", parameter),
      custom("property_declaration", fields),
      custom("const_declaration", fields),
      custom("function_static_declaration", static_variables),
      node("global_declaration", Kind::Directive),
      node("declare_statement", Kind::Directive),
      // statements
      node("compound_statement", Kind::Block),
      node("colon_block", Kind::Block),
      custom("expression_statement", expression_statement),
      custom("echo_statement", construct_statement),
      custom("exit_statement", construct_statement),
      custom("unset_statement", construct_statement),
      custom("if_statement", if_statement),
      custom("else_if_clause", if_statement),
      node("while_statement", Kind::Loop),
      node("do_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::DoWhile)),
      custom("for_statement", for_statement),
      custom("foreach_statement", for_each),
      custom("switch_statement", switch_statement),
      custom("case_statement", switch_arm),
      custom("default_statement", switch_arm),
      custom("try_statement", try_statement),
      custom("catch_clause", catch_clause),
      node("return_statement", Kind::Return, Role::Value),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("goto_statement", jump),
      custom("named_label_statement", label),
      // types
      custom("named_type", plain_type),
      custom("primitive_type", plain_type),
      custom("cast_type", plain_type),
      custom("bottom_type", plain_type),
      custom("optional_type", optional_type),
      custom("union_type", composed_type),
      custom("intersection_type", composed_type),
      custom("disjunctive_normal_form_type", composed_type),
      inlined("type_list"),
  };
  return rows;
}

}  // namespace wrench::code::detail
