#include "lower_engine.hpp"
#include "wrench/code/macro_table.hpp"

/// C and C++: two grammars with one vocabulary.
namespace wrench::code::detail {

namespace {

constexpr std::uint8_t kScopeMember = 2;  ///< Member::sub of `a::b`.

void name(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, l.atom_of(n)); }

// --- types

bool defines(Lowering& l, std::uint32_t spec) {
  const std::string_view symbol = l.symbol(spec);
  return (symbol == "struct_specifier" || symbol == "class_specifier" || symbol == "union_specifier" ||
          symbol == "enum_specifier") &&
         l.child(spec, "body") != kNone;
}

/// A type specifier with what the declarator adds ("*", "&", "[]").
void typed(Lowering& l, std::uint32_t spec, std::string_view suffix, Role role) {
  if (spec == kNone) return;
  if (defines(l, spec)) return l.visit(spec, role);
  std::uint32_t base = spec;
  if (l.is(spec, "struct_specifier") || l.is(spec, "class_specifier") || l.is(spec, "union_specifier") ||
      l.is(spec, "enum_specifier"))
    if (const std::uint32_t named = l.child(spec, "name"); named != kNone) base = named;
  std::uint32_t arguments = kNone;
  std::string atom;
  if (l.is(base, "template_type")) {
    arguments = l.child(base, "arguments");
    if (const std::uint32_t plain = l.child(base, "name"); plain != kNone) atom = l.text(plain);
  } else if (l.is(base, "qualified_identifier")) {
    // std::vector<int>: the arguments belong to the innermost name.
    std::uint32_t inner = base;
    while (l.is(inner, "qualified_identifier") && l.child(inner, "name") != kNone) inner = l.child(inner, "name");
    if (l.is(inner, "template_type")) arguments = l.child(inner, "arguments");
    atom = squeezed(l.text(l.at(base).first, arguments == kNone ? l.at(base).end : l.at(arguments).first));
  } else {
    // "unsigned long" keeps its space, as people write it in patterns.
    for (const char c : l.text(base))
      if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
        if (!atom.empty() && atom.back() != ' ') atom += ' ';
      } else {
        atom += c;
      }
  }
  l.begin(Kind::Type, role, l.at(spec).first, l.at(spec).end, 0, 0, l.atom(atom + std::string(suffix)));
  if (arguments != kNone) l.each_named(arguments, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void type(Lowering& l, std::uint32_t n) { typed(l, n, "", l.role()); }

struct Declared {
  std::uint32_t name = kNone;
  std::uint32_t parameters = kNone;  ///< Set for a function, not for a pointer to one.
  std::uint32_t function = kNone;
  std::string suffix;
  std::vector<std::uint32_t> sizes;
};

Declared declared(Lowering& l, std::uint32_t n) {
  Declared out;
  bool parenthesised_pointer = false;
  while (n != kNone) {
    const std::string_view symbol = l.symbol(n);
    if (symbol.ends_with("pointer_declarator") || symbol == "pointer_type_declarator") {
      out.suffix += '*';
      parenthesised_pointer = true;
    } else if (symbol.ends_with("reference_declarator")) {
      out.suffix += '&';
    } else if (symbol.ends_with("array_declarator")) {
      out.suffix += "[]";
      if (const std::uint32_t size = l.child(n, "size"); size != kNone && l.named(size)) out.sizes.push_back(size);
    } else if (symbol.ends_with("function_declarator")) {
      out.parameters = l.child(n, "parameters");
      out.function = n;
      parenthesised_pointer = false;
    } else if (!symbol.ends_with("parenthesized_declarator") && symbol != "attributed_declarator" &&
               symbol != "init_declarator" && symbol != "variadic_declarator") {
      out.name = n;
      break;
    }
    std::uint32_t inner = l.child(n, "declarator");
    if (inner == kNone)
      l.each_named(n, [&](std::uint32_t c) {
        const std::string_view s = l.symbol(c);
        if (s.ends_with("declarator") || s.ends_with("identifier")) inner = c;
      });
    n = inner;
  }
  // `int (*f)(int)`: the pointer stands between the name and the parameters.
  if (parenthesised_pointer && out.function != kNone) {
    out.parameters = kNone;
    out.suffix += "()";
  }
  return out;
}

std::string name_text(Lowering& l, std::uint32_t n) {
  if (n == kNone) return {};
  if (l.is(n, "template_function") || l.is(n, "template_method"))
    if (const std::uint32_t plain = l.child(n, "name"); plain != kNone) return std::string(l.text(plain));
  return squeezed(l.text(n));
}

std::uint32_t type_of(Lowering& l, std::uint32_t n) { return l.child(n, "type"); }

void modifiers(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    const std::string_view symbol = l.symbol(c);
    if (symbol == "storage_class_specifier" || symbol == "type_qualifier" || symbol == "virtual" ||
        symbol == "virtual_specifier" || symbol == "explicit_function_specifier" ||
        symbol == "virtual_function_specifier")
      l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
  });
}

