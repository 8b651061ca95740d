#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

std::uint8_t exported(Lowering& l, std::uint32_t name) {
  if (name == kNone) return 0;
  const std::string_view text = l.text(name);
  return !text.empty() && text[0] >= 'A' && text[0] <= 'Z' ? kFlagExported : 0;
}

void name(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, l.atom_of(n)); }

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

// --- modules

void package(Lowering& l, std::uint32_t n) {
  l.open(Kind::Namespace, n, 0, 0, l.atom_of(l.first_named(n)));
  name_leaf(l, l.first_named(n));
}

/// The package's name is the path's last part, but for a version ("gopkg.in/yaml.v3", "x/v2") and "go-" or "-go".
std::string_view package_of(std::string_view path) {
  const auto last = [](std::string_view text) { return text.substr(text.rfind('/') + 1); };
  std::string_view part = last(path);
  if (part.size() >= 2 && part[0] == 'v' && part.find_first_not_of("0123456789", 1) == std::string_view::npos &&
      part.size() < path.size())
    part = last(path.substr(0, path.size() - part.size() - 1));
  if (const std::size_t version = part.rfind(".v"); version != std::string_view::npos && version > 0)
    part = part.substr(0, version);
  if (part.starts_with("go-")) part.remove_prefix(3);
  if (part.ends_with("-go")) part.remove_suffix(3);
  return part;
}

void import_spec(Lowering& l, std::uint32_t n) {
  const std::uint32_t path = l.child(n, "path");
  const std::uint32_t alias = l.child(n, "name");
  const std::string_view text = path == kNone ? std::string_view{} : unquoted(l.text(path));
  const std::string_view word = alias == kNone ? std::string_view{} : l.text(alias);
  const ImportSub sub = word == "_" ? ImportSub::SideEffect : word == "." ? ImportSub::Names : ImportSub::Module;
  l.open(Kind::Import, n, static_cast<std::uint8_t>(sub), 0, l.atom(text));
  if (sub == ImportSub::SideEffect) return;
  if (sub == ImportSub::Names) return l.leaf(Kind::ImportItem, Role::Element, n, 0, 0, l.atom("*"), l.atom("*"));
  l.leaf(Kind::ImportItem, Role::Element, n, 0, 0, l.atom(text), l.atom(alias == kNone ? package_of(text) : word));
}

// --- definitions

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t receiver = l.child(n, "receiver");
  l.open(Kind::Function, n, static_cast<std::uint8_t>(receiver == kNone ? FunctionSub::Plain : FunctionSub::Method),
         exported(l, called), l.atom_of(called));
  if (receiver != kNone) l.each_named(receiver, [&](std::uint32_t c) { l.visit(c, Role::Receiver); });
  name_leaf(l, called);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "result"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

void function_literal(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  l.visit(l.child(n, "parameters"), Role::Param);
  l.visit(l.child(n, "result"), Role::Type);
  l.visit(l.child(n, "body"), Role::Body);
}

/// `(a, b int)`: one Param per name. As a result list it is a type.
void parameter_list(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Type) {
    l.open(Kind::Type, n, 0, 0, l.atom("()"));
    return l.visit_children(n, Role::Element);
  }
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, l.role() == Role::Receiver ? Role::Receiver : Role::Param); });
}

void parameter(Lowering& l, std::uint32_t n) {
  const auto sub =
      static_cast<std::uint8_t>(l.is(n, "variadic_parameter_declaration") ? ParamSub::Variadic : ParamSub::Plain);
  const std::uint32_t type = l.child(n, "type");
  bool named = false;
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "name")) return;
    const bool alone = !named && l.child(n, "name") == c;
    named = true;
    l.begin(Kind::Param, l.role(), l.at(alone ? n : c).first, l.at(c).end, sub, l.flags(), l.atom_of(c));
    name_leaf(l, c);
    l.visit(type, Role::Type);
    l.end();
  });
  if (named) return;
  l.open(Kind::Param, n, sub);
  l.visit(type, Role::Type);
}

