#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

const SymbolSet& statement_symbols() {
  static const SymbolSet symbols = {
      "function_definition", "if_statement",       "for_statement", "c_style_for_statement", "while_statement",
      "case_statement",      "compound_statement", "subshell",      "declaration_command",   "redirected_statement"};
  return symbols;
}

std::string_view command_word(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t inner = called == kNone ? kNone : l.first_named(called);
  return l.is(inner, "word") ? l.text(inner) : std::string_view{};
}

bool is_jump(Lowering& l, std::uint32_t n) {
  if (!l.is(n, "command")) return false;
  const std::string_view word = command_word(l, n);
  return word == "return" || word == "break" || word == "continue";
}

void statement(Lowering& l, std::uint32_t n, Role role) {
  if (n != kNone && is_jump(l, n)) return l.visit(n, role);
  l.visit_statement(n, role, statement_symbols());
}

void statements(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) { statement(l, c, Role::Element); });
}

void block(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  statements(l, n);
}

// --- words

void variable_name(Lowering& l, std::uint32_t n) { l.open(Kind::Name, n, 0, 0, l.atom_of(n)); }

/// `$x` and `${x}` are the variable; anything more keeps its parts.
void expansion(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.first_named(n);
  const bool plain = l.count_named(n) == 1 && l.child(n, "operator") == kNone &&
                     (l.is(called, "variable_name") || l.is(called, "special_variable_name"));
  if (plain) {
    l.open(Kind::Name, n, 0, 0, l.atom_of(called));
    return;
  }
  Node& node = l.open(Kind::Other, n);
  node.symbol = l.at(n).symbol;
  l.visit_children(n, Role::Element);
}

void word(Lowering& l, std::uint32_t n) { l.open(Kind::String, n, 0, 0, l.atom_of(n)); }

void raw_string(Lowering& l, std::uint32_t n) {
  std::string_view text = l.text(n);
  if (text.starts_with('$')) text.remove_prefix(1);
  l.open(Kind::String, n, static_cast<std::uint8_t>(StringSub::Raw), 0, l.atom(unquoted(text)));
}

void string(Lowering& l, std::uint32_t n) {
  bool plain = true;
  l.each_named(n, [&](std::uint32_t c) { plain &= l.is(c, "string_content"); });
  if (plain) {
    l.open(Kind::String, n, 0, 0, l.atom(unquoted(l.text(n))));
    return;
  }
  l.open(Kind::Interp, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "string_content")) return l.leaf(Kind::String, Role::Element, c, 0, 0, l.atom_of(c));
    l.visit(c, Role::Element);
  });
}

void subscript(Lowering& l, std::uint32_t n) {
  l.open(Kind::Index, n);
  l.visit(l.child(n, "name"), Role::Object);
  l.visit(l.child(n, "index"), Role::Index);
}

// --- commands

void jump(Lowering& l, std::uint32_t n, std::string_view word) {
  const Kind kind = word == "return" ? Kind::Return : word == "break" ? Kind::Break : Kind::Continue;
  l.open(kind, n);
  if (kind == Kind::Return) l.visit(l.child(n, "argument"), Role::Value);
}

void command(Lowering& l, std::uint32_t n) {
  const std::string_view word = command_word(l, n);
  if (is_jump(l, n)) return jump(l, n, word);
  const std::uint32_t called = l.child(n, "name");
  // `$(…)` alone runs what it prints.
  if (word.empty() && called != kNone && l.count_named(n) == 1) return l.pass(l.first_named(called));
  l.open(Kind::Call, n);
  // Variables set for the one command, and where its input comes from.
  l.each_named(n, [&](std::uint32_t c) {
    if (c != called && !l.is_field(c, "argument")) l.visit(c, Role::Modifier);
  });
  if (called != kNone) {
    if (!word.empty())
      l.leaf(Kind::Name, Role::Callee, called, 0, 0, l.atom(word));
    else
      l.visit(l.first_named(called), Role::Callee);
  }
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "argument")) l.visit(c, Role::Arg);
  });
}

void unset(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom("unset"));
  l.visit_children(n, Role::Arg);
}

void assignment(Lowering& l, std::uint32_t n) {
  const bool adds = l.has(n, "+=");
  l.open(adds ? Kind::AugAssign : Kind::Assign, n, adds ? static_cast<std::uint8_t>(Op::Add) : 0);
  l.visit(l.child(n, "name"), Role::Left);
  const std::uint32_t value = l.child(n, "value");
  if (value != kNone) return l.visit(value, Role::Right);
  l.leaf_at(Kind::String, Role::Right, l.at(n).end, l.at(n).end, 0, l.atom(""));
}

