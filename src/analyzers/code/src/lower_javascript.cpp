#include "lower_engine.hpp"

/// JavaScript, TypeScript and TSX: three grammars with one vocabulary.
namespace wrench::code::detail {

namespace {

constexpr std::string_view kWordModifiers[] = {"static", "abstract", "readonly", "declare", "override"};

void name_leaf(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, l.atom_of(n)); }

void plain_param(Lowering& l, std::uint32_t n) {
  l.open(Kind::Param, n, 0, 0, l.atom_of(n));
  l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void identifier(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Param) return plain_param(l, n);
  name_leaf(l, n);
}

/// A name or a pattern that a declaration binds.
void binding(Lowering& l, std::uint32_t n) {
  if (n == kNone) return;
  if (l.is(n, "identifier") || l.is(n, "this")) {
    l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
  } else {
    l.visit(n, Role::Target);
  }
}

void modifiers(Lowering& l, std::uint32_t n) {
  l.each(n, [&](std::uint32_t c) {
    if (l.is(c, "accessibility_modifier") || l.is(c, "override_modifier"))
      return l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
    if (l.named(c)) return;
    for (const std::string_view word : kWordModifiers)
      if (l.text(c) == word) l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom(word));
  });
}

void decorators(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "decorator")) l.visit(c, Role::Decorator);
  });
}

void parameter(Lowering& l, std::uint32_t n) {
  std::uint32_t pattern = l.child(n, "pattern");
  if (pattern == kNone) pattern = l.child(n, "name");
  const bool rest = l.is(pattern, "rest_pattern");
  if (rest) pattern = l.first_named(pattern);
  l.open(Kind::Param, n, static_cast<std::uint8_t>(rest ? ParamSub::Variadic : ParamSub::Plain), 0,
         l.is(pattern, "identifier") || l.is(pattern, "this") ? l.atom_of(pattern) : kNoAtom);
  decorators(l, n);
  modifiers(l, n);
  binding(l, pattern);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Default);
}

/// In parameters a pattern becomes a Param; elsewhere it is what its literal is.
bool as_param(Lowering& l, std::uint32_t n, std::uint32_t target, std::uint32_t value, ParamSub sub) {
  if (l.role() != Role::Param) return false;
  l.open(Kind::Param, n, static_cast<std::uint8_t>(sub), 0, l.is(target, "identifier") ? l.atom_of(target) : kNoAtom);
  binding(l, target);
  l.visit(value, Role::Default);
  return true;
}

void assignment_pattern(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  const std::uint32_t right = l.child(n, "right");
  if (as_param(l, n, left, right, ParamSub::Plain)) return;
  l.open(Kind::Assign, n);
  l.visit(left, Role::Left);
  l.visit(right, Role::Right);
}

void rest_pattern(Lowering& l, std::uint32_t n) {
  if (as_param(l, n, l.first_named(n), kNone, ParamSub::Variadic)) return;
  l.open(Kind::Spread, n);
  l.visit(l.first_named(n), Role::Value);
}

void destructuring(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "object_pattern") ? Kind::Dict : Kind::List;
  if (l.role() == Role::Param) {
    l.open(Kind::Param, n);
    l.begin(kind, Role::Target, l.at(n).first, l.at(n).end);
    l.visit_children(n, Role::Element);
    return l.end();
  }
  l.open(kind, n);
  l.visit_children(n, Role::Element);
}

void shorthand(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  l.leaf(Kind::Name, Role::Key, n, 0, 0, l.atom_of(n));
  l.leaf(Kind::Name, Role::Value, n, 0, 0, l.atom_of(n));
}

void shorthand_default(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  l.open(Kind::Pair, n);
  if (left == kNone) return;
  l.leaf(Kind::Name, Role::Key, left, 0, 0, l.atom_of(left));
  l.begin(Kind::Assign, Role::Value, l.at(n).first, l.at(n).end);
  if (l.is(left, "shorthand_property_identifier_pattern")) {
    l.leaf(Kind::Name, Role::Left, left, 0, 0, l.atom_of(left));
  } else {
    l.visit(left, Role::Left);
  }
  l.visit(l.child(n, "right"), Role::Right);
  l.end();
}

