#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

void property_values(Lowering& l, std::uint32_t n);

bool is_type_role(Role role) { return role == Role::Type || role == Role::Base; }

/// A type's name without its arguments.
std::string type_name(Lowering& l, std::uint32_t n) {
  const std::string whole = squeezed(l.text(n));
  return whole.substr(0, whole.find('<'));
}

Atom name_of(Lowering& l, std::uint32_t n) {
  if (l.is(n, "generic_name")) return l.atom_of(l.first_named(n));
  return l.atom_of(n);
}

void identifier(Lowering& l, std::uint32_t n) {
  if (l.role() != Role::Param) {
    l.open(is_type_role(l.role()) ? Kind::Type : Kind::Name, n, 0, 0, l.atom_of(n));
    return;
  }
  l.open(Kind::Param, n, 0, 0, l.atom_of(n));
  l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }
void super(Lowering& l, std::uint32_t n) { l.open(Kind::Super, n); }

void generic_name(Lowering& l, std::uint32_t n) {
  if (!is_type_role(l.role())) {
    l.open(Kind::Name, n, 0, 0, name_of(l, n));
    return;
  }
  l.open(Kind::Type, n, 0, 0, name_of(l, n));
  l.visit(l.find(n, "type_argument_list"), Role::Element);
}

/// `a.b` outside of expressions: a type, a namespace, an attribute.
void qualified(Lowering& l, std::uint32_t n) {
  if (is_type_role(l.role())) {
    l.open(Kind::Type, n, 0, 0, l.atom(type_name(l, n)));
    if (const std::uint32_t last = l.child(n, "name"); l.is(last, "generic_name"))
      l.visit(l.find(last, "type_argument_list"), Role::Element);
    return;
  }
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Member, n, 0, 0, called == kNone ? kNoAtom : name_of(l, called));
  std::uint32_t object = l.child(n, "qualifier");
  if (object == kNone) object = l.child(n, "alias");
  l.visit(object, Role::Object);
}

// --- types

void plain_type(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom(type_name(l, n))); }

void shaped_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom(l.is(n, "array_type") ? "[]" : l.is(n, "pointer_type") ? "*" : "()"));
  if (const std::uint32_t inner = l.child(n, "type"); inner != kNone) return l.visit(inner, Role::Type);
  l.visit_children(n, Role::Type);
}

void wrapped_type(Lowering& l, std::uint32_t n) { l.pass(l.child(n, "type")); }
void type_arguments(Lowering& l, std::uint32_t n) {
  // Types within a type: their role says that they are types, whatever stands above.
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Type); });
}

void type_parameter(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom_of(l.child(n, "name"))); }

// --- modules

void using_directive(Lowering& l, std::uint32_t n) {
  const std::uint32_t alias = l.child(n, "name");
  const std::uint32_t path = l.last_named(n);
  const std::string whole = path == kNone ? std::string() : squeezed(l.text(path));
  const std::size_t dot = whole.rfind('.');
  const bool aliased = alias != kNone && alias != path;
  const std::string module = aliased && dot != std::string::npos ? whole.substr(0, dot) : whole;
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Names), 0, l.atom(module));
  if (l.has(n, "static")) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("static"));
  if (path == kNone) return;
  const Atom item = aliased ? l.atom(whole.substr(dot == std::string::npos ? 0 : dot + 1)) : l.atom("*");
  l.leaf(Kind::ImportItem, Role::Element, path, 0, 0, item, aliased ? l.atom_of(alias) : item);
}

void package(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Namespace, n, 0, 0, called == kNone ? kNoAtom : l.atom(squeezed(l.text(called))));
  l.visit(called, Role::Name);
  l.visit(l.child(n, "body"), Role::Body);
}

void conditional_branch(Lowering& l, std::uint32_t n) {
  const std::uint32_t condition = l.child(n, "condition"), other = l.child(n, "alternative");
  l.each_named(n, [&](std::uint32_t c) {
    if (c != condition && c != other) l.visit(c, Role::Element);
  });
}

