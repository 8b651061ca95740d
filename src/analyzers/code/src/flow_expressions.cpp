#include <algorithm>
#include <charconv>
#include <string>

#include "flow_lowering.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code {

using source::Language;

namespace {

/// As in flow_statements.cpp: expressions and statements count together.
constexpr int kDepthMax = 400;
/// Functions within functions that are lowered in place.
constexpr int kInPlaceMax = 12;

bool is_increment(Op op) { return op >= Op::PreIncrement && op <= Op::PostDecrement; }

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '_' && c != '\'') digits += c;
  while (!digits.empty() && std::string_view("lLuU").find(digits.back()) != std::string_view::npos) digits.pop_back();
  int base = 10;
  std::string_view rest = digits;
  if (rest.size() > 2 && rest[0] == '0') {
    const char kind = rest[1];
    base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : kind == 'o' || kind == 'O' ? 8 : 10;
    if (base != 10) rest.remove_prefix(2);
  }
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (fault != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return value;
}

}  // namespace

const std::vector<NodeMark>* FlowLowering::marks_of(NodeIndex n) const {
  const auto found = marks_.find(n);
  return found == marks_.end() ? nullptr : &found->second;
}

void FlowLowering::sinks(NodeIndex n, Slot slot, NodeMark::What what) {
  const auto* marks = marks_of(n);
  if (marks == nullptr || slot == kNoSlot) return;
  for (const NodeMark& mark : *marks) {
    if (mark.what != what) continue;
    FlowOp& op = emit(FlowWhat::Mark, n);
    op.a = slot;
    op.name = mark.mark;
  }
}

/// The value of `n` after what rules say of it.
Slot FlowLowering::marked(NodeIndex n, Slot slot, bool with_sinks) {
  const auto* marks = marks_of(n);
  if (marks == nullptr || slot == kNoSlot) return slot;
  propagate(n);
  const Slot place = slot;
  for (const auto what : {NodeMark::What::Source, NodeMark::What::SourceVariable, NodeMark::What::Sanitizer,
                          NodeMark::What::SanitizerVariable}) {
    const bool variable = what == NodeMark::What::SourceVariable || what == NodeMark::What::SanitizerVariable;
    for (const NodeMark& mark : *marks) {
      if (mark.what != what) continue;
      const auto put = [&](Slot from, Slot to) {
        FlowOp& op = emit(FlowWhat::Mark, n);
        op.a = from;
        op.dst = to;
        op.name = mark.mark;
      };
      if (variable && !is_temporary(place)) {
        put(place, place);
        // Its value may have gone through other marks already.
        if (slot == place) continue;
      }
      const Slot after = temporary();
      put(slot, after);
      slot = after;
      if (variable) write_back(n, slot);
    }
  }
  if (with_sinks) sinks(n, slot);
  sinks(n, slot, NodeMark::What::SinkValue);
  return slot;
}

/// What `from` carries is in `to` once `n` has run.
void FlowLowering::propagate(NodeIndex n) {
  const auto* marks = marks_of(n);
  if (marks == nullptr) return;
  for (const NodeMark& mark : *marks) {
    if (mark.what != NodeMark::What::Propagator) continue;
    const auto from = slots_.find(mark.from);
    const auto to = slots_.find(mark.to);
    if (from == slots_.end()) continue;
    Slot target = to == slots_.end() ? kNoSlot : to->second;
    if (target == kNoSlot && at(mark.to).kind == Kind::Name) target = written(at(mark.to).atom, false);
    if (target == kNoSlot) continue;
    FlowOp& op = emit(FlowWhat::Propagate, n);
    op.dst = target;
    op.a = from->second;
    op.name = mark.mark;
    if (is_temporary(target)) write_back(mark.to, target);
  }
}

Slot FlowLowering::expression(NodeIndex n) {
  if (body_.cut || depth_ >= kDepthMax) {
    FlowOp& op = emit(FlowWhat::Forget, n);
    return op.dst = temporary();
  }
  ++depth_;
  const Slot slot = marked(n, unmarked(n));
  slots_[n] = slot;
  --depth_;
  return slot;
}