// --- literals

void string(Lowering& l, std::uint32_t n) { l.open(Kind::String, n, 0, 0, l.atom(unquoted(l.text(n)))); }

void template_string(Lowering& l, std::uint32_t n) {
  constexpr auto kSub = static_cast<std::uint8_t>(StringSub::Template);
  if (l.find(n, "template_substitution") == kNone) {
    l.open(Kind::String, n, kSub, 0, l.atom(unquoted(l.text(n))));
    return;
  }
  l.open(Kind::Interp, n, kSub);
  std::uint32_t at = l.at(n).first + 1;
  const auto text_until = [&](std::uint32_t until) {
    if (until > at) l.leaf_at(Kind::String, Role::Element, at, until, 0, l.atom(l.text(at, until)));
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "template_substitution")) return;
    text_until(l.at(c).first);
    l.each_named(c, [&](std::uint32_t inner) { l.visit(inner, Role::Element); });
    at = l.at(c).end;
  });
  text_until(l.at(n).end - 1);
}

void regex(Lowering& l, std::uint32_t n) {
  Node& node = l.open(Kind::Regex, n, 0, 0, l.atom_of(l.child(n, "pattern")));
  node.extra = l.atom_of(l.child(n, "flags"));
}

void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void literal_null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }
void this_or_super(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Param) return plain_param(l, n);
  l.open(l.is(n, "this") ? Kind::This : Kind::Super, n);
}

// --- expressions

std::uint8_t optional(Lowering& l, std::uint32_t n) {
  return l.child(n, "optional_chain") != kNone || l.has(n, "?.") ? kFlagOptionalChain : 0;
}

void member(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, optional(l, n), l.atom_of(l.child(n, "property")));
  l.visit(l.child(n, "object"), Role::Object);
}

void subscript(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n, 0, optional(l, n));
  l.visit(l.child(n, "object"), Role::Object);
  l.visit(l.child(n, "index"), Role::Index);
}

void call(Lowering& l, std::uint32_t n) {
  const bool tagged = l.is(l.child(n, "arguments"), "template_string");
  l.open(Kind::Call, n, 0, static_cast<std::uint8_t>(optional(l, n) | (tagged ? kFlagTagged : 0)));
  l.visit(l.child(n, "function"), Role::Callee);
  l.visit(l.child(n, "type_arguments"), Role::TypeParam);
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void new_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  l.visit(l.child(n, "constructor"), Role::Type);
  l.visit(l.child(n, "type_arguments"), Role::TypeParam);
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void sequence(Lowering& l, std::uint32_t n) {
  l.open(Kind::Tuple, n, 1);
  l.visit_children(n, Role::Element);
}

void yield(Lowering& l, std::uint32_t n) {
  if (Node* function = l.ancestor(Kind::Function, Kind::Lambda)) function->flags |= kFlagGenerator;
  l.open(Kind::Yield, n, l.has(n, "*") ? 1 : 0);
  l.visit(l.first_named(n), Role::Value);
}

void cast(Lowering& l, std::uint32_t n) {
  l.open(Kind::Cast, n);
  const std::uint32_t value = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == value ? Role::Value : Role::Type); });
}

void pair(Lowering& l, std::uint32_t n) {
  l.open(Kind::Pair, n);
  l.visit(l.child(n, "key"), Role::Key);
  l.visit(l.child(n, "value"), Role::Value);
}

// --- functions and classes

std::uint8_t function_flags(Lowering& l, std::uint32_t n) {
  std::uint8_t flags = l.has(n, "async") ? kFlagAsync : 0;
  if (l.symbol(n).starts_with("generator") || l.has(n, "*")) flags |= kFlagGenerator;
  return flags;
}

