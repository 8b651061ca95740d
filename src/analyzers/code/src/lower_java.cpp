#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

std::uint8_t sub(FunctionSub value) { return static_cast<std::uint8_t>(value); }

void identifier(Lowering& l, std::uint32_t n) {
  const Atom atom = l.atom_of(n);
  if (l.role() != Role::Param) {
    l.open(Kind::Name, n, 0, 0, atom);
    return;
  }
  l.open(Kind::Param, n, 0, 0, atom);
  l.leaf(Kind::Name, Role::Name, n, 0, 0, atom);
}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

bool is_public(Lowering& l, std::uint32_t n) {
  const std::uint32_t words = l.find(n, "modifiers");
  return words != kNone && l.has(words, "public");
}

void modifiers(Lowering& l, std::uint32_t n) {
  const std::uint32_t words = l.find(n, "modifiers");
  if (words == kNone) return;
  l.each(words, [&](std::uint32_t c) {
    if (l.named(c)) return l.visit(c, Role::Decorator);
    l.leaf(Kind::Modifier, Role::Modifier, c, 0, 0, l.atom_of(c));
  });
}

// --- types

/// "int" with `dimensions` "[][]" behind the name gives "int[][]".
void typed(Lowering& l, std::uint32_t type, std::uint32_t dimensions, Role role) {
  if (type == kNone) return;
  if (dimensions == kNone) return l.visit(type, role);
  l.begin(Kind::Type, role, l.at(type).first, l.at(type).end, 0, 0, l.atom("[]"));
  l.visit(type, Role::Element);
  l.end();
}

void named_type(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom(squeezed(l.text(n)))); }

void generic_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.first_named(n);
  l.open(Kind::Type, n, 0, 0, name == kNone ? kNoAtom : l.atom(squeezed(l.text(name))));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != name) l.visit(c, Role::Element);
  });
}

void array_type(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom("[]"));
  l.visit(l.child(n, "element"), Role::Element);
}

void wildcard(Lowering& l, std::uint32_t n) {
  l.open(Kind::Type, n, 0, 0, l.atom("?"));
  l.visit_children(n, Role::Element);
}

void type_parameter(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.find(n, "type_identifier");
  l.open(Kind::Type, n, 0, 0, l.atom_of(name));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != name) l.visit(c, Role::Element);
  });
}

// --- modules

void package(Lowering& l, std::uint32_t n) {
  const std::uint32_t path = l.last_named(n);
  l.open(Kind::Namespace, n, 0, 0, path == kNone ? kNoAtom : l.atom(squeezed(l.text(path))));
  l.visit(path, Role::Name);
}

void import_declaration(Lowering& l, std::uint32_t n) {
  const bool all = l.find(n, "asterisk") != kNone;
  const std::uint32_t path = l.first_named(n);
  const std::string whole = path == kNone ? std::string() : squeezed(l.text(path));
  const std::size_t dot = whole.rfind('.');
  const std::string module = all || dot == std::string::npos ? whole : whole.substr(0, dot);
  const std::string item = all ? "*" : whole.substr(dot == std::string::npos ? 0 : dot + 1);
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Names), 0, l.atom(module));
  if (l.has(n, "static")) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("static"));
  if (path != kNone) l.leaf(Kind::ImportItem, Role::Element, path, 0, 0, l.atom(item), l.atom(item));
}

void scoped_name(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "name")));
  l.visit(l.child(n, "scope"), Role::Object);
}

void annotation(Lowering& l, std::uint32_t n) {
  l.open(Kind::Decorator, n);
  const std::uint32_t name = l.child(n, "name");
  const std::uint32_t arguments = l.child(n, "arguments");
  if (arguments == kNone) return l.visit(name, Role::Value);
  l.begin(Kind::Call, Role::Value, l.at(name == kNone ? n : name).first, l.at(n).end);
  l.visit(name, Role::Callee);
  l.each_named(arguments, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
  l.end();
}

void annotation_pair(Lowering& l, std::uint32_t n) {
  l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(l.child(n, "key")));
  l.visit(l.child(n, "value"), Role::Value);
}

// --- definitions

