#include "taint_facts.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "wrench/codec/record.hpp"

namespace wrench::source {

constexpr Language last_of(Language) { return Language::Text; }

}  // namespace wrench::source

namespace wrench::code {

using codec::RecordOf;

constexpr FlowWhat last_of(FlowWhat) { return FlowWhat::Throw; }
constexpr Op last_of(Op) { return Op::SpaceShip; }
constexpr FlowLiteral::What last_of(FlowLiteral::What) { return FlowLiteral::What::Other; }
constexpr FlowMark::What last_of(FlowMark::What) { return FlowMark::What::Propagator; }

namespace {

/// Raised when the order or the meaning of the fields changes.
constexpr std::uint32_t kVersion = 2;

constexpr std::uint32_t kSlotsMax = 16 * kFlowOpsMax;  ///< Of either kind in a body.

/// A metavariable of a source.
struct MetavarRecord {
  std::string name, text;
};
template <class Archive, RecordOf<MetavarRecord> M>
void fields(Archive& archive, M& m) {
  archive(m.name, m.text);
}

struct PlaceRecord {
  std::uint32_t line = 0, col = 0, end_line = 0, end_col = 0;
  std::uint64_t first = 0, end = 0;
  std::string finding, tokens;
  std::vector<MetavarRecord> metavars;
};
template <class Archive, RecordOf<PlaceRecord> P>
void fields(Archive& archive, P& p) {
  archive(p.line, p.col, p.first, p.end_line, p.end_col, p.end, p.finding, p.tokens, p.metavars);
}

/// Slots and blocks: none is zero, temporaries are odd. Most operations have two operands, and the rest is one byte
/// each.
template <class Archive, class... Numbers>
void packed(Archive& archive, Numbers&... numbers) {
  const auto one = [&](auto& number) {
    std::uint32_t bits = std::rotl(number + 1, 1);
    archive(bits);
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(number)>>) number = std::rotr(bits, 1) - 1;
  };
  (one(numbers), ...);
}

}  // namespace

template <class Archive, RecordOf<FlowOp> O>
void fields(Archive& archive, O& o) {
  archive(o.what, o.op, o.flags, o.name, o.type, o.args_first, o.args_count, o.first);
  packed(archive, o.dst, o.a, o.b, o.c);
}
template <class Archive, RecordOf<FlowArg> A>
void fields(Archive& archive, A& a) {
  archive(a.name, a.spread);
  packed(archive, a.slot);
}
template <class Archive, RecordOf<FlowBlock> B>
void fields(Archive& archive, B& b) {
  archive(b.first_op, b.end_op, b.first_edge, b.end_edge);
  packed(archive, b.condition, b.when_true, b.when_false);
}
template <class Archive, RecordOf<FlowParam> P>
void fields(Archive& archive, P& p) {
  archive(p.slot, p.name, p.type, p.variadic);
}
template <class Archive, RecordOf<FlowFree> F>
void fields(Archive& archive, F& f) {
  archive(f.slot, f.name, f.one_value);
}
template <class Archive, RecordOf<FlowBody> B>
void fields(Archive& archive, B& b) {
  archive(b.name, b.class_name, b.first, b.end, b.is_module, b.is_static, b.cut, b.variables, b.temporaries, b.params,
          b.free, b.globals, b.ops, b.args, b.blocks, b.edges);
  packed(archive, b.receiver);
}
template <class Archive, RecordOf<FlowLiteral> L>
void fields(Archive& archive, L& l) {
  archive(l.what, l.integer, l.text);
}
template <class Archive, RecordOf<FlowFile> F>
void fields(Archive& archive, F& f) {
  archive(f.language, f.module, f.names, f.literals, f.bodies);
}
template <class Archive, RecordOf<TaintRuleFacts> R>
void fields(Archive& archive, R& r) {
  archive(r.key, r.labels, r.options);
}
template <class Archive, RecordOf<TaintMarkFacts> M>
void fields(Archive& archive, M& m) {
  archive(m.what, m.rule, m.label, m.required, m.first, m.end);
}
template <class Archive, RecordOf<TaintUnit> U>
void fields(Archive& archive, U& u) {
  archive(u.flow, u.rules, u.marks);
}