bool is_static(Lowering& l, std::uint32_t n) {
  bool found = false;
  l.each_named(n, [&](std::uint32_t c) { found |= l.is(c, "storage_class_specifier") && l.text(c) == "static"; });
  return found;
}

void name_leaf(Lowering& l, std::uint32_t n, Role role = Role::Name) {
  if (n != kNone) l.leaf(Kind::Name, role, n, 0, 0, l.atom(name_text(l, n)));
}

void template_parameters(Lowering& l) {
  if (l.outer() == kNone) return;
  if (const std::uint32_t list = l.child(l.outer(), "parameters"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::TypeParam); });
}

// --- functions

FunctionSub function_sub(Lowering& l, std::uint32_t type, const std::string& called) {
  const bool member = l.in_class_body() || called.find("::") != std::string::npos;
  if (called.find('~') != std::string::npos) return FunctionSub::Destructor;
  if (member && type == kNone && !called.starts_with("operator")) return FunctionSub::Constructor;
  return member ? FunctionSub::Method : FunctionSub::Plain;
}

/// Queues what is between a function's name and its body.
void function_parts(Lowering& l, std::uint32_t n, const Declared& d) {
  template_parameters(l);
  modifiers(l, n);
  typed(l, type_of(l, n), d.suffix, Role::Type);
  name_leaf(l, d.name);
  if (d.parameters != kNone) l.each_named(d.parameters, [&](std::uint32_t c) { l.visit(c, Role::Param); });
}

void function(Lowering& l, std::uint32_t n) {
  const Declared d = declared(l, l.child(n, "declarator"));
  const std::string called = name_text(l, d.name);
  l.open(Kind::Function, l.outer() == kNone ? n : l.outer(),
         static_cast<std::uint8_t>(function_sub(l, type_of(l, n), called)), is_static(l, n) ? 0 : kFlagExported,
         l.atom(called));
  function_parts(l, n, d);
  if (const std::uint32_t list = l.find(n, "field_initializer_list"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Init); });
  l.visit(l.child(n, "body"), Role::Body);
}

void field_initializer(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  const std::uint32_t callee = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == callee ? Role::Callee : Role::Arg); });
}

void parameter(Lowering& l, std::uint32_t n) {
  const Declared d = declared(l, l.child(n, "declarator"));
  const bool variadic = l.is(n, "variadic_parameter_declaration");
  l.open(Kind::Param, n, static_cast<std::uint8_t>(variadic ? ParamSub::Variadic : ParamSub::Plain), 0,
         l.atom(name_text(l, d.name)));
  modifiers(l, n);
  typed(l, type_of(l, n), d.suffix, Role::Type);
  name_leaf(l, d.name);
  l.visit(l.child(n, "default_value"), Role::Default);
}

void dots(Lowering& l, std::uint32_t n) { l.open(Kind::Param, n, static_cast<std::uint8_t>(ParamSub::Variadic)); }

void type_parameter(Lowering& l, std::uint32_t n) {
  std::uint32_t named = l.child(n, "name");
  if (named == kNone) named = l.first_named(n);
  l.open(Kind::Type, n, 0, 0, l.atom_of(named));
  if (const std::uint32_t value = l.child(n, "default_type"); value != kNone) typed(l, value, "", Role::Element);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  const std::uint32_t declarator = l.child(n, "declarator");
  if (const std::uint32_t captures = l.child(n, "captures"); captures != kNone)
    l.each_named(captures, [&](std::uint32_t c) { l.visit(c, Role::Init); });
  if (declarator != kNone)
    if (const std::uint32_t parameters = l.child(declarator, "parameters"); parameters != kNone)
      l.each_named(parameters, [&](std::uint32_t c) { l.visit(c, Role::Param); });
  l.visit(l.child(n, "body"), Role::Body);
}

