#include "flow_run.hpp"

#include <algorithm>
#include <utility>

#include "flow_models.hpp"

namespace wrench::code {

namespace {

constexpr int kCallDepthMax = 24;  ///< Summaries that wait for each other; bounds the stack.
constexpr std::size_t kSummarySinksMax = 256;
constexpr std::size_t kHopsMax = 8;
constexpr std::size_t kCalleesMax = 4;
constexpr std::uint16_t kVisitsBeforeWidening = 6;
constexpr std::uint16_t kVisitsMax = 40;  ///< Of one block; what isn't settled by then stays as it is.
constexpr std::uint32_t kOpsPerLook = 4'096;

std::string_view last_part(std::string_view path) {
  const std::size_t dot = path.find_last_of(".:");
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

/// Languages whose functions call each other.
source::Language family(source::Language language) {
  switch (language) {
    case source::Language::TypeScript:
    case source::Language::Tsx:
      return source::Language::JavaScript;
    case source::Language::Cpp:
      return source::Language::C;
    default:
      return language;
  }
}

}  // namespace

/// One body from its entry to a fixed point.
class BodyRun {
 public:
  BodyRun(FlowAnalysis& analysis, FlowAnalysis::BodyRef ref, int depth)
      : analysis_(analysis),
        ref_(ref),
        file_(analysis.file(ref.unit)),
        pool_(analysis.pool_),
        body_(analysis.body(ref)),
        depth_(depth),
        temporaries_(body_.temporaries, kUnknown) {}

  /// False when there was no time for it.
  bool run(FlowAnalysis::Summary& summary) {
    if (body_.blocks.empty()) return true;
    order();
    entries_.resize(body_.blocks.size());
    visits_.assign(body_.blocks.size(), 0);
    state_.assign(body_.variables, kUnknown);
    begin();
    entries_[0] = state_;
    std::vector<bool> waiting(body_.blocks.size(), false);
    waiting[0] = true;
    // In reverse post-order: most blocks are seen after all that lead to them.
    for (bool more = true; more;) {
      more = false;
      for (const BlockIndex block : order_) {
        if (!waiting[block]) continue;
        waiting[block] = false;
        if (!visit(block, waiting)) return false;
        more = true;
      }
    }
    summary.returned = returned_.value_or(kUnknown);
    summary.sinks = std::move(sinks_);
    summary.conditions = std::move(conditions_);
    return true;
  }

  /// The module's names once it has run.
  void export_globals() {
    for (const FlowFree& global : body_.globals)
      if (exit_) analysis_.globals_[ref_.unit][global.name] = (*exit_)[global.slot];
  }

 private:
  ValueId get(Slot slot) const {
    if (slot == kNoSlot) return kUnknown;
    return is_temporary(slot) ? temporaries_[slot & ~kTemporary] : state_[slot];
  }
  void set(Slot slot, ValueId value) {
    if (slot == kNoSlot) return;
    (is_temporary(slot) ? temporaries_[slot & ~kTemporary] : state_[slot]) = value;
  }

  void order() {
    std::vector<std::uint8_t> seen(body_.blocks.size(), 0);
    struct Open {
      BlockIndex block;
      std::uint32_t next;
    };
    std::vector<Open> open{{0, 0}};
    seen[0] = 1;
    while (!open.empty()) {
      Open& top = open.back();
      const FlowBlock& block = body_.blocks[top.block];
      const BlockIndex to = successor(block, top.next++);
      if (to == kNoBlock) {
        if (top.next > 2 + block.end_edge - block.first_edge) {
          order_.push_back(top.block);
          open.pop_back();
        }
        continue;
      }
      if (seen[to]) continue;
      seen[to] = 1;
      open.push_back({to, 0});
    }
    std::reverse(order_.begin(), order_.end());
  }
  BlockIndex successor(const FlowBlock& block, std::uint32_t i) const {
    if (i == 0) return block.when_true;
    if (i == 1) return block.when_false;
    return block.first_edge + i - 2 < block.end_edge ? body_.edges[block.first_edge + i - 2] : kNoBlock;
  }