Slot FlowLowering::unmarked(NodeIndex n) {
  const Node& node = at(n);
  const auto first_of = [&](std::initializer_list<Role> roles) {
    for (const Role role : roles)
      if (const NodeIndex c = child(n, role); c != kNoNode) return c;
    return ir_.first_child(n);
  };
  const auto forget = [&] {
    FlowOp& op = emit(FlowWhat::Forget, n);
    return op.dst = temporary();
  };
  switch (node.kind) {
    case Kind::Name:
      return read(n);
    case Kind::This:
    case Kind::Super:
      if (body_.receiver == kNoSlot) return forget();
      return body_.receiver;
    case Kind::String:
    case Kind::Number:
    case Kind::Bool:
    case Kind::Null:
    case Kind::Char:
    case Kind::Regex:
      return literal(n);
    case Kind::Interp:
      return gather(n, FlowWhat::Concat);
    case Kind::Member: {
      const NodeIndex object = child(n, Role::Object);
      if (object == kNoNode) return forget();
      if (const auto member = member_slot(n)) return *member;
      const Slot base = expression(object);
      FlowOp& op = emit(FlowWhat::Field, n);
      op.a = base;
      op.name = name(node.atom);
      if (node.flags & kFlagArrow) op.flags |= kFlowArrow;
      return op.dst = temporary();
    }
    case Kind::Index: {
      const NodeIndex object = child(n, Role::Object), index = child(n, Role::Index);
      if (object == kNoNode) return forget();
      const Slot base = expression(object);
      const Slot key = index == kNoNode ? kNoSlot : expression(index);
      FlowOp& op = emit(FlowWhat::Element, n);
      op.a = base;
      op.b = key;
      return op.dst = temporary();
    }
    case Kind::Call:
      return call(n);
    case Kind::New:
      return creation(n);
    case Kind::Binary:
      return binary(n);
    case Kind::Unary: {
      const NodeIndex operand = first_of({Role::Operand, Role::Value});
      if (is_increment(static_cast<Op>(node.sub))) return increment(n);
      if (pointers_ && static_cast<Op>(node.sub) == Op::SizeOf) return size_of(n);
      if (operand == kNoNode || at(operand).kind == Kind::Type) return forget();
      const Slot value = expression(operand);
      FlowOp& op = emit(FlowWhat::Operate, n);
      op.op = static_cast<Op>(node.sub);
      op.a = value;
      return op.dst = temporary();
    }
    case Kind::Assign: {
      const NodeIndex left = child(n, Role::Left), right = child(n, Role::Right);
      if (left == kNoNode || right == kNoNode) return forget();
      const Slot value = expression(right);
      store(left, value, node.sub == 1, type_name(child(n, Role::Type)));
      return value;
    }
    case Kind::AugAssign: {
      const NodeIndex left = child(n, Role::Left), right = child(n, Role::Right);
      if (left == kNoNode || right == kNoNode) return forget();
      const Slot old = expression(left), with = expression(right);
      FlowOp& op = emit(FlowWhat::Operate, n);
      op.op = static_cast<Op>(node.sub);
      op.a = old;
      op.b = with;
      const Slot value = op.dst = temporary();
      store(left, value, false);
      return value;
    }
    case Kind::Ternary:
      return ternary(n);
    case Kind::Lambda:
    case Kind::Function:
      return wants_own_body(n) ? forget() : in_place(n, kNoSlot);
    case Kind::Dict:
      return record(n);
    case Kind::List:
    case Kind::Tuple:
    case Kind::Set:
      return gather(n, FlowWhat::Build);
    case Kind::Comprehension:
      return comprehension(n);
    case Kind::Cast: {
      const NodeIndex value = child(n, Role::Value);
      if (value == kNoNode) return forget();
      const Slot slot = expression(value);
      FlowOp& op = emit(FlowWhat::Copy, n);
      op.a = slot;
      op.name = type_name(child(n, Role::Type));
      return op.dst = temporary();
    }
    case Kind::TypeTest: {
      const NodeIndex value = child(n, Role::Value);
      if (value == kNoNode) return forget();
      const Slot slot = expression(value);
      if (const NodeIndex target = child(n, Role::Target); target != kNoNode) store(target, slot, true);
      FlowOp& op = emit(FlowWhat::Operate, n);
      op.op = Op::Instanceof;
      op.a = slot;
      return op.dst = temporary();
    }
    case Kind::AddressOf:
    case Kind::Deref:
    case Kind::Await:
    case Kind::Spread:
    case Kind::KeywordArg: {
      const NodeIndex value = first_of({Role::Operand, Role::Value});
      if (value == kNoNode) return forget();
      if (pointers_ && node.kind == Kind::AddressOf) return address_of(value);
      const Slot slot = expression(value);
      if (pointers_ && node.kind == Kind::Deref) {
        FlowOp& op = emit(FlowWhat::Element, n);
        op.a = slot;
        return op.dst = temporary();
      }
      if (marks_of(n) == nullptr) return slot;
      FlowOp& op = emit(FlowWhat::Copy, n);
      op.a = slot;
      return op.dst = temporary();
    }
    case Kind::Yield: {
      const NodeIndex value = first_of({Role::Value});
      if (value == kNoNode) return forget();
      const Slot slot = expression(value);
      if (!frames_.empty()) {
        FlowOp& op = emit(FlowWhat::Join, n);
        op.dst = frames_.back().result;
        op.args_first = static_cast<std::uint32_t>(body_.args.size());
        op.args_count = 2;
        body_.args.push_back({frames_.back().result});
        body_.args.push_back({slot});
      }
      return forget();
    }
    case Kind::Switch: {
      // As an expression: what the arms leave isn't followed.
      statement(n);
      return forget();
    }
    case Kind::Type:
    case Kind::Modifier:
    case Kind::Ellipsis:
      return forget();
    case Kind::Other: {
      const Slot slot = gather(n, FlowWhat::Join);
      if (!pointers_) return slot;
      // Assembler, for one: what it names may be set.
      for (NodeIndex c = n; c < at(n).subtree_end; ++c) {
        const auto named = slots_.find(c);
        if (at(c).kind != Kind::Name || named == slots_.end() || is_temporary(named->second)) continue;
        FlowOp& op = emit(FlowWhat::Forget, c);
        op.dst = named->second;
      }
      return slot;
    }
    default:
      return gather(n, FlowWhat::Join);
  }
}