// --- declarations

void variable(Lowering& l, std::uint32_t n, std::uint32_t declarator, std::uint32_t value, std::uint32_t whole,
              Kind kind) {
  const Declared d = declared(l, declarator);
  const std::string called = name_text(l, d.name);
  const Cst& range = l.at(whole);
  if (d.parameters != kNone && value == kNone) {
    // A prototype.
    const auto sub = static_cast<std::uint8_t>(function_sub(l, type_of(l, n), called));
    l.begin(Kind::Function, l.role(), range.first, range.end, sub, is_static(l, n) ? 0 : kFlagExported, l.atom(called));
    function_parts(l, n, d);
    return l.end();
  }
  const bool destructures = l.is(d.name, "structured_binding_declarator");
  l.begin(kind, l.role(), range.first, range.end, 0, l.flags(), destructures ? kNoAtom : l.atom(called));
  modifiers(l, n);
  typed(l, type_of(l, n), d.suffix, Role::Type);
  if (destructures) {
    l.visit(d.name, Role::Target);
  } else {
    name_leaf(l, d.name, kind == Kind::Field ? Role::Name : Role::Target);
  }
  for (const std::uint32_t size : d.sizes) l.visit(size, Role::Index);
  if (l.is(value, "argument_list")) {
    l.begin(Kind::New, Role::Value, l.at(value).first, l.at(value).end, 2);
    l.each_named(value, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
    l.end();
  } else {
    l.visit(value, Role::Value);
  }
  l.end();
}

void declaration(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "field_declaration") ? Kind::Field : Kind::VarDef;
  std::vector<std::uint32_t> declarators;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "declarator")) declarators.push_back(c);
  });
  const std::uint32_t type = type_of(l, n);
  if (declarators.empty()) {
    // `struct S { … };`, `struct S;`
    if (type != kNone && defines(l, type)) return l.visit(type, l.role(), l.flags());
    l.open(Kind::Directive, n, 0, 0, l.atom("declare"));
    return typed(l, type, "", Role::Type);
  }
  std::uint32_t default_value = l.child(n, "default_value");
  if (default_value == kNone) default_value = l.child(n, "value");
  for (const std::uint32_t c : declarators) {
    const bool init = l.is(c, "init_declarator");
    const std::uint32_t value = init ? l.child(c, "value") : default_value;
    variable(l, n, init ? l.child(c, "declarator") : c, value, declarators.size() == 1 ? n : c, kind);
  }
}

void type_definition(Lowering& l, std::uint32_t n) {
  bool first = true;
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "declarator")) return;
    const Declared d = declared(l, c);
    l.begin(Kind::TypeAlias, l.role(), l.at(n).first, l.at(n).end, 0, l.flags(), l.atom(name_text(l, d.name)));
    name_leaf(l, d.name);
    if (first) typed(l, type_of(l, n), d.suffix, Role::Type);
    first = false;
    l.end();
  });
}

void alias(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::TypeAlias, l.outer() == kNone ? n : l.outer(), 0, 0, l.atom_of(called));
  name_leaf(l, called);
  template_parameters(l);
  l.visit(l.child(n, "type"), Role::Type);
}

/// In casts, sizeof and template arguments.
void type_descriptor(Lowering& l, std::uint32_t n) {
  const std::uint32_t declarator = l.child(n, "declarator");
  typed(l, l.child(n, "type"), declarator == kNone ? std::string() : declared(l, declarator).suffix, l.role());
}

