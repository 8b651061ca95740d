#include <algorithm>

#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

void identifier(Lowering& l, std::uint32_t n) {
  const Atom atom = l.atom_of(n);
  if (l.role() != Role::Param) {
    l.open(Kind::Name, n, 0, 0, atom);
    return;
  }
  l.open(Kind::Param, n, 0, 0, atom);
  l.leaf(Kind::Name, Role::Name, n, 0, 0, atom);
}

/// Types are expressions in Python's grammar; here they become Type nodes.
void type(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const auto elements = [&](std::uint32_t of, std::uint32_t except) {
    l.each_named(of, [&](std::uint32_t c) {
      if (c != except) l.visit_with(type, c, Role::Element);
    });
  };
  if (symbol == "type" || symbol == "parenthesized_expression") {
    l.each_named(n, [&](std::uint32_t c) { l.visit_with(type, c, l.role(), l.flags()); });
  } else if (symbol == "generic_type") {
    const std::uint32_t base = l.first_named(n);
    l.open(Kind::Type, n, 0, 0, l.atom_of(base));
    if (const std::uint32_t arguments = l.find(n, "type_parameter"); arguments != kNone) elements(arguments, kNone);
  } else if (symbol == "subscript") {
    const std::uint32_t base = l.child(n, "value");
    l.open(Kind::Type, n, 0, 0, l.atom(squeezed(l.text(base))));
    elements(n, base);
  } else if (symbol == "binary_operator" || symbol == "union_type") {
    l.open(Kind::Type, n, 0, 0, l.atom("|"));
    elements(n, kNone);
  } else if (symbol == "list" || symbol == "tuple") {
    l.open(Kind::Type, n, 0, 0, l.atom("[]"));
    elements(n, kNone);
  } else if (symbol == "string") {
    l.open(Kind::Type, n, 0, 0, l.atom(squeezed(unquoted(l.text(n)))));
  } else {
    l.open(Kind::Type, n, 0, 0, l.atom(squeezed(l.text(n))));
  }
}

bool is_docstring(Lowering& l) {
  if (l.parent_kind() != Kind::ExprStmt) return false;
  const NodeIndex statement = l.parent_index();
  const NodeIndex block = l.parent_index(1);
  if (block == kNoNode || statement != block + 1) return false;
  const Kind above = l.parent_kind(2);
  return block == 0 || (l.parent_kind(1) == Kind::Block && (above == Kind::Function || above == Kind::Class));
}

void string(Lowering& l, std::uint32_t n) {
  const std::uint32_t start = l.find(n, "string_start");
  const std::uint32_t stop = l.find(n, "string_end");
  const std::uint32_t from = start == kNone ? l.at(n).first : l.at(start).end;
  const std::uint32_t to = stop == kNone || l.at(stop).first < from ? std::max(l.at(n).end, from) : l.at(stop).first;
  StringSub sub = StringSub::Plain;
  if (start != kNone)
    for (const char c : l.text(start)) {
      if (c == 'r' || c == 'R') sub = StringSub::Raw;
      if (c == 'b' || c == 'B') sub = StringSub::Bytes;
      if (c == 'f' || c == 'F') sub = StringSub::Format;
    }
  if (l.find(n, "interpolation") == kNone) {
    if (sub != StringSub::Format && is_docstring(l)) sub = StringSub::Doc;
    l.open(Kind::String, n, static_cast<std::uint8_t>(sub), 0, l.atom(l.text(from, to)));
    return;
  }
  l.open(Kind::Interp, n, static_cast<std::uint8_t>(StringSub::Format));
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "string_content")) l.leaf(Kind::String, Role::Element, c, 0, 0, l.atom_of(c));
    if (l.is(c, "interpolation")) l.visit(c, Role::Element);
  });
}

void interpolation(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "format_specifier")) {
      l.each_named(c, [&](std::uint32_t inner) { l.visit(inner, Role::Element); });
    } else if (!l.is(c, "type_conversion")) {
      l.visit(c, l.role());
    }
  });
}

void concatenated_string(Lowering& l, std::uint32_t n) {
  bool plain = true;
  std::string joined;
  l.each_named(n, [&](std::uint32_t c) {
    const std::uint32_t start = l.find(c, "string_start");
    const std::uint32_t stop = l.find(c, "string_end");
    plain &= start != kNone && stop != kNone && l.find(c, "interpolation") == kNone;
    if (plain) joined += l.text(l.at(start).end, l.at(stop).first);
  });
  if (plain) {
    const StringSub sub = is_docstring(l) ? StringSub::Doc : StringSub::Plain;
    l.open(Kind::String, n, static_cast<std::uint8_t>(sub), kFlagAdjacent, l.atom(joined));
    return;
  }
  l.open(Kind::Interp, n, 0, kFlagAdjacent);
  l.visit_children(n, Role::Element);
}