  void begin() {
    Origin origin = 0;
    if (body_.receiver != kNoSlot) state_[body_.receiver] = pool_.carrying({{0, kAllLabels}});
    for (const FlowParam& param : body_.params)
      state_[param.slot] = typed(pool_.carrying({{++origin, kAllLabels}}), param.type);
    for (const FlowFree& free : body_.free) {
      const auto& globals = analysis_.globals_[ref_.unit];
      const auto global = globals.find(free.name);
      if (global == globals.end()) continue;
      state_[free.slot] = free.one_value ? global->second : pool_.with_taint(kUnknown, pool_.taint_id(global->second));
    }
  }

  bool visit(BlockIndex at, std::vector<bool>& waiting) {
    const FlowBlock& block = body_.blocks[at];
    state_ = entries_[at];
    ++visits_[at];
    for (std::uint32_t i = block.first_op; i < block.end_op; ++i) {
      if (++steps_ % kOpsPerLook == 0 && analysis_.budget_.spent()) return false;
      if (!step(body_.ops[i])) return true;  // Can't happen, or nothing follows.
    }
    const FlowLiteral* decided = block.condition == kNoSlot ? nullptr : truth(get(block.condition));
    if (block.when_true != kNoBlock && (decided == nullptr || decided->integer != 0)) enter(block.when_true, waiting);
    if (block.when_false != kNoBlock && (decided == nullptr || decided->integer == 0)) enter(block.when_false, waiting);
    for (std::uint32_t e = block.first_edge; e < block.end_edge; ++e) enter(body_.edges[e], waiting);
    if (body_.is_module && block.when_true == kNoBlock && block.first_edge == block.end_edge) leave();
    return true;
  }

  /// The condition's value when all that it may be agrees.
  const FlowLiteral* truth(ValueId value) {
    const FlowLiteral* only = pool_.only(value);
    return only != nullptr && only->what == FlowLiteral::What::Bool ? only : nullptr;
  }

  void leave() {
    if (!exit_) {
      exit_ = state_;
      return;
    }
    for (std::size_t i = 0; i < state_.size(); ++i) (*exit_)[i] = pool_.join((*exit_)[i], state_[i]);
  }

  void enter(BlockIndex to, std::vector<bool>& waiting) {
    FlowAnalysis::State& entry = entries_[to];
    if (entry.empty() && body_.variables > 0) {
      entry = state_;
      waiting[to] = true;
      return;
    }
    if (body_.variables == 0 && visits_[to] == 0) waiting[to] = true;
    if (visits_[to] >= kVisitsMax) return;
    const bool widen = visits_[to] >= kVisitsBeforeWidening;
    bool changed = false;
    for (std::size_t i = 0; i < entry.size(); ++i) {
      const ValueId joined = widen ? pool_.widen(entry[i], state_[i]) : pool_.join(entry[i], state_[i]);
      if (joined == entry[i]) continue;
      entry[i] = joined;
      changed = true;
    }
    if (changed) waiting[to] = true;
  }

  // --- operations

  ValueId typed(ValueId value, std::uint32_t type) {
    if (type == kNoName || !pool_.carries(value)) return value;
    const std::string_view text = file_.names[type];
    LabelMask lost = 0;
    if (is_number_type(text)) lost |= analysis_.safety_.numbers;
    if (is_boolean_type(text)) lost |= analysis_.safety_.booleans;
    return lost == 0 ? value : pool_.keep_labels(value, ~lost);
  }

  ValueId united(ValueId value, ValueId with, LabelMask kept) {
    return pool_.with_taint(value, pool_.unite(pool_.taint_id(value), pool_.keep(pool_.taint_id(with), kept)));
  }

