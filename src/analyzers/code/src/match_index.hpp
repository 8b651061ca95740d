#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wrench/code/ir.hpp"
#include "wrench/code/macro_table.hpp"

namespace wrench::code {

/// Whether a node of this kind is a value that expression patterns visit.
bool is_expression(Kind kind);
/// Whether its children are statements one after the other.
bool holds_statements(Kind kind);

/// What the matcher asks about one lowered file, gathered in two walks: nodes by kind and name, statements in order,
/// imports, and which names stand for one value.
class FileIndex {
 public:
  /// `macros`: those of other files, or null; they must outlive the index.
  FileIndex(const Ir& ir, Atoms& atoms, std::string_view text, const MacroTable* macros = nullptr);

  const Ir& ir() const { return ir_; }
  const Atoms& atoms() const { return atoms_; }
  std::string_view text() const { return text_; }
  std::string_view text_of(NodeIndex n) const { return text_.substr(ir_[n].first, ir_[n].end - ir_[n].first); }

  const std::vector<NodeIndex>& nodes(Kind kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
  /// Calls and constructions by the last part of their callee, as written and as imported.
  const std::vector<NodeIndex>& calls(Atom last_name) const;
  /// Whether an atom of the rule set occurs in the file.
  bool mentions(Atom atom) const { return atom < mentioned_.size() && mentioned_[atom]; }

  const std::vector<NodeIndex>& statements() const { return statements_; }
  /// The first statement at or after `from` in pre-order, or kNoNode at `limit`.
  NodeIndex next_statement(NodeIndex from, NodeIndex limit) const;

  /// The innermost statement that holds the node, or kNoNode.
  NodeIndex statement_of(NodeIndex n) const;

  /// a.b.c of plain names; empty for anything else.
  bool dotted(NodeIndex n, std::vector<Atom>& out) const;
  /// The same with its head replaced by what was imported under that name; false when nothing was.
  bool resolved(NodeIndex n, std::vector<Atom>& out) const;
  /// The same for a name that was imported under its own name, too.
  bool imported(NodeIndex n, std::vector<Atom>& out) const;
  /// Whether the name or chain is what `wanted` says, through an import, wildcard imports included.
  bool resolves_to(NodeIndex n, const std::vector<Atom>& wanted) const;
  /// Whether a type's text names `wanted` (qualified or not), through imports.
  bool type_is(std::string_view written, std::string_view wanted) const;

  /// The only value that a variable can have at this place, or kNoNode: a literal for constant propagation.
  NodeIndex constant(NodeIndex name) const;
  NodeIndex only_value(NodeIndex name) const;
  /// The Type node of the declaration that a name refers to, or kNoNode.
  NodeIndex declared_type(NodeIndex name) const;
  /// Whether the name is a variable or parameter of this file.
  bool is_variable(NodeIndex name) const { return find_symbol(name) != nullptr; }
  /// Whether both are names and are declared in different places.
  bool are_different_variables(NodeIndex a, NodeIndex b) const;
  /// C, C++: what the name stands for by a `#define` of this file or, failing that, of another one; null for none.
  const Macro* macro(std::string_view name) const;
  /// The name that a macro's name is another one for, in the end; kNoAtom for none.
  Atom name_behind_macro(Atom name) const;
  /// Whether the value is a string known at this place: literal, folded or propagated.
  bool is_constant_string(NodeIndex n) const;

 private:
  struct Assignment {
    NodeIndex node = kNoNode;   ///< The assignment or definition.
    NodeIndex value = kNoNode;  ///< kNoNode: one that isn't known.
  };
  struct Symbol {
    std::vector<Assignment> assignments;  ///< In source order but for those that name a variable of an outer scope.
    NodeIndex type = kNoNode;
  };
  /// A name that an import or a destructured `require` binds.
  struct Alias {
    NodeIndex import = kNoNode;
    std::vector<Atom> path;
  };
  using Key = std::uint64_t;  // Scope node and atom.
  static Key key(NodeIndex scope, Atom name) { return (static_cast<Key>(scope) << 32) | name; }

  bool is_script() const;
  /// The name that a chain a.b.c begins with.
  NodeIndex head_of(NodeIndex n) const;
  void collect();
  void collect_import(NodeIndex n);
  void collect_macros();
  NodeIndex macro_value(NodeIndex name) const;
  void collect_require(NodeIndex definition);
  void add_alias(Atom alias, NodeIndex import, std::vector<Atom> path);
  /// What the name may stand for at this place, the nearest import before it first.
  template <class Fits>
  bool any_alias(NodeIndex name, Fits fits) const;
  NodeIndex reaching_value(const Symbol& symbol, NodeIndex name) const;
  bool precedes_always(const Assignment& assignment, NodeIndex use) const;
  NodeIndex function_of(NodeIndex n) const;
  void collect_symbols() const;
  const std::unordered_map<Key, Symbol>& symbols() const {
    if (!symbols_known_) collect_symbols();
    return symbols_;
  }
  void bind_target(NodeIndex scope, NodeIndex at, NodeIndex target, NodeIndex value, NodeIndex type) const;
  void spoil(NodeIndex scope, NodeIndex at, NodeIndex target) const;
  NodeIndex scope_of(NodeIndex n) const;
  const Symbol* find_symbol(NodeIndex name) const;
  const Symbol* find_field(NodeIndex member) const;
  std::vector<Atom> split_path(std::string_view path);

  const Ir& ir_;
  Atoms& atoms_;
  std::string_view text_;
  std::vector<std::vector<NodeIndex>> by_kind_;
  std::unordered_map<Atom, std::vector<NodeIndex>> calls_;
  std::vector<bool> mentioned_;
  std::vector<NodeIndex> statements_;
  std::unordered_map<Atom, std::vector<Alias>> aliases_;
  std::vector<std::vector<Atom>> wildcards_;
  const MacroTable* other_macros_;
  MacroTable macros_;                                 ///< Of this file.
  std::unordered_map<Atom, NodeIndex> macro_values_;  ///< Where a macro of this file is one literal or name.
  // Gathered when a rule first asks: most files have no place where it matters.
  mutable bool symbols_known_ = false;
  mutable std::unordered_map<Key, Symbol> symbols_;
};

}  // namespace wrench::code