void expression_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t only = l.first_named(n);
  if (l.is(only, "assignment") && l.child(only, "type") != kNone) return l.pass(only);
  l.open(Kind::ExprStmt, n);
  if (l.count_named(n) == 1) return l.visit(only, Role::Value);
  l.begin(Kind::Tuple, Role::Value, l.at(n).first, l.at(n).end);
  l.visit_children(n, Role::Element);
  l.end();
}

void assignment(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  const std::uint32_t right = l.child(n, "right");
  const std::uint32_t annotation = l.child(n, "type");
  if (annotation == kNone) {
    l.open(Kind::Assign, n);
    l.visit(left, Role::Left);
    l.visit(right, Role::Right);
    return;
  }
  l.open(Kind::VarDef, n, 0, 0, l.is(left, "identifier") ? l.atom_of(left) : kNoAtom);
  l.visit(left, Role::Target);
  l.visit_with(type, annotation, Role::Type);
  l.visit(right, Role::Value);
}

void comparison(Lowering& l, std::uint32_t n) {
  // a < b < c nests to the left, one Binary per operator.
  std::vector<std::uint32_t> operands;
  std::vector<Op> operators;
  l.each(n, [&](std::uint32_t c) {
    if (l.named(c)) {
      operands.push_back(c);
    } else if (l.op(c) != Op::None) {
      operators.push_back(l.op(c));
    }
  });
  if (operands.size() < 2 || operators.size() + 1 != operands.size()) {
    l.open(Kind::Other, n);
    return l.visit_children(n, Role::Element);
  }
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(operators.back()));
  for (std::size_t i = operators.size() - 1; i > 0; --i)
    l.begin(Kind::Binary, Role::Left, l.at(n).first, l.at(operands[i]).end,
            static_cast<std::uint8_t>(operators[i - 1]));
  l.visit(operands[0], Role::Left);
  for (std::size_t i = 1; i < operators.size(); ++i) {
    l.visit(operands[i], Role::Right);
    l.end();
  }
  l.visit(operands.back(), Role::Right);
}

void conditional(Lowering& l, std::uint32_t n) {
  l.open(Kind::Ternary, n);
  constexpr Role kRoles[] = {Role::Then, Role::Condition, Role::Else};
  std::size_t i = 0;
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, i < 3 ? kRoles[i++] : Role::Element); });
}

void attribute(Lowering& l, std::uint32_t n) {
  l.open(Kind::Member, n, 0, 0, l.atom_of(l.child(n, "attribute")));
  l.visit(l.child(n, "object"), Role::Object);
}

void keyword_argument(Lowering& l, std::uint32_t n) {
  l.open(Kind::KeywordArg, n, 0, 0, l.atom_of(l.child(n, "name")));
  l.visit(l.child(n, "value"), Role::Value);
}

void slice(Lowering& l, std::uint32_t n) {
  l.open(Kind::Slice, n);
  std::uint32_t at = l.at(n).first;
  bool given = false;
  l.each(n, [&](std::uint32_t c) {
    if (l.named(c)) {
      l.visit(c, Role::Value);
      given = true;
    } else if (l.text(c) == ":") {
      if (!given) l.leaf_at(Kind::Null, Role::Value, at, at);
      given = false;
    }
    at = l.at(c).end;
  });
  if (!given) l.leaf_at(Kind::Null, Role::Value, at, at);
}

void yield(Lowering& l, std::uint32_t n) {
  if (Node* function = l.ancestor(Kind::Function, Kind::Lambda)) function->flags |= kFlagGenerator;
  l.open(Kind::Yield, n, l.has(n, "from") ? 1 : 0);
  l.visit_children(n, Role::Value);
}

void splat(Lowering& l, std::uint32_t n) {
  const bool dictionary = l.symbol(n).starts_with("dictionary");
  const std::uint32_t value = l.first_named(n);
  if (l.role() == Role::Param) {
    l.open(Kind::Param, n, static_cast<std::uint8_t>(dictionary ? ParamSub::KeywordVariadic : ParamSub::Variadic), 0,
           l.atom_of(value));
    if (value != kNone) l.leaf(Kind::Name, Role::Name, value, 0, 0, l.atom_of(value));
    return;
  }
  l.open(Kind::Spread, n, dictionary ? 1 : 0);
  l.visit(value, Role::Value);
}