void class_like(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const ClassSub kind = symbol == "interface_declaration"         ? ClassSub::Interface
                        : symbol == "enum_declaration"            ? ClassSub::Enum
                        : symbol == "record_declaration"          ? ClassSub::Record
                        : symbol == "annotation_type_declaration" ? ClassSub::Annotation
                                                                  : ClassSub::Class;
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Class, n, static_cast<std::uint8_t>(kind), is_public(l, n) ? kFlagExported : 0, l.atom_of(name));
  modifiers(l, n);
  name_leaf(l, name);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "superclass") || l.is(c, "super_interfaces") || l.is(c, "extends_interfaces") || l.is(c, "permits"))
      l.each_named(c, [&](std::uint32_t base) { l.visit(base, Role::Base); });
  });
  l.visit(l.child(n, "body"), Role::Body);
}

void function(Lowering& l, std::uint32_t n) {
  const bool constructor = l.symbol(n).find("constructor") != std::string_view::npos;
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Function, n, sub(constructor ? FunctionSub::Constructor : FunctionSub::Method),
         is_public(l, n) ? kFlagExported : 0, l.atom_of(name));
  modifiers(l, n);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  // `<T> @Nullable T f()`: annotations of the type stand behind the type parameters.
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "marker_annotation") || l.is(c, "annotation")) l.visit(c, Role::Decorator);
  });
  typed(l, l.child(n, "type"), l.child(n, "dimensions"), Role::Type);
  name_leaf(l, name);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.find(n, "throws"), Role::From);
  l.visit(l.child(n, "value"), Role::Default);
  l.visit(l.child(n, "body"), Role::Body);
}

void parameter(Lowering& l, std::uint32_t n) {
  const bool variadic = l.is(n, "spread_parameter");
  std::uint32_t name = l.child(n, "name");
  const std::uint32_t declarator = l.find(n, "variable_declarator");
  if (declarator != kNone) name = l.child(declarator, "name");
  l.open(Kind::Param, n, static_cast<std::uint8_t>(variadic ? ParamSub::Variadic : ParamSub::Plain), 0,
         l.atom_of(name));
  modifiers(l, n);
  std::uint32_t type = l.child(n, "type");
  if (variadic)
    l.each_named(n, [&](std::uint32_t c) {
      if (!l.is(c, "modifiers") && c != declarator && type == kNone) type = c;
    });
  typed(l, type, l.child(n, "dimensions"), Role::Type);
  name_leaf(l, name);
}

/// Fields and local variables: one node per declared name.
void variables(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "local_variable_declaration") ? Kind::VarDef : Kind::Field;
  std::uint32_t count = 0;
  l.each_named(n, [&](std::uint32_t c) { count += l.is(c, "variable_declarator") ? 1 : 0; });
  const std::uint8_t flags = static_cast<std::uint8_t>(l.flags() | (is_public(l, n) ? kFlagExported : 0));
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "variable_declarator")) return;
    const std::uint32_t name = l.child(c, "name");
    const std::uint32_t whole = count == 1 ? n : c;
    l.begin(kind, l.role(), l.at(whole).first, l.at(whole).end, 0, flags, l.atom_of(name));
    modifiers(l, n);
    typed(l, l.child(n, "type"), l.child(c, "dimensions"), Role::Type);
    l.visit(name, kind == Kind::Field ? Role::Name : Role::Target);
    l.visit(l.child(c, "value"), Role::Value);
    l.end();
  });
}

void enum_constant(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::EnumMember, n, 0, 0, l.atom_of(name));
  modifiers(l, n);
  name_leaf(l, name);
  l.visit(l.child(n, "arguments"), Role::Value);
  l.visit(l.child(n, "body"), Role::Body);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "body"), Role::Body);
}

// --- expressions

void call(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.child(n, "object");
  const std::uint32_t name = l.child(n, "name");
  l.open(Kind::Call, n);
  if (object != kNone && name != kNone) {
    l.begin(Kind::Member, Role::Callee, l.at(n).first, l.at(name).end, 0, 0, l.atom_of(name));
    l.visit(object, Role::Object);
    l.end();
  } else {
    l.visit(name, Role::Callee);
  }
  l.visit(l.child(n, "type_arguments"), Role::TypeParam);
  l.visit(l.child(n, "arguments"), Role::Arg);
}

void constructor_call(Lowering& l, std::uint32_t n) {
  l.open(Kind::ExprStmt, n);
  l.begin(Kind::Call, Role::Value, l.at(n).first, l.at(n).end);
  l.visit(l.child(n, "constructor"), Role::Callee);
  l.visit(l.child(n, "arguments"), Role::Arg);
  l.end();
}

void creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "arguments"), Role::Arg);
  l.visit(l.find(n, "class_body"), Role::Body);
}