void signature(Lowering& l, std::uint32_t n) {
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  if (const std::uint32_t single = l.child(n, "parameter"); single != kNone) l.visit(single, Role::Param);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "return_type"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void function_declaration(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Function, l.outer() == kNone ? n : l.outer(), 0, function_flags(l, n), l.atom_of(name));
  if (name != kNone) l.leaf(Kind::Name, Role::Name, name, 0, 0, l.atom_of(name));
  signature(l, n);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n, 0, function_flags(l, n), l.atom_of(l.child(n, "name")));
  signature(l, n);
}

FunctionSub method_sub(Lowering& l, std::uint32_t n, std::string_view name) {
  if (name == "constructor") return FunctionSub::Constructor;
  if (l.has(n, "get")) return FunctionSub::Getter;
  if (l.has(n, "set")) return FunctionSub::Setter;
  return FunctionSub::Method;
}

void method(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  const std::string_view text = name == kNone ? std::string_view{} : unquoted(l.text(name));
  const Atom atom = l.atom(text);
  const auto sub = static_cast<std::uint8_t>(method_sub(l, n, text));
  const bool in_object = l.parent_kind() == Kind::Dict;
  if (in_object) {
    l.open(Kind::Pair, n);
    l.visit(name, Role::Key);
    l.begin(Kind::Function, Role::Value, l.at(n).first, l.at(n).end, sub, function_flags(l, n), atom);
  } else {
    const std::uint32_t first = l.outer() == kNone ? l.at(n).first : l.at(l.outer()).first;
    l.open_at(Kind::Function, first, l.at(n).end, sub, function_flags(l, n), atom);
    if (l.outer() != kNone) {
      for (std::uint32_t c = l.outer(); c < n && l.is(c, "decorator"); c = l.at(c).subtree_end)
        l.visit(c, Role::Decorator);
    }
    decorators(l, n);
    modifiers(l, n);
  }
  if (l.is(name, "computed_property_name")) {
    l.visit(name, Role::Name);
  } else if (name != kNone) {
    l.leaf(Kind::Name, Role::Name, name, 0, 0, atom);
  }
  signature(l, n);
  if (in_object) l.end();
}

void field(Lowering& l, std::uint32_t n) {
  std::uint32_t name = l.child(n, "property");
  if (name == kNone) name = l.child(n, "name");
  l.open(Kind::Field, n, 0, 0, name == kNone ? kNoAtom : l.atom(unquoted(l.text(name))));
  decorators(l, n);
  modifiers(l, n);
  if (name != kNone && !l.is(name, "computed_property_name")) {
    l.leaf(Kind::Name, Role::Name, name, 0, 0, l.atom(unquoted(l.text(name))));
  } else {
    l.visit(name, Role::Name);
  }
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Value);
}

/// In TypeScript a member's decorators stand beside it in the class body.
void class_body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  std::uint32_t decorator = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "decorator")) {
      if (decorator == kNone) decorator = c;
      return;
    }
    l.visit(c, Role::Element, 0, l.is(c, "method_definition") ? decorator : kNone);
    decorator = kNone;
  });
}

void class_static_block(Lowering& l, std::uint32_t n) { l.visit(l.child(n, "body"), Role::Element); }

void heritage(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "extends_clause") || l.is(c, "implements_clause") || l.is(c, "extends_type_clause")) {
      l.each_named(
          c, [&](std::uint32_t base) { l.visit(base, l.is(base, "type_arguments") ? Role::TypeParam : Role::Base); });
    } else {
      l.visit(c, Role::Base);
    }
  });
}