void parameter_mark(Lowering& l, std::uint32_t n) {
  l.open(Kind::Param, n,
         static_cast<std::uint8_t>(l.is(n, "keyword_separator") ? ParamSub::KeywordOnlyMark
                                                                : ParamSub::PositionalOnlyMark));
}

void parameter(Lowering& l, std::uint32_t n) {
  std::uint32_t named = l.child(n, "name");
  if (named == kNone) named = l.first_named(n);
  ParamSub sub = ParamSub::Plain;
  if (l.is(named, "list_splat_pattern")) sub = ParamSub::Variadic;
  if (l.is(named, "dictionary_splat_pattern")) sub = ParamSub::KeywordVariadic;
  if (sub != ParamSub::Plain) named = l.first_named(named);
  const bool plain = l.is(named, "identifier");
  l.open(Kind::Param, n, static_cast<std::uint8_t>(sub), 0, plain ? l.atom_of(named) : kNoAtom);
  if (plain) {
    l.leaf(Kind::Name, Role::Name, named, 0, 0, l.atom_of(named));
  } else {
    l.visit(named, Role::Target);
  }
  l.visit_with(type, l.child(n, "type"), Role::Type);
  l.visit(l.child(n, "value"), Role::Default);
}

void tuple(Lowering& l, std::uint32_t n) {
  if (l.role() == Role::Param) {
    l.open(Kind::Param, n);
    l.begin(Kind::Tuple, Role::Target, l.at(n).first, l.at(n).end);
    l.visit_children(n, Role::Element);
    return l.end();
  }
  l.open(Kind::Tuple, n);
  l.visit_children(n, Role::Element);
}

void comprehension(Lowering& l, std::uint32_t n) {
  const std::string_view symbol = l.symbol(n);
  const std::uint8_t sub = symbol.starts_with("list")   ? 0
                           : symbol.starts_with("set")  ? 1
                           : symbol.starts_with("dict") ? 2
                                                        : 3;
  Node& node = l.open(Kind::Comprehension, n, sub);
  bool async = false;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "for_in_clause")) {
      async |= l.has(c, "async");
      l.each_named(
          c, [&](std::uint32_t part) { l.visit(part, l.is_field(part, "left") ? Role::Target : Role::Iterable); });
    } else if (l.is(c, "if_clause")) {
      l.visit(l.first_named(c), Role::Condition);
    } else {
      l.visit(c, Role::Value);
    }
  });
  if (async) node.flags |= kFlagAsync;
}

// --- definitions

void decorators(Lowering& l) {
  if (l.outer() == kNone) return;
  l.each_named(l.outer(), [&](std::uint32_t c) {
    if (l.is(c, "decorator")) l.visit(c, Role::Decorator);
  });
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t name = l.child(n, "name");
  FunctionSub sub = l.in_class_body() ? FunctionSub::Method : FunctionSub::Plain;
  if (sub == FunctionSub::Method && name != kNone && l.text(name) == "__init__") sub = FunctionSub::Constructor;
  l.open(Kind::Function, l.outer() == kNone ? n : l.outer(), static_cast<std::uint8_t>(sub),
         l.has(n, "async") ? kFlagAsync : 0, l.atom_of(name));
  decorators(l);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "name")) return l.leaf(Kind::Name, Role::Name, c, 0, 0, l.atom_of(c));
    if (l.is_field(c, "return_type")) return l.visit_with(type, c, Role::Type);
    if (l.is_field(c, "type_parameters")) return l.visit(c, Role::TypeParam);
    if (l.is_field(c, "parameters")) return l.visit(c, Role::Param);
    l.visit(c, l.is_field(c, "body") ? Role::Body : Role::Element);
  });
}

void class_definition(Lowering& l, std::uint32_t n) {
  l.open(Kind::Class, l.outer() == kNone ? n : l.outer(), 0, 0, l.atom_of(l.child(n, "name")));
  decorators(l);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "name")) return l.leaf(Kind::Name, Role::Name, c, 0, 0, l.atom_of(c));
    if (l.is_field(c, "superclasses")) return l.each_named(c, [&](std::uint32_t base) { l.visit(base, Role::Base); });
    if (l.is_field(c, "type_parameters")) return l.visit(c, Role::TypeParam);
    l.visit(c, l.is_field(c, "body") ? Role::Body : Role::Element);
  });
}

