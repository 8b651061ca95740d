#include "lower_engine.hpp"

namespace wrench::code::detail {

namespace {

constexpr std::uint32_t kHeredocSearchMax = 20'000;  // Nodes between a heredoc's beginning and its text.

const SymbolSet& statement_symbols() {
  static const SymbolSet symbols = {"method",
                                    "singleton_method",
                                    "class",
                                    "module",
                                    "singleton_class",
                                    "if",
                                    "unless",
                                    "while",
                                    "until",
                                    "for",
                                    "case",
                                    "case_match",
                                    "begin",
                                    "return",
                                    "break",
                                    "next",
                                    "redo",
                                    "retry",
                                    "if_modifier",
                                    "unless_modifier",
                                    "while_modifier",
                                    "until_modifier",
                                    "alias",
                                    "undef",
                                    "begin_block",
                                    "end_block",
                                    "rescue_modifier",
                                    "heredoc_body",
                                    "rescue",
                                    "ensure",
                                    "else",
                                    "then",
                                    "empty_statement",
                                    "uninterpreted"};
  return symbols;
}

void statement(Lowering& l, std::uint32_t n, Role role) { l.visit_statement(n, role, statement_symbols()); }

void statements(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) { statement(l, c, Role::Element); });
}

void nothing(Lowering&, std::uint32_t) {}

void name_leaf(Lowering& l, std::uint32_t n) {
  if (n != kNone) l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void identifier(Lowering& l, std::uint32_t n) {
  if (l.role() != Role::Param) {
    l.open(l.role() == Role::Base || l.role() == Role::Type ? Kind::Type : Kind::Name, n, 0, 0, l.atom_of(n));
    return;
  }
  l.open(Kind::Param, n, 0, 0, l.atom_of(n));
  l.leaf(Kind::Name, Role::Name, n, 0, 0, l.atom_of(n));
}

void self(Lowering& l, std::uint32_t n) { l.open(Kind::This, n); }
void super(Lowering& l, std::uint32_t n) { l.open(Kind::Super, n); }
void literal_true(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 1); }
void literal_false(Lowering& l, std::uint32_t n) { l.open(Kind::Bool, n, 0); }
void nil(Lowering& l, std::uint32_t n) { l.open(Kind::Null, n); }