void class_like(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  const std::string_view symbol = l.symbol(n);
  const ClassSub sub = symbol == "interface_declaration" ? ClassSub::Interface
                       : symbol == "enum_declaration"    ? ClassSub::Enum
                                                         : ClassSub::Class;
  l.open(Kind::Class, l.outer() == kNone ? n : l.outer(), static_cast<std::uint8_t>(sub), 0, l.atom_of(name));
  if (l.outer() != kNone) decorators(l, l.outer());
  decorators(l, n);
  if (symbol.starts_with("abstract"))
    l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("abstract"));
  if (l.has(n, "const")) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("const"));
  if (name != kNone) l.leaf(Kind::Name, Role::Name, name, 0, 0, l.atom_of(name));
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "class_heritage")) l.visit(c, Role::Base);
    if (l.is(c, "extends_type_clause")) l.each_named(c, [&](std::uint32_t base) { l.visit(base, Role::Base); });
  });
  l.visit(l.child(n, "body"), Role::Body);
}

void enum_body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  l.each_named(n, [&](std::uint32_t c) {
    const bool assigned = l.is(c, "enum_assignment");
    const std::uint32_t name = assigned ? l.child(c, "name") : c;
    const Atom atom = name == kNone ? kNoAtom : l.atom(unquoted(l.text(name)));
    l.begin(Kind::EnumMember, Role::Element, l.at(c).first, l.at(c).end, 0, 0, atom);
    if (name != kNone) l.leaf(Kind::Name, Role::Name, name, 0, 0, atom);
    if (assigned) l.visit(l.child(c, "value"), Role::Value);
    l.end();
  });
}

// --- declarations and modules

void variables(Lowering& l, std::uint32_t n) {
  const std::uint32_t word = l.first(n);
  const std::uint32_t count = l.count_named(n);
  const std::uint32_t around = l.outer() == kNone ? n : l.outer();
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "variable_declarator")) return l.visit(c, l.role(), l.flags());
    const std::uint32_t name = l.child(c, "name");
    const std::uint32_t whole = count == 1 ? around : c;
    l.begin(Kind::VarDef, l.role(), l.at(whole).first, l.at(whole).end, 0, l.flags(),
            l.is(name, "identifier") ? l.atom_of(name) : kNoAtom);
    if (word != kNone && !l.named(word)) l.leaf(Kind::Modifier, Role::Modifier, word, 0, 0, l.atom_of(word));
    l.visit(name, Role::Target);
    l.visit(l.child(c, "type"), Role::Type);
    l.visit(l.child(c, "value"), Role::Value);
    l.end();
  });
}

void import_items(Lowering& l, std::uint32_t clause) {
  l.each_named(clause, [&](std::uint32_t c) {
    if (l.is(c, "identifier")) {
      l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom("default"), l.atom_of(c));
    } else if (l.is(c, "namespace_import")) {
      const std::uint32_t name = l.first_named(c);
      l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom("*"), l.atom_of(name));
    } else if (l.is(c, "named_imports")) {
      l.each_named(c, [&](std::uint32_t item) {
        const std::uint32_t name = l.child(item, "name");
        const std::uint32_t alias = l.child(item, "alias");
        if (name == kNone) return l.visit(item, Role::Element);
        l.leaf(Kind::ImportItem, Role::Element, item, 0, l.has(item, "type") ? kFlagTypeOnly : 0,
               l.atom(unquoted(l.text(name))), l.atom_of(alias == kNone ? name : alias));
      });
    } else {
      l.visit(c, Role::Element);
    }
  });
}

void import_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t clause = l.find(n, "import_clause");
  const std::uint32_t require = l.find(n, "import_require_clause");
  const std::uint32_t source = l.child(require == kNone ? n : require, "source");
  const ImportSub sub = clause == kNone && require == kNone ? ImportSub::SideEffect : ImportSub::Names;
  l.open(Kind::Import, n, static_cast<std::uint8_t>(sub), l.has(n, "type") ? kFlagTypeOnly : 0,
         source == kNone ? kNoAtom : l.atom(unquoted(l.text(source))));
  if (clause != kNone) import_items(l, clause);
  if (require != kNone) {
    const std::uint32_t name = l.first_named(require);
    l.leaf(Kind::ImportItem, Role::Element, require, 0, 0, l.atom("*"), l.atom_of(name));
  }
}