void decorated(Lowering& l, std::uint32_t n) {
  const std::uint32_t definition = l.child(n, "definition");
  if (definition != kNone) return l.visit(definition, l.role(), l.flags(), n);
  l.open(Kind::Other, n);
  l.visit_children(n, Role::Element);
}

void type_parameters(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) { l.visit_with(type, c, Role::TypeParam); });
}

void type_alias(Lowering& l, std::uint32_t n) {
  const std::uint32_t left = l.child(n, "left");
  l.open(Kind::TypeAlias, n, 0, 0, l.atom_of(left));
  if (left != kNone) l.leaf(Kind::Name, Role::Name, left, 0, 0, l.atom_of(left));
  l.visit_with(type, l.child(n, "right"), Role::Type);
}

// --- statements

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  std::size_t nested = 0;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "elif_clause")) {
      l.begin(Kind::If, Role::Else, l.at(c).first, l.at(n).end, 0, kFlagElseIf);
      ++nested;
      l.visit(l.child(c, "condition"), Role::Condition);
      l.visit(l.child(c, "consequence"), Role::Then);
    } else if (l.is(c, "else_clause")) {
      l.visit(c, Role::Else);
    } else if (l.at(c).field == 0) {
      l.visit(c, Role::Element);
    }
  });
  while (nested-- > 0) l.end();
}

void for_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n, 0, l.has(n, "async") ? kFlagAsync : 0);
  l.visit(l.child(n, "left"), Role::Target);
  l.visit(l.child(n, "right"), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
  l.visit(l.child(n, "alternative"), Role::Else);
}

void as_pattern(Lowering& l, std::uint32_t n) {
  // `x as y` binds y: in `with` and in match arms.
  const std::uint32_t alias = l.child(n, "alias");
  const std::uint32_t target = alias == kNone                     ? l.last_named(n)
                               : l.is(alias, "as_pattern_target") ? l.first_named(alias)
                                                                  : alias;
  l.open(Kind::VarDef, n, 0, 0, l.is(target, "identifier") ? l.atom_of(target) : kNoAtom);
  l.each_named(n, [&](std::uint32_t c) {
    if (c != alias && c != target) l.visit(c, Role::Value);
  });
  l.visit(target, Role::Target);
}

void except_clause(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  const auto types = [&](std::uint32_t value) {
    if (l.is(value, "tuple") || l.is(value, "expression_list")) {
      l.each_named(value, [&](std::uint32_t c) { l.visit_with(type, c, Role::Type); });
    } else {
      l.visit_with(type, value, Role::Type);
    }
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "block")) {
      l.visit(c, Role::Body);
    } else if (l.is(c, "as_pattern")) {
      const std::uint32_t alias = l.child(c, "alias");
      types(l.first_named(c));
      l.visit(l.is(alias, "as_pattern_target") ? l.first_named(alias) : alias, Role::Target);
    } else if (l.is_field(c, "alias")) {
      l.visit(c, Role::Target);
    } else {
      types(c);
    }
  });
}

void try_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "body")) return l.visit(c, Role::Body);
    if (l.is(c, "else_clause")) return l.visit(c, Role::Else);
    if (l.is(c, "finally_clause")) return l.visit(c, Role::Finally);
    l.visit(c, Role::Handler);
  });
}

void with_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::With, n, 0, l.has(n, "async") ? kFlagAsync : 0);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, l.is_field(c, "body") ? Role::Body : Role::Resource); });
}

void with_item(Lowering& l, std::uint32_t n) { l.visit(l.child(n, "value"), Role::Resource); }

void raise_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Throw, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, l.is_field(c, "cause") ? Role::From : Role::Value); });
}

void assert_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assert, n);
  Role role = Role::Condition;
  l.each_named(n, [&](std::uint32_t c) {
    l.visit(c, role);
    role = Role::Value;
  });
}

void delete_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Delete, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "expression_list")) return l.each_named(c, [&](std::uint32_t inner) { l.visit(inner, Role::Value); });
    l.visit(c, Role::Value);
  });
}

void directive(Lowering& l, std::uint32_t n) {
  const std::string_view word = l.is(n, "global_statement")     ? "global"
                                : l.is(n, "nonlocal_statement") ? "nonlocal"
                                                                : "pass";
  l.open(Kind::Directive, n, 0, 0, l.atom(word));
  l.visit_children(n, Role::Element);
}