std::string dotted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "::") {
      if (!out.empty()) out += '.';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

void scope_resolution(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const std::uint32_t scope = l.child(n, "scope");
  if (l.role() == Role::Base || l.role() == Role::Type) {
    l.open(Kind::Type, n, 0, 0, l.atom(dotted(squeezed(l.text(n)))));
    return;
  }
  l.open(scope == kNone ? Kind::Name : Kind::Member, n, 0, 0, l.atom_of(called));
  l.visit(scope, Role::Object);
}

// --- literals

/// Symbols are no strings, but as constant as they are.
void symbol(Lowering& l, std::uint32_t n) {
  std::string_view text = l.text(n);
  if (text.starts_with(':')) text.remove_prefix(1);
  l.open(Kind::Char, n, 0, 0, l.atom(unquoted(text)));
}

bool is_text(Lowering& l, std::uint32_t c) {
  return l.is(c, "string_content") || l.is(c, "escape_sequence") || l.is(c, "heredoc_content");
}

bool is_plain(Lowering& l, std::uint32_t n) {
  bool plain = true;
  l.each_named(n, [&](std::uint32_t c) { plain &= is_text(l, c) || l.is(c, "heredoc_end"); });
  return plain;
}

std::string content(Lowering& l, std::uint32_t n) {
  std::string out;
  l.each_named(n, [&](std::uint32_t c) {
    if (is_text(l, c)) out += l.text(c);
  });
  return out;
}

void parts(Lowering& l, std::uint32_t n) {
  std::uint32_t first = kNone, end = 0;
  const auto flush = [&] {
    if (first != kNone) l.leaf_at(Kind::String, Role::Element, first, end, 0, l.atom(l.text(first, end)));
    first = kNone;
  };
  l.each_named(n, [&](std::uint32_t c) {
    if (is_text(l, c)) {
      if (first == kNone) first = l.at(c).first;
      end = l.at(c).end;
    } else if (l.is(c, "interpolation")) {
      flush();
      l.each_named(c, [&](std::uint32_t value) { l.visit(value, Role::Element); });
    }
  });
  flush();
}

void string(Lowering& l, std::uint32_t n) {
  if (is_plain(l, n)) {
    l.open(Kind::String, n, 0, 0, l.atom(content(l, n)));
    return;
  }
  l.open(Kind::Interp, n);
  parts(l, n);
}

void character(Lowering& l, std::uint32_t n) { l.open(Kind::String, n, 0, 0, l.atom(l.text(n).substr(1))); }

/// "a" "b" is one string.
void chained_string(Lowering& l, std::uint32_t n) {
  bool plain = true;
  std::string whole;
  l.each_named(n, [&](std::uint32_t c) {
    plain &= is_plain(l, c);
    whole += content(l, c);
  });
  if (plain) {
    l.open(Kind::String, n, 0, 0, l.atom(whole));
    return;
  }
  l.open(Kind::Interp, n);
  l.each_named(n, [&](std::uint32_t c) { parts(l, c); });
}

/// The text of a heredoc stands behind the statement: bodies come in the order of their beginnings.
std::uint32_t heredoc_text(Lowering& l, std::uint32_t n) {
  std::uint32_t before = 0;
  for (std::uint32_t c = n + 1; c < l.at(0).subtree_end && c - n < kHeredocSearchMax; ++c) {
    if (l.is(c, "heredoc_beginning")) ++before;
    if (!l.is(c, "heredoc_body")) continue;
    if (before == 0) return c;
    --before;
  }
  return kNone;
}

void heredoc(Lowering& l, std::uint32_t n) {
  // Earlier beginnings on the same line take the first bodies.
  std::uint32_t body = heredoc_text(l, n);
  std::uint32_t earlier = 0;
  for (std::uint32_t c = n; c > 0 && n - c < kHeredocSearchMax && !l.is(c - 1, "heredoc_body"); --c)
    if (l.is(c - 1, "heredoc_beginning") &&
        l.text(l.at(c - 1).first, l.at(n).first).find('\n') == std::string_view::npos)
      ++earlier;
  for (std::uint32_t c = n + 1; earlier > 0 && c < l.at(0).subtree_end && c - n < kHeredocSearchMax; ++c) {
    if (!l.is(c, "heredoc_body")) continue;
    body = c;
    if (earlier-- == 0) break;
  }
  if (body == kNone || is_plain(l, body)) {
    l.open(Kind::String, n, 0, 0, l.atom(body == kNone ? std::string() : content(l, body)));
    return;
  }
  l.open(Kind::Interp, n);
  parts(l, body);
}

void regex(Lowering& l, std::uint32_t n) {
  l.open(Kind::Regex, n, 0, 0, l.atom(content(l, n)));
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "interpolation")) l.visit_children(c, Role::Element);
  });
}

void shell_command(Lowering& l, std::uint32_t n) {
  l.open(Kind::Call, n);
  l.leaf_at(Kind::Name, Role::Callee, l.at(n).first, l.at(n).first, 0, l.atom("`"));
  if (is_plain(l, n)) return l.leaf(Kind::String, Role::Arg, n, 0, 0, l.atom(content(l, n)));
  l.begin(Kind::Interp, Role::Arg, l.at(n).first, l.at(n).end);
  parts(l, n);
  l.end();
}

// --- definitions

void parameters(Lowering& l, std::uint32_t n) {
  if (n == kNone) return;
  const std::uint32_t locals = l.child(n, "locals");
  l.each_named(n, [&](std::uint32_t c) {
    if (c != locals) l.visit(c, Role::Param);
  });
}

void parameter(Lowering& l, std::uint32_t n) {
  const std::string_view kind = l.symbol(n);
  const ParamSub sub = kind == "splat_parameter"        ? ParamSub::Variadic
                       : kind == "hash_splat_parameter" ? ParamSub::KeywordVariadic
                                                        : ParamSub::Plain;
  const std::uint32_t called = l.child(n, "name");
  l.open(Kind::Param, n, static_cast<std::uint8_t>(sub), 0, l.atom_of(called));
  name_leaf(l, called);
  l.visit(l.child(n, "value"), Role::Default);
}