  bool step(const FlowOp& op) {
    const FlowSafety& safety = analysis_.safety_;
    switch (op.what) {
      case FlowWhat::Literal:
        set(op.dst, pool_.constant(file_.literals[op.a]));
        return true;
      case FlowWhat::Copy:
        set(op.dst, typed(get(op.a), op.name));
        return true;
      case FlowWhat::Field:
        set(op.dst, pool_.part(get(op.a), pool_.selector(file_.names[op.name])));
        return true;
      case FlowWhat::SetField:
        set(op.a, pool_.set_part(get(op.a), pool_.selector(file_.names[op.name]), get(op.b)));
        return true;
      case FlowWhat::Element: {
        ValuePool::Selector selector = 0;
        const ValueId of = get(op.a), key = get(op.b);
        ValueId value =
            op.b != kNoSlot && pool_.selector_of(key, selector) ? pool_.part(of, selector) : pool_.any_part(of);
        if (op.b != kNoSlot) value = united(value, key, ~safety.indexes);
        set(op.dst, value);
        return true;
      }
      case FlowWhat::SetElement: {
        ValuePool::Selector selector = 0;
        const ValueId of = get(op.a);
        set(op.a, op.b != kNoSlot && pool_.selector_of(get(op.b), selector) ? pool_.set_part(of, selector, get(op.c))
                                                                            : pool_.set_any_part(of, get(op.c)));
        return true;
      }
      case FlowWhat::Operate:
        operation(op);
        return true;
      case FlowWhat::Call:
        call(op);
        return true;
      case FlowWhat::Build:
        build(op);
        return true;
      case FlowWhat::Concat:
        concat(op);
        return true;
      case FlowWhat::Join: {
        ValueId value = kUnknown;
        for (std::uint32_t i = 0; i < op.args_count; ++i) {
          const ValueId arg = get(body_.args[op.args_first + i].slot);
          value = i == 0 ? arg : pool_.join(value, arg);
        }
        set(op.dst, value);
        return true;
      }
      case FlowWhat::Iterate:
        set(op.dst, pool_.any_part(get(op.a)));
        return true;
      case FlowWhat::Mark:
        mark(op);
        return true;
      case FlowWhat::Propagate: {
        const FlowMark& mark = mark_of(op);
        const ValueId from = get(op.a);
        if (mark.required && !mark.required(own_labels(from))) return true;
        Taint carried = pool_.taint(from);
        for (Carried& one : carried) {
          one.labels &= mark.labels;
          if (one.labels != 0 && mark.becomes != 0) one.labels = mark.becomes;
        }
        std::erase_if(carried, [](const Carried& one) { return one.labels == 0; });
        const ValueId to = get(op.dst);
        set(op.dst, pool_.with_taint(to, pool_.unite(pool_.taint_id(to), pool_.taint_id(pool_.carrying(carried)))));
        return true;
      }
      case FlowWhat::Refine:
        return refine(op);
      case FlowWhat::Declare:
      case FlowWhat::AddressOf:
      case FlowWhat::Forget:
        set(op.dst, kUnknown);
        return true;
      case FlowWhat::Return: {
        const ValueId value = get(op.a);
        returned_ = returned_ ? pool_.join(*returned_, value) : value;
        return true;
      }
      case FlowWhat::Throw:
        return true;
    }
    return true;
  }

  void operation(const FlowOp& op) {
    const FlowSafety& safety = analysis_.safety_;
    const ValueId a = get(op.a), b = get(op.b);
    ValueId value = operate(pool_, op.op, a, op.b == kNoSlot ? std::nullopt : std::optional<ValueId>(b));
    LabelMask kept = ~safety.only_assignments;
    switch (op.op) {
      case Op::Eq:
      case Op::NotEq:
      case Op::StrictEq:
      case Op::StrictNotEq:
      case Op::Less:
      case Op::LessEq:
      case Op::Greater:
      case Op::GreaterEq:
      case Op::In:
      case Op::NotIn:
      case Op::Is:
      case Op::IsNot:
      case Op::Instanceof:
        kept &= ~(safety.comparisons | safety.booleans);
        break;
      case Op::Not:
        kept &= ~safety.booleans;
        break;
      case Op::Div:
        // In Python it also joins paths, and what a text can't do needs no cleaning.
        if (file_.language != source::Language::Python) kept &= ~safety.numbers;
        break;
      case Op::Sub:
      case Op::Mul:
      case Op::SizeOf:
        kept &= ~safety.numbers;
        break;
      default:
        break;
    }
    value = united(value, a, kept);
    if (op.b != kNoSlot) value = united(value, b, kept);
    set(op.dst, value);
  }

