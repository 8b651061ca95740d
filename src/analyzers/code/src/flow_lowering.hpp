#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "flow.hpp"
#include "flow_builder.hpp"
#include "match_index.hpp"

namespace wrench::code {

/// Names and literals of a file, each once.
class FlowNames {
 public:
  /// What the file has already keeps its number.
  explicit FlowNames(FlowFile& file);
  std::uint32_t name(std::string_view text);
  std::uint32_t literal(FlowLiteral literal);

 private:
  static std::string key_of(const FlowLiteral& literal);

  FlowFile& file_;
  std::unordered_map<std::string, std::uint32_t> names_;
  std::unordered_map<std::string, std::uint32_t> literals_;
};

/// Lowers one function, or a module's own statements, to a FlowBody. Functions within are lowered in place, as if they
/// ran where they are defined, so that they see the variables around them.
class FlowLowering {
 public:
  FlowLowering(const FileIndex& file, const NodeMarks& marks, FlowMemory memory, FlowFile& out, FlowNames& names);
  /// `function` is a Function, a Lambda or the Module.
  FlowBody run(NodeIndex function);

 private:
  struct Scope {
    std::unordered_map<Atom, Slot> names;
    std::vector<Atom> outer;  ///< Python: global and nonlocal names.
    bool is_function = false;
  };
  struct Jump {  ///< Where break and continue lead to.
    Atom label = kNoAtom;
    BlockIndex out = kNoBlock, again = kNoBlock;
  };
  struct Frame {  ///< Function that is lowered in place.
    Slot result = kNoSlot;
    BlockIndex out = kNoBlock;
    std::size_t jumps = 0, handlers = 0;
  };

  const Node& at(NodeIndex n) const { return ir_[n]; }
  NodeIndex child(NodeIndex n, Role role) const { return ir_.child(n, role); }
  template <class F>
  void each(NodeIndex n, F f) const {
    for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) f(c);
  }
  std::uint32_t name(Atom atom) { return atom == kNoAtom ? kNoName : names_.name(file_.atoms().text(atom)); }

  // --- blocks
  BlockIndex new_block();
  void start(BlockIndex block);
  void jump(BlockIndex to);
  void branch(Slot condition, BlockIndex when_true, BlockIndex when_false);
  void edge(BlockIndex from, BlockIndex to) { edges_.emplace_back(from, to); }
  bool open() const { return open_; }
  FlowOp& emit(FlowWhat what, NodeIndex n);
  Slot temporary() { return kTemporary | body_.temporaries++; }
  Slot variable() { return body_.variables++; }

  // --- names
  Slot read(NodeIndex n);
  Slot declare(Atom atom);
  Slot written(Atom atom, bool declares);
  Slot free_variable(Atom atom, NodeIndex n);
  bool is_field_of_class(Atom atom) const;
  bool is_certain(NodeIndex value) const;
  std::optional<Slot> member_slot(NodeIndex member);
  void forget_members(Slot of, NodeIndex n);
  bool is_union(NodeIndex name) const;

  // --- statements (flow_statements.cpp)
  void statement(NodeIndex n);
  void statements(NodeIndex n);
  void if_statement(NodeIndex n);
  void loop(NodeIndex n, Atom label);
  void for_each(NodeIndex n, Atom label);
  void switch_statement(NodeIndex n, Atom label);
  void try_statement(NodeIndex n);
  void return_value(NodeIndex n);
  void leave(NodeIndex n);
  void definition(NodeIndex n);
  bool keeps_its_value(NodeIndex definition) const;
  bool falls_through(NodeIndex arm) const;
  void may_throw();
  void condition(NodeIndex n, BlockIndex when_true, BlockIndex when_false, int depth);
  void refine(NodeIndex n, bool holds);

  // --- expressions (flow_expressions.cpp)
  Slot expression(NodeIndex n);
  Slot unmarked(NodeIndex n);
  Slot binary(NodeIndex n);
  Slot short_circuit(NodeIndex n);
  Slot ternary(NodeIndex n);
  Slot call(NodeIndex n);
  Slot creation(NodeIndex n);
  Slot increment(NodeIndex n);
  Slot comprehension(NodeIndex n);
  Slot record(NodeIndex n);
  Slot gather(NodeIndex n, FlowWhat what);
  Slot literal(NodeIndex n);
  Slot integer(NodeIndex n, std::int64_t value);
  Slot size_of(NodeIndex n);
  Slot address_of(NodeIndex n);
  Slot in_place(NodeIndex function, Slot argument);
  void bind_param(NodeIndex param, Slot argument, std::vector<FlowParam>* out);
  void arguments(NodeIndex n, Slot receiver, FlowOp& op);
  void store(NodeIndex target, Slot value, bool declares, std::uint32_t type = kNoName);
  void write_back(NodeIndex target, Slot slot);
  bool is_behind_pointer(NodeIndex n) const;
  void write_behind(NodeIndex target, Slot slot);
  Slot marked(NodeIndex n, Slot slot, bool sinks = true);
  void sinks(NodeIndex n, Slot slot, NodeMark::What what = NodeMark::What::Sink);
  void propagate(NodeIndex n);
  const std::vector<NodeMark>* marks_of(NodeIndex n) const;
  std::uint32_t type_name(NodeIndex type);
  std::uint32_t receiver_type(NodeIndex object);
  bool wants_own_body(NodeIndex function) const;

  const FileIndex& file_;
  const Ir& ir_;
  const NodeMarks& marks_;
  const bool pointers_;
  FlowFile& out_;
  FlowNames& names_;

  FlowBody body_;
  std::vector<std::pair<BlockIndex, BlockIndex>> edges_;
  std::vector<Scope> scopes_;
  std::vector<Jump> jumps_;
  std::vector<BlockIndex> handlers_;  ///< Of the open try statements.
  std::vector<Frame> frames_;
  std::unordered_map<Atom, BlockIndex> labels_;  ///< goto.
  std::unordered_map<NodeIndex, Slot> slots_;    ///< What expressions were put into.
  BlockIndex current_ = 0;
  bool open_ = false;
  int depth_ = 0;
  int in_place_depth_ = 0;
  /// C: members of the function's own structures, each a variable; all of a union are one.
  std::map<std::pair<Slot, Atom>, Slot> members_;
  std::unordered_set<Atom> addressed_;  ///< Names whose address is taken in the function.
  std::vector<Atom> fields_;            ///< Of the class around, where its methods name them without `this`.
};

/// Functions that are called by name and so have bodies of their own; of a module all but those in other functions.
bool is_named_function(const Ir& ir, NodeIndex n);
/// The name that a function is called by: its own, or that of what it is assigned to.
Atom function_name(const Ir& ir, NodeIndex n);

}  // namespace wrench::code