void destructured_parameter(Lowering& l, std::uint32_t n) {
  if (l.role() != Role::Param) {
    l.open(Kind::Tuple, n);
  } else {
    l.open(Kind::Param, n);
    l.begin(Kind::Tuple, Role::Target, l.at(n).first, l.at(n).end);
    l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Element); });
    return l.end();
  }
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, Role::Element); });
}

bool has_handlers(Lowering& l, std::uint32_t n) {
  bool found = false;
  // The keywords are tokens of the same names.
  l.each_named(n, [&](std::uint32_t c) { found |= l.is(c, "rescue") || l.is(c, "ensure"); });
  return found;
}

/// The parts of begin … rescue … else … ensure, below an open Try.
void try_parts(Lowering& l, std::uint32_t n) {
  std::uint32_t end = l.at(n).first;
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "rescue") && !l.is(c, "else") && !l.is(c, "ensure")) end = l.at(c).end;
  });
  l.begin(Kind::Block, Role::Body, l.at(n).first, end);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is(c, "rescue") && !l.is(c, "else") && !l.is(c, "ensure")) statement(l, c, Role::Element);
  });
  l.end();
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "rescue")) l.visit(c, Role::Handler);
    if (l.is(c, "else")) l.visit(c, Role::Else);
    if (l.is(c, "ensure")) l.visit(c, Role::Finally);
  });
}

/// Any list of statements; with handlers in it, it is a block with a Try.
void body(Lowering& l, std::uint32_t n) {
  l.open(Kind::Block, n);
  if (!has_handlers(l, n)) return statements(l, n);
  l.begin(Kind::Try, Role::Element, l.at(n).first, l.at(n).end);
  try_parts(l, n);
  l.end();
}

void begin_statement(Lowering& l, std::uint32_t n) {
  if (!has_handlers(l, n)) {
    l.open(Kind::Block, n);
    return statements(l, n);
  }
  l.open(Kind::Try, n);
  try_parts(l, n);
}

void visit_body(Lowering& l, std::uint32_t body, std::uint32_t whole) {
  if (body == kNone) {
    l.begin(Kind::Block, Role::Body, l.at(whole).end, l.at(whole).end);
    return l.end();
  }
  for (const std::string_view list : {"body_statement", "block_body", "do", "then"})
    if (l.is(body, list)) return l.visit(body, Role::Body);
  l.begin(Kind::Block, Role::Body, l.at(body).first, l.at(body).end);
  statement(l, body, Role::Element);
  l.end();
}

void method(Lowering& l, std::uint32_t n) {
  const std::uint32_t called = l.child(n, "name");
  const FunctionSub sub = called != kNone && l.text(called) == "initialize" ? FunctionSub::Constructor
                          : l.in_class_body()                               ? FunctionSub::Method
                                                                            : FunctionSub::Plain;
  l.open(Kind::Function, n, static_cast<std::uint8_t>(sub), kFlagExported, l.atom_of(called));
  if (l.is(n, "singleton_method"))
    l.leaf_at(Kind::Modifier, Role::Modifier, l.at(n).first, l.at(n).first, 0, l.atom("static"));
  name_leaf(l, called);
  parameters(l, l.child(n, "parameters"));
  visit_body(l, l.child(n, "body"), n);
}

void class_like(Lowering& l, std::uint32_t n) {
  std::uint32_t called = l.child(n, "name");
  if (called == kNone) called = l.child(n, "value");
  const std::uint32_t base = l.child(n, "superclass");
  const Atom atom = called == kNone ? kNoAtom : l.atom(dotted(l.text(called)));
  l.open(l.is(n, "module") ? Kind::Namespace : Kind::Class, n, 0, kFlagExported, atom);
  if (called != kNone) l.leaf(Kind::Name, Role::Name, called, 0, 0, atom);
  if (base != kNone) l.visit(l.first_named(base), Role::Base);
  visit_body(l, l.child(n, "body"), n);
}