void export_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t declaration = l.child(n, "declaration");
  if (declaration != kNone) return l.visit(declaration, l.role(), kFlagExported, n);
  if (const std::uint32_t value = l.child(n, "value"); value != kNone) {
    // `export default f`: the value is used by whoever imports the module.
    l.open(Kind::ExprStmt, n, 0, kFlagExported);
    return l.visit(value, Role::Value);
  }
  const std::uint32_t source = l.child(n, "source");
  const std::uint32_t clause = l.find(n, "export_clause");
  if (source != kNone) {
    l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Reexport),
           static_cast<std::uint8_t>(kFlagExported | (l.has(n, "type") ? kFlagTypeOnly : 0)),
           l.atom(unquoted(l.text(source))));
    if (clause == kNone) return l.leaf(Kind::ImportItem, Role::Element, source, 0, 0, l.atom("*"), kNoAtom);
    l.each_named(clause, [&](std::uint32_t item) {
      const std::uint32_t name = l.child(item, "name");
      if (name != kNone) l.leaf(Kind::ImportItem, Role::Element, item, 0, 0, l.atom(unquoted(l.text(name))), kNoAtom);
    });
    return;
  }
  l.open(Kind::Directive, n, 0, kFlagExported, l.atom("export"));
  if (clause == kNone) return l.visit_children(n, Role::Element);
  l.each_named(clause, [&](std::uint32_t item) { l.visit(l.child(item, "name"), Role::Element); });
}

// --- statements

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t alternative = l.child(n, "alternative");
  if (alternative == kNone) return;
  const std::uint32_t other = l.first_named(alternative);
  l.visit(other, Role::Else, l.is(other, "if_statement") ? kFlagElseIf : 0);
}

void for_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(LoopSub::For));
  l.each_named(n, [&](std::uint32_t c) {
    const bool statement = l.is(c, "expression_statement");
    if (l.is(c, "empty_statement")) return;
    const Role role = l.is_field(c, "initializer") ? Role::Init
                      : l.is_field(c, "condition") ? Role::Condition
                      : l.is_field(c, "increment") ? Role::Update
                      : l.is_field(c, "body")      ? Role::Body
                                                   : Role::Element;
    l.visit(statement && role != Role::Body ? l.first_named(c) : c, role);
  });
}

void for_in(Lowering& l, std::uint32_t n) {
  const std::uint32_t kind = l.child(n, "kind");
  const std::uint32_t word = l.child(n, "operator");
  l.open(Kind::ForEach, n, word != kNone && l.text(word) == "in" ? 1 : 0, l.has(n, "await") ? kFlagAsync : 0);
  if (kind != kNone) l.leaf(Kind::Modifier, Role::Modifier, kind, 0, 0, l.atom_of(kind));
  l.visit(l.child(n, "left"), Role::Target);
  l.visit(l.child(n, "right"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void switch_arm(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n, 0, l.is(n, "switch_default") ? kFlagDefault : 0);
  const std::uint32_t value = l.child(n, "value");
  l.visit(value, Role::Key);
  const std::uint32_t first = l.child(n, "body");
  if (first == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != value) l.visit(c, Role::Element);
  });
  l.end();
}

void catch_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "parameter"), Role::Target);
  l.visit(l.child(n, "body"), Role::Body);
}

void labeled(Lowering& l, std::uint32_t n) {
  l.open(Kind::Label, n, 0, 0, l.atom_of(l.child(n, "label")));
  l.visit(l.child(n, "body"), Role::Body);
}

void jump(Lowering& l, std::uint32_t n) {
  l.open(l.is(n, "break_statement") ? Kind::Break : Kind::Continue, n, 0, 0, l.atom_of(l.child(n, "label")));
}

// --- types

void named_type(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom(squeezed(l.text(n)))); }

void generic_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Type, n, 0, 0, name == kNone ? kNoAtom : l.atom(squeezed(l.text(name))));
  l.visit(l.child(n, "type_arguments"), Role::Element);
}