/// The code of all branches of `#if` counts: among statements as an if, elsewhere as if it stood there.
void conditional_code(Lowering& l, std::uint32_t n) {
  const std::uint32_t other = l.child(n, "alternative");
  const bool statements = l.role() == Role::Element && l.parent_kind() == Kind::Block && !l.in_class_body();
  const bool chained = l.role() == Role::Else;
  if (!statements && !chained) {
    const std::uint32_t condition = l.child(n, "condition");
    return l.each_named(n, [&](std::uint32_t c) {
      if (c != condition) l.visit(c, l.role(), l.flags());
    });
  }
  if (l.is(n, "preproc_else")) {
    l.open(Kind::Block, n);
    return conditional_branch(l, n);
  }
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.begin(Kind::Block, Role::Then, l.at(n).first, other == kNone ? l.at(n).end : l.at(other).first);
  conditional_branch(l, n);
  l.end();
  l.visit(other, Role::Else);
}

// --- definitions

bool has_modifier(Lowering& l, std::uint32_t n, std::string_view word) {
  bool found = false;
  l.each_named(n, [&](std::uint32_t c) { found |= l.is(c, "modifier") && l.text(c) == word; });
  return found;
}

std::uint8_t exported(Lowering& l, std::uint32_t n) { return has_modifier(l, n, "public") ? kFlagExported : 0; }

void decorators_and_modifiers(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "attribute_list")) return l.visit(c, Role::Decorator);
    if (l.is(c, "modifier")) l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
  });
}

void attribute(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t arguments = l.find(n, "attribute_argument_list");
  l.open(Kind::Decorator, n);
  if (arguments == kNone) return l.visit(called, Role::Value);
  l.begin(Kind::Call, Role::Value, l.at(n).first, l.at(n).end);
  l.visit(called, Role::Callee);
  l.visit(arguments, Role::Arg);
  l.end();
}

/// `name: value` of calls, `name = value` of attributes, `out x`.
void argument(Lowering& l, std::uint32_t n) {
  const std::uint32_t keyword = l.child(n, "name");
  const std::uint32_t value = l.last_named(n);
  if (value == kNone) return;
  const bool by_reference = l.has(n, "out") || l.has(n, "ref");
  if (keyword != kNone && keyword != value) {
    l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(keyword));
    return l.visit(value, Role::Value);
  }
  if (!by_reference) return l.pass(value);
  l.open(Kind::AddressOf, n);
  l.visit(value, Role::Operand);
}

void type_parameters(Lowering& l, std::uint32_t n) {
  std::uint32_t list = l.child(n, "type_parameters");
  if (list == kNone) list = l.find(n, "type_parameter_list");
  l.visit(list, Role::TypeParam);
}

void class_like(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const ClassSub sub = symbol == "interface_declaration" ? ClassSub::Interface
                       : symbol == "struct_declaration"  ? ClassSub::Struct
                       : symbol == "enum_declaration"    ? ClassSub::Enum
                       : symbol == "record_declaration"  ? ClassSub::Record
                                                         : ClassSub::Class;
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Class, n, static_cast<std::uint8_t>(sub), exported(l, n), l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  type_parameters(l, n);
  l.visit(l.find(n, "parameter_list"), Role::Param);
  if (const std::uint32_t bases = l.find(n, "base_list"); bases != kNone)
    l.each_named(bases, [&](std::uint32_t c) {
      if (!l.is(c, "argument_list")) l.visit(c, Role::Base);
    });
  l.visit(l.child(n, "body"), Role::Body);
}

/// `=> expression` is a body that returns it.
void arrow_body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  const std::uint32_t value = l.first_named(n);
  if (value == kNone) return;
  if (l.is(value, "throw_expression")) return l.visit(value, Role::Element);
  l.begin(Kind::Return, Role::Element, l.at(value).first, l.at(value).end);
  l.visit(value, Role::Value);
  l.end();
}