void lambda(Lowering& l, std::uint32_t n) {
  l.open(Kind::Lambda, n);
  parameters(l, l.child(n, "parameters"));
  std::uint32_t inner = l.child(n, "body");
  if (l.is(n, "lambda") && inner != kNone && (l.is(inner, "block") || l.is(inner, "do_block"))) {
    const std::uint32_t block = inner;
    inner = l.child(block, "body");
    return visit_body(l, inner, block);
  }
  visit_body(l, inner, n);
}

// --- expressions

/// `key: value` and `:key => value` name an argument; other keys make a pair.
void pair(Lowering& l, std::uint32_t n) {
  const std::uint32_t key = l.child(n, "key");
  const std::uint32_t value = l.child(n, "value");
  const bool named = l.is(key, "hash_key_symbol") || l.is(key, "simple_symbol");
  if (l.role() == Role::Arg && named) {
    std::string_view word = l.text(key);
    if (word.starts_with(':')) word.remove_prefix(1);
    l.open(Kind::KeywordArg, n, 0, 0, l.atom(word));
    return l.visit(value == kNone ? key : value, Role::Value);
  }
  l.open(Kind::Pair, n);
  l.visit(key, Role::Key);
  l.visit(value, Role::Value);
}

void call(Lowering& l, std::uint32_t n) {
  const std::uint32_t receiver = l.child(n, "receiver");
  const std::uint32_t called = l.child(n, "method");
  const std::uint32_t arguments = l.child(n, "arguments");
  const std::uint32_t block = l.child(n, "block");
  const std::uint32_t token = l.child(n, "operator");
  const std::uint8_t optional = token != kNone && l.text(token) == "&." ? kFlagOptionalChain : 0;
  const Atom atom = called == kNone ? l.atom("call") : l.atom_of(called);
  if (arguments == kNone && block == kNone && receiver != kNone) {
    l.open(Kind::Member, n, 0, optional, atom);
    return l.visit(receiver, Role::Object);
  }
  l.open(Kind::Call, n);
  if (receiver == kNone) {
    l.visit(called, Role::Callee);
  } else {
    l.begin(Kind::Member, Role::Callee, l.at(n).first, l.at(called == kNone ? receiver : called).end, 0, optional,
            atom);
    l.visit(receiver, Role::Object);
    l.end();
  }
  l.visit(arguments, Role::Arg);
  l.visit(block, Role::Arg);
}

void element_reference(Lowering& l, std::uint32_t n) {
  const std::uint32_t object = l.child(n, "object");
  l.open(Kind::Index, n);
  l.each_named(n, [&](std::uint32_t c) { l.visit(c, c == object ? Role::Object : Role::Index); });
}

void block_argument(Lowering& l, std::uint32_t n) {
  l.open(Kind::Spread, n, 2);
  l.visit_children(n, Role::Value);
}

void yield(Lowering& l, std::uint32_t n) {
  l.open(Kind::Yield, n);
  if (const std::uint32_t list = l.first_named(n); list != kNone)
    l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Value); });
}

void conditional(Lowering& l, std::uint32_t n) {
  l.open(Kind::Ternary, n);
  l.visit(l.child(n, "condition"), Role::Condition);
  l.visit(l.child(n, "consequence"), Role::Then);
  l.visit(l.child(n, "alternative"), Role::Else);
}

void range(Lowering& l, std::uint32_t n) {
  l.open(Kind::Range, n);
  l.visit(l.child(n, "begin"), Role::Left);
  l.visit(l.child(n, "end"), Role::Right);
}

void parenthesised_statements(Lowering& l, std::uint32_t n) {
  if (l.count_named(n) == 1) return l.pass(l.first_named(n), kFlagParenthesised);
  l.open(Kind::Block, n);
  statements(l, n);
}

// --- statements

/// `unless x` asks for `not x`.
void condition(Lowering& l, std::uint32_t n, bool negated) {
  if (n == kNone) return;
  if (!negated) return l.visit(n, Role::Condition);
  l.begin(Kind::Unary, Role::Condition, l.at(n).first, l.at(n).end, static_cast<std::uint8_t>(Op::Not));
  l.visit(n, Role::Operand);
  l.end();
}