void jump(Lowering& l, std::uint32_t n) { l.open(l.is(n, "break_statement") ? Kind::Break : Kind::Continue, n); }

void print_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::ExprStmt, n);
  l.begin(Kind::Call, Role::Value, l.at(n).first, l.at(n).end);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first + 5, 0, l.atom("print"));
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Arg); });
  l.end();
}

// --- match

void match_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "subject")) return l.visit(c, Role::Value);
    if (l.is_field(c, "body")) return l.each_named(c, [&](std::uint32_t arm) { l.visit(arm, Role::Case); });
    l.visit(c, Role::Case);
  });
}

void case_clause(Lowering& l, std::uint32_t n) {
  const std::uint32_t guard = l.child(n, "guard");
  const std::uint32_t pattern = l.find(n, "case_pattern");
  const bool wildcard = guard == kNone && pattern != kNone && l.text(pattern) == "_";
  l.open(Kind::Case, n, 0, wildcard ? kFlagDefault : 0);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "consequence")) return l.visit(c, Role::Body);
    if (c == guard) return l.visit(l.first_named(c), Role::Condition);
    l.visit(c, Role::Key);
  });
}

void dotted_name(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> parts;
  l.each_named(n, [&](std::uint32_t c) { parts.push_back(c); });
  if (parts.empty()) {
    l.open(Kind::Name, n, 0, 0, l.atom_of(n));
    return;
  }
  if (parts.size() == 1) return l.pass(parts[0]);
  l.open(Kind::Member, n, 0, 0, l.atom_of(parts.back()));
  for (std::size_t i = parts.size() - 2; i > 0; --i)
    l.begin(Kind::Member, Role::Object, l.at(n).first, l.at(parts[i]).end, 0, 0, l.atom_of(parts[i]));
  l.visit(parts[0], Role::Object);
  for (std::size_t i = parts.size() - 2; i > 0; --i) l.end();
}

void class_pattern(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  const std::uint32_t callee = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == callee ? Role::Callee : Role::Arg); });
}

void dict_pattern(Lowering& l, std::uint32_t n) {
  l.open(Kind::Dict, n);
  std::uint32_t key = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "key")) {
      key = c;
    } else if (l.is_field(c, "value") && key != kNone) {
      l.begin(Kind::Pair, Role::Element, l.at(key).first, l.at(c).end);
      l.visit(key, Role::Key);
      l.visit(c, Role::Value);
      l.end();
      key = kNone;
    } else {
      l.visit(c, Role::Element);
    }
  });
}

// --- imports

std::string_view last_part(std::string_view dotted) { return dotted.substr(dotted.rfind('.') + 1); }
std::string_view first_part(std::string_view dotted) { return dotted.substr(0, dotted.find('.')); }

/// One Import per module, so that each is found and removed by itself.
void import_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t count = l.count_named(n);
  l.each_named(n, [&](std::uint32_t c) {
    const bool aliased = l.is(c, "aliased_import");
    const std::uint32_t module = aliased ? l.child(c, "name") : c;
    const std::uint32_t alias = aliased ? l.child(c, "alias") : kNone;
    if (module == kNone) return l.visit(c, Role::Element);
    const std::string path = squeezed(l.text(module));
    const Atom bound = alias == kNone ? l.atom(first_part(path)) : l.atom_of(alias);
    const std::uint32_t whole = count == 1 ? n : c;
    l.begin(Kind::Import, l.role(), l.at(whole).first, l.at(whole).end, static_cast<std::uint8_t>(ImportSub::Module),
            l.flags(), l.atom(path));
    l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom(path), bound);
    l.end();
  });
}

void import_from(Lowering& l, std::uint32_t n) {
  const std::uint32_t module = l.child(n, "module_name");
  const Atom path = module == kNone ? l.atom("__future__") : l.atom(squeezed(l.text(module)));
  l.open(Kind::Import, n, static_cast<std::uint8_t>(ImportSub::Names), 0, path);
  l.each_named(n, [&](std::uint32_t c) {
    if (c == module) return;
    if (l.is(c, "wildcard_import")) return l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom("*"), l.atom("*"));
    const std::uint32_t name = l.is(c, "aliased_import") ? l.child(c, "name") : c;
    const std::uint32_t alias = l.is(c, "aliased_import") ? l.child(c, "alias") : kNone;
    if (name == kNone || l.is(c, "ERROR")) return l.visit(c, Role::Element);
    l.leaf(Kind::ImportItem, Role::Element, c, 0, 0, l.atom_of(name),
           alias == kNone ? l.atom(last_part(l.text(name))) : l.atom_of(alias));
  });
}