void function(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const FunctionSub sub = symbol == "constructor_declaration"    ? FunctionSub::Constructor
                          : symbol == "destructor_declaration"   ? FunctionSub::Destructor
                          : symbol == "local_function_statement" ? FunctionSub::Plain
                                                                 : FunctionSub::Method;
  std::uint32_t called = l.child(n, "name");
  if (called == kNone) called = l.child(n, "operator");
  auto flags = exported(l, n);
  if (has_modifier(l, n, "async")) flags |= kFlagAsync;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), flags, l.atom_of(called));
  decorators_and_modifiers(l, n);
  std::uint32_t type = l.child(n, "returns");
  if (type == kNone) type = l.child(n, "type");
  l.visit(type, Role::Type);
  name_leaf(l, called);
  type_parameters(l, n);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.find(n, "constructor_initializer"), Role::From);
  l.visit(l.child(n, "body"), Role::Body);
}

void constructor_initializer(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  const bool base = l.has(n, "base");
  l.leaf_at(base ? Kind::Super : Kind::This, Role::Callee, l.at(n).first, l.at(n).first);
  l.visit(l.find(n, "argument_list"), Role::Arg);
}

void parameter_list(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "parameter")) l.visit(c, Role::Param);
  });
  // `params T[] rest` has no node of its own.
  const std::uint32_t called = l.child(n, "name");
  if (called == kNone) return;
  const std::uint32_t type = l.child(n, "type");
  l.begin(Kind::Param, Role::Param, l.at(type == kNone ? called : type).first, l.at(called).end,
          static_cast<std::uint8_t>(ParamSub::Variadic), 0, l.atom_of(called));
  l.visit(type, Role::Type);
  name_leaf(l, called);
  l.end();
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Param, n, 0, 0, l.atom_of(called));
  decorators_and_modifiers(l, n);
  l.visit(l.child(n, "type"), Role::Type);
  name_leaf(l, called);
  const std::uint32_t last = l.last_named(n);
  if (last != called && last != kNone && l.has(n, "=")) l.visit(last, Role::Default);
}

/// Fields, events and local variables: one node for each name.
void variables(Lowering& l, std::uint32_t n) {
  const bool local = l.is(n, "local_declaration_statement") || l.is(n, "variable_declaration");
  const std::uint32_t declaration = l.is(n, "variable_declaration") ? n : l.find(n, "variable_declaration");
  if (declaration == kNone) return;
  std::uint32_t count = 0;
  l.each_named(declaration, [&](std::uint32_t c) { count += l.is(c, "variable_declarator") ? 1 : 0; });
  const auto flags = static_cast<std::uint8_t>(l.flags() | exported(l, n));
  l.each_named(declaration, [&](std::uint32_t c) {
    if (!l.is(c, "variable_declarator")) return;
    const std::uint32_t called = l.first_named(c);
    const std::uint32_t value = l.last_named(c);
    const std::uint32_t whole = count == 1 ? n : c;
    const bool plain = l.is(called, "identifier");
    l.begin(local ? Kind::VarDef : Kind::Field, l.role(), l.at(whole).first, l.at(whole).end, 0, flags,
            plain ? l.atom_of(called) : kNoAtom);
    decorators_and_modifiers(l, n);
    if (l.has(n, "using")) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("using"));
    l.visit(l.child(declaration, "type"), Role::Type);
    l.visit(called, local ? Role::Target : Role::Name);
    if (value != called && l.has(c, "=")) l.visit(value, Role::Value);
    l.end();
  });
}

void declaration_expression(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::VarDef, n, 0, 0, l.is(called, "identifier") ? l.atom_of(called) : kNoAtom);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(called, Role::Target);
}