void class_like(Lowering& l, std::uint32_t n) {
  if (l.child(n, "body") == kNone) return typed(l, n, "", l.role());
  const std::string_view symbol = l.symbol(n);
  const ClassSub sub = symbol == "struct_specifier"  ? ClassSub::Struct
                       : symbol == "union_specifier" ? ClassSub::Union
                       : symbol == "enum_specifier"  ? ClassSub::Enum
                                                     : ClassSub::Class;
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Class, l.outer() == kNone ? n : l.outer(), static_cast<std::uint8_t>(sub), 0,
         called == kNone ? kNoAtom : l.atom(name_text(l, called)));
  template_parameters(l);
  name_leaf(l, called);
  if (const std::uint32_t bases = l.find(n, "base_class_clause"); bases != kNone)
    l.each_named(bases, [&](std::uint32_t c) {
      if (!l.is(c, "access_specifier")) typed(l, c, "", Role::Base);
    });
  l.visit(l.child(n, "body"), Role::Body);
}

void enumerator(Lowering& l, std::uint32_t n) {
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(l.child(n, "name")));
  name_leaf(l, l.child(n, "name"));
  l.visit(l.child(n, "value"), Role::Value);
}

void template_declaration(Lowering& l, std::uint32_t n) {
  const std::uint32_t inner = l.last_named(n);
  if (inner == kNone || l.is(inner, "template_parameter_list")) return;
  l.visit(inner, l.role(), l.flags(), l.outer() == kNone ? n : l.outer());
}

void name_space(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Namespace, n, 0, 0, l.atom(name_text(l, called)));
  name_leaf(l, called);
  const std::uint32_t body = l.child(n, "body");
  if (body == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(body).first, l.at(body).end);
  l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void using_declaration(Lowering& l, std::uint32_t n) {
  l.open(Kind::Directive, n, 0, 0, l.atom("using"));
  l.visit_children(n, Role::Element);
}

void access_specifier(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom_of(n)); }

// --- the preprocessor

void include(Lowering& l, std::uint32_t n) {
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::SideEffect), 0, l.atom_of(l.child(n, "path")));
}

void define(Lowering& l, std::uint32_t n) {
  l.open(Kind::Directive, n, 0, 0, l.atom_of(l.child(n, "name")));
  const std::uint32_t value = l.child(n, "value");
  if (value == kNone) return;
  // What stands for one value is that value: rules and flows look it up where the macro is named.
  const std::vector<Macro> macros = macros_in(l.text(n));
  if (macros.size() != 1) return l.leaf(Kind::Other, Role::Value, value, 0, 0, l.atom_of(value));
  const std::string_view body = macros[0].body;
  if (const std::string_view other = alias_of_macro(macros[0]); !other.empty())
    return l.leaf(Kind::Name, Role::Value, value, 0, 0, l.atom(other));
  const bool text = body.size() >= 2 && body.front() == '"' && body.find('"', 1) == body.size() - 1;
  if (text && !macros[0].is_function) return l.leaf(Kind::String, Role::Value, value, 0, 0, l.atom(unquoted(body)));
  if (const auto number = integer_of_macro(body); number && !macros[0].is_function)
    return l.leaf(Kind::Number, Role::Value, value, 0, 0, l.atom(std::to_string(*number)));
  l.leaf(Kind::Other, Role::Value, value, 0, 0, l.atom_of(value));
}

/// The branches' contents take the place of `#if`: both sides of it are code that somebody compiles.
void conditional_part(Lowering& l, std::uint32_t n) {
  const std::uint32_t condition = l.child(n, "condition");
  const std::uint32_t called = l.child(n, "name");
  l.each_named(n, [&](std::uint32_t c) {
    if (c == called || c == condition) {
      l.begin(Kind::Directive, l.role(), l.at(n).first, l.at(c).end, 0, 0, l.atom("#if"));
      l.visit(c, Role::Condition);
      l.end();
    } else {
      l.visit(c, l.role());
    }
  });
}

void directive(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom_of(l.child(n, "directive"))); }

// --- statements

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t alternative = l.child(n, "alternative");
  if (alternative == kNone) return;
  const std::uint32_t other = l.is(alternative, "else_clause") ? l.first_named(alternative) : alternative;
  l.visit(other, Role::Else, l.is(other, "if_statement") ? kFlagElseIf : 0);
}

void condition_clause(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    const bool init = l.is_field(c, "initializer") || l.is(c, "init_statement");
    l.visit(c, init ? Role::Init : l.role(), l.flags() | (init ? 0 : kFlagParenthesised));
  });
}

