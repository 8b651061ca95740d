#include "flow_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "flow_lowering.hpp"

namespace wrench::code {

std::uint32_t FlowNames::name(std::string_view text) {
  if (text.empty()) return kNoName;
  const auto [found, added] = names_.try_emplace(std::string(text), static_cast<std::uint32_t>(file_.names.size()));
  if (added) file_.names.emplace_back(text);
  return found->second;
}

std::uint32_t FlowNames::literal(FlowLiteral literal) {
  const std::string key = fmt::format("{}:{}:{}", static_cast<int>(literal.what), literal.integer, literal.text);
  const auto [found, added] = literals_.try_emplace(key, static_cast<std::uint32_t>(file_.literals.size()));
  if (added) file_.literals.push_back(std::move(literal));
  return found->second;
}

Atom function_name(const Ir& ir, NodeIndex n) {
  if (ir[n].atom != kNoAtom && ir[n].kind == Kind::Function) return ir[n].atom;
  const NodeIndex parent = ir[n].parent;
  if (parent == kNoNode) return kNoAtom;
  switch (ir[parent].kind) {
    case Kind::VarDef:
    case Kind::Field:
      return ir[n].role == Role::Value ? ir[parent].atom : kNoAtom;
    case Kind::Pair:
      if (const NodeIndex key = ir.child(parent, Role::Key); ir[n].role == Role::Value && key != kNoNode)
        return ir[key].atom;
      return kNoAtom;
    case Kind::Assign: {
      const NodeIndex left = ir.child(parent, Role::Left);
      if (ir[n].role != Role::Right || left == kNoNode) return kNoAtom;
      return ir[left].kind == Kind::Name || ir[left].kind == Kind::Member ? ir[left].atom : kNoAtom;
    }
    default:
      return kNoAtom;
  }
}

bool is_named_function(const Ir& ir, NodeIndex n) {
  if (ir[n].kind != Kind::Function && ir[n].kind != Kind::Lambda) return false;
  return ir.child(n, Role::Body) != kNoNode && function_name(ir, n) != kNoAtom;
}

FlowLowering::FlowLowering(const FileIndex& file, const NodeMarks& marks, FlowMemory memory, FlowFile& out,
                           FlowNames& names)
    : file_(file), ir_(file.ir()), marks_(marks), pointers_(memory == FlowMemory::Pointers), out_(out), names_(names) {}

// --- blocks

BlockIndex FlowLowering::new_block() {
  body_.blocks.emplace_back();
  return static_cast<BlockIndex>(body_.blocks.size() - 1);
}

void FlowLowering::start(BlockIndex block) {
  current_ = block;
  body_.blocks[block].first_op = body_.blocks[block].end_op = static_cast<std::uint32_t>(body_.ops.size());
  open_ = true;
}

void FlowLowering::jump(BlockIndex to) {
  if (!open_) return;
  edge(current_, to);
  open_ = false;
}

void FlowLowering::branch(Slot condition, BlockIndex when_true, BlockIndex when_false) {
  if (!open_) return;
  FlowBlock& block = body_.blocks[current_];
  block.condition = condition;
  block.when_true = when_true;
  block.when_false = when_false;
  open_ = false;
}

FlowOp& FlowLowering::emit(FlowWhat what, NodeIndex n) {
  // Code behind a jump is lowered, too, into a block that nothing leads to.
  if (!open_) start(new_block());
  if (body_.ops.size() >= kFlowOpsMax) body_.cut = true;
  FlowOp& op = body_.ops.emplace_back();
  op.what = what;
  op.first = at(n).first;
  body_.blocks[current_].end_op = static_cast<std::uint32_t>(body_.ops.size());
  return op;
}

// --- names

Slot FlowLowering::declare(Atom atom) {
  // A block's own variable shares the slot of one of the same name outside of it, within the function.
  const auto [found, added] = scopes_.back().names.try_emplace(atom, 0);
  if (added) found->second = variable();
  return found->second;
}

Slot FlowLowering::written(Atom atom, bool declares) {
  const bool declared_here = declares || (ir_.language == source::Language::Python &&
                                          std::find(scopes_.back().outer.begin(), scopes_.back().outer.end(), atom) ==
                                              scopes_.back().outer.end());
  if (declared_here) return declare(atom);
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (const auto found = scope->names.find(atom); found != scope->names.end()) return found->second;
  return declare(atom);
}

bool FlowLowering::is_field_of_class(Atom atom) const {
  return std::find(fields_.begin(), fields_.end(), atom) != fields_.end();
}

Slot FlowLowering::free_variable(Atom atom, NodeIndex n) {
  Scope& module = scopes_.front();
  const auto [found, added] = module.names.try_emplace(atom, 0);
  if (!added) return found->second;
  found->second = variable();
  FlowFree free;
  free.slot = found->second;
  free.name = name(atom);
  free.one_value = file_.only_value(n) != kNoNode;
  body_.free.push_back(free);
  return free.slot;
}

Slot FlowLowering::read(NodeIndex n) {
  const Atom atom = at(n).atom;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (const auto found = scope->names.find(atom); found != scope->names.end()) return found->second;
  const bool is_field = body_.receiver != kNoSlot && is_field_of_class(atom);
  if (is_field || !body_.is_module)
    if (const NodeIndex value = file_.constant(n);
        value != kNoNode && marks_of(value) == nullptr && at(value).kind != Kind::Binary)
      return literal(value);
  if (is_field) {
    FlowOp& op = emit(FlowWhat::Field, n);
    op.a = body_.receiver;
    op.name = name(atom);
    return op.dst = temporary();
  }
  return free_variable(atom, n);
}

// --- bodies

FlowBody FlowLowering::run(NodeIndex function) {
  const Node& node = at(function);
  body_.is_module = node.kind == Kind::Module;
  each(function, [&](NodeIndex c) {
    if (at(c).kind == Kind::Modifier && file_.atoms().text(at(c).atom) == "static") body_.is_static = true;
  });
  body_.first = node.first;
  body_.end = node.end;
  body_.name = body_.is_module ? kNoName : name(function_name(ir_, function));
  NodeIndex around = node.parent;
  while (around != kNoNode && at(around).kind != Kind::Class) around = at(around).parent;
  scopes_.emplace_back();
  scopes_.back().is_function = body_.is_module;
  start(new_block());
  if (body_.is_module) {
    statements(function);
  } else {
    scopes_.emplace_back();
    scopes_.back().is_function = true;
    if (around != kNoNode) {
      body_.class_name = name(at(around).atom);
      body_.receiver = variable();
      using source::Language;
      const Language language = ir_.language;
      if (language != Language::Python && language != Language::JavaScript && language != Language::TypeScript &&
          language != Language::Tsx) {
        if (const NodeIndex members = child(around, Role::Body); members != kNoNode)
          each(members, [&](NodeIndex c) {
            if (at(c).kind == Kind::Field && at(c).atom != kNoAtom) fields_.push_back(at(c).atom);
          });
      }
    }
    bool first = true;
    each(function, [&](NodeIndex c) {
      if (at(c).kind != Kind::Param) return;
      const bool self = at(c).role == Role::Receiver ||
                        (first && around != kNoNode && ir_.language == source::Language::Python &&
                         (file_.atoms().text(at(c).atom) == "self" || file_.atoms().text(at(c).atom) == "cls"));
      first = false;
      if (self) {
        if (body_.receiver == kNoSlot) body_.receiver = variable();
        scopes_.back().names[at(c).atom] = body_.receiver;
        return;
      }
      bind_param(c, kNoSlot, &body_.params);
    });
    const NodeIndex code = child(function, Role::Body);
    if (code != kNoNode && at(code).kind == Kind::Block) {
      statement(code);
    } else if (code != kNoNode) {
      const Slot value = expression(code);
      emit(FlowWhat::Return, code).a = value;
    }
  }
  if (body_.is_module) {
    for (const auto& [atom, slot] : scopes_.front().names) body_.globals.push_back({slot, name(atom), false});
    std::sort(body_.globals.begin(), body_.globals.end(), [](const auto& a, const auto& b) { return a.slot < b.slot; });
  }
  std::stable_sort(edges_.begin(), edges_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t next = 0;
  for (BlockIndex block = 0; block < body_.blocks.size(); ++block) {
    body_.blocks[block].first_edge = static_cast<std::uint32_t>(body_.edges.size());
    for (; next < edges_.size() && edges_[next].first == block; ++next) body_.edges.push_back(edges_[next].second);
    body_.blocks[block].end_edge = static_cast<std::uint32_t>(body_.edges.size());
  }
  return std::move(body_);
}

FlowFile build_flow(const FileIndex& file, const NodeMarks& marks, FlowMemory memory) {
  FlowFile out;
  FlowNames names(out);
  const Ir& ir = file.ir();
  out.language = ir.language;
  if (ir.nodes.empty()) return out;
  out.bodies.push_back(FlowLowering(file, marks, memory, out, names).run(ir.root()));
  for (NodeIndex n = 1; n < ir.nodes.size(); ++n)
    if (is_named_function(ir, n)) out.bodies.push_back(FlowLowering(file, marks, memory, out, names).run(n));
  return out;
}

// --- text for golden tests

namespace {

std::string slot_text(Slot slot) {
  if (slot == kNoSlot) return "_";
  return is_temporary(slot) ? fmt::format("t{}", slot & ~kTemporary) : fmt::format("v{}", slot);
}

std::string_view what_text(FlowWhat what) {
  constexpr std::string_view kTexts[] = {
      "literal", "copy",    "field", "set_field", "element", "set_element", "operate", "call",       "build",  "concat",
      "join",    "iterate", "mark",  "propagate", "refine",  "forget",      "declare", "address_of", "return", "throw"};
  return kTexts[static_cast<std::size_t>(what)];
}

std::string op_text(const FlowFile& flow, const FlowBody& body, const FlowOp& op) {
  std::string out = fmt::format("    {}", what_text(op.what));
  if (op.dst != kNoSlot) out += " " + slot_text(op.dst) + " <-";
  if (op.what == FlowWhat::Literal) {
    const FlowLiteral& literal = flow.literals[op.a];
    switch (literal.what) {
      case FlowLiteral::What::Text:
        return out + " \"" + literal.text + "\"\n";
      case FlowLiteral::What::Integer:
        return out + fmt::format(" {}\n", literal.integer);
      case FlowLiteral::What::Bool:
        return out + (literal.integer != 0 ? " true\n" : " false\n");
      case FlowLiteral::What::Null:
        return out + " null\n";
      case FlowLiteral::What::Other:
        return out + " ?\n";
    }
  }
  for (const Slot slot : {op.a, op.b, op.c})
    if (slot != kNoSlot) out += " " + slot_text(slot);
  if (op.op != Op::None) out += fmt::format(" {}", name(op.op));
  const bool marks = op.what == FlowWhat::Mark || op.what == FlowWhat::Propagate;
  if (marks) out += fmt::format(" #{}", op.name);
  if (!marks && op.name != kNoName) out += " " + flow.names[op.name];
  if (op.type != kNoName) out += " : " + flow.names[op.type];
  if (op.flags & kFlowNegated) out += " not";
  if (op.flags & kFlowNew) out += " new";
  if (op.args_count > 0) {
    out += " (";
    for (std::uint32_t i = 0; i < op.args_count; ++i) {
      const FlowArg& arg = body.args[op.args_first + i];
      if (i > 0) out += ", ";
      if (arg.name != kNoName) out += flow.names[arg.name] + "=";
      out += (arg.spread ? "*" : "") + slot_text(arg.slot);
    }
    out += ")";
  }
  return out + "\n";
}

}  // namespace

std::string dump(const FlowFile& flow) {
  std::string out;
  for (const FlowBody& body : flow.bodies) {
    out += body.is_module ? std::string("module") : fmt::format("function {}", flow.names[body.name]);
    if (body.class_name != kNoName) out += " of " + flow.names[body.class_name];
    for (const FlowParam& param : body.params)
      out += fmt::format(" {}={}", flow.names[param.name], slot_text(param.slot));
    if (body.receiver != kNoSlot) out += " this=" + slot_text(body.receiver);
    for (const FlowFree& free : body.free) out += fmt::format(" [{}={}]", flow.names[free.name], slot_text(free.slot));
    out += body.cut ? " cut\n" : "\n";
    for (std::size_t i = 0; i < body.blocks.size(); ++i) {
      const FlowBlock& block = body.blocks[i];
      out += fmt::format("  {}:", i);
      if (block.condition != kNoSlot)
        out += fmt::format(" if {} {} else {}", slot_text(block.condition), block.when_true, block.when_false);
      for (std::uint32_t e = block.first_edge; e < block.end_edge; ++e) out += fmt::format(" -> {}", body.edges[e]);
      out += "\n";
      for (std::uint32_t op = block.first_op; op < block.end_op; ++op) out += op_text(flow, body, body.ops[op]);
    }
  }
  return out;
}

}  // namespace wrench::code