void property(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Field, n, 0, exported(l, n), l.atom_of(called));
  decorators_and_modifiers(l, n);
  l.visit(l.child(n, "type"), Role::Type);
  name_leaf(l, called);
  const std::uint32_t value = l.child(n, "value");
  if (value != kNone && !l.is(value, "arrow_expression_clause")) l.visit(value, Role::Value);
  const std::uint32_t accessors = l.child(n, "accessors");
  if (l.is(value, "arrow_expression_clause")) {
    l.begin(Kind::Function, Role::Body, l.at(value).first, l.at(value).end,
            static_cast<std::uint8_t>(FunctionSub::Getter), 0, called == kNone ? kNoAtom : l.atom_of(called));
    l.visit(value, Role::Body);
    l.end();
  } else if (accessors != kNone) {
    l.begin(Kind::Block, Role::Body, l.at(accessors).first, l.at(accessors).end);
    l.each_named(accessors, [&](std::uint32_t c) { l.visit(c, Role::Element); });
    l.end();
  }
}

/// Only those with a body: `get;` says no more than that there is a property.
void accessor(Lowering& l, std::uint32_t n) {
  const std::uint32_t body = l.child(n, "body");
  if (body == kNone) return;
  const std::uint32_t word = l.child(n, "name");
  const bool getter = word != kNone && l.text(word) == "get";
  l.open(Kind::Function, n, static_cast<std::uint8_t>(getter ? FunctionSub::Getter : FunctionSub::Setter), 0,
         l.atom_of(word));
  l.visit(body, Role::Body);
}

void enum_member(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(called));
  decorators_and_modifiers(l, n);
  name_leaf(l, called);
  l.visit(l.child(n, "value"), Role::Value);
}

void delegate(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::TypeAlias, n, 0, exported(l, n), l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.child(n, "type"), Role::Type);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n, 0, has_modifier(l, n, "async") ? kFlagAsync : 0);
  l.visit(l.child(n, "parameters"), Role::Param);
  const std::uint32_t body = l.child(n, "body");
  l.visit(body == kNone ? l.find(n, "block") : body, Role::Body);
}

// --- expressions

void invocation(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.visit(l.child(n, "function"), Role::Callee, 0, l.outer());
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void member(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Member, n, 0, 0, called == kNone ? kNoAtom : name_of(l, called));
  l.visit(l.child(n, "expression"), Role::Object, 0, l.outer());
}

void element_access(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n);
  l.visit(l.child(n, "expression"), Role::Object, 0, l.outer());
  l.visit(l.child(n, "subscript"), Role::Index);
}

/// `a?.b`: the grammar hangs `.b` beside `a`; the outer node tells what it belongs to.
void conditional_access(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.child(n, "condition");
  const std::uint32_t rest = l.last_named(n);
  if (rest == object) return l.pass(object);
  l.visit(rest, l.role(), l.flags(), object);
}

void binding(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t first = l.outer() == kNone ? l.at(n).first : l.at(l.outer()).first;
  if (called != kNone) {
    l.open_at(Kind::Member, first, l.at(n).end, 0, kFlagOptionalChain, name_of(l, called));
    return l.visit(l.outer(), Role::Object);
  }
  l.open_at(Kind::Index, first, l.at(n).end, 0, kFlagOptionalChain);
  l.visit(l.outer(), Role::Object);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Index); });
}

/// `{ X = 1 }` behind `new` sets a property of the new object, no variable.
void property_value(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assign, n, kAssignProperty);
  l.visit(l.child(n, "left"), Role::Left);
  const std::uint32_t value = l.child(n, "right");
  if (l.is(value, "initializer_expression")) return l.visit_with(property_values, value, Role::Right);
  l.visit(value, Role::Right);
}

void property_values(Lowering& l, std::uint32_t n) {
  l.open(Kind::Dict, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "assignment_expression")) return l.visit_with(property_value, c, Role::Element);
    l.visit(c, Role::Element);
  });
}

void creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  l.visit(l.child(n, "type"), Role::Type);
  std::uint32_t arguments = l.child(n, "arguments");
  if (arguments == kNone) arguments = l.find(n, "argument_list");
  l.visit(arguments, Role::Arg);
  l.visit_with(property_values, l.find(n, "initializer_expression"), Role::Body);
}

