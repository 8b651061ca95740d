#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "match.hpp"

namespace wrench::code::detail {

/// What to do after a part matched; returns true to stop the search. Doesn't own: lives in the caller's frame.
class Next {
 public:
  template <class F>
  Next(F& f) : object_(&f), call_([](void* o) { return (*static_cast<F*>(o))(); }) {}  // NOLINT
  bool operator()() const { return call_(object_); }

 private:
  void* object_;
  bool (*call_)(void*);
};

/// Finds one pattern in one file. Backtracking with continuations: a part that matched calls what is to be matched
/// after it, and undoes its bindings when that returns. The pattern, which is bounded, sets the depth of the stack.
class Matcher {
 public:
  Matcher(const FileIndex& file, const Pattern& pattern, const MatchOptions& options, MatchBudget& budget)
      : file_(file), ir_(file.ir()), pattern_(pattern), options_(options), budget_(budget) {}

  std::vector<Match> run();
  bool is_of_type(NodeIndex n, std::string_view type) const;

 private:
  const PatternNode& at(std::uint32_t p) const { return pattern_.nodes[p]; }
  bool is_script() const;

  // --- where to begin

  void find_nodes();
  void try_kind(std::uint32_t root, Kind kind);
  void try_named(std::uint32_t root, Kind kind);

  /// Not the names of definitions, parameters and imports.
  bool is_value_place(NodeIndex n) const;
  /// Names before a colon are values in a dict or a composite literal, not field names.
  bool keys_are_values() const {
    return ir_.language == source::Language::Python || ir_.language == source::Language::Go;
  }

  Atom callee_name(const PatternNode& call) const;
  void try_root(std::uint32_t root, NodeIndex n);
  bool record(std::uint32_t first, std::uint32_t end, NodeIndex n);
  static bool same(const Bindings& a, const Bindings& b);
  void find_statements();
  /// The call that the first statement is, or null.
  const PatternNode* first_call() const;
  bool is_list(NodeIndex block) const;
  /// Words of a Dockerfile's shell text, from the beginning of a command.
  void find_commands();
  bool is_command() const;

  // --- bindings

  bool bind(Atom metavar, const Bound& bound, Next next);
  bool is_anonymous(Atom metavar) const;
  Bound bound_of(NodeIndex n) const;

  /// The name that a node carries, without a node of its own: a property, a definition's name.
  Bound name_of(NodeIndex n) const;

  // --- one node

  bool node(std::uint32_t p_index, NodeIndex n, Next next);
  bool imported_member(const PatternNode& p, NodeIndex n, Next next);
  bool names_module_only(const PatternNode& import) const;
  bool is_below(Atom wanted, Atom module) const;
  bool import_item(const PatternNode& p, NodeIndex n, Next next);

  /// `import a.b` also stands for `from a import b`, `from a.b import c` and `import a.b.c`.
  bool python_import(const PatternNode& p, NodeIndex n, Next next);
  bool scala_import(const PatternNode& p, NodeIndex n, Next next);
  bool aliased(const PatternNode& import) const;
  bool modifier(const PatternNode& p, NodeIndex n, Next next);
  bool metavariable(const PatternNode& p, NodeIndex n, Next next);
  bool is_typed(const PatternNode& p) const;
  bool has_type(NodeIndex n, std::string_view wanted, Bound& bound) const;
  bool has_type_at(NodeIndex n, std::string_view wanted, Bound& bound, int depth) const;
  bool declared_type_fits(NodeIndex n, std::string_view wanted, Bound& bound, int depth) const;
  bool allocated_type_fits(NodeIndex call, std::string_view wanted, Bound& bound) const;
  bool written_type_fits(NodeIndex type, std::string_view wanted, Bound& bound) const;
  bool type_fits(std::string_view written, std::string_view wanted) const;
  static std::string_view pointee_of(std::string_view type);
  bool deep(std::uint32_t p, NodeIndex n, Next next);
  bool string(std::uint32_t p_index, NodeIndex n, Next next);
  bool foldable(NodeIndex n) const;

  /// A literal matches the variable that can only have its value.
  bool propagated(std::uint32_t p_index, NodeIndex n, Next next);
  bool symbolic(std::uint32_t p_index, NodeIndex n, Next next);

  /// `$X = $E` against a declaration with an initialiser.
  bool definition_as_assignment(const PatternNode& p, NodeIndex n, Next next);
  bool decorator(const PatternNode& p, NodeIndex n, Next next);
  bool object_key(const PatternNode& p, NodeIndex n) const;
  bool function_as_lambda(const PatternNode& p, NodeIndex n, Next next);

  /// Compares what the node is called, then its children.
  bool named(const PatternNode& p, NodeIndex n, Next next);
  bool has_child(const PatternNode& p, Role role) const;