/// `local a=1 b`: one VarDef for each name.
void declaration(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.first(n);
  const Atom word = token == kNone || l.named(token) ? kNoAtom : l.atom_of(token);
  std::uint32_t count = 0;
  l.each_named(n,
               [&](std::uint32_t c) { count += l.is(c, "variable_assignment") || l.is(c, "variable_name") ? 1 : 0; });
  l.each_named(n, [&](std::uint32_t c) {
    const bool assigned = l.is(c, "variable_assignment");
    if (!assigned && !l.is(c, "variable_name")) return;
    const std::uint32_t called = assigned ? l.child(c, "name") : c;
    const std::uint32_t range = count == 1 ? n : c;
    l.begin(Kind::VarDef, l.role(), l.at(range).first, l.at(range).end, 0, l.flags(), l.atom_of(called));
    if (word != kNoAtom) l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, word);
    l.visit(called, Role::Target);
    if (assigned) l.visit(l.child(c, "value"), Role::Value);
    l.end();
  });
}

/// `a | b | c` is (a | b) | c.
void pipeline(Lowering& l, std::uint32_t n) {
  std::vector<std::uint32_t> parts;
  l.each_named(n, [&](std::uint32_t c) { parts.push_back(c); });
  if (parts.empty()) return;
  l.open(Kind::Binary, n);
  for (std::size_t i = parts.size() - 1; i > 1; --i)
    l.begin(Kind::Binary, Role::Left, l.at(n).first, l.at(parts[i - 1]).end);
  l.visit(parts[0], Role::Left);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    l.visit(parts[i], Role::Right);
    if (i + 1 < parts.size()) l.end();
  }
}

void list(Lowering& l, std::uint32_t n) {
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(l.has(n, "&&") ? Op::And : Op::Or));
  const std::uint32_t left = l.first_named(n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == left ? Role::Left : Role::Right); });
}

void negated(Lowering& l, std::uint32_t n) {
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(Op::Not));
  l.visit_children(n, Role::Operand);
}

void redirected_command(Lowering& l, std::uint32_t n) {
  Node& node = l.open(Kind::Other, n);
  node.symbol = l.at(n).symbol;
  l.visit_children(n, Role::Element);
}

/// Loops and blocks keep what they are; where their input and output go isn't compared.
void redirected(Lowering& l, std::uint32_t n) {
  const std::uint32_t body = l.child(n, "body");
  if (body != kNone && statement_symbols().contains(l.symbol(body))) return l.pass(body);
  if (l.role() != Role::Element) return redirected_command(l, n);
  l.open(Kind::ExprStmt, n);
  l.visit_with(redirected_command, n, Role::Value);
}

// --- tests and arithmetic

void test(Lowering& l, std::uint32_t n) {
  if (l.count_named(n) == 1) return l.pass(l.first_named(n), kFlagParenthesised);
  l.open(Kind::Call, n);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom("["));
  l.visit_children(n, Role::Arg);
}

/// `-z "$x"` and `a -gt b` are calls of the test.
void test_operation(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.child(n, "operator");
  const bool is_test = l.is(token, "test_operator");
  if (!is_test && l.is(n, "unary_expression")) return unary(l, n);
  if (!is_test) return binary(l, n);
  l.open(Kind::Call, n);
  l.leaf(Kind::Name, Role::Callee, token, 0, 0, l.atom_of(token));
  l.each_named(n, [&](std::uint32_t c) {
    if (c != token) l.visit(c, Role::Arg);
  });
}

// --- statements

void compound(Lowering& l, std::uint32_t n) {
  if (l.has(n, "((")) return l.pass(l.first_named(n), kFlagParenthesised);
  block(l, n);
}

void function(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Function, n, 0, 0, l.atom_of(called));
  if (called != kNone) l.leaf(Kind::Name, Role::Name, called, 0, 0, l.atom_of(called));
  l.visit(l.child(n, "body"), Role::Body);
}

