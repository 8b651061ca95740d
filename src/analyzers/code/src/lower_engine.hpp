#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "wrench/base/assert.hpp"
#include "wrench/code/ir.hpp"

/// What the lowerings of all languages share: the concrete tree as a flat array, a table from grammar symbols to
/// actions, and a loop without recursion that emits IR nodes.
namespace wrench::code::detail {

inline constexpr std::uint32_t kNone = 0xffffffff;
inline constexpr std::uint16_t kErrorSymbol = 0xffff;

/// One node of the concrete tree, pre-order. Comments and punctuation are left out.
struct Cst {
  std::uint32_t first, end, subtree_end;
  std::uint16_t symbol, field;
};

class Lowering;
using SymbolSet = std::unordered_set<std::string_view>;
using Handler = void (*)(Lowering&, std::uint32_t cst);

enum class Action : std::uint8_t {
  Other,    ///< Not in the table: Kind::Other with children.
  Node,     ///< One node of `kind`; children get roles by field.
  Leaf,     ///< One node without children; atom = its text.
  Inline,   ///< No node: children take its place, with `other` as role or, if that is None, the role it was visited
            ///< with.
  Skip,     ///< Nothing.
  Comment,  ///< Kept as a span only.
  Custom,   ///< `handler` does it.
};

struct FieldRole {
  std::string_view field;
  Role role;
};

/// A row of a language's table, by grammar symbol.
struct Row {
  std::string_view symbol;
  Action action = Action::Node;
  Kind kind = Kind::Other;
  Role other = Role::Element;  ///< Role of children whose field has none.
  std::uint8_t sub = 0;
  std::string_view atom = {};          ///< Field whose text is the atom.
  std::vector<FieldRole> fields = {};  ///< Beyond kFieldRoles. Role::None: the child is left out.
  Handler handler = nullptr;
};

inline Row node(std::string_view symbol, Kind kind, Role other = Role::Element, std::uint8_t sub = 0) {
  return {symbol, Action::Node, kind, other, sub};
}
inline Row node(std::string_view symbol, Kind kind, std::vector<FieldRole> fields, Role other = Role::Element,
                std::uint8_t sub = 0) {
  return {symbol, Action::Node, kind, other, sub, {}, std::move(fields)};
}
inline Row leaf(std::string_view symbol, Kind kind, std::uint8_t sub = 0) {
  return {symbol, Action::Leaf, kind, Role::Element, sub};
}
inline Row inlined(std::string_view symbol, Role other = Role::None) {
  return {symbol, Action::Inline, Kind::Other, other};
}
inline Row skip(std::string_view symbol) { return {symbol, Action::Skip}; }
inline Row comment(std::string_view symbol) { return {symbol, Action::Comment}; }
inline Row custom(std::string_view symbol, Handler handler) {
  Row row{symbol, Action::Custom};
  row.handler = handler;
  return row;
}

struct Symbol {
  Action action = Action::Other;
  Kind kind = Kind::Other;
  Role other = Role::Element;
  std::uint8_t sub = 0;
  bool named = false;
  bool punctuation = false;
  Op op = Op::None;  ///< Of an operator token.
  std::uint16_t atom_field = 0;
  std::uint32_t roles = kNone;  ///< Offset of its roles by field id in Grammar::roles.
  Handler handler = nullptr;
  std::string_view name;
};

/// A language's table with all names resolved to ids; made once.
struct Grammar {
  const void* ts_language = nullptr;
  std::vector<Symbol> symbols;
  std::vector<std::string_view> fields;
  std::vector<Role> roles;
};
Grammar make_grammar(const void* ts_language, std::span<const Row> rows);

struct LowerLimits {
  std::uint32_t nodes_max, nesting_max;
};
enum class LowerFault : std::uint8_t { None, NestingTooDeep, NodesMax };

/// State of one lowering. A handler is called with the concrete node it has to lower; it opens at most one IR node
/// and then lists, in order, what goes below it.
class Lowering {
 public:
  Lowering(const Grammar& grammar, const std::vector<Cst>& cst, std::string_view text, Atoms& atoms, Ir& ir,
           LowerLimits limits);
  LowerFault run();

