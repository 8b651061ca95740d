#include <algorithm>
#include <string_view>

#include "flow_lowering.hpp"

namespace wrench::code {

using source::Language;

namespace {

/// Statements and expressions nest at most this deep in a body; what lies deeper isn't known. Bounds the stack.
constexpr int kDepthMax = 400;

bool is_literal_kind(Kind kind) {
  return kind == Kind::String || kind == Kind::Number || kind == Kind::Bool || kind == Kind::Null || kind == Kind::Char;
}

}  // namespace

void FlowLowering::statements(NodeIndex n) {
  each(n, [&](NodeIndex c) { statement(c); });
}

/// What runs before an exception is thrown reaches the handler: the block ends here.
void FlowLowering::may_throw() {
  if (handlers_.empty() || !open_) return;
  edge(current_, handlers_.back());
  const BlockIndex next = new_block();
  jump(next);
  start(next);
}

void FlowLowering::statement(NodeIndex n) {
  if (body_.cut || depth_ >= kDepthMax) return;
  ++depth_;
  const Node& node = at(n);
  switch (node.kind) {
    case Kind::Block: {
      // A block of C has variables of its own; what stands behind a `case` is only a part of one.
      const bool own = (ir_.language == Language::C || ir_.language == Language::Cpp) && !body_.is_module &&
                       node.parent != kNoNode && at(node.parent).kind != Kind::Case;
      if (own) scopes_.emplace_back();
      statements(n);
      if (own) scopes_.pop_back();
      break;
    }
    case Kind::Namespace:
      statements(n);
      break;
    case Kind::ExprStmt:
      each(n, [&](NodeIndex c) {
        expression(c);
        if (pointers_ && at(c).kind == Kind::Call && !body_.ops.empty() && body_.ops.back().what == FlowWhat::Call)
          body_.ops.back().flags |= kFlowIgnored;
      });
      break;
    case Kind::VarDef:
    case Kind::Field: {
      if (node.role == Role::Element && node.kind == Kind::Field && !body_.is_module && body_.receiver == kNoSlot)
        break;
      const NodeIndex target = child(n, Role::Target) != kNoNode ? child(n, Role::Target) : child(n, Role::Name);
      const NodeIndex value = child(n, Role::Value);
      const std::uint32_t type = type_name(child(n, Role::Type));
      if (pointers_ && node.kind == Kind::VarDef && target != kNoNode && at(target).kind == Kind::Name) {
        const NodeIndex size = child(n, Role::Index);
        const Slot elements = size == kNoNode ? kNoSlot : expression(size);
        const Slot slot = declare(at(target).atom);
        FlowOp& op = emit(FlowWhat::Declare, n);
        op.dst = slot;
        op.type = type;
        op.a = elements;
        if (keeps_its_value(n)) {
          // What an earlier call left there is in it, and a later one finds what this one leaves.
          body_.free.push_back({slot, name(at(target).atom), false});
          if (value != kNoNode) store(target, expression(value), true, type);
          FlowOp& unknown = emit(FlowWhat::Forget, n);
          const Slot left = unknown.dst = temporary();
          if (value == kNoNode || size == kNoNode) {
            FlowOp& copy = emit(FlowWhat::Copy, n);
            copy.dst = slot;
            copy.a = left;
          }
          if (size != kNoNode || file_.atoms().text(at(child(n, Role::Type)).atom).ends_with("[]")) {
            FlowOp& part = emit(FlowWhat::SetElement, n);
            part.a = slot;
            part.b = left;
            part.c = left;
          }
          break;
        }
        if (value == kNoNode) break;
      }
      if (value != kNoNode && target != kNoNode) {
        const Slot slot = expression(value);
        store(target, slot, true, type);
      } else if (value != kNoNode) {
        expression(value);
      } else if (target != kNoNode && at(target).kind == Kind::Name && node.kind == Kind::VarDef) {
        emit(FlowWhat::Forget, n).dst = declare(at(target).atom);
      }
      break;
    }
    case Kind::If:
      if_statement(n);
      break;
    case Kind::Switch:
      switch_statement(n, kNoAtom);
      break;
    case Kind::Loop:
      loop(n, kNoAtom);
      break;
    case Kind::ForEach:
      for_each(n, kNoAtom);
      break;
    case Kind::Label: {
      // goto's target; for loops the name that break and continue use.
      BlockIndex& block = labels_.try_emplace(node.atom, kNoBlock).first->second;
      if (block == kNoBlock) block = new_block();
      const BlockIndex here = block;
      jump(here);
      start(here);
      const NodeIndex code = child(n, Role::Body);
      if (code == kNoNode) break;
      switch (at(code).kind) {
        case Kind::Loop:
          loop(code, node.atom);
          break;
        case Kind::ForEach:
          for_each(code, node.atom);
          break;
        case Kind::Switch:
          switch_statement(code, node.atom);
          break;
        default:
          each(n, [&](NodeIndex c) { statement(c); });
      }
      break;
    }
    case Kind::Goto: {
      BlockIndex& block = labels_.try_emplace(node.atom, kNoBlock).first->second;
      if (block == kNoBlock) block = new_block();
      jump(block);
      break;
    }
    case Kind::Try:
      try_statement(n);
      break;
    case Kind::With:
      each(n, [&](NodeIndex c) {
        if (at(c).role != Role::Resource) return;
        at(c).kind == Kind::VarDef ? statement(c) : static_cast<void>(expression(c));
      });
      if (const NodeIndex code = child(n, Role::Body); code != kNoNode) statement(code);
      break;
    case Kind::Return:
      return_value(n);
      break;
    case Kind::Break:
    case Kind::Continue:
      leave(n);
      break;
    case Kind::Throw: {
      const NodeIndex value = child(n, Role::Value);
      const Slot slot = value == kNoNode ? kNoSlot : expression(value);
      emit(FlowWhat::Throw, n).a = slot;
      if (!handlers_.empty()) edge(current_, handlers_.back());
      open_ = false;
      break;
    }
    case Kind::Assert: {
      const NodeIndex test = child(n, Role::Condition);
      if (test == kNoNode) break;
      const BlockIndex holds = new_block(), fails = new_block();
      condition(test, holds, fails, 0);
      start(fails);
      open_ = false;
      start(holds);
      break;
    }
    case Kind::Directive:
      if (!scopes_.empty() && ir_.language == Language::Python)
        each(n, [&](NodeIndex c) {
          if (at(c).kind == Kind::Name) scopes_.back().outer.push_back(at(c).atom);
        });
      break;
    case Kind::Function:
    case Kind::Class:
      definition(n);
      break;
    case Kind::Import:
    case Kind::TypeAlias:
      break;
    case Kind::Delete:
    case Kind::Defer:
    case Kind::Error:
    case Kind::Other:
      each(n, [&](NodeIndex c) { is_expression(at(c).kind) ? static_cast<void>(expression(c)) : statement(c); });
      break;
    default:
      if (is_expression(node.kind)) expression(n);
      break;
  }
  if (node.kind != Kind::ExprStmt || marks_of(n) != nullptr) {
    if (!is_expression(node.kind)) propagate(n);
  }
  if (node.kind != Kind::Block) may_throw();
  --depth_;
}

/// C: a function's `static` variable that isn't constant.
bool FlowLowering::keeps_its_value(NodeIndex definition) const {
  if (body_.is_module || child(definition, Role::Type) == kNoNode) return false;
  bool is_static = false, constant = false;
  each(definition, [&](NodeIndex c) {
    if (at(c).kind != Kind::Modifier) return;
    const std::string_view word = file_.atoms().text(at(c).atom);
    is_static |= word == "static";
    constant |= word == "const" || word == "constexpr";
  });
  return is_static && !constant;
}

void FlowLowering::definition(NodeIndex n) {
  if (at(n).kind == Kind::Class) {
    // Methods have bodies of their own; what stands beside them runs when the class is made.
    if (const NodeIndex members = child(n, Role::Body); members != kNoNode && body_.is_module)
      each(members, [&](NodeIndex c) {
        if (at(c).kind != Kind::Function && at(c).kind != Kind::Class && ir_.language == Language::Python) statement(c);
      });
    return;
  }
  if (body_.is_module && frames_.empty()) return;
  in_place(n, kNoSlot);
}

void FlowLowering::if_statement(NodeIndex n) {
  const BlockIndex out = new_block();
  // A chain of else-ifs is a loop here: it may be long.
  for (NodeIndex at_if = n;;) {
    if (const NodeIndex init = child(at_if, Role::Init); init != kNoNode)
      is_expression(at(init).kind) ? static_cast<void>(expression(init)) : statement(init);
    const BlockIndex then = new_block(), other = new_block();
    const NodeIndex test = child(at_if, Role::Condition);
    if (test == kNoNode)
      branch(kNoSlot, then, other);
    else
      condition(test, then, other, 0);
    start(then);
    if (const NodeIndex code = child(at_if, Role::Then); code != kNoNode) statement(code);
    jump(out);
    start(other);
    const NodeIndex code = child(at_if, Role::Else);
    if (code == kNoNode) break;
    if (at(code).kind == Kind::If) {
      at_if = code;
      continue;
    }
    statement(code);
    break;
  }
  jump(out);
  start(out);
}

void FlowLowering::loop(NodeIndex n, Atom label) {
  each(n, [&](NodeIndex c) {
    if (at(c).role == Role::Init) is_expression(at(c).kind) ? static_cast<void>(expression(c)) : statement(c);
  });
  const BlockIndex head = new_block(), code = new_block(), again = new_block(), out = new_block();
  const NodeIndex test = child(n, Role::Condition);
  const bool body_first = at(n).sub == static_cast<std::uint8_t>(LoopSub::DoWhile);
  jump(body_first ? code : head);
  const auto look = [&] {
    start(head);
    const BlockIndex done = new_block();
    if (test != kNoNode)
      condition(test, code, done, 0);
    else
      jump(code);
    start(done);
    if (const NodeIndex other = child(n, Role::Else); other != kNoNode) statement(other);
    jump(out);
  };
  if (!body_first) look();
  start(code);
  jumps_.push_back({label, out, again});
  if (const NodeIndex inner = child(n, Role::Body); inner != kNoNode) statement(inner);
  jumps_.pop_back();
  jump(again);
  start(again);
  each(n, [&](NodeIndex c) {
    if (at(c).role == Role::Update) expression(c);
  });
  jump(head);
  if (body_first) look();
  start(out);
}

void FlowLowering::for_each(NodeIndex n, Atom label) {
  const NodeIndex iterable = child(n, Role::Iterable), target = child(n, Role::Target);
  const Slot from = iterable == kNoNode ? kNoSlot : expression(iterable);
  const BlockIndex head = new_block(), code = new_block(), done = new_block(), out = new_block();
  // Outlives the block it is made in.
  Slot kept = from;
  if (is_temporary(from)) {
    kept = variable();
    FlowOp& op = emit(FlowWhat::Copy, n);
    op.dst = kept;
    op.a = from;
  }
  jump(head);
  start(head);
  branch(kNoSlot, code, done);
  start(code);
  if (kept != kNoSlot) {
    FlowOp& op = emit(FlowWhat::Iterate, iterable);
    op.a = kept;
    const Slot element = op.dst = temporary();
    if (target != kNoNode) store(target, element, true, type_name(child(n, Role::Type)));
  }
  jumps_.push_back({label, out, head});
  if (const NodeIndex inner = child(n, Role::Body); inner != kNoNode) statement(inner);
  jumps_.pop_back();
  jump(head);
  start(done);
  if (const NodeIndex other = child(n, Role::Else); other != kNoNode) statement(other);
  jump(out);
  start(out);
}

/// Whether an arm without a break goes on with the next one's code.
bool FlowLowering::falls_through(NodeIndex arm) const {
  switch (ir_.language) {
    case Language::C:
    case Language::Cpp:
    case Language::JavaScript:
    case Language::TypeScript:
    case Language::Tsx:
    case Language::Php:
      return true;
    case Language::Java: {
      const NodeIndex code = child(arm, Role::Body);
      if (code == kNoNode) return true;
      return file_.text().substr(at(arm).first, at(code).first - at(arm).first).find("->") == std::string_view::npos;
    }
    default:
      return false;
  }
}

void FlowLowering::switch_statement(NodeIndex n, Atom label) {
  if (const NodeIndex init = child(n, Role::Init); init != kNoNode)
    is_expression(at(init).kind) ? static_cast<void>(expression(init)) : statement(init);
  const NodeIndex subject = child(n, Role::Value);
  Slot value = kNoSlot;
  if (subject != kNoNode) {
    value = variable();
    const Slot from = expression(subject);
    FlowOp& op = emit(FlowWhat::Copy, subject);
    op.dst = value;
    op.a = from;
  }
  std::vector<NodeIndex> arms;
  each(n, [&](NodeIndex c) {
    if (at(c).kind == Kind::Case) arms.push_back(c);
  });
  const BlockIndex out = new_block();
  std::vector<BlockIndex> codes(arms.size());
  for (BlockIndex& code : codes) code = new_block();
  BlockIndex otherwise = out;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (at(arms[i]).flags & kFlagDefault) otherwise = codes[i];
    each(arms[i], [&](NodeIndex key) {
      if (at(key).role != Role::Key) return;
      const BlockIndex next = new_block();
      if (value == kNoSlot) {
        condition(key, codes[i], next, 0);
      } else if (is_literal_kind(at(key).kind) || at(key).kind == Kind::Name || at(key).kind == Kind::Member) {
        const Slot wanted = expression(key);
        FlowOp& op = emit(FlowWhat::Operate, key);
        op.op = Op::Eq;
        op.a = value;
        op.b = wanted;
        const Slot equal = op.dst = temporary();
        branch(equal, codes[i], next);
      } else {
        branch(kNoSlot, codes[i], next);
      }
      start(next);
    });
  }
  jump(otherwise);
  jumps_.push_back({label, out, kNoBlock});
  for (std::size_t i = 0; i < arms.size(); ++i) {
    start(codes[i]);
    // Patterns bind names to parts of the subject.
    if (value != kNoSlot)
      each(arms[i], [&](NodeIndex key) {
        const Kind kind = at(key).kind;
        if (at(key).role == Role::Key && (kind == Kind::List || kind == Kind::Tuple || kind == Kind::Dict))
          store(key, value, true);
      });
    if (const NodeIndex guard = child(arms[i], Role::Condition); guard != kNoNode) expression(guard);
    if (const NodeIndex code = child(arms[i], Role::Body); code != kNoNode) statement(code);
    const bool last = i + 1 == arms.size();
    jump(!last && falls_through(arms[i]) ? codes[i + 1] : out);
  }
  jumps_.pop_back();
  start(out);
}