void array_creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 1);
  const std::uint32_t type = l.child(n, "type");
  l.visit(type, Role::Type);
  if (type != kNone)
    if (const std::uint32_t rank = l.child(type, "rank"); rank != kNone)
      l.each_named(rank, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
  l.visit(l.find(n, "initializer_expression"), Role::Value);
}

/// `new { Id = id, x.Count }` and `with { A = 1 }`: names and values alternate without a node around them.
void pairs(Lowering& l, std::uint32_t list) {
  std::uint32_t key = kNone;
  std::vector<std::uint32_t> row;
  bool assigned = false;
  const auto flush = [&](std::uint32_t value) {
    l.begin(Kind::Pair, Role::Element, l.at(key == kNone ? value : key).first, l.at(value).end);
    if (key != kNone) l.visit(key, Role::Key);
    l.visit(value, Role::Value);
    l.end();
    key = kNone;
  };
  l.each(list, [&](std::uint32_t c) {
    if (!l.named(c)) {
      if (l.text(c) != "=" || row.empty()) return;
      key = row.back();
      row.pop_back();
      assigned = true;
      return;
    }
    if (assigned) {
      flush(c);
      assigned = false;
      return;
    }
    for (const std::uint32_t value : row) flush(value);
    row.assign(1, c);
  });
  for (const std::uint32_t value : row) flush(value);
}

void anonymous_object(Lowering& l, std::uint32_t n) {
  l.open(Kind::Dict, n);
  pairs(l, n);
}

void with_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 2);
  l.visit(l.first_named(n), Role::Arg);
  const std::uint32_t list = l.find(n, "with_initializer");
  if (list == kNone) return;
  l.begin(Kind::Dict, Role::Value, l.at(list).first, l.at(list).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "with_initializer")) return;
    l.begin(Kind::Pair, Role::Element, l.at(c).first, l.at(c).end);
    l.visit(l.first_named(c), Role::Key);
    l.visit(l.last_named(c), Role::Value);
    l.end();
  });
  l.end();
}

void prefix(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.first(n);
  const std::string_view word = token == kNone ? std::string_view{} : l.text(token);
  if (word == "++" || word == "--") return update(l, n);
  if (word != "&" && word != "*") return unary(l, n);
  l.open(word == "&" ? Kind::AddressOf : Kind::Deref, n);
  l.visit(l.last_named(n), Role::Operand);
}

void postfix(Lowering& l, std::uint32_t n) {
  if (l.has(n, "++") || l.has(n, "--")) return update(l, n);
  l.pass(l.first_named(n));
}

void as_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::Cast, n, 1);
  l.visit(l.child(n, "left"), Role::Value);
  l.visit(l.child(n, "right"), Role::Type);
}

void is_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::TypeTest, n);
  l.visit(l.child(n, "left"), Role::Value);
  l.visit(l.child(n, "right"), Role::Type);
}

void is_pattern(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.child(n, "expression");
  const std::uint32_t pattern = l.child(n, "pattern");
  if (l.is(pattern, "declaration_pattern")) {
    l.open(Kind::TypeTest, n);
    l.visit(value, Role::Value);
    l.visit(l.child(pattern, "type"), Role::Type);
    return l.visit(l.child(pattern, "name"), Role::Target);
  }
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(Op::Is));
  l.visit(value, Role::Left);
  l.visit(pattern, Role::Right);
}

void type_of(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(l.is(n, "sizeof_expression") ? Op::SizeOf : Op::TypeOf));
  const std::uint32_t type = l.child(n, "type");
  if (type == kNone) return;
  l.begin(Kind::Type, Role::Operand, l.at(type).first, l.at(type).end, 0, 0, l.atom(type_name(l, type)));
  l.end();
}