namespace {

bool in_order(const FlowFile& flow, const FlowBody& body, std::size_t marks) {
  const auto slot = [&](Slot s) {
    return s == kNoSlot || (is_temporary(s) ? (s & ~kTemporary) < body.temporaries : s < body.variables);
  };
  const auto name = [&](std::uint32_t n) { return n < flow.names.size(); };
  const auto block = [&](BlockIndex b) { return b == kNoBlock || b < body.blocks.size(); };
  const auto variable = [&](const auto& v) { return v.slot < body.variables && name(v.name); };
  // Each operation makes a few slots at most.
  if (body.variables > kSlotsMax || body.temporaries > kSlotsMax) return false;
  if (!name(body.name) || !name(body.class_name) || !slot(body.receiver) || is_temporary(body.receiver)) return false;
  if (!std::all_of(body.params.begin(), body.params.end(),
                   [&](const FlowParam& p) { return variable(p) && name(p.type); }))
    return false;
  if (!std::all_of(body.free.begin(), body.free.end(), variable)) return false;
  if (!std::all_of(body.globals.begin(), body.globals.end(), variable)) return false;
  if (!std::all_of(body.args.begin(), body.args.end(), [&](const FlowArg& a) { return slot(a.slot) && name(a.name); }))
    return false;
  if (!std::all_of(body.edges.begin(), body.edges.end(), [&](BlockIndex b) { return b < body.blocks.size(); }))
    return false;
  for (const FlowBlock& b : body.blocks)
    if (b.first_op > b.end_op || b.end_op > body.ops.size() || b.first_edge > b.end_edge ||
        b.end_edge > body.edges.size() || !slot(b.condition) || !block(b.when_true) || !block(b.when_false))
      return false;
  for (const FlowOp& op : body.ops) {
    const bool literal = op.what == FlowWhat::Literal;
    const bool mark = op.what == FlowWhat::Mark || op.what == FlowWhat::Propagate;
    if (literal ? op.a >= flow.literals.size() : !slot(op.a)) return false;
    if (mark ? op.name >= marks : !name(op.name)) return false;
    if (!slot(op.dst) || !slot(op.b) || !slot(op.c) || !name(op.type)) return false;
    if (std::uint64_t{op.args_first} + op.args_count > body.args.size()) return false;
  }
  return true;
}

bool in_order(const TaintFacts& facts) {
  const TaintUnit& unit = facts.unit;
  if (facts.places.size() != unit.marks.size() || unit.flow.names.empty()) return false;
  if (!unit.flow.bodies.empty() && !unit.flow.bodies.front().is_module) return false;
  for (const TaintMarkFacts& mark : unit.marks)
    if (mark.rule >= unit.rules.size()) return false;
  return std::all_of(unit.flow.bodies.begin(), unit.flow.bodies.end(),
                     [&](const FlowBody& body) { return in_order(unit.flow, body, unit.marks.size()); });
}

}  // namespace

std::string to_record(const TaintFacts& facts) {
  std::vector<PlaceRecord> places;
  places.reserve(facts.places.size());
  for (const TaintPlace& place : facts.places) {
    PlaceRecord record{place.start.line, place.start.col,    place.end.line,
                       place.end.col,    place.start.offset, place.end.offset,
                       place.finding,    place.tokens,       {}};
    for (const auto& [name, text] : place.metavars) record.metavars.push_back({name, text});
    places.push_back(std::move(record));
  }
  codec::RecordWriter writer;
  writer(kVersion, facts.unit, places);
  return std::move(writer).take();
}

Result<TaintFacts> taint_facts_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  std::uint32_t version = 0;
  TaintFacts facts;
  std::vector<PlaceRecord> places;
  reader(version);
  if (version != kVersion) return Error("code.facts_record_invalid", "the flow of a file is of another version");
  reader(facts.unit, places);
  for (PlaceRecord& place : places) {
    TaintPlace out{{place.line, place.col, place.first},
                   {place.end_line, place.end_col, place.end},
                   std::move(place.finding),
                   std::move(place.tokens),
                   {}};
    for (MetavarRecord& metavar : place.metavars)
      out.metavars.emplace_back(std::move(metavar.name), std::move(metavar.text));
    facts.places.push_back(std::move(out));
  }
  if (!reader.complete() || !in_order(facts))
    return Error("code.facts_record_invalid", "the flow of a file is damaged");
  return facts;
}

}  // namespace wrench::code