Slot FlowLowering::integer(NodeIndex n, std::int64_t value) {
  FlowLiteral literal;
  literal.what = FlowLiteral::What::Integer;
  literal.integer = value;
  FlowOp& op = emit(FlowWhat::Literal, n);
  op.a = names_.literal(std::move(literal));
  return op.dst = temporary();
}

/// sizeof as an operation on the type's or the variable's name: what it is depends on what was declared.
Slot FlowLowering::size_of(NodeIndex n) {
  const NodeIndex what = ir_.first_child(n);
  FlowOp out;
  if (what != kNoNode && at(what).kind == Kind::Type) {
    out.type = type_name(what);
  } else if (what != kNoNode && at(what).kind == Kind::Name) {
    out.a = read(what);
  } else if (what != kNoNode && at(what).kind == Kind::Deref) {
    const NodeIndex pointer = ir_.first_child(what);
    if (pointer != kNoNode && at(pointer).kind == Kind::Name) {
      out.b = read(pointer);
    }
  }
  FlowOp& op = emit(FlowWhat::Operate, n);
  op.op = Op::SizeOf;
  op.a = out.a;
  op.b = out.b;
  op.type = out.type;
  return op.dst = temporary();
}

Slot FlowLowering::address_of(NodeIndex n) {
  const Node& node = at(n);
  if (node.kind == Kind::Name) {
    const Slot variable = read(n);
    slots_[n] = variable;
    FlowOp& op = emit(FlowWhat::AddressOf, n);
    op.a = variable;
    return op.dst = temporary();
  }
  if (node.kind == Kind::Index) {  // &a[i] is a + i.
    const NodeIndex object = child(n, Role::Object), index = child(n, Role::Index);
    if (object != kNoNode && index != kNoNode) {
      const Slot base = expression(object), by = expression(index);
      FlowOp& op = emit(FlowWhat::Operate, n);
      op.op = Op::Add;
      op.a = base;
      op.b = by;
      return op.dst = temporary();
    }
  }
  if (node.kind == Kind::Deref)
    if (const NodeIndex pointer = ir_.first_child(n); pointer != kNoNode) return expression(pointer);
  if (node.kind == Kind::Member)
    if (const NodeIndex object = child(n, Role::Object); object != kNoNode) expression(object);
  FlowOp& op = emit(FlowWhat::Forget, n);
  return op.dst = temporary();
}

Slot FlowLowering::literal(NodeIndex n) {
  const Node& node = at(n);
  FlowLiteral literal;
  if (pointers_ && node.kind == Kind::Char) {
    const std::string_view text = file_.atoms().text(node.atom);
    const bool escaped = text.size() > 1 && text[0] == '\\';
    return integer(n, escaped && text[1] == '0' ? 0
                      : escaped                 ? 10
                      : text.empty()            ? 0
                                                : static_cast<unsigned char>(text[0]));
  }
  switch (node.kind) {
    case Kind::String:
      literal.what = FlowLiteral::What::Text;
      literal.text = file_.atoms().text(node.atom);
      break;
    case Kind::Char:
      // A character is a text of one in what follows; C computes with it, which isn't followed.
      literal.what = FlowLiteral::What::Text;
      literal.text = file_.atoms().text(node.atom);
      break;
    case Kind::Number:
      if (const auto integer = integer_of(file_.atoms().text(node.atom))) {
        literal.what = FlowLiteral::What::Integer;
        literal.integer = *integer;
      }
      break;
    case Kind::Bool:
      literal.what = FlowLiteral::What::Bool;
      literal.integer = node.sub;
      break;
    case Kind::Null:
      literal.what = FlowLiteral::What::Null;
      break;
    default:
      break;
  }
  FlowOp& op = emit(FlowWhat::Literal, n);
  op.a = names_.literal(std::move(literal));
  return op.dst = temporary();
}