  // --- the concrete tree
  const Cst& at(std::uint32_t n) const { return cst_[n]; }
  std::string_view symbol(std::uint32_t n) const {
    return cst_[n].symbol == kErrorSymbol ? "ERROR" : grammar_.symbols[cst_[n].symbol].name;
  }
  bool is(std::uint32_t n, std::string_view name) const { return n != kNone && symbol(n) == name; }
  bool named(std::uint32_t n) const { return cst_[n].symbol == kErrorSymbol || grammar_.symbols[cst_[n].symbol].named; }
  std::string_view text(std::uint32_t n) const { return text_.substr(cst_[n].first, cst_[n].end - cst_[n].first); }
  std::string_view text(std::uint32_t first, std::uint32_t end) const { return text_.substr(first, end - first); }
  Op op(std::uint32_t n) const {
    return n == kNone || cst_[n].symbol == kErrorSymbol ? Op::None : grammar_.symbols[cst_[n].symbol].op;
  }
  std::uint32_t first(std::uint32_t n) const { return cst_[n].subtree_end > n + 1 ? n + 1 : kNone; }
  std::uint32_t next(std::uint32_t n, std::uint32_t parent) const {
    return cst_[n].subtree_end < cst_[parent].subtree_end ? cst_[n].subtree_end : kNone;
  }
  bool is_field(std::uint32_t n, std::string_view field) const {
    return cst_[n].field != 0 && grammar_.fields[cst_[n].field] == field;
  }
  std::uint32_t child(std::uint32_t n, std::string_view field) const;  ///< First with this field, or kNone.
  std::uint32_t find(std::uint32_t n, std::string_view symbol) const;  ///< First child with this symbol, or kNone.
  bool has(std::uint32_t n, std::string_view token) const { return find(n, token) != kNone; }
  std::uint32_t first_named(std::uint32_t n) const;
  std::uint32_t last_named(std::uint32_t n) const;
  std::uint32_t count_named(std::uint32_t n) const;
  template <class F>
  void each_named(std::uint32_t n, F f) const {
    for (std::uint32_t c = first(n); c != kNone; c = next(c, n))
      if (named(c)) f(c);
  }
  template <class F>
  void each(std::uint32_t n, F f) const {
    for (std::uint32_t c = first(n); c != kNone; c = next(c, n)) f(c);
  }
  Atom atom(std::string_view text) { return atoms_.intern(text); }
  Atom atom_of(std::uint32_t n) { return n == kNone ? kNoAtom : atoms_.intern(text(n)); }

  // --- how the current node was visited
  Role role() const { return current_.role; }
  std::uint8_t flags() const { return current_.flags; }
  std::uint32_t outer() const {
    return current_.outer;
  }  ///< Concrete node that wraps this one (decorators, export), or kNone.

  // --- the IR above: 0 is the innermost open node
  Kind parent_kind(std::size_t up = 0) const {
    return up < open_.size() ? ir_.nodes[open_[open_.size() - 1 - up]].kind : Kind::Module;
  }
  NodeIndex parent_index(std::size_t up = 0) const {
    return up < open_.size() ? open_[open_.size() - 1 - up] : kNoNode;
  }
  Node* ancestor(Kind a, Kind b);
  Ir& ir() { return ir_; }
  bool in_class_body() const {
    return parent_kind(0) == Kind::Class || (parent_kind(0) == Kind::Block && parent_kind(1) == Kind::Class);
  }