  void build(const FlowOp& op) {
    std::vector<ValueId> parts;
    bool keyed = op.args_count == 0, spread = false;
    for (std::uint32_t i = 0; i < op.args_count; ++i) {
      const FlowArg& arg = body_.args[op.args_first + i];
      keyed |= arg.name != kNoName;
      spread |= arg.spread;
      parts.push_back(get(arg.slot));
    }
    ValueId value = pool_.list_of(parts);
    if (keyed || spread) {
      ValueId record = pool_.without_parts(value);
      ValuePool::Parts none;
      record = pool_.with_parts(record, none);
      const auto taint = pool_.taint_id(value);
      for (std::uint32_t i = 0; i < op.args_count; ++i) {
        const FlowArg& arg = body_.args[op.args_first + i];
        record = arg.name == kNoName ? pool_.set_any_part(record, arg.spread ? pool_.any_part(parts[i]) : parts[i])
                                     : pool_.set_part(record, pool_.selector(file_.names[arg.name]), parts[i]);
      }
      value = pool_.with_taint(record, taint);
    }
    set(op.dst, pool_.keep_labels(value, ~analysis_.safety_.only_assignments));
  }

  void concat(const FlowOp& op) {
    ValueId value = pool_.constant({FlowLiteral::What::Text, 0, {}});
    auto taint = pool_.taint_id(kUnknown);
    for (std::uint32_t i = 0; i < op.args_count; ++i) {
      const ValueId part = get(body_.args[op.args_first + i].slot);
      value = operate(pool_, Op::Add, value, part);
      taint = pool_.unite(taint, pool_.taint_id(part));
    }
    set(op.dst, pool_.with_taint(value, pool_.keep(taint, ~analysis_.safety_.only_assignments)));
  }

  void mark(const FlowOp& op) {
    const FlowMark& mark = mark_of(op);
    const ValueId value = get(op.a);
    switch (mark.what) {
      case FlowMark::What::Source: {
        const Origin source = analysis_.first_source_[ref_.unit] + op.name;
        if (mark.required) {
          if (mark.required(own_labels(value)))
            make_certain(source);
          else if (!depends(source, mark.needed, value))
            break;
        }
        const auto taint = pool_.add(pool_.taint_id(value), {source, mark.labels});
        // What a source gives is anything; a new value covers what was known of its parts.
        set(op.dst, pool_.with_taint(kUnknown, taint));
        return;
      }
      case FlowMark::What::Sanitizer:
        set(op.dst, pool_.keep_labels(value, ~mark.labels));
        return;
      case FlowMark::What::Sink:
        look({ref_.unit, op.name}, mark, value, {});
        break;
      case FlowMark::What::Propagator:
        break;
    }
    set(op.dst, value);
  }

  /// What comes from sources. A parameter carries all labels, which says nothing of what a caller gives.
  LabelMask own_labels(ValueId value) const {
    LabelMask out = 0;
    for (const Carried& one : pool_.taint(value))
      if (one.origin >= kSourceOrigins) out |= one.labels;
    return out;
  }

  bool is_conditional(Origin source) const {
    return std::any_of(conditions_.begin(), conditions_.end(),
                       [&](const FlowAnalysis::Condition& one) { return one.source == source; });
  }

  /// Whether a parameter in the value may bring one of the labels that make the source one; it is one for callers then.
  bool depends(Origin source, LabelMask needed, ValueId value) {
    const bool certain = std::find(certain_.begin(), certain_.end(), source) != certain_.end();
    bool any = false;
    for (const Carried& one : pool_.taint(value)) {
      if (one.origin >= kSourceOrigins || (one.labels & needed) == 0) continue;
      any = true;
      if (certain) continue;
      const auto same = [&](const FlowAnalysis::Condition& old) {
        return old.source == source && old.param == one.origin;
      };
      if (const auto old = std::find_if(conditions_.begin(), conditions_.end(), same); old != conditions_.end())
        old->labels |= one.labels & needed;
      else if (conditions_.size() < kSummarySinksMax)
        conditions_.push_back({source, one.origin, one.labels & needed});
    }
    return any;
  }

  /// The source is one here, whatever callers give.
  void make_certain(Origin source) {
    std::erase_if(conditions_, [&](const FlowAnalysis::Condition& one) { return one.source == source; });
    if (std::find(certain_.begin(), certain_.end(), source) == certain_.end()) certain_.push_back(source);
  }