void if_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  condition(l, l.child(n, "condition"), l.is(n, "unless"));
  if (const std::uint32_t then = l.child(n, "consequence"); then != kNone) {
    l.visit(then, Role::Then);
  } else {
    l.begin(Kind::Block, Role::Then, l.at(n).end, l.at(n).end);
    l.end();
  }
  const std::uint32_t other = l.child(n, "alternative");
  l.visit(other, Role::Else, l.is(other, "elsif") ? kFlagElseIf : 0);
}

void modifier(Lowering& l, std::uint32_t n) {
  l.open(Kind::If, n);
  condition(l, l.child(n, "condition"), l.is(n, "unless_modifier"));
  statement(l, l.child(n, "body"), Role::Then);
}

void loop(Lowering& l, std::uint32_t n) {
  l.open(Kind::Loop, n);
  condition(l, l.child(n, "condition"), l.is(n, "until"));
  l.visit(l.child(n, "body"), Role::Body);
}

void loop_modifier(Lowering& l, std::uint32_t n) {
  const std::uint32_t inner = l.child(n, "body");
  const LoopSub sub = l.is(inner, "begin") ? LoopSub::DoWhile : LoopSub::While;
  l.open(Kind::Loop, n, static_cast<std::uint8_t>(sub));
  condition(l, l.child(n, "condition"), l.is(n, "until_modifier"));
  statement(l, inner, Role::Body);
}

void for_each(Lowering& l, std::uint32_t n) {
  l.open(Kind::ForEach, n);
  l.visit(l.child(n, "pattern"), Role::Target);
  const std::uint32_t in = l.child(n, "value");
  if (in != kNone) l.visit(l.first_named(in), Role::Iterable);
  l.visit(l.child(n, "body"), Role::Body);
}

void case_statement(Lowering& l, std::uint32_t n) {
  l.open(Kind::Switch, n);
  l.visit(l.child(n, "value"), Role::Value);
  l.each_named(n, [&](std::uint32_t c) {
    if (l.is(c, "when") || l.is(c, "in_clause")) return l.visit(c, Role::Case);
    if (!l.is(c, "else")) return;
    l.begin(Kind::Case, Role::Case, l.at(c).first, l.at(c).end, 0, kFlagDefault);
    l.visit(c, Role::Body);
    l.end();
  });
}

void case_arm(Lowering& l, std::uint32_t n) {
  l.open(Kind::Case, n);
  l.each_named(n, [&](std::uint32_t c) {
    if (!l.is_field(c, "pattern")) return;
    l.visit(l.is(c, "pattern") ? l.first_named(c) : c, Role::Key);
  });
  if (const std::uint32_t guard = l.child(n, "guard"); guard != kNone)
    condition(l, l.child(guard, "condition"), l.is(guard, "unless_guard"));
  l.visit(l.child(n, "body"), Role::Body);
}

void rescue(Lowering& l, std::uint32_t n) {
  l.open(Kind::Catch, n);
  if (const std::uint32_t types = l.child(n, "exceptions"); types != kNone)
    l.each_named(types, [&](std::uint32_t c) { l.visit(c, Role::Type); });
  if (const std::uint32_t variable = l.child(n, "variable"); variable != kNone)
    l.visit(l.first_named(variable), Role::Target);
  visit_body(l, l.child(n, "body"), n);
}

void rescue_modifier(Lowering& l, std::uint32_t n) {
  l.open(Kind::Try, n);
  statement(l, l.child(n, "body"), Role::Body);
  const std::uint32_t handler = l.child(n, "handler");
  if (handler == kNone) return;
  l.begin(Kind::Catch, Role::Handler, l.at(handler).first, l.at(handler).end);
  statement(l, handler, Role::Body);
  l.end();
}

void jump(Lowering& l, std::uint32_t n) {
  const Kind kind = l.is(n, "return") ? Kind::Return : l.is(n, "break") ? Kind::Break : Kind::Continue;
  l.open(kind, n);
  const std::uint32_t list = l.first_named(n);
  if (list == kNone) return;
  if (l.count_named(list) == 1) return l.visit(l.first_named(list), Role::Value);
  l.begin(Kind::Tuple, Role::Value, l.at(list).first, l.at(list).end);
  l.each_named(list, [&](std::uint32_t c) { l.visit(c, Role::Element); });
  l.end();
}