  // --- what a handler emits
  /// Opens the node that the handler stands for, now. Its role and flags are those of the visit (flags are added).
  Node& open(Kind kind, std::uint32_t n, std::uint8_t sub = 0, std::uint8_t flags = 0, Atom atom = kNoAtom);
  Node& open_at(Kind kind, std::uint32_t first, std::uint32_t end, std::uint8_t sub = 0, std::uint8_t flags = 0,
                Atom atom = kNoAtom);
  /// Below: queued, in order.
  void visit(std::uint32_t n, Role role, std::uint8_t flags = 0, std::uint32_t outer = kNone);
  void visit_with(Handler handler, std::uint32_t n, Role role, std::uint8_t flags = 0, std::uint32_t outer = kNone);
  void begin(Kind kind, Role role, std::uint32_t first, std::uint32_t end, std::uint8_t sub = 0, std::uint8_t flags = 0,
             Atom atom = kNoAtom, std::uint32_t extra = 0);
  void end();
  void leaf(Kind kind, Role role, std::uint32_t n, std::uint8_t sub = 0, std::uint8_t flags = 0, Atom atom = kNoAtom,
            std::uint32_t extra = 0);
  void leaf_at(Kind kind, Role role, std::uint32_t first, std::uint32_t end, std::uint8_t sub = 0, Atom atom = kNoAtom);
  /// Visits the named children with the roles the table gives them.
  void visit_children(std::uint32_t n, Role other);
  /// For languages in which every expression may be a statement: what isn't in `statements` is put in an ExprStmt.
  void visit_statement(std::uint32_t n, Role role, const SymbolSet& statements);
  /// Passes the visit on to `n`, as if it had stood here.
  void pass(std::uint32_t n, std::uint8_t flags = 0);

 private:
  enum class Do : std::uint8_t { Visit, Begin, End };
  struct Task {
    std::uint32_t cst = kNone;
    std::uint32_t first = 0, end = 0;
    std::uint32_t outer = kNone;
    Atom atom = kNoAtom;
    std::uint32_t extra = 0;
    Handler handler = nullptr;
    Do what = Do::Visit;
    Kind kind = Kind::Other;
    Role role = Role::None;
    std::uint8_t sub = 0, flags = 0;
  };
  void lower_one(const Task& task);
  void lower_other(std::uint32_t n, const Symbol* symbol);
  Node& emit(Kind kind, Role role, std::uint32_t first, std::uint32_t end);
  void close();
  void visit_forgotten_errors(std::uint32_t n);
  void mark_near_errors();

  const Grammar& grammar_;
  const std::vector<Cst>& cst_;
  std::string_view text_;
  Atoms& atoms_;
  Ir& ir_;
  LowerLimits limits_;
  LowerFault fault_ = LowerFault::None;
  Task current_;
  bool opened_ = false;
  std::vector<NodeIndex> open_;
  std::vector<Task> stack_, queue_;
};

// --- handlers that several languages use
void binary(Lowering&, std::uint32_t);             ///< left, operator, right
void unary(Lowering&, std::uint32_t);              ///< operator and the last named child
void update(Lowering&, std::uint32_t);             ///< ++ and --
void aug_assign(Lowering&, std::uint32_t);         ///< left, operator "+=", right; "=" gives Assign
void parenthesised(Lowering&, std::uint32_t);      ///< passes on with kFlagParenthesised
void statement_list(Lowering&, std::uint32_t);     ///< one child: itself; several: Tuple
std::string_view unquoted(std::string_view text);  ///< Without one pair of quotes, if it has them.
std::string squeezed(std::string_view text);       ///< Without white space but between two words, for type names.

// --- tables
std::span<const Row> python_rows();
std::span<const Row> javascript_rows();
std::span<const Row> java_rows();
std::span<const Row> go_rows();
std::span<const Row> c_rows();
std::span<const Row> php_rows();
std::span<const Row> csharp_rows();
std::span<const Row> ruby_rows();
std::span<const Row> rust_rows();
std::span<const Row> kotlin_rows();
std::span<const Row> scala_rows();
std::span<const Row> bash_rows();

}  // namespace wrench::code::detail