void range(Lowering& l, std::uint32_t n) {
  l.open(Kind::Range, n);
  const std::uint32_t dots = l.find(n, "..");
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, dots == kNone || l.at(c).first < l.at(dots).first ? Role::Left : Role::Right);
  });
}

// --- literals

void string(Lowering& l, std::uint32_t n) {
  std::string_view text = l.text(n);
  StringSub sub = StringSub::Plain;
  if (l.is(n, "verbatim_string_literal")) {
    if (text.starts_with('@')) text.remove_prefix(1);
    sub = StringSub::Raw;
  } else if (const std::uint32_t content = l.find(n, "raw_string_content"); content != kNone) {
    text = l.text(content);
    sub = StringSub::Raw;
  }
  if (text.ends_with("u8") || text.ends_with("U8")) text.remove_suffix(2);
  l.open(Kind::String, n, static_cast<std::uint8_t>(sub), 0, l.atom(unquoted(text)));
}

void interpolated(Lowering& l, std::uint32_t n) {
  l.open(Kind::Interp, n);
  std::uint32_t first = kNone, end = 0;
  const auto flush = [&] {
    if (first != kNone) l.leaf_at(Kind::String, Role::Element, first, end, 0, l.atom(l.text(first, end)));
    first = kNone;
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "string_content") || l.is(c, "escape_sequence")) {
      if (first == kNone) first = l.at(c).first;
      end = l.at(c).end;
    } else if (l.is(c, "interpolation")) {
      flush();
      l.each_named(c, [&](std::uint32_t part) {
        if (!l.symbol(part).starts_with("interpolation_")) l.visit(part, Role::Element);
      });
    }
  });
  flush();
}

void character(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }
void boolean(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, l.text(n) == "true" ? 1 : 0); }
void null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }

// --- statements

void expression_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::ExprStmt, n);
  l.visit_children(n, Role::Value);
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t other = l.child(n, "alternative");
  l.visit(other, Role::Else, l.is(other, "if_statement") ? kFlagElseIf : 0);
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n, 0, l.has(n, "await") ? kFlagAsync : 0);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "left"), Role::Target);
  l.visit(l.child(n, "right"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void tuple_pattern(Lowering& l, std::uint32_t n) {
  l.open(Kind::Tuple, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Element); });
}

void switch_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  const bool expression = l.is(n, "switch_expression");
  l.visit(expression ? l.first_named(n) : l.child(n, "value"), Role::Value);
  const std::uint32_t arms = expression ? n : l.child(n, "body");
  if (arms == kNone) return;
  l.each_named(arms, [&](std::uint32_t c) {
    if (l.is(c, "switch_section") || l.is(c, "switch_expression_arm")) l.visit(c, Role::Case);
  });
}

void switch_arm(Lowering& l, std::uint32_t n) {
  const bool expression = l.is(n, "switch_expression_arm");
  const bool is_default =
      expression ? l.is(l.first_named(n), "discard") && !l.has(n, "when_clause") : l.has(n, "default");
  l.open(Kind::Case, n, 0, is_default ? kFlagDefault : 0);
  const std::uint32_t mark = l.find(n, expression ? "=>" : ":");
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (mark != kNone && l.at(c).first > l.at(mark).first) {
      if (first == kNone) first = c;
    } else if (l.is(c, "when_clause")) {
      l.visit(l.first_named(c), Role::Condition);
    } else {
      l.visit(c, Role::Key);
    }
  });
  if (first == kNone) return;
  if (expression) return l.visit(first, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.at(c).first >= l.at(first).first) l.visit(c, Role::Element);
  });
  l.end();
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  l.visit(l.child(n, "body"), Role::Body);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "catch_clause")) l.visit(c, Role::Handler);
    if (l.is(c, "finally_clause")) l.visit(l.first_named(c), Role::Finally);
  });
}