void FlowLowering::try_statement(NodeIndex n) {
  std::vector<NodeIndex> catches;
  each(n, [&](NodeIndex c) {
    if (at(c).role == Role::Handler) catches.push_back(c);
  });
  const BlockIndex handler = new_block(), out = new_block();
  const NodeIndex last = child(n, Role::Finally);
  handlers_.push_back(handler);
  each(n, [&](NodeIndex c) {
    if (at(c).role == Role::Resource) at(c).kind == Kind::VarDef ? statement(c) : static_cast<void>(expression(c));
  });
  may_throw();
  if (const NodeIndex code = child(n, Role::Body); code != kNoNode) statement(code);
  handlers_.pop_back();
  if (const NodeIndex other = child(n, Role::Else); other != kNoNode) statement(other);
  jump(out);
  start(handler);
  if (catches.empty()) {
    // An exception runs the final part and goes on outwards.
    if (last != kNoNode) statement(last);
    if (!handlers_.empty()) jump(handlers_.back());
    open_ = false;
  } else {
    std::vector<BlockIndex> codes;
    for (std::size_t i = 0; i < catches.size(); ++i) codes.push_back(new_block());
    for (std::size_t i = 0; i + 1 < catches.size(); ++i) {
      const BlockIndex next = new_block();
      branch(kNoSlot, codes[i], next);
      start(next);
    }
    jump(codes.back());
    for (std::size_t i = 0; i < catches.size(); ++i) {
      start(codes[i]);
      if (const NodeIndex target = child(catches[i], Role::Target); target != kNoNode) {
        FlowOp& op = emit(FlowWhat::Forget, target);
        const Slot value = op.dst = temporary();
        store(target, value, true);
      }
      if (const NodeIndex code = child(catches[i], Role::Body); code != kNoNode) statement(code);
      jump(out);
    }
  }
  start(out);
  if (last != kNoNode) statement(last);
}