  /// Whether what the callee returns from this source is from one, with what is given to it here.
  bool holds_here(FlowAnalysis::BodyRef callee, const FlowOp& op, const ModelCall& call,
                  const FlowAnalysis::Summary& summary, Origin source) {
    bool conditional = false, holds = false;
    for (const FlowAnalysis::Condition& condition : summary.conditions) {
      if (condition.source != source) continue;
      conditional = true;
      const ValueId arg = argument(callee, op, call, condition.param);
      if ((own_labels(arg) & condition.labels) != 0) {
        make_certain(source);
        holds = true;
      } else {
        holds |= depends(source, condition.labels, arg);
      }
    }
    return !conditional || holds;
  }

  const FlowMark& mark_of(const FlowOp& op) const { return analysis_.mark({ref_.unit, op.name}); }

  void look(FlowMarkRef sink, const FlowMark& mark, ValueId value, const std::vector<FlowHop>& hops) {
    const LabelMask carried = pool_.labels(value) & mark.labels;
    if (carried == 0) return;
    bool met = true;
    if (mark.required) met = mark.required(own_labels(value) & mark.labels);
    for (const Carried& one : pool_.taint(value)) {
      const LabelMask labels = one.labels & mark.labels;
      if (labels == 0) continue;
      if (one.origin < kSourceOrigins) {
        if (!mark.required) add_entry({one.origin, labels, sink, false, hops});
      } else if (met && !is_conditional(one.origin)) {
        analysis_.add_hit(sink, analysis_.source_of(one.origin), hops);
      } else if (met) {
        for (const FlowAnalysis::Condition& condition : conditions_)
          if (condition.source == one.origin) add_entry({condition.param, condition.labels, sink, true, hops});
      }
    }
  }

  void add_entry(FlowAnalysis::SinkEntry entry) {
    for (FlowAnalysis::SinkEntry& old : sinks_)
      if (old.param == entry.param && old.sink == entry.sink && old.granted == entry.granted) {
        old.labels |= entry.labels;
        return;
      }
    if (sinks_.size() < kSummarySinksMax) sinks_.push_back(std::move(entry));
  }

  bool refine(const FlowOp& op) {
    const ValueId value = get(op.dst), with = get(op.b);
    const bool holds = (op.flags & kFlowNegated) == 0;
    if (op.op == Op::Eq) {
      const FlowLiteral* wanted = pool_.only(with);
      if (wanted == nullptr) return true;
      const auto& known = pool_.constants(value);
      const ValuePool::LiteralId id = pool_.constants(with).front();
      if (!known.empty()) {
        const bool possible = std::find(known.begin(), known.end(), id) != known.end();
        if (holds && !possible && comparable(known, *wanted)) return false;
        if (!holds && known.size() == 1 && possible) return false;
      }
      if (holds && wanted->what != FlowLiteral::What::Null) set(op.dst, with);
      return true;
    }
    if (op.op == Op::In && holds) {
      // A list of constants: whatever it is now, it was written by the author.
      const ValuePool::Parts* parts = pool_.parts(with);
      if (parts == nullptr || parts->known.empty() || pool_.carries(with) || parts->rest != kUnknown) return true;
      const bool constant = std::all_of(parts->known.begin(), parts->known.end(),
                                        [&](const auto& part) { return !pool_.constants(part.second).empty(); });
      if (constant) set(op.dst, kUnknown);
    }
    return true;
  }
  bool comparable(const std::vector<ValuePool::LiteralId>& known, const FlowLiteral& wanted) const {
    return std::all_of(known.begin(), known.end(),
                       [&](ValuePool::LiteralId id) { return pool_.literal(id).what == wanted.what; });
  }

  // --- calls