  /// `for (...)` says nothing of what kind of loop it is.
  bool has_open_header(const PatternNode& p) const;
  bool loop_body(const PatternNode& p, NodeIndex n, Next next);

  /// `$X. ... .f`: any calls and members between.
  bool chain(const PatternNode& p, NodeIndex n, Next next);
  bool binary_may_swap(const PatternNode& p) const;
  bool swapped(const PatternNode& p, NodeIndex n, Next next);

  // --- operators that may be grouped otherwise

  using PatternList = std::vector<std::uint32_t>;
  using NodeList = std::vector<NodeIndex>;
  static constexpr std::size_t kOperandsMax = 64;  ///< Longer chains are compared as they are grouped.
  bool is_associative(const PatternNode& p) const;
  bool operands(const PatternNode& p, NodeIndex n, Next next);
  bool is_variable(std::uint32_t p) const;
  void pattern_operands(std::uint32_t p, Op op, PatternList& out) const;
  void found_operands(NodeIndex n, Op op, NodeList& out) const;
  bool in_order(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next);
  bool take_operands(std::uint32_t p, const NodeList& found, std::size_t from, std::size_t to, Next next);
  bool any_order(const PatternList& fixed, const PatternList& open, const NodeList& found, std::size_t i,
                 std::uint64_t used, Next next);
  bool one_of_assignments(const PatternNode& p, NodeIndex n, Next next);

  // --- children

  struct Group {
    Role role;
    PatternList wanted;
    NodeList found;
  };
  bool children(const PatternNode& p, NodeIndex n, Next next);
  bool match_groups(const PatternNode& p, const std::vector<Group>& groups, std::size_t i, NodeIndex n, Next next);
  bool leaves_open(const PatternNode& p, Role role) const;
  bool is_record(const PatternList& wanted) const;
  bool elements(const PatternNode& p, NodeIndex n, Next next);
  bool is_open(std::uint32_t p) const;

  /// In order, all of them, `...` for any run. In interpolated strings a "..." part is such a run.
  bool sequence(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next);
  bool in_interpolation(const NodeList& found) const;
  Bound bound_run(const NodeList& found, std::size_t from, std::size_t to) const;

  enum class Others { Allowed, Refused };
  Others others(bool allowed) const { return allowed ? Others::Allowed : Others::Refused; }
  /// Each wanted part matches another found one, in any order.
  bool some_of(const PatternList& wanted, const NodeList& found, std::size_t i, std::uint64_t used, Others others,
               Next next);

  /// Members of a mapping, in any order; how many there are doesn't matter.
  bool mapping(const PatternNode& p, const PatternList& wanted, const NodeList& found, Next next);
  bool has_other_name(std::uint32_t wanted, NodeIndex member) const;
  /// The words of a Dockerfile's instruction: all of them, or one command of its shell text.
  bool shell_words(const PatternList& wanted, const NodeList& found, Next next);
  bool members_of(const PatternList& wanted, std::size_t i, const NodeList& found, Next next);

  bool in_sequence(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next);

  /// Positional arguments in order, keywords in any order; without `...` nothing may be left over.
  bool arguments(const PatternList& wanted, const NodeList& found, Next next);

  // --- statements

  enum class Tail { End, MayFollow };
  bool block(const PatternNode& p, NodeIndex n, Next next);
  const std::uint32_t* whole_block(const PatternNode& p) const;
  bool is_single(NodeIndex block) const;
  bool only_statement(std::uint32_t p_index, NodeIndex block, Next next);
  bool expression_body(const PatternNode& p, NodeIndex n, Next next);
  bool in_class(NodeIndex n) const;
  bool members(const PatternNode& p, NodeIndex n, Next next);

  /// Matches wanted[i..] against the statements from `from` on. After `...` statements inside nested blocks count as
  /// well, in the order of the text.
  bool statements(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail, Next next);
  bool one_of_statements(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit, Tail tail, Next next);
  bool skip(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail, Next next);
  std::uint64_t state_key(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit) const;
  bool statement(std::uint32_t p_index, NodeIndex s, Next next);

  /// The expression anywhere in the statement's own expressions, not in statements nested in it.
  bool inside_statement(std::uint32_t inner, NodeIndex s, Next next);
  bool is_nested_statement(NodeIndex d) const;
  const FileIndex& file_;
  const Ir& ir_;
  const Pattern& pattern_;
  const MatchOptions& options_;
  MatchBudget& budget_;
  Bindings bindings_;
  std::unordered_set<std::uint64_t> visited_;
  NodeIndex last_ = 0;
  int symbolic_depth_ = 0;
  std::unordered_set<NodeIndex> taken_;  ///< Members that parts of the pattern have matched.
  std::size_t found_here_ = 0;
  bool full_ = false;  ///< A match found no room any more.
  std::vector<Match> out_;
};

}  // namespace wrench::code::detail