void again(Lowering& l, std::uint32_t n) { l.open(Kind::Goto, n, 0, 0, l.atom_of(n)); }

}  // namespace

std::span<const Row> ruby_rows() {
  static const std::vector<Row> rows = {
      comment("comment"),
      skip("empty_statement"),
      skip("uninterpreted"),
      custom("program", statements),
      // names, literals
      custom("identifier", identifier),
      custom("constant", identifier),
      custom("instance_variable", identifier),
      custom("class_variable", identifier),
      custom("global_variable", identifier),
      custom("file", identifier),
      custom("line", identifier),
      custom("encoding", identifier),
      custom("scope_resolution", scope_resolution),
      custom("self", self),
      custom("super", super),
      custom("true", literal_true),
      custom("false", literal_false),
      custom("nil", nil),
      leaf("integer", Kind::Number),
      leaf("float", Kind::Number),
      leaf("rational", Kind::Number),
      leaf("complex", Kind::Number),
      custom("simple_symbol", symbol),
      custom("hash_key_symbol", symbol),
      custom("delimited_symbol", symbol),
      custom("bare_symbol", symbol),
      custom("string", string),
      custom("bare_string", string),
      custom("character", character),
      custom("chained_string", chained_string),
      custom("heredoc_beginning", heredoc),
      custom("heredoc_body", nothing),
      custom("regex", regex),
      custom("subshell", shell_command),
      // expressions
      custom("call", call),
      inlined("argument_list", Role::Arg),
      custom("pair", pair),
      custom("block_argument", block_argument),
      node("splat_argument", Kind::Spread, Role::Value),
      node("hash_splat_argument", Kind::Spread, Role::Value, 1),
      custom("element_reference", element_reference),
      node("array", Kind::List),
      node("string_array", Kind::List),
      node("symbol_array", Kind::List),
      node("hash", Kind::Dict),
      custom("assignment", aug_assign),
      custom("operator_assignment", aug_assign),
      custom("left_assignment_list", statement_list),
      custom("right_assignment_list", statement_list),
      custom("destructured_left_assignment", statement_list),
      node("rest_assignment", Kind::Spread, Role::Value),
      custom("binary", binary),
      custom("unary", unary),
      custom("conditional", conditional),
      custom("range", range),
      custom("parenthesized_statements", parenthesised_statements),
      custom("lambda", lambda),
      custom("block", lambda),
      custom("do_block", lambda),
      custom("yield", yield),
      // definitions
      custom("method", method),
      custom("singleton_method", method),
      custom("class", class_like),
      custom("module", class_like),
      custom("singleton_class", class_like),
      custom("optional_parameter", parameter),
      custom("keyword_parameter", parameter),
      custom("splat_parameter", parameter),
      custom("hash_splat_parameter", parameter),
      custom("block_parameter", parameter),
      custom("destructured_parameter", destructured_parameter),
      // statements
      custom("body_statement", body),
      custom("block_body", body),
      custom("then", body),
      custom("do", body),
      custom("else", body),
      custom("ensure", body),
      custom("begin", begin_statement),
      custom("begin_block", body),
      custom("end_block", body),
      custom("if", if_statement),
      custom("elsif", if_statement),
      custom("unless", if_statement),
      custom("if_modifier", modifier),
      custom("unless_modifier", modifier),
      custom("while", loop),
      custom("until", loop),
      custom("while_modifier", loop_modifier),
      custom("until_modifier", loop_modifier),
      custom("for", for_each),
      custom("case", case_statement),
      custom("case_match", case_statement),
      custom("when", case_arm),
      custom("in_clause", case_arm),
      custom("rescue", rescue),
      custom("rescue_modifier", rescue_modifier),
      custom("return", jump),
      custom("break", jump),
      custom("next", jump),
      custom("redo", again),
      custom("retry", again),
  };
  return rows;
}

}  // namespace wrench::code::detail