Slot FlowLowering::gather(NodeIndex n, FlowWhat what) {
  std::vector<FlowArg> args;
  each(n, [&](NodeIndex c) {
    const Kind kind = at(c).kind;
    if (kind == Kind::Modifier || kind == Kind::Decorator || kind == Kind::Type) return;
    if (at(n).kind == Kind::XmlElement && at(c).role == Role::Name) return;
    if (kind == Kind::Block) return statement(c);
    FlowArg arg;
    arg.spread = kind == Kind::Spread;
    arg.slot = expression(c);
    args.push_back(arg);
  });
  FlowOp& op = emit(what, n);
  op.args_first = static_cast<std::uint32_t>(body_.args.size());
  op.args_count = static_cast<std::uint32_t>(args.size());
  body_.args.insert(body_.args.end(), args.begin(), args.end());
  return op.dst = temporary();
}

Slot FlowLowering::record(NodeIndex n) {
  std::vector<FlowArg> args;
  each(n, [&](NodeIndex c) {
    FlowArg arg;
    if (at(c).kind == Kind::Pair) {
      const NodeIndex key = child(c, Role::Key), value = child(c, Role::Value);
      if (value == kNoNode) return;
      if (key != kNoNode) {
        const Kind kind = at(key).kind;
        const bool script = ir_.language != Language::Python;
        if (kind == Kind::String || (kind == Kind::Name && script))
          arg.name = name(at(key).atom);
        else
          expression(key);
      }
      arg.slot = marked(c, expression(value));
    } else {
      arg.spread = at(c).kind == Kind::Spread;
      arg.slot = expression(c);
    }
    args.push_back(arg);
  });
  FlowOp& op = emit(FlowWhat::Build, n);
  op.args_first = static_cast<std::uint32_t>(body_.args.size());
  op.args_count = static_cast<std::uint32_t>(args.size());
  body_.args.insert(body_.args.end(), args.begin(), args.end());
  return op.dst = temporary();
}

/// Long sums nest to the left: a loop.
Slot FlowLowering::binary(NodeIndex n) {
  const auto op_of = [&](NodeIndex of) { return static_cast<Op>(at(of).sub); };
  if (op_of(n) == Op::And || op_of(n) == Op::Or || op_of(n) == Op::NullCoalesce) return short_circuit(n);
  std::vector<NodeIndex> chain{n};
  for (;;) {
    const NodeIndex left = child(chain.back(), Role::Left);
    if (left == kNoNode || at(left).kind != Kind::Binary) break;
    const Op op = op_of(left);
    if (op == Op::And || op == Op::Or || op == Op::NullCoalesce) break;
    chain.push_back(left);
  }
  const NodeIndex first = child(chain.back(), Role::Left);
  Slot value = first == kNoNode ? kNoSlot : expression(first);
  for (std::size_t i = chain.size(); i > 0; --i) {
    const NodeIndex at_binary = chain[i - 1];
    const NodeIndex right = child(at_binary, Role::Right);
    const Slot with = right == kNoNode ? kNoSlot : expression(right);
    FlowOp& op = emit(FlowWhat::Operate, at_binary);
    op.op = op_of(at_binary);
    op.a = value;
    op.b = with;
    value = op.dst = temporary();
    if (at_binary != n) value = slots_[at_binary] = marked(at_binary, value);
  }
  return value;
}

Slot FlowLowering::short_circuit(NodeIndex n) {
  const NodeIndex left = child(n, Role::Left), right = child(n, Role::Right);
  const Slot result = variable();
  const auto put = [&](NodeIndex from) {
    const Slot value = from == kNoNode ? kNoSlot : expression(from);
    FlowOp& op = emit(value == kNoSlot ? FlowWhat::Forget : FlowWhat::Copy, n);
    op.dst = result;
    op.a = value;
    return value;
  };
  const Slot first = put(left);
  const BlockIndex more = new_block(), done = new_block();
  switch (static_cast<Op>(at(n).sub)) {
    case Op::And:
      branch(first, more, done);
      break;
    case Op::Or:
      branch(first, done, more);
      break;
    default:
      branch(kNoSlot, more, done);
  }
  start(more);
  put(right);
  jump(done);
  start(done);
  return result;
}

Slot FlowLowering::ternary(NodeIndex n) {
  const Slot result = variable();
  const BlockIndex then = new_block(), other = new_block(), done = new_block();
  const NodeIndex test = child(n, Role::Condition);
  if (test == kNoNode)
    branch(kNoSlot, then, other);
  else
    condition(test, then, other, 0);
  const auto put = [&](Role role) {
    const NodeIndex from = child(n, role);
    const Slot value = from == kNoNode ? kNoSlot : expression(from);
    FlowOp& op = emit(value == kNoSlot ? FlowWhat::Forget : FlowWhat::Copy, n);
    op.dst = result;
    op.a = value;
    jump(done);
  };
  start(then);
  put(Role::Then);
  start(other);
  put(Role::Else);
  start(done);
  return result;
}

