#include "lower_engine.hpp"

#include <tree_sitter/api.h>

#include <algorithm>
#include <string>
#include <unordered_map>

namespace wrench::code::detail {

namespace {

constexpr std::size_t kOtherAtomBytesMax = 256;

/// Roles of fields that mean the same in every grammar.
constexpr FieldRole kFieldRoles[] = {
    {"condition", Role::Condition},
    {"consequence", Role::Then},
    {"alternative", Role::Else},
    {"body", Role::Body},
    {"left", Role::Left},
    {"right", Role::Right},
    {"name", Role::Name},
    {"value", Role::Value},
    {"type", Role::Type},
    {"return_type", Role::Type},
    {"arguments", Role::Arg},
    {"parameters", Role::Param},
    {"function", Role::Callee},
    {"object", Role::Object},
    {"argument", Role::Operand},
    {"operand", Role::Operand},
    {"initializer", Role::Init},
    {"init", Role::Init},
    {"update", Role::Update},
    {"increment", Role::Update},
    {"key", Role::Key},
    {"index", Role::Index},
    {"decorator", Role::Decorator},
    {"handler", Role::Handler},
    {"finalizer", Role::Finally},
    {"receiver", Role::Receiver},
    {"type_parameters", Role::TypeParam},
    {"default_value", Role::Default},
    {"resources", Role::Resource},
    {"attribute", Role::Attribute},
};

const std::unordered_map<std::string_view, Op>& operators() {
  static const std::unordered_map<std::string_view, Op> table = {
      {"+", Op::Add},
      {"-", Op::Sub},
      {"*", Op::Mul},
      {"/", Op::Div},
      {"//", Op::FloorDiv},
      {"%", Op::Mod},
      {"**", Op::Pow},
      {"@", Op::MatMul},
      {"<<", Op::ShiftLeft},
      {">>", Op::ShiftRight},
      {">>>", Op::UnsignedShiftRight},
      {"&", Op::BitAnd},
      {"|", Op::BitOr},
      {"^", Op::BitXor},
      {"~", Op::BitNot},
      {"&^", Op::BitClear},
      {"&&", Op::And},
      {"and", Op::And},
      {"||", Op::Or},
      {"or", Op::Or},
      {"!", Op::Not},
      {"not", Op::Not},
      {"??", Op::NullCoalesce},
      {"==", Op::Eq},
      {"!=", Op::NotEq},
      {"<>", Op::NotEq},
      {"not_eq", Op::NotEq},
      {"===", Op::StrictEq},
      {"!==", Op::StrictNotEq},
      {"<", Op::Less},
      {"<=", Op::LessEq},
      {">", Op::Greater},
      {">=", Op::GreaterEq},
      {"in", Op::In},
      {"not in", Op::NotIn},
      {"is", Op::Is},
      {"is not", Op::IsNot},
      {"typeof", Op::TypeOf},
      {"void", Op::Void},
      {"delete", Op::DeleteOp},
      {"sizeof", Op::SizeOf},
      {",", Op::Comma},
      {"<-", Op::Receive},
      {"instanceof", Op::Instanceof},
      {"<=>", Op::SpaceShip},
      {"++", Op::PreIncrement},
      {"--", Op::PreDecrement},
      {"bitand", Op::BitAnd},
      {"bitor", Op::BitOr},
      {"xor", Op::BitXor},
      {"compl", Op::BitNot},
      {"+=", Op::Add},
      {"-=", Op::Sub},
      {"*=", Op::Mul},
      {"/=", Op::Div},
      {"//=", Op::FloorDiv},
      {"%=", Op::Mod},
      {"**=", Op::Pow},
      {"@=", Op::MatMul},
      {"<<=", Op::ShiftLeft},
      {">>=", Op::ShiftRight},
      {">>>=", Op::UnsignedShiftRight},
      {"&=", Op::BitAnd},
      {"|=", Op::BitOr},
      {"^=", Op::BitXor},
      {"&^=", Op::BitClear},
      {"&&=", Op::And},
      {"||=", Op::Or},
      {"?\?=", Op::NullCoalesce},
  };
  return table;
}

bool is_punctuation(std::string_view text) {
  return text.size() == 1 && std::string_view("()[]{},;.").find(text[0]) != std::string_view::npos;
}

bool is_statement(Kind kind) { return kind >= Kind::Block && kind <= Kind::Directive; }
bool is_declaration(Kind kind) { return kind <= Kind::Namespace; }

}  // namespace

Grammar make_grammar(const void* ts_language, std::span<const Row> rows) {
  Grammar grammar;
  grammar.ts_language = ts_language;
  const auto* ts = static_cast<const TSLanguage*>(ts_language);
  const std::uint32_t field_count = ts_language_field_count(ts);
  grammar.fields.emplace_back();
  std::unordered_map<std::string_view, std::uint16_t> field_ids;
  for (std::uint32_t id = 1; id <= field_count; ++id) {
    grammar.fields.emplace_back(ts_language_field_name_for_id(ts, static_cast<TSFieldId>(id)));
    field_ids.emplace(grammar.fields.back(), static_cast<std::uint16_t>(id));
  }
  std::vector<Role> shared(field_count + 1, Role::None);
  for (const FieldRole& field : kFieldRoles)
    if (const auto found = field_ids.find(field.field); found != field_ids.end()) shared[found->second] = field.role;

  std::unordered_map<std::string, const Row*> by_name;
  for (const Row& row : rows) by_name.emplace(row.symbol, &row);
  const std::uint32_t symbol_count = ts_language_symbol_count(ts);
  grammar.symbols.resize(symbol_count);
  for (std::uint32_t id = 0; id < symbol_count; ++id) {
    Symbol& symbol = grammar.symbols[id];
    symbol.name = ts_language_symbol_name(ts, static_cast<TSSymbol>(id));
    symbol.named = ts_language_symbol_type(ts, static_cast<TSSymbol>(id)) == TSSymbolTypeRegular;
    if (!symbol.named) {
      symbol.punctuation = is_punctuation(symbol.name);
      if (const auto found = operators().find(symbol.name); found != operators().end()) symbol.op = found->second;
    }
    // A row with quotes makes an expression of a token: C#'s 'this' has no node of its own.
    const auto found =
        symbol.named ? by_name.find(std::string(symbol.name)) : by_name.find("'" + std::string(symbol.name) + "'");
    if (!symbol.named && found == by_name.end()) continue;
    symbol.named = true;
    const Row* row = found == by_name.end() ? nullptr : found->second;
    // An inlined node hands its own role down, whatever fields its children have.
    const bool inlines = row && row->action == Action::Inline;
    std::vector<Role> roles = inlines ? std::vector<Role>(field_count + 1, Role::None) : shared;
    for (Role& role : roles)
      if (role == Role::None) role = row ? row->other : Role::Element;
    if (row) {
      symbol.action = row->action;
      symbol.kind = row->kind;
      symbol.sub = row->sub;
      symbol.handler = row->handler;
      symbol.other = row->other;
      if (const auto id_of = field_ids.find(row->atom); id_of != field_ids.end()) symbol.atom_field = id_of->second;
      for (const FieldRole& field : row->fields)
        if (const auto id_of = field_ids.find(field.field); id_of != field_ids.end()) roles[id_of->second] = field.role;
    }
    symbol.roles = static_cast<std::uint32_t>(grammar.roles.size());
    grammar.roles.insert(grammar.roles.end(), roles.begin(), roles.end());
  }
  return grammar;
}

Lowering::Lowering(const Grammar& grammar, const std::vector<Cst>& cst, std::string_view text, Atoms& atoms, Ir& ir,
                   LowerLimits limits)
    : grammar_(grammar), cst_(cst), text_(text), atoms_(atoms), ir_(ir), limits_(limits) {}

std::uint32_t Lowering::child(std::uint32_t n, std::string_view field) const {
  for (std::uint32_t c = first(n); c != kNone; c = next(c, n))
    if (is_field(c, field)) return c;
  return kNone;
}

std::uint32_t Lowering::find(std::uint32_t n, std::string_view name) const {
  for (std::uint32_t c = first(n); c != kNone; c = next(c, n))
    if (symbol(c) == name) return c;
  return kNone;
}

std::uint32_t Lowering::first_named(std::uint32_t n) const {
  for (std::uint32_t c = first(n); c != kNone; c = next(c, n))
    if (named(c)) return c;
  return kNone;
}

std::uint32_t Lowering::last_named(std::uint32_t n) const {
  std::uint32_t last = kNone;
  each_named(n, [&](std::uint32_t c) { last = c; });
  return last;
}

std::uint32_t Lowering::count_named(std::uint32_t n) const {
  std::uint32_t count = 0;
  each_named(n, [&](std::uint32_t) { ++count; });
  return count;
}

Node* Lowering::ancestor(Kind a, Kind b) {
  for (auto up = open_.rbegin(); up != open_.rend(); ++up)
    if (Node& node = ir_.nodes[*up]; node.kind == a || node.kind == b) return &node;
  return nullptr;
}

Node& Lowering::emit(Kind kind, Role role, std::uint32_t first, std::uint32_t end) {
  if (ir_.nodes.size() >= limits_.nodes_max) fault_ = LowerFault::NodesMax;
  if (open_.size() >= limits_.nesting_max) fault_ = LowerFault::NestingTooDeep;
  const auto index = static_cast<NodeIndex>(ir_.nodes.size());
  Node& node = ir_.nodes.emplace_back();
  node.kind = kind;
  node.role = role;
  node.first = first;
  node.end = end;
  node.subtree_end = index + 1;
  node.parent = open_.empty() ? kNoNode : open_.back();
  node.depth = static_cast<std::uint16_t>(open_.size());
  open_.push_back(index);
  return node;
}

void Lowering::close() {
  ir_.nodes[open_.back()].subtree_end = static_cast<NodeIndex>(ir_.nodes.size());
  open_.pop_back();
}

Node& Lowering::open(Kind kind, std::uint32_t n, std::uint8_t sub, std::uint8_t flags, Atom atom) {
  return open_at(kind, cst_[n].first, cst_[n].end, sub, flags, atom);
}

Node& Lowering::open_at(Kind kind, std::uint32_t first, std::uint32_t end, std::uint8_t sub, std::uint8_t flags,
                        Atom atom) {
  WRENCH_ASSERT(!opened_);
  opened_ = true;
  Node& node = emit(kind, current_.role, first, end);
  node.sub = sub;
  node.flags = static_cast<std::uint8_t>(flags | current_.flags);
  node.atom = atom;
  return node;
}

void Lowering::visit(std::uint32_t n, Role role, std::uint8_t flags, std::uint32_t outer) {
  if (n == kNone) return;
  Task& task = queue_.emplace_back();
  task.cst = n;
  task.role = role;
  task.flags = flags;
  task.outer = outer;
}

void Lowering::visit_with(Handler handler, std::uint32_t n, Role role, std::uint8_t flags, std::uint32_t outer) {
  if (n == kNone) return;
  visit(n, role, flags, outer);
  queue_.back().handler = handler;
}

void Lowering::begin(Kind kind, Role role, std::uint32_t first, std::uint32_t end, std::uint8_t sub, std::uint8_t flags,
                     Atom atom, std::uint32_t extra) {
  Task& task = queue_.emplace_back();
  task.what = Do::Begin;
  task.kind = kind;
  task.role = role;
  task.first = first;
  task.end = end;
  task.sub = sub;
  task.flags = flags;
  task.atom = atom;
  task.extra = extra;
}

void Lowering::end() { queue_.emplace_back().what = Do::End; }

void Lowering::leaf(Kind kind, Role role, std::uint32_t n, std::uint8_t sub, std::uint8_t flags, Atom atom,
                    std::uint32_t extra) {
  begin(kind, role, cst_[n].first, cst_[n].end, sub, flags, atom, extra);
  end();
}

void Lowering::leaf_at(Kind kind, Role role, std::uint32_t first, std::uint32_t end_byte, std::uint8_t sub, Atom atom) {
  begin(kind, role, first, end_byte, sub, 0, atom);
  end();
}

void Lowering::pass(std::uint32_t n, std::uint8_t flags) {
  visit(n, current_.role, static_cast<std::uint8_t>(current_.flags | flags), current_.outer);
}

void Lowering::visit_statement(std::uint32_t n, Role role, const SymbolSet& statements) {
  if (n == kNone) return;
  if (cst_[n].symbol == kErrorSymbol || statements.contains(symbol(n))) return visit(n, role);
  begin(Kind::ExprStmt, role, cst_[n].first, cst_[n].end);
  visit(n, Role::Value);
  end();
}

void Lowering::visit_children(std::uint32_t n, Role other) {
  const Symbol* symbol = cst_[n].symbol == kErrorSymbol ? nullptr : &grammar_.symbols[cst_[n].symbol];
  for (std::uint32_t c = first(n); c != kNone; c = next(c, n)) {
    if (!named(c)) continue;
    Role role = other;
    if (symbol && symbol->roles != kNone && cst_[c].field != 0) role = grammar_.roles[symbol->roles + cst_[c].field];
    if (role != Role::None) visit(c, role);
  }
}

void Lowering::lower_other(std::uint32_t n, const Symbol* symbol) {
  Node& node = open(symbol ? Kind::Other : Kind::Error, n);
  node.symbol = cst_[n].symbol;
  if (first_named(n) == kNone && cst_[n].end - cst_[n].first <= kOtherAtomBytesMax) node.atom = atoms_.intern(text(n));
  visit_children(n, Role::Element);
}

void Lowering::lower_one(const Task& task) {
  current_ = task;
  opened_ = false;
  queue_.clear();
  const std::uint32_t n = task.cst;
  const Symbol* symbol = cst_[n].symbol == kErrorSymbol ? nullptr : &grammar_.symbols[cst_[n].symbol];
  if (symbol == nullptr) {
    lower_other(n, nullptr);
  } else if (task.handler != nullptr) {
    task.handler(*this, n);
  } else {
    switch (symbol->action) {
      case Action::Other:
        lower_other(n, symbol);
        break;
      case Action::Leaf:
        open(symbol->kind, n, symbol->sub, 0, atoms_.intern(text(n)));
        break;
      case Action::Custom:
        symbol->handler(*this, n);
        break;
      case Action::Skip:
      case Action::Comment:
        break;
      case Action::Inline:
        for (std::uint32_t c = first(n); c != kNone; c = next(c, n)) {
          if (!named(c)) continue;
          const Role own = grammar_.roles[symbol->roles + cst_[c].field];
          visit(c, own == Role::None ? current_.role : own, current_.flags, current_.outer);
        }
        break;
      case Action::Node: {
        Atom atom = kNoAtom;
        for (std::uint32_t c = symbol->atom_field ? first(n) : kNone; c != kNone; c = next(c, n))
          if (cst_[c].field == symbol->atom_field) {
            atom = atoms_.intern(text(c));
            break;
          }
        open(symbol->kind, n, symbol->sub, 0, atom);
        visit_children(n, symbol->other);
        break;
      }
    }
  }
  if (ir_.error_nodes > 0 && symbol != nullptr && symbol->action == Action::Custom) visit_forgotten_errors(n);
  if (opened_) stack_.emplace_back().what = Do::End;
  stack_.insert(stack_.end(), queue_.rbegin(), queue_.rend());
}

void Lowering::visit_forgotten_errors(std::uint32_t n) {
  // Handlers ask for the children they know; a syntax error between them must not get lost.
  for (std::uint32_t c = first(n); c != kNone; c = next(c, n)) {
    if (cst_[c].symbol != kErrorSymbol) continue;
    if (std::ranges::none_of(queue_, [c](const Task& task) { return task.cst == c; })) visit(c, Role::Element);
  }
}

LowerFault Lowering::run() {
  emit(Kind::Module, Role::None, 0, static_cast<std::uint32_t>(text_.size()));
  queue_.clear();
  if (!cst_.empty()) {
    // A language may have its own idea of what the statements of a file are.
    const bool own = cst_[0].symbol == kErrorSymbol || grammar_.symbols[cst_[0].symbol].action == Action::Custom;
    if (own) {
      visit(0, Role::Element);
    } else {
      each_named(0, [&](std::uint32_t c) { visit(c, Role::Element); });
    }
  }
  stack_.insert(stack_.end(), queue_.rbegin(), queue_.rend());
  while (!stack_.empty() && fault_ == LowerFault::None) {
    const Task task = stack_.back();
    stack_.pop_back();
    switch (task.what) {
      case Do::Visit:
        lower_one(task);
        break;
      case Do::End:
        close();
        break;
      case Do::Begin: {
        Node& node = emit(task.kind, task.role, task.first, task.end);
        node.sub = task.sub;
        node.flags = task.flags;
        node.atom = task.atom;
        node.extra = task.extra;
        break;
      }
    }
  }
  while (!open_.empty()) close();
  if (ir_.error_nodes > 0) mark_near_errors();
  return fault_;
}

void Lowering::mark_near_errors() {
  // Each error flags its innermost statement. The statements come out nested or apart, so one sweep marks all.
  std::vector<NodeIndex> statements;
  for (NodeIndex i = 0; i < ir_.nodes.size(); ++i) {
    if (ir_.nodes[i].kind != Kind::Error) continue;
    NodeIndex up = ir_.nodes[i].parent;
    while (up != kNoNode && !is_statement(ir_.nodes[up].kind) && !is_declaration(ir_.nodes[up].kind))
      up = ir_.nodes[up].parent;
    const Kind kind = up == kNoNode ? Kind::Module : ir_.nodes[up].kind;
    const bool too_wide = kind == Kind::Block || (is_declaration(kind) && kind != Kind::VarDef && kind != Kind::Field);
    statements.push_back(too_wide ? i : up);
  }
  std::ranges::sort(statements);
  NodeIndex marked_until = 0;
  for (const NodeIndex statement : statements)
    for (NodeIndex i = std::max(statement, marked_until); i < ir_.nodes[statement].subtree_end; ++i) {
      ir_.nodes[i].flags |= kFlagNearError;
      marked_until = i + 1;
    }
}

void binary(Lowering& l, std::uint32_t n) {
  l.open(Kind::Binary, n, static_cast<std::uint8_t>(l.op(l.child(n, "operator"))));
  l.visit(l.child(n, "left"), Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void unary(Lowering& l, std::uint32_t n) {
  std::uint32_t token = l.child(n, "operator");
  if (token == kNone) token = l.first(n);
  Op op = l.op(token);
  if (op == Op::Add) op = Op::Plus;
  if (op == Op::Sub) op = Op::Minus;
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(op));
  l.visit(l.last_named(n), Role::Operand);
}

void update(Lowering& l, std::uint32_t n) {
  const std::uint32_t operand = l.first_named(n);
  const bool plus = l.has(n, "++");
  const bool before = operand == kNone || l.at(operand).first > l.at(n).first;
  const Op op = before ? (plus ? Op::PreIncrement : Op::PreDecrement) : (plus ? Op::PostIncrement : Op::PostDecrement);
  l.open(Kind::Unary, n, static_cast<std::uint8_t>(op));
  l.visit(operand, Role::Operand);
}

void aug_assign(Lowering& l, std::uint32_t n) {
  const std::uint32_t token = l.child(n, "operator");
  const bool plain = token == kNone || l.text(token) == "=";
  l.open(plain ? Kind::Assign : Kind::AugAssign, n, plain ? 0 : static_cast<std::uint8_t>(l.op(token)));
  l.visit(l.child(n, "left"), Role::Left);
  l.visit(l.child(n, "right"), Role::Right);
}

void parenthesised(Lowering& l, std::uint32_t n) {
  l.each_named(n, [&](std::uint32_t c) { l.pass(c, kFlagParenthesised); });
}

void statement_list(Lowering& l, std::uint32_t n) {
  if (l.count_named(n) == 1) return l.pass(l.first_named(n));
  l.open(Kind::Tuple, n);
  l.visit_children(n, Role::Element);
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == text.back() &&
      (text.front() == '"' || text.front() == '\'' || text.front() == '`'))
    return text.substr(1, text.size() - 2);
  return text;
}

std::string squeezed(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::string out;
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = true;
      continue;
    }
    if (space && !out.empty() && is_word(out.back()) && is_word(c)) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

}  // namespace wrench::code::detail