void for_range(Lowering& l, std::uint32_t n) {
  const Declared d = declared(l, l.child(n, "declarator"));
  l.open(Kind::ForEach, n);
  l.visit(l.child(n, "initializer"), Role::Init);
  modifiers(l, n);
  typed(l, type_of(l, n), d.suffix, Role::Type);
  l.visit(d.name, Role::Target);
  l.visit(l.child(n, "right"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void switch_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "condition"), Role::Value);
  const std::uint32_t body = l.child(n, "body");
  if (body != kNone)
    l.each_named(body, [&](std::uint32_t c) { l.visit(c, l.is(c, "case_statement") ? Role::Case : Role::Element); });
}

void switch_arm(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.child(n, "value");
  l.open(Kind::Case, n, 0, value == kNone ? kFlagDefault : 0);
  l.visit(value, Role::Key);
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != value && first == kNone) first = c;
  });
  if (first == kNone) return;
  if (l.is(first, "compound_statement") && l.last_named(n) == first) return l.visit(first, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != value) l.visit(c, Role::Element);
  });
  l.end();
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, l.is_field(c, "body") ? Role::Body : l.is(c, "catch_clause") ? Role::Handler : Role::Init);
  });
}

void catch_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  if (const std::uint32_t list = l.child(n, "parameters"); list != kNone)
    if (const std::uint32_t p = l.first_named(list); p != kNone && l.child(p, "type") != kNone) {
      const Declared d = declared(l, l.child(p, "declarator"));
      typed(l, l.child(p, "type"), d.suffix, Role::Type);
      name_leaf(l, d.name, Role::Target);
    }
  l.visit(l.child(n, "body"), Role::Body);
}

void labeled(Lowering& l, std::uint32_t n) {
  const std::uint32_t label = l.child(n, "label");
  l.open(Kind::Label, n, 0, 0, l.atom_of(label));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Body);
  });
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "break_statement") ? Kind::Break : l.is(n, "goto_statement") ? Kind::Goto : Kind::Continue;
  l.open(kind, n, 0, 0, l.atom_of(l.first_named(n)));
}

void assertion(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assert, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "message"), Role::Value);
}

void expression_statement(Lowering& l, std::uint32_t n) {
  if (l.first_named(n) == kNone) return;
  if (l.role() == Role::Init) return l.pass(l.first_named(n));
  l.open(Kind::ExprStmt, n);
  l.visit_children(n, Role::Value);
}

// --- expressions

void field(Lowering& l, std::uint32_t n) {
  const std::uint32_t op = l.child(n, "operator");
  const std::uint32_t called = l.child(n, "field");
  l.open(Kind::Member, n, 0, op != kNone && l.text(op) == "->" ? kFlagArrow : 0, l.atom(name_text(l, called)));
  l.visit(l.child(n, "argument"), Role::Object);
}

void qualified(Lowering& l, std::uint32_t n) {
  // a::b::c nests to the right in the grammar, to the left here.
  std::vector<std::uint32_t> scopes;
  std::uint32_t last = n;
  while (l.is(last, "qualified_identifier")) {
    if (const std::uint32_t scope = l.child(last, "scope"); scope != kNone) scopes.push_back(scope);
    std::uint32_t inner = kNone;
    l.each_named(last, [&](std::uint32_t c) {
      if (l.is_field(c, "name")) inner = c;
    });
    if (inner == kNone) break;
    last = inner;
  }
  if (scopes.empty() || last == n) {
    l.open(Kind::Name, n, 0, 0, l.atom(squeezed(l.text(n))));
    return;
  }
  l.open(Kind::Member, n, kScopeMember, 0, l.atom(name_text(l, last)));
  for (std::size_t i = scopes.size() - 1; i > 0; --i)
    l.begin(Kind::Member, Role::Object, l.at(n).first, l.at(scopes[i]).end, kScopeMember, 0,
            l.atom(name_text(l, scopes[i])));
  l.visit(scopes[0], Role::Object);
  for (std::size_t i = scopes.size() - 1; i > 0; --i) l.end();
  if (l.is(last, "template_function"))
    if (const std::uint32_t arguments = l.child(last, "arguments"); arguments != kNone)
      l.each_named(arguments, [&](std::uint32_t c) { l.visit(c, Role::TypeParam); });
}