Slot FlowLowering::increment(NodeIndex n) {
  const NodeIndex operand = child(n, Role::Operand) != kNoNode ? child(n, Role::Operand) : ir_.first_child(n);
  if (operand == kNoNode) return kNoSlot;
  const Slot old = expression(operand);
  const auto op = static_cast<Op>(at(n).sub);
  Slot before = old;
  if (op == Op::PostIncrement || op == Op::PostDecrement) {
    FlowOp& copy = emit(FlowWhat::Copy, n);
    copy.a = old;
    before = copy.dst = temporary();
  }
  FlowLiteral one;
  one.what = FlowLiteral::What::Integer;
  one.integer = 1;
  FlowOp& literal = emit(FlowWhat::Literal, n);
  literal.a = names_.literal(one);
  const Slot by = literal.dst = temporary();
  FlowOp& sum = emit(FlowWhat::Operate, n);
  sum.op = op == Op::PreIncrement || op == Op::PostIncrement ? Op::Add : Op::Sub;
  sum.a = old;
  sum.b = by;
  const Slot after = sum.dst = temporary();
  store(operand, after, false);
  return op == Op::PreIncrement || op == Op::PreDecrement ? after : before;
}

Slot FlowLowering::comprehension(NodeIndex n) {
  // Each clause is one loop that runs once or not at all: elements are alike here.
  scopes_.emplace_back();
  const BlockIndex done = new_block();
  const Slot result = variable();
  emit(FlowWhat::Forget, n).dst = result;
  NodeIndex target = kNoNode;
  each(n, [&](NodeIndex c) {
    switch (at(c).role) {
      case Role::Target:
        target = c;
        break;
      case Role::Iterable: {
        const Slot from = expression(c);
        FlowOp& op = emit(FlowWhat::Iterate, c);
        op.a = from;
        const Slot element = op.dst = temporary();
        if (target != kNoNode) store(target, element, true);
        const BlockIndex next = new_block();
        branch(kNoSlot, next, done);
        start(next);
        break;
      }
      case Role::Condition: {
        const BlockIndex next = new_block();
        condition(c, next, done, 0);
        start(next);
        break;
      }
      default:
        break;
    }
  });
  std::vector<FlowArg> args;
  each(n, [&](NodeIndex c) {
    if (at(c).role != Role::Value) return;
    if (at(c).kind == Kind::Pair) {
      each(c, [&](NodeIndex part) { args.push_back({expression(part)}); });
    } else {
      args.push_back({expression(c)});
    }
  });
  FlowOp& op = emit(FlowWhat::Join, n);
  op.args_first = static_cast<std::uint32_t>(body_.args.size());
  op.args_count = static_cast<std::uint32_t>(args.size());
  body_.args.insert(body_.args.end(), args.begin(), args.end());
  op.dst = result;
  jump(done);
  start(done);
  scopes_.pop_back();
  return result;
}

// --- functions in place

/// Whether a function's code has a body of its own and nothing around it that it could see but the module.
bool FlowLowering::wants_own_body(NodeIndex function) const {
  return body_.is_module && frames_.empty() && is_named_function(ir_, function);
}

void FlowLowering::bind_param(NodeIndex param, Slot argument, std::vector<FlowParam>* out) {
  const Node& node = at(param);
  const Slot slot = node.atom == kNoAtom ? variable() : declare(node.atom);
  const std::uint32_t type = type_name(child(param, Role::Type));
  if (out != nullptr) {
    out->push_back({slot, name(node.atom), type, node.sub == static_cast<std::uint8_t>(ParamSub::Variadic)});
  } else {
    FlowOp& op = emit(argument == kNoSlot ? FlowWhat::Forget : FlowWhat::Iterate, param);
    op.dst = slot;
    op.a = argument;
  }
  if (const NodeIndex given = child(param, Role::Default); given != kNoNode && is_expression(at(given).kind)) {
    const Slot value = expression(given);
    FlowOp& op = emit(FlowWhat::Join, param);
    op.dst = slot;
    op.args_first = static_cast<std::uint32_t>(body_.args.size());
    op.args_count = 2;
    body_.args.push_back({slot});
    body_.args.push_back({value});
  }
  // What rules say of a parameter holds from the function's first statement on.
  const auto apply = [&](NodeIndex n) {
    const auto* marks = marks_of(n);
    if (marks == nullptr) return;
    for (const NodeMark& mark : *marks) {
      if (mark.what == NodeMark::What::Sink || mark.what == NodeMark::What::SinkValue ||
          mark.what == NodeMark::What::Propagator)
        continue;
      FlowOp& op = emit(FlowWhat::Mark, n);
      op.dst = op.a = slot;
      op.name = mark.mark;
    }
  };
  apply(param);
  if (const NodeIndex own_name = child(param, Role::Name); own_name != kNoNode) {
    apply(own_name);
    slots_[own_name] = slot;
  }
  if (const NodeIndex target = child(param, Role::Target); target != kNoNode) store(target, slot, true);
}