void FlowLowering::return_value(NodeIndex n) {
  std::vector<Slot> values;
  each(n, [&](NodeIndex c) { values.push_back(expression(c)); });
  Slot value = values.empty() ? kNoSlot : values.front();
  if (values.size() > 1) {
    FlowOp op;
    op.args_first = static_cast<std::uint32_t>(body_.args.size());
    for (const Slot slot : values) body_.args.push_back({slot});
    op.args_count = static_cast<std::uint32_t>(values.size());
    FlowOp& build = emit(FlowWhat::Build, n);
    build.args_first = op.args_first;
    build.args_count = op.args_count;
    value = build.dst = temporary();
  }
  if (value != kNoSlot) value = marked(n, value);
  if (frames_.empty()) {
    emit(FlowWhat::Return, n).a = value;
    open_ = false;
    return;
  }
  if (value != kNoSlot) {
    FlowOp& op = emit(FlowWhat::Copy, n);
    op.dst = frames_.back().result;
    op.a = value;
  }
  jump(frames_.back().out);
}

void FlowLowering::leave(NodeIndex n) {
  const bool again = at(n).kind == Kind::Continue;
  const std::size_t first = frames_.empty() ? 0 : frames_.back().jumps;
  for (std::size_t i = jumps_.size(); i > first; --i) {
    const Jump& to = jumps_[i - 1];
    if (at(n).atom != kNoAtom && to.label != at(n).atom) continue;
    if (again && to.again == kNoBlock) continue;
    jump(again ? to.again : to.out);
    return;
  }
  open_ = false;
}