void value_specs(Lowering& l, std::uint32_t n) {
  const std::string_view word = l.is(n, "const_declaration") ? "const" : "var";
  const auto spec = [&](std::uint32_t s, std::uint32_t whole) {
    std::vector<std::uint32_t> names, values;
    l.each_named(s, [&](std::uint32_t c) {
      if (l.is_field(c, "name")) names.push_back(c);
    });
    const std::uint32_t list = l.child(s, "value");
    if (list != kNone) l.each_named(list, [&](std::uint32_t c) { values.push_back(c); });
    const bool paired = values.empty() || values.size() == names.size();
    const std::size_t count = paired ? names.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const bool single = names.size() == 1;
      const std::uint32_t range = count == 1 ? whole : names[i];
      const std::uint32_t end = count == 1 || values.empty() ? l.at(range).end : l.at(values[i]).end;
      l.begin(Kind::VarDef, l.role(), l.at(range).first, end, 0,
              static_cast<std::uint8_t>(l.flags() | exported(l, names[i])),
              paired || single ? l.atom_of(names[i]) : kNoAtom);
      l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom(word));
      if (paired || single) {
        l.visit(names[i], Role::Target);
      } else {
        l.begin(Kind::Tuple, Role::Target, l.at(names.front()).first, l.at(names.back()).end);
        for (const std::uint32_t one : names) l.visit(one, Role::Element);
        l.end();
      }
      l.visit(l.child(s, "type"), Role::Type);
      if (!values.empty()) l.visit(paired ? values[i] : list, Role::Value);
      l.end();
    }
  };
  const std::uint32_t count = l.count_named(n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "var_spec_list")) return l.each_named(c, [&](std::uint32_t s) { spec(s, s); });
    if (l.is(c, "var_spec") || l.is(c, "const_spec")) return spec(c, count == 1 ? n : c);
    l.visit(c, Role::Element);
  });
}

void type_spec(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t type = l.child(n, "type");
  const bool is_struct = l.is(type, "struct_type");
  const bool is_interface = l.is(type, "interface_type");
  if (!is_struct && !is_interface) {
    l.open(Kind::TypeAlias, n, 0, exported(l, called), l.atom_of(called));
    name_leaf(l, called);
    l.visit(l.child(n, "type_parameters"), Role::TypeParam);
    return l.visit(type, Role::Type);
  }
  l.open(Kind::Class, n, static_cast<std::uint8_t>(is_struct ? ClassSub::Struct : ClassSub::Interface),
         exported(l, called), l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.child(n, "type_parameters"), Role::TypeParam);
  l.begin(Kind::Block, Role::Body, l.at(type).first, l.at(type).end);
  l.each_named(type, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void field(Lowering& l, std::uint32_t n) {
  const std::uint32_t type = l.child(n, "type");
  const std::uint32_t tag = l.child(n, "tag");
  bool named = false;
  const auto rest = [&] {
    l.visit(type, Role::Type);
    l.visit(tag, Role::Value);
    l.end();
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "name")) return;
    l.begin(Kind::Field, l.role(), l.at(named ? c : n).first, l.at(n).end, 0, exported(l, c), l.atom_of(c));
    named = true;
    name_leaf(l, c);
    rest();
  });
  if (named) return;
  l.begin(Kind::Field, l.role(), l.at(n).first, l.at(n).end, 0, exported(l, type), l.atom_of(type));
  rest();
}

// --- statements

/// In a block these are statements of their own; in the head of an if, for or switch they are bare.
template <Handler Bare>
void simple_statement(Lowering& l, std::uint32_t n) {
  const bool in_head =
      l.role() == Role::Init || l.role() == Role::Update || l.role() == Role::Key || l.role() == Role::Value;
  if (in_head) return Bare(l, n);
  l.open(Kind::ExprStmt, n);
  l.visit_with(Bare, n, Role::Value);
}

void define(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assign, n, 1);
  l.visit(l.child(n, "left"), Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void step(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(l.is(n, "inc_statement") ? Op::PostIncrement : Op::PostDecrement));
  l.visit(l.first_named(n), Role::Operand);
}

void send(Lowering& l, std::uint32_t n) {
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(Op::Send));
  l.visit(l.child(n, "channel"), Role::Left);
  l.visit(l.child(n, "value"), Role::Right);
}

void receive(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  if (left == kNone) return l.pass(l.child(n, "right"));
  l.open(Kind::Assign, n, l.has(n, ":=") ? 1 : 0);
  l.visit(left, Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void expression_statement(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Init || l.role() == Role::Update) return l.pass(l.first_named(n));
  l.open(Kind::ExprStmt, n);
  l.visit_children(n, Role::Value);
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "initializer"), Role::Init);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  const std::uint32_t other = l.child(n, "alternative");
  l.visit(other, Role::Else, l.is(other, "if_statement") ? kFlagElseIf : 0);
}