  void call(const FlowOp& op) {
    const FlowSafety& safety = analysis_.safety_;
    ModelCall call;
    call.path = file_.names[op.name];
    call.method = last_part(call.path);
    call.type = file_.names[op.type];
    call.constructs = (op.flags & kFlowNew) != 0;
    call.receiver = get(op.a);
    for (std::uint32_t i = 0; i < op.args_count; ++i) call.args.push_back(get(body_.args[op.args_first + i].slot));

    if (const auto known = call_model(pool_, call)) {
      if (known->receiver) set(op.a, *known->receiver);
      set(op.dst, pool_.keep_labels(known->value, ~safety.only_assignments));
      return;
    }
    if (apply_summaries(op, call)) return;
    LabelMask kept = ~(safety.functions | safety.only_assignments);
    if (returns_number(call.path, call.method)) kept &= ~safety.numbers;
    if (returns_boolean(call.method)) kept &= ~safety.booleans;
    ValueId value = kUnknown;
    value = united(value, call.receiver, kept);
    if (op.a == kNoSlot || !takes_positions(call.method))
      for (const ValueId arg : call.args) value = united(value, arg, kept);
    set(op.dst, value);
  }

  bool apply_summaries(const FlowOp& op, const ModelCall& call) {
    const std::vector<FlowAnalysis::BodyRef>& callees = analysis_.callees(ref_.unit, body_, op);
    if (callees.empty()) return false;
    std::optional<ValueId> result;
    for (const FlowAnalysis::BodyRef callee : callees) {
      const FlowAnalysis::Summary* summary = callee == ref_ ? nullptr : analysis_.summary(callee, depth_ + 1);
      if (summary == nullptr) return false;
      const ValueId returned = passed(callee, op, call, *summary);
      result = result ? pool_.join(*result, returned) : returned;
      for (const FlowAnalysis::SinkEntry& entry : summary->sinks) {
        const ValueId arg = argument(callee, op, call, entry.param);
        if (!pool_.carries(arg) || entry.hops.size() >= kHopsMax) continue;
        std::vector<FlowHop> hops{{ref_.unit, op.first, op.name}};
        hops.insert(hops.end(), entry.hops.begin(), entry.hops.end());
        FlowMark mark = analysis_.mark(entry.sink);
        mark.labels &= entry.labels;
        if (entry.granted) mark.required = nullptr;
        look(entry.sink, mark, arg, hops);
      }
    }
    set(op.dst, *result);
    return true;
  }

  /// The callee's value seen from here: its parameters are our arguments.
  ValueId passed(FlowAnalysis::BodyRef callee, const FlowOp& op, const ModelCall& call,
                 const FlowAnalysis::Summary& summary) {
    const ValueId value = summary.returned;
    auto taint = pool_.taint_id(kUnknown);
    for (const Carried& one : Taint(pool_.taint(value))) {
      if (one.origin >= kSourceOrigins) {
        if (holds_here(callee, op, call, summary, one.origin)) taint = pool_.add(taint, one);
      } else
        taint = pool_.unite(taint, pool_.keep(pool_.taint_id(argument(callee, op, call, one.origin)), one.labels));
    }
    return pool_.with_taint(pool_.without_parts(value), taint);
  }

  ValueId argument(FlowAnalysis::BodyRef callee, const FlowOp& op, const ModelCall& call, Origin param) {
    if (param == 0) return call.receiver;
    const FlowBody& body = analysis_.body(callee);
    if (param > body.params.size()) return kUnknown;
    const FlowParam& wanted = body.params[param - 1];
    const std::string& name = analysis_.file(callee.unit).names[wanted.name];
    ValueId value = kUnknown;
    std::uint32_t position = 0;
    for (std::uint32_t i = 0; i < op.args_count; ++i) {
      const FlowArg& arg = body_.args[op.args_first + i];
      bool here = arg.spread;
      if (arg.name != kNoName)
        here |= file_.names[arg.name] == name;
      else
        here |= position == param - 1 || (wanted.variadic && position >= param - 1);
      if (arg.name == kNoName) ++position;
      if (here) value = united(value, call.args[i], kAllLabels);
    }
    return value;
  }