Slot FlowLowering::in_place(NodeIndex function, Slot argument) {
  const Slot result = variable();
  emit(FlowWhat::Forget, function).dst = result;
  const NodeIndex code = child(function, Role::Body);
  if (code == kNoNode || in_place_depth_ >= kInPlaceMax) return result;
  ++in_place_depth_;
  // It may run now, later or never.
  const BlockIndex inside = new_block(), out = new_block();
  branch(kNoSlot, inside, out);
  start(inside);
  scopes_.emplace_back();
  scopes_.back().is_function = true;
  frames_.push_back({result, out, jumps_.size(), handlers_.size()});
  each(function, [&](NodeIndex c) {
    if (at(c).kind == Kind::Param) bind_param(c, argument, nullptr);
  });
  if (at(code).kind == Kind::Block) {
    statement(code);
  } else {
    const Slot value = expression(code);
    FlowOp& op = emit(FlowWhat::Copy, code);
    op.dst = result;
    op.a = value;
  }
  jump(out);
  frames_.pop_back();
  scopes_.pop_back();
  start(out);
  --in_place_depth_;
  return result;
}

// --- calls

std::uint32_t FlowLowering::type_name(NodeIndex type) {
  if (type == kNoNode) return kNoName;
  if (at(type).kind == Kind::Type) {
    // C++ `new T`, Java `List<T>`: the atom has no arguments.
    return name(at(type).atom);
  }
  std::vector<Atom> parts;
  if (!file_.dotted(type, parts)) return kNoName;
  std::string out;
  for (const Atom part : parts) out += (out.empty() ? "" : ".") + std::string(file_.atoms().text(part));
  return names_.name(out);
}

/// Type of a call's object as declared, or as what was assigned to it once was constructed.
std::uint32_t FlowLowering::receiver_type(NodeIndex object) {
  if (at(object).kind == Kind::New) return type_name(child(object, Role::Type));
  if (at(object).kind != Kind::Name) return kNoName;
  if (const NodeIndex type = file_.declared_type(object); type != kNoNode) return type_name(type);
  const NodeIndex value = file_.only_value(object);
  if (value == kNoNode) return kNoName;
  if (at(value).kind == Kind::New) return type_name(child(value, Role::Type));
  return kNoName;
}

void FlowLowering::arguments(NodeIndex n, Slot receiver, FlowOp& op) {
  std::vector<FlowArg> args;
  std::vector<std::pair<std::size_t, NodeIndex>> functions;
  each(n, [&](NodeIndex c) {
    if (at(c).role != Role::Arg) return;
    FlowArg arg;
    NodeIndex value = c;
    if (at(c).kind == Kind::KeywordArg) {
      arg.name = name(at(c).atom);
    } else if (at(c).kind == Kind::Spread) {
      arg.spread = true;
    }
    if (at(value).kind == Kind::Lambda || at(value).kind == Kind::Function)
      functions.emplace_back(args.size(), value);
    else
      arg.slot = expression(value);
    // A macro may look like a call, and set members of what it is given.
    if (arg.slot != kNoSlot && !is_temporary(arg.slot)) forget_members(arg.slot, value);
    args.push_back(arg);
  });
  // A callback gets what it is called on: `items.forEach(item => …)`.
  for (const auto& [i, function] : functions) {
    const Slot result = in_place(function, receiver);
    args[i].slot = slots_[function] = marked(function, result);
  }
  op.args_first = static_cast<std::uint32_t>(body_.args.size());
  op.args_count = static_cast<std::uint32_t>(args.size());
  body_.args.insert(body_.args.end(), args.begin(), args.end());
}