void catch_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  if (const std::uint32_t declaration = l.find(n, "catch_declaration"); declaration != kNone) {
    l.visit(l.child(declaration, "type"), Role::Type);
    l.visit(l.child(declaration, "name"), Role::Target);
  }
  if (const std::uint32_t filter = l.find(n, "catch_filter_clause"); filter != kNone)
    l.visit(l.first_named(filter), Role::Condition);
  l.visit(l.child(n, "body"), Role::Body);
}

void with_statement(Lowering& l, std::uint32_t n) {
  const bool lock = l.is(n, "lock_statement");
  l.open(Kind::With, n, lock ? 1 : l.is(n, "fixed_statement") ? 2 : 0);
  std::uint32_t body = l.child(n, "body");
  if (body == kNone) body = l.last_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == body ? Role::Body : Role::Resource); });
}

void yield_statement(Lowering& l, std::uint32_t n) {
  if (l.has(n, "break")) {
    l.open(Kind::Return, n);
    return;
  }
  l.open(Kind::ExprStmt, n);
  l.begin(Kind::Yield, Role::Value, l.at(n).first, l.at(n).end);
  l.visit_children(n, Role::Value);
  l.end();
}

void labeled(Lowering& l, std::uint32_t n) {
  const std::uint32_t label = l.first_named(n);
  l.open(Kind::Label, n, 0, 0, l.atom_of(label));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Body);
  });
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "break_statement") ? Kind::Break : l.is(n, "goto_statement") ? Kind::Goto : Kind::Continue;
  l.open(kind, n, 0, 0, l.atom_of(l.first_named(n)));
}

}  // namespace