// --- conditions

void FlowLowering::condition(NodeIndex n, BlockIndex when_true, BlockIndex when_false, int depth) {
  const Node& node = at(n);
  const auto op = static_cast<Op>(node.sub);
  if (depth < kDepthMax && marks_of(n) == nullptr) {
    if (node.kind == Kind::Unary && op == Op::Not) {
      if (const NodeIndex operand = child(n, Role::Operand); operand != kNoNode)
        return condition(operand, when_false, when_true, depth + 1);
    }
    if (node.kind == Kind::Binary && (op == Op::And || op == Op::Or)) {
      const NodeIndex left = child(n, Role::Left), right = child(n, Role::Right);
      if (left != kNoNode && right != kNoNode) {
        const BlockIndex middle = new_block();
        op == Op::And ? condition(left, middle, when_false, depth + 1) : condition(left, when_true, middle, depth + 1);
        start(middle);
        return condition(right, when_true, when_false, depth + 1);
      }
    }
  }
  const Slot slot = expression(n);
  const BlockIndex holds = new_block(), fails = new_block();
  branch(slot, holds, fails);
  start(holds);
  refine(n, true);
  jump(when_true);
  start(fails);
  refine(n, false);
  jump(when_false);
}

void FlowLowering::refine(NodeIndex n, bool holds) {
  const Node& node = at(n);
  const auto narrow = [&](NodeIndex what, Op op, Slot with, bool positive) {
    // while ((n = read(…)) > 0): of what was assigned.
    while (what != kNoNode && at(what).kind == Kind::Assign) what = child(what, Role::Left);
    if (what == kNoNode || at(what).kind != Kind::Name) return;
    const auto found = slots_.find(what);
    if (found == slots_.end() || is_temporary(found->second)) return;
    FlowOp& out = emit(FlowWhat::Refine, n);
    out.dst = found->second;
    out.op = op;
    out.b = with;
    out.flags = positive ? 0 : kFlowNegated;
  };
  const auto slot_of = [&](NodeIndex of) {
    const auto found = slots_.find(of);
    return of == kNoNode || found == slots_.end() ? kNoSlot : found->second;
  };
  if (node.kind == Kind::Name || node.kind == Kind::Assign) return narrow(n, Op::None, kNoSlot, holds);
  if (node.kind != Kind::Binary) return;
  const NodeIndex left = child(n, Role::Left), right = child(n, Role::Right);
  switch (static_cast<Op>(node.sub)) {
    case Op::Eq:
    case Op::StrictEq:
    case Op::Is:
      narrow(left, Op::Eq, slot_of(right), holds);
      narrow(right, Op::Eq, slot_of(left), holds);
      break;
    case Op::NotEq:
    case Op::StrictNotEq:
    case Op::IsNot:
      narrow(left, Op::Eq, slot_of(right), !holds);
      narrow(right, Op::Eq, slot_of(left), !holds);
      break;
    case Op::Less:
    case Op::LessEq:
    case Op::Greater:
    case Op::GreaterEq: {
      const auto op = static_cast<Op>(node.sub);
      constexpr auto kTurned = [](Op of) {
        return of == Op::Less      ? Op::Greater
               : of == Op::LessEq  ? Op::GreaterEq
               : of == Op::Greater ? Op::Less
                                   : Op::LessEq;
      };
      narrow(left, op, slot_of(right), holds);
      narrow(right, kTurned(op), slot_of(left), holds);
      break;
    }
    case Op::In:
      narrow(left, Op::In, slot_of(right), holds);
      break;
    case Op::NotIn:
      narrow(left, Op::In, slot_of(right), !holds);
      break;
    default:
      break;
  }
}

}  // namespace wrench::code