  FlowAnalysis& analysis_;
  FlowAnalysis::BodyRef ref_;
  const FlowFile& file_;
  ValuePool& pool_;
  const FlowBody& body_;
  int depth_;
  FlowAnalysis::State state_;
  std::vector<ValueId> temporaries_;
  std::vector<FlowAnalysis::State> entries_;
  std::vector<std::uint16_t> visits_;
  std::vector<BlockIndex> order_;
  std::optional<ValueId> returned_;
  std::optional<FlowAnalysis::State> exit_;
  std::vector<FlowAnalysis::SinkEntry> sinks_;
  std::vector<FlowAnalysis::Condition> conditions_;
  std::vector<Origin> certain_;  ///< Sources that need nothing of a caller.
  std::uint32_t steps_ = 0;
};

FlowAnalysis::FlowAnalysis(std::vector<FlowUnit> units, FlowSafety safety, CpuBudget budget)
    : units_(std::move(units)), safety_(safety), budget_(std::move(budget)), globals_(units_.size()) {
  Origin next = kSourceOrigins;
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    first_source_.push_back(next);
    next += static_cast<Origin>(units_[unit].marks->size());
    const FlowFile& flow = file(unit);
    summaries_.emplace_back(flow.bodies.size());
    for (std::uint32_t i = 0; i < flow.bodies.size(); ++i)
      if (flow.bodies[i].name != kNoName) by_name_[flow.names[flow.bodies[i].name]].push_back({unit, i});
  }
}

FlowMarkRef FlowAnalysis::source_of(Origin origin) const {
  const auto after = std::upper_bound(first_source_.begin(), first_source_.end(), origin);
  const auto unit = static_cast<std::uint32_t>(after - first_source_.begin() - 1);
  return {unit, origin - first_source_[unit]};
}

/// Whether anything begins or ends in the file; other files are looked at when they are called.
bool FlowAnalysis::is_useful(std::uint32_t unit) const {
  return std::any_of(units_[unit].marks->begin(), units_[unit].marks->end(), [](const FlowMark& mark) {
    return mark.labels != 0 && (mark.what == FlowMark::What::Source || mark.what == FlowMark::What::Sink);
  });
}

std::vector<FlowHit> FlowAnalysis::run(FlowScope scope) {
  if (scope == FlowScope::BetweenFiles) {
    for (const BodyRef ref : crossing_bodies()) summary(ref, 0);
  } else {
    for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
      if (!is_useful(unit)) continue;
      for (std::uint32_t i = 0; i < file(unit).bodies.size(); ++i) summary({unit, i}, 0);
    }
  }
  std::sort(hits_.begin(), hits_.end(), [](const FlowHit& a, const FlowHit& b) {
    return a.sink != b.sink ? a.sink < b.sink : a.source < b.source;
  });
  return std::move(hits_);
}

const FlowAnalysis::Summary* FlowAnalysis::summary(BodyRef ref, int depth) {
  Summary& found = summaries_[ref.unit][ref.body];
  if (found.done) return &found;
  // Recursion, or a chain of calls that is too long: not known yet.
  if (found.started || depth > kCallDepthMax) return nullptr;
  run_body(ref, depth);
  return &found;
}

void FlowAnalysis::run_body(BodyRef ref, int depth) {
  const FlowBody& code = body(ref);
  Summary& summary = summaries_[ref.unit][ref.body];
  summary.started = true;
  // What functions read of their module is there when it has been loaded.
  if (!code.is_module && !summaries_[ref.unit].front().started) run_body({ref.unit, 0}, depth);
  Summary out;
  bool whole = !code.cut && !budget_.spent();
  if (whole) {
    BodyRun run(*this, ref, depth);
    whole = run.run(out);
    if (code.is_module) run.export_globals();
  }
  if (!whole) {
    cut_.emplace_back(ref.unit, code.name);
    // Opaque: what goes in comes out.
    Taint all{{0, kAllLabels}};
    for (std::size_t i = 0; i < code.params.size(); ++i) all.push_back({static_cast<Origin>(i + 1), kAllLabels});
    out.returned = pool_.carrying(std::move(all));
  }
  out.started = out.done = true;
  summary = std::move(out);
}

bool FlowAnalysis::fits(std::uint32_t unit, const FlowBody& caller, const FlowOp& call, std::string_view path,
                        BodyRef candidate) const {
  const FlowFile& here = file(unit);
  const FlowFile& there = file(candidate.unit);
  if (family(here.language) != family(there.language)) return false;
  const bool same_file = unit == candidate.unit;
  const std::string_view class_name = there.names[body(candidate).class_name];
  const std::string_view own_class = here.names[caller.class_name];
  const std::string_view method = last_part(path);
  if (path.size() == method.size()) {
    if ((call.flags & kFlowLocal) != 0 && same_file) return class_name.empty() || class_name == own_class;
    // C has no modules: a function is called by its name alone.
    return !same_file && class_name.empty() && family(here.language) == source::Language::C;
  }
  const std::string_view before = path.substr(0, path.size() - method.size() - 1);
  if (before == "this" || before == "self" || before == "cls") return same_file && class_name == own_class;
  const std::string_view owner = last_part(before), type = last_part(here.names[call.type]);
  if (!class_name.empty()) return class_name == type || class_name == owner;
  return !same_file && there.module == owner;
}