void array_creation(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 1);
  typed(l, l.child(n, "type"), n, Role::Type);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "dimensions_expr")) l.each_named(c, [&](std::uint32_t size) { l.visit(size, Role::Arg); });
  });
  l.visit(l.child(n, "value"), Role::Value);
}

void field_access(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "field")));
  l.visit(l.child(n, "object"), Role::Object);
}

void method_reference(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.first_named(n);
  const std::uint32_t name = l.last_named(n);
  const bool constructor = l.has(n, "new");
  l.open(Kind::Member, n, 0, 0, constructor ? l.atom("new") : l.atom_of(name));
  l.visit(object, Role::Object);
}

void class_literal(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom("class"));
  l.visit(l.first_named(n), Role::Object);
}

void instance_test(Lowering& l, std::uint32_t n) {
  l.open(Kind::TypeTest, n);
  l.visit(l.child(n, "left"), Role::Value);
  l.visit(l.child(n, "right"), Role::Type);
  l.visit(l.child(n, "name"), Role::Target);
  l.visit(l.child(n, "pattern"), Role::Target);
}

void string(Lowering& l, std::uint32_t n) {
  std::string_view text = l.text(n);
  if (text.size() >= 6 && text.starts_with("\"\"\"") && text.ends_with("\"\"\"")) {
    text = text.substr(3, text.size() - 6);
  } else {
    text = unquoted(text);
  }
  l.open(Kind::String, n, 0, 0, l.atom(text));
}

void character(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }
void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void literal_null(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }
void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }
void super(Lowering& l, std::uint32_t n) { l.open(Kind::Super, n); }

// --- statements

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t other = l.child(n, "alternative");
  l.visit(other, Role::Else, l.is(other, "if_statement") ? kFlagElseIf : 0);
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  modifiers(l, n);
  typed(l, l.child(n, "type"), l.child(n, "dimensions"), Role::Type);
  l.visit(l.child(n, "name"), Role::Target);
  l.visit(l.child(n, "value"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void switch_arm(Lowering& l, std::uint32_t n) {
  bool is_default = false;
  l.each_named(n, [&](std::uint32_t c) { is_default |= l.is(c, "switch_label") && l.has(c, "default"); });
  l.open(Kind::Case, n, 0, is_default ? kFlagDefault : 0);
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "switch_label")) {
      if (first == kNone) first = c;
      return;
    }
    l.each_named(c, [&](std::uint32_t key) {
      if (l.is(key, "guard")) return l.visit(l.first_named(key), Role::Condition);
      l.visit(key, Role::Key);
    });
  });
  if (first == kNone) return;
  if (l.is(first, "block") && l.is(n, "switch_rule")) return l.visit(first, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "switch_label")) l.visit(c, Role::Element);
  });
  l.end();
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  if (const std::uint32_t resources = l.child(n, "resources"); resources != kNone)
    l.each_named(resources, [&](std::uint32_t c) { l.visit(c, Role::Resource); });
  l.visit(l.child(n, "body"), Role::Body);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "catch_clause")) l.visit(c, Role::Handler);
    if (l.is(c, "finally_clause")) l.visit(l.first_named(c), Role::Finally);
  });
}

void resource(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  if (name == kNone) return l.pass(l.first_named(n));
  l.open(Kind::VarDef, n, 0, 0, l.atom_of(name));
  modifiers(l, n);
  l.visit(l.child(n, "type"), Role::Type);
  l.visit(name, Role::Target);
  l.visit(l.child(n, "value"), Role::Value);
}

void catch_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  if (const std::uint32_t parameter = l.find(n, "catch_formal_parameter"); parameter != kNone) {
    if (const std::uint32_t types = l.find(parameter, "catch_type"); types != kNone)
      l.each_named(types, [&](std::uint32_t c) { l.visit(c, Role::Type); });
    l.visit(l.child(parameter, "name"), Role::Target);
  }
  l.visit(l.child(n, "body"), Role::Body);
}

void assert_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assert, n);
  Role role = Role::Condition;
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, role);
    role = Role::Value;
  });
}

void labeled(Lowering& l, std::uint32_t n) {
  const std::uint32_t label = l.first_named(n);
  l.open(Kind::Label, n, 0, 0, l.atom_of(label));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Body);
  });
}

void jump(Lowering& l, std::uint32_t n) {
  l.open(l.is(n, "break_statement") ? Kind::Break : Kind::Continue, n, 0, 0, l.atom_of(l.first_named(n)));
}

}  // namespace