template <char... C>
void shaped_type(Lowering& l, std::uint32_t n) {
  constexpr char kText[] = {C...};
  l.open(Kind::Type, n, 0, 0, l.atom(std::string_view(kText, sizeof(kText))));
  l.visit_children(n, Role::Element);
}

void type_alias(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::TypeAlias, l.outer() == kNone ? n : l.outer(), 0, 0, l.atom_of(name));
  if (name != kNone) l.leaf(Kind::Name, Role::Name, name, 0, 0, l.atom_of(name));
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.visit(l.child(n, "value"), Role::Type);
}

void type_parameter(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom_of(l.child(n, "name")));
  l.visit(l.child(n, "constraint"), Role::Element);
  l.visit(l.child(n, "value"), Role::Element);
}

void name_space(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Namespace, l.outer() == kNone ? n : l.outer(), 0, 0,
         name == kNone ? kNoAtom : l.atom(unquoted(l.text(name))));
  l.visit(name, Role::Name);
  l.visit(l.child(n, "body"), Role::Body);
}

// --- JSX

void jsx_element(Lowering& l, std::uint32_t n) {
  const std::uint32_t open = l.is(n, "jsx_element") ? l.child(n, "open_tag") : n;
  const std::uint32_t close = l.child(n, "close_tag");
  const std::uint32_t name = open == kNone ? kNone : l.child(open, "name");
  l.open(Kind::XmlElement, n, 0, 0, l.atom_of(name));
  if (name != kNone && !l.text(name).empty()) l.visit(name, Role::Name);
  if (open != kNone) {
    l.visit(l.child(open, "type_arguments"), Role::TypeParam);
    l.each_named(open, [&](std::uint32_t c) {
      if (l.is_field(c, "attribute")) l.visit(c, Role::Attribute);
    });
  }
  if (open == n) return;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != open && c != close) l.visit(c, Role::Element);
  });
}

void jsx_attribute(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.first_named(n);
  l.open(Kind::XmlAttribute, n, 0, 0, l.atom_of(name));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != name) l.visit(c, Role::Value);
  });
}

void non_null(Lowering& l, std::uint32_t n) { l.pass(l.first_named(n)); }

void debugger(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom("debugger")); }

}  // namespace