/// Of an if or elif: what stands before `then` is asked, what stands behind it is done.
void if_statement(Lowering& l, std::uint32_t n) {
  const std::uint32_t whole = l.outer() == kNone ? n : l.outer();
  const std::uint32_t then = l.find(n, "then");
  const std::uint32_t after = then == kNone ? l.at(n).first : l.at(then).end;
  const auto is_arm = [&](std::uint32_t c) { return l.is(c, "elif_clause") || l.is(c, "else_clause"); };
  l.open_at(Kind::If, l.at(n).first, l.at(whole).end);
  std::uint32_t end = after;
  l.each_named(n, [&](std::uint32_t c) {
    if (is_arm(c)) return;
    if (l.at(c).first < after) return l.visit(c, Role::Condition);
    end = l.at(c).end;
  });
  l.begin(Kind::Block, Role::Then, after, end);
  l.each_named(n, [&](std::uint32_t c) {
    if (!is_arm(c) && l.at(c).first >= after) statement(l, c, Role::Element);
  });
  l.end();
  const std::uint32_t from = n == whole ? after : l.at(n).end;
  for (std::uint32_t c = l.first(whole); c != kNone; c = l.next(c, whole)) {
    if (!l.named(c) || !is_arm(c) || l.at(c).first < from) continue;
    return l.visit(c, Role::Else, l.is(c, "elif_clause") ? kFlagElseIf : 0, l.is(c, "elif_clause") ? whole : kNone);
  }
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  l.visit(l.child(n, "variable"), Role::Target);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "value")) l.visit(c, Role::Iterable);
  });
  l.visit(l.child(n, "body"), Role::Body);
}

void for_loop(Lowering& l, std::uint32_t n) {
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(LoopSub::For));
  l.visit(l.child(n, "initializer"), Role::Init);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "update"), Role::Update);
  l.visit(l.child(n, "body"), Role::Body);
}

void loop(Lowering& l, std::uint32_t n) {
  l.open(Kind::Loop, n);
  const bool until = l.has(n, "until");
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "condition")) return;
    if (until) l.begin(Kind::Unary, Role::Condition, l.at(c).first, l.at(c).end, static_cast<std::uint8_t>(Op::Not));
    l.visit(c, until ? Role::Operand : Role::Condition);
    if (until) l.end();
  });
  l.visit(l.child(n, "body"), Role::Body);
}

void case_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "value"), Role::Value);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "case_item")) l.visit(c, Role::Case);
  });
}

void case_item(Lowering& l, std::uint32_t n) {
  const std::uint32_t key = l.child(n, "value");
  l.open(Kind::Case, n, 0, key != kNone && l.text(key) == "*" ? kFlagDefault : 0);
  std::uint32_t first = kNone;
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is_field(c, "value")) return l.visit(c, Role::Key);
    if (first == kNone) first = c;
  });
  if (first == kNone) return;
  l.begin(Kind::Block, Role::Body, l.at(first).first, l.at(n).end);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "value")) statement(l, c, Role::Element);
  });
  l.end();
}

}  // namespace

std::span<const Row> bash_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      custom("program", statements),
      // words
      custom("variable_name", variable_name),
      custom("special_variable_name", variable_name),
      custom("simple_expansion", expansion),
      custom("expansion", expansion),
      custom("word", word),
      custom("extglob_pattern", word),
      custom("regex", word),
      leaf("number", Kind::Number),
      custom("raw_string", raw_string),
      custom("ansi_c_string", raw_string),
      custom("string", string),
      inlined("translated_string"),
      node("concatenation", Kind::Interp),
      node("array", Kind::List),
      custom("subscript", subscript),
      // commands
      custom("command", command),
      custom("unset_command", unset),
      custom("variable_assignment", assignment),
      custom("declaration_command", declaration),
      custom("pipeline", pipeline),
      custom("list", list),
      custom("negated_command", negated),
      custom("redirected_statement", redirected),
      // tests and arithmetic
      custom("test_command", test),
      custom("unary_expression", test_operation),
      custom("binary_expression", test_operation),
      custom("postfix_expression", update),
      node("ternary_expression", Kind::Ternary),
      custom("parenthesized_expression", parenthesised),
      // statements
      custom("compound_statement", compound),
      custom("subshell", block),
      custom("do_group", block),
      custom("else_clause", block),
      custom("function_definition", function),
      custom("if_statement", if_statement),
      custom("elif_clause", if_statement),
      custom("for_statement", for_each),
      custom("c_style_for_statement", for_loop),
      custom("while_statement", loop),
      custom("case_statement", case_statement),
      custom("case_item", case_item),
  };
  return rows;
}

}  // namespace wrench::code::detail