std::span<const Row> java_rows() {
  static const std::vector<Row> rows = {
      comment("line_comment"),
      comment("block_comment"),
      // names, literals
      custom("identifier", identifier),
      custom("underscore_pattern", identifier),
      custom("scoped_identifier", scoped_name),
      leaf("decimal_integer_literal", Kind::Number),
      leaf("hex_integer_literal", Kind::Number),
      leaf("octal_integer_literal", Kind::Number),
      leaf("binary_integer_literal", Kind::Number),
      leaf("decimal_floating_point_literal", Kind::Number),
      leaf("hex_floating_point_literal", Kind::Number),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("null_literal", literal_null),
      custom("this", self),
      custom("super", super),
      custom("string_literal", string),
      custom("character_literal", character),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("method_invocation", call),
      custom("explicit_constructor_invocation", constructor_call),
      inlined("argument_list", Role::Arg),
      custom("object_creation_expression", creation),
      custom("array_creation_expression", array_creation),
      node("array_initializer", Kind::List),
      node("element_value_array_initializer", Kind::List),
      custom("field_access", field_access),
      node("array_access", Kind::Index, {{"array", Role::Object}}),
      custom("method_reference", method_reference),
      custom("class_literal", class_literal),
      custom("assignment_expression", aug_assign),
      custom("binary_expression", binary),
      custom("unary_expression", unary),
      custom("update_expression", update),
      node("ternary_expression", Kind::Ternary),
      node("cast_expression", Kind::Cast),
      custom("instanceof_expression", instance_test),
      custom("lambda_expression", lambda),
      inlined("inferred_parameters", Role::Param),
      // modules, definitions
      custom("package_declaration", package),
      custom("import_declaration", import_declaration),
      custom("annotation", annotation),
      custom("marker_annotation", annotation),
      custom("element_value_pair", annotation_pair),
      custom("class_declaration", class_like),
      custom("interface_declaration", class_like),
      custom("enum_declaration", class_like),
      custom("record_declaration", class_like),
      custom("annotation_type_declaration", class_like),
      node("class_body", Kind::Block),
      node("interface_body", Kind::Block),
      node("annotation_type_body", Kind::Block),
      node("enum_body", Kind::Block),
      inlined("enum_body_declarations"),
      inlined("type_list"),
      custom("enum_constant", enum_constant),
      custom("method_declaration", function),
      custom("constructor_declaration", function),
      custom("compact_constructor_declaration", function),
      custom("annotation_type_element_declaration", function),
      inlined("formal_parameters", Role::Param),
      custom("formal_parameter", parameter),
      custom("spread_parameter", parameter),
      skip("receiver_parameter"),
      custom("field_declaration", variables),
      custom("constant_declaration", variables),
      custom("local_variable_declaration", variables),
      inlined("static_initializer"),
      // statements
      node("block", Kind::Block),
      node("constructor_body", Kind::Block),
      node("expression_statement", Kind::ExprStmt, Role::Value),
      custom("if_statement", if_statement),
      node("while_statement", Kind::Loop),
      node("do_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::DoWhile)),
      node("for_statement", Kind::Loop, Role::Element, static_cast<std::uint8_t>(LoopSub::For)),
      custom("enhanced_for_statement", for_each),
      node("switch_expression", Kind::Switch, {{"condition", Role::Value}, {"body", Role::Case}}),
      inlined("switch_block", Role::Case),
      custom("switch_block_statement_group", switch_arm),
      custom("switch_rule", switch_arm),
      custom("try_statement", try_statement),
      custom("try_with_resources_statement", try_statement),
      custom("resource", resource),
      custom("catch_clause", catch_clause),
      node("synchronized_statement", Kind::With, Role::Resource, 1),
      node("return_statement", Kind::Return, Role::Value),
      node("throw_statement", Kind::Throw, Role::Value),
      node("yield_statement", Kind::Yield, Role::Value),
      custom("assert_statement", assert_statement),
      custom("labeled_statement", labeled),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      inlined("pattern"),
      // types
      custom("type_identifier", named_type),
      custom("scoped_type_identifier", named_type),
      custom("integral_type", named_type),
      custom("floating_point_type", named_type),
      custom("boolean_type", named_type),
      custom("void_type", named_type),
      custom("generic_type", generic_type),
      custom("array_type", array_type),
      inlined("annotated_type"),
      inlined("type_arguments"),
      inlined("type_parameters", Role::TypeParam),
      inlined("type_bound"),
      inlined("throws"),
      custom("type_parameter", type_parameter),
      custom("wildcard", wildcard),
  };
  return rows;
}

}  // namespace wrench::code::detail