void not_operator(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(Op::Not));
  l.visit(l.child(n, "argument"), Role::Operand);
}

void named_expression(Lowering& l, std::uint32_t n) {
  l.open(Kind::Assign, n, 1);
  l.visit(l.child(n, "name"), Role::Left);
  l.visit(l.child(n, "value"), Role::Right);
}

void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void literal_none(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }

}  // namespace

std::span<const Row> python_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      comment("line_continuation"),
      // names, literals
      custom("identifier", identifier),
      custom("dotted_name", dotted_name),
      custom("attribute", attribute),
      leaf("integer", Kind::Number),
      leaf("float", Kind::Number),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("none", literal_none),
      custom("string", string),
      custom("concatenated_string", concatenated_string),
      custom("interpolation", interpolation),
      custom("format_expression", interpolation),
      // expressions
      custom("parenthesized_expression", parenthesised),
      custom("expression_list", statement_list),
      node("pattern_list", Kind::Tuple),
      custom("tuple", tuple),
      custom("tuple_pattern", tuple),
      node("list", Kind::List),
      node("list_pattern", Kind::List),
      node("set", Kind::Set),
      node("dictionary", Kind::Dict),
      custom("union_pattern", statement_list),
      node("pair", Kind::Pair),
      custom("list_comprehension", comprehension),
      custom("set_comprehension", comprehension),
      custom("dictionary_comprehension", comprehension),
      custom("generator_expression", comprehension),
      node("call", Kind::Call),
      inlined("argument_list", Role::Arg),
      custom("keyword_argument", keyword_argument),
      custom("list_splat", splat),
      custom("dictionary_splat", splat),
      custom("list_splat_pattern", splat),
      custom("dictionary_splat_pattern", splat),
      inlined("parenthesized_list_splat"),
      node("subscript", Kind::Index, {{"value", Role::Object}, {"subscript", Role::Index}}),
      custom("slice", slice),
      custom("binary_operator", binary),
      custom("boolean_operator", binary),
      custom("comparison_operator", comparison),
      custom("unary_operator", unary),
      custom("not_operator", not_operator),
      custom("conditional_expression", conditional),
      node("lambda", Kind::Lambda),
      inlined("lambda_parameters", Role::Param),
      custom("named_expression", named_expression),
      node("await", Kind::Await, Role::Value),
      custom("yield", yield),
      custom("as_pattern", as_pattern),
      inlined("as_pattern_target"),
      custom("type", type),
      // definitions
      custom("function_definition", function),
      custom("class_definition", class_definition),
      custom("decorated_definition", decorated),
      node("decorator", Kind::Decorator, Role::Value),
      inlined("parameters", Role::Param),
      custom("default_parameter", parameter),
      custom("typed_parameter", parameter),
      custom("typed_default_parameter", parameter),
      custom("keyword_separator", parameter_mark),
      custom("positional_separator", parameter_mark),
      custom("type_parameter", type_parameters),
      custom("type_alias_statement", type_alias),
      // statements
      node("block", Kind::Block),
      custom("expression_statement", expression_statement),
      custom("assignment", assignment),
      custom("augmented_assignment", aug_assign),
      custom("if_statement", if_statement),
      inlined("else_clause"),
      node("while_statement", Kind::Loop),
      custom("for_statement", for_statement),
      custom("try_statement", try_statement),
      custom("except_clause", except_clause),
      custom("except_group_clause", except_clause),
      inlined("finally_clause"),
      custom("with_statement", with_statement),
      inlined("with_clause"),
      custom("with_item", with_item),
      node("return_statement", Kind::Return, Role::Value),
      custom("raise_statement", raise_statement),
      custom("assert_statement", assert_statement),
      custom("delete_statement", delete_statement),
      custom("global_statement", directive),
      custom("nonlocal_statement", directive),
      custom("pass_statement", directive),
      custom("break_statement", jump),
      custom("continue_statement", jump),
      custom("print_statement", print_statement),
      custom("import_statement", import_statement),
      custom("import_from_statement", import_from),
      custom("future_import_statement", import_from),
      custom("match_statement", match_statement),
      custom("case_clause", case_clause),
      inlined("case_pattern"),
      custom("class_pattern", class_pattern),
      custom("keyword_pattern", class_pattern),
      custom("dict_pattern", dict_pattern),
  };
  return rows;
}

}  // namespace wrench::code::detail