void template_name(Lowering& l, std::uint32_t n) {
  l.open(Kind::Name, n, 0, 0, l.atom(name_text(l, n)));
  if (const std::uint32_t arguments = l.child(n, "arguments"); arguments != kNone)
    l.each_named(arguments, [&](std::uint32_t c) { l.visit(c, Role::TypeParam); });
}

void subscript(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n);
  l.visit(l.child(n, "argument"), Role::Object);
  l.visit(l.child(n, "index"), Role::Index);
  if (const std::uint32_t list = l.child(n, "indices"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Index); });
}

void pointer(Lowering& l, std::uint32_t n) {
  const std::uint32_t op = l.child(n, "operator");
  l.open(op != kNone && l.text(op) == "&" ? Kind::AddressOf : Kind::Deref, n);
  l.visit(l.child(n, "argument"), Role::Operand);
}

void size_of(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(Op::SizeOf));
  l.visit_children(n, Role::Operand);
}

void comma(Lowering& l, std::uint32_t n) {
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(Op::Comma));
  l.visit(l.child(n, "left"), Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  typed(l, l.child(n, "type"), "", Role::Type);
  if (const std::uint32_t size = l.child(n, "declarator"); size != kNone) l.visit(l.child(size, "length"), Role::Index);
  l.visit(l.child(n, "placement"), Role::Element);
  const std::uint32_t arguments = l.child(n, "arguments");
  if (arguments != kNone) l.each_named(arguments, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
}

void deletion(Lowering& l, std::uint32_t n) {
  const std::uint32_t value = l.last_named(n);
  const bool array = value != kNone && l.text(l.at(n).first, l.at(value).first).find('[') != std::string_view::npos;
  l.open(Kind::Delete, n, array ? 1 : 0);
  l.visit(value, Role::Value);
}

void compound_literal(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 1);
  l.visit(l.child(n, "type"), Role::Type);
  if (const std::uint32_t list = l.child(n, "value"); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
}

void initializer_pair(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, l.is_field(c, "value") ? Role::Value : Role::Key); });
}

void awaiting(Lowering& l, std::uint32_t n) {
  l.open(l.is(n, "co_yield_statement") ? Kind::Yield : Kind::Await, n);
  l.visit(l.last_named(n), Role::Value);
}

void string(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  if (l.is(n, "raw_string_literal")) {
    const std::uint32_t content = l.find(n, "raw_string_content");
    l.open(Kind::String, n, static_cast<std::uint8_t>(StringSub::Raw), 0,
           content == kNone ? l.atom("") : l.atom_of(content));
    return;
  }
  const std::size_t quote = text.find('"');
  l.open(Kind::String, n, 0, 0, l.atom(unquoted(quote == std::string_view::npos ? text : text.substr(quote))));
}

void concatenated(Lowering& l, std::uint32_t n) {
  bool plain = true;
  std::string joined;
  l.each_named(n, [&](std::uint32_t c) {
    plain &= l.is(c, "string_literal");
    if (!plain) return;
    const std::string_view text = l.text(c);
    const std::size_t quote = text.find('"');
    joined += unquoted(quote == std::string_view::npos ? text : text.substr(quote));
  });
  if (plain) {
    l.open(Kind::String, n, 0, 0, l.atom(joined));
    return;
  }
  l.open(Kind::Interp, n);
  l.visit_children(n, Role::Element);
}

void character(Lowering& l, std::uint32_t n) {
  const std::string_view text = l.text(n);
  const std::size_t quote = text.find('\'');
  l.open(Kind::Char, n, 0, 0, l.atom(unquoted(quote == std::string_view::npos ? text : text.substr(quote))));
}
void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void literal_null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }
void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }

}  // namespace