void for_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t body = l.child(n, "body");
  std::uint32_t head = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (c != body) head = c;
  });
  if (l.is(head, "range_clause")) {
    l.open(Kind::ForEach, n);
    l.visit(l.child(head, "left"), Role::Target);
    l.visit(l.child(head, "right"), Role::Iterable);
  } else if (l.is(head, "for_clause")) {
    l.open(Kind::Loop, n, static_cast<std::uint8_t>(LoopSub::For));
    l.visit(l.child(head, "initializer"), Role::Init);
    l.visit(l.child(head, "condition"), Role::Condition);
    l.visit(l.child(head, "update"), Role::Update);
  } else {
    l.open(Kind::Loop, n, static_cast<std::uint8_t>(head == kNone ? LoopSub::Forever : LoopSub::While));
    l.visit(head, Role::Condition);
  }
  l.visit(body, Role::Body);
}

void switch_statement(Lowering& l, std::uint32_t n) {
  const std::uint8_t sub = l.is(n, "type_switch_statement") ? 1 : l.is(n, "select_statement") ? 2 : 0;
  l.open(Kind::Switch, n, sub);
  l.visit(l.child(n, "initializer"), Role::Init);
  const std::uint32_t alias = l.child(n, "alias");
  const std::uint32_t value = l.child(n, "value");
  if (alias != kNone && value != kNone) {
    l.begin(Kind::Assign, Role::Value, l.at(alias).first, l.at(value).end, 1);
    l.visit(alias, Role::Left);
    l.visit(value, Role::Right);
    l.end();
  } else {
    l.visit(value, Role::Value);
  }
  l.each_named(n, [&](std::uint32_t c) {
    if (l.symbol(c).ends_with("_case")) l.visit(c, Role::Case);
  });
}

void switch_arm(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n, 0, l.is(n, "default_case") ? kFlagDefault : 0);
  std::uint32_t body = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "statement_list")) {
      body = c;
    } else if (l.is(c, "expression_list")) {
      l.each_named(c, [&](std::uint32_t key) { l.visit(key, Role::Key); });
    } else {
      l.visit(c, Role::Key);
    }
  });
  if (body == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(body).first, l.at(body).end);
  l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "break_statement") ? Kind::Break : l.is(n, "goto_statement") ? Kind::Goto : Kind::Continue;
  l.open(kind, n, 0, 0, l.atom_of(l.first_named(n)));
}

void labeled(Lowering& l, std::uint32_t n) {
  const std::uint32_t label = l.child(n, "label");
  l.open(Kind::Label, n, 0, 0, l.atom_of(label));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != label) l.visit(c, Role::Body);
  });
}

void fallthrough(Lowering& l, std::uint32_t n) { l.open(Kind::Directive, n, 0, 0, l.atom("fallthrough")); }

// --- expressions

void selector(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "field")));
  l.visit(l.child(n, "operand"), Role::Object);
}

void prefix(Lowering& l, std::uint32_t n) {
  const Op op = l.op(l.child(n, "operator"));
  const std::uint32_t operand = l.child(n, "operand");
  if (op == Op::BitAnd) {
    l.open(Kind::AddressOf, n);
  } else if (op == Op::Mul) {
    l.open(Kind::Deref, n);
  } else {
    return unary(l, n);
  }
  l.visit(operand, Role::Operand);
}

void slice(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.child(n, "operand");
  l.open(Kind::Index, n);
  l.visit(object, Role::Object);
  const std::uint32_t from = object == kNone ? l.at(n).first : l.at(object).end;
  l.begin(Kind::Slice, Role::Index, from, l.at(n).end);
  for (const std::string_view part : {"start", "end", "capacity"}) {
    const std::uint32_t value = l.child(n, part);
    if (value != kNone) {
      l.visit(value, Role::Value);
    } else if (part != "capacity") {
      l.leaf_at(Kind::Null, Role::Value, from, from);
    }
  }
  l.end();
}

void composite(Lowering& l, std::uint32_t n) {
  l.open(Kind::New, n, 1);
  l.visit(l.child(n, "type"), Role::Type);
  if (const std::uint32_t body = l.child(n, "body"); body != kNone)
    l.each_named(body, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
}

void string(Lowering& l, std::uint32_t n) {
  const StringSub sub = l.is(n, "raw_string_literal") ? StringSub::Raw : StringSub::Plain;
  l.open(Kind::String, n, static_cast<std::uint8_t>(sub), 0, l.atom(unquoted(l.text(n))));
}

void rune(Lowering& l, std::uint32_t n) { l.open(Kind::Char, n, 0, 0, l.atom(unquoted(l.text(n)))); }
void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void nil(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }

// --- types

void named_type(Lowering& l, std::uint32_t n) { l.open(Kind::Type, n, 0, 0, l.atom(squeezed(l.text(n)))); }

void shaped_type(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const std::string_view shape = symbol == "pointer_type"     ? "*"
                                 : symbol == "map_type"       ? "map"
                                 : symbol == "channel_type"   ? "chan"
                                 : symbol == "function_type"  ? "func"
                                 : symbol == "struct_type"    ? "struct"
                                 : symbol == "interface_type" ? "interface"
                                                              : "[]";
  l.open(Kind::Type, n, 0, 0, l.atom(shape));
  l.visit_children(n, Role::Element);
}

void generic_type(Lowering& l, std::uint32_t n) {
  const std::uint32_t base = l.child(n, "type");
  l.open(Kind::Type, n, 0, 0, base == kNone ? kNoAtom : l.atom(squeezed(l.text(base))));
  l.visit(l.child(n, "type_arguments"), Role::Element);
}

}  // namespace