std::size_t FlowAnalysis::CallKindHash::operator()(const CallKind& kind) const {
  std::uint64_t hash = kind.unit;
  for (const std::uint32_t part : {kind.name, kind.type, kind.caller_class, kind.arguments, kind.flags})
    hash = (hash ^ part) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

const std::vector<FlowAnalysis::BodyRef>& FlowAnalysis::callees(std::uint32_t unit, const FlowBody& caller,
                                                                const FlowOp& call) {
  const auto [known, is_new] =
      callees_.try_emplace(CallKind{unit, call.name, call.type, caller.class_name, call.args_count, call.flags});
  if (is_new) known->second = find_callees(unit, caller, call);
  return known->second;
}

std::vector<FlowAnalysis::BodyRef> FlowAnalysis::find_callees(std::uint32_t unit, const FlowBody& caller,
                                                              const FlowOp& call) const {
  std::vector<BodyRef> out;
  if (call.name == kNoName || (call.flags & kFlowNew) != 0) return out;
  const std::string_view path = file(unit).names[call.name], method = last_part(path);
  const auto named = by_name_.find(method);
  if (named == by_name_.end()) return out;
  // What the file itself has comes before what other files call the same.
  for (const bool here : {true, false}) {
    for (const BodyRef candidate : named->second) {
      if ((candidate.unit == unit) != here || !fits(unit, caller, call, path, candidate)) continue;
      out.push_back(candidate);
      if (out.size() > kCalleesMax) return {};
    }
    if (!out.empty()) break;
  }
  // A method that only one class has, called with as many arguments.
  if (out.empty() && path.size() != method.size() && call.type == kNoName && named->second.size() == 1) {
    const BodyRef ref = named->second.front();
    const FlowBody& only = body(ref);
    if (ref.unit == unit && only.class_name != kNoName && only.params.size() == call.args_count && call.args_count > 0)
      out.push_back(ref);
  }
  return out;
}

std::vector<FlowReached> FlowAnalysis::reached(const std::vector<bool>& counts) {
  std::vector<FlowReached> out;
  std::vector<std::vector<bool>> known;
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    const auto& bodies = file(unit).bodies;
    known.emplace_back(bodies.size());
    if (!counts[unit]) continue;
    for (std::uint32_t i = 0; i < bodies.size(); ++i) {
      const bool source = std::any_of(bodies[i].ops.begin(), bodies[i].ops.end(), [&](const FlowOp& op) {
        return op.what == FlowWhat::Mark && mark({unit, op.name}).what == FlowMark::What::Source;
      });
      if (!source) continue;
      known[unit][i] = true;
      out.push_back({unit, i, unit, i});
    }
  }
  for (std::size_t at = 0; at < out.size() && !budget_.spent(); ++at) {
    const FlowReached from = out[at];
    const FlowBody& caller = body({from.unit, from.body});
    for (const FlowOp& op : caller.ops) {
      if (op.what != FlowWhat::Call) continue;
      for (const BodyRef callee : callees(from.unit, caller, op)) {
        if (known[callee.unit][callee.body]) continue;
        known[callee.unit][callee.body] = true;
        out.push_back({callee.unit, callee.body, from.from_unit, from.from_body});
      }
    }
  }
  return out;
}

void FlowAnalysis::add_hit(FlowMarkRef sink, FlowMarkRef source, std::vector<FlowHop> hops) {
  const auto [found, added] = hit_index_.try_emplace({sink, source}, hits_.size());
  if (added)
    hits_.push_back({sink, source, std::move(hops)});
  else if (hops.size() < hits_[found->second].hops.size())
    hits_[found->second].hops = std::move(hops);
}

}  // namespace wrench::code