std::span<const Row> c_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      skip("attribute_specifier"),
      skip("attribute_declaration"),
      skip("ms_declspec_modifier"),
      skip("ms_call_modifier"),
      // names, literals
      custom("identifier", name),
      custom("field_identifier", name),
      custom("namespace_identifier", name),
      custom("statement_identifier", name),
      custom("destructor_name", name),
      custom("operator_name", name),
      custom("operator_cast", name),
      custom("qualified_identifier", qualified),
      custom("template_function", template_name),
      custom("template_method", template_name),
      inlined("dependent_name"),
      leaf("number_literal", Kind::Number),
      leaf("user_defined_literal", Kind::Number),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("null", literal_null),
      custom("this", self),
      custom("string_literal", string),
      custom("raw_string_literal", string),
      custom("concatenated_string", concatenated),
      custom("char_literal", character),
      // expressions
      custom("parenthesized_expression", parenthesised),
      node("call_expression", Kind::Call),
      inlined("argument_list", Role::Arg),
      custom("field_expression", field),
      custom("subscript_expression", subscript),
      custom("pointer_expression", pointer),
      custom("assignment_expression", aug_assign),
      custom("binary_expression", binary),
      custom("unary_expression", unary),
      custom("update_expression", update),
      node("conditional_expression", Kind::Ternary),
      node("cast_expression", Kind::Cast),
      custom("sizeof_expression", size_of),
      custom("alignof_expression", size_of),
      custom("comma_expression", comma),
      node("initializer_list", Kind::List),
      custom("initializer_pair", initializer_pair),
      inlined("field_designator"),
      inlined("subscript_designator"),
      custom("compound_literal_expression", compound_literal),
      custom("lambda_expression", lambda),
      node("lambda_capture_initializer", Kind::Assign),
      custom("new_expression", creation),
      custom("delete_expression", deletion),
      custom("co_await_expression", awaiting),
      node("parameter_pack_expansion", Kind::Spread, Role::Value),
      // declarations
      custom("function_definition", function),
      custom("parameter_declaration", parameter),
      custom("optional_parameter_declaration", parameter),
      custom("variadic_parameter_declaration", parameter),
      custom("variadic_parameter", dots),
      custom("type_parameter_declaration", type_parameter),
      custom("variadic_type_parameter_declaration", type_parameter),
      custom("optional_type_parameter_declaration", type_parameter),
      custom("field_initializer", field_initializer),
      custom("declaration", declaration),
      custom("field_declaration", declaration),
      custom("type_definition", type_definition),
      custom("alias_declaration", alias),
      custom("struct_specifier", class_like),
      custom("class_specifier", class_like),
      custom("union_specifier", class_like),
      custom("enum_specifier", class_like),
      node("field_declaration_list", Kind::Block),
      node("enumerator_list", Kind::Block),
      custom("enumerator", enumerator),
      custom("template_declaration", template_declaration),
      inlined("template_instantiation"),
      inlined("friend_declaration"),
      inlined("linkage_specification"),
      inlined("declaration_list"),
      custom("namespace_definition", name_space),
      custom("using_declaration", using_declaration),
      custom("access_specifier", access_specifier),
      node("structured_binding_declarator", Kind::Tuple),
      // the preprocessor
      custom("preproc_include", include),
      custom("preproc_def", define),
      custom("preproc_function_def", define),
      custom("preproc_if", conditional_part),
      custom("preproc_ifdef", conditional_part),
      custom("preproc_elif", conditional_part),
      custom("preproc_elifdef", conditional_part),
      inlined("preproc_else"),
      custom("preproc_call", directive),
      // statements
      node("compound_statement", Kind::Block),
      custom("expression_statement", expression_statement),
      custom("if_statement", if_statement),
      inlined("else_clause"),
      custom("condition_clause", condition_clause),
      inlined("init_statement"),
      node("while_statement", Kind::Loop),
      node("do_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::DoWhile)),
      node("for_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::For)),
      custom("for_range_loop", for_range),
      custom("switch_statement", switch_statement),
      custom("case_statement", switch_arm),
      custom("try_statement", try_statement),
      custom("catch_clause", catch_clause),
      node("return_statement", Kind::Return, Role::Value),
      node("co_return_statement", Kind::Return, Role::Value),
      custom("co_yield_statement", awaiting),
      node("throw_statement", Kind::Throw, Role::Value),
      custom("labeled_statement", labeled),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("goto_statement", jump),
      custom("static_assert_declaration", assertion),
      inlined("attributed_statement"),
      // types
      custom("type_descriptor", type_descriptor),
      custom("primitive_type", type),
      custom("sized_type_specifier", type),
      custom("type_identifier", type),
      custom("template_type", type),
      custom("placeholder_type_specifier", type),
      custom("auto", type),
      inlined("dependent_type"),
  };
  return rows;
}

}  // namespace wrench::code::detail