std::span<const Row> csharp_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      skip("empty_statement"),
      skip("preproc_region"),
      skip("preproc_endregion"),
      skip("preproc_pragma"),
      skip("preproc_nullable"),
      skip("preproc_line"),
      skip("preproc_define"),
      skip("preproc_undef"),
      skip("preproc_warning"),
      skip("preproc_error"),
      skip("shebang_directive"),
      custom("preproc_if", conditional_code),
      custom("preproc_elif", conditional_code),
      custom("preproc_else", conditional_code),
      // names, literals
      custom("identifier", identifier),
      custom("implicit_parameter", identifier),
      custom("discard", identifier),
      custom("generic_name", generic_name),
      custom("qualified_name", qualified),
      custom("alias_qualified_name", qualified),
      custom("'this'", self),
      custom("'base'", super),
      leaf("integer_literal", Kind::Number),
      leaf("real_literal", Kind::Number),
      custom("boolean_literal", boolean),
      custom("null_literal", null),
      custom("character_literal", character),
      custom("string_literal", string),
      custom("verbatim_string_literal", string),
      custom("raw_string_literal", string),
      custom("interpolated_string_expression", interpolated),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("invocation_expression", invocation),
      inlined("argument_list", Role::Arg),
      inlined("bracketed_argument_list"),
      inlined("attribute_argument_list", Role::Arg),
      custom("argument", argument),
      custom("attribute_argument", argument),
      custom("member_access_expression", member),
      custom("element_access_expression", element_access),
      custom("conditional_access_expression", conditional_access),
      custom("member_binding_expression", binding),
      custom("element_binding_expression", binding),
      custom("object_creation_expression", creation),
      custom("implicit_object_creation_expression", creation),
      custom("array_creation_expression", array_creation),
      custom("implicit_array_creation_expression", array_creation),
      custom("stackalloc_expression", array_creation),
      custom("anonymous_object_creation_expression", anonymous_object),
      custom("with_expression", with_expression),
      node("initializer_expression", Kind::List),
      node("collection_expression", Kind::List),
      inlined("collection_element"),
      inlined("expression_element"),
      node("spread_element", Kind::Spread, Role::Value),
      custom("assignment_expression", aug_assign),
      custom("binary_expression", binary),
      custom("prefix_unary_expression", prefix),
      custom("postfix_unary_expression", postfix),
      node("conditional_expression", Kind::Ternary),
      node("cast_expression", Kind::Cast),
      custom("as_expression", as_expression),
      custom("is_expression", is_expression),
      custom("is_pattern_expression", is_pattern),
      inlined("constant_pattern"),
      inlined("parenthesized_pattern"),
      custom("typeof_expression", type_of),
      custom("sizeof_expression", type_of),
      custom("range_expression", range),
      node("tuple_expression", Kind::Tuple),
      custom("tuple_pattern", tuple_pattern),
      custom("parenthesized_variable_designation", tuple_pattern),
      custom("declaration_expression", declaration_expression),
      node("await_expression", Kind::Await, Role::Value),
      node("throw_expression", Kind::Throw, Role::Value),
      inlined("checked_expression"),
      node("ref_expression", Kind::AddressOf, Role::Operand),
      custom("switch_expression", switch_statement),
      custom("switch_expression_arm", switch_arm),
      custom("lambda_expression", lambda),
      custom("anonymous_method_expression", lambda),
      // modules, definitions
      custom("using_directive", using_directive),
      custom("namespace_declaration", package),
      custom("file_scoped_namespace_declaration", package),
      inlined("global_statement"),
      inlined("attribute_list", Role::Decorator),
      custom("attribute", attribute),
      skip("attribute_target_specifier"),
      custom("class_declaration", class_like),
      custom("interface_declaration", class_like),
      custom("struct_declaration", class_like),
      custom("enum_declaration", class_like),
      custom("record_declaration", class_like),
      node("declaration_list", Kind::Block),
      node("enum_member_declaration_list", Kind::Block),
      custom("enum_member_declaration", enum_member),
      custom("primary_constructor_base_type", wrapped_type),
      custom("method_declaration", function),
      custom("constructor_declaration", function),
      custom("destructor_declaration", function),
      custom("operator_declaration", function),
      custom("conversion_operator_declaration", function),
      custom("local_function_statement", function),
      custom("constructor_initializer", constructor_initializer),
      custom("arrow_expression_clause", arrow_body),
      custom("parameter_list", parameter_list),
      custom("bracketed_parameter_list", parameter_list),
      custom("parameter", parameter),
      custom("field_declaration", variables),
      custom("event_field_declaration", variables),
      custom("local_declaration_statement", variables),
      custom("variable_declaration", variables),
      custom("property_declaration", property),
      custom("indexer_declaration", property),
      custom("event_declaration", property),
      custom("accessor_declaration", accessor),
      custom("delegate_declaration", delegate),
      // statements
      node("block", Kind::Block),
      custom("expression_statement", expression_statement),
      custom("if_statement", if_statement),
      node("while_statement", Kind::Loop),
      node("do_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::DoWhile)),
      node("for_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::For)),
      custom("foreach_statement", for_each),
      custom("switch_statement", switch_statement),
      custom("switch_section", switch_arm),
      custom("try_statement", try_statement),
      custom("catch_clause", catch_clause),
      custom("using_statement", with_statement),
      custom("lock_statement", with_statement),
      custom("fixed_statement", with_statement),
      inlined("checked_statement"),
      inlined("unsafe_statement"),
      node("return_statement", Kind::Return, Role::Value),
      node("throw_statement", Kind::Throw, Role::Value),
      custom("yield_statement", yield_statement),
      custom("labeled_statement", labeled),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("goto_statement", jump),
      // types
      skip("implicit_type"),
      custom("predefined_type", plain_type),
      custom("nullable_type", wrapped_type),
      custom("ref_type", wrapped_type),
      custom("scoped_type", wrapped_type),
      custom("array_type", shaped_type),
      custom("pointer_type", shaped_type),
      custom("tuple_type", shaped_type),
      custom("function_pointer_type", shaped_type),
      inlined("tuple_element"),
      custom("type_argument_list", type_arguments),
      inlined("type_parameter_list", Role::TypeParam),
      custom("type_parameter", type_parameter),
  };
  return rows;
}

}  // namespace wrench::code::detail