std::span<const Row> javascript_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      comment("html_comment"),
      comment("hash_bang_line"),
      skip("empty_statement"),
      // names, literals
      custom("identifier", identifier),
      custom("undefined", name_leaf),
      custom("property_identifier", name_leaf),
      custom("private_property_identifier", name_leaf),
      custom("statement_identifier", name_leaf),
      custom("meta_property", name_leaf),
      custom("import", name_leaf),
      custom("shorthand_property_identifier", shorthand),
      custom("shorthand_property_identifier_pattern", shorthand),
      custom("object_assignment_pattern", shorthand_default),
      leaf("number", Kind::Number),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("null", literal_null),
      custom("this", this_or_super),
      custom("super", this_or_super),
      custom("string", string),
      custom("template_string", template_string),
      custom("regex", regex),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("sequence_expression", sequence),
      custom("member_expression", member),
      custom("nested_identifier", member),
      custom("subscript_expression", subscript),
      custom("call_expression", call),
      custom("new_expression", new_expression),
      inlined("arguments", Role::Arg),
      node("spread_element", Kind::Spread, Role::Value),
      custom("binary_expression", binary),
      custom("unary_expression", unary),
      custom("update_expression", update),
      node("assignment_expression", Kind::Assign),
      custom("augmented_assignment_expression", aug_assign),
      node("ternary_expression", Kind::Ternary, {{"consequence", Role::Then}, {"alternative", Role::Else}}),
      node("await_expression", Kind::Await, Role::Value),
      custom("yield_expression", yield),
      node("array", Kind::List),
      node("object", Kind::Dict),
      custom("pair", pair),
      custom("pair_pattern", pair),
      inlined("computed_property_name"),
      custom("object_pattern", destructuring),
      custom("array_pattern", destructuring),
      custom("assignment_pattern", assignment_pattern),
      custom("rest_pattern", rest_pattern),
      custom("as_expression", cast),
      custom("satisfies_expression", cast),
      custom("non_null_expression", non_null),
      node("instantiation_expression", Kind::Index, {{"type_arguments", Role::TypeParam}}, Role::Object),
      // functions and classes
      custom("function_declaration", function_declaration),
      custom("generator_function_declaration", function_declaration),
      custom("function_signature", function_declaration),
      custom("function_expression", lambda),
      custom("generator_function", lambda),
      custom("arrow_function", lambda),
      inlined("formal_parameters", Role::Param),
      custom("required_parameter", parameter),
      custom("optional_parameter", parameter),
      custom("class_declaration", class_like),
      custom("abstract_class_declaration", class_like),
      custom("class", class_like),
      custom("interface_declaration", class_like),
      custom("enum_declaration", class_like),
      custom("class_body", class_body),
      node("interface_body", Kind::Block),
      custom("enum_body", enum_body),
      custom("class_heritage", heritage),
      custom("class_static_block", class_static_block),
      custom("method_definition", method),
      custom("method_signature", method),
      custom("abstract_method_signature", method),
      custom("field_definition", field),
      custom("public_field_definition", field),
      custom("property_signature", field),
      node("decorator", Kind::Decorator, Role::Value),
      // declarations, modules
      custom("variable_declaration", variables),
      custom("lexical_declaration", variables),
      custom("using_declaration", variables),
      custom("import_statement", import_statement),
      custom("export_statement", export_statement),
      inlined("ambient_declaration"),
      custom("internal_module", name_space),
      custom("module", name_space),
      custom("type_alias_declaration", type_alias),
      // statements
      node("statement_block", Kind::Block),
      node("expression_statement", Kind::ExprStmt, Role::Value),
      custom("if_statement", if_statement),
      inlined("else_clause"),
      node("while_statement", Kind::Loop),
      node("do_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::DoWhile)),
      custom("for_statement", for_statement),
      custom("for_in_statement", for_in),
      node("switch_statement", Kind::Switch, {{"body", Role::Case}}),
      inlined("switch_body", Role::Case),
      custom("switch_case", switch_arm),
      custom("switch_default", switch_arm),
      node("try_statement", Kind::Try),
      custom("catch_clause", catch_clause),
      inlined("finally_clause"),
      node("with_statement", Kind::With, {{"object", Role::Resource}}),
      node("return_statement", Kind::Return, Role::Value),
      node("throw_statement", Kind::Throw, Role::Value),
      custom("labeled_statement", labeled),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("debugger_statement", debugger),
      // types
      inlined("type_annotation", Role::Type),
      inlined("type_arguments"),
      inlined("type_parameters", Role::TypeParam),
      custom("type_parameter", type_parameter),
      inlined("constraint"),
      inlined("default_type"),
      custom("type_identifier", named_type),
      custom("predefined_type", named_type),
      custom("nested_type_identifier", named_type),
      custom("literal_type", named_type),
      custom("this_type", named_type),
      custom("type_query", named_type),
      custom("generic_type", generic_type),
      inlined("parenthesized_type"),
      custom("union_type", shaped_type<'|'>),
      custom("intersection_type", shaped_type<'&'>),
      custom("array_type", shaped_type<'[', ']'>),
      custom("tuple_type", shaped_type<'[', ',', ']'>),
      custom("object_type", shaped_type<'{', '}'>),
      custom("function_type", shaped_type<'=', '>'>),
      // JSX
      custom("jsx_element", jsx_element),
      custom("jsx_self_closing_element", jsx_element),
      custom("jsx_attribute", jsx_attribute),
      inlined("jsx_expression"),
      leaf("jsx_text", Kind::XmlText),
  };
  return rows;
}

}  // namespace wrench::code::detail
