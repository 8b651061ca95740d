#include "flow_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "flow_lowering.hpp"

namespace wrench::code {

FlowNames::FlowNames(FlowFile& file) : file_(file) {
  if (file.names.empty()) file.names.emplace_back();
  for (std::uint32_t i = 1; i < file.names.size(); ++i) names_.emplace(file.names[i], i);
  for (std::uint32_t i = 0; i < file.literals.size(); ++i) literals_.emplace(key_of(file.literals[i]), i);
}

std::string FlowNames::key_of(const FlowLiteral& literal) {
  return fmt::format("{}:{}:{}", static_cast<int>(literal.what), literal.integer, literal.text);
}

std::uint32_t FlowNames::name(std::string_view text) {
  if (text.empty()) return kNoName;
  const auto [found, added] = names_.try_emplace(std::string(text), static_cast<std::uint32_t>(file_.names.size()));
  if (added) file_.names.emplace_back(text);
  return found->second;
}

std::uint32_t FlowNames::literal(FlowLiteral literal) {
  const auto [found, added] = literals_.try_emplace(key_of(literal), static_cast<std::uint32_t>(file_.literals.size()));
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
  if (pointers_ && !body_.is_module) {
    // C declares its variables: this is one of the file.
    const Slot slot = scopes_.front().names[atom] = variable();
    body_.free.push_back({slot, name(atom), false});
    return slot;
  }
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

namespace {

/// What <limits.h> and <stdint.h> define, where an int has 32 bits and a long 64.
std::optional<std::int64_t> limit_of(std::string_view name) {
  using Limits = std::numeric_limits<std::int64_t>;
  static const std::unordered_map<std::string_view, std::int64_t> kLimits = {
      {"CHAR_MIN", -128},
      {"CHAR_MAX", 127},
      {"SCHAR_MIN", -128},
      {"SCHAR_MAX", 127},
      {"UCHAR_MAX", 255},
      {"SHRT_MIN", -32'768},
      {"SHRT_MAX", 32'767},
      {"USHRT_MAX", 65'535},
      {"INT_MIN", -2'147'483'648},
      {"INT_MAX", 2'147'483'647},
      {"UINT_MAX", 4'294'967'295},
      {"LONG_MIN", Limits::min()},
      {"LONG_MAX", Limits::max()},
      {"LLONG_MIN", Limits::min()},
      {"LLONG_MAX", Limits::max()},
      {"INT8_MIN", -128},
      {"INT8_MAX", 127},
      {"UINT8_MAX", 255},
      {"INT16_MIN", -32'768},
      {"INT16_MAX", 32'767},
      {"UINT16_MAX", 65'535},
      {"INT32_MIN", -2'147'483'648},
      {"INT32_MAX", 2'147'483'647},
      {"UINT32_MAX", 4'294'967'295},
      {"INT64_MIN", Limits::min()},
      {"INT64_MAX", Limits::max()},
      {"RAND_MAX", 2'147'483'647},
  };
  const auto found = kLimits.find(name);
  return found == kLimits.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

/// C: what only one file sets is what it sets to; another file may set what is neither static nor constant.
bool FlowLowering::is_certain(NodeIndex value) const {
  const NodeIndex definition = at(value).parent;
  if (!pointers_ || definition == kNoNode) return true;
  if (at(definition).kind == Kind::Assign) return false;
  if (at(definition).kind != Kind::VarDef) return true;
  bool own = false;
  each(definition, [&](NodeIndex c) {
    if (at(c).kind != Kind::Modifier) return;
    const std::string_view word = file_.atoms().text(at(c).atom);
    own |= word == "static" || word == "const" || word == "constexpr";
  });
  return own;
}

Slot FlowLowering::read(NodeIndex n) {
  const Atom atom = at(n).atom;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (const auto found = scope->names.find(atom); found != scope->names.end()) return found->second;
  // `#define LINE buffer`: the variable that the macro means where it is named.
  if (const Atom behind = file_.name_behind_macro(atom); behind != kNoAtom)
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto found = scope->names.find(behind); found != scope->names.end()) return found->second;
  const bool is_field = body_.receiver != kNoSlot && is_field_of_class(atom);
  if (is_field || !body_.is_module)
    if (const NodeIndex value = file_.constant(n);
        value != kNoNode && marks_of(value) == nullptr && at(value).kind != Kind::Binary && is_certain(value))
      return literal(value);
  if (!is_field && !body_.is_module)
    if (const Macro* macro = file_.macro(file_.atoms().text(atom)); macro != nullptr && !macro->is_function)
      if (const auto value = integer_of_macro(macro->body)) return integer(n, *value);
  if (pointers_)
    if (const auto value = limit_of(file_.atoms().text(atom))) return integer(n, *value);
  if (is_field) {
    FlowOp& op = emit(FlowWhat::Field, n);
    op.a = body_.receiver;
    op.name = name(atom);
    return op.dst = temporary();
  }
  return free_variable(atom, n);
}

/// `s.x` of a structure that only this function sees: its address isn't taken.
std::optional<Slot> FlowLowering::member_slot(NodeIndex member) {
  if (!pointers_ || ir_.language != source::Language::C || body_.is_module || at(member).kind != Kind::Member ||
      (at(member).flags & kFlagArrow) != 0)
    return std::nullopt;
  const NodeIndex object = child(member, Role::Object);
  if (object == kNoNode || at(object).kind != Kind::Name || addressed_.contains(at(object).atom)) return std::nullopt;
  for (auto scope = scopes_.rbegin(); scope + 1 != scopes_.rend(); ++scope) {
    const auto found = scope->names.find(at(object).atom);
    if (found == scope->names.end()) continue;
    const Atom part = is_union(object) ? kNoAtom : at(member).atom;
    const auto [slot, added] = members_.try_emplace({found->second, part}, 0);
    if (added) slot->second = variable();
    return slot->second;
  }
  return std::nullopt;
}

/// Another structure was put into the variable, or it came to be again.
void FlowLowering::forget_members(Slot of, NodeIndex n) {
  for (auto member = members_.lower_bound({of, 0}); member != members_.end() && member->first.first == of; ++member)
    emit(FlowWhat::Forget, n).dst = member->second;
}

bool FlowLowering::is_union(NodeIndex name) const {
  const NodeIndex type = file_.declared_type(name);
  if (type == kNoNode) return false;
  for (const NodeIndex n : file_.nodes(Kind::Class)) {
    if (at(n).sub != static_cast<std::uint8_t>(ClassSub::Union)) continue;
    const NodeIndex alias = at(n).parent;
    if (at(n).atom == at(type).atom ||
        (alias != kNoNode && at(alias).kind == Kind::TypeAlias && at(alias).atom == at(type).atom))
      return true;
  }
  return false;
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
  for (NodeIndex n = function; pointers_ && !body_.is_module && n < node.subtree_end; ++n)
    if (at(n).kind == Kind::AddressOf)
      if (const NodeIndex what = ir_.first_child(n); what != kNoNode && at(what).kind == Kind::Name)
        addressed_.insert(at(what).atom);
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

void add_macro_functions(const FileIndex& file, FlowMemory memory, FlowFile& flow) {
  FlowNames names(flow);
  const Ir& ir = file.ir();
  for (NodeIndex n = 1; n < ir.nodes.size(); ++n) {
    if (!is_named_function(ir, n) || (ir[n].flags & kFlagNearError) != 0) continue;
    flow.bodies.push_back(FlowLowering(file, {}, memory, flow, names).run(n));
    flow.bodies.back().is_macro = true;
  }
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