Slot FlowLowering::call(NodeIndex n) {
  FlowOp out;
  out.what = FlowWhat::Call;
  NodeIndex callee = child(n, Role::Callee);
  NodeIndex object = kNoNode;
  if (callee != kNoNode) {
    std::vector<Atom> path;
    const bool imported = file_.resolved(callee, path);
    if (at(callee).kind == Kind::Member) {
      object = child(callee, Role::Object);
      if (object != kNoNode) {
        out.a = expression(object);
        out.type = receiver_type(object);
      }
      // The member itself may be what a rule means.
      if (marks_of(callee) != nullptr && out.a != kNoSlot) {
        FlowOp& field = emit(FlowWhat::Field, callee);
        field.a = out.a;
        field.name = name(at(callee).atom);
        field.dst = temporary();
        const Slot slot = field.dst;
        out.a = slots_[callee] = marked(callee, slot);
      }
    } else if (at(callee).kind == Kind::Name) {
      if (!imported) out.flags |= kFlowLocal;
      // A local variable that holds a function carries what the function would.
      for (const Scope& scope : scopes_)
        if (const auto found = scope.names.find(at(callee).atom);
            found != scope.names.end() && &scope != &scopes_.front())
          out.a = found->second;
      if (marks_of(callee) != nullptr) out.a = expression(callee);
    } else {
      out.a = expression(callee);
    }
    if (!imported && !file_.dotted(callee, path)) path.clear();
    std::string text;
    for (const Atom part : path) text += (text.empty() ? "" : ".") + std::string(file_.atoms().text(part));
    if (path.empty() && at(callee).kind == Kind::Member) text = "." + std::string(file_.atoms().text(at(callee).atom));
    if (at(callee).kind == Kind::Super) text = "super";
    out.name = names_.name(text);
  }
  arguments(n, out.a, out);
  // A sink that is a call looks at what is passed, and at what it is called on.
  if (marks_of(n) != nullptr) {
    for (std::uint32_t i = 0; i < out.args_count; ++i) sinks(n, body_.args[out.args_first + i].slot);
    sinks(n, out.a);
  }
  FlowOp& op = emit(FlowWhat::Call, n);
  const std::uint32_t first = op.first;
  op = out;
  op.first = first;
  const Slot result = op.dst = temporary();
  // A method may change what it is called on.
  if (object != kNoNode && is_temporary(out.a) && (at(object).kind == Kind::Member || at(object).kind == Kind::Index))
    write_back(object, out.a);
  may_throw();
  slots_[n] = result;
  return marks_of(n) == nullptr ? result : marked(n, result, false);
}

Slot FlowLowering::creation(NodeIndex n) {
  FlowOp out;
  out.what = FlowWhat::Call;
  out.flags = kFlowNew;
  const NodeIndex type = child(n, Role::Type);
  out.name = out.type = type_name(type);
  arguments(n, kNoSlot, out);
  std::vector<FlowArg> values;
  each(n, [&](NodeIndex c) {
    if (at(c).role == Role::Arg || c == type || at(c).kind == Kind::Type) return;
    FlowArg arg;
    if (at(c).kind == Kind::Pair) {
      const NodeIndex key = child(c, Role::Key), value = child(c, Role::Value);
      if (value == kNoNode) return;
      if (key != kNoNode && (at(key).kind == Kind::Name || at(key).kind == Kind::String)) arg.name = name(at(key).atom);
      arg.slot = expression(value);
    } else if (is_expression(at(c).kind)) {
      arg.slot = expression(c);
    } else {
      return;
    }
    values.push_back(arg);
  });
  if (marks_of(n) != nullptr) {
    for (std::uint32_t i = 0; i < out.args_count; ++i) sinks(n, body_.args[out.args_first + i].slot);
    for (const FlowArg& value : values) sinks(n, value.slot);
  }
  Slot result = kNoSlot;
  if (at(n).sub == 1 && out.args_count == 0) {
    // Array or composite literal: its parts are known.
    if (values.size() == 1 && values.front().name == kNoName) {
      result = values.front().slot;
    } else {
      FlowOp& op = emit(FlowWhat::Build, n);
      op.args_first = static_cast<std::uint32_t>(body_.args.size());
      op.args_count = static_cast<std::uint32_t>(values.size());
      body_.args.insert(body_.args.end(), values.begin(), values.end());
      result = op.dst = temporary();
    }
  } else {
    FlowOp& op = emit(FlowWhat::Call, n);
    const std::uint32_t first = op.first;
    op = out;
    op.first = first;
    result = op.dst = temporary();
  }
  may_throw();
  return marks_of(n) == nullptr ? result : marked(n, result, false);
}

// --- stores

/// C: `buffer + used`, `(char *)buffer`: what is written there is in the buffer.
bool FlowLowering::is_behind_pointer(NodeIndex n) const {
  if (pointers_ || (ir_.language != Language::C && ir_.language != Language::Cpp)) return false;
  const auto op = static_cast<Op>(at(n).sub);
  return at(n).kind == Kind::Cast || (at(n).kind == Kind::Binary && (op == Op::Add || op == Op::Sub));
}

void FlowLowering::write_behind(NodeIndex target, Slot slot) {
  while (is_behind_pointer(target)) {
    const NodeIndex inner = child(target, at(target).kind == Kind::Cast ? Role::Value : Role::Left);
    if (inner == kNoNode) return;
    target = inner;
  }
  if (at(target).kind != Kind::Name) return write_back(target, slot);
  const auto variable = slots_.find(target);
  if (variable == slots_.end() || is_temporary(variable->second)) return;
  FlowOp& op = emit(FlowWhat::Join, target);
  op.dst = variable->second;
  op.args_first = static_cast<std::uint32_t>(body_.args.size());
  op.args_count = 2;
  body_.args.push_back({variable->second});
  body_.args.push_back({slot});
}