std::span<const Row> go_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      skip("empty_statement"),
      // names, literals
      custom("identifier", name),
      custom("blank_identifier", name),
      custom("field_identifier", name),
      custom("package_identifier", name),
      custom("label_name", name),
      custom("iota", name),
      leaf("int_literal", Kind::Number),
      leaf("float_literal", Kind::Number),
      leaf("imaginary_literal", Kind::Number),
      custom("rune_literal", rune),
      custom("interpreted_string_literal", string),
      custom("raw_string_literal", string),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("nil", nil),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("expression_list", statement_list),
      node("call_expression", Kind::Call, {{"type_arguments", Role::TypeParam}}),
      inlined("argument_list", Role::Arg),
      node("variadic_argument", Kind::Spread, Role::Value),
      custom("selector_expression", selector),
      node("index_expression", Kind::Index, {{"operand", Role::Object}}),
      custom("slice_expression", slice),
      node("type_assertion_expression", Kind::TypeTest, {{"operand", Role::Value}}, Role::Element, 1),
      node("type_conversion_expression", Kind::Cast, {{"operand", Role::Value}}),
      node("type_instantiation_expression", Kind::Index, {{"type", Role::Object}}, Role::TypeParam),
      custom("composite_literal", composite),
      node("literal_value", Kind::List),
      inlined("literal_element"),
      node("keyed_element", Kind::Pair),
      custom("func_literal", function_literal),
      custom("binary_expression", binary),
      custom("unary_expression", prefix),
      // modules, definitions
      custom("package_clause", package),
      inlined("import_declaration"),
      inlined("import_spec_list"),
      custom("import_spec", import_spec),
      custom("function_declaration", function),
      custom("method_declaration", function),
      custom("method_elem", function),
      custom("parameter_list", parameter_list),
      custom("parameter_declaration", parameter),
      custom("variadic_parameter_declaration", parameter),
      custom("var_declaration", value_specs),
      custom("const_declaration", value_specs),
      inlined("type_declaration"),
      custom("type_spec", type_spec),
      custom("type_alias", type_spec),
      inlined("field_declaration_list"),
      custom("field_declaration", field),
      inlined("type_parameter_list", Role::TypeParam),
      node("type_parameter_declaration", Kind::Param),
      inlined("type_constraint"),
      inlined("type_elem"),
      // statements
      node("block", Kind::Block),
      inlined("statement_list"),
      custom("expression_statement", expression_statement),
      custom("short_var_declaration", simple_statement<define>),
      custom("assignment_statement", simple_statement<aug_assign>),
      custom("inc_statement", simple_statement<step>),
      custom("dec_statement", simple_statement<step>),
      custom("send_statement", simple_statement<send>),
      custom("receive_statement", receive),
      custom("if_statement", if_statement),
      custom("for_statement", for_statement),
      custom("expression_switch_statement", switch_statement),
      custom("type_switch_statement", switch_statement),
      custom("select_statement", switch_statement),
      custom("expression_case", switch_arm),
      custom("type_case", switch_arm),
      custom("communication_case", switch_arm),
      custom("default_case", switch_arm),
      node("return_statement", Kind::Return, Role::Value),
      node("defer_statement", Kind::Defer, Role::Value),
      node("go_statement", Kind::Defer, Role::Value, 1),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("goto_statement", jump),
      custom("labeled_statement", labeled),
      custom("fallthrough_statement", fallthrough),
      // types
      custom("type_identifier", named_type),
      custom("qualified_type", named_type),
      custom("pointer_type", shaped_type),
      custom("slice_type", shaped_type),
      custom("array_type", shaped_type),
      custom("implicit_length_array_type", shaped_type),
      custom("map_type", shaped_type),
      custom("channel_type", shaped_type),
      custom("function_type", shaped_type),
      custom("struct_type", shaped_type),
      custom("interface_type", shaped_type),
      custom("generic_type", generic_type),
      inlined("type_arguments"),
      inlined("parenthesized_type"),
  };
  return rows;
}

}  // namespace wrench::code::detail