/// A changed part goes back into what it was read from.
void FlowLowering::write_back(NodeIndex target, Slot slot) {
  const Kind kind = at(target).kind;
  if (is_behind_pointer(target)) return write_behind(target, slot);
  if (kind != Kind::Member && kind != Kind::Index) return;
  const NodeIndex object = child(target, Role::Object);
  if (object == kNoNode) return;
  const auto base = slots_.find(object);
  if (base == slots_.end() || base->second == kNoSlot) return;
  const Slot into = base->second;
  if (kind == Kind::Member) {
    FlowOp& op = emit(FlowWhat::SetField, target);
    op.a = into;
    op.b = slot;
    op.name = name(at(target).atom);
  } else {
    const NodeIndex index = child(target, Role::Index);
    const auto key = slots_.find(index);
    FlowOp& op = emit(FlowWhat::SetElement, target);
    op.a = into;
    op.b = index == kNoNode || key == slots_.end() ? kNoSlot : key->second;
    op.c = slot;
  }
  if (is_temporary(into)) write_back(object, into);
}

void FlowLowering::store(NodeIndex target, Slot value, bool declares, std::uint32_t type) {
  if (depth_ >= kDepthMax) return;
  ++depth_;
  const Node& node = at(target);
  const auto part = [&](NodeIndex into, std::string_view key) {
    FlowOp& op = emit(FlowWhat::Field, into);
    op.a = value;
    op.name = names_.name(key);
    const Slot slot = op.dst = temporary();
    store(into, slot, declares);
  };
  switch (node.kind) {
    case Kind::Name: {
      const Slot slot = written(node.atom, declares);
      FlowOp& op = emit(FlowWhat::Copy, target);
      op.dst = slot;
      op.a = value;
      op.name = type;
      slots_[target] = slot;
      forget_members(slot, target);
      if (const auto* marks = marks_of(target))
        for (const NodeMark& mark : *marks) {
          if (mark.what == NodeMark::What::Propagator) continue;
          FlowOp& mark_op = emit(FlowWhat::Mark, target);
          mark_op.a = slot;
          mark_op.name = mark.mark;
          if (mark.what != NodeMark::What::Sink && mark.what != NodeMark::What::SinkValue) mark_op.dst = slot;
        }
      break;
    }
    case Kind::Member:
    case Kind::Index: {
      const NodeIndex object = child(target, Role::Object), index = child(target, Role::Index);
      if (object == kNoNode) break;
      if (const auto member = member_slot(target)) {
        FlowOp& op = emit(FlowWhat::Copy, target);
        op.dst = *member;
        op.a = value;
        slots_[target] = *member;
        break;
      }
      expression(object);
      if (index != kNoNode) expression(index);
      sinks(target, value);
      sinks(target, value, NodeMark::What::SinkValue);
      slots_[target] = value;
      write_back(target, value);
      break;
    }
    case Kind::Tuple:
    case Kind::List: {
      value = marked(target, value);
      std::size_t i = 0;
      each(target, [&](NodeIndex c) {
        if (at(c).kind == Kind::Spread) {
          const NodeIndex rest = ir_.first_child(c);
          if (rest != kNoNode) store(rest, value, declares);
        } else {
          part(c, std::to_string(i));
        }
        ++i;
      });
      break;
    }
    case Kind::Dict:
      each(target, [&](NodeIndex c) {
        if (at(c).kind == Kind::Pair) {
          const NodeIndex key = child(c, Role::Key), into = child(c, Role::Value);
          if (into != kNoNode) part(into, key == kNoNode ? "" : file_.atoms().text(at(key).atom));
        } else if (const NodeIndex rest = ir_.first_child(c); rest != kNoNode) {
          store(rest, value, declares);
        }
      });
      break;
    case Kind::Assign: {  // A default: the value or it.
      const NodeIndex left = child(target, Role::Left), right = child(target, Role::Right);
      if (left == kNoNode) break;
      if (right != kNoNode) {
        const Slot other = expression(right);
        FlowOp& op = emit(FlowWhat::Join, target);
        op.args_first = static_cast<std::uint32_t>(body_.args.size());
        op.args_count = 2;
        body_.args.push_back({value});
        body_.args.push_back({other});
        value = op.dst = temporary();
      }
      store(left, value, declares);
      break;
    }
    case Kind::Deref: {
      // *p = v: something p points to.
      const NodeIndex pointer = ir_.first_child(target);
      if (pointer == kNoNode) break;
      const Slot base = expression(pointer);
      FlowOp& op = emit(FlowWhat::SetElement, target);
      op.a = base;
      op.c = value;
      if (is_temporary(base)) write_back(pointer, base);
      break;
    }
    case Kind::Spread:
    case Kind::Cast: {
      const NodeIndex inner =
          child(target, Role::Value) != kNoNode ? child(target, Role::Value) : ir_.first_child(target);
      if (inner != kNoNode) store(inner, value, declares);
      break;
    }
    default:
      if (is_expression(node.kind)) expression(target);
      break;
  }
  --depth_;
}

}  // namespace wrench::code
